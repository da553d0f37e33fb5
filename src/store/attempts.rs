//! Attempts at deliveries: what there is to send, and what came of it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, postgres::types::PgInterval};

use super::deliveries::Thread;
use crate::domain::{
    delivery::{AttemptOutcome, DeliveryState},
    event::EventType,
    id::{AccountId, CallId, DeliveryId, EndpointId, EventId, JobId},
};

/// A delivery whose next attempt is to be made.
#[derive(Debug, Clone)]
pub struct Due {
    /// Which delivery.
    pub delivery_id: DeliveryId,
    /// To whom, of which call.
    pub thread: Thread,
    /// Which event.
    pub event_id: EventId,
    /// What kind of event.
    pub event_type: EventType,
    /// Attempts ever made.
    pub attempts: i32,
    /// Attempts made in the present schedule.
    pub step: i32,
    /// The one job that may make the attempt.
    pub job_id: JobId,
    /// What is sent, byte for byte.
    pub body: String,
    /// Where it goes; none: the endpoint is disabled or deleted.
    pub target: Option<Target>,
    /// What time it is.
    pub now: DateTime<Utc>,
}

/// Where a delivery goes.
#[derive(Debug, Clone)]
pub struct Target {
    /// The endpoint's URL.
    pub url: String,
    /// Its signing secret.
    pub sealed_secret: Vec<u8>,
}

/// What an attempt came to.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// How long it took.
    pub duration_ms: i32,
    /// What it came to.
    pub outcome: AttemptOutcome,
    /// The status that was answered.
    pub response_status: Option<i32>,
    /// The head of the body that was answered.
    pub response_body: Option<Vec<u8>>,
}

/// What becomes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// It is tried again.
    Postponed {
        /// How long from now.
        after: Duration,
    },
    /// The endpoint took it.
    Succeeded,
    /// The schedule is spent.
    Dead,
    /// The endpoint wants no more.
    Discarded,
}

impl Settlement {
    fn state(self) -> DeliveryState {
        match self {
            Self::Postponed { .. } => DeliveryState::Pending,
            Self::Succeeded => DeliveryState::Succeeded,
            Self::Dead => DeliveryState::Dead,
            Self::Discarded => DeliveryState::Discarded,
        }
    }
}

/// The delivery, if this job is the one that may make its next attempt.
pub async fn due(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    delivery_id: DeliveryId,
    job_id: JobId,
) -> sqlx::Result<Option<Due>> {
    let row = sqlx::query!(
        r#"select d.endpoint_id as "endpoint_id: EndpointId", d.call_id as "call_id: CallId",
                  d.event_id as "event_id: EventId", d.event_type, d.attempts, d.step, event.body,
                  endpoint.url as "url?", endpoint.sealed_secret as "sealed_secret?", clock_timestamp() as "now!"
           from deliveries d
           join events event on event.account_id = d.account_id and event.event_id = d.event_id
           left join endpoints endpoint on endpoint.account_id = d.account_id
                and endpoint.endpoint_id = d.endpoint_id and endpoint.state = 'enabled'
           where d.account_id = $1 and d.delivery_id = $2 and d.job_id = $3 and d.state = 'pending'"#,
        account_id.uuid(),
        delivery_id.uuid(),
        job_id.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Due {
        delivery_id,
        thread: Thread {
            account_id,
            endpoint_id: row.endpoint_id,
            call_id: row.call_id,
        },
        event_id: row.event_id,
        event_type: row.event_type,
        attempts: row.attempts,
        step: row.step,
        job_id,
        body: row.body,
        target: row
            .url
            .zip(row.sealed_secret)
            .map(|(url, sealed_secret)| Target { url, sealed_secret }),
        now: row.now,
    }))
}

/// Writes down what became of a delivery and the attempt that decided it, if one was made. False: it was settled
/// otherwise meanwhile, and nothing is written.
pub async fn settle(
    conn: &mut PgConnection,
    due: &Due,
    attempt: Option<&Attempt>,
    settlement: Settlement,
) -> sqlx::Result<bool> {
    let after = match settlement {
        Settlement::Postponed { after } => after,
        Settlement::Succeeded | Settlement::Dead | Settlement::Discarded => Duration::ZERO,
    };
    let settled = sqlx::query!(
        "update deliveries set
           state = $4, attempts = attempts + $5, step = step + $5,
           job_id = case when $4::delivery_state = 'pending' then job_id end,
           next_attempt_at = case when $4::delivery_state = 'pending' then now() + $6 end,
           finished_at = case when $4::delivery_state <> 'pending' then now() end
         where account_id = $1 and delivery_id = $2 and job_id = $3 and state = 'pending'",
        due.thread.account_id.uuid(),
        due.delivery_id.uuid(),
        due.job_id.uuid(),
        settlement.state() as DeliveryState,
        i32::from(attempt.is_some()),
        interval(after)
    )
    .execute(&mut *conn)
    .await?;
    let ours = settled.rows_affected() == 1;
    if ours && let Some(attempt) = attempt {
        record(conn, due, attempt).await?;
    }
    Ok(ours)
}

async fn record(conn: &mut PgConnection, due: &Due, attempt: &Attempt) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into attempts
             (account_id, delivery_id, attempt, started_at, duration_ms, outcome, response_status, response_body)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        due.thread.account_id.uuid(),
        due.delivery_id.uuid(),
        due.attempts + 1,
        attempt.started_at,
        attempt.duration_ms,
        attempt.outcome as AttemptOutcome,
        attempt.response_status,
        attempt.response_body.as_deref()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The newest attempts at a delivery, newest first, with their numbers.
pub async fn newest(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    delivery_id: DeliveryId,
    limit: i64,
) -> sqlx::Result<Vec<(i32, Attempt)>> {
    let rows = sqlx::query!(
        "select attempt, started_at, duration_ms, outcome, response_status, response_body from attempts
         where account_id = $1 and delivery_id = $2 order by attempt desc limit $3",
        account_id.uuid(),
        delivery_id.uuid(),
        limit
    )
    .fetch_all(db)
    .await?;
    let attempts = rows.into_iter().map(|row| {
        let attempt = Attempt {
            started_at: row.started_at,
            duration_ms: row.duration_ms,
            outcome: row.outcome,
            response_status: row.response_status,
            response_body: row.response_body,
        };
        (row.attempt, attempt)
    });
    Ok(attempts.collect())
}

fn interval(duration: Duration) -> PgInterval {
    PgInterval {
        months: 0,
        days: 0,
        microseconds: i64::try_from(duration.as_micros()).unwrap_or(i64::MAX),
    }
}
