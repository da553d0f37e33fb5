//! From which status to which: every pair, over HTTP.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{answer, create, events, listen, patch, read};
use crate::app::{TestAccount, TestApp};

const STATUSES: [&str; 6] = [
    "INCOMING_CALL",
    "ANSWERED_BY_STAFF",
    "MISSED",
    "ANSWERED_BY_CALLS_PROVIDER",
    "MISSED_CALL_HANDLED",
    "VOICEMAIL_RECEIVED",
];

/// A call that stands at a status, over or not.
async fn at(app: &TestApp, account: &TestAccount, status: &str, over: bool) -> String {
    let uid = create(
        app,
        account,
        json!({"source_id": format!("{status}-{over}-{}", fresh())}),
    )
    .await;
    let mut steps = vec![json!({"status": status})];
    match status {
        "INCOMING_CALL" => steps.clear(),
        "MISSED_CALL_HANDLED" => steps.insert(0, json!({"status": "MISSED"})),
        _ => {}
    }
    if over && status.starts_with("ANSWERED") {
        steps.push(json!({"duration": 60}));
    }
    for step in steps {
        let (answered, body) = answer(patch(app, &account.key, &uid, &step)).await;
        assert_eq!(answered, StatusCode::OK, "{step}: {body}");
    }
    uid
}

fn fresh() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// What a move comes to: the status that is shown then, or why it is refused.
fn expected(from: &str, over: bool, to: &str) -> Result<&'static str, &'static str> {
    let missed = ["MISSED", "VOICEMAIL_RECEIVED", "MISSED_CALL_HANDLED"].contains(&from);
    let to = STATUSES.into_iter().find(|status| *status == to).unwrap();
    match to {
        "INCOMING_CALL" if over => Err("an ended call cannot become INCOMING_CALL"),
        "MISSED_CALL_HANDLED" if !missed => {
            Err("only a MISSED or VOICEMAIL_RECEIVED call can become MISSED_CALL_HANDLED")
        }
        // A status only rises.
        "INCOMING_CALL" => Ok(STATUSES.into_iter().find(|status| *status == from).unwrap()),
        to => Ok(to),
    }
}

#[tokio::test]
async fn every_move_between_two_statuses_is_made_or_refused() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    for from in STATUSES {
        let answered = from.starts_with("ANSWERED");
        let ended = !answered && from != "INCOMING_CALL";
        for over in [false, true] {
            if over != ended && !answered {
                continue;
            }
            for to in STATUSES {
                let uid = at(&app, &account, from, over).await;
                let before = read(&app, &account.key, &uid).await;
                assert_eq!(before["status"], from);
                let body = json!({"status": to, "call_summary": "moved"});
                let (status, body) = answer(patch(&app, &account.key, &uid, &body)).await;
                let at = format!("{from} (over: {over}) to {to}: {body}");
                match expected(from, over, to) {
                    Ok(shown) => {
                        assert_eq!(status, StatusCode::OK, "{at}");
                        assert_eq!(body["data"]["status"], shown, "{at}");
                        assert_eq!(body["data"]["call_summary"], "moved");
                    }
                    Err(why) => {
                        assert_eq!(status, StatusCode::CONFLICT, "{at}");
                        let refused = json!({"success": false, "errors": [{
                            "field": "status", "code": "invalid_transition",
                            "message": format!("status cannot be taken: {why}"),
                        }]});
                        assert_eq!(body, refused, "{at}");
                        assert_eq!(read(&app, &account.key, &uid).await, before, "{at}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn a_move_that_ends_the_call_sets_its_consequences_in_motion_once() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    listen(&app, &account).await;
    let mut ended = 0;
    for to in STATUSES {
        for duration in [Value::Null, json!(0), json!(60)] {
            let uid = at(&app, &account, "INCOMING_CALL", false).await;
            let told = events(&app).await.len();
            let body = json!({"status": to, "duration": duration});
            let ends = match to {
                "INCOMING_CALL" | "MISSED_CALL_HANDLED" => false,
                "ANSWERED_BY_STAFF" | "ANSWERED_BY_CALLS_PROVIDER" => duration == 60,
                _ => true,
            };
            for _ in 0..2 {
                answer(patch(&app, &account.key, &uid, &body)).await;
            }
            ended += i64::from(ends);
            assert_eq!(app.jobs("analyze").await, ended, "{to} {duration}");
            let told = events(&app).await.split_off(told);
            let ends_told = told.iter().filter(|event| *event == "call.ended").count();
            assert_eq!(ends_told, usize::from(ends), "{to} {duration}: {told:?}");
        }
    }
}

#[tokio::test]
async fn what_was_missed_is_handled_by_whoever_is_named_or_asks() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    for (from, named) in [
        ("MISSED", None),
        ("VOICEMAIL_RECEIVED", Some("s-7")),
        ("MISSED", Some("s-7")),
    ] {
        let uid = at(&app, &account, from, true).await;
        assert_eq!(
            read(&app, &account.key, &uid).await["handled_at"],
            Value::Null
        );
        let body = match named {
            None => json!({"status": "MISSED_CALL_HANDLED"}),
            Some(uid) => json!({"status": "MISSED_CALL_HANDLED", "handled_by_staff_uid": uid}),
        };
        let (_, handled) = answer(patch(&app, &account.key, &uid, &body)).await;
        assert_eq!(handled["data"]["handled_by_staff_uid"], json!(named));
        let when = handled["data"]["handled_at"].clone();
        assert!(when.is_string());
        let (_, again) = answer(patch(&app, &account.key, &uid, &body)).await;
        assert_eq!(again["data"]["handled_at"], when, "the first time stays");
    }
}
