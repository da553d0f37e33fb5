//! Webhooks, from emitting to the endpoint: on a real database, over real HTTP, with the engine run by hand.

mod api;
mod document;
mod engine;
mod events;
mod fairness;
mod fixture;
mod keys;
mod order;
mod outcomes;
mod owners;
mod recover;
mod settings;
mod story;
mod trial;

use fixture::{Hooks, sole};
use onhook::domain::{
    delivery::{AttemptOutcome, DeliveryState},
    event::EventType,
};
use standardwebhooks::Webhook;

use crate::receiver::{Receiver, Reply};

#[tokio::test]
async fn the_public_library_verifies_what_an_endpoint_gets() {
    let hooks = Hooks::boot().await;
    let receiver = Receiver::start();
    let (_, secret) = hooks.endpoint(&receiver.url(), &[]).await;
    let call = hooks.call();

    assert_eq!(hooks.emit(&call, &[EventType::CallEnded]).await, 1);
    hooks.run_due().await;

    let got = sole(receiver.received());
    assert_eq!(got.line, "POST /hook HTTP/1.1");
    assert_eq!(got.header("content-type"), "application/json");
    let webhook = Webhook::new(&secret).unwrap();
    webhook.verify(&got.body, &got.headers).unwrap();
    let mut forged = got.body.clone();
    forged[0] ^= 1;
    assert!(webhook.verify(&forged, &got.headers).is_err());

    let body = got.json();
    assert_eq!(body["type"], "call.ended");
    assert_eq!(body["data"]["id"], call.call_id.to_string());
    assert_eq!(body.as_object().unwrap().len(), 3);
    let delivery = sole(hooks.deliveries().await);
    assert_eq!(delivery.state, DeliveryState::Succeeded);
    assert_eq!(got.header("webhook-id"), delivery.event_id.to_string());
}

#[tokio::test]
async fn every_attempt_sends_the_same_bytes_under_the_same_id() {
    let hooks = Hooks::boot().await;
    let receiver =
        Receiver::scripted(|number, _| Reply::Status(if number < 3 { 500 } else { 200 }));
    let (_, secret) = hooks.endpoint(&receiver.url(), &[]).await;
    hooks.emit(&hooks.call(), &[EventType::CallEnded]).await;
    for _ in 0..4 {
        hooks.make_due().await;
        hooks.run_due().await;
    }

    let got = receiver.received();
    assert_eq!(got.len(), 4);
    for attempt in &got {
        assert_eq!(attempt.body, got[0].body);
        assert_eq!(attempt.header("webhook-id"), got[0].header("webhook-id"));
        Webhook::new(&secret)
            .unwrap()
            .verify(&attempt.body, &attempt.headers)
            .unwrap();
    }
    let outcomes: Vec<_> = hooks
        .attempts()
        .await
        .iter()
        .map(|kept| kept.attempt.outcome)
        .collect();
    assert_eq!(
        outcomes,
        [
            AttemptOutcome::Succeeded,
            AttemptOutcome::ServerError,
            AttemptOutcome::ServerError,
            AttemptOutcome::ServerError
        ]
    );
}

#[tokio::test]
async fn where_nobody_listens_nothing_is_kept() {
    let hooks = Hooks::boot().await;
    assert_eq!(hooks.emit(&hooks.call(), &EventType::ALL).await, 0);
    assert_eq!(
        hooks.count("events").await + hooks.count("delivery_queue").await,
        0
    );

    let receiver = Receiver::start();
    hooks
        .endpoint(&receiver.url(), &[EventType::CallAnalyzed])
        .await;
    let listened = hooks.emit(&hooks.call(), &EventType::ALL).await;
    assert_eq!((listened, hooks.count("events").await), (1, 1));
}

#[tokio::test]
async fn an_event_is_delivered_to_each_who_subscribes_and_to_no_other_account() {
    let hooks = Hooks::boot().await;
    let (all, ended, other) = (Receiver::start(), Receiver::start(), Receiver::start());
    hooks.endpoint(&all.url(), &[]).await;
    hooks.endpoint(&ended.url(), &[EventType::CallEnded]).await;
    hooks
        .another_account()
        .await
        .endpoint(&other.url(), &[])
        .await;

    let call = hooks.call();
    let made = hooks
        .emit(&call, &[EventType::CallStarted, EventType::CallEnded])
        .await;
    assert_eq!(made, 3);
    hooks.run_due().await;
    assert_eq!(all.received().len(), 2);
    assert_eq!(sole(ended.received()).event_type(), "call.ended");
    assert!(other.received().is_empty());
}
