//! Transcripts as staff systems read them, and the counts of voice calls.

use onhook::domain::account::VoipMode;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{VOICE_CALLS, answer, change, create, patch};
use crate::app::{TestAccount, TestApp};

/// Both places of the report.
const STATS: [&str; 2] = [
    "/v3/communication/voice_calls/reports/voice_call_stats",
    "/v3/communication/reports/voice_call_stats",
];

/// In the order of the document.
const STATUSES: [&str; 6] = [
    "INCOMING_CALL",
    "ANSWERED_BY_STAFF",
    "MISSED",
    "ANSWERED_BY_CALLS_PROVIDER",
    "MISSED_CALL_HANDLED",
    "VOICEMAIL_RECEIVED",
];

#[tokio::test]
async fn a_transcript_is_shown_in_the_surface_s_own_words() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let uid = create(&app, &account, json!({})).await;
    let path = format!("{VOICE_CALLS}/{uid}/transcript");
    let none = json!({"success": false, "errors": [{"code": "not_found", "message": "transcript not found"}]});
    let before = answer(app.get(&path, &account.key)).await;
    assert_eq!(before, (StatusCode::NOT_FOUND, none));
    let (_, call) = answer(app.get(&format!("{VOICE_CALLS}/{uid}"), &account.key)).await;
    assert_eq!(call["data"]["transcript_status"], Value::Null);
    let mut last = String::new();
    for text in ["First.", "Second."] {
        let transcript = json!({"utterances": [
            {"speaker": "customer", "text": text, "begin_ms": 3_250, "end_ms": 5_000},
            {"speaker": "agent", "text": "Hello.", "begin_ms": 0, "end_ms": 900},
            {"speaker": "system", "text": "Beep.", "begin_ms": 6_000, "end_ms": 6_001},
            {"speaker": "unknown", "participant_id": "x", "text": "Hm.", "begin_ms": 604_800_000, "end_ms": 604_800_000},
        ]});
        let put = app.put(&format!("/v1/calls/{uid}/transcript"), &account.key);
        let (_, taken) = answer(put.json(&transcript)).await;
        let (status, shown) = answer(app.get(&path, &account.key)).await;
        let expected = json!({"success": true, "data": {
            "transcript_uid": taken["transcript_id"], "status": "DONE",
            "transcript": [
                {"timestamp": 0.0, "speaker_role": "staff", "text": "Hello."},
                {"timestamp": 3.25, "speaker_role": "client", "text": text},
                {"timestamp": 6.0, "speaker_role": "system", "text": "Beep."},
                {"timestamp": 604_800.0, "speaker_role": "unknown", "text": "Hm."},
            ],
        }});
        assert_eq!((status, shown), (StatusCode::OK, expected));
        let newest = taken["transcript_id"].as_str().unwrap().to_owned();
        assert_ne!(newest, last, "the newest counts");
        last = newest;
    }
    let (_, call) = answer(app.get(&format!("{VOICE_CALLS}/{uid}"), &account.key)).await;
    assert_eq!(call["data"]["transcript_status"], "DONE");
    let other = app.account("acme", VoipMode::Key).await;
    let unknown = json!({"success": false, "errors": [{"code": "not_found", "message": "voice call not found"}]});
    let foreign = answer(app.get(&path, &other.key)).await;
    assert_eq!(foreign, (StatusCode::NOT_FOUND, unknown));
}

/// Calls of every status, on three days.
async fn furnish(app: &TestApp, account: &TestAccount) {
    for (source, status, day) in [
        ("a", "INCOMING_CALL", "2026-03-01 00:00:00+00"),
        ("b", "MISSED", "2026-03-01 23:59:59.999999+00"),
        ("c", "MISSED", "2026-03-02 00:00:00+00"),
        ("d", "VOICEMAIL", "2026-03-02 12:00:00+00"),
        ("e", "ANSWERED_BY_STAFF", "2026-03-02 12:00:00+00"),
        ("f", "ANSWERED_BY_CALLS_PROVIDER", "2026-03-03 00:00:00+00"),
        ("g", "MISSED", "2026-03-03 00:00:00+00"),
    ] {
        let uid = create(app, account, json!({"source_id": source})).await;
        answer(change(app, &account.key, &uid, &json!({"status": status}))).await;
        if source == "g" {
            let handled = json!({"status": "MISSED_CALL_HANDLED"});
            answer(patch(app, &account.key, &uid, &handled)).await;
        }
        sqlx::query("update calls set created_at = $1::timestamptz where source_id = $2 and account_id = $3")
            .bind(day)
            .bind(source)
            .bind(account.id.uuid())
            .execute(&app.db)
            .await
            .unwrap();
    }
    // What telephony has moved on is counted as it is shown.
    let busy = json!({"CallId": "a", "From": "1", "To": "2", "Direction": "incoming", "CallStatus": "busy"});
    answer(app.post("/api/v1/voip/call-end", &account.key).json(&busy)).await;
}

#[tokio::test]
async fn calls_are_counted_by_status_and_day() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    furnish(&app, &account).await;
    let other = app.account("acme", VoipMode::Key).await;
    create(&app, &other, json!({})).await;
    let today: String = sqlx::query_scalar("select (now() at time zone 'UTC')::date::text")
        .fetch_one(&app.db)
        .await
        .unwrap();
    for (query, counts, from, to) in [
        ("", [0, 1, 3, 1, 1, 1], "2026-03-01", today.as_str()),
        (
            "?start_date=2026-03-02",
            [0, 1, 1, 1, 1, 1],
            "2026-03-02",
            &today,
        ),
        (
            "?end_date=2026-03-01",
            [0, 0, 2, 0, 0, 0],
            "2026-03-01",
            "2026-03-01",
        ),
        ("?end_date=2026-02-28", [0; 6], "2026-02-28", "2026-02-28"),
        (
            "?start_date=2026-03-02&end_date=2026-03-02",
            [0, 1, 1, 0, 0, 1],
            "2026-03-02",
            "2026-03-02",
        ),
        (
            "?start_date=2026-03-01&end_date=2026-03-03",
            [0, 1, 3, 1, 1, 1],
            "2026-03-01",
            "2026-03-03",
        ),
        (
            "?start_date=0001-01-01&end_date=9999-12-31",
            [0, 1, 3, 1, 1, 1],
            "0001-01-01",
            "9999-12-31",
        ),
    ] {
        let all: Vec<Value> = STATUSES
            .into_iter()
            .zip(counts)
            .map(|(status, count)| json!({"status": status, "count": count}))
            .collect();
        for path in STATS {
            let (status, body) = answer(app.get(&format!("{path}{query}"), &account.key)).await;
            let expected = json!({"success": true, "data": {
                "status_counts": all, "total_voice_calls": counts.iter().sum::<i32>(), "start_date": from, "end_date": to,
            }});
            assert_eq!((status, body), (StatusCode::OK, expected), "{path}{query}");
        }
    }
}

#[tokio::test]
async fn one_status_can_be_counted_alone() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    furnish(&app, &account).await;
    for (word, status, count) in [
        ("MISSED", "MISSED", 3),
        ("VOICEMAIL", "VOICEMAIL_RECEIVED", 1),
        ("INCOMING_CALL", "INCOMING_CALL", 0),
    ] {
        let path = format!("{}?status={word}", STATS[0]);
        let (_, body) = answer(app.get(&path, &account.key)).await;
        let counts = json!([{"status": status, "count": count}]);
        assert_eq!(body["data"]["status_counts"], counts);
        assert_eq!(body["data"]["total_voice_calls"], count);
    }
}

#[tokio::test]
async fn every_wrong_parameter_of_the_counts_is_named_at_once() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let day = "must be a day, such as 2026-03-01";
    let statuses = "must be one of INCOMING_CALL, ANSWERED_BY_STAFF, MISSED, ANSWERED_BY_CALLS_PROVIDER, \
         MISSED_CALL_HANDLED, VOICEMAIL_RECEIVED";
    for (query, expected) in [
        (
            "start_date=1.3.2026&end_date=2026-02-30&status=missed",
            vec![("start_date", day), ("end_date", day), ("status", statuses)],
        ),
        (
            "start_date=2026-03-01T00:00:00Z&end_date=",
            vec![("start_date", day), ("end_date", day)],
        ),
        ("start_date=2026-3-1", vec![("start_date", day)]),
        (
            "start_date=2026-03-02&end_date=2026-03-01",
            vec![("end_date", "must not be before start_date")],
        ),
    ] {
        for path in STATS {
            let (status, body) = answer(app.get(&format!("{path}?{query}"), &account.key)).await;
            let errors: Vec<Value> = expected
                .iter()
                .map(|(field, message)| {
                    json!({"field": field, "code": "invalid", "message": format!("{field} {message}")})
                })
                .collect();
            let expected = json!({"success": false, "errors": errors});
            assert_eq!(
                (status, body),
                (StatusCode::BAD_REQUEST, expected),
                "{query}"
            );
        }
    }
}
