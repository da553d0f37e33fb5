//! The webhooks of the voice-calls surface's platform: subscribed to, told in order and signed, and unsubscribed from.

use onhook::domain::account::{KeyKind, VoipMode};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::{
    app::{TestAccount, TestApp},
    contract::RequestBuilder,
    receiver::{Received, Receiver, Reply},
};

mod refused;

const SUBSCRIBE: &str = "/platform/v1/webhook/subscribe";
const UNSUBSCRIBE: &str = "/platform/v1/webhook/unsubscribe";
const WEBHOOKS: &str = "/platform/v1/webhooks";
const VOICE_CALLS: &str = "/v3/communication/voice_calls";

const CREATE: &str = "voice_call/create";
const UPDATE: &str = "voice_call/update";

async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

async fn ok(request: RequestBuilder) -> Value {
    let (status, body) = answer(request).await;
    assert!(status.is_success(), "{status}: {body}");
    body
}

fn subscription(event: &str, url: &str) -> Value {
    json!({"event": event, "target_url": url})
}

/// Subscribes a URL anew; the subscription.
async fn subscribe(app: &TestApp, key: &str, event: &str, url: &str) -> Value {
    let request = app.post(SUBSCRIBE, key).json(&subscription(event, url));
    let (status, body) = answer(request).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    assert_eq!(body["status"], "OK");
    body["data"].clone()
}

/// The subscriptions of the account.
async fn subscribed(app: &TestApp, key: &str) -> Vec<Value> {
    let listed = ok(app.get(WEBHOOKS, key)).await;
    assert_eq!(listed["status"], "OK");
    listed["data"]["webhooks"].as_array().unwrap().clone()
}

/// Makes a voice call known, as it is shown.
async fn create(app: &TestApp, account: &TestAccount, source_id: &str) -> Value {
    let new = json!({
        "staff_uid": "s-1", "client_uid": "c-1", "from_number": "+14155550148", "to_number": "+14155550901",
        "direction": "INBOUND", "status": "INCOMING_CALL", "rate": "0", "provider": "VONAGE", "source_id": source_id,
        "external_uuid": "ext-1", "business_uid": account.business_uid,
    });
    let created = ok(app.post(VOICE_CALLS, &account.key).json(&new)).await;
    created["data"].clone()
}

/// The published PUT.
fn update(source_id: &str) -> Value {
    json!({
        "staff_uid": "s-1", "client_uid": "c-1", "from_number": "+14155550148", "to_number": "+14155550901",
        "direction": "INBOUND", "status": "MISSED", "rate": "0.05", "price": "1.50", "provider": "VONAGE",
        "source_id": source_id, "duration": 0, "call_summary": "Nobody was there",
        "external_app_url": "https://example.com/call-details", "external_app_name": "Example", "recording_id": "rec-1",
        "external_uuid": "ext-1",
    })
}

/// The only event of a body, its entity and type together.
fn told(received: &Received) -> (String, Value) {
    let body = received.json();
    let events = body.as_array().unwrap();
    assert_eq!(events.len(), 1, "{body}");
    let event = events[0].as_object().unwrap();
    assert_eq!(event.len(), 3, "{body}");
    let word = |name: &str| event[name].as_str().unwrap();
    let name = format!("{}/{}", word("entity_name"), word("event_type"));
    (name, event["data"].clone())
}

#[tokio::test]
async fn a_staff_system_hears_of_a_voice_call_what_a_reader_would_have_seen() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let receiver = Receiver::start();
    let mut verifying = Vec::new();
    for event in [CREATE, UPDATE] {
        let made = subscribe(&app, &account.key, event, &receiver.url()).await;
        assert_eq!(made["event"], event);
        assert_eq!(made["target_url"], receiver.url());
        verifying.push(Webhook::new(made["secret"].as_str().unwrap()).unwrap());
    }

    let created = create(&app, &account, "src-1").await;
    app.run_jobs().await;
    let path = format!("{VOICE_CALLS}/{}", created["uid"].as_str().unwrap());
    let changed = ok(app.put(&path, &account.key).json(&update("src-1"))).await;
    app.run_jobs().await;

    let got = receiver.received();
    let [first, second] = got.as_slice() else {
        panic!("{got:?}");
    };
    for (received, webhook) in got.iter().zip(&verifying) {
        assert_eq!(received.header("content-type"), "application/json");
        webhook.verify(&received.body, &received.headers).unwrap();
    }
    assert_eq!(told(first), (CREATE.to_owned(), created));
    assert_eq!(told(second), (UPDATE.to_owned(), changed["data"].clone()));

    // What changes nothing is not told.
    ok(app.put(&path, &account.key).json(&update("src-1"))).await;
    for event in [CREATE, UPDATE] {
        let gone = subscription(event, &receiver.url());
        let gone = ok(app.post(UNSUBSCRIBE, &account.key).json(&gone)).await;
        assert_eq!(gone["response"], "Unsubscribed");
        assert_eq!(
            gone["data"]["subscription_ids"].as_array().unwrap().len(),
            1
        );
    }
    create(&app, &account, "src-2").await;
    app.run_jobs().await;
    assert_eq!(receiver.received().len(), 2);
    assert!(subscribed(&app, &account.key).await.is_empty());
}

#[tokio::test]
async fn calls_that_telephony_reports_are_voice_calls_too() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let receiver = Receiver::start();
    for event in [CREATE, UPDATE] {
        subscribe(&app, &account.key, event, &receiver.url()).await;
    }
    let names = || -> Vec<String> {
        let got = receiver.received();
        got.iter().map(|received| told(received).0).collect()
    };
    let mut report = json!({"CallId": "CA-1", "From": "+14155550148", "To": "+14155550901"});
    let mut expected = Vec::new();
    // In the queue; ringing, which adds a direction to a call that was live before and after; over.
    for (path, more, event) in [
        ("call-in-queue", json!({}), CREATE),
        (
            "call-ringing",
            json!({"Direction": "outgoing", "Email": "a@example.com"}),
            UPDATE,
        ),
        ("call-end", json!({"CallStatus": "completed"}), UPDATE),
    ] {
        let fields = more.as_object().unwrap().clone();
        report.as_object_mut().unwrap().extend(fields);
        let path = format!("/api/v1/voip/{path}");
        ok(app.request(Method::POST, &path).json(&report)).await;
        // Told again, it changes nothing.
        ok(app.request(Method::POST, &path).json(&report)).await;
        app.run_jobs().await;
        expected.push(event);
        let got = names();
        assert!(
            got.starts_with(&expected.iter().map(|e| (*e).to_owned()).collect::<Vec<_>>()),
            "{got:?}"
        );
        if path.ends_with("call-ringing") {
            assert_eq!(
                told(receiver.received().last().unwrap()).1["direction"],
                "OUTBOUND"
            );
        }
    }
    let last = receiver.received().len();
    // The first staff system to fill it in finds a voice call that is there.
    create(&app, &account, "CA-1").await;
    app.run_jobs().await;
    assert_eq!(names()[last..], [UPDATE.to_owned()]);
}

#[tokio::test]
async fn a_transcript_is_told_by_its_status() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let receiver = Receiver::start();
    let created = create(&app, &account, "src-1").await;
    subscribe(&app, &account.key, UPDATE, &receiver.url()).await;
    let path = format!("/v1/calls/{}/transcript", created["uid"].as_str().unwrap());
    let said =
        json!({"utterances": [{"speaker": "agent", "text": "Hello.", "begin_ms": 0, "end_ms": 9}]});
    ok(app.put(&path, &account.key).json(&said)).await;
    app.run_jobs().await;
    let got = receiver.received();
    let (_, data) = told(&got[0]);
    assert_eq!((got.len(), &data["transcript_status"]), (1, &json!("DONE")));
    assert!(!data.to_string().contains("Hello."), "{data}");
}

#[tokio::test]
async fn only_those_who_name_them_are_told_of_voice_calls() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let (all, named) = (Receiver::start(), Receiver::start());
    let endpoints = "/v1/webhook-endpoints";
    for types in [json!([]), json!(["*"]), json!(["call.*"])] {
        let endpoint = json!({"url": all.url(), "event_types": types});
        ok(app.post(endpoints, &account.key).json(&endpoint)).await;
    }
    let endpoint = json!({"url": named.url(), "event_types": ["call.*", CREATE]});
    ok(app.post(endpoints, &account.key).json(&endpoint)).await;
    create(&app, &account, "src-1").await;
    app.run_jobs().await;
    assert_eq!(all.received().len(), 3);
    for received in all.received() {
        assert_eq!(received.event_type(), "call.started");
    }
    let bodies: Vec<_> = named.received().iter().map(Received::json).collect();
    assert_eq!(bodies.len(), 2, "{bodies:?}");
    assert_eq!(bodies.iter().filter(|body| body.is_array()).count(), 1);
    // An endpoint that names them is no subscription of the platform's.
    assert!(subscribed(&app, &account.key).await.is_empty());
}

#[tokio::test]
async fn the_same_twice_is_one_subscription_however_it_is_asked_for() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let url = "http://127.0.0.1:9/hook?b=1";
    let wanted = subscription(CREATE, url);
    let ask = || answer(app.post(SUBSCRIBE, &account.key).json(&wanted));
    let racing: [_; 4] = tokio::join!(ask(), ask(), ask(), ask()).into();
    let made = racing
        .iter()
        .filter(|(status, _)| *status == StatusCode::CREATED);
    assert_eq!(made.count(), 1, "{racing:?}");
    let ids: Vec<_> = racing
        .iter()
        .map(|(_, body)| body["data"]["subscription_id"].clone())
        .collect();
    assert_eq!(ids, vec![ids[0].clone(); 4]);
    for (status, body) in &racing {
        let secret = &body["data"]["secret"];
        assert_eq!(secret.is_string(), *status == StatusCode::CREATED);
    }
    // Written otherwise, it is the same URL.
    let same = subscription(CREATE, "HTTP://127.0.0.1:9/hook?b=1");
    let (status, body) = answer(app.post(SUBSCRIBE, &account.key).json(&same)).await;
    assert_eq!(
        (status, &body["data"]["subscription_id"]),
        (StatusCode::OK, &ids[0])
    );
    let other = subscribe(&app, &account.key, UPDATE, url).await;
    assert_ne!(other["subscription_id"], ids[0]);

    let listed = subscribed(&app, &account.key).await;
    let events: Vec<_> = listed.iter().map(|one| &one["event"]).collect();
    assert_eq!(events, [CREATE, UPDATE]);
    // It is an endpoint like any other.
    let endpoint = format!("/v1/webhook-endpoints/{}", ids[0].as_str().unwrap());
    let endpoint = ok(app.get(&endpoint, &account.key)).await;
    assert_eq!(endpoint["kind"], "platform");
    assert_eq!(endpoint["event_types"], json!([CREATE]));
}

#[tokio::test]
async fn a_subscription_that_was_disabled_is_enabled_by_subscribing_again() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let receiver =
        Receiver::scripted(|number, _| Reply::Status(if number == 0 { 410 } else { 204 }));
    subscribe(&app, &account.key, CREATE, &receiver.url()).await;
    create(&app, &account, "src-1").await;
    app.run_jobs().await;
    let listed = subscribed(&app, &account.key).await;
    assert_eq!(listed[0]["state"], "disabled");

    let again = subscription(CREATE, &receiver.url());
    let again = ok(app.post(SUBSCRIBE, &account.key).json(&again)).await;
    assert_eq!(again["data"]["state"], "enabled");
    create(&app, &account, "src-2").await;
    app.run_jobs().await;
    assert_eq!(receiver.received().len(), 2);
}

#[tokio::test]
async fn what_is_unsubscribed_is_what_is_meant() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let (one, other) = ("http://127.0.0.1:9/one", "http://127.0.0.1:9/other");
    let of_one = subscribe(&app, &account.key, CREATE, one).await;
    subscribe(&app, &account.key, UPDATE, one).await;
    subscribe(&app, &account.key, CREATE, other).await;
    subscribe(&app, &account.key, UPDATE, other).await;
    // An endpoint of the account's own stays, whatever it names.
    let own = json!({"url": one, "event_types": [CREATE]});
    ok(app.post("/v1/webhook-endpoints", &account.key).json(&own)).await;
    let stranger = app.account("stranger", VoipMode::Key).await;
    let id = of_one["subscription_id"].clone();
    for (key, meant, gone) in [
        (&stranger.key, subscription(CREATE, one), 0),
        (&stranger.key, json!({"subscription_id": id}), 0),
        (
            &account.key,
            json!({"subscription_id": id, "event": UPDATE}),
            0,
        ),
        (
            &account.key,
            json!({"subscription_id": id, "target_url": other}),
            0,
        ),
        (&account.key, subscription(CREATE, "/one"), 0),
        (&account.key, subscription(UPDATE, other), 1),
        (&account.key, json!({"subscription_id": id}), 1),
        (&account.key, json!({"subscription_id": id}), 0),
        // Without an event, all of the URL.
        (&account.key, json!({"target_url": one}), 1),
        (&account.key, json!({"target_url": other}), 1),
    ] {
        let answer = ok(app.post(UNSUBSCRIBE, key).json(&meant)).await;
        let ids = answer["data"]["subscription_ids"].as_array().unwrap();
        assert_eq!(ids.len(), gone, "{meant}");
        assert_eq!(answer["response"], "Unsubscribed");
    }
    assert!(subscribed(&app, &account.key).await.is_empty());
    let left = ok(app.get("/v1/webhook-endpoints", &account.key)).await;
    assert_eq!(left["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_directory_subscribes_for_the_business_that_it_names() {
    let app = TestApp::boot().await;
    let partner = app.account("partner", VoipMode::Key).await;
    let below = app.account_below("below", "partner").await;
    let key = app.key(partner.id, KeyKind::Directory).await;
    let wanted = subscription(CREATE, "http://127.0.0.1:9/hook");
    let request = app.post(SUBSCRIBE, &key).json(&wanted);
    let request = request.header("x-on-behalf-of", &below.business_uid);
    assert_eq!(answer(request).await.0, StatusCode::CREATED);
    assert_eq!(subscribed(&app, &below.key).await.len(), 1);
    assert!(subscribed(&app, &partner.key).await.is_empty());
}
