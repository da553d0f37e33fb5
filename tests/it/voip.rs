//! The voip surface over HTTP: what telephony posts, and what becomes of it. [`crate::voip_parse`] has the table of fields.

use onhook::domain::account::{KeyKind, VoipMode};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{app::TestApp, contract::RequestBuilder};

/// The body of seeds 000 and 001, verbatim.
const SEED: &str = r#"{
  "From": "+1234567890",
  "To": "+1789451230",
  "CallId": "CA12345678904567890",
  "email": "user@example.com",
  "CallStatus": "completed",
  "RecordingUrl": "string",
  "Duration": "10",
  "Direction": "incoming"
}"#;

const JSON: &str = "application/json";

fn post(app: &TestApp, endpoint: &str, media: &str, body: impl Into<String>) -> RequestBuilder {
    app.request(Method::POST, &format!("/api/v1/voip/{endpoint}"))
        .header("content-type", media)
        .body(body.into())
}

async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

fn saved() -> (StatusCode, Value) {
    let body = json!({"data": {"success": true, "message": "Successfully saved"}});
    (StatusCode::OK, body)
}

/// Posts that are taken, one after the other.
async fn take(app: &TestApp, posts: &[(&str, Value)]) {
    for (endpoint, body) in posts {
        let answered = answer(post(app, endpoint, JSON, body.to_string())).await;
        assert_eq!(answered, saved(), "{endpoint} {body}");
    }
}

/// The one call of the default account.
async fn call(app: &TestApp) -> Value {
    let account = app.default_account().await;
    let (status, body) = answer(app.get("/calls/query", &account.key)).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["data"].as_array().unwrap().len(), 1);
    body["data"][0].clone()
}

#[tokio::test]
async fn the_published_request_is_answered_as_published() {
    let app = TestApp::boot().await;
    for endpoint in ["call-end", "call-answered"] {
        for _ in 0..2 {
            assert_eq!(answer(post(&app, endpoint, JSON, SEED)).await, saved());
        }
    }
    let call = call(&app).await;
    assert_eq!(call["call_sid"], "CA12345678904567890");
    assert_eq!(call["call_from"], "+1234567890");
    assert_eq!(call["call_to"], "+1789451230");
    assert_eq!(call["call_status"], "completed");
    assert_eq!(call["call_direction"], "inbound");
    assert_eq!(call["call_duration"], 10);
    assert_eq!(call["record_url"], "string");
    assert_eq!(app.jobs("analyze").await, 1, "one end, one analysis");
}

#[tokio::test]
async fn a_call_rises_through_its_states_and_never_falls() {
    let app = TestApp::boot().await;
    let parties = json!({"CallId": "CA1", "From": "+1234567890", "To": "anonymous"});
    let with = |more: Value| {
        let mut body = parties.clone();
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    let incoming = with(json!({"Direction": "incoming"}));
    for (endpoint, body, status) in [
        ("call-in-queue", parties.clone(), "queued"),
        ("call-ringing", incoming.clone(), "ringing"),
        ("call-in-queue", parties.clone(), "ringing"),
        ("call-answered", incoming.clone(), "in-progress"),
        ("call-ringing", incoming.clone(), "in-progress"),
        (
            "call-end",
            with(json!({"Direction": "incoming", "CallStatus": "cancelled"})),
            "canceled",
        ),
        ("call-answered", incoming.clone(), "canceled"),
        (
            "call-end",
            with(
                json!({"Direction": "incoming", "CallStatus": "completed", "Duration": 5, "RecordingUrl": "https://pbx.example/r"}),
            ),
            "canceled",
        ),
    ] {
        take(&app, &[(endpoint, body)]).await;
        assert_eq!(call(&app).await["call_status"], status, "after {endpoint}");
    }
    let call = call(&app).await;
    assert_eq!(
        call["call_duration"], 5,
        "the second end fills in what is missing"
    );
    assert_eq!(call["record_url"], "https://pbx.example/r");
    assert_eq!(app.jobs("analyze").await, 1);
}

#[tokio::test]
async fn an_end_that_nothing_announced_makes_the_call() {
    let app = TestApp::boot().await;
    take(&app, &[("call-end", serde_json::from_str(SEED).unwrap())]).await;
    let mut ringing: Value = serde_json::from_str(SEED).unwrap();
    ringing["CallStatus"] = Value::Null;
    take(&app, &[("call-ringing", ringing)]).await;
    assert_eq!(call(&app).await["call_status"], "completed");
}

#[tokio::test]
async fn forms_are_read_like_json() {
    let app = TestApp::boot().await;
    let form = [
        ("CallId", "CA7"),
        ("From", "+1 (415) 555-0148"),
        ("To", "Zoë 📞"),
        ("Direction", "incoming"),
        ("CallStatus", "no_answer"),
        ("Duration", ""),
    ];
    let request = app
        .request(Method::POST, "/api/v1/voip/call-end")
        .form(&form);
    assert_eq!(answer(request).await, saved());
    let call = call(&app).await;
    assert_eq!(call["call_from"], "+1 (415) 555-0148");
    assert_eq!(call["from_e164"], "+14155550148");
    assert_eq!(call["call_to"], "Zoë 📞");
    assert_eq!(call["call_status"], "no-answer");
}

#[tokio::test]
async fn every_bad_field_is_named_in_the_envelope() {
    let app = TestApp::boot().await;
    let body = r#"{"CallId": "", "From": 7, "Direction": "outgoing", "CallStatus": "gone"}"#;
    let expected = json!({
        "data": {"success": false, "message": "CallId is required; From must be a string; To is required; \
            Email is required when Direction is outgoing; CallStatus must be one of busy, no-answer, canceled, failed, completed"},
        "error": {"type": "ERROR_INVALID_INPUT", "code": 400, "fields": [
            {"field": "CallId", "message": "is required"},
            {"field": "From", "message": "must be a string"},
            {"field": "To", "message": "is required"},
            {"field": "Email", "message": "is required when Direction is outgoing"},
            {"field": "CallStatus", "message": "must be one of busy, no-answer, canceled, failed, completed"},
        ]},
    });
    let refused = answer(post(&app, "call-end", JSON, body)).await;
    assert_eq!(refused, (StatusCode::BAD_REQUEST, expected));
}

#[tokio::test]
async fn strict_handling_asks_for_every_starred_field_and_says_so() {
    let app = TestApp::boot().await;
    let mut body: Value = serde_json::from_str(SEED).unwrap();
    let strict = |body: &Value| {
        post(&app, "call-end", JSON, body.to_string()).header("prefer", "handling=strict")
    };
    let taken = strict(&body).send().await.unwrap();
    assert_eq!(taken.headers()["preference-applied"], "handling=strict");
    assert_eq!(taken.status(), StatusCode::OK);
    body.as_object_mut().unwrap().remove("Duration");
    let (status, refused) = answer(strict(&body)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(refused["error"]["fields"][0]["field"], "Duration");
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_refused_in_the_envelope() {
    let app = TestApp::boot().await;
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    for (media, body, code) in [
        (JSON, "", 400),
        (JSON, "{", 400),
        (JSON, "[]", 400),
        (JSON, &deep, 400),
        (JSON, r#"{"CallId": "a", "CallId": "b"}"#, 400),
        (
            JSON,
            r#"{"CallId": "a\u0000b", "From": "1", "To": "2"}"#,
            400,
        ),
        (JSON, &format!("{SEED}{}", " ".repeat(32 * 1024)), 413),
        ("text/plain", SEED, 415),
        ("application/json; charset=utf-16", SEED, 415),
        ("application/x-www-form-urlencoded", "CallId=%ff", 400),
        (
            "application/x-www-form-urlencoded",
            "CallId=%00&From=1&To=2",
            400,
        ),
    ] {
        let (status, refused) = answer(post(&app, "call-in-queue", media, body)).await;
        assert_eq!(status.as_u16(), code, "{media} {body:.40}");
        assert_eq!(refused["error"]["type"], "ERROR_INVALID_INPUT");
        assert_eq!(refused["error"]["code"], code);
        assert_eq!(refused["data"]["success"], false);
    }
    let zipped = post(&app, "call-end", JSON, SEED).header("content-encoding", "gzip");
    assert_eq!(answer(zipped).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn an_account_that_asks_for_a_key_takes_it_wherever_a_pbx_can_put_it() {
    let app = TestApp::boot().await;
    let account = app.account("acme", VoipMode::Key).await;
    let key = app.key(account.id, KeyKind::Ingest).await;
    let end = || post(&app, "call-end", JSON, SEED);
    let by_query = app
        .request(Method::POST, &format!("/api/v1/voip/call-end?key={key}"))
        .header("content-type", JSON)
        .body(SEED);
    assert_eq!(answer(end().bearer_auth(&key)).await, saved());
    assert_eq!(answer(end().basic_auth("pbx", &key)).await, saved());
    assert_eq!(answer(by_query).await, saved());
    let (status, refused) = answer(end().bearer_auth("nonsense")).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(refused["error"]["type"], "ERROR_UNAUTHORIZED");
    let staff = app.key(account.id, KeyKind::Staff).await;
    let (status, refused) = answer(end().bearer_auth(&staff)).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(refused["error"]["type"], "ERROR_UNAUTHORIZED_ACCESS");
}

#[tokio::test]
async fn one_call_id_in_two_accounts_is_two_calls() {
    let app = TestApp::boot().await;
    let other = app.account("acme", VoipMode::Key).await;
    let ringing = json!({"CallId": "CA1", "From": "1", "To": "2", "Direction": "incoming"});
    take(&app, &[("call-ringing", ringing)]).await;
    let end = json!({"CallId": "CA1", "From": "3", "To": "4", "Direction": "incoming", "CallStatus": "busy"});
    let theirs = post(&app, "call-end", JSON, end.to_string()).bearer_auth(&other.key);
    assert_eq!(answer(theirs).await, saved());
    let ours = call(&app).await;
    assert_eq!(
        (&ours["call_status"], &ours["call_from"]),
        (&json!("ringing"), &json!("1"))
    );
}

#[tokio::test]
async fn a_database_that_is_away_is_503_and_never_500() {
    let app = TestApp::boot().await;
    app.db.close().await;
    let answer = post(&app, "call-end", JSON, SEED).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()["retry-after"], "1");
    let refused: Value = answer.json().await.unwrap();
    assert_eq!(refused["error"]["type"], "ERROR_SERVER_ERROR");
}
