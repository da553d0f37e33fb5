//! What became of deliveries, written down together.
//!
//! The fence is the row itself: whoever writes down an attempt names how many were made before it. A worker that was thought dead, or that
//! works on a delivery which was discarded meanwhile, changes nothing.

#![expect(
    clippy::as_conversions,
    reason = "the query macros spell the type of a parameter with `as`"
)]

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{attempts::Attempt, delivery_queue::Due};
use crate::domain::{delivery::DeliveryState, id::DeliveryId};

/// What an attempt, or its impossibility, makes of a delivery.
#[derive(Debug, Clone)]
pub struct Result {
    /// The delivery, as it was before the attempt.
    pub due: Due,
    /// The attempt, if one was made, and where it went.
    pub attempt: Option<(Attempt, String)>,
    /// What becomes of the delivery.
    pub settlement: Settlement,
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
    /// The state it leads to.
    pub fn state(self) -> DeliveryState {
        match self {
            Self::Postponed { .. } => DeliveryState::Pending,
            Self::Succeeded => DeliveryState::Succeeded,
            Self::Dead => DeliveryState::Dead,
            Self::Discarded => DeliveryState::Discarded,
        }
    }
}

/// Moves deliveries that are over to where they stay, each with its last attempt. Answers those that were still as the result says.
pub async fn finish(conn: &mut PgConnection, over: &[&Result]) -> sqlx::Result<Vec<DeliveryId>> {
    if over.is_empty() {
        return Ok(Vec::new());
    }
    let attempts = Columns::of(over);
    let states: Vec<_> = over
        .iter()
        .map(|result| result.settlement.state().as_str().to_owned())
        .collect();
    sqlx::query_scalar!(
        r#"with over as materialized (
             select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::timestamptz[], $6::int[], $7::text[], $8::text[],
                                  $9::int[], $10::bytea[])
                  as over (account_id, delivery_id, attempts, state, started_at, duration_ms, outcome, url, response_status, response_body)
           ), taken as (
             delete from delivery_queue q using over
             where q.account_id = over.account_id and q.delivery_id = over.delivery_id and q.attempts = over.attempts
             returning q.account_id, q.delivery_id, q.event_id, q.endpoint_id, q.call_id, q.event_type, q.created_at,
                       q.attempts + case when over.outcome is null then 0 else 1 end as attempts,
                       over.state, over.started_at, over.duration_ms, over.outcome, over.url, over.response_status, over.response_body
           )
           insert into deliveries
               (account_id, delivery_id, event_id, endpoint_id, call_id, event_type, created_at, attempts, state, started_at, duration_ms,
                outcome, url, response_status, response_body)
           select account_id, delivery_id, event_id, endpoint_id, call_id, event_type, created_at, attempts, state::delivery_state,
                  started_at, duration_ms, outcome::attempt_outcome, url, response_status, response_body
           from taken
           returning delivery_id as "delivery_id: DeliveryId""#,
        &attempts.accounts,
        &attempts.deliveries,
        &attempts.fences,
        &states,
        &attempts.started as &[Option<DateTime<Utc>>],
        &attempts.durations as &[Option<i32>],
        &attempts.outcomes as &[Option<String>],
        &attempts.urls as &[Option<String>],
        &attempts.statuses as &[Option<i32>],
        &attempts.bodies as &[Option<Vec<u8>>]
    )
    .fetch_all(conn)
    .await
}

/// Writes failed attempts down and makes their deliveries due again, where they were still as the result says.
pub async fn postpone(conn: &mut PgConnection, later: &[&Result]) -> sqlx::Result<()> {
    if later.is_empty() {
        return Ok(());
    }
    let attempts = Columns::of(later);
    let waits: Vec<_> = later
        .iter()
        .map(|result| match result.settlement {
            Settlement::Postponed { after } => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
            Settlement::Succeeded | Settlement::Dead | Settlement::Discarded => 0,
        })
        .collect();
    sqlx::query!(
        r#"with later as materialized (
             select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::bigint[], $5::timestamptz[], $6::int[], $7::text[], $8::text[],
                                  $9::int[], $10::bytea[])
                  as later (account_id, delivery_id, attempts, wait_us, started_at, duration_ms, outcome, url, response_status, response_body)
           ), kept as (
             update delivery_queue q set attempts = q.attempts + 1, step = q.step + 1, due_at = now() + wait_us * interval '1 microsecond'
             from later
             where q.account_id = later.account_id and q.delivery_id = later.delivery_id and q.attempts = later.attempts
             returning q.account_id, q.delivery_id, q.attempts, later.started_at, later.duration_ms, later.outcome, later.url,
                       later.response_status, later.response_body
           )
           insert into attempts
               (account_id, delivery_id, attempt, started_at, duration_ms, outcome, url, response_status, response_body)
           select account_id, delivery_id, attempts, started_at, duration_ms, outcome::attempt_outcome, url, response_status, response_body
           from kept"#,
        &attempts.accounts,
        &attempts.deliveries,
        &attempts.fences,
        &waits,
        &attempts.started as &[Option<DateTime<Utc>>],
        &attempts.durations as &[Option<i32>],
        &attempts.outcomes as &[Option<String>],
        &attempts.urls as &[Option<String>],
        &attempts.statuses as &[Option<i32>],
        &attempts.bodies as &[Option<Vec<u8>>]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Results, column by column.
#[derive(Default)]
struct Columns {
    accounts: Vec<Uuid>,
    deliveries: Vec<Uuid>,
    fences: Vec<i32>,
    started: Vec<Option<DateTime<Utc>>>,
    durations: Vec<Option<i32>>,
    outcomes: Vec<Option<String>>,
    urls: Vec<Option<String>>,
    statuses: Vec<Option<i32>>,
    bodies: Vec<Option<Vec<u8>>>,
}

impl Columns {
    fn of(results: &[&Result]) -> Self {
        let mut columns = Self::default();
        for result in results {
            let (due, attempt) = (&result.due, result.attempt.as_ref());
            columns.accounts.push(due.account_id.uuid());
            columns.deliveries.push(due.delivery_id.uuid());
            columns.fences.push(due.attempts);
            columns.started.push(attempt.map(|(a, _)| a.started_at));
            columns.durations.push(attempt.map(|(a, _)| a.duration_ms));
            let outcome = attempt.map(|(a, _)| a.outcome.as_str().to_owned());
            columns.outcomes.push(outcome);
            columns.urls.push(attempt.map(|(_, url)| url.clone()));
            let status = attempt.and_then(|(a, _)| a.response_status);
            columns.statuses.push(status);
            let body = attempt.and_then(|(a, _)| a.response_body.clone());
            columns.bodies.push(body);
        }
        columns
    }
}
