//! Erasures: what was asked for, how far it is, and what is left to be said of it.
//!
//! [`calls`] takes calls away and purges what is beside them, [`names`] leaves tombstones, [`numbers`] looks after the list of
//! numbers, [`webhooks`] removes what was told or is about to be. Every transaction of an erasure begins with [`lock`]: two
//! workers that believe to hold its job do one thing after the other, and count nothing twice.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, types::Json};
use uuid::Uuid;

use crate::domain::{
    erasure::{Erasure, Stage, SubjectKind},
    id::{AccountId, CallId, ErasureId, KeyId},
};

pub mod calls;
pub mod names;
pub mod numbers;
pub mod webhooks;

/// Which erasure.
pub type Of = (AccountId, ErasureId);

/// An erasure that is asked for.
#[derive(Debug)]
pub struct NewErasure<'a> {
    /// Whose it is.
    pub account_id: AccountId,
    /// Its id.
    pub erasure_id: ErasureId,
    /// What kind of subject it has.
    pub subject: SubjectKind,
    /// A keyed hash of the subject.
    pub subject_digest: &'a [u8; 32],
    /// The subject, sealed for this row.
    pub sealed_subject: &'a [u8],
    /// The key that asks, if it is one.
    pub requested_by: Option<KeyId>,
}

/// Selects whole erasures.
macro_rules! select_erasures {
    ($tail:literal, $($arg:expr),* $(,)?) => {
        sqlx::query_as!(
            Row,
            "select account_id, erasure_id, subject as \"subject: SubjectKind\", subject_digest, sealed_subject,
                    stage as \"stage: Stage\", place, looked_at, found, erased,
                    removed as \"removed: Json<BTreeMap<String, i64>>\", created_at, completed_at
             from erasures where " + $tail,
            $($arg),*
        )
    };
}

struct Row {
    account_id: Uuid,
    erasure_id: Uuid,
    subject: SubjectKind,
    subject_digest: Vec<u8>,
    sealed_subject: Option<Vec<u8>>,
    stage: Stage,
    place: Option<Uuid>,
    looked_at: i64,
    found: i64,
    erased: i64,
    removed: Json<BTreeMap<String, i64>>,
    created_at: DateTime<Utc>,
    completed_at: Option<DateTime<Utc>>,
}

impl From<Row> for Erasure {
    fn from(row: Row) -> Self {
        Self {
            account_id: row.account_id.into(),
            erasure_id: row.erasure_id.into(),
            subject: row.subject,
            subject_digest: row.subject_digest,
            sealed_subject: row.sealed_subject,
            stage: row.stage,
            place: row.place.map(CallId::from),
            looked_at: row.looked_at,
            found: row.found,
            erased: row.erased,
            removed: row.removed.0,
            created_at: row.created_at,
            completed_at: row.completed_at,
        }
    }
}

/// Keeps an erasure, unless one of the same subject is under way.
pub async fn insert(conn: &mut PgConnection, new: &NewErasure<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into erasures (account_id, erasure_id, subject, subject_digest, sealed_subject, requested_by)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (account_id, subject, subject_digest) where stage <> 'completed' do nothing",
        new.account_id.uuid(),
        new.erasure_id.uuid(),
        new.subject as SubjectKind,
        new.subject_digest.as_slice(),
        new.sealed_subject,
        new.requested_by.map(KeyId::uuid)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The newest erasure of a subject.
pub async fn of_subject(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    subject: SubjectKind,
    digest: &[u8; 32],
) -> sqlx::Result<Option<Erasure>> {
    let found = select_erasures!(
        "account_id = $1 and subject = $2 and subject_digest = $3 order by erasure_id desc limit 1",
        account_id.uuid(),
        subject as SubjectKind,
        digest.as_slice()
    );
    Ok(found.fetch_optional(db).await?.map(Erasure::from))
}

/// An erasure of the account.
pub async fn find(db: impl PgExecutor<'_>, of: Of) -> sqlx::Result<Option<Erasure>> {
    let found = select_erasures!(
        "account_id = $1 and erasure_id = $2",
        of.0.uuid(),
        of.1.uuid()
    );
    Ok(found.fetch_optional(db).await?.map(Erasure::from))
}

/// The account's erasures, newest first, below one of them.
pub async fn list(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    before: Option<ErasureId>,
    limit: i64,
) -> sqlx::Result<Vec<Erasure>> {
    let found = select_erasures!(
        "account_id = $1 and ($2::uuid is null or erasure_id < $2) order by erasure_id desc limit $3",
        account_id.uuid(),
        before.map(ErasureId::uuid),
        limit
    );
    let found = found.fetch_all(db).await?;
    Ok(found.into_iter().map(Erasure::from).collect())
}

/// The erasure, locked until the transaction ends, if it is at this stage.
pub async fn lock(conn: &mut PgConnection, of: Of, at: Stage) -> sqlx::Result<Option<Erasure>> {
    let found = select_erasures!(
        "account_id = $1 and erasure_id = $2 and stage = $3 for update",
        of.0.uuid(),
        of.1.uuid(),
        at as Stage
    );
    Ok(found.fetch_optional(conn).await?.map(Erasure::from))
}

/// Counts rows that were removed. The caller has it locked.
pub async fn count(
    conn: &mut PgConnection,
    of: Of,
    kind: &'static str,
    rows: u64,
) -> sqlx::Result<()> {
    if rows == 0 {
        return Ok(());
    }
    sqlx::query!(
        "update erasures set updated_at = now(),
           removed = removed || jsonb_build_object($3::text, coalesce((removed ->> $3)::bigint, 0) + $4)
         where account_id = $1 and erasure_id = $2",
        of.0.uuid(),
        of.1.uuid(),
        kind,
        i64::try_from(rows).unwrap_or(i64::MAX)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// So many more calls were looked at, up to this one. The caller has it locked.
pub async fn looked(
    conn: &mut PgConnection,
    of: Of,
    place: CallId,
    calls: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update erasures set place = $3, looked_at = looked_at + $4, updated_at = now()
         where account_id = $1 and erasure_id = $2",
        of.0.uuid(),
        of.1.uuid(),
        place.uuid(),
        calls
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Goes on to the next stage. The caller has it locked.
pub async fn advance(conn: &mut PgConnection, of: Of, to: Stage) -> sqlx::Result<()> {
    sqlx::query!(
        "update erasures set stage = $3, updated_at = now(),
           completed_at = case when $3::erasure_stage = 'completed' then now() end,
           sealed_subject = case when $3::erasure_stage <> 'completed' then sealed_subject end
         where account_id = $1 and erasure_id = $2",
        of.0.uuid(),
        of.1.uuid(),
        to as Stage
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Erasures of all accounts that are not completed, the oldest first: their job may have been given up.
pub async fn open(db: impl PgExecutor<'_>, limit: i64) -> sqlx::Result<Vec<Of>> {
    let rows = sqlx::query!(
        r#"select account_id as "account_id: AccountId", erasure_id as "erasure_id: ErasureId" from erasures
           where stage <> 'completed' order by erasure_id limit $1"#,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.account_id, row.erasure_id))
        .collect())
}

/// Which of these ids are calls of this erasure.
pub async fn among(db: impl PgExecutor<'_>, of: Of, ids: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "select call_id from erasing_calls where account_id = $1 and erasure_id = $2 and call_id = any($3)",
        of.0.uuid(),
        of.1.uuid(),
        ids
    )
    .fetch_all(db)
    .await
}

/// Forgets some of the calls of an erasure whose work is done; answers how many.
pub async fn forget_calls(conn: &mut PgConnection, of: Of, limit: i64) -> sqlx::Result<u64> {
    let gone = sqlx::query!(
        "delete from erasing_calls where account_id = $1 and erasure_id = $2 and call_id in
           (select call_id from erasing_calls where account_id = $1 and erasure_id = $2 order by call_id limit $3)",
        of.0.uuid(),
        of.1.uuid(),
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
