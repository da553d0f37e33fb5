//! Receipts: every report as it came, once.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::{PgConnection, PgExecutor, types::Json};

use crate::domain::{
    id::{AccountId, CallId},
    report::ReportKind,
};

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

impl From<ReportKind> for Kind {
    fn from(kind: ReportKind) -> Self {
        match kind {
            ReportKind::Queued => Self::Queued,
            ReportKind::Ringing => Self::Ringing,
            ReportKind::Answered => Self::Answered,
            ReportKind::Ended(_) | ReportKind::HungUp(_) => Self::Ended,
            ReportKind::Recording => Self::Recording,
        }
    }
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
    pub report: Box<RawValue>,
}

/// Keeps a receipt, unless it is there.
pub async fn keep(conn: &mut PgConnection, receipt: &Receipt) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into receipts (account_id, call_id, digest, source, kind, occurred_at, received_at, late, report)
         values ($1, $2, $3, $4, $5, $6, now(), $7, $8)
         on conflict do nothing",
        receipt.account_id.uuid(),
        receipt.call_id.uuid(),
        &receipt.digest[..],
        receipt.source,
        receipt.kind as _,
        receipt.occurred_at,
        receipt.late,
        Json(&receipt.report) as _
    )
    .execute(conn)
    .await?;
    Ok(())
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
