//! Parked reports: they came before the call that they are about, and wait for it.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};

use crate::domain::id::{AccountId, ConnectionId};

/// A report that waits.
#[derive(Debug, Clone, PartialEq)]
pub struct Parked {
    /// Whose it is.
    pub account_id: AccountId,
    /// What makes a repetition recognisable.
    pub digest: [u8; 32],
    /// By which connection it came.
    pub connection_id: ConnectionId,
    /// The provider.
    pub provider: String,
    /// The name of the call, or of its conversation.
    pub awaits: String,
    /// The report.
    pub report: Value,
}

/// A report that need not wait any longer.
#[derive(Debug, Clone, PartialEq)]
pub struct Awaited {
    /// The report.
    pub parked: Parked,
    /// The name of the call that it is about.
    pub call: String,
}

/// Keeps a report until its call is there. Answers whether it was not kept already.
pub async fn park(conn: &mut PgConnection, parked: &Parked) -> sqlx::Result<bool> {
    let kept = sqlx::query!(
        "insert into parked_reports (account_id, digest, connection_id, provider, awaits, report)
         values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
        parked.account_id.uuid(),
        &parked.digest[..],
        parked.connection_id.uuid(),
        parked.provider,
        parked.awaits,
        parked.report,
    )
    .execute(conn)
    .await?;
    Ok(kept.rows_affected() == 1)
}

/// Reports whose call, or a leg of whose conversation, is there, the oldest first: in one account if it is named, else in all.
pub async fn awaited(
    db: impl PgExecutor<'_>,
    only: Option<(AccountId, &str)>,
    limit: i64,
) -> sqlx::Result<Vec<Awaited>> {
    let rows = sqlx::query!(
        r#"select parked.account_id as "account_id: AccountId", digest, connection_id as "connection_id: ConnectionId",
                  parked.provider, awaits, report, coalesce(named.name, first.name) as "call!"
           from parked_reports as parked
           left join lateral (
             select name from call_names
             where call_names.account_id = parked.account_id and namespace = 'call' and call_names.name = parked.awaits
             limit 1
           ) as named on true
           left join lateral (
             select name from legs
             where legs.account_id = parked.account_id and legs.provider = parked.provider
               and legs.conversation = parked.awaits
             order by first_seen_at, name limit 1
           ) as first on true
           where coalesce(named.name, first.name) is not null
             and ($1::uuid is null or (parked.account_id = $1 and awaits = $2))
           order by parked_at limit $3"#,
        only.map(|(account_id, _)| account_id.uuid()),
        only.map(|(_, awaits)| awaits),
        limit,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let digest = row.digest.try_into();
            Ok(Awaited {
                parked: Parked {
                    account_id: row.account_id,
                    digest: digest
                        .map_err(|_longer| sqlx::Error::Decode("a digest has 32 bytes".into()))?,
                    connection_id: row.connection_id,
                    provider: row.provider,
                    awaits: row.awaits,
                    report: row.report,
                },
                call: row.call,
            })
        })
        .collect()
}

/// Forgets a report.
pub async fn forget(
    conn: &mut PgConnection,
    account_id: AccountId,
    digest: [u8; 32],
) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from parked_reports where account_id = $1 and digest = $2",
        account_id.uuid(),
        &digest[..],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Drops reports that have waited for a day, at most `limit`. Answers how many.
pub async fn drop_old(db: impl PgExecutor<'_>, limit: i64) -> sqlx::Result<u64> {
    let dropped = sqlx::query!(
        "delete from parked_reports where (account_id, digest) in (
           select account_id, digest from parked_reports where parked_at < now() - interval '24 hours'
           order by parked_at limit $1
         )",
        limit,
    )
    .execute(db)
    .await?;
    Ok(dropped.rows_affected())
}

/// How many wait, and since when the oldest does.
pub async fn waiting(db: impl PgExecutor<'_>) -> sqlx::Result<(i64, Option<DateTime<Utc>>)> {
    let row = sqlx::query!(
        r#"select count(*) as "count!", min(parked_at) as oldest from parked_reports"#
    )
    .fetch_one(db)
    .await?;
    Ok((row.count, row.oldest))
}
