//! Taking calls away, and what is kept beside them.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::{Of, names};
use crate::domain::{
    erasure::Subject,
    id::{AccountId, CallId},
};

/// What calls are looked for by.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    number: Option<String>,
    e164: Option<String>,
    email: Option<String>,
    over_before: Option<DateTime<Utc>>,
}

impl Wanted {
    /// Calls of this subject; of one call it is known which.
    pub fn of(subject: &Subject) -> Self {
        match subject {
            Subject::Call(_) => Self::default(),
            Subject::PhoneNumber(number) => Self {
                number: Some(number.raw().to_owned()),
                e164: number.e164().map(|e164| e164.as_str().to_owned()),
                ..Self::default()
            },
            Subject::Email(email) => Self {
                email: Some(email.as_str().to_lowercase()),
                ..Self::default()
            },
            Subject::Age(before) => Self {
                over_before: Some(*before),
                ..Self::default()
            },
        }
    }
}

/// Calls that were looked at.
#[derive(Debug)]
pub struct Page {
    /// Those of the subject.
    pub found: Vec<CallId>,
    /// How many were looked at.
    pub looked_at: i64,
    /// The last of them.
    pub last: Option<CallId>,
}

/// Looks at the next calls of the account behind one, in the order of their ids: deleted ones, too.
pub async fn look(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    wanted: &Wanted,
    after: Option<CallId>,
    limit: i64,
) -> sqlx::Result<Page> {
    let row = sqlx::query!(
        r#"with page as materialized (
             select call_id, from_number, to_number, from_e164, to_e164, email, ended_at from calls
             where account_id = $1 and ($5::uuid is null or call_id > $5) and ($7::timestamptz is null or call_id < uuid_at($7))
             order by call_id limit $6
           )
           select count(*) as "looked_at!",
                  (select call_id from page order by call_id desc limit 1) as "last: CallId",
                  coalesce(array_agg(call_id order by call_id) filter (
                    where $2 in (from_number, to_number) or $3 in (from_e164, to_e164) or lower(email) = $4 or ended_at < $7), '{}')
                    as "found!: Vec<CallId>"
           from page"#,
        account_id.uuid(),
        wanted.number,
        wanted.e164,
        wanted.email,
        after.map(CallId::uuid),
        limit,
        wanted.over_before
    )
    .fetch_one(db)
    .await?;
    Ok(Page {
        found: row.found,
        looked_at: row.looked_at,
        last: row.last,
    })
}

/// Where a look at changed calls is.
pub type Changed = (DateTime<Utc>, CallId);

/// Looks at the next calls that have changed since a moment, in the order of their changes: what was looked at may have become one
/// of the subject's meanwhile.
pub async fn look_again(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    wanted: &Wanted,
    after: Changed,
    limit: i64,
) -> sqlx::Result<(Vec<CallId>, Option<Changed>)> {
    let row = sqlx::query!(
        r#"with page as materialized (
             select call_id, updated_at, from_number, to_number, from_e164, to_e164, email from calls
             where account_id = $1 and (updated_at, call_id) > ($5, $6) order by updated_at, call_id limit $7
           ), last as (
             select updated_at, call_id from page order by updated_at desc, call_id desc limit 1
           )
           select count(*) as "looked_at!", (select updated_at from last) as at,
                  (select call_id from last) as "last: CallId",
                  coalesce(array_agg(call_id order by call_id) filter (
                    where $2 in (from_number, to_number) or $3 in (from_e164, to_e164) or lower(email) = $4), '{}')
                    as "found!: Vec<CallId>"
           from page"#,
        account_id.uuid(),
        wanted.number,
        wanted.e164,
        wanted.email,
        after.0,
        after.1.uuid(),
        limit
    )
    .fetch_one(db)
    .await?;
    let next = row.at.zip(row.last).filter(|_| row.looked_at == limit);
    Ok((row.found, next))
}

/// Whether the account has such a call, also one that was deleted.
pub async fn exists(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    call_id: CallId,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from calls where account_id = $1 and call_id = $2) as "exists!""#,
        account_id.uuid(),
        call_id.uuid()
    )
    .fetch_one(db)
    .await
}

/// What was taken away with calls.
#[derive(Debug, Clone, Copy, Default)]
pub struct Taken {
    /// Calls.
    pub calls: u64,
    /// What they were called.
    pub names: u64,
    /// What was known of how they belong to others.
    pub legs: u64,
    /// Reports that waited for them.
    pub parked: u64,
    /// What was still to be done with them.
    pub jobs: u64,
}

/// Takes calls out of every list and look-up, with their names, and remembers what is still to be purged of each.
///
/// **Locks.** First the account's lock of [`names::hold_alone`], while nothing else is held; then the calls, in the order of
/// their ids, as everybody who locks several; then names, legs, parked reports and jobs. Whatever writes of a call holds its row,
/// or finishes a job of it in the same transaction: who is quicker than us has committed when we have the lock and is purged with
/// the rest; who is slower finds no call, or no job, and rolls back. A new report of the call meets the tombstone.
pub async fn take(conn: &mut PgConnection, of: Of, calls: &[CallId]) -> sqlx::Result<Taken> {
    let (account_id, _) = of;
    names::hold_alone(&mut *conn, account_id).await?;
    let ids: Vec<Uuid> = calls.iter().map(|call_id| call_id.uuid()).collect();
    let rows = sqlx::query!(
        r#"select call_id as "call_id: CallId", provider, provider_call_id, source_id from calls
           where account_id = $1 and call_id = any($2) order by call_id for update"#,
        account_id.uuid(),
        &ids
    )
    .fetch_all(&mut *conn)
    .await?;
    let (mut own, mut providers, mut called) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        called.push((row.call_id, row.call_id.to_string()));
        called.extend(row.source_id.map(|name| (row.call_id, name)));
        called.push((row.call_id, row.provider_call_id.clone()));
        providers.push(row.provider);
        own.push(row.provider_call_id);
    }
    let taken = Taken {
        names: names::bury(&mut *conn, account_id, &called).await?,
        legs: take_legs(&mut *conn, account_id, (&providers, &own)).await?,
        parked: take_parked(&mut *conn, account_id, &own).await?,
        jobs: take_jobs(&mut *conn, account_id, &ids).await?,
        calls: 0,
    };
    let calls = sqlx::query!(
        "with gone as (
           delete from calls where account_id = $1 and call_id = any($3)
           returning call_id, from_number, to_number,
             placement is null and source_id is null and voice_call_status is null and staff_uid is null as is_plain
         ), noted as (
           update erasures set found = found + (select count(*) from gone), updated_at = now()
           where account_id = $1 and erasure_id = $2
         )
         insert into erasing_calls (account_id, erasure_id, call_id, from_number, to_number, is_plain)
         select $1, $2, call_id, from_number, to_number, is_plain from gone",
        account_id.uuid(),
        of.1.uuid(),
        &ids
    )
    .execute(conn)
    .await?;
    Ok(Taken {
        calls: calls.rows_affected(),
        ..taken
    })
}

async fn take_legs(
    conn: &mut PgConnection,
    account_id: AccountId,
    (providers, names): (&[String], &[String]),
) -> sqlx::Result<u64> {
    let gone = sqlx::query_scalar!(
        "delete from legs using unnest($2::text[], $3::text[]) as own (provider, name)
         where legs.account_id = $1 and legs.provider = own.provider and legs.name = own.name
         returning conversation",
        account_id.uuid(),
        providers,
        names
    )
    .fetch_all(&mut *conn)
    .await?;
    // Those that they made stay, but for what they are called.
    sqlx::query!(
        "with orphan as materialized (
           select legs.provider, legs.name, legs.conversation from legs
           join unnest($2::text[], $3::text[]) as own (provider, name)
             on legs.provider = own.provider and legs.parent = own.name
           where legs.account_id = $1
         ), freed as (
           update legs set parent = null from orphan
           where legs.account_id = $1 and legs.provider = orphan.provider and legs.name = orphan.name
             and orphan.conversation is not null
         )
         delete from legs using orphan
         where legs.account_id = $1 and legs.provider = orphan.provider and legs.name = orphan.name
           and orphan.conversation is null",
        account_id.uuid(),
        providers,
        names
    )
    .execute(&mut *conn)
    .await?;
    let rows = u64::try_from(gone.len()).unwrap_or(u64::MAX);
    let conversations: Vec<String> = gone.into_iter().flatten().collect();
    names::bury_conversations(&mut *conn, account_id, &conversations).await?;
    take_parked(conn, account_id, &conversations).await?;
    Ok(rows)
}

/// Removes reports that wait for erased calls, or for conversations of which no leg is left.
async fn take_parked(
    conn: &mut PgConnection,
    account_id: AccountId,
    awaited: &[String],
) -> sqlx::Result<u64> {
    let gone = sqlx::query!(
        "delete from parked_reports where account_id = $1 and awaits = any($2)
           and not exists (select from legs where legs.account_id = $1 and legs.provider = parked_reports.provider
                             and legs.conversation = parked_reports.awaits)",
        account_id.uuid(),
        awaited
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}

/// Removes what is still to be done with these calls. The queue has no index for this: it is short.
async fn take_jobs(
    conn: &mut PgConnection,
    account_id: AccountId,
    calls: &[Uuid],
) -> sqlx::Result<u64> {
    let calls: Vec<String> = calls.iter().map(Uuid::to_string).collect();
    let gone = sqlx::query!(
        "delete from jobs where account_id = $1
           and (args ->> 'call_id' = any($2) or args #>> '{analysis,call_id}' = any($2))",
        account_id.uuid(),
        &calls
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}

/// Calls of an erasure of which something may be left.
pub async fn unpurged(db: impl PgExecutor<'_>, of: Of, limit: i64) -> sqlx::Result<Vec<CallId>> {
    sqlx::query_scalar!(
        r#"select call_id as "call_id: CallId" from erasing_calls
           where account_id = $1 and erasure_id = $2 and not purged order by call_id limit $3"#,
        of.0.uuid(),
        of.1.uuid(),
        limit
    )
    .fetch_all(db)
    .await
}

/// Nothing is left of these calls. The caller has the erasure locked.
pub async fn mark_purged(conn: &mut PgConnection, of: Of, calls: &[CallId]) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = calls.iter().map(|call_id| call_id.uuid()).collect();
    sqlx::query!(
        "with marked as (
           update erasing_calls set purged = true
           where account_id = $1 and erasure_id = $2 and call_id = any($3) and not purged returning call_id
         )
         update erasures set erased = erased + (select count(*) from marked), updated_at = now()
         where account_id = $1 and erasure_id = $2",
        of.0.uuid(),
        of.1.uuid(),
        &ids
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether a call of the erasure may have names that none of its columns has.
pub async fn has_staff_side(db: impl PgExecutor<'_>, of: Of) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from erasing_calls where account_id = $1 and erasure_id = $2 and not is_plain) as "any!""#,
        of.0.uuid(),
        of.1.uuid()
    )
    .fetch_one(db)
    .await
}

/// A table with rows of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// Reports as they came.
    Receipts,
    /// What was said.
    Transcripts,
    /// What was made of it.
    Analyses,
    /// What was heard in recordings.
    Recordings,
    /// What a language model said.
    Insights,
    /// What ending asked of others.
    Terminations,
    /// How long it was to last.
    Limits,
    /// What the reconciler remembered.
    Reconciliations,
}

/// Deletes some rows of calls.
macro_rules! purge {
    ($table:literal, $conn:expr, ($account:expr, $calls:expr, $limit:expr)) => {
        sqlx::query!(
            "with doomed as materialized (
               select ctid from "
                + $table
                + " where account_id = $1 and call_id = any($2) limit $3 for update
             )
             delete from "
                + $table
                + " as held using doomed where held.ctid = doomed.ctid",
            $account.uuid(),
            $calls,
            $limit
        )
        .execute($conn)
        .await?
        .rows_affected()
    };
}

impl Beside {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::Receipts,
        Self::Transcripts,
        Self::Analyses,
        Self::Recordings,
        Self::Insights,
        Self::Terminations,
        Self::Limits,
        Self::Reconciliations,
    ];

    /// How its rows are counted.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Receipts => "receipts",
            Self::Transcripts => "transcripts",
            Self::Analyses => "analyses",
            Self::Recordings => "recordings",
            Self::Insights => "insights",
            Self::Terminations => "terminations",
            Self::Limits => "limits",
            Self::Reconciliations => "reconciliations",
        }
    }

    /// Deletes rows of calls, at most `limit`; answers how many.
    pub async fn purge(
        self,
        conn: &mut PgConnection,
        account_id: AccountId,
        calls: &[CallId],
        limit: i64,
    ) -> sqlx::Result<u64> {
        let ids: Vec<Uuid> = calls.iter().map(|call_id| call_id.uuid()).collect();
        Ok(match self {
            Self::Receipts => purge!("receipts", conn, (account_id, &ids, limit)),
            Self::Transcripts => purge!("transcripts", conn, (account_id, &ids, limit)),
            Self::Analyses => purge!("analyses", conn, (account_id, &ids, limit)),
            Self::Recordings => purge!("recording_readings", conn, (account_id, &ids, limit)),
            Self::Insights => purge!("insights", conn, (account_id, &ids, limit)),
            Self::Terminations => purge!("terminations", conn, (account_id, &ids, limit)),
            Self::Limits => purge!("call_limits", conn, (account_id, &ids, limit)),
            Self::Reconciliations => purge!("reconciliations", conn, (account_id, &ids, limit)),
        })
    }
}
