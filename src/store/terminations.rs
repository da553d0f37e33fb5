//! Terminations: what ending a call asked of others.

use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::domain::{
    id::{AccountId, CallId, ConnectionId, JobId},
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
    /// The job that asks.
    pub job_id: Option<JobId>,
    /// Why it is skipped.
    pub detail: Option<&'static str>,
}

/// One part of a call's ending.
pub type Of = (AccountId, CallId, TerminationPart);

/// What a part is asked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InHand {
    /// Whom we ask.
    pub connection_id: Option<ConnectionId>,
    /// Whether a request of ours was taken.
    pub accepted: bool,
}

/// How a request went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled<'a> {
    /// How the part stands.
    pub state: TerminationState,
    /// Whether the other side has taken the request without confirming it.
    pub accepted: bool,
    /// Why, if it is not over.
    pub detail: Option<&'a str>,
}

/// Begins a part, or begins it again if it had come to an end. False: it is under way, and somebody asks already.
pub async fn begin(
    conn: &mut PgConnection,
    account_id: AccountId,
    call_id: CallId,
    new: &NewTermination,
) -> sqlx::Result<bool> {
    let begun = sqlx::query!(
        "insert into terminations (account_id, call_id, part, state, connection_id, detail, job_id)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (account_id, call_id, part) do update set state = excluded.state, detail = excluded.detail,
           connection_id = excluded.connection_id, job_id = excluded.job_id, accepted_at = null, updated_at = now()
         where terminations.state <> 'pending' and excluded.state = 'pending'",
        account_id.uuid(),
        call_id.uuid(),
        new.part as _,
        new.state as _,
        new.connection_id.map(ConnectionId::uuid),
        new.detail,
        new.job_id.map(JobId::uuid),
    )
    .execute(conn)
    .await?;
    Ok(begun.rows_affected() == 1)
}

/// What a part is asked with.
pub async fn in_hand(
    db: impl PgExecutor<'_>,
    (account_id, call_id, part): Of,
) -> sqlx::Result<Option<InHand>> {
    sqlx::query_as!(
        InHand,
        r#"select connection_id as "connection_id: ConnectionId", accepted_at is not null as "accepted!"
           from terminations where account_id = $1 and call_id = $2 and part = $3"#,
        account_id.uuid(),
        call_id.uuid(),
        part as _
    )
    .fetch_optional(db)
    .await
}

/// Writes down how a request went. A part that is known to be over stays so, whatever a later request says.
pub async fn settle(
    conn: &mut PgConnection,
    (account_id, call_id, part): Of,
    settled: Settled<'_>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update terminations set state = $4::termination_state, detail = left($5, 1024), attempts = attempts + 1,
           updated_at = now(), accepted_at = case when $6 then coalesce(accepted_at, now()) else accepted_at end
         where account_id = $1 and call_id = $2 and part = $3
           and (state not in ('done', 'already_over', 'not_found')
                or $4::termination_state in ('done', 'already_over', 'not_found'))",
        account_id.uuid(),
        call_id.uuid(),
        part as _,
        settled.state as _,
        settled.detail,
        settled.accepted,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives up a part that is still pending. False: it is not.
pub async fn give_up(
    conn: &mut PgConnection,
    (account_id, call_id, part): Of,
    why: &str,
) -> sqlx::Result<bool> {
    let given_up = sqlx::query!(
        "update terminations set state = 'failed', detail = left($4, 1024), updated_at = now()
         where account_id = $1 and call_id = $2 and part = $3 and state = 'pending'",
        account_id.uuid(),
        call_id.uuid(),
        part as _,
        why,
    )
    .execute(conn)
    .await?;
    Ok(given_up.rows_affected() == 1)
}

/// Parts that are pending though nobody asks any more: the worker was lost at the last attempt. Of those that were begun by a
/// version that did not write down the job, those that are older than any schedule.
pub async fn forsaken(db: impl PgExecutor<'_>, limit: i64) -> sqlx::Result<Vec<Of>> {
    let rows = sqlx::query!(
        r#"select parts.account_id as "account_id: AccountId", parts.call_id as "call_id: CallId", parts.part
           from terminations as parts
           left join jobs on jobs.job_id = parts.job_id
           where parts.state = 'pending' and (
             (parts.job_id is not null and (jobs.job_id is null or jobs.state = 'dead')
              and parts.updated_at < now() - interval '1 minute')
             or (parts.job_id is null and parts.updated_at < now() - interval '24 hours'))
           order by parts.updated_at limit $1"#,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.account_id, row.call_id, row.part))
        .collect())
}

/// Writes down that a room is over, whose deletion has not been confirmed or has failed. Its job finds it gone, or is left as it
/// is if it was given up.
pub async fn room_is_over(
    conn: &mut PgConnection,
    (account_id, connection_id): (AccountId, ConnectionId),
    room: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update terminations set state = 'already_over', detail = null, updated_at = now()
         from calls
         where terminations.account_id = $1 and terminations.connection_id = $2 and terminations.part = 'room'
             and terminations.state in ('pending', 'failed')
             and calls.account_id = terminations.account_id and calls.call_id = terminations.call_id
             and calls.room_connection_id = $2 and calls.room_name = $3",
        account_id.uuid(),
        connection_id.uuid(),
        room,
    )
    .execute(conn)
    .await?;
    Ok(())
}
