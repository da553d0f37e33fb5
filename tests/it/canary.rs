//! The log of a service that is made to say everything it can: no secret, no number, no word of a call is in it.

use std::{fs::File, process::Stdio, time::Duration};

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::{
    cluster,
    deadline::eventually,
    receiver::{Received, Receiver, Reply},
    service::{Service, Settings},
};

/// What identifies people, or is theirs to keep to themselves.
const PERSONAL: [&str; 17] = [
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
    "canary-heard",
    "canary-category",
    "canary-question",
];

/// A speech-to-text service that says canaries: beside an error, in what is no JSON, and in what it heard. And a recording for it.
fn speech() -> (Receiver, Receiver) {
    let said = |status: u16, body: &str| Reply::Answer {
        status,
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.as_bytes().to_vec(),
    };
    let service = Receiver::scripted(move |number, _| match number {
        0 => said(500, r#"{"error": {"message": "canary-heard"}}"#),
        1 => said(200, "canary-heard"),
        _ => said(200, r#"{"text": "It was canary-heard.", "language": "en"}"#),
    });
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/analysis/call_dual.opus"
    );
    let recording = Receiver::always(Reply::Answer {
        status: 200,
        headers: vec![("content-type", "audio/ogg".to_owned())],
        body: std::fs::read(path).unwrap(),
    });
    (service, recording)
}

/// An account with words of its own, a category, a question and a recording, which is written down.
async fn wish(service: &Service, key: &str, recording: &str) {
    let client = Client::new();
    let wish = json!({
        "sentiment": {"words": {"canary-word": -4}},
        "categories": [{"name": "canary-category", "phrases": ["canary-heard"]}],
        "insights": {"fields": [{"name": "asked", "type": "string", "description": "canary-question"}]},
        "recordings": {"fetch": true, "transcribe": true},
    });
    let mut wrong = wish.clone();
    wrong["sentiment"]["words"] = json!({"canary-word": "canary-word"});
    wrong["categories"] = json!([{"name": "canary-category", "phrases": [1]}]);
    for (body, status) in [(&wrong, 422), (&wish, 200)] {
        let url = service.url("/v1/analysis-settings");
        let put = client.put(url).bearer_auth(key).json(body);
        let answer = put.send().await.unwrap();
        assert_eq!(answer.status(), status, "{}", answer.text().await.unwrap());
    }
    let url = service.url("/api/v1/voip/call-end");
    let report = json!({
        "CallId": "canary-call-id-heard", "From": "+14155559876", "To": "+14155556789", "Direction": "incoming",
        "CallStatus": "completed", "Duration": "59", "RecordingUrl": format!("{recording}?canary-record"),
    });
    let post = client.post(url).bearer_auth(key).json(&report);
    assert_eq!(post.send().await.unwrap().status(), 200);
}

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

/// A recorded call is written down and told, with what the service said of it.
async fn written_down(service: &Service, key: &str, (receiver, recording): (&Receiver, &Receiver)) {
    wish(service, key, &recording.url()).await;
    eventually(Duration::from_secs(30), "it is written down", async || {
        let heard = |got: &Received| {
            let said = got.json()["data"]["transcript"].to_string();
            got.event_type() == "call.analyzed" && said.contains("canary-heard")
        };
        receiver.received().iter().any(heard).then_some(())
    })
    .await;
    // What is sung about next has a recording that is far away.
    let put = Client::new().put(service.url("/v1/analysis-settings"));
    let settings = json!({"sentiment": {"words": {"canary-word": -4}}});
    let put = put.bearer_auth(key).json(&settings).send().await.unwrap();
    assert_eq!(put.status(), 200);
}

#[tokio::test]
async fn nothing_that_is_secret_or_personal_is_ever_logged() {
    let database = cluster::fresh_database().await;
    let (sealing, vendor) = ("ca".repeat(32), "canary-vendor-token");
    let settings = Settings::on(&database).with("ONHOOK_SECRET_KEY", &sealing);
    let settings = settings.with("ONHOOK_CONNECTION_SECRET", vendor);
    let (writer, recording) = speech();
    let settings = settings.with("ONHOOK_STT_URL", &writer.url());
    let settings = settings.with("ONHOOK_STT_API_KEY", "canary-stt-key");
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
    written_down(&service, &key, (&receiver, &recording)).await;
    let asked = writer.received();
    assert_eq!(asked[0].header("authorization"), "Bearer canary-stt-key");
    sing(&service, &key).await;
    eventually(Duration::from_secs(30), "the call is told", async || {
        let told = |kind| {
            let events = receiver.received();
            let mut events = events.iter().map(Received::json);
            events.any(|got| got["type"] == kind && got["data"]["call_sid"] == "canary-call-id")
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
        "canary-stt-key",
    ];
    assert_clean(&log, &secrets);
}

/// No line has any of it, and every line of a request has the request's id.
fn assert_clean(log: &str, secrets: &[&str]) {
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
