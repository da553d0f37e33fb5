//! One attempt at a delivery: send, then write down what came of it and what follows, in one transaction.
//!
//! No transaction is open while we send. If we are killed between the answer and the commit, the job's lease runs out
//! and the event is sent again, with the same id and the same bytes: at least once. A job that runs twice at the same
//! time sends twice, but only the holder of the newest lease writes anything down.
//!
//! The delivery's row decides, not the queue: the schedule counts the row's steps, and a job that is not the one which
//! the row names (it was discarded since, or resent) does nothing.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use sqlx::PgPool;
use url::Url;

use super::{
    emit,
    signature::{Secret, seal_context},
};
use crate::{
    domain::{backoff, delivery::AttemptOutcome, event::EventType},
    egress::{self, Answer, Egress, Limits, Request},
    jobs::Deliver,
    metrics::Metrics,
    queue::{
        self, Claim, Outcome,
        runner::{Wake, random_unit},
    },
    seal::SealingKey,
    store::{
        self,
        attempts::{self, Attempt, Due, Settlement, Target},
        deliveries, endpoints, within,
    },
};

/// How long an attempt may take, from looking up the name to the last byte of the answer.
const DEADLINE: Duration = Duration::from_secs(15);

/// How much of an answer is read and kept.
pub const RESPONSE_BYTES_MAX: usize = 65_536;

/// Why an endpoint that answered 410 is disabled.
const GONE: &str = "it answered 410 Gone";

/// What delivering needs.
#[derive(Debug, Clone)]
pub struct Deliverer {
    /// The database.
    pub db: PgPool,
    /// The one HTTP client.
    pub egress: Egress,
    /// Opens signing secrets.
    pub sealing_key: Arc<SealingKey>,
    /// Wakes the workers when deliveries that waited may go.
    pub wake: Wake,
    /// Counts what attempts come to.
    pub metrics: Metrics,
}

/// An attempt that was made.
#[derive(Debug)]
struct Made {
    attempt: Attempt,
    retry_after: Option<Duration>,
}

/// Makes one attempt at a delivery.
pub async fn run(deliverer: &Deliverer, claim: &Claim, job: &Deliver) -> Outcome {
    match attempt(deliverer, claim, job).await {
        Ok(outcome) => outcome,
        // Whatever was sent is sent again: that is what at least once means.
        Err(error) => Outcome::Retry {
            after: None,
            error: error.into(),
        },
    }
}

async fn attempt(
    deliverer: &Deliverer,
    claim: &Claim,
    job: &Deliver,
) -> Result<Outcome, store::Error> {
    let db = &deliverer.db;
    let due = attempts::due(db, job.account_id, job.delivery_id, claim.job_id);
    let Some(due) = store::ask(due).await? else {
        return Ok(Outcome::Done);
    };
    let made = match &due.target {
        Some(target) => Some(send(deliverer, &due, target).await),
        None => None,
    };
    let settlement = made.as_ref().map_or(Settlement::Discarded, |made| {
        judge(made, due.step + 1, claim)
    });
    if let Some(made) = &made {
        let outcome = made.attempt.outcome.as_str();
        deliverer.metrics.webhook_attempted(outcome);
    }
    log(&due, made.as_ref(), settlement);
    let freed = within(write_down(db, claim, &due, made, settlement)).await?;
    if freed > 0 {
        deliverer.wake.wake();
    }
    Ok(Outcome::Finished)
}

/// What follows from the `step`-th attempt of a schedule.
fn judge(made: &Made, step: i32, claim: &Claim) -> Settlement {
    match made.attempt.outcome {
        AttemptOutcome::Succeeded => Settlement::Succeeded,
        AttemptOutcome::Gone => Settlement::Discarded,
        // The queue would not run the job again, whatever the schedule says.
        _ if claim.is_last() => Settlement::Dead,
        _ => backoff::delivery_retry(step, made.retry_after, random_unit())
            .map_or(Settlement::Dead, |after| Settlement::Postponed { after }),
    }
}

async fn send(deliverer: &Deliverer, due: &Due, target: &Target) -> Made {
    let begun = Instant::now();
    let (outcome, answer) = match request(deliverer, due, target) {
        Err(outcome) => (outcome, None),
        Ok(request) => {
            let limits = Limits {
                deadline: DEADLINE,
                body_bytes_max: RESPONSE_BYTES_MAX,
            };
            match deliverer.egress.send(request, limits).await {
                Err(error) => (outcome_of(&error), None),
                Ok(answer) => (
                    AttemptOutcome::of_status(answer.status.as_u16()),
                    Some(answer),
                ),
            }
        }
    };
    let took = begun.elapsed();
    let retry_after = answer.as_ref().and_then(|answer| {
        let header = answer.headers.get(header::RETRY_AFTER)?.to_str().ok()?;
        backoff::retry_after(header, due.now + took)
    });
    Made {
        attempt: Attempt {
            started_at: due.now,
            duration_ms: i32::try_from(took.as_millis()).unwrap_or(i32::MAX),
            outcome,
            response_status: answer.as_ref().map(|answer| answer.status.as_u16().into()),
            response_body: answer.map(|Answer { body, .. }| body.into()),
        },
        retry_after,
    }
}

/// The signed request; why there can be none, otherwise.
fn request(deliverer: &Deliverer, due: &Due, target: &Target) -> Result<Request, AttemptOutcome> {
    let context = seal_context(due.thread.account_id, due.thread.endpoint_id);
    let secret = deliverer
        .sealing_key
        .open(&context, &target.sealed_secret)
        .map(Secret::from_bytes)
        .map_err(|error| {
            tracing::error!(endpoint.id = %due.thread.endpoint_id, error = %error, "an endpoint's secret does not open");
            AttemptOutcome::SecretUnreadable
        })?;
    let url = Url::parse(&target.url).map_err(|_error| AttemptOutcome::RefusedAddress)?;
    let timestamp = due.now.timestamp();
    let signature = secret.sign(due.event_id, timestamp, &due.body);
    let text = |text: String| {
        HeaderValue::try_from(text).expect("ids, numbers and base64 are printable ASCII")
    };
    let headers = HeaderMap::from_iter([
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (
            HeaderName::from_static("webhook-id"),
            text(due.event_id.to_string()),
        ),
        (
            HeaderName::from_static("webhook-timestamp"),
            text(timestamp.to_string()),
        ),
        (
            HeaderName::from_static("webhook-signature"),
            text(signature),
        ),
    ]);
    Ok(Request {
        method: Method::POST,
        url,
        headers,
        body: due.body.clone().into(),
    })
}

fn outcome_of(error: &egress::Error) -> AttemptOutcome {
    match error {
        egress::Error::Refused(_) => AttemptOutcome::RefusedAddress,
        egress::Error::Dns(_) => AttemptOutcome::Dns,
        egress::Error::Connect(_) => AttemptOutcome::Connect,
        egress::Error::Tls(_) => AttemptOutcome::Tls,
        egress::Error::TimedOut => AttemptOutcome::TimedOut,
        egress::Error::Reset(_) => AttemptOutcome::Reset,
        egress::Error::Protocol(_) => AttemptOutcome::Protocol,
    }
}

/// Attempt, delivery, job and whatever follows, in one transaction. Answers how many deliveries need not wait any more.
async fn write_down(
    db: &PgPool,
    claim: &Claim,
    due: &Due,
    made: Option<Made>,
    settlement: Settlement,
) -> Result<usize, store::Error> {
    let outcome = made
        .as_ref()
        .map_or("no attempt", |made| made.attempt.outcome.as_str());
    let mut tx = db.begin().await?;
    // The job's row first: it is the fence. Without the newest lease nothing is written.
    let held = match settlement {
        Settlement::Postponed { after } => {
            queue::store::retry(&mut tx, claim, after, outcome).await?
        }
        Settlement::Succeeded | Settlement::Dead | Settlement::Discarded => {
            queue::store::finish(&mut tx, claim).await?
        }
    };
    if !held {
        return Ok(0);
    }
    let gone = made
        .as_ref()
        .is_some_and(|made| made.attempt.outcome == AttemptOutcome::Gone);
    let (account_id, endpoint_id) = (due.thread.account_id, due.thread.endpoint_id);
    if gone {
        // An endpoint's row before those of its deliveries, as everywhere.
        endpoints::disable(&mut tx, account_id, endpoint_id, GONE).await?;
    }
    let attempt = made.map(|made| made.attempt);
    let ours = attempts::settle(&mut tx, due, attempt.as_ref(), settlement).await?;
    if gone {
        deliveries::discard_unfinished(&mut tx, account_id, endpoint_id).await?;
    }
    let over = !matches!(settlement, Settlement::Postponed { .. });
    let freed = if ours && over && due.event_type == EventType::CallEnded {
        emit::release(&mut tx, due.thread).await?
    } else {
        0
    };
    tx.commit().await?;
    Ok(freed)
}

fn log(due: &Due, made: Option<&Made>, settlement: Settlement) {
    let (delivery_id, endpoint_id) = (due.delivery_id, due.thread.endpoint_id);
    let outcome = made.map_or("no attempt", |made| made.attempt.outcome.as_str());
    let duration_ms = made.map(|made| made.attempt.duration_ms);
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
            tracing::warn!(delivery.id = %delivery_id, endpoint.id = %endpoint_id, outcome, "webhook discarded: its endpoint is disabled or deleted");
        }
    }
}
