//! What is kept: SQL and row types, one file a table.
//!
//! Reads take an executor, writes take a connection that somebody began: verbs begin and commit, nobody else. Every
//! statement is bounded by an account, and every wait by [`within`].

#![expect(
    clippy::as_conversions,
    reason = "the query macros spell the type of a parameter with `as`"
)]

use std::time::Duration;

use sqlx::postgres::types::PgInterval;

pub mod accounts;
pub mod analyses;
pub mod analysis_settings;
pub mod attempts;
pub mod calls;
pub mod connections;
pub mod deliveries;
pub mod delivery_depth;
pub mod delivery_queue;
pub mod delivery_results;
pub mod endpoint_keys;
pub mod endpoint_targets;
pub mod endpoints;
pub mod erasure;
pub mod events;
pub mod idempotency;
pub mod insights;
pub mod keys;
pub mod lanes;
pub mod legs;
pub mod limits;
pub mod listeners;
pub mod numbers;
pub mod parked;
pub mod pool;
pub mod receipts;
pub mod reconciliations;
pub mod recordings;
pub mod recoveries;
pub mod retention;
pub mod schema;
pub mod sealed;
pub mod server;
pub mod tasks;
pub mod terminations;
pub mod transcripts;
pub mod voice_calls;
pub mod weeks;

/// How long a verb waits for the database before it answers 503.
pub const WAIT_MAX: Duration = Duration::from_secs(5);

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be reached, or did not answer in time: whether the work was done is not known.
    #[error("the database is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A value that it cannot hold (SQLSTATE class 22 or 54): the caller's fault.
    #[error("the database refused a value")]
    Refused(#[source] sqlx::Error),
    /// Ours.
    #[error("a database statement failed")]
    Failed(#[source] sqlx::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(Box::new(error)),
            sqlx::Error::Database(database) => {
                match database.code().as_deref().and_then(|code| code.get(..2)) {
                    Some("22" | "54") => Self::Refused(error),
                    // A conflict with a concurrent transaction, connection lost, out of resources, being shut down, read
                    // only: the same may work in a moment.
                    Some("08" | "25" | "40" | "53" | "57" | "58") => {
                        Self::Unavailable(Box::new(error))
                    }
                    Some(_) | None => Self::Failed(error),
                }
            }
            _ => Self::Failed(error),
        }
    }
}

/// The time of the transaction: Postgres is the clock.
pub async fn now(conn: &mut sqlx::PgConnection) -> sqlx::Result<chrono::DateTime<chrono::Utc>> {
    sqlx::query_scalar!(r#"select now() as "now!""#)
        .fetch_one(conn)
        .await
}

/// A duration as Postgres knows it.
pub fn interval(duration: Duration) -> PgInterval {
    PgInterval {
        months: 0,
        days: 0,
        microseconds: i64::try_from(duration.as_micros()).unwrap_or(i64::MAX),
    }
}

/// Waits for database work, at most [`WAIT_MAX`]. Postgres' own timeouts do not end every wait; this does.
pub async fn within<T, E: From<Error>>(work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    match tokio::time::timeout(WAIT_MAX, work).await {
        Ok(done) => done,
        Err(elapsed) => Err(Error::Unavailable(Box::new(elapsed)).into()),
    }
}

/// [`within`], for one read or one write that needs no more than a statement.
pub async fn ask<T>(work: impl Future<Output = sqlx::Result<T>>) -> Result<T, Error> {
    within(async { Ok(work.await?) }).await
}
