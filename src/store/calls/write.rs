//! Writing calls: one with everything, or many with what reports have told.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::domain::{
    call::Call,
    id::{AccountId, CallId, ConnectionId},
    lifecycle::LearnedAt,
    money::Money,
    party::{E164, PartyNumber},
    state::{CallState, Direction},
};

/// Saves everything of a call that is new or was locked, and counts the change.
pub async fn save(conn: &mut PgConnection, call: &Call) -> sqlx::Result<()> {
    save_lives(conn, &[call]).await?;
    save_notes(conn, call).await
}

/// Saves what reports have told of calls, those that are new and those that were locked, and counts the change. One
/// statement that goes by the key: an update that joins its values is planned as a scan while there are no statistics.
///
/// It also keeps the numbers that are new to the account, for lists, and changes them nowhere else: here the few of a batch
/// are looked up beside each other, where a trigger would run for each call. Lateral and limited for the planner, as above.
pub async fn save_lives(conn: &mut PgConnection, calls: &[&Call]) -> sqlx::Result<()> {
    let lives = Lives::of(calls);
    let created: Vec<DateTime<Utc>> = calls.iter().map(|call| call.created_at).collect();
    sqlx::query!(
        r#"with call as materialized (
            select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::call_state[],
                $7::call_direction[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::timestamptz[],
                $14::timestamptz[], $15::timestamptz[], $16::timestamptz[], $17::int[], $18::text[], $19::text[],
                $20::jsonb[], $21::timestamptz[])
                as call (account_id, call_id, provider, provider_call_id, connection_id, state, direction,
                from_number, to_number, from_e164, to_e164, email, queued_at, ringing_at, answered_at, ended_at, duration_s,
                recording_url, disconnect_reason, learned_at, created_at)
         ), told as (
            select account_id, true as called, to_number as number from call where to_number is not null
            union select account_id, false, from_number from call where from_number is not null
         ), kept as (
            insert into call_numbers (account_id, called, number)
            select told.account_id, told.called, told.number from told
            left join lateral (
                select true as found from call_numbers as known
                where known.account_id = told.account_id and known.number collate "C" = told.number
                  and known.called = told.called
                limit 1
            ) as known on true
            where known.found is null
         )
         insert into calls (account_id, call_id, provider, provider_call_id, connection_id, state, direction,
            from_number, to_number, from_e164, to_e164, email, queued_at, ringing_at, answered_at, ended_at, duration_s,
            recording_url, disconnect_reason, learned_at, created_at, updated_at)
         select account_id, call_id, provider, provider_call_id, connection_id, state, direction,
            from_number, to_number, from_e164, to_e164, email, queued_at, ringing_at, answered_at, ended_at, duration_s,
            recording_url, disconnect_reason, learned_at, created_at, created_at
         from call
         on conflict (account_id, call_id) do update set provider = excluded.provider,
            provider_call_id = excluded.provider_call_id, connection_id = excluded.connection_id,
            state = excluded.state, direction = excluded.direction, from_number = excluded.from_number,
            to_number = excluded.to_number, from_e164 = excluded.from_e164, to_e164 = excluded.to_e164,
            email = excluded.email, queued_at = excluded.queued_at, ringing_at = excluded.ringing_at,
            answered_at = excluded.answered_at, ended_at = excluded.ended_at, duration_s = excluded.duration_s,
            recording_url = excluded.recording_url, disconnect_reason = excluded.disconnect_reason,
            learned_at = excluded.learned_at, updated_at = now(), version = calls.version + 1"#,
        &lives.accounts,
        &lives.ids,
        &lives.providers,
        &lives.provider_call_ids,
        &lives.connections as &[Option<Uuid>],
        &lives.states as &[CallState],
        &lives.directions as &[Option<Direction>],
        &lives.from as &[Option<String>],
        &lives.to as &[Option<String>],
        &lives.from_e164 as &[Option<String>],
        &lives.to_e164 as &[Option<String>],
        &lives.emails as &[Option<String>],
        &lives.queued as &[Option<DateTime<Utc>>],
        &lives.ringing as &[Option<DateTime<Utc>>],
        &lives.answered as &[Option<DateTime<Utc>>],
        &lives.ended as &[Option<DateTime<Utc>>],
        &lives.durations as &[Option<i32>],
        &lives.recordings as &[Option<String>],
        &lives.reasons as &[Option<String>],
        &lives.learned as &[Json<LearnedAt>],
        &created
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Saves what staff and back ends keep; does not count as a change by itself.
async fn save_notes(conn: &mut PgConnection, call: &Call) -> sqlx::Result<()> {
    let (staff, campaign) = (&call.staff, &call.campaign);
    sqlx::query!(
        "update calls set room_connection_id = $3, room_name = $4, source_id = $5, staff_uid = $6, client_uid = $7,
            voice_call_status = $8, rate = $9, price = $10, call_summary = $11, external_app_url = $12,
            external_app_name = $13, external_uuid = $14, recording_id = $15, handled_by_staff_uid = $16,
            handled_at = $17, campaign_id = $18, ai_agent_id = $19, contact_id = $20, workspace_id = $21,
            is_test = $22, call_rating = $23, call_feedback = $24, notes = $25, metadata = $26,
            agent_dynamic_variables = $27, deleted_at = $28, cost = $29, price_unit = $30, latency = $31,
            agent_task_status = $32, agent_task_feedback = $33, agent_post_call_outcomes = $34, retry_at = $35,
            placement = $36, recording_played = $37, recording_size_bytes = $38
         where account_id = $1 and call_id = $2",
        call.account_id.uuid(),
        call.call_id.uuid(),
        call.room.as_ref().map(|room| room.connection_id.uuid()),
        call.room.as_ref().map(|room| room.name.as_str()),
        staff.source_id.as_deref(),
        staff.staff_uid.as_deref(),
        staff.client_uid.as_deref(),
        staff.status as _,
        staff.rate.map(Money::decimal),
        staff.price.map(Money::decimal),
        staff.call_summary.as_deref(),
        staff.external_app_url.as_deref(),
        staff.external_app_name.as_deref(),
        staff.external_uuid.as_deref(),
        staff.recording_id.as_deref(),
        staff.handled_by_staff_uid.as_deref(),
        staff.handled_at,
        campaign.campaign_id,
        campaign.ai_agent_id,
        campaign.contact_id,
        campaign.workspace_id,
        campaign.is_test,
        campaign.call_rating,
        campaign.call_feedback.as_deref(),
        campaign.notes.as_deref(),
        campaign.metadata,
        campaign.agent_dynamic_variables,
        call.deleted_at,
        campaign.cost.map(Money::decimal),
        campaign.price_unit.as_deref(),
        campaign.latency_ms,
        campaign.agent_task_status.as_deref(),
        campaign.agent_task_feedback.as_deref(),
        campaign.agent_post_call_outcomes,
        campaign.retry_at,
        campaign.placement as _,
        staff.recording_played,
        staff.recording_size_bytes
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps the customer's sentiment of a call that was locked, for lists; does not count as a change by itself.
pub async fn note_sentiment(
    conn: &mut PgConnection,
    account_id: AccountId,
    call_id: CallId,
    label: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update calls set analysis_sentiment = $3
         where account_id = $1 and call_id = $2 and analysis_sentiment is distinct from $3",
        account_id.uuid(),
        call_id.uuid(),
        label
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What reports tell, as columns for `unnest`.
#[derive(Default)]
struct Lives {
    accounts: Vec<Uuid>,
    ids: Vec<Uuid>,
    providers: Vec<String>,
    provider_call_ids: Vec<String>,
    connections: Vec<Option<Uuid>>,
    states: Vec<CallState>,
    directions: Vec<Option<Direction>>,
    from: Vec<Option<String>>,
    to: Vec<Option<String>>,
    from_e164: Vec<Option<String>>,
    to_e164: Vec<Option<String>>,
    emails: Vec<Option<String>>,
    queued: Vec<Option<DateTime<Utc>>>,
    ringing: Vec<Option<DateTime<Utc>>>,
    answered: Vec<Option<DateTime<Utc>>>,
    ended: Vec<Option<DateTime<Utc>>>,
    durations: Vec<Option<i32>>,
    recordings: Vec<Option<String>>,
    reasons: Vec<Option<String>>,
    learned: Vec<Json<LearnedAt>>,
}

impl Lives {
    fn of(calls: &[&Call]) -> Self {
        let raw =
            |number: &Option<PartyNumber>| number.as_ref().map(|number| number.raw().to_owned());
        let e164 = |number: &Option<PartyNumber>| {
            number
                .as_ref()
                .and_then(PartyNumber::e164)
                .map(E164::as_str)
                .map(str::to_owned)
        };
        let mut lives = Self::default();
        for call in calls {
            let life = &call.life;
            lives.accounts.push(call.account_id.uuid());
            lives.ids.push(call.call_id.uuid());
            lives.providers.push(call.provider.as_str().to_owned());
            lives
                .provider_call_ids
                .push(call.provider_call_id.as_str().to_owned());
            lives
                .connections
                .push(call.connection_id.map(ConnectionId::uuid));
            lives.states.push(life.state());
            lives.directions.push(life.direction);
            lives.from.push(raw(&life.from));
            lives.to.push(raw(&life.to));
            lives.from_e164.push(e164(&life.from));
            lives.to_e164.push(e164(&life.to));
            lives
                .emails
                .push(life.email.as_ref().map(|email| email.as_str().to_owned()));
            lives.queued.push(life.queued_at);
            lives.ringing.push(life.ringing_at);
            lives.answered.push(life.answered_at);
            lives.ended.push(life.end.map(|end| end.at));
            lives.durations.push(life.duration_s);
            lives.recordings.push(
                life.recording_url
                    .as_ref()
                    .map(|url| url.as_str().to_owned()),
            );
            lives.reasons.push(
                life.disconnect_reason
                    .as_ref()
                    .map(|reason| reason.as_str().to_owned()),
            );
            lives.learned.push(Json(life.learned_at.clone()));
        }
        lives
    }
}
