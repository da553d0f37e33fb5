//! Attempts at deliveries. The one that ended a delivery stands with it, those before it in a table of their own.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::domain::{
    delivery::AttemptOutcome,
    id::{AccountId, DeliveryId},
};

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

/// An attempt as it is kept.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Which attempt, from 1.
    pub number: i32,
    /// Where it went. None: it was made before that was kept.
    pub url: Option<String>,
    /// What it came to.
    pub attempt: Attempt,
}

/// The newest attempts at a delivery, newest first.
pub async fn newest(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    delivery_id: DeliveryId,
    limit: i64,
) -> sqlx::Result<Vec<Kept>> {
    let rows = sqlx::query!(
        r#"select attempts as "number!", url, started_at as "started_at!", duration_ms as "duration_ms!",
                  outcome as "outcome!: AttemptOutcome", response_status, response_body
           from deliveries where account_id = $1 and delivery_id = $2 and outcome is not null
           union all
           (select attempt, url, started_at, duration_ms, outcome, response_status, response_body from attempts
            where account_id = $1 and delivery_id = $2 order by attempt desc limit $3)
           order by 1 desc limit $3"#,
        account_id.uuid(),
        delivery_id.uuid(),
        limit
    )
    .fetch_all(db)
    .await?;
    let attempts = rows.into_iter().map(|row| Kept {
        number: row.number,
        url: row.url,
        attempt: Attempt {
            started_at: row.started_at,
            duration_ms: row.duration_ms,
            outcome: row.outcome,
            response_status: row.response_status,
            response_body: row.response_body,
        },
    });
    Ok(attempts.collect())
}
