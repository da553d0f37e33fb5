//! API keys. A key is found by the SHA-256 of the whole of it.
//!
//! That needs no comparison in constant time: what a caller could learn from the index's timing is about the hash of a
//! guess, and nobody can choose a key by its hash.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};

use crate::domain::{
    account::{Caller, Handling, KeyKind, TranscriptAccess},
    id::{AccountId, KeyId},
    key::{KeyPrefix, KeySha256},
    text::Text,
};

/// A key to be kept.
#[derive(Debug, Clone)]
pub struct NewKeyRow {
    /// Its account.
    pub account_id: AccountId,
    /// Its id.
    pub key_id: KeyId,
    /// What it is for.
    pub kind: KeyKind,
    /// What it is found by.
    pub sha256: KeySha256,
    /// Its visible head.
    pub prefix: KeyPrefix,
    /// The staff member behind it.
    pub staff_uid: Option<Text<255>>,
    /// The client whose calls are all that it may read.
    pub client_uid: Option<Text<255>>,
    /// What it prefers when a request does not say.
    pub prefer: Option<Handling>,
    /// What it reads of what was said on calls; `None`: what its account says.
    pub transcripts: Option<TranscriptAccess>,
    /// After how many days it expires.
    pub expires_in_days: Option<i32>,
}

/// A key as people see it.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its id.
    pub key_id: KeyId,
    /// What it is for.
    pub kind: KeyKind,
    /// Its visible head.
    pub prefix: String,
    /// The staff member behind it.
    pub staff_uid: Option<String>,
    /// The client whose calls are all that it may read.
    pub client_uid: Option<String>,
    /// What it prefers.
    pub prefer: Option<Handling>,
    /// What it reads of what was said on calls; `None`: what its account says.
    pub transcripts: Option<TranscriptAccess>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops to be valid.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// What a shown key turned out to be.
#[derive(Debug, Clone)]
pub enum Found {
    /// Valid.
    Valid(Caller),
    /// Revoked, but still used by somebody.
    Revoked(KeyId),
    /// Expired, but still used by somebody.
    Expired(KeyId),
    /// Not one of ours.
    Unknown,
}

/// Keeps a new key.
pub async fn insert(conn: &mut PgConnection, new: &NewKeyRow) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into api_keys (account_id, key_id, kind, secret_sha256, prefix, staff_uid, client_uid, prefer, expires_at,
                               transcripts)
         values ($1, $2, $3, $4, $5, $6, $7, $8, now() + make_interval(days => $9), $10)",
        new.account_id.uuid(),
        new.key_id.uuid(),
        new.kind as KeyKind,
        new.sha256.as_slice(),
        new.prefix.as_str(),
        new.staff_uid.as_ref().map(Text::as_str),
        new.client_uid.as_ref().map(Text::as_str),
        new.prefer as Option<Handling>,
        new.expires_in_days,
        new.transcripts as Option<TranscriptAccess>,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Who shows this key. One indexed query, which names the account instead of being bounded by one.
pub async fn find_caller(db: impl PgExecutor<'_>, sha256: &KeySha256) -> sqlx::Result<Found> {
    let row = sqlx::query!(
        r#"select account_id as "account_id: AccountId", key_id as "key_id: KeyId", kind as "kind: KeyKind",
                  staff_uid, client_uid, prefer as "prefer: Handling", business_uid,
                  transcripts as "transcripts: TranscriptAccess",
                  revoked_at is not null as "revoked!",
                  coalesce(expires_at <= now(), false) as "expired!"
           from api_keys join accounts using (account_id)
           where secret_sha256 = $1"#,
        sha256.as_slice(),
    )
    .fetch_optional(db)
    .await?;
    Ok(match row {
        None => Found::Unknown,
        Some(row) if row.revoked => Found::Revoked(row.key_id),
        Some(row) if row.expired => Found::Expired(row.key_id),
        Some(row) => Found::Valid(Caller {
            account_id: row.account_id,
            business_uid: row.business_uid,
            kind: row.kind,
            key_id: Some(row.key_id),
            staff_uid: row.staff_uid,
            client_uid: row.client_uid,
            prefer: row.prefer,
            transcripts: row.transcripts,
            on_behalf_by: None,
        }),
    })
}

/// The account's keys, newest first.
pub async fn list(db: impl PgExecutor<'_>, account_id: AccountId) -> sqlx::Result<Vec<Key>> {
    sqlx::query_as!(
        Key,
        r#"select key_id as "key_id: KeyId", kind as "kind: KeyKind", prefix, staff_uid, client_uid,
                  prefer as "prefer: Handling", transcripts as "transcripts: TranscriptAccess", created_at, expires_at, revoked_at
           from api_keys where account_id = $1
           order by key_id desc limit 1000"#,
        account_id.uuid(),
    )
    .fetch_all(db)
    .await
}

/// Revokes a key by its id or its visible head; false if the account has no such key. Once revoked it stays so.
pub async fn revoke(
    conn: &mut PgConnection,
    account_id: AccountId,
    which: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update api_keys set revoked_at = coalesce(revoked_at, now())
         where account_id = $1 and (key_id::text = $2 or prefix = $2)",
        account_id.uuid(),
        which,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}
