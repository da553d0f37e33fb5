//! Calls as staff systems look for them: [`list`]s by what [`filter`] knows, and the [`stats`] of a report.

use sqlx::PgExecutor;

use crate::domain::id::{AccountId, CallId};

pub mod filter;
pub mod list;
pub mod stats;

/// Calls that have the recording, at most two: nobody promises that a recording belongs to one call.
pub async fn with_recording(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    recording_id: &str,
) -> sqlx::Result<Vec<CallId>> {
    sqlx::query_scalar!(
        r#"select call_id as "call_id: CallId" from calls
           where account_id = $1 and recording_id = $2 and deleted_at is null limit 2"#,
        account_id.uuid(),
        recording_id
    )
    .fetch_all(db)
    .await
}
