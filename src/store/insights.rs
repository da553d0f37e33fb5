//! What a language model said of calls, or why it said nothing: once for what it was asked.

use sqlx::{PgConnection, PgExecutor, types::Json};

use crate::domain::{
    analysis::{FailReason, insights::Answered},
    id::{AccountId, CallId},
};

/// How asking went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "insight_status", rename_all = "snake_case")]
enum InsightStatus {
    Done,
    Failed,
}

/// What came of asking.
#[derive(Debug, Clone, PartialEq)]
pub enum Kept {
    /// An answer.
    Answered(Box<Answered>),
    /// None, for a reason.
    Failed(FailReason),
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Failed {
    reason: FailReason,
}

/// What came of asking this about the call, if it was asked.
pub async fn find(
    db: impl PgExecutor<'_>,
    (account_id, call_id): (AccountId, CallId),
    key: &[u8],
) -> sqlx::Result<Option<Kept>> {
    let row = sqlx::query!(
        r#"select status as "status: InsightStatus", result from insights
           where account_id = $1 and call_id = $2 and key_hash = $3"#,
        account_id.uuid(),
        call_id.uuid(),
        key
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let kept = match row.status {
        InsightStatus::Done => serde_json::from_value(row.result).map(Kept::Answered),
        InsightStatus::Failed => {
            serde_json::from_value(row.result).map(|failed: Failed| Kept::Failed(failed.reason))
        }
    };
    kept.map(Some)
        .map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// Keeps what came of it. An answer stays; a failure gives way to what comes after it.
pub async fn keep(
    conn: &mut PgConnection,
    (account_id, call_id): (AccountId, CallId),
    key: &[u8],
    kept: &Kept,
) -> sqlx::Result<()> {
    let (status, result) = match kept {
        Kept::Answered(answered) => (InsightStatus::Done, serde_json::to_value(answered)),
        Kept::Failed(reason) => (
            InsightStatus::Failed,
            serde_json::to_value(Failed { reason: *reason }),
        ),
    };
    let result = result.map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    sqlx::query!(
        "insert into insights (account_id, call_id, key_hash, status, result) values ($1, $2, $3, $4, $5)
         on conflict (account_id, call_id, key_hash)
         do update set status = excluded.status, result = excluded.result, created_at = now()
         where insights.status = 'failed'",
        account_id.uuid(),
        call_id.uuid(),
        key,
        status as InsightStatus,
        Json(result) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets what was said, or only that nothing was: the model is asked again when the call is analysed again.
pub async fn forget(
    conn: &mut PgConnection,
    (account_id, call_id): (AccountId, CallId),
    what: Forget,
) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from insights where account_id = $1 and call_id = $2 and ($3 or status = 'failed')",
        account_id.uuid(),
        call_id.uuid(),
        what == Forget::Everything
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is forgotten of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forget {
    /// Failures alone.
    Failures,
    /// Answers, too.
    Everything,
}
