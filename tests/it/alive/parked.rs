//! Reports that come before the call that they are about.

use onhook::calls::legs;
use serde_json::json;

use super::Alive;

const URL: &str = "https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1";

/// A recording of a call.
fn recording(sid: &str) -> [(&str, &str); 4] {
    [
        ("CallSid", sid),
        ("RecordingSid", "RE1"),
        ("RecordingStatus", "completed"),
        ("RecordingUrl", URL),
    ]
}

const PARKED: &str = "select count(*) from parked_reports";

#[tokio::test]
async fn a_recording_waits_for_its_call_and_makes_none() {
    let alive = Alive::boot([]).await;
    for _ in 0..2 {
        assert_eq!(alive.post(&recording("CA1")).await, 204);
    }
    assert_eq!(alive.number("select count(*) from calls").await, 0);
    assert_eq!(
        alive.number(PARKED).await,
        1,
        "the same report twice is one"
    );

    let take_up = async || legs::take_up(alive.app.tools(), None).await.unwrap();
    assert_eq!(take_up().await, 0);
    let call = alive.call("CA1", "completed").await;
    assert_eq!(take_up().await, 1);
    assert_eq!(alive.number(PARKED).await, 0);
    let call = alive.read(&call).await;
    assert_eq!(
        (&call["record_url"], &call["call_status"]),
        (&json!(URL), &json!("completed"))
    );
    assert_eq!(take_up().await, 0);
    assert_eq!(alive.number("select count(*) from receipts").await, 2);
}

#[tokio::test]
async fn a_recording_of_a_known_call_does_not_wait() {
    let alive = Alive::boot([]).await;
    let call = alive.call("CA1", "in-progress").await;
    assert_eq!(alive.post(&recording("CA1")).await, 204);
    assert_eq!(alive.read(&call).await["record_url"], URL);
    assert_eq!(alive.number(PARKED).await, 0);
}

#[tokio::test]
async fn what_waits_for_a_conversation_goes_to_its_first_leg_when_that_comes() {
    let alive = Alive::boot([]).await;
    // Named after the conversation alone, as Vonage's recordings are.
    assert_eq!(alive.post(&recording("CON-1")).await, 204);
    assert_eq!(alive.number(PARKED).await, 1);
    let call = alive.call("CA1", "in-progress").await;
    sqlx::query(
        "insert into legs (account_id, provider, name, conversation)
         select account_id, 'twilio', provider_call_id, 'CON-1' from calls",
    )
    .execute(&alive.app.db)
    .await
    .unwrap();
    let taken = legs::take_up(alive.app.tools(), None).await.unwrap();
    assert_eq!(taken, 1);
    assert_eq!(alive.read(&call).await["record_url"], URL);
    assert_eq!(alive.number("select count(*) from calls").await, 1);
}

#[tokio::test]
async fn a_report_whose_call_never_comes_is_dropped_after_a_day() {
    let alive = Alive::boot([]).await;
    assert_eq!(alive.post(&recording("CA1")).await, 204);
    let drop_old = async || legs::drop_old(alive.app.tools()).await.unwrap();
    for (hours, dropped) in [(23, 0), (2, 1)] {
        sqlx::query("update parked_reports set parked_at = parked_at - make_interval(hours => $1)")
            .bind(hours)
            .execute(&alive.app.db)
            .await
            .unwrap();
        assert_eq!(drop_old().await, dropped, "{hours} h more");
    }
    assert_eq!(alive.number(PARKED).await, 0);
    let metrics = alive.app.metrics().await;
    assert!(
        metrics.contains(r#"onhook_parked_reports_total{outcome="dropped"} 1"#),
        "{metrics}"
    );
}
