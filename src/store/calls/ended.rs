//! Ended calls in the order in which they were first heard of, for back-fills. By index `calls_created`.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::domain::id::{AccountId, CallId};

/// The account's ended calls that were first heard of from `since` to before `until`, oldest first, after a place among them.
pub async fn ended(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    (since, until): (DateTime<Utc>, DateTime<Utc>),
    after: Option<(DateTime<Utc>, CallId)>,
    limit: i64,
) -> sqlx::Result<Vec<(DateTime<Utc>, CallId)>> {
    let (after_at, after_id) = after.unzip();
    let rows = sqlx::query!(
        r#"select created_at, call_id as "call_id: CallId" from calls
           where account_id = $1 and created_at >= $2 and created_at < $3 and ended_at is not null and deleted_at is null
             and (created_at, call_id) > (coalesce($4::timestamptz, '-infinity'), coalesce($5::uuid, '00000000-0000-0000-0000-000000000000'))
           order by created_at, call_id limit $6"#,
        account_id.uuid(),
        since,
        until,
        after_at,
        after_id.map(CallId::uuid),
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.created_at, row.call_id))
        .collect())
}
