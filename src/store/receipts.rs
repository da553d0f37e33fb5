//! Receipts: every report as it came, once.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::domain::id::{AccountId, CallId};

/// The kind of a report, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "report_kind", rename_all = "snake_case")]
pub enum Kind {
    /// The call waits.
    Queued,
    /// It rings.
    Ringing,
    /// It was answered.
    Answered,
    /// It is over.
    Ended,
    /// A recording is there.
    Recording,
}

/// A report as it came.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// Whose call.
    pub account_id: AccountId,
    /// Which call.
    pub call_id: CallId,
    /// What makes a repetition recognisable.
    pub digest: [u8; 32],
    /// Which surface or provider reported it.
    pub source: &'static str,
    /// What it said.
    pub kind: Kind,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// Whether it came too late to count.
    pub late: bool,
    /// Its content.
    pub report: serde_json::Value,
}

/// Keeps receipts; answers the digests that were new, with their calls.
pub async fn keep(
    conn: &mut PgConnection,
    receipts: &[Receipt],
) -> sqlx::Result<Vec<(CallId, Vec<u8>)>> {
    let accounts: Vec<Uuid> = receipts
        .iter()
        .map(|receipt| receipt.account_id.uuid())
        .collect();
    let calls: Vec<Uuid> = receipts
        .iter()
        .map(|receipt| receipt.call_id.uuid())
        .collect();
    let digests: Vec<Vec<u8>> = receipts
        .iter()
        .map(|receipt| receipt.digest.to_vec())
        .collect();
    let sources: Vec<String> = receipts
        .iter()
        .map(|receipt| receipt.source.to_owned())
        .collect();
    let kinds: Vec<Kind> = receipts.iter().map(|receipt| receipt.kind).collect();
    let occurred: Vec<DateTime<Utc>> = receipts.iter().map(|receipt| receipt.occurred_at).collect();
    let late: Vec<bool> = receipts.iter().map(|receipt| receipt.late).collect();
    let reports: Vec<serde_json::Value> = receipts
        .iter()
        .map(|receipt| receipt.report.clone())
        .collect();
    let rows = sqlx::query!(
        r#"insert into receipts (account_id, call_id, digest, source, kind, occurred_at, received_at, late, report)
           select account_id, call_id, digest, source, kind, occurred_at, now(), late, report
           from unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::text[], $5::report_kind[], $6::timestamptz[],
                       $7::bool[], $8::jsonb[])
                as receipt (account_id, call_id, digest, source, kind, occurred_at, late, report)
           on conflict do nothing
           returning call_id as "call_id: CallId", digest"#,
        &accounts,
        &calls,
        &digests,
        &sources,
        &kinds as &[Kind],
        &occurred,
        &late,
        &reports
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.call_id, row.digest))
        .collect())
}

/// Whether a report of this source was kept for the call.
pub async fn is_from(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    call_id: CallId,
    source: &str,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists(select from receipts where account_id = $1 and call_id = $2 and source = $3) as "kept!""#,
        account_id.uuid(),
        call_id.uuid(),
        source
    )
    .fetch_one(db)
    .await
}

/// Whether a report with this digest was kept for the call.
pub async fn is_kept(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    call_id: CallId,
    digest: [u8; 32],
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists(select from receipts where account_id = $1 and call_id = $2 and digest = $3) as "kept!""#,
        account_id.uuid(),
        call_id.uuid(),
        &digest[..]
    )
    .fetch_one(db)
    .await
}
