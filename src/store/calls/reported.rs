//! Writing what reports leave behind: the calls, the numbers in them, the receipts and the jobs, in one statement.

use chrono::{DateTime, Utc};
use serde_json::{Value, value::RawValue};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::{
    domain::{
        call::Call,
        id::{CallId, ConnectionId},
        lifecycle::LearnedAt,
        party::{E164, PartyNumber},
        state::{CallState, Direction},
    },
    queue::NewJob,
    store::receipts::{Kind, Receipt},
};

/// What reports leave behind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reported<'a> {
    /// The calls that they change: new ones, and ones that are locked. Each once.
    pub calls: &'a [&'a Call],
    /// The reports themselves.
    pub receipts: &'a [Receipt],
    /// The work that they give. Jobs without a lane and without a unique key, due at once.
    pub jobs: &'a [NewJob],
}

/// Saves what reports have told of a call that is new or was locked, and counts the change.
pub async fn save_life(conn: &mut PgConnection, call: &Call) -> sqlx::Result<()> {
    let reported = Reported {
        calls: &[call],
        ..Reported::default()
    };
    save_reported(conn, &reported).await?;
    Ok(())
}

/// Saves calls and counts the change, keeps receipts, enqueues jobs. Answers the digests that were new, with their calls.
///
/// One statement, because a batch waits for each of its statements and each of them is short. It goes by the key: an update
/// that joins its values is planned as a scan while there are no statistics.
///
/// It also keeps the numbers that are new to the account, for lists, and changes them nowhere else: here the few of a batch
/// are looked up beside each other, where a trigger would run for each call. Lateral and limited for the planner, as above.
#[expect(
    clippy::too_many_lines,
    reason = "one statement, whose columns are counted out"
)]
pub async fn save_reported(
    conn: &mut PgConnection,
    reported: &Reported<'_>,
) -> sqlx::Result<Vec<(CallId, Vec<u8>)>> {
    let lives = Lives::of(reported.calls);
    let receipts = Receipts::of(reported.receipts);
    let jobs = Jobs::of(reported.jobs);
    let rows = sqlx::query!(
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
         ), saved as (
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
            learned_at = excluded.learned_at, updated_at = now(), version = calls.version + 1
         ), enqueued as (
            insert into jobs (job_id, kind, account_id, args, attempts_max)
            select * from unnest($22::uuid[], $23::text[], $24::uuid[], $25::jsonb[], $26::int[])
         )
         insert into receipts (account_id, call_id, digest, source, kind, occurred_at, received_at, late, report)
         select account_id, call_id, digest, source, kind, occurred_at, now(), late, report
         from unnest($27::uuid[], $28::uuid[], $29::bytea[], $30::text[], $31::report_kind[], $32::timestamptz[],
            $33::bool[], $34::jsonb[])
            as receipt (account_id, call_id, digest, source, kind, occurred_at, late, report)
         on conflict do nothing
         returning call_id as "call_id: CallId", digest"#,
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
        &lives.created,
        &jobs.ids,
        &jobs.kinds as &[&str],
        &jobs.accounts,
        &jobs.args as &[Json<&Value>],
        &jobs.attempts_max,
        &receipts.accounts,
        &receipts.calls,
        &receipts.digests as &[&[u8]],
        &receipts.sources as &[&str],
        &receipts.kinds as &[Kind],
        &receipts.occurred,
        &receipts.late,
        &receipts.reports as &[Json<&RawValue>]
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.call_id, row.digest))
        .collect())
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
    created: Vec<DateTime<Utc>>,
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
            lives.created.push(call.created_at);
        }
        lives
    }
}

/// Receipts, as columns for `unnest`.
#[derive(Default)]
struct Receipts<'a> {
    accounts: Vec<Uuid>,
    calls: Vec<Uuid>,
    digests: Vec<&'a [u8]>,
    sources: Vec<&'a str>,
    kinds: Vec<Kind>,
    occurred: Vec<DateTime<Utc>>,
    late: Vec<bool>,
    reports: Vec<Json<&'a RawValue>>,
}

impl<'a> Receipts<'a> {
    fn of(receipts: &'a [Receipt]) -> Self {
        let mut columns = Self::default();
        for receipt in receipts {
            columns.accounts.push(receipt.account_id.uuid());
            columns.calls.push(receipt.call_id.uuid());
            columns.digests.push(&receipt.digest);
            columns.sources.push(receipt.source);
            columns.kinds.push(receipt.kind);
            columns.occurred.push(receipt.occurred_at);
            columns.late.push(receipt.late);
            columns.reports.push(Json(&receipt.report));
        }
        columns
    }
}

/// Jobs, as columns for `unnest`.
#[derive(Default)]
struct Jobs<'a> {
    ids: Vec<Uuid>,
    kinds: Vec<&'a str>,
    accounts: Vec<Uuid>,
    args: Vec<Json<&'a Value>>,
    attempts_max: Vec<i32>,
}

impl<'a> Jobs<'a> {
    fn of(jobs: &'a [NewJob]) -> Self {
        let mut columns = Self::default();
        for job in jobs {
            columns.ids.push(job.job_id.uuid());
            columns.kinds.push(job.kind);
            columns.accounts.push(job.account_id.uuid());
            columns.args.push(Json(&job.args));
            columns.attempts_max.push(job.attempts_max);
        }
        columns
    }
}
