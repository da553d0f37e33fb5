//! What was told of a call, or is about to be: events with their bodies, deliveries, attempts with what was answered.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::id::{AccountId, CallId};

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Removed {
    /// Bodies.
    pub events: u64,
    /// Those that were made, and those that are cancelled by this.
    pub deliveries: u64,
    /// Attempts, with what was answered.
    pub attempts: u64,
}

/// Removes deliveries of these calls, at most `limit` of those on their way and of those that are over, with their events and attempts. An
/// attempt that is under way ends in nothing: what it would write down begins with its row in the queue, which is taken here first. The rest
/// are statements of their own, so that they see what somebody has written whom that has waited for.
pub async fn purge(
    conn: &mut PgConnection,
    account_id: AccountId,
    calls: &[CallId],
    limit: i64,
) -> sqlx::Result<Removed> {
    let calls: Vec<Uuid> = calls.iter().map(|call_id| call_id.uuid()).collect();
    let mut pairs = cancel(conn, account_id, &calls, limit).await?;
    let over = sqlx::query!(
        "delete from deliveries where account_id = $1 and delivery_id in (
           select delivery_id from deliveries where account_id = $1 and call_id = any($2) order by delivery_id limit $3 for update)
         returning delivery_id, event_id",
        account_id.uuid(),
        &calls,
        limit
    )
    .fetch_all(&mut *conn)
    .await?;
    pairs.extend(over.into_iter().map(|row| (row.delivery_id, row.event_id)));
    // Once more: what was resent meanwhile has gone from there to here.
    pairs.extend(cancel(conn, account_id, &calls, limit).await?);
    let (deliveries, events): (Vec<Uuid>, Vec<Uuid>) = pairs.into_iter().unzip();
    let attempts = sqlx::query!(
        "delete from attempts where account_id = $1 and delivery_id = any($2)",
        account_id.uuid(),
        &deliveries
    )
    .execute(&mut *conn)
    .await?;
    let events = sqlx::query!(
        "delete from events where account_id = $1 and event_id = any($2)",
        account_id.uuid(),
        &events
    )
    .execute(conn)
    .await?;
    Ok(Removed {
        events: events.rows_affected(),
        deliveries: u64::try_from(deliveries.len()).unwrap_or(u64::MAX),
        // The last attempt at each stood with it.
        attempts: attempts.rows_affected(),
    })
}

/// Takes what is on its way out of the queue; each with its event.
async fn cancel(
    conn: &mut PgConnection,
    account_id: AccountId,
    calls: &[Uuid],
    limit: i64,
) -> sqlx::Result<Vec<(Uuid, Uuid)>> {
    let rows = sqlx::query!(
        "delete from delivery_queue where (account_id, delivery_id) in (
           select account_id, delivery_id from delivery_queue where account_id = $1 and call_id = any($2)
           order by delivery_id limit $3 for update)
         returning delivery_id, event_id",
        account_id.uuid(),
        calls,
        limit
    )
    .fetch_all(conn)
    .await?;
    let pairs = rows.into_iter().map(|row| (row.delivery_id, row.event_id));
    Ok(pairs.collect())
}
