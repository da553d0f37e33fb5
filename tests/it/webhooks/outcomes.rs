//! What an endpoint may do to us, and what becomes of the delivery.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use onhook::{
    domain::{
        backoff::DELIVERY_ATTEMPTS_MAX,
        delivery::{AttemptOutcome, DeliveryState},
        endpoint::{DisabledReason, EndpointState, subscription::Subscription},
        event::EventType,
    },
    egress::{Egress, address::AddressPolicy},
    seal::SealingKey,
    store::endpoints,
    webhooks::{
        manage::{self, AddError, Resent},
        request::RESPONSE_BYTES_MAX,
    },
};

use super::fixture::{Hooks, sole};
use crate::receiver::{Receiver, Reply};

const ENDED: &[EventType] = &[EventType::CallEnded];

/// What the first attempt comes to at an endpoint that does this.
async fn outcome(reply: Reply) -> (AttemptOutcome, Option<i32>, Option<Vec<u8>>) {
    let hooks = Hooks::boot().await;
    let receiver = Receiver::always(reply);
    hooks.endpoint(&receiver.url(), &[]).await;
    hooks.emit(&hooks.call(), ENDED).await;
    hooks.run_due().await;
    let kept = sole(hooks.attempts().await);
    assert_eq!(kept.number, 1);
    let attempt = kept.attempt;
    (
        attempt.outcome,
        attempt.response_status,
        attempt.response_body,
    )
}

#[tokio::test]
async fn an_answer_that_drips_is_cut_off_at_the_deadline() {
    let begun = Instant::now();
    let (outcome, status, body) = outcome(Reply::Drip).await;
    assert_eq!(
        (outcome, status, body),
        (AttemptOutcome::TimedOut, None, None)
    );
    assert!(
        begun.elapsed() < Duration::from_secs(25),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn an_endless_answer_is_kept_up_to_the_cap_and_counts() {
    let (outcome, status, body) = outcome(Reply::Endless).await;
    assert_eq!((outcome, status), (AttemptOutcome::Succeeded, Some(200)));
    assert_eq!(body.unwrap().len(), RESPONSE_BYTES_MAX);
}

#[tokio::test]
async fn a_broken_or_senseless_answer_is_a_failed_attempt() {
    let huge = outcome(Reply::HugeHead).await;
    assert!(
        matches!(huge.0, AttemptOutcome::Protocol | AttemptOutcome::Reset),
        "{huge:?}"
    );
    for broken in [Reply::Reset, Reply::CloseOnAccept] {
        assert_eq!(outcome(broken).await.0, AttemptOutcome::Reset);
    }
    for (status, expected) in [
        (200, AttemptOutcome::Succeeded),
        (299, AttemptOutcome::Succeeded),
        (304, AttemptOutcome::Redirected),
        (401, AttemptOutcome::ClientError),
        (500, AttemptOutcome::ServerError),
        (700, AttemptOutcome::Protocol),
    ] {
        assert_eq!(outcome(Reply::Status(status)).await.0, expected, "{status}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let target = Receiver::start();
    let redirect = Reply::Answer {
        status: 307,
        headers: vec![("location", target.url())],
        body: b"over there".to_vec(),
    };
    let (outcome, status, body) = outcome(redirect).await;
    assert_eq!((outcome, status), (AttemptOutcome::Redirected, Some(307)));
    assert_eq!(body.unwrap(), b"over there");
    assert!(target.received().is_empty());
}

#[tokio::test]
async fn an_address_inside_is_refused_when_stored_and_again_when_reached() {
    let mut hooks = Hooks::boot().await;
    let receiver = Receiver::start();
    hooks.endpoint(&receiver.url(), &[]).await;
    hooks.deliverer.egress = Egress::new(AddressPolicy::default()).unwrap();

    let refused = hooks.add(&receiver.url(), &Subscription::to(vec![])).await;
    assert!(matches!(refused, Err(AddError::Url(_))));
    hooks.emit(&hooks.call(), ENDED).await;
    hooks.run_due().await;
    let attempt = sole(hooks.attempts().await).attempt;
    assert_eq!(attempt.outcome, AttemptOutcome::RefusedAddress);
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn gone_disables_the_endpoint_and_discards_what_is_on_its_way() {
    let hooks = Hooks::boot().await;
    let receiver = Receiver::always(Reply::Status(410));
    let (endpoint_id, _) = hooks.endpoint(&receiver.url(), &[]).await;
    let call = hooks.call();
    hooks.emit(&call, ENDED).await;
    hooks.emit(&call, &[EventType::CallAnalyzed]).await;
    hooks.emit(&hooks.call(), ENDED).await;
    hooks.one_at_a_time().await;

    let states: Vec<_> = hooks.deliveries().await.iter().map(|d| d.state).collect();
    assert_eq!(states, [DeliveryState::Discarded; 3]);
    let endpoint = endpoints::find(&hooks.db, hooks.account_id, endpoint_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(endpoint.state, EndpointState::Disabled);
    assert_eq!(endpoint.disabled_reason, Some(DisabledReason::Gone));
    assert_eq!(hooks.emit(&hooks.call(), ENDED).await, 0);
    hooks.run_due().await;
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn what_was_emitted_to_an_endpoint_disabled_since_is_discarded_unsent() {
    let hooks = Hooks::boot().await;
    let receiver = Receiver::start();
    hooks.endpoint(&receiver.url(), &[]).await;
    let call = hooks.call();
    hooks.emit(&call, ENDED).await;
    hooks.emit(&call, &[EventType::CallAnalyzed]).await;
    hooks
        .execute("update endpoints set state = 'disabled', disabled_reason = 'manual'")
        .await;
    hooks.run_due().await;
    let states: Vec<_> = hooks.deliveries().await.iter().map(|d| d.state).collect();
    assert_eq!(states, [DeliveryState::Discarded; 2]);
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn a_spent_schedule_is_a_dead_letter_that_can_be_resent() {
    let hooks = Hooks::boot().await;
    let receiver =
        Receiver::scripted(|number, _| Reply::Status(if number < 10 { 500 } else { 200 }));
    hooks.endpoint(&receiver.url(), &[]).await;
    hooks.emit(&hooks.call(), ENDED).await;
    let delivery_id = sole(hooks.deliveries().await).delivery_id;
    for attempt in 1..=DELIVERY_ATTEMPTS_MAX {
        assert_eq!(resend(&hooks).await, Resent::Unfinished, "{attempt}");
        hooks.make_due().await;
        hooks.run_due().await;
        assert_eq!(sole(hooks.deliveries().await).attempts, attempt);
    }
    let dead = sole(hooks.deliveries().await);
    assert_eq!(
        (dead.state, dead.next_attempt_at),
        (DeliveryState::Dead, None)
    );
    assert_eq!(hooks.count("delivery_queue").await, 0);

    assert_eq!(resend(&hooks).await, Resent::Started);
    hooks.run_due().await;
    let delivery = sole(hooks.deliveries().await);
    assert_eq!(
        (delivery.state, delivery.attempts),
        (DeliveryState::Succeeded, 11)
    );
    let attempts = hooks.attempts_at(delivery_id).await;
    assert_eq!(
        attempts
            .iter()
            .map(|kept| kept.number)
            .rev()
            .collect::<Vec<_>>(),
        (1..=11).collect::<Vec<_>>()
    );
    let got = receiver.received();
    assert!(got.iter().all(|attempt| attempt.body == got[0].body));

    hooks.execute("delete from endpoints").await;
    assert_eq!(resend(&hooks).await, Resent::NoEndpoint);
}

async fn resend(hooks: &Hooks) -> Resent {
    let delivery_id = sole(hooks.deliveries().await).delivery_id;
    manage::resend(&hooks.db, hooks.account_id, delivery_id)
        .await
        .unwrap()
}

#[tokio::test]
async fn retry_after_postpones_the_next_attempt() {
    let hooks = Hooks::boot().await;
    let busy = Reply::Answer {
        status: 429,
        headers: vec![("retry-after", "600".to_owned())],
        body: Vec::new(),
    };
    let receiver = Receiver::always(busy);
    hooks.endpoint(&receiver.url(), &[]).await;
    hooks.emit(&hooks.call(), ENDED).await;
    hooks.run_due().await;
    let seconds: f64 = sqlx::query_scalar(
        "select extract(epoch from d.due_at - a.started_at)::float8 from delivery_queue d join attempts a
         using (account_id, delivery_id)",
    )
    .fetch_one(&hooks.db)
    .await
    .unwrap();
    assert!((600.0..615.0).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn a_secret_that_does_not_open_is_a_failed_attempt_and_nothing_is_sent() {
    let mut hooks = Hooks::boot().await;
    let receiver = Receiver::start();
    hooks.endpoint(&receiver.url(), &[]).await;
    hooks.emit(&hooks.call(), ENDED).await;
    let other = SealingKey::parse(&SealingKey::generate()).unwrap();
    hooks.deliverer.sealing_key = Arc::new(other);
    hooks.run_due().await;
    let attempt = sole(hooks.attempts().await).attempt;
    assert_eq!(attempt.outcome, AttemptOutcome::SecretUnreadable);
    assert_eq!(sole(hooks.deliveries().await).state, DeliveryState::Pending);
    assert!(receiver.received().is_empty());
}
