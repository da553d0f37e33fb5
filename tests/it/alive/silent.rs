//! Calls that are silent for too long, and a provider that knows them: what it says is taken, and a live call is left alone.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{Alive, resource, resource_with, settings};
use crate::{provider_double::Reply, receiver::Received};

/// Longer than the patience with a call that is under way, and its jitter.
const QUIET_S: i32 = 18 * 60 + 30;

async fn now(alive: &Alive) -> DateTime<Utc> {
    sqlx::query_scalar("select now()")
        .fetch_one(&alive.app.db)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_end_that_was_never_reported_is_asked_for_and_taken_with_the_provider_s_time() {
    let alive = Alive::boot([]).await;
    let operator = alive.listen(&["call.ended", "call.reconciled"]).await;
    let everybody = alive.listen(&[]).await;
    let call = alive.call("CA1", "in-progress").await;
    alive.age(&call, QUIET_S).await;
    let ended_at = now(&alive).await - TimeDelta::minutes(5);
    let end_time = ended_at.format("%a, %d %b %Y %H:%M:%S +0000").to_string();
    let over = json!({"end_time": end_time, "duration": "321"});
    alive.twilio.then([resource_with("CA1", "completed", over)]);

    assert_eq!(alive.reconcile().await, 1);
    let record = alive.read(&call).await;
    assert_eq!(
        (
            &record["call_status"],
            &record["call_duration"],
            &record["end_source"],
            &record["terminations"]
        ),
        (
            &json!("completed"),
            &json!(321),
            &json!("reconciled"),
            &json!([])
        )
    );
    let shown: DateTime<Utc> = record["ended_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(shown.timestamp(), ended_at.timestamp());
    let receipts =
        "select count(*) from receipts where source = 'reconciled' and kind = 'ended' and not late";
    assert_eq!(alive.number(receipts).await, 1);
    assert_eq!((alive.asked("GET"), alive.asked("POST")), (1, 0));
    let left = alive.number("select count(*) from reconciliations").await;
    assert_eq!((left, alive.reconcile().await), (0, 0));

    alive.app.run_jobs().await;
    assert_eq!(alive.read(&call).await["analysis"]["status"], "completed");
    let told: Vec<String> = operator
        .received()
        .iter()
        .map(Received::event_type)
        .collect();
    assert_eq!(told, ["call.ended", "call.reconciled"]);
    assert_eq!(
        operator.received()[1].json()["data"]["end_source"],
        "reconciled"
    );
    let told: Vec<String> = everybody
        .received()
        .iter()
        .map(Received::event_type)
        .collect();
    assert!(!told.contains(&"call.reconciled".to_owned()), "{told:?}");

    // The true end, when it comes after all, changes nothing but what it knows better.
    alive.call("CA1", "completed").await;
    let later = alive.read(&call).await;
    assert_eq!(
        (&later["ended_at"], &later["end_source"]),
        (&record["ended_at"], &json!("reconciled"))
    );
    assert_eq!(alive.app.jobs("analyze").await, 0);
}

#[tokio::test]
async fn a_call_that_its_provider_says_is_live_is_left_alone_however_long_it_lasts() {
    let alive = Alive::boot([]).await;
    let call = alive.call("CA1", "in-progress").await;
    for round in 1..=40 {
        // Twelve hours in all, and a state that nobody has a word for.
        alive.age(&call, QUIET_S).await;
        let status = if round % 2 == 0 {
            "in-progress"
        } else {
            "levitating"
        };
        alive.twilio.then([resource("CA1", status)]);
        assert_eq!(alive.reconcile().await, 1, "{round}");
        assert_eq!(alive.asked("GET"), round);
        assert_eq!(alive.reconcile().await, 0, "{round}");
    }
    let record = alive.read(&call).await;
    assert_eq!(
        (&record["call_status"], &record["end_source"]),
        (&json!("in-progress"), &json!(null))
    );
    assert_eq!(alive.asked("POST"), 0);
}

#[tokio::test]
async fn a_call_that_was_answered_unheard_rises_and_nothing_else_changes() {
    let alive = Alive::boot([resource("CA1", "in-progress")]).await;
    let receiver = alive.listen(&["call.answered", "call.reconciled"]).await;
    let call = alive.call("CA1", "ringing").await;
    alive.age(&call, 4 * 60).await;
    assert_eq!(alive.reconcile().await, 1);
    let record = alive.read(&call).await;
    assert_eq!(
        (&record["call_status"], &record["end_source"]),
        (&json!("in-progress"), &json!(null))
    );
    alive.app.run_jobs().await;
    let told: Vec<String> = receiver
        .received()
        .iter()
        .map(Received::event_type)
        .collect();
    assert_eq!(told, ["call.answered"]);
}

#[tokio::test]
async fn nobody_is_asked_before_the_call_has_been_silent_for_long() {
    let alive = Alive::boot([]).await;
    for (sid, status, patience) in [
        ("CA1", "queued", settings().patience.queued),
        ("CA2", "ringing", settings().patience.ringing),
        ("CA3", "in-progress", settings().patience.in_progress),
    ] {
        let call = alive.call(sid, status).await;
        let seconds = i32::try_from(patience.as_secs()).unwrap();
        alive.age(&call, seconds - 30).await;
        alive.reconcile().await;
        assert_eq!(alive.asked("GET"), 0, "{status}");
        // A sign of life puts it off.
        alive.age(&call, 15).await;
        let ringing = [
            ("CallSid", sid),
            ("CallStatus", status),
            ("SequenceNumber", "9"),
        ];
        assert_eq!(alive.post(&ringing).await, 204);
        alive.age(&call, seconds / 2).await;
        alive.reconcile().await;
        assert_eq!(alive.asked("GET"), 0, "{status}");
        // Ended by itself: forgotten, and nobody was asked.
        alive.call(sid, "completed").await;
        alive.age(&call, seconds * 2).await;
        alive.reconcile().await;
        assert_eq!(alive.asked("GET"), 0, "{status}");
    }
    let left = alive.number("select count(*) from reconciliations").await;
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_connection_is_asked_about_so_many_calls_a_second_and_the_rest_have_their_turn() {
    let alive = Alive::boot((0..12).map(|_| resource("CA", "in-progress"))).await;
    for number in 0..12 {
        let call = alive.call(&format!("CA{number}"), "in-progress").await;
        alive.age(&call, QUIET_S).await;
    }
    let per_second = settings().per_second;
    alive.reconcile().await;
    assert_eq!(alive.asked("GET"), per_second);
    alive.reconcile().await;
    assert_eq!(alive.asked("GET"), per_second, "not within the second");
    for expected in [10, 12] {
        sqlx::query(
            "update reconciliations set next_check_at = next_check_at - interval '1 second'",
        )
        .execute(&alive.app.db)
        .await
        .unwrap();
        alive.reconcile().await;
        assert_eq!(alive.asked("GET"), expected);
    }
}

#[tokio::test]
async fn a_provider_that_wants_to_be_left_alone_is() {
    let throttled = Reply::json(
        429,
        r#"{"code":20429,"message":"Too Many Requests","status":429}"#,
    );
    let alive = Alive::boot([throttled.with("retry-after", "600")]).await;
    for number in 0..3 {
        let call = alive.call(&format!("CA{number}"), "in-progress").await;
        alive.age(&call, QUIET_S).await;
    }
    alive.reconcile().await;
    assert_eq!(
        alive.asked("GET"),
        1,
        "after the first that was refused, none"
    );
    let waits =
        "select min(extract(epoch from next_check_at - now()))::bigint from reconciliations";
    assert!(alive.number(waits).await >= 590);
    let live = "select count(*) from calls where state = 'in_progress'";
    assert_eq!(alive.number(live).await, 3);
}

#[tokio::test]
async fn a_call_that_was_ended_here_is_not_touched() {
    let alive = Alive::boot([]).await;
    let call = alive.call("CA1", "in-progress").await;
    alive.end(&call).await;
    sqlx::query("update terminations set state = 'failed' where part = 'provider'")
        .execute(&alive.app.db)
        .await
        .unwrap();
    let before = alive.read(&call).await;
    alive.age(&call, 48 * 3600).await;
    assert_eq!(alive.reconcile().await, 0);
    let after = alive.read(&call).await;
    assert_eq!(
        (
            &before["ended_at"],
            &before["terminations"],
            &before["updated_at"]
        ),
        (
            &after["ended_at"],
            &after["terminations"],
            &after["updated_at"]
        )
    );
    assert_eq!(alive.asked("GET"), 0);
}
