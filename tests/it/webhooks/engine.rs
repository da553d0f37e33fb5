//! Who delivers, how endpoints that are away are spared, and what becomes of what they miss.

use std::{sync::Barrier, time::Duration};

use onhook::{
    domain::{
        circuit::MISSES_MAX, delivery::DeliveryState, endpoint::EndpointState, event::EventType,
    },
    store::endpoints,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::fixture::{Hooks, sole};
use crate::{
    deadline::eventually,
    receiver::{Received, Receiver, Reply},
};

const ENDED: &[EventType] = &[EventType::CallEnded];

#[tokio::test]
async fn what_is_sent_twice_by_a_lost_worker_is_written_down_once() {
    let hooks = Hooks::boot().await;
    // Neither is answered before both are sent.
    let both = Barrier::new(2);
    let receiver = Receiver::scripted(move |_, _| {
        both.wait();
        Reply::Status(204)
    });
    hooks.endpoint(&receiver.url(), &[]).await;
    hooks.emit(&hooks.call(), ENDED).await;

    let steal = async {
        let sent = async || (receiver.received().len() == 1).then_some(());
        eventually(Duration::from_secs(20), "the first request", sent).await;
        // As if the first worker had been stopped for longer than its lease.
        hooks
            .execute("update delivery_workers set leased_until = now() - interval '1 s'")
            .await;
        hooks.run_due().await;
    };
    tokio::join!(hooks.run_due(), steal);

    assert_eq!(receiver.received().len(), 2);
    assert_eq!(hooks.attempts().await.len(), 1);
    assert_eq!(
        sole(hooks.deliveries().await).state,
        DeliveryState::Succeeded
    );
}

#[tokio::test]
async fn an_endpoint_has_one_worker_at_a_time() {
    let hooks = Hooks::boot().await;
    let receiver = Receiver::start();
    hooks.endpoint(&receiver.url(), &[]).await;
    let stop = CancellationToken::new();
    let workers = async {
        let run = || hooks.engine().run(stop.clone(), Duration::from_secs(5));
        tokio::join!(run(), run(), run());
    };
    let emitting = async {
        for _ in 0..200 {
            hooks.emit(&hooks.call(), ENDED).await;
            hooks.deliverer.wake.wake();
        }
        let over = async || (hooks.count("deliveries").await == 200).then_some(());
        eventually(Duration::from_secs(20), "every delivery", over).await;
        stop.cancel();
    };
    tokio::join!(workers, emitting);
    assert_eq!(receiver.received().len(), 200, "none is sent twice");
}

#[tokio::test]
async fn an_endpoint_that_is_away_is_asked_now_and_then_and_its_schedules_are_not_spent() {
    let hooks = Hooks::boot().await;
    let receiver =
        Receiver::scripted(|number, _| Reply::Status(if number < 6 { 503 } else { 200 }));
    hooks.endpoint(&receiver.url(), &[]).await;
    for _ in 0..50 {
        hooks.emit(&hooks.call(), ENDED).await;
    }
    hooks.one_at_a_time().await;
    let misses = usize::try_from(MISSES_MAX).unwrap();
    assert_eq!(receiver.received().len(), misses, "the circuit is open");
    assert_eq!(hooks.count("endpoint_lanes where open_until > now() and opens = 1 and failing_since is not null").await, 1);
    let untouched = "delivery_queue where attempts = 0";
    assert_eq!(hooks.count(untouched).await, 45);

    // Its time has come: one is tried, and fails.
    hooks
        .execute("update endpoint_lanes set open_until = now() - interval '1 s'")
        .await;
    hooks.run_due().await;
    assert_eq!(receiver.received().len(), misses + 1, "one probe");
    assert_eq!(
        hooks
            .count("endpoint_lanes where open_until > now() and opens = 2")
            .await,
        1
    );

    // One more, and it is back.
    hooks
        .execute("update endpoint_lanes set open_until = now() - interval '1 s'")
        .await;
    hooks.run_due().await;
    assert_eq!(
        hooks
            .count(
                "endpoint_lanes where open_until is null and opens = 0 and failing_since is null"
            )
            .await,
        1
    );
    hooks.make_due().await;
    hooks.run_due().await;
    assert_eq!(
        hooks.count("deliveries where state = 'succeeded'").await,
        50
    );
}

#[tokio::test]
async fn an_endpoint_that_refuses_one_event_is_told_the_others() {
    let hooks = Hooks::boot().await;
    let receiver = Receiver::scripted(|_, got| {
        Reply::Status(if got.event_type() == "call.updated" {
            500
        } else {
            200
        })
    });
    hooks.endpoint(&receiver.url(), &[]).await;
    for _ in 0..20 {
        hooks.emit(&hooks.call(), &[EventType::CallUpdated]).await;
        hooks.emit(&hooks.call(), ENDED).await;
    }
    hooks.run_due().await;
    assert_eq!(
        hooks.count("deliveries where state = 'succeeded'").await,
        20
    );
    assert_eq!(hooks.count("delivery_queue where attempts = 1").await, 20);
    assert_eq!(
        hooks.count("endpoint_lanes where open_until is null").await,
        1
    );
}

#[tokio::test]
async fn whoever_says_when_to_come_back_is_not_asked_before() {
    let hooks = Hooks::boot().await;
    let busy = Reply::Answer {
        status: 503,
        headers: vec![("retry-after", "120".to_owned())],
        body: Vec::new(),
    };
    let receiver = Receiver::always(busy);
    hooks.endpoint(&receiver.url(), &[]).await;
    for _ in 0..10 {
        hooks.emit(&hooks.call(), ENDED).await;
    }
    hooks.one_at_a_time().await;
    assert_eq!(receiver.received().len(), 1);
    let open = "endpoint_lanes where open_until between now() + interval '100 s' and now() + interval '121 s'";
    assert_eq!(hooks.count(open).await, 1);
}

#[tokio::test]
async fn an_endpoint_that_has_failed_for_days_is_disabled_and_somebody_is_told() {
    let hooks = Hooks::boot().await;
    let (dead, operators) = (Receiver::always(Reply::Status(500)), Receiver::start());
    let (endpoint_id, _) = hooks.endpoint(&dead.url(), &[]).await;
    hooks
        .endpoint(&operators.url(), &[EventType::EndpointDisabled])
        .await;
    hooks.emit(&hooks.call(), ENDED).await;
    hooks.run_due().await;
    hooks
        .execute("update endpoint_lanes set failing_since = now() - interval '4 days 23 hours'")
        .await;
    hooks.make_due().await;
    hooks.run_due().await;
    assert_eq!(hooks.count("endpoints where state = 'disabled'").await, 0);
    hooks
        .execute("update endpoint_lanes set failing_since = now() - interval '5 days 1 minute'")
        .await;
    hooks.make_due().await;
    hooks.run_due().await;

    let endpoint = endpoints::find(&hooks.db, hooks.account_id, endpoint_id).await;
    let endpoint = endpoint.unwrap().unwrap();
    assert_eq!(endpoint.state, EndpointState::Disabled);
    assert_eq!(hooks.count("deliveries where state = 'dead'").await, 1);
    let told = sole(operators.received()).json();
    assert_eq!(told["type"], "endpoint.disabled");
    assert_eq!(told["data"]["endpoint_id"], endpoint_id.to_string());
    assert_eq!(told["data"]["reason"], json!(endpoint.disabled_reason));
    assert!(
        dead.received()
            .iter()
            .all(|got| got.event_type() == "call.ended")
    );
}

#[tokio::test]
async fn a_delivery_that_is_given_up_is_told_to_those_who_ask_for_it_once() {
    let hooks = Hooks::boot().await;
    let names = &[EventType::CallEnded, EventType::DeliveryExhausted];
    let dead = Receiver::always(Reply::Status(500));
    hooks.endpoint(&dead.url(), names).await;
    let (both, ended) = (Receiver::start(), Receiver::start());
    hooks
        .endpoint(&both.url(), &[EventType::DeliveryExhausted])
        .await;
    hooks.endpoint(&ended.url(), &[]).await;
    hooks.emit(&hooks.call(), ENDED).await;
    for _ in 0..12 {
        hooks.make_due().await;
        hooks.run_due().await;
    }
    let told = sole(both.received()).json();
    assert_eq!(told["type"], "delivery.exhausted");
    assert_eq!(told["data"]["event_type"], "call.ended");
    assert_eq!(told["data"]["attempts_made"], 10);
    assert_eq!(told["data"]["last_response_status"], 500);
    // Neither the endpoint itself nor one that did not name it.
    let types = |receiver: &Receiver| -> Vec<String> {
        receiver
            .received()
            .iter()
            .map(Received::event_type)
            .collect()
    };
    assert_eq!(types(&ended), ["call.ended"]);
    assert_eq!(types(&dead), ["call.ended"; 10]);
}

#[tokio::test]
async fn an_event_whose_body_is_gone_is_discarded_unsent() {
    let hooks = Hooks::boot().await;
    let receiver = Receiver::start();
    hooks.endpoint(&receiver.url(), &[]).await;
    hooks.emit(&hooks.call(), ENDED).await;
    hooks.execute("delete from events").await;
    hooks.run_due().await;
    assert!(receiver.received().is_empty());
    assert_eq!(
        sole(hooks.deliveries().await).state,
        DeliveryState::Discarded
    );
}

#[tokio::test]
async fn weeks_are_made_ahead_once_and_dropped_whole() {
    let hooks = Hooks::boot().await;
    let weeks = "pg_inherits join pg_class on pg_class.oid = inhrelid where relkind = 'r' and relname ~ '_[0-9]{8}$'";
    assert_eq!(hooks.count(weeks).await, 6);
    hooks
        .execute("select make_webhook_weeks(current_date, 4)")
        .await;
    hooks
        .execute("select make_webhook_weeks(current_date, 4)")
        .await;
    assert_eq!(hooks.count(weeks).await, 12);
    let receiver = Receiver::start();
    hooks.endpoint(&receiver.url(), &[]).await;
    hooks.emit(&hooks.call(), ENDED).await;
    hooks.run_due().await;
    let rest = "events_rest";
    assert_eq!(
        hooks.count(rest).await + hooks.count("deliveries_rest").await,
        0
    );
    hooks.execute("select drop_webhook_weeks(now(), 100)").await;
    assert_eq!(hooks.deliveries().await.len(), 1);
    hooks
        .execute("select drop_webhook_weeks(now() + interval '7 days', 100)")
        .await;
    assert_eq!(hooks.count(weeks).await, 9);
    assert!(hooks.deliveries().await.is_empty());
    // Nothing is refused for want of a week.
    hooks.emit(&hooks.call(), ENDED).await;
    assert_eq!(hooks.count(rest).await, 1);
    hooks
        .execute("select make_webhook_weeks(current_date, 1)")
        .await;
    hooks.run_due().await;
    assert_eq!(receiver.received().len(), 2);
}
