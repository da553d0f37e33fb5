//! What is said of recordings, and what is taken away of them.

use onhook::domain::account::VoipMode;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{answer, create, events, listen, patch, read};
use crate::{
    app::{TestAccount, TestApp},
    contract::RequestBuilder,
};

const RECORDINGS: &str = "/v3/communication/voice_call_recordings";

fn put(app: &TestApp, key: &str, uid: &str, body: &Value) -> RequestBuilder {
    app.put(&format!("{RECORDINGS}/{uid}"), key).json(body)
}

fn delete(app: &TestApp, key: &str, uid: &str) -> RequestBuilder {
    app.request(Method::DELETE, &format!("{RECORDINGS}/{uid}"))
        .bearer_auth(key)
}

/// Reports the call's end, with a recording.
async fn record(app: &TestApp, account: &TestAccount, name: &str, url: &str) {
    let end = json!({
        "CallId": name, "From": "1", "To": "2", "Direction": "incoming", "CallStatus": "completed", "Duration": "9",
        "RecordingUrl": url,
    });
    let report = app.post("/api/v1/voip/call-end", &account.key).json(&end);
    assert_eq!(answer(report).await.0, StatusCode::OK);
}

fn none(code: u16) -> (StatusCode, Value) {
    let body = json!({"success": false, "errors": [{"code": "not_found", "message": "recording not found"}]});
    (StatusCode::from_u16(code).unwrap(), body)
}

#[tokio::test]
async fn a_recording_is_described_by_its_own_uid_or_its_call_s() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    listen(&app, &account).await;
    let uid = create(&app, &account, json!({"source_id": "CA1"})).await;
    record(&app, &account, "CA1", "https://example.com/r.wav").await;
    let shown = read(&app, &account.key, &uid).await;
    let expected = json!({
        "uid": uid, "recordingUrl": "https://example.com/r.wav", "size": null, "duration": 9, "recording_played": false,
        "recording_type": "CALL",
    });
    assert_eq!(
        shown["recording"], expected,
        "without an id the call's stands for it"
    );
    answer(patch(
        &app,
        &account.key,
        &uid,
        &json!({"recording_id": "rec 1/ä"}),
    ))
    .await;
    let told = events(&app).await.len();
    for (at, body, played, size) in [
        (
            uid.as_str(),
            json!({"record_played": true}),
            true,
            Value::Null,
        ),
        (
            "rec%201%2F%C3%A4",
            json!({"size": 1_000}),
            true,
            json!(1_000),
        ),
        (
            "rec%201%2F%C3%A4",
            json!({"recording_played": false, "size": i32::MAX}),
            false,
            json!(i32::MAX),
        ),
        (
            &uid,
            json!({"recording_played": true, "record_played": true, "size": 0}),
            true,
            json!(0),
        ),
    ] {
        let (status, body) = answer(put(&app, &account.key, at, &body)).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let recording = &body["data"]["recording"];
        assert_eq!(recording["uid"], "rec 1/ä");
        assert_eq!(recording["recording_played"], played);
        assert_eq!(recording["size"], size);
        assert_eq!(body["data"], read(&app, &account.key, &uid).await);
    }
    assert_eq!(events(&app).await.split_off(told), ["call.updated"; 4]);
    // Another recording has not been listened to.
    let (_, other) = answer(patch(
        &app,
        &account.key,
        &uid,
        &json!({"recording_id": "rec-2"}),
    ))
    .await;
    assert_eq!(other["data"]["recording"]["recording_played"], false);
    assert_eq!(other["data"]["recording"]["size"], Value::Null);
}

/// A refused field, the code and what is wrong.
type Told = (&'static str, &'static str, &'static str);

/// Bodies that are refused, and how.
fn refused() -> Vec<(Value, u16, Vec<Told>)> {
    let range = "must be a whole number from 0 to 2147483647";
    let flag = "must be true or false";
    let (played, older) = ("recording_played", "record_played");
    vec![
        (json!({}), 422, vec![(played, "missing", "is required")]),
        (
            json!({"unknown": 1}),
            422,
            vec![(played, "missing", "is required")],
        ),
        (
            json!({"recording_played": "true"}),
            400,
            vec![(played, "wrong_type", flag)],
        ),
        (
            json!({"record_played": 1}),
            400,
            vec![(older, "wrong_type", flag)],
        ),
        (
            json!({"recording_played": null}),
            422,
            vec![(played, "invalid", "must not be null")],
        ),
        (
            json!({"size": null}),
            422,
            vec![("size", "invalid", "must not be null")],
        ),
        (json!({"size": -1}), 422, vec![("size", "invalid", range)]),
        (
            json!({"size": 2_147_483_648_i64}),
            422,
            vec![("size", "invalid", range)],
        ),
        (json!({"size": 0.5}), 422, vec![("size", "invalid", range)]),
        (
            json!({"size": "1", "recording_played": 0}),
            400,
            vec![
                (played, "wrong_type", flag),
                ("size", "wrong_type", "must be a number"),
            ],
        ),
        (
            json!({"recording_played": true, "record_played": false}),
            422,
            vec![(older, "invalid", "must be what recording_played is")],
        ),
    ]
}

#[tokio::test]
async fn each_value_of_a_recording_has_its_answer() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let uid = create(&app, &account, json!({})).await;
    answer(patch(
        &app,
        &account.key,
        &uid,
        &json!({"recording_id": "rec-1"}),
    ))
    .await;
    for (body, code, errors) in refused() {
        let (status, answered) = answer(put(&app, &account.key, &uid, &body)).await;
        let errors: Vec<Value> = errors
            .into_iter()
            .map(|(field, code, message)| {
                json!({"field": field, "code": code, "message": format!("{field} {message}")})
            })
            .collect();
        let expected = json!({"success": false, "errors": errors});
        assert_eq!((status.as_u16(), answered), (code, expected), "{body}");
    }
}

#[tokio::test]
async fn a_deleted_recording_stays_away_whatever_is_reported_later() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let uid = create(&app, &account, json!({"source_id": "CA1"})).await;
    record(&app, &account, "CA1", "https://example.com/r.wav").await;
    let described = json!({"recording_played": true, "size": 7});
    answer(put(&app, &account.key, &uid, &described)).await;
    answer(patch(
        &app,
        &account.key,
        &uid,
        &json!({"recording_id": "rec-1"}),
    ))
    .await;
    let (status, body) = answer(delete(&app, &account.key, "rec-1")).await;
    assert_eq!(
        (status, &body["data"]["recording"]),
        (StatusCode::OK, &Value::Null)
    );
    assert_eq!(body["data"]["recording_id"], Value::Null);
    let (_, call) = answer(app.get(&format!("/calls/{uid}"), &account.key)).await;
    assert_eq!(call["data"]["record_url"], Value::Null);
    record(&app, &account, "CA1", "https://example.com/again.wav").await;
    assert_eq!(
        read(&app, &account.key, &uid).await["recording"],
        Value::Null
    );
    let kept: String = sqlx::query_scalar("select to_jsonb(calls)::text from calls")
        .fetch_one(&app.db)
        .await
        .unwrap();
    assert!(!kept.contains("example.com/"), "{kept}");
    assert_eq!(answer(delete(&app, &account.key, &uid)).await, none(404));
    assert_eq!(
        answer(put(&app, &account.key, &uid, &described)).await,
        none(404)
    );
    // Staff may still name another.
    let (_, named) = answer(patch(
        &app,
        &account.key,
        &uid,
        &json!({"recording_id": "rec-2"}),
    ))
    .await;
    assert_eq!(named["data"]["recording"]["uid"], "rec-2");
    assert_eq!(named["data"]["recording"]["recording_played"], false);
}

#[tokio::test]
async fn a_recording_that_is_not_there_or_not_ours_is_not_found() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let bare = create(&app, &account, json!({"source_id": "bare"})).await;
    let theirs = app.account("acme", VoipMode::Key).await;
    let foreign = create(&app, &theirs, json!({})).await;
    answer(patch(
        &app,
        &theirs.key,
        &foreign,
        &json!({"recording_id": "theirs"}),
    ))
    .await;
    let long = "x".repeat(256);
    for at in [bare.as_str(), &foreign, "theirs", "nothing", "%00", &long] {
        let body = json!({"recording_played": true});
        assert_eq!(
            answer(put(&app, &account.key, at, &body)).await,
            none(404),
            "{at}"
        );
        assert_eq!(
            answer(delete(&app, &account.key, at)).await,
            none(404),
            "{at}"
        );
    }
    assert_eq!(
        read(&app, &theirs.key, &foreign).await["recording"]["uid"],
        "theirs"
    );
    // Two calls with one recording: only the calls' uids tell which is meant.
    for source in ["a", "b"] {
        let uid = create(&app, &account, json!({"source_id": source})).await;
        answer(patch(
            &app,
            &account.key,
            &uid,
            &json!({"recording_id": "shared"}),
        ))
        .await;
    }
    let (status, body) = answer(delete(&app, &account.key, "shared")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(
        body["errors"][0]["message"],
        "more than one voice call has that recording: use the voice call's uid"
    );
}
