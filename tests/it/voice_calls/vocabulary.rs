//! One record, three vocabularies: each row of the table in `docs/differences.md`, told by one surface and read on the others.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{VOICE_CALLS, answer, create, patch, read, with};
use crate::app::{TestAccount, TestApp};

/// What a report of telephony is on the two other surfaces: endpoint, `CallStatus`, `call_status`, `status`.
const REPORTED: [(&str, &str, &str, &str); 9] = [
    ("call-in-queue", "", "queued", "INCOMING_CALL"),
    ("call-ringing", "", "ringing", "INCOMING_CALL"),
    (
        "call-answered",
        "",
        "in-progress",
        "ANSWERED_BY_CALLS_PROVIDER",
    ),
    (
        "call-end",
        "completed",
        "completed",
        "ANSWERED_BY_CALLS_PROVIDER",
    ),
    ("call-end", "busy", "busy", "MISSED"),
    ("call-end", "no-answer", "no-answer", "MISSED"),
    ("call-end", "canceled", "canceled", "MISSED"),
    ("call-end", "cancelled", "canceled", "MISSED"),
    ("call-end", "failed", "failed", "MISSED"),
];

/// What a status of staff is on the calls surface.
const STATED: [(&str, Value, &str); 8] = [
    ("INCOMING_CALL", Value::Null, "ringing"),
    ("ANSWERED_BY_STAFF", Value::Null, "in-progress"),
    ("ANSWERED_BY_CALLS_PROVIDER", Value::Null, "in-progress"),
    ("ANSWERED_BY_STAFF", Value::Bool(true), "completed"),
    ("ANSWERED_BY_CALLS_PROVIDER", Value::Bool(true), "completed"),
    ("MISSED", Value::Null, "no-answer"),
    ("VOICEMAIL_RECEIVED", Value::Null, "voicemail"),
    ("MISSED_CALL_HANDLED", Value::Null, "no-answer"),
];

async fn report(app: &TestApp, account: &TestAccount, endpoint: &str, body: &Value) {
    let path = format!("/api/v1/voip/{endpoint}");
    let (status, said) = answer(app.post(&path, &account.key).json(body)).await;
    assert_eq!(status, StatusCode::OK, "{said}");
}

async fn call(app: &TestApp, account: &TestAccount, uid: &str) -> Value {
    let (_, body) = answer(app.get(&format!("/v1/calls/{uid}"), &account.key)).await;
    body["data"].clone()
}

/// The uid of the call that both lists find by their words for its state and by nothing else.
async fn found(
    app: &TestApp,
    account: &TestAccount,
    name: &str,
    (call_status, status): (&str, &str),
) -> String {
    let path = format!("{VOICE_CALLS}?filter[source_id]={name}&filter[status]={status}");
    let (_, page) = answer(app.get(&path, &account.key)).await;
    let calls = page["data"]["voice_calls"].as_array().unwrap();
    assert_eq!(calls.len(), 1, "{name} {status}: {page}");
    let uid = calls[0]["uid"].as_str().unwrap().to_owned();
    let path = format!("/calls/query?status={call_status}&per_page=100");
    let (_, page) = answer(app.get(&path, &account.key)).await;
    let listed = page["data"].as_array().unwrap();
    assert!(
        listed.iter().any(|call| call["id"] == json!(uid)),
        "{name} {call_status}"
    );
    uid
}

#[tokio::test]
async fn what_telephony_reports_is_read_in_every_vocabulary() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    for (n, (endpoint, word, call_status, status)) in REPORTED.into_iter().enumerate() {
        for (voip, calls, voice_calls) in [
            ("incoming", "inbound", "INBOUND"),
            ("outgoing", "outbound", "OUTBOUND"),
        ] {
            if endpoint == "call-in-queue" && voip == "outgoing" {
                continue;
            }
            let name = format!("CA-{n}-{voip}");
            let mut body = json!({"CallId": name, "From": "+1234567890", "To": "+1789451230"});
            if endpoint != "call-in-queue" {
                body = with(
                    body,
                    json!({"Direction": voip, "email": "user@example.com"}),
                );
            }
            if endpoint == "call-end" {
                body = with(body, json!({"CallStatus": word, "Duration": "10"}));
            }
            report(&app, &account, endpoint, &body).await;
            let uid = found(&app, &account, &name, (call_status, status)).await;
            let by_calls = call(&app, &account, &uid).await;
            let by_staff = read(&app, &account.key, &uid).await;
            let seconds = if endpoint == "call-end" { 10 } else { 0 };
            for (shown, expected) in [
                (&by_calls["call_status"], json!(call_status)),
                (&by_calls["call_direction"], json!(calls)),
                (&by_calls["call_sid"], json!(name)),
                (&by_calls["call_from"], json!("+1234567890")),
                (&by_calls["call_to"], json!("+1789451230")),
                (&by_calls["call_duration"], json!(seconds)),
                (&by_staff["status"], json!(status)),
                (&by_staff["direction"], json!(voice_calls)),
                (&by_staff["source_id"], json!(name)),
                (&by_staff["from_number"], json!("+1234567890")),
                (&by_staff["to_number"], json!("+1789451230")),
                (&by_staff["duration"], json!(seconds)),
                (&by_staff["uid"], by_calls["id"].clone()),
            ] {
                assert_eq!(*shown, expected, "{endpoint} {word} {voip}");
            }
        }
    }
}

#[tokio::test]
async fn what_staff_state_is_read_in_every_vocabulary() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    for (n, (status, talked, call_status)) in STATED.into_iter().enumerate() {
        for (voice_calls, calls) in [("INBOUND", "inbound"), ("OUTBOUND", "outbound")] {
            let name = format!("src-{n}-{calls}");
            let uid = create(
                &app,
                &account,
                json!({"source_id": name, "direction": voice_calls}),
            )
            .await;
            if status == "MISSED_CALL_HANDLED" {
                answer(patch(
                    &app,
                    &account.key,
                    &uid,
                    &json!({"status": "MISSED"}),
                ))
                .await;
            }
            let duration = if talked == Value::Null {
                Value::Null
            } else {
                json!(10)
            };
            let body = json!({"status": status, "duration": duration});
            let (answered, body) = answer(patch(&app, &account.key, &uid, &body)).await;
            assert_eq!(answered, StatusCode::OK, "{body}");
            assert_eq!(
                found(&app, &account, &name, (call_status, status)).await,
                uid
            );
            let shown = call(&app, &account, &uid).await;
            assert_eq!(shown["call_status"], call_status, "{status} {talked}");
            assert_eq!(shown["call_direction"], calls);
            assert_eq!(shown["call_sid"], name);
            assert_eq!(
                shown["call_duration"],
                if talked == Value::Null { 0 } else { 10 }
            );
        }
    }
}

#[tokio::test]
async fn what_a_back_end_ends_is_read_in_every_vocabulary() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    for (endpoint, call_status, status) in [
        ("call-in-queue", "canceled", "MISSED"),
        ("call-ringing", "canceled", "MISSED"),
        ("call-answered", "completed", "ANSWERED_BY_CALLS_PROVIDER"),
    ] {
        let body = json!({"CallId": endpoint, "From": "1", "To": "2", "Direction": "incoming"});
        report(&app, &account, endpoint, &body).await;
        let (_, page) = answer(app.get(
            &format!("{VOICE_CALLS}?filter[source_id]={endpoint}"),
            &account.key,
        ))
        .await;
        let uid = page["data"]["voice_calls"][0]["uid"].clone();
        let end = json!({"call_id": uid});
        let (answered, _) = answer(app.post("/calls/end", &account.key).json(&end)).await;
        assert_eq!(answered, StatusCode::OK);
        assert_eq!(
            found(&app, &account, endpoint, (call_status, status)).await,
            uid.as_str().unwrap()
        );
        // Telephony's own word comes too late to change it.
        let late = with(body, json!({"CallStatus": "failed"}));
        report(&app, &account, "call-end", &late).await;
        found(&app, &account, endpoint, (call_status, status)).await;
    }
}

#[tokio::test]
async fn each_surface_moves_a_call_that_another_made_known() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    // Staff make it known, telephony answers it, a back end ends it, staff follow up.
    let uid = create(&app, &account, json!({"source_id": "CA1"})).await;
    let words = async || {
        let shown = read(&app, &account.key, &uid).await["status"].clone();
        (
            call(&app, &account, &uid).await["call_status"].clone(),
            shown,
        )
    };
    assert_eq!(words().await, (json!("ringing"), json!("INCOMING_CALL")));
    let body = json!({"CallId": "CA1", "From": "1", "To": "2", "Direction": "incoming"});
    report(&app, &account, "call-answered", &body).await;
    assert_eq!(
        words().await,
        (json!("in-progress"), json!("ANSWERED_BY_CALLS_PROVIDER"))
    );
    answer(patch(
        &app,
        &account.key,
        &uid,
        &json!({"status": "ANSWERED_BY_STAFF"}),
    ))
    .await;
    assert_eq!(
        words().await,
        (json!("in-progress"), json!("ANSWERED_BY_STAFF"))
    );
    let end = json!({"call_id": uid, "disconnect_reason": "Customer requested to end call"});
    let (_, ended) = answer(app.post("/calls/end", &account.key).json(&end)).await;
    assert_eq!(ended["data"], json!(uid));
    assert_eq!(
        words().await,
        (json!("completed"), json!("ANSWERED_BY_STAFF"))
    );
    let (_, noted) = answer(patch(&app, &account.key, &uid, &json!({"duration": 77}))).await;
    assert_eq!(noted["data"]["duration"], 77);
    let shown = call(&app, &account, &uid).await;
    assert_eq!(shown["call_duration"], 77);
    assert_eq!(shown["disconnect_reason"], "Customer requested to end call");
    assert_eq!(app.jobs("analyze").await, 1);
}
