//! `call.ended` is told before what follows it, and nothing waits for ever.

use std::{collections::HashMap, time::Duration};

use onhook::domain::{delivery::DeliveryState, event::EventType};

use tokio_util::sync::CancellationToken;

use super::fixture::{Hooks, sole};
use crate::{
    deadline::eventually,
    receiver::{Received, Receiver, Reply},
};

const ENDED: &[EventType] = &[EventType::CallEnded];
const ANALYZED: &[EventType] = &[EventType::CallAnalyzed];

async fn states(hooks: &Hooks) -> Vec<DeliveryState> {
    hooks.deliveries().await.iter().map(|d| d.state).collect()
}

#[tokio::test]
async fn the_analysis_waits_until_the_end_is_told() {
    let hooks = Hooks::boot().await;
    let receiver =
        Receiver::scripted(|number, _| Reply::Status(if number < 2 { 503 } else { 200 }));
    hooks.endpoint(&receiver.url(), &[]).await;
    let call = hooks.call();
    hooks.emit(&call, ENDED).await;
    hooks.run_due().await;
    hooks.emit(&call, ANALYZED).await;
    assert_eq!(
        states(&hooks).await,
        [DeliveryState::Pending, DeliveryState::Waiting]
    );
    hooks.make_due().await;
    hooks.run_due().await;
    hooks.make_due().await;
    hooks.run_due().await;

    let types: Vec<_> = receiver
        .received()
        .iter()
        .map(Received::event_type)
        .collect();
    assert_eq!(
        types,
        ["call.ended", "call.ended", "call.ended", "call.analyzed"]
    );
    assert_eq!(states(&hooks).await, [DeliveryState::Succeeded; 2]);
}

#[tokio::test]
async fn what_is_emitted_with_the_end_comes_after_it() {
    let hooks = Hooks::boot().await;
    let receiver = Receiver::start();
    hooks.endpoint(&receiver.url(), &[]).await;
    let events = [
        EventType::CallTranscribed,
        EventType::CallEnded,
        EventType::CallUpdated,
    ];
    assert_eq!(hooks.emit(&hooks.call(), &events).await, 3);
    let pending: Vec<_> = hooks
        .deliveries()
        .await
        .into_iter()
        .filter(|delivery| delivery.state == DeliveryState::Pending)
        .collect();
    assert_eq!(sole(pending).event_type, EventType::CallEnded);
    hooks.run_due().await;
    assert_eq!(receiver.received()[0].event_type(), "call.ended");
    assert_eq!(states(&hooks).await, [DeliveryState::Succeeded; 3]);
}

#[tokio::test]
async fn one_endpoint_does_not_wait_for_another() {
    let hooks = Hooks::boot().await;
    let (slow, fast) = (Receiver::always(Reply::Status(500)), Receiver::start());
    hooks.endpoint(&slow.url(), &[]).await;
    hooks.endpoint(&fast.url(), &[]).await;
    let call = hooks.call();
    hooks.emit(&call, ENDED).await;
    hooks.run_due().await;
    hooks.emit(&call, ANALYZED).await;
    hooks.run_due().await;
    assert_eq!(slow.received().len(), 1);
    assert_eq!(
        fast.received().last().unwrap().event_type(),
        "call.analyzed"
    );
}

#[tokio::test]
async fn an_endpoint_that_wants_no_ends_is_told_of_analyses_at_once() {
    let hooks = Hooks::boot().await;
    let receiver = Receiver::start();
    hooks.endpoint(&receiver.url(), ANALYZED).await;
    let call = hooks.call();
    hooks.emit(&call, ENDED).await;
    assert_eq!(hooks.emit(&call, ANALYZED).await, 1);
}

#[tokio::test]
async fn what_waits_is_let_go_when_the_end_is_a_dead_letter() {
    let hooks = Hooks::boot().await;
    let receiver = Receiver::scripted(|_, got| {
        Reply::Status(if got.event_type() == "call.ended" {
            500
        } else {
            200
        })
    });
    hooks.endpoint(&receiver.url(), &[]).await;
    let call = hooks.call();
    hooks.emit(&call, ENDED).await;
    hooks.emit(&call, ANALYZED).await;
    for _ in 0..10 {
        hooks.run_due().await;
        hooks.make_due().await;
    }
    hooks.run_due().await;
    assert_eq!(
        states(&hooks).await,
        [DeliveryState::Dead, DeliveryState::Succeeded]
    );
}

#[tokio::test]
async fn however_emitting_and_delivering_race_the_end_comes_first_and_all_arrive() {
    const CALLS: usize = 100;
    let hooks = Hooks::boot().await;
    let receiver = Receiver::start();
    hooks.endpoint(&receiver.url(), &[]).await;
    let stop = CancellationToken::new();
    let engine = hooks.engine().run(stop.clone(), Duration::from_secs(5));
    let emitting = async {
        for _ in 0..CALLS {
            let call = hooks.call();
            hooks.emit(&call, ENDED).await;
            hooks.deliverer.wake.wake();
            hooks.emit(&call, ANALYZED).await;
            hooks.deliverer.wake.wake();
        }
        let all = async || (hooks.count("delivery_queue").await == 0).then_some(());
        eventually(Duration::from_secs(20), "every delivery", all).await;
        stop.cancel();
    };
    tokio::join!(engine, emitting);

    assert_eq!(states(&hooks).await, [DeliveryState::Succeeded; 2 * CALLS]);
    let mut told: HashMap<String, Vec<String>> = HashMap::new();
    for got in receiver.received() {
        let call_id = got.json()["data"]["id"].as_str().unwrap().to_owned();
        told.entry(call_id).or_default().push(got.event_type());
    }
    assert_eq!(told.len(), CALLS);
    assert!(
        told.values()
            .all(|types| *types == ["call.ended", "call.analyzed"]),
        "{told:?}"
    );
}
