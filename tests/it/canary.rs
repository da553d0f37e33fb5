//! The log of a service that is made to say everything it can: no secret, no number, no word of a call is in it.

use std::{fs::File, process::Stdio, time::Duration};

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::{
    cluster,
    deadline::eventually,
    receiver::Receiver,
    service::{Service, Settings},
};

/// What identifies people, or is theirs to keep to themselves.
const PERSONAL: [&str; 14] = [
    "4155559876",
    "4155556789",
    "canary-mail",
    "canary-record",
    "canary-word",
    "canary-reason",
    "canary-summary",
    "canary-call-id",
    "canary-stranger",
    "canary-account",
    "canary-secret",
    "canary-signing",
    "canary-other-secret",
    "canary-number",
];

/// Requests of every surface, right and wrong, all full of canaries.
async fn sing(service: &Service, key: &str) {
    let client = Client::new();
    let post = async |path: &str, body: Value| {
        let url = service.url(path);
        let sent = client.post(url).bearer_auth(key).json(&body);
        let answer = sent.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let report = json!({
        "CallId": "canary-call-id", "From": "+14155559876", "To": "+14155556789", "Direction": "outgoing",
        "email": "canary-mail@example.com", "CallStatus": "completed", "Duration": "10",
        "RecordingUrl": "https://example.com/canary-record",
    });
    for path in [
        "call-ringing",
        "call-answered?key=canary-stranger",
        "call-end",
    ] {
        post(&format!("/api/v1/voip/{path}"), report.clone()).await;
    }
    let mut wrong = report.clone();
    wrong["CallStatus"] = "canary-word".into();
    wrong["Duration"] = "canary-word".into();
    assert_eq!(post("/api/v1/voip/call-end", wrong).await.0, 400);
    // A value that only the database refuses, if anything does.
    let mut odd = report;
    odd["CallId"] = "canary-call-id\u{0}\n{\"level\":\"ERROR\"}".into();
    assert_eq!(post("/api/v1/voip/call-end", odd).await.0, 400);
    // One that is refused, and one that is answered: both hold what nobody may read in the log.
    let refused = "/calls/query?filter_columns[]=call_to&filter_values[]=%2B14155556789";
    for (list, status) in [
        (refused, "error"),
        ("/calls/query?search=canary-word", "ok"),
    ] {
        let request = client.get(service.url(list)).bearer_auth(key).send();
        let calls: Value = request.await.unwrap().json().await.unwrap();
        assert_eq!(calls["status"], status, "{calls}");
    }
    for (export, status) in [("search=canary-word", 200), ("call_to=4155556789", 400)] {
        let url = service.url(&format!("/v1/calls/export?{export}"));
        let request = client.get(url).bearer_auth(key).send();
        assert_eq!(request.await.unwrap().status(), status, "{export}");
    }
    let request = client.get(service.url("/calls/query")).bearer_auth(key);
    let calls: Value = request.send().await.unwrap().json().await.unwrap();
    let call = calls["data"][0]["id"].as_str().unwrap();
    let transcript = json!({"utterances": [
        {"speaker": "agent", "text": "canary-word, how terrible!", "begin_ms": 0, "end_ms": 900},
    ]});
    let path = service.url(&format!("/v1/calls/{call}/transcript"));
    let put = client.put(path).bearer_auth(key).json(&transcript);
    assert_eq!(put.send().await.unwrap().status(), 201);
    manage(service, &client, key).await;
    let ending = json!({"call_id": call, "disconnect_reason": "canary-reason"});
    assert_eq!(post("/calls/end", ending).await.0, 200);
    let update = json!({"call_summary": "canary-summary", "from_number": "4155559876"});
    let path = service.url(&format!("/v3/communication/voice_calls/{call}"));
    let put = client.put(path).bearer_auth(key).json(&update);
    assert_eq!(put.send().await.unwrap().status(), 422);
    trespass(service, &client).await;
}

/// A connection's whole life, and what is refused of one.
async fn manage(service: &Service, client: &Client, key: &str) {
    let ask = async |method: Method, path: &str, body: Value| {
        let sent = client.request(method, service.url(path)).bearer_auth(key);
        let answer = sent.json(&body).send().await.unwrap();
        let (status, told) = (answer.status().as_u16(), answer.text().await.unwrap());
        assert!(!told.contains("canary-"), "{told}");
        let told: Value = serde_json::from_str(&told).unwrap_or_default();
        (status, told)
    };
    let with = |secret: &str| json!({"account_sid": "canary-account", "secret": secret, "signing_secret": "canary-signing"});
    let body = json!({
        "provider": "twilio", "base_url": "http://203.0.113.1/", "credentials": with("canary-secret"), "numbers": ["+14155556789"],
    });
    assert_eq!(
        ask(Method::POST, "/v1/connections", body.clone()).await.0,
        422
    );
    let mut odd = body.clone();
    odd["credentials"]["auth_token"] = 1.into();
    odd["credentials"]["api_key_sid"] = "canary-\u{7}".into();
    odd["numbers"] = json!(["canary-number"]);
    assert_eq!(ask(Method::POST, "/v1/connections", odd).await.0, 400);
    let mut nowhere = body;
    nowhere["base_url"] = "http://127.0.0.1:9/".into();
    assert_eq!(
        ask(Method::POST, "/v1/connections?test=true", nowhere.clone())
            .await
            .0,
        422
    );
    let (status, added) = ask(Method::POST, "/v1/connections", nowhere).await;
    assert_eq!(status, 201, "{added}");
    let path = format!("/v1/connections/{}", added["id"].as_str().unwrap());
    let new = json!({"credentials": with("canary-other-secret")});
    assert_eq!(
        ask(Method::PUT, &format!("{path}/credentials"), new)
            .await
            .0,
        200
    );
    let (status, tested) = ask(Method::POST, &format!("{path}/test"), Value::Null).await;
    assert_eq!((status, &tested["outcome"]), (200, &json!("unreachable")));
    for (method, at, expected) in [
        (Method::GET, path.as_str(), 200),
        (Method::GET, "/v1/connections", 200),
        (Method::GET, "/v1/numbers", 200),
        (Method::DELETE, "/v1/numbers/+14155556789", 204),
        (Method::DELETE, &path, 204),
    ] {
        assert_eq!(ask(method, at, Value::Null).await.0, expected, "{at}");
    }
}

/// Requests that no key goes with.
async fn trespass(service: &Service, client: &Client) {
    for (path, body) in [
        (
            "/canary-stranger/4155559876?token=canary-stranger",
            "canary-word",
        ),
        ("/calls/canary-stranger", "canary-word"),
        (
            "/calls/end",
            "{\"call_id\": \"canary-stranger\", canary-word",
        ),
        (
            "/inbound/twilio/canary-stranger?From=%2B14155559876",
            "From=%2B14155559876",
        ),
    ] {
        for method in [Method::POST, Method::GET, Method::DELETE] {
            let request = client.request(method, service.url(path)).body(body);
            let request = request.header("content-type", "application/json");
            request.send().await.unwrap();
        }
    }
    for credential in [
        "Bearer canary-stranger",
        "Basic Y2FuYXJ5LXN0cmFuZ2Vy",
        "Bearer eyJhbGciOiJub25lIn0.canary-stranger.x",
    ] {
        let request = client.get(service.url("/calls/query"));
        let request = request.header("authorization", credential);
        let request = request.header("x-request-id", "mine");
        assert_eq!(request.send().await.unwrap().status(), 401);
    }
}

#[tokio::test]
async fn nothing_that_is_secret_or_personal_is_ever_logged() {
    let database = cluster::fresh_database().await;
    let (sealing, vendor) = ("ca".repeat(32), "canary-vendor-token");
    let settings = Settings::on(&database).with("ONHOOK_SECRET_KEY", &sealing);
    let settings = settings.with("ONHOOK_CONNECTION_SECRET", vendor);
    settings.run(&["account", "create", "acme"]);
    let key = settings.run(&["key", "create", "--account", "acme", "--kind", "app"]);
    let receiver = Receiver::start();
    let hook = format!("{}?token=canary-hook", receiver.url());
    let endpoint = settings.run(&["endpoint", "add", "--account", "acme", &hook]);
    let endpoint: Value = serde_json::from_str(&endpoint).unwrap();
    let twilio = [
        "twilio",
        "--account-sid",
        "AC00000000000000000000000000000000",
    ];
    let number = ["--number", "+14155559876"];
    settings.run(
        &[
            &["connection", "add", "--account", "acme"][..],
            &twilio,
            &number,
        ]
        .concat(),
    );

    let log = tempfile::NamedTempFile::new().unwrap();
    let stderr = Stdio::from(File::create(log.path()).unwrap());
    let service =
        Service::start_saying(&settings.with("ONHOOK_LOG", "trace"), Stdio::null(), stderr).await;
    sing(&service, &key).await;
    eventually(Duration::from_secs(30), "the call is told", async || {
        let told = |kind| {
            receiver
                .received()
                .iter()
                .any(|got| got.json()["type"] == kind)
        };
        (told("call.ended") && told("call.analyzed")).then_some(())
    })
    .await;
    assert!(service.terminate().await.success());

    let log = std::fs::read_to_string(log.path()).unwrap();
    assert!(log.lines().count() > 100, "a trace says more: {log}");
    let secret = endpoint["secret"].as_str().unwrap();
    let random: String = key.chars().skip(key.len() - 30).collect();
    let secrets = [
        key.as_str(),
        &random,
        secret,
        &sealing,
        vendor,
        "canary-hook",
    ];
    let mut refused = 0;
    for line in log.lines() {
        let said: Value = serde_json::from_str(line).expect(line);
        assert!(
            said["timestamp"].is_string() && said["level"].is_string(),
            "{line}"
        );
        let mine = said["span"]["request.id"] == "mine";
        refused += usize::from(mine && said["message"] == "authentication refused");
        for canary in secrets.iter().chain(&PERSONAL) {
            assert!(!line.contains(canary), "{canary} in {line}");
        }
    }
    assert_eq!(refused, 3, "every line of a request has its id");
}
