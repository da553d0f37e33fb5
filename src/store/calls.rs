//! Calls: reading, locking, and what stands beside them. [`mod@write`] has the writing, [`query`] the lists of back ends.

use std::collections::HashMap;

use sqlx::{PgConnection, PgExecutor, types::Json};
use uuid::Uuid;

use self::row::CallRow;
use crate::domain::{
    call::Call,
    call_object::{Beside, CallObject},
    id::{AccountId, CallId},
    lifecycle::LearnedAt,
    placement::PlacementState,
};

mod ended;
pub mod names;
pub mod query;
mod reported;
pub mod rooms;
mod row;
mod spoken;
pub mod total;
pub mod write;

pub use ended::ended;
pub use reported::{Reported, save_life, save_reported};
pub use write::{note_sentiment, save};

/// Selects whole calls.
macro_rules! select_calls {
    ($tail:literal, $($arg:expr),* $(,)?) => {
        sqlx::query_as!(
            CallRow,
            "select account_id, call_id, provider, provider_call_id, connection_id, state, direction, from_number,
                    to_number, from_e164, to_e164, email, queued_at, ringing_at, answered_at, ended_at, duration_s, recording_url,
                    disconnect_reason, learned_at as \"learned_at: Json<LearnedAt>\", room_connection_id, room_name,
                    source_id, staff_uid, client_uid, voice_call_status, rate, price, call_summary, external_app_url,
                    external_app_name, external_uuid, recording_id, recording_played, recording_size_bytes,
                    handled_by_staff_uid, handled_at, campaign_id,
                    ai_agent_id, contact_id, workspace_id, is_test, call_rating, call_feedback, notes, metadata,
                    agent_dynamic_variables, cost, price_unit, latency, agent_task_status, agent_task_feedback,
                    agent_post_call_outcomes, retry_at, placement as \"placement: PlacementState\", created_at, updated_at,
                    deleted_at, version
             from " + $tail,
            $($arg),*
        )
    };
}

/// The call, unless it was deleted.
pub async fn find(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    call_id: CallId,
) -> sqlx::Result<Option<Call>> {
    select_calls!(
        "calls where account_id = $1 and call_id = $2 and deleted_at is null",
        account_id.uuid(),
        call_id.uuid()
    )
    .fetch_optional(db)
    .await?
    .map(Call::try_from)
    .transpose()
}

/// The call, unless it was deleted, locked until the transaction ends.
pub async fn lock(
    conn: &mut PgConnection,
    account_id: AccountId,
    call_id: CallId,
) -> sqlx::Result<Option<Call>> {
    select_calls!(
        "calls where account_id = $1 and call_id = $2 and deleted_at is null for update",
        account_id.uuid(),
        call_id.uuid()
    )
    .fetch_optional(conn)
    .await?
    .map(Call::try_from)
    .transpose()
}

/// Calls, deleted ones too, locked in the order in which they are named: who names many sorts them, so that two batches
/// cannot wait for each other.
pub async fn lock_many(
    conn: &mut PgConnection,
    calls: &[(AccountId, CallId)],
) -> sqlx::Result<Vec<Call>> {
    let accounts: Vec<Uuid> = calls.iter().map(|(account, _)| account.uuid()).collect();
    let ids: Vec<Uuid> = calls.iter().map(|(_, call)| call.uuid()).collect();
    select_calls!(
        "unnest($1::uuid[], $2::uuid[]) with ordinality as asked (of_account, of_call, number)
         cross join lateral (select * from calls where account_id = of_account and call_id = of_call for update) as calls
         order by number",
        &accounts,
        &ids
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(Call::try_from)
    .collect()
}

/// These calls, in this order; those that are deleted, or another account's, are not among them.
pub async fn find_many(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    calls: &[CallId],
) -> sqlx::Result<Vec<Call>> {
    let ids: Vec<Uuid> = calls.iter().map(|call| call.uuid()).collect();
    select_calls!(
        "calls where account_id = $1 and call_id = any($2) and deleted_at is null order by array_position($2, call_id)",
        account_id.uuid(),
        &ids
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(Call::try_from)
    .collect()
}

/// These calls as they are shown, in this order, but for those that [`find_many`] leaves out.
pub async fn shown(
    conn: &mut PgConnection,
    account_id: AccountId,
    calls: &[CallId],
) -> sqlx::Result<Vec<CallObject>> {
    let found = find_many(&mut *conn, account_id, calls).await?;
    let keys: Vec<_> = calls.iter().map(|call_id| (account_id, *call_id)).collect();
    let mut besides = beside_many(conn, &keys).await?;
    Ok(found
        .iter()
        .map(|call| CallObject::new(call, besides.remove(&call.call_id).unwrap_or_default()))
        .collect())
}

/// How many live calls of the account were placed here.
pub async fn placed_live(db: impl PgExecutor<'_>, account_id: AccountId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "live!" from calls
           where account_id = $1 and placement is not null and ended_at is null"#,
        account_id.uuid()
    )
    .fetch_one(db)
    .await
}

/// What is shown beside a call.
pub async fn beside(
    conn: &mut PgConnection,
    account_id: AccountId,
    call_id: CallId,
) -> sqlx::Result<Beside> {
    Ok(beside_many(conn, &[(account_id, call_id)])
        .await?
        .remove(&call_id)
        .unwrap_or_default())
}

/// What is shown beside each of many calls.
pub async fn beside_many(
    conn: &mut PgConnection,
    calls: &[(AccountId, CallId)],
) -> sqlx::Result<HashMap<CallId, Beside>> {
    let mut besides: HashMap<CallId, Beside> = HashMap::new();
    if calls.is_empty() {
        return Ok(besides);
    }
    for (call_id, termination) in super::terminations::of_calls(&mut *conn, calls).await? {
        besides
            .entry(call_id)
            .or_default()
            .terminations
            .push(termination);
    }
    for spoken in spoken::of_calls(&mut *conn, calls).await? {
        let beside = besides.entry(spoken.call_id).or_default();
        beside.transcript = spoken.transcript;
        beside.analysis = spoken.analysis;
    }
    Ok(besides)
}
