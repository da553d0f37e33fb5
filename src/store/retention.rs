//! What accounts say of how long things are kept, and the removal of what is older: each statement bounded, none with a place to remember but
//! that of [`recordings`], since ids rise with the time.
//!
//! What may still be needed stays: bodies of what is on its way, and whatever is kept of a call that is not over.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::domain::{
    id::{AccountId, CallId},
    retention::{Days, Windows},
};

/// What an account has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kept {
    /// For how long.
    pub windows: Windows,
    /// Since when; none for an account that has never said anything.
    pub updated_at: Option<DateTime<Utc>>,
}

/// Windows of the columns, in the order of [`Windows::FIELDS`].
fn windows(columns: [Option<i32>; 6]) -> Windows {
    // The table has the same bounds.
    let [payload, attempt, receipt, transcript, recording, call] =
        columns.map(|days| days.and_then(|days| Days::new(days).ok()));
    Windows {
        payload_days: payload,
        attempt_days: attempt,
        receipt_days: receipt,
        transcript_days: transcript,
        recording_days: recording,
        call_days: call,
    }
}

/// What the account has said.
pub async fn find(db: impl PgExecutor<'_>, account_id: AccountId) -> sqlx::Result<Kept> {
    let row = sqlx::query!(
        "select payload_days, attempt_days, receipt_days, transcript_days, recording_days, call_days, updated_at
         from retention where account_id = $1",
        account_id.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map_or_else(Kept::default, |row| Kept {
        windows: windows([
            row.payload_days,
            row.attempt_days,
            row.receipt_days,
            row.transcript_days,
            row.recording_days,
            row.call_days,
        ]),
        updated_at: Some(row.updated_at),
    }))
}

/// Replaces what the account has said; answers when.
pub async fn put(
    conn: &mut PgConnection,
    account_id: AccountId,
    windows: Windows,
) -> sqlx::Result<DateTime<Utc>> {
    let days = |days: Option<Days>| days.map(Days::days);
    sqlx::query_scalar!(
        "insert into retention (account_id, payload_days, attempt_days, receipt_days, transcript_days, recording_days, call_days)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (account_id) do update set payload_days = excluded.payload_days, attempt_days = excluded.attempt_days,
           receipt_days = excluded.receipt_days, transcript_days = excluded.transcript_days, recording_days = excluded.recording_days,
           call_days = excluded.call_days, updated_at = now()
         returning updated_at",
        account_id.uuid(),
        days(windows.payload_days),
        days(windows.attempt_days),
        days(windows.receipt_days),
        days(windows.transcript_days),
        days(windows.recording_days),
        days(windows.call_days)
    )
    .fetch_one(conn)
    .await
}

/// The next accounts behind one, with what they have said.
pub async fn accounts(
    db: impl PgExecutor<'_>,
    after: Option<AccountId>,
    limit: i64,
) -> sqlx::Result<Vec<(AccountId, Windows)>> {
    let rows = sqlx::query!(
        r#"select accounts.account_id as "account_id: AccountId", payload_days as "payload_days?", attempt_days as "attempt_days?",
                  receipt_days as "receipt_days?", transcript_days as "transcript_days?", recording_days as "recording_days?",
                  call_days as "call_days?"
           from accounts left join retention on retention.account_id = accounts.account_id
           where $1::uuid is null or accounts.account_id > $1 order by accounts.account_id limit $2"#,
        after.map(AccountId::uuid),
        limit
    )
    .fetch_all(db)
    .await?;
    let rows = rows.into_iter().map(|row| {
        let said = windows([
            row.payload_days,
            row.attempt_days,
            row.receipt_days,
            row.transcript_days,
            row.recording_days,
            row.call_days,
        ]);
        (row.account_id, said)
    });
    Ok(rows.collect())
}

/// Removes bodies, at most `limit`; those of what is on its way stay. (No `exists`: it would be planned as a hash of the queue.)
async fn payloads(
    conn: &mut PgConnection,
    account_id: AccountId,
    days: Days,
    limit: i64,
) -> sqlx::Result<u64> {
    let gone = sqlx::query!(
        "with doomed as materialized (
           select event_id from events event
           where account_id = $1 and event_id < uuid_at(now() - make_interval(days => $2))
             and case when call_id is null
                 then (select true from delivery_queue queued where queued.call_id is null and queued.event_id = event.event_id limit 1)
                 else (select true from delivery_queue queued
                       where queued.call_id = event.call_id and queued.event_id = event.event_id limit 1) end is null
           order by event_id limit $3
         )
         delete from events using doomed where events.account_id = $1 and events.event_id = doomed.event_id",
        account_id.uuid(),
        days.days(),
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}

/// Removes attempts, at most `limit`; those at what is on its way again stay.
async fn attempts(
    conn: &mut PgConnection,
    account_id: AccountId,
    days: Days,
    limit: i64,
) -> sqlx::Result<u64> {
    let gone = sqlx::query!(
        "with doomed as materialized (
           select delivery_id, attempt from attempts made
           where account_id = $1 and delivery_id < uuid_at(now() - make_interval(days => $2))
             and (select true from delivery_queue queued
                  where queued.account_id = $1 and queued.delivery_id = made.delivery_id limit 1) is null
           order by delivery_id, attempt limit $3
         )
         delete from attempts using doomed
         where attempts.account_id = $1 and attempts.delivery_id = doomed.delivery_id and attempts.attempt = doomed.attempt",
        account_id.uuid(),
        days.days(),
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}

/// Removes deliveries that are over, at most `limit`.
async fn deliveries(
    conn: &mut PgConnection,
    account_id: AccountId,
    days: Days,
    limit: i64,
) -> sqlx::Result<u64> {
    let gone = sqlx::query!(
        "with doomed as materialized (
           select delivery_id from deliveries
           where account_id = $1 and delivery_id < uuid_at(now() - make_interval(days => $2)) order by delivery_id limit $3
         )
         delete from deliveries using doomed where deliveries.account_id = $1 and deliveries.delivery_id = doomed.delivery_id",
        account_id.uuid(),
        days.days(),
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}

/// Removes reports of calls that are over, at most `limit`.
async fn receipts(
    conn: &mut PgConnection,
    account_id: AccountId,
    days: Days,
    limit: i64,
) -> sqlx::Result<u64> {
    let gone = sqlx::query!(
        "with doomed as materialized (
           select held.ctid from receipts held
           where account_id = $1 and call_id < uuid_at(now() - make_interval(days => $2))
             and received_at < now() - make_interval(days => $2)
             and (select true from calls where calls.account_id = $1 and calls.call_id = held.call_id and ended_at is null limit 1) is null
           limit $3 for update of held skip locked
         )
         delete from receipts as held using doomed where held.ctid = doomed.ctid",
        account_id.uuid(),
        days.days(),
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}

/// Rows that are removed by their age alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// Bodies of events.
    Payloads,
    /// Attempts before the last.
    Attempts,
    /// Deliveries that are over, each with its last attempt.
    Deliveries,
    /// Reports as they came.
    Receipts,
}

impl Rows {
    /// How they are counted.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Payloads => "webhook_payloads",
            Self::Attempts => "attempts",
            Self::Deliveries => "deliveries",
            Self::Receipts => "receipts",
        }
    }

    /// Removes some that are older than so many days, at most `limit`; answers how many.
    pub async fn remove(
        self,
        conn: &mut PgConnection,
        account_id: AccountId,
        days: Days,
        limit: i64,
    ) -> sqlx::Result<u64> {
        match self {
            Self::Payloads => payloads(conn, account_id, days, limit).await,
            Self::Attempts => attempts(conn, account_id, days, limit).await,
            Self::Deliveries => deliveries(conn, account_id, days, limit).await,
            Self::Receipts => receipts(conn, account_id, days, limit).await,
        }
    }
}

/// Calls that are over and whose newest transcript is older than so many days, at most `limit`.
pub async fn transcribed(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    days: Days,
    limit: i64,
) -> sqlx::Result<Vec<CallId>> {
    sqlx::query_scalar!(
        r#"select call_id as "call_id: CallId" from transcripts held
           where account_id = $1 and call_id < uuid_at(now() - make_interval(days => $2))
             and (select true from calls where calls.account_id = $1 and calls.call_id = held.call_id and ended_at is null limit 1) is null
           group by call_id having max(created_at) < now() - make_interval(days => $2)
           order by call_id limit $3"#,
        account_id.uuid(),
        days.days(),
        limit
    )
    .fetch_all(db)
    .await
}

/// What was removed with transcripts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unsaid {
    /// Transcripts.
    pub transcripts: u64,
    /// Answers of a language model.
    pub insights: u64,
    /// Analyses of which only what has no words is left.
    pub analyses: u64,
}

/// Removes the transcripts of calls, which the caller has locked, and what was made of the words: in their analyses `skipped` stands in the
/// place of these sections.
pub async fn transcripts(
    conn: &mut PgConnection,
    account_id: AccountId,
    calls: &[CallId],
    (sections, skipped): (&[String], &serde_json::Value),
) -> sqlx::Result<Unsaid> {
    let ids: Vec<Uuid> = calls.iter().map(|call_id| call_id.uuid()).collect();
    let transcripts = sqlx::query!(
        "delete from transcripts where account_id = $1 and call_id = any($2)",
        account_id.uuid(),
        &ids
    )
    .execute(&mut *conn)
    .await?;
    let insights = sqlx::query!(
        "delete from insights where account_id = $1 and call_id = any($2)",
        account_id.uuid(),
        &ids
    )
    .execute(&mut *conn)
    .await?;
    let analyses = sqlx::query!(
        "update analyses set turn_compounds = null, transcript_revision = null, result = result || coalesce((
             select jsonb_object_agg(section, $4::jsonb) from unnest($3::text[]) as section
             where result -> section ->> 'status' = 'completed'), '{}')
         where account_id = $1 and call_id = any($2)",
        account_id.uuid(),
        &ids,
        sections,
        skipped
    )
    .execute(conn)
    .await?;
    Ok(Unsaid {
        transcripts: transcripts.rows_affected(),
        insights: insights.rows_affected(),
        analyses: analyses.rows_affected(),
    })
}

/// What became of a page of calls.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// How many were looked at.
    pub looked_at: i64,
    /// How many had a recording's URL.
    pub removed: i64,
}

/// Removes the recordings' URLs of the next calls that have not changed for so many days, and that are over. Goes by the time of the last change:
/// whatever is changed later, also by a URL that comes late, is looked at again.
pub async fn recordings(
    conn: &mut PgConnection,
    account_id: AccountId,
    days: Days,
    limit: i64,
) -> sqlx::Result<Page> {
    sqlx::query_as!(
        Page,
        r#"with place as materialized (
             select updated_at, call_id from retention_places where account_id = $1 for update
           ), page as materialized (
             select call_id, updated_at from calls
             where account_id = $1 and updated_at < now() - make_interval(days => $2)
               and (updated_at, call_id) > (coalesce((select updated_at from place), '-infinity'),
                                            coalesce((select call_id from place), '00000000-0000-0000-0000-000000000000'))
             order by updated_at, call_id limit $3
           ), having_one as materialized (
             select calls.call_id from calls
             where calls.account_id = $1 and calls.call_id in (select call_id from page)
               and calls.recording_url is not null and calls.ended_at is not null
             order by calls.call_id for update of calls
           ), removed as (
             update calls set recording_url = null, version = calls.version + 1 from having_one
             where calls.account_id = $1 and calls.call_id = having_one.call_id
             returning calls.call_id
           ), moved as (
             insert into retention_places (account_id, updated_at, call_id)
             select $1, updated_at, call_id from page order by updated_at desc, call_id desc limit 1
             on conflict (account_id) do update set updated_at = excluded.updated_at, call_id = excluded.call_id
           )
           select (select count(*) from page) as "looked_at!", (select count(*) from removed) as "removed!""#,
        account_id.uuid(),
        days.days(),
        limit
    )
    .fetch_one(conn)
    .await
}

/// Before which moment calls of the account are to be removed: if there is one that was over by then, and if none were in the last hours.
pub async fn due(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    days: Days,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!(
        r#"select now() - make_interval(days => $2) as "before!"
           where exists (
             select from calls where account_id = $1 and call_id < uuid_at(now() - make_interval(days => $2))
               and ended_at < now() - make_interval(days => $2)
           ) and not exists (
             select from erasures where account_id = $1 and subject = 'age'
               and (stage <> 'completed' or created_at > now() - interval '20 hours')
           )"#,
        account_id.uuid(),
        days.days()
    )
    .fetch_optional(db)
    .await
}
