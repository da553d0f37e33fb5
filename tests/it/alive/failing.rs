//! Endings that do not come to an end: what is on the record, and who is told.

use std::time::Duration;

use serde_json::json;

use super::{Alive, provider_part};
use crate::{
    deadline::eventually,
    provider_double::Reply,
    receiver::{Received, Receiver},
};

fn failing() -> Reply {
    Reply::json(
        500,
        r#"{"code":20500,"message":"Internal Server Error","status":500}"#,
    )
}

/// The types that an endpoint was told, in their order.
async fn told(alive: &Alive, receiver: &Receiver, count: usize) -> Vec<String> {
    alive.app.make_jobs_due().await;
    alive.app.run_jobs().await;
    eventually(Duration::from_secs(10), "the events are told", async || {
        (receiver.received().len() >= count).then_some(())
    })
    .await;
    let received = receiver.received();
    received.iter().map(Received::event_type).collect()
}

#[tokio::test]
async fn an_ending_that_is_given_up_is_on_the_record_and_told_to_who_asked_for_it() {
    let alive = Alive::boot([]).await;
    let operator = alive.listen(&["call.ended", "termination.failed"]).await;
    let everybody = alive.listen(&[]).await;
    let call = alive.call("CA1", "in-progress").await;
    assert_eq!(alive.end(&call).await, "ending_at_provider");
    // Every attempt is answered 500, beyond the script.
    for attempt in 2..=12 {
        let part = provider_part(&alive.read(&call).await).clone();
        assert_eq!(
            (&part["state"], &part["attempts"]),
            (&json!("pending"), &json!(attempt - 1))
        );
        alive.app.make_jobs_due().await;
        alive.app.run_jobs().await;
    }
    let record = alive.read(&call).await;
    let part = provider_part(&record);
    assert_eq!(
        (&part["state"], &part["attempts"]),
        (&json!("failed"), &json!(12))
    );
    assert!(part["detail"].as_str().unwrap().contains("500"), "{part}");
    assert_eq!(
        record["call_status"], "completed",
        "the record stays closed"
    );
    assert_eq!(alive.asked("POST"), 12);

    assert_eq!(
        told(&alive, &operator, 2).await,
        ["call.ended", "termination.failed"]
    );
    let failed = operator.received()[1].json();
    assert_eq!(failed["data"]["id"], json!(call));
    assert_eq!(provider_part(&failed["data"])["state"], "failed");
    let told = told(&alive, &everybody, 3).await;
    assert!(
        told.contains(&"call.ended".to_owned()) && !told.contains(&"termination.failed".to_owned()),
        "{told:?}"
    );
    let metrics = alive.app.metrics().await;
    assert!(
        metrics.contains(r#"onhook_terminations_failed_total{part="provider"} 1"#),
        "{metrics}"
    );
}

#[tokio::test]
async fn an_ending_whose_worker_was_lost_at_the_last_attempt_is_given_up_all_the_same() {
    let alive = Alive::boot([failing()]).await;
    let operator = alive.listen(&["termination.failed"]).await;
    let call = alive.call("CA1", "in-progress").await;
    assert_eq!(alive.end(&call).await, "ending_at_provider");
    let give_up = async || {
        onhook::calls::end::give_up_forsaken(alive.app.tools())
            .await
            .unwrap()
    };
    assert_eq!(give_up().await, 0, "its job is there");

    // The rescuer buries a job whose worker dies at the last attempt; nobody writes that into the record.
    sqlx::query("update jobs set state = 'dead' where kind = 'hang_up'")
        .execute(&alive.app.db)
        .await
        .unwrap();
    assert_eq!(give_up().await, 0, "not within the minute");
    sqlx::query("update terminations set updated_at = updated_at - interval '61 seconds'")
        .execute(&alive.app.db)
        .await
        .unwrap();
    assert_eq!(give_up().await, 1);
    assert_eq!(give_up().await, 0);
    let record = alive.read(&call).await;
    assert_eq!(provider_part(&record)["state"], "failed");
    assert_eq!(told(&alive, &operator, 1).await, ["termination.failed"]);
}

#[tokio::test]
async fn an_ending_that_an_older_version_began_is_given_up_after_a_day() {
    let alive = Alive::boot([failing()]).await;
    let call = alive.call("CA1", "in-progress").await;
    alive.end(&call).await;
    sqlx::query("update terminations set job_id = null, updated_at = now() - interval '23 hours'")
        .execute(&alive.app.db)
        .await
        .unwrap();
    let give_up = async || {
        onhook::calls::end::give_up_forsaken(alive.app.tools())
            .await
            .unwrap()
    };
    assert_eq!(give_up().await, 0);
    sqlx::query("update terminations set updated_at = now() - interval '25 hours'")
        .execute(&alive.app.db)
        .await
        .unwrap();
    assert_eq!(give_up().await, 1);
}
