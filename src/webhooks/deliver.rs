//! One attempt at a delivery: the request, signed for this attempt, and what came of it. The body is the event's, byte for byte, each time.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use http::header;
use sqlx::PgPool;

use super::request::{self, Message};
use crate::{
    domain::{backoff, circuit::Sign, delivery::AttemptOutcome},
    egress::{Answer, Egress},
    metrics::Metrics,
    queue::runner::{Wake, random_unit},
    seal::SealingKey,
    store::{
        attempts::Attempt,
        delivery_queue::Due,
        delivery_results::{Result, Settlement},
        endpoint_targets::Target,
    },
};

/// What delivering needs.
#[derive(Debug, Clone)]
pub struct Deliverer {
    /// The database.
    pub db: PgPool,
    /// The one HTTP client.
    pub egress: Egress,
    /// Opens signing secrets.
    pub sealing_key: Arc<SealingKey>,
    /// Says that something is due.
    pub wake: Wake,
    /// Counts what attempts come to.
    pub metrics: Metrics,
}

/// What came of an attempt.
#[derive(Debug)]
pub struct Sent {
    /// What is to be written down.
    pub result: Result,
    /// What it says about the endpoint.
    pub sign: Sign,
    /// How long it took.
    pub took: Duration,
}

/// Makes one attempt.
pub async fn send(
    deliverer: &Deliverer,
    due: Due,
    target: &Target,
    (body, now): (String, DateTime<Utc>),
) -> Sent {
    let message = Message {
        event_id: due.event_id,
        at: now,
        body,
    };
    let of = (due.account_id, due.endpoint_id);
    let request = request::build(&deliverer.sealing_key, of, target, message);
    let request::Sent {
        outcome,
        answer,
        took,
    } = request::send(&deliverer.egress, request).await;
    let retry_after = answer.as_ref().and_then(|answer| {
        let header = answer.headers.get(header::RETRY_AFTER)?.to_str().ok()?;
        backoff::retry_after(header, now + took)
    });
    let status = answer.as_ref().map(|answer| answer.status.as_u16());
    let attempt = Attempt {
        started_at: now,
        duration_ms: i32::try_from(took.as_millis()).unwrap_or(i32::MAX),
        outcome,
        response_status: status.map(i32::from),
        response_body: answer.map(|Answer { body, .. }| body.into()),
    };
    deliverer.metrics.webhook_attempted(outcome.as_str());
    let settlement = judge(outcome, due.step + 1, retry_after);
    log(&due, &attempt, settlement);
    Sent {
        result: Result {
            due,
            attempt: Some((attempt, target.url.clone())),
            settlement,
        },
        sign: sign(outcome, status, retry_after),
        took,
    }
}

/// What follows from the `step`-th attempt of a schedule.
fn judge(outcome: AttemptOutcome, step: i32, retry_after: Option<Duration>) -> Settlement {
    match outcome {
        AttemptOutcome::Succeeded => Settlement::Succeeded,
        AttemptOutcome::Gone => Settlement::Discarded,
        _ => backoff::delivery_retry(step, retry_after, random_unit())
            .map_or(Settlement::Dead, |after| Settlement::Postponed { after }),
    }
}

/// What an outcome says about the endpoint, beyond this event.
fn sign(outcome: AttemptOutcome, status: Option<u16>, pause: Option<Duration>) -> Sign {
    match outcome {
        AttemptOutcome::Succeeded => Sign::Took,
        AttemptOutcome::ClientError if status == Some(429) => Sign::Away { pause },
        AttemptOutcome::ServerError if matches!(status, Some(502..=504)) => Sign::Away { pause },
        // Ours to mend: it was not asked.
        AttemptOutcome::RefusedAddress
        | AttemptOutcome::SecretUnreadable
        | AttemptOutcome::Redirected
        | AttemptOutcome::Gone
        | AttemptOutcome::ClientError
        | AttemptOutcome::ServerError => Sign::Refused,
        AttemptOutcome::Dns
        | AttemptOutcome::Connect
        | AttemptOutcome::Tls
        | AttemptOutcome::TimedOut
        | AttemptOutcome::Reset
        | AttemptOutcome::Protocol => Sign::Away { pause: None },
    }
}

fn log(due: &Due, attempt: &Attempt, settlement: Settlement) {
    let (delivery_id, endpoint_id) = (due.delivery_id, due.endpoint_id);
    let (outcome, duration_ms) = (attempt.outcome.as_str(), attempt.duration_ms);
    let attempt = due.step + 1;
    match settlement {
        Settlement::Succeeded => {
            tracing::debug!(delivery.id = %delivery_id, endpoint.id = %endpoint_id, attempt, duration_ms, "webhook delivered");
        }
        Settlement::Postponed { after } => {
            let after_s = after.as_secs();
            tracing::info!(delivery.id = %delivery_id, endpoint.id = %endpoint_id, attempt, outcome, duration_ms, after_s, "webhook attempt failed; trying again");
        }
        Settlement::Dead => {
            tracing::warn!(delivery.id = %delivery_id, endpoint.id = %endpoint_id, attempt, outcome, "webhook is a dead letter: its schedule is spent");
        }
        Settlement::Discarded => {
            tracing::warn!(delivery.id = %delivery_id, endpoint.id = %endpoint_id, outcome, "webhook discarded: its endpoint is gone");
        }
    }
}
