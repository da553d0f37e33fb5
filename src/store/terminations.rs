//! Terminations: what ending a call asked of others.

use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::domain::{
    id::{AccountId, CallId, ConnectionId},
    termination::{Termination, TerminationPart, TerminationState},
};

/// The parts of calls' endings.
pub async fn of_calls(
    db: impl PgExecutor<'_>,
    calls: &[(AccountId, CallId)],
) -> sqlx::Result<Vec<(CallId, Termination)>> {
    let accounts: Vec<Uuid> = calls.iter().map(|(account, _)| account.uuid()).collect();
    let ids: Vec<Uuid> = calls.iter().map(|(_, call)| call.uuid()).collect();
    let rows = sqlx::query!(
        r#"select part.call_id as "call_id: CallId", part, state, connection_id as "connection_id: ConnectionId",
                  detail, attempts, requested_at, updated_at
           from unnest($1::uuid[], $2::uuid[]) as asked (account_id, call_id)
           cross join lateral (
             select * from terminations
             where terminations.account_id = asked.account_id and terminations.call_id = asked.call_id
             order by part
           ) as part"#,
        &accounts,
        &ids
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let termination = Termination {
                part: row.part,
                state: row.state,
                connection_id: row.connection_id,
                detail: row.detail,
                attempts: row.attempts,
                requested_at: row.requested_at,
                updated_at: row.updated_at,
            };
            (row.call_id, termination)
        })
        .collect())
}

/// A part that begins.
#[derive(Debug, Clone)]
pub struct NewTermination {
    /// What is asked for.
    pub part: TerminationPart,
    /// `Pending`, or `Skipped` with why.
    pub state: TerminationState,
    /// Whom we ask.
    pub connection_id: Option<ConnectionId>,
    /// Why it is skipped.
    pub detail: Option<&'static str>,
}

/// Begins a part; a part that has begun stays as it is.
pub async fn begin(
    conn: &mut PgConnection,
    account_id: AccountId,
    call_id: CallId,
    new: &NewTermination,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into terminations (account_id, call_id, part, state, connection_id, detail)
         values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
        account_id.uuid(),
        call_id.uuid(),
        new.part as _,
        new.state as _,
        new.connection_id.map(ConnectionId::uuid),
        new.detail
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes down how a request went.
pub async fn settle(
    conn: &mut PgConnection,
    (account_id, call_id, part): (AccountId, CallId, TerminationPart),
    state: TerminationState,
    detail: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update terminations set state = $4, detail = left($5, 1024), attempts = attempts + 1, updated_at = now()
         where account_id = $1 and call_id = $2 and part = $3",
        account_id.uuid(),
        call_id.uuid(),
        part as _,
        state as _,
        detail
    )
    .execute(conn)
    .await?;
    Ok(())
}
