//! Analyses: immutable revisions, the newest is the current one.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, types::Json};
use uuid::Uuid;

use crate::domain::{
    analysis::{Analysis, AnalysisStatus},
    id::{AccountId, CallId},
};

/// What tells whether an analysis is still current.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its place among the call's analyses, from 1.
    pub revision: i32,
    /// How it went.
    pub status: AnalysisStatus,
    /// The transcript that went in.
    pub transcript_revision: Option<i32>,
    /// The hash of what went in.
    pub input_hash: Vec<u8>,
}

/// A revision to be kept. The caller holds the call's row.
#[derive(Debug)]
pub struct NewRevision<'a> {
    /// What was found.
    pub analysis: &'a Analysis,
    /// The hash of what went in.
    pub input_hash: &'a [u8],
    /// The transcript that went in.
    pub transcript_revision: Option<i32>,
    /// The sentiment of each of its utterances.
    pub turn_compounds: Option<&'a [f64]>,
}

/// A revision as it is kept.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The analysis as JSON, as it was stored.
    pub result: serde_json::Value,
    /// The transcript that went in.
    pub transcript_revision: Option<i32>,
    /// The sentiment of each of its utterances.
    pub turn_compounds: Option<Vec<f64>>,
}

/// Keeps a revision.
pub async fn insert(
    conn: &mut PgConnection,
    account_id: AccountId,
    new: &NewRevision<'_>,
) -> sqlx::Result<()> {
    let analysis = new.analysis;
    sqlx::query!(
        "insert into analyses
           (account_id, call_id, revision, analysis_id, status, trigger, transcript_revision, input_hash, result,
            turn_compounds, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        account_id.uuid(),
        analysis.call_id.uuid(),
        analysis.revision,
        analysis.analysis_id.uuid(),
        analysis.findings.status as AnalysisStatus,
        analysis.trigger as _,
        new.transcript_revision,
        new.input_hash,
        Json(analysis) as Json<&Analysis>,
        new.turn_compounds,
        analysis.completed_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The head of the call's newest revision.
pub async fn newest_head(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    call_id: CallId,
) -> sqlx::Result<Option<Head>> {
    sqlx::query_as!(
        Head,
        "select revision, status, transcript_revision, input_hash from analyses
         where account_id = $1 and call_id = $2 order by revision desc limit 1",
        account_id.uuid(),
        call_id.uuid()
    )
    .fetch_optional(db)
    .await
}

/// The call's newest revision.
pub async fn newest(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    call_id: CallId,
) -> sqlx::Result<Option<Kept>> {
    sqlx::query_as!(
        Kept,
        "select result, transcript_revision, turn_compounds from analyses where account_id = $1 and call_id = $2
         order by revision desc limit 1",
        account_id.uuid(),
        call_id.uuid()
    )
    .fetch_optional(db)
    .await
}

/// The call's revisions below `before`, newest first.
pub async fn list(
    db: impl PgExecutor<'_>,
    (account_id, call_id): (AccountId, CallId),
    before: Option<i32>,
    limit: i64,
) -> sqlx::Result<Vec<serde_json::Value>> {
    sqlx::query_scalar!(
        "select result from analyses
         where account_id = $1 and call_id = $2 and revision < coalesce($3, 2147483647)
         order by revision desc limit $4",
        account_id.uuid(),
        call_id.uuid(),
        before,
        limit
    )
    .fetch_all(db)
    .await
}

/// How many of these calls have a revision that was stored then or later.
pub async fn calls_since(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    calls: &[CallId],
    since: DateTime<Utc>,
) -> sqlx::Result<usize> {
    let calls: Vec<Uuid> = calls.iter().map(|call_id| call_id.uuid()).collect();
    let count = sqlx::query_scalar!(
        r#"select count(distinct call_id) as "count!" from analyses
           where account_id = $1 and call_id = any($2) and created_at >= $3"#,
        account_id.uuid(),
        &calls,
        since
    )
    .fetch_one(db)
    .await?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}
