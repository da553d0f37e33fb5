//! Calls that nobody knows any more: closed after a bound, and made right by whoever does know.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Alive, resource, unknown};
use crate::{provider_double::Reply, receiver::Received};

/// Longer than the patience with a call that is under way, and its jitter.
const QUIET_S: i32 = 18 * 60 + 30;

/// A call of which its provider has said three times over ten minutes that it knows no such call.
async fn lost() -> (Alive, String) {
    let alive = Alive::boot((0..3).map(|_| unknown())).await;
    let call = alive.call("CA1", "in-progress").await;
    alive.age(&call, QUIET_S).await;
    for asked in 1..=3 {
        assert_eq!(alive.read(&call).await["call_status"], "in-progress");
        assert_eq!(alive.reconcile().await, 1);
        assert_eq!(alive.asked("GET"), asked);
        assert_eq!(alive.reconcile().await, 0);
        alive.age(&call, 6 * 60 + 1).await;
    }
    (alive, call)
}

#[tokio::test]
async fn a_call_that_its_provider_does_not_know_is_closed_after_three_answers_over_ten_minutes() {
    let (alive, call) = lost().await;
    let record = alive.read(&call).await;
    assert_eq!(
        (
            &record["call_status"],
            &record["disconnect_reason"],
            &record["end_source"]
        ),
        (&json!("failed"), &json!("lost"), &json!("lost"))
    );
    // At its last sign of life, which the test has moved into the past.
    let after_answer = "select extract(epoch from ended_at - answered_at)::bigint from calls";
    assert!(alive.number(after_answer).await.abs() <= 12 * 60 + 60);
    assert_eq!(alive.asked("POST"), 0);
}

#[tokio::test]
async fn three_answers_at_once_are_not_believed() {
    let alive = Alive::boot((0..9).map(|_| unknown())).await;
    let call = alive.call("CA1", "in-progress").await;
    alive.age(&call, QUIET_S).await;
    for _ in 0..9 {
        sqlx::query("update reconciliations set next_check_at = now()")
            .execute(&alive.app.db)
            .await
            .unwrap();
        alive.reconcile().await;
    }
    assert_eq!(alive.asked("GET"), 9);
    assert_eq!(alive.read(&call).await["call_status"], "in-progress");
}

#[tokio::test]
async fn a_sign_of_life_in_between_begins_the_count_anew() {
    let replies = [
        unknown(),
        unknown(),
        resource("CA1", "in-progress"),
        unknown(),
        unknown(),
    ];
    let alive = Alive::boot(replies).await;
    let call = alive.call("CA1", "in-progress").await;
    for _ in 0..5 {
        alive.age(&call, QUIET_S).await;
        alive.reconcile().await;
    }
    assert_eq!(alive.asked("GET"), 5);
    assert_eq!(alive.read(&call).await["call_status"], "in-progress");
    let unknowns = alive
        .number("select unknowns::bigint from reconciliations")
        .await;
    assert_eq!(unknowns, 2);
}

#[tokio::test]
async fn the_true_end_stands_in_the_place_of_a_guess_and_is_told_as_an_update() {
    let (alive, call) = lost().await;
    alive.app.run_jobs().await;
    let receiver = alive.listen(&["call.ended", "call.updated"]).await;
    let pairs = [
        ("CallSid", "CA1"),
        ("CallStatus", "completed"),
        ("CallDuration", "77"),
        ("Timestamp", "Wed, 01 Apr 2026 12:00:00 +0000"),
    ];
    // What is live again by its word was never over; but a closed record is not opened.
    assert_eq!(
        alive
            .post(&[
                ("CallSid", "CA1"),
                ("CallStatus", "ringing"),
                ("SequenceNumber", "7")
            ])
            .await,
        204
    );
    assert_eq!(alive.read(&call).await["call_status"], "failed");
    assert_eq!(alive.post(&pairs).await, 204);
    let record = alive.read(&call).await;
    assert_eq!(
        (
            &record["call_status"],
            &record["disconnect_reason"],
            &record["end_source"],
            &record["call_duration"],
            &record["ended_at"]
        ),
        (
            &json!("completed"),
            &json!(""),
            &json!(null),
            &json!(77),
            &json!("2026-04-01T12:00:00Z")
        )
    );
    alive.app.run_jobs().await;
    let told: Vec<String> = receiver
        .received()
        .iter()
        .map(Received::event_type)
        .collect();
    assert!(
        !told.is_empty() && told.iter().all(|event| event == "call.updated"),
        "{told:?}"
    );
    // A second end changes nothing any more.
    assert_eq!(
        alive
            .post(&[("CallSid", "CA1"), ("CallStatus", "busy")])
            .await,
        204
    );
    assert_eq!(alive.read(&call).await["call_status"], "completed");
}

#[tokio::test]
async fn a_call_without_a_connection_is_closed_a_day_after_its_last_sign_of_life() {
    let alive = Alive::boot([]).await;
    let body = json!({"CallId": "PBX-1", "From": "+14155550148", "To": "+14155550777", "Direction": "incoming"});
    let post = async |path: &str, body: &Value| {
        let request = alive.app.request(Method::POST, path);
        let answer = request.json(body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    };
    post("/api/v1/voip/call-answered", &body).await;
    let call = alive.id("PBX-1").await;
    alive.age(&call, 24 * 3600 - 60).await;
    alive.reconcile().await;
    assert_eq!(alive.read(&call).await["call_status"], "in-progress");
    alive.age(&call, 120).await;
    assert_eq!(alive.reconcile().await, 1);
    let record = alive.read(&call).await;
    assert_eq!(
        (&record["call_status"], &record["disconnect_reason"]),
        (&json!("failed"), &json!("lost"))
    );
    assert!(alive.twilio.requests().is_empty());

    // The PBX reports the end after all.
    let mut ended = body;
    ended["CallStatus"] = json!("completed");
    post("/api/v1/voip/call-end", &ended).await;
    assert_eq!(alive.read(&call).await["call_status"], "completed");
}

#[tokio::test]
async fn a_connection_that_cannot_be_asked_is_given_a_day_and_asked_again_and_again() {
    let failing = || {
        Reply::json(
            500,
            r#"{"code":20500,"message":"Internal Server Error","status":500}"#,
        )
    };
    let alive = Alive::boot((0..60).map(|_| failing())).await;
    let call = alive.call("CA1", "in-progress").await;
    alive.age(&call, QUIET_S).await;
    for _ in 0..23 {
        alive.reconcile().await;
        assert_eq!(alive.read(&call).await["call_status"], "in-progress");
        alive.age(&call, 3600 + 720).await;
        if alive
            .number("select extract(epoch from now() - answered_at)::bigint from calls")
            .await
            > 86_400
        {
            break;
        }
    }
    let asked = alive.asked("GET");
    assert!((15..=25).contains(&asked), "asked {asked} times in a day");
    alive.reconcile().await;
    let record = alive.read(&call).await;
    assert_eq!(
        (&record["call_status"], &record["disconnect_reason"]),
        (&json!("failed"), &json!("lost"))
    );
}

#[tokio::test]
async fn a_call_whose_connection_is_gone_is_closed_after_a_day() {
    let alive = Alive::boot([]).await;
    let call = alive.call("CA1", "in-progress").await;
    sqlx::raw_sql("delete from numbers; delete from connections")
        .execute(&alive.app.db)
        .await
        .unwrap();
    alive.age(&call, 12 * 3600).await;
    alive.reconcile().await;
    assert_eq!(alive.read(&call).await["call_status"], "in-progress");
    alive.age(&call, 13 * 3600).await;
    alive.reconcile().await;
    assert_eq!(alive.read(&call).await["end_source"], "lost");
}

#[tokio::test]
async fn a_call_that_was_deleted_is_forgotten() {
    let alive = Alive::boot([]).await;
    let call = alive.call("CA1", "in-progress").await;
    sqlx::query("update calls set deleted_at = now()")
        .execute(&alive.app.db)
        .await
        .unwrap();
    alive.age(&call, 48 * 3600).await;
    assert_eq!(alive.reconcile().await, 0);
    assert_eq!(alive.asked("GET"), 0);
}

/// A PBX reports a call of the account's number; its name for it may be the provider's.
async fn reported_by_a_pbx(alive: &Alive) -> String {
    let body = json!({"From": "+14155550148", "To": super::OURS, "CallId": "CA1", "Direction": "incoming"});
    let path = "/api/v1/voip/call-answered";
    let reported = alive.app.request(Method::POST, path).json(&body).send();
    assert_eq!(reported.await.unwrap().status(), StatusCode::OK);
    alive.id("CA1").await
}

#[tokio::test]
async fn the_connection_of_a_number_is_asked_about_a_call_that_a_pbx_reported() {
    let over = super::resource_with("CA1", "completed", json!({"duration": "42"}));
    let alive = Alive::boot([over]).await;
    let call = reported_by_a_pbx(&alive).await;
    alive.age(&call, QUIET_S).await;
    assert_eq!(alive.reconcile().await, 1);
    let record = alive.read(&call).await;
    assert_eq!(record["call_status"], "completed");
    assert_eq!(record["end_source"], "reconciled");
}

#[tokio::test]
async fn a_name_that_need_not_be_the_provider_s_is_not_lost_because_the_provider_does_not_know_it()
{
    let alive = Alive::boot((0..9).map(|_| unknown())).await;
    let call = reported_by_a_pbx(&alive).await;
    for _ in 0..4 {
        alive.age(&call, QUIET_S).await;
        assert_eq!(alive.reconcile().await, 1);
        assert_eq!(alive.read(&call).await["call_status"], "in-progress");
    }
    alive.age(&call, 24 * 60 * 60).await;
    alive.reconcile().await;
    let record = alive.read(&call).await;
    assert_eq!(record["call_status"], "failed");
    assert_eq!(record["disconnect_reason"], "lost");
}
