//! The live calls of a media room.

use sqlx::PgExecutor;

use crate::domain::id::{AccountId, CallId, ConnectionId};

/// How many live calls of one room are looked at; a room that more of them share is a conference.
const CALLS_MAX: i64 = 100;

/// The live calls whose room this is, at most a hundred.
pub async fn live(
    db: impl PgExecutor<'_>,
    (account_id, connection_id): (AccountId, ConnectionId),
    room: &str,
) -> sqlx::Result<Vec<CallId>> {
    sqlx::query_scalar!(
        r#"select call_id as "call_id: CallId" from calls
           where account_id = $1 and room_connection_id = $2 and room_name = $3 and room_name is not null
               and state in ('queued', 'ringing', 'in_progress') and deleted_at is null
           order by call_id limit $4"#,
        account_id.uuid(),
        connection_id.uuid(),
        room,
        CALLS_MAX,
    )
    .fetch_all(db)
    .await
}
