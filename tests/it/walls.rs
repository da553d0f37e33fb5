//! The walls around every route: nobody without a credential, nobody without the scope, nothing of another account. The routes are
//! read from the document, so that a new one fails here until it says who may use it.

use std::collections::BTreeMap;

use onhook::{
    api::document,
    domain::account::{KeyKind, Scope, VoipMode},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    app::{TestAccount, TestApp},
    receiver::Receiver,
};

const KINDS: [KeyKind; 6] = [
    KeyKind::Staff,
    KeyKind::App,
    KeyKind::Directory,
    KeyKind::Client,
    KeyKind::Ingest,
    KeyKind::Operator,
];

/// The id of a connection to a room server, which a stranger has.
const SERVER: &str = "00000000-0000-7000-8000-000000000001";

/// A number that nobody has.
const NO_NUMBER: &str = "+14155550199";

/// An id that nothing has.
const NOTHING: &str = "00000000-0000-7000-8000-000000000000";

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    /// Anybody: it says nothing of any account.
    Open,
    /// Whoever the provider's signature proves.
    Signed,
    /// Reporters, who may be nobody where the account is open.
    Reporters,
    /// Callers with the scope.
    Callers(Scope),
}

fn door(method: &Method, path: &str) -> Door {
    let read = *method == Method::GET;
    match path {
        "/livez" | "/readyz" | "/metrics" | "/openapi.yaml" | "/problems" => Door::Open,
        path if path.starts_with("/inbound/") => Door::Signed,
        path if path.starts_with("/api/v1/voip/") => Door::Reporters,
        path if path.starts_with("/v3/communication/") => Door::Callers(if read {
            Scope::ReadVoiceCalls
        } else {
            Scope::WriteVoiceCalls
        }),
        path if path.starts_with("/platform/") => Door::Callers(Scope::WriteVoiceCalls),
        path if path.starts_with("/calls") || path.starts_with("/v1/calls") => {
            Door::Callers(if read {
                Scope::ReadCalls
            } else {
                Scope::ManageCalls
            })
        }
        path if path.starts_with("/v1/erasures") => Door::Callers(Scope::EraseCalls),
        path if [
            "/v1/webhook-endpoints",
            "/v1/deliveries",
            "/v1/events",
            "/v1/connections",
            "/v1/account",
            "/v1/numbers",
            "/v1/recoveries",
            "/v1/analysis-settings",
        ]
        .iter()
        .any(|managed| path.starts_with(managed)) =>
        {
            Door::Callers(Scope::ManageAccount)
        }
        path => panic!("{method} {path}: say here who may use it"),
    }
}

/// Every operation of the document.
fn operations() -> Vec<(Method, String)> {
    let document = serde_json::to_value(document::whole()).unwrap();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let method = method.to_uppercase().parse().unwrap();
            found.push((method, path.clone()));
        }
    }
    found
}

/// The path with its placeholders filled in.
fn filled(path: &str, id: &str) -> String {
    let segments = path.split('/').map(|segment| match segment {
        "{provider}" => "twilio",
        "{number}" if id == NOTHING => NO_NUMBER,
        placeholder if placeholder.starts_with('{') => id,
        plain => plain,
    });
    segments.collect::<Vec<_>>().join("/")
}

/// Whose envelope an answer is in.
fn surface(path: &str) -> &'static str {
    match path {
        path if path.starts_with("/v3/") || path.starts_with("/platform/") => "voice-calls",
        path if path.contains("calls/{id}/") || path == "/v1/calls/export" => "native",
        path if path.contains("calls") => "calls",
        _ => "native",
    }
}

async fn ask(
    app: &TestApp,
    (method, path): (&Method, &str),
    key: Option<&str>,
    body: &Value,
) -> (u16, String) {
    let mut request = app.request(method.clone(), path);
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    if *method != Method::GET && *method != Method::DELETE {
        request = request.json(body);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let told = answer.text().await.unwrap();
    // A problem names its request, which is another each time.
    let Ok(Value::Object(mut problem)) = serde_json::from_str(&told) else {
        return (status, told);
    };
    if problem.remove("request_id").is_some() {
        problem.remove("instance");
        return (status, Value::Object(problem).to_string());
    }
    (status, told)
}

#[tokio::test]
async fn every_route_asks_for_a_credential_and_for_its_scope() {
    let app = TestApp::boot().await;
    let account = app.account("acme", VoipMode::Key).await;
    let mut unbelieved: BTreeMap<&str, String> = BTreeMap::new();
    for (method, path) in operations() {
        let Door::Callers(scope) = door(&method, &path) else {
            continue;
        };
        let at = filled(&path, NOTHING);
        // Nothing of the request is looked at before its credential: this body is wrong for every route.
        let wrong = json!([]);
        let surface = surface(&path);
        for key in [None, Some("onhook_app_x"), Some("a.b.c")] {
            let (status, said) = ask(&app, (&method, &at), key, &wrong).await;
            assert_eq!(status, 401, "{method} {path} with {key:?}");
            let first = unbelieved.entry(surface).or_insert_with(|| said.clone());
            assert_eq!(*first, said, "{method} {path} with {key:?}");
        }
        for kind in KINDS {
            let key = app.key(account.id, kind).await;
            let (status, _) = ask(&app, (&method, &at), Some(&key), &wrong).await;
            let nobody = kind == KeyKind::Directory && surface == "voice-calls";
            let at = format!("{method} {path} as {kind:?}: {status}");
            match (kind.allows(scope), nobody) {
                (true, true) => assert_eq!(status, 401, "{at}"),
                (true, false) => assert!(!matches!(status, 401 | 403 | 500..), "{at}"),
                (false, _) => assert_eq!(status, 403, "{at}"),
            }
        }
    }
}

#[tokio::test]
async fn a_report_needs_a_key_for_reports_or_an_open_account() {
    let app = TestApp::boot().await;
    let account = app.account("acme", VoipMode::Key).await;
    for (method, path) in operations() {
        if door(&method, &path) != Door::Reporters {
            continue;
        }
        let wrong = json!([]);
        let (status, _) = ask(&app, (&method, &path), None, &wrong).await;
        assert_eq!(status, 400, "{path}: the default account is open");
        let (status, _) = ask(&app, (&method, &path), Some("onhook_ingest_x"), &wrong).await;
        assert_eq!(status, 401, "{path}");
        for kind in KINDS {
            let key = app.key(account.id, kind).await;
            let (status, _) = ask(&app, (&method, &path), Some(&key), &wrong).await;
            let allowed = kind.allows(Scope::ReportCalls);
            assert_eq!(
                status,
                if allowed { 400 } else { 403 },
                "{path} as {kind:?}"
            );
        }
    }
}

/// An account that has one of everything, by the words of the paths.
async fn furnished(
    app: &TestApp,
    receiver: &Receiver,
) -> (TestAccount, BTreeMap<&'static str, String>) {
    let account = app.account("furnished", VoipMode::Key).await;
    let endpoint = app.post("/v1/webhook-endpoints", &account.key);
    let endpoint = endpoint.json(&json!({"url": receiver.url()}));
    let endpoint: Value = endpoint.send().await.unwrap().json().await.unwrap();
    let ended = json!({"CallId": "CA1", "From": "+1", "To": "+2", "Direction": "incoming", "CallStatus": "completed"});
    let report = app.post("/api/v1/voip/call-end", &account.key).json(&ended);
    assert_eq!(report.send().await.unwrap().status(), 200);
    let call: String = sqlx::query_scalar("select call_id::text from calls where account_id = $1")
        .bind(account.id.uuid())
        .fetch_one(&app.db)
        .await
        .unwrap();
    // Exports leave young calls for the next one.
    sqlx::query("update calls set created_at = created_at - interval '1 minute'")
        .execute(&app.db)
        .await
        .unwrap();
    app.run_jobs().await;
    let connection = json!({
        "provider": "twilio", "credentials": {"account_sid": "AC1", "secret": "hush"}, "numbers": ["+14155550177"],
    });
    let connection = app.post("/v1/connections", &account.key).json(&connection);
    let connection: Value = connection.send().await.unwrap().json().await.unwrap();
    let erasure = app.post("/v1/erasures", &account.key);
    let erasure = erasure.json(&json!({"email": "nobody@example.com"}));
    let erasure: Value = erasure.send().await.unwrap().json().await.unwrap();
    let recover = format!(
        "/v1/webhook-endpoints/{}/recover",
        endpoint["id"].as_str().unwrap()
    );
    let recovery = app.post(&recover, &account.key);
    let recovery = recovery.json(&json!({"since": "2026-01-01T00:00:00Z"}));
    let recovery: Value = recovery.send().await.unwrap().json().await.unwrap();
    let subscribe = json!({"event": "voice_call/update", "target_url": receiver.url()});
    let subscribe = app
        .post("/platform/v1/webhook/subscribe", &account.key)
        .json(&subscribe);
    let subscribed: Value = subscribe.send().await.unwrap().json().await.unwrap();
    let list = app.get("/v1/deliveries", &account.key);
    let list: Value = list.send().await.unwrap().json().await.unwrap();
    let delivery = &list["data"][0];
    let text = |value: &Value| {
        value
            .as_str()
            .unwrap_or_else(|| panic!("{value} in {list} {endpoint}"))
            .to_owned()
    };
    let ids = [
        ("calls", call.clone()),
        ("voice_calls", call.clone()),
        ("voice_call_recordings", call),
        ("webhook-endpoints", text(&endpoint["id"])),
        (
            "platform webhooks",
            text(&subscribed["data"]["subscription_id"]),
        ),
        ("deliveries", text(&delivery["id"])),
        ("events", text(&delivery["event_id"])),
        ("connections", text(&connection["id"])),
        ("erasures", text(&erasure["id"])),
        ("recoveries", text(&recovery["id"])),
        ("numbers", text(&connection["numbers"][0])),
    ];
    (account, ids.into())
}

/// A body that the route accepts, so that only the id decides.
fn body(path: &str, id: &str) -> Value {
    if path.ends_with("/transcript") {
        return json!({"utterances": [{"speaker": "agent", "text": "Hello.", "begin_ms": 0, "end_ms": 9}]});
    }
    if path.ends_with("/limits") {
        return json!({"max_duration": 60});
    }
    if path.ends_with("/room") {
        return json!({"connection_id": SERVER, "name": "r"});
    }
    if path.contains("voice_call_recordings") {
        return json!({"recording_played": true});
    }
    if path.contains("voice_calls") {
        return json!({
            "staff_uid": "s", "client_uid": "c", "from_number": "+14155550100", "to_number": "+14155550101",
            "direction": "INBOUND", "status": "MISSED", "rate": "0.1", "price": "0.1", "provider": "VONAGE",
            "source_id": "x", "duration": 1, "call_summary": "s", "external_app_url": "https://example.com",
            "external_app_name": "n", "recording_id": "r", "external_uuid": "e",
        });
    }
    if path.ends_with("/rotate-secret") || path == "/v1/webhook-endpoints/{id}" {
        return json!({});
    }
    if path.ends_with("/recover") {
        return json!({"since": "2026-01-01T00:00:00Z"});
    }
    if path.ends_with("/explain-signature") {
        return json!({"webhook_id": id, "webhook_timestamp": "1", "webhook_signature": "v1,AAAA", "body": "{}"});
    }
    json!({"call_id": id})
}

#[tokio::test]
async fn what_is_another_account_s_is_as_unknown_as_what_never_was() {
    let app = TestApp::boot().await;
    let receiver = Receiver::start();
    let (owner, ids) = furnished(&app, &receiver).await;
    let stranger = app.account("stranger", VoipMode::Key).await;
    // So that the call decides about the room, not the connection.
    sqlx::query(
        "insert into connections (account_id, connection_id, provider, base_url, sealed_credentials)
         values ($1, $2::uuid, 'livekit', 'https://example.com', '')",
    )
    .bind(stranger.id.uuid())
    .bind(SERVER)
    .execute(&app.db)
    .await
    .unwrap();
    for (method, path) in operations() {
        let Door::Callers(_) = door(&method, &path) else {
            continue;
        };
        // It routes a number of one's own account, whoever else has it in theirs.
        if method == Method::PUT && path == "/v1/numbers/{number}" {
            continue;
        }
        let in_body = path.ends_with("/calls/end");
        if !path.contains('{') && !in_body {
            continue;
        }
        let noun = path.split('/').rfind(|segment| ids.contains_key(segment));
        let id = &ids[noun.unwrap_or_else(|| panic!("{path}: furnish one"))];
        let (theirs, nothing) = (filled(&path, id), filled(&path, NOTHING));
        let key = Some(stranger.key.as_str());
        let (status, told) = ask(&app, (&method, &theirs), key, &body(&path, id)).await;
        let unknown = ask(&app, (&method, &nothing), key, &body(&path, NOTHING)).await;
        assert_eq!(
            (status, told.replace(id, NOTHING)),
            unknown,
            "{method} {path}"
        );
        assert!(
            status == 404 || status == 200 && path.contains("calls"),
            "{method} {path}: {status}"
        );
        assert!(
            !told.contains("+1") && !told.contains("furnished"),
            "{told}"
        );
    }
    // It was there all the time.
    for (noun, path) in [
        ("calls", "/calls/{id}"),
        ("voice_calls", "/v3/communication/voice_calls/{uid}"),
        ("webhook-endpoints", "/v1/webhook-endpoints/{id}"),
        ("deliveries", "/v1/deliveries/{id}"),
        ("events", "/v1/events/{id}"),
        ("connections", "/v1/connections/{id}"),
    ] {
        let at = filled(path, &ids[noun]);
        let (status, told) = ask(&app, (&Method::GET, &at), Some(&owner.key), &Value::Null).await;
        assert!(
            status == 200 && told.contains(&ids[noun]),
            "{path}: {status} {told}"
        );
    }
}

#[tokio::test]
async fn no_list_shows_another_account_s() {
    let app = TestApp::boot().await;
    let receiver = Receiver::start();
    let (owner, ids) = furnished(&app, &receiver).await;
    let stranger = app.account("stranger", VoipMode::Key).await;
    for (path, noun) in [
        ("/calls/query", "calls"),
        ("/v1/calls/export", "calls"),
        ("/v3/communication/voice_calls", "voice_calls"),
        ("/v1/webhook-endpoints", "webhook-endpoints"),
        ("/v1/deliveries", "deliveries"),
        ("/v1/events", "events"),
        ("/platform/v1/webhooks", "platform webhooks"),
        ("/v1/connections", "connections"),
        ("/v1/numbers", "numbers"),
    ] {
        let own = ask(&app, (&Method::GET, path), Some(&owner.key), &Value::Null).await;
        assert!(own.1.contains(&ids[noun]), "{path}: {own:?}");
        let (status, told) = ask(
            &app,
            (&Method::GET, path),
            Some(&stranger.key),
            &Value::Null,
        )
        .await;
        assert_eq!(status, 200, "{path}");
        assert!(ids.values().all(|id| !told.contains(id)), "{path}: {told}");
    }
}
