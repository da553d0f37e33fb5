//! The voice-calls surface over HTTP. [`fields`] has the table of the fields and [`bodies`] what is about whole bodies; [`moves`]
//! and [`vocabulary`] have the statuses, [`meeting`] calls that others know, too; [`tokens`] says who may what.

use onhook::domain::account::VoipMode;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    app::{TestAccount, TestApp},
    contract::RequestBuilder,
};

mod bodies;
mod etags;
mod fields;
mod filters;
mod lists;
mod meeting;
mod moves;
mod recordings;
mod reports;
mod tokens;
mod vocabulary;

const VOICE_CALLS: &str = "/v3/communication/voice_calls";

async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

/// The published PUT, with the published examples.
fn update() -> Value {
    json!({
        "staff_uid": "d290f1ee-6c54-4b01-90e6-d701748f0851",
        "client_uid": "d290f1ee-6c54-4b01-90e6-d701748f0851",
        "from_number": "+14155550148",
        "to_number": "+14155550901",
        "direction": "INBOUND",
        "status": "MISSED",
        "rate": "0.05",
        "price": "1.50",
        "provider": "VONAGE",
        "source_id": "call-src-001",
        "duration": 120,
        "call_summary": "Client called to ask about their account balance",
        "external_app_url": "https://example.com/call-details",
        "external_app_name": "Example",
        "recording_id": "rec-001",
        "external_uuid": "ext-call-001",
    })
}

/// A new voice call of the account.
fn new(account: &TestAccount) -> Value {
    json!({
        "staff_uid": "s-1",
        "client_uid": "c-1",
        "from_number": "+14155550148",
        "to_number": "+14155550901",
        "direction": "INBOUND",
        "status": "INCOMING_CALL",
        "rate": "0",
        "provider": "VONAGE",
        "source_id": "call-src-001",
        "external_uuid": "ext-call-001",
        "business_uid": account.business_uid,
    })
}

fn with(mut body: Value, changes: Value) -> Value {
    body.as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    body
}

/// Creates a voice call and answers its uid.
async fn create(app: &TestApp, account: &TestAccount, changes: Value) -> String {
    let body = with(new(account), changes);
    let (status, created) = answer(app.post(VOICE_CALLS, &account.key).json(&body)).await;
    assert_eq!(status, StatusCode::CREATED, "{created}");
    created["data"]["uid"].as_str().unwrap().to_owned()
}

fn put(app: &TestApp, key: &str, uid: &str, body: &Value) -> RequestBuilder {
    app.put(&format!("{VOICE_CALLS}/{uid}"), key).json(body)
}

/// A PUT of some fields.
fn change(app: &TestApp, key: &str, uid: &str, body: &Value) -> RequestBuilder {
    put(app, key, uid, body).header("prefer", "handling=lenient")
}

fn patch(app: &TestApp, key: &str, uid: &str, body: &Value) -> RequestBuilder {
    app.request(Method::PATCH, &format!("{VOICE_CALLS}/{uid}"))
        .bearer_auth(key)
        .json(body)
}

/// The voice call as it is shown.
async fn read(app: &TestApp, key: &str, uid: &str) -> Value {
    let (status, body) = answer(app.get(&format!("{VOICE_CALLS}/{uid}"), key)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body["data"].clone()
}

async fn events(app: &TestApp) -> Vec<String> {
    sqlx::query_scalar("select type::text from events order by event_id")
        .fetch_all(&app.db)
        .await
        .unwrap()
}

/// An endpoint, because events are only kept for accounts that have one.
async fn listen(app: &TestApp, account: &TestAccount) {
    let endpoint = json!({"url": "http://127.0.0.1:9/hook"});
    let added = app
        .post("/v1/webhook-endpoints", &account.key)
        .json(&endpoint);
    assert_eq!(answer(added).await.0, StatusCode::CREATED);
}

#[tokio::test]
async fn the_published_update_is_taken_and_shown() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let uid = create(&app, &account, json!({})).await;
    let (status, body) = answer(put(&app, &account.key, &uid, &update())).await;
    assert_eq!((status, &body["success"]), (StatusCode::OK, &json!(true)));
    let shown = &body["data"];
    for (field, value) in update().as_object().unwrap() {
        assert_eq!(&shown[field], value, "{field}");
    }
    assert_eq!(shown["business_uid"], account.business_uid);
    assert_eq!(shown["recording"]["uid"], "rec-001");
    let (_, read) = answer(app.get(&format!("{VOICE_CALLS}/{uid}"), &account.key)).await;
    assert_eq!(&read["data"], shown);
}

#[tokio::test]
async fn a_call_is_created_once_and_its_repetition_shows_it() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let uid = create(&app, &account, json!({})).await;
    change(
        &app,
        &account.key,
        &uid,
        &json!({"call_summary": "moved on"}),
    )
    .send()
    .await
    .unwrap();
    let (status, again) = answer(app.post(VOICE_CALLS, &account.key).json(&new(&account))).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&again["data"]["uid"], &again["data"]["call_summary"]),
        (&json!(uid), &json!("moved on"))
    );
    let different = with(new(&account), json!({"client_uid": "c-2"}));
    let (status, refused) = answer(app.post(VOICE_CALLS, &account.key).json(&different)).await;
    let expected = json!({"success": false, "errors": [{
        "field": "source_id", "code": "already_exists", "message": "source_id is taken by another call of the provider",
    }]});
    assert_eq!((status, refused), (StatusCode::CONFLICT, expected));
}

#[tokio::test]
async fn a_terminal_status_ends_the_call_once() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    listen(&app, &account).await;
    for (n, body, state) in [
        (1, json!({"status": "MISSED"}), "no-answer"),
        (2, json!({"status": "VOICEMAIL"}), "voicemail"),
        (
            3,
            json!({"status": "ANSWERED_BY_STAFF", "duration": 120.0}),
            "completed",
        ),
    ] {
        let uid = create(&app, &account, json!({"source_id": format!("s{n}")})).await;
        for _ in 0..2 {
            let (status, _) = answer(change(&app, &account.key, &uid, &body)).await;
            assert_eq!(status, StatusCode::OK);
        }
        let (_, call) = answer(app.get(&format!("/calls/{uid}"), &account.key)).await;
        assert_eq!(call["data"]["call_status"], state);
        assert_eq!(app.jobs("analyze").await, n);
    }
    assert_eq!(events(&app).await, ["call.started", "call.ended"].repeat(3));
}

#[tokio::test]
async fn what_changes_nothing_leaves_no_version_and_no_event() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    listen(&app, &account).await;
    let uid = create(&app, &account, json!({})).await;
    let mut tags = Vec::new();
    for summary in ["one", "one", "two"] {
        let body = json!({"call_summary": summary});
        let changed = change(&app, &account.key, &uid, &body)
            .send()
            .await
            .unwrap();
        tags.push(changed.headers()["etag"].to_str().unwrap().to_owned());
    }
    assert_eq!(tags[0], tags[1]);
    assert_ne!(tags[1], tags[2]);
    assert_eq!(
        events(&app).await,
        ["call.started", "call.updated", "call.updated"]
    );
}

#[tokio::test]
async fn what_is_not_there_or_not_ours_is_not_found() {
    let app = TestApp::boot().await;
    let (ours, theirs) = (
        app.default_account().await,
        app.account("acme", VoipMode::Key).await,
    );
    let foreign = create(&app, &theirs, json!({})).await;
    let expected = json!({"success": false, "errors": [{"code": "not_found", "message": "voice call not found"}]});
    for uid in [
        foreign.as_str(),
        "0190f5fe-7c00-7a00-8000-000000000000",
        "abc",
        "%00",
        "a%20b",
    ] {
        let read = answer(app.get(&format!("{VOICE_CALLS}/{uid}"), &ours.key)).await;
        assert_eq!(read, (StatusCode::NOT_FOUND, expected.clone()), "{uid}");
        let written = answer(put(&app, &ours.key, uid, &update())).await;
        assert_eq!(written, (StatusCode::NOT_FOUND, expected.clone()), "{uid}");
    }
    sqlx::query("update calls set deleted_at = now()")
        .execute(&app.db)
        .await
        .unwrap();
    let read = answer(app.get(&format!("{VOICE_CALLS}/{foreign}"), &theirs.key)).await;
    assert_eq!(read.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_database_that_is_away_is_503() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let uid = create(&app, &account, json!({})).await;
    app.db.close().await;
    let answer = put(&app, &account.key, &uid, &update())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()["retry-after"], "1");
}
