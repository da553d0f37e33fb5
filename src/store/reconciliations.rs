//! What the reconciler remembers of live calls that have been silent for long: when each is to be checked, and what came of it.
//!
//! A row is made when a live call is older than the shortest patience, and goes when it is over. Reports never touch it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};

use super::interval;
use crate::domain::id::{AccountId, CallId};

/// Which call.
pub type Of = (AccountId, CallId);

/// What is remembered of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// Whose call.
    pub account_id: AccountId,
    /// Which call.
    pub call_id: CallId,
    /// When its provider last said that it is live.
    pub alive_at: Option<DateTime<Utc>>,
    /// Since when its provider has not known it.
    pub unknown_since: Option<DateTime<Utc>>,
    /// How often in a row.
    pub unknowns: i32,
    /// How often in a row nobody could be asked.
    pub failures: i32,
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// Nobody was asked.
    No,
    /// Its provider says that it is live.
    Alive,
    /// Its provider does not know it.
    Unknown,
    /// Its provider could not be asked.
    Failed,
}

/// Begins to remember live calls that are older than this. They are due at once. Answers how many.
pub async fn discover(db: impl PgExecutor<'_>, older: Duration, limit: i64) -> sqlx::Result<u64> {
    let found = sqlx::query!(
        "insert into reconciliations (account_id, call_id, next_check_at)
         select account_id, call_id, now() from calls
         where state in ('queued', 'ringing', 'in_progress') and deleted_at is null and created_at < now() - $1::interval
           and not exists (
             select from reconciliations as known
             where known.account_id = calls.account_id and known.call_id = calls.call_id
           )
         limit $2
         on conflict do nothing",
        interval(older),
        limit,
    )
    .execute(db)
    .await?;
    Ok(found.rows_affected())
}

/// Takes calls that are to be checked, the first first, for as long as `hold`: if it does not come to a check, they are due again
/// then.
pub async fn take_due(
    db: impl PgExecutor<'_>,
    hold: Duration,
    limit: i64,
) -> sqlx::Result<Vec<Remembered>> {
    sqlx::query_as!(
        Remembered,
        r#"update reconciliations as taken set next_check_at = now() + $1::interval
           from (
             select account_id, call_id from reconciliations where next_check_at <= now()
             order by next_check_at limit $2
             for update skip locked
           ) as due
           where taken.account_id = due.account_id and taken.call_id = due.call_id
           returning taken.account_id as "account_id: AccountId", taken.call_id as "call_id: CallId", alive_at,
                     unknown_since, unknowns, failures"#,
        interval(hold),
        limit,
    )
    .fetch_all(db)
    .await
}

/// When the call last gave a sign of life by a report.
pub async fn last_report_at(
    db: impl PgExecutor<'_>,
    (account_id, call_id): Of,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!(
        "select max(received_at) from receipts where account_id = $1 and call_id = $2",
        account_id.uuid(),
        call_id.uuid(),
    )
    .fetch_one(db)
    .await
}

/// Writes down what came of a check, and when the next one is.
pub async fn checked(
    conn: &mut PgConnection,
    (account_id, call_id): Of,
    checked: Checked,
    next: Duration,
) -> sqlx::Result<()> {
    let (asked, alive, unknown, failed) = match checked {
        Checked::No => (false, false, false, false),
        Checked::Alive => (true, true, false, false),
        Checked::Unknown => (true, false, true, false),
        Checked::Failed => (true, false, false, true),
    };
    sqlx::query!(
        "update reconciliations set
           next_check_at = now() + $3::interval,
           checked_at = case when $4 then now() else checked_at end,
           alive_at = case when $5 then now() else alive_at end,
           unknown_since = case when $6 then coalesce(unknown_since, now()) when $5 then null else unknown_since end,
           unknowns = case when $6 then unknowns + 1 when $5 then 0 else unknowns end,
           failures = case when $7 then least(failures + 1, 1000) when $4 then 0 else failures end
         where account_id = $1 and call_id = $2",
        account_id.uuid(),
        call_id.uuid(),
        interval(next),
        asked,
        alive,
        unknown,
        failed,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets that the provider did not know the call: it has given a sign of life since.
pub async fn known(conn: &mut PgConnection, (account_id, call_id): Of) -> sqlx::Result<()> {
    sqlx::query!(
        "update reconciliations set unknown_since = null, unknowns = 0 where account_id = $1 and call_id = $2",
        account_id.uuid(),
        call_id.uuid(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets a call that is over.
pub async fn forget(conn: &mut PgConnection, (account_id, call_id): Of) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from reconciliations where account_id = $1 and call_id = $2",
        account_id.uuid(),
        call_id.uuid(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// For how many seconds the first check that is due has waited.
pub async fn lag_s(db: impl PgExecutor<'_>) -> sqlx::Result<f64> {
    sqlx::query_scalar!(
        r#"select coalesce(extract(epoch from greatest(now() - min(next_check_at), interval '0')), 0)::float8 as "lag!"
           from reconciliations"#
    )
    .fetch_one(db)
    .await
}

/// Calls that hang, for whoever looks after the service.
#[derive(Debug, Clone, PartialEq)]
pub struct Hanging {
    /// Live calls of which the reconciler has begun to take note.
    pub watched: i64,
    /// Of those, the ones that their provider does not know.
    pub unknown: i64,
    /// Of those, the ones about which nobody could be asked.
    pub unasked: i64,
    /// For how many seconds the first check that is due has waited.
    pub lag_s: f64,
    /// Parts of endings that nobody has confirmed for longer than an hour.
    pub unconfirmed: i64,
    /// Parts of endings that were given up within a day.
    pub failed: i64,
}

/// Looks at what hangs.
pub async fn hanging(db: impl PgExecutor<'_>) -> sqlx::Result<Hanging> {
    sqlx::query_as!(
        Hanging,
        r#"select
             (select count(*) from reconciliations) as "watched!",
             (select count(*) from reconciliations where unknowns > 0) as "unknown!",
             (select count(*) from reconciliations where failures > 0) as "unasked!",
             (select coalesce(extract(epoch from greatest(now() - min(next_check_at), interval '0')), 0)::float8
              from reconciliations) as "lag_s!",
             (select count(*) from terminations where state = 'pending' and requested_at < now() - interval '1 hour')
               as "unconfirmed!",
             (select count(*) from terminations where state = 'failed' and updated_at > now() - interval '24 hours')
               as "failed!""#
    )
    .fetch_one(db)
    .await
}
