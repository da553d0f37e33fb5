//! What webhooks are signed with: an endpoint's keys, sealed.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, postgres::types::PgInterval};

use crate::domain::{
    endpoint::Scheme,
    id::{AccountId, EndpointId, EndpointKeyId},
};

/// How long a key that signs no more is kept, so that a receiver that still has it can be told: in days.
const KEPT_DAYS: i32 = 30;

/// How many keys that sign no more are kept.
const KEPT_MAX: i64 = 20;

/// A key to be kept.
#[derive(Debug)]
pub struct NewKey {
    /// Its id.
    pub key_id: EndpointKeyId,
    /// How it signs.
    pub scheme: Scheme,
    /// The key.
    pub sealed: Vec<u8>,
    /// What receivers verify with, if everybody may see it.
    pub public: Option<String>,
}

/// A key of an endpoint.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its id.
    pub key_id: EndpointKeyId,
    /// How it signs.
    pub scheme: Scheme,
    /// The key.
    pub sealed: Vec<u8>,
    /// What receivers verify with, if everybody may see it.
    pub public: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops signing; none: it is the present one of its scheme.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Keeps a key as the present one of its scheme. The one before it signs beside it for `overlap_s` seconds more; with 0 none does that was
/// made before. What has been over for long is deleted.
pub async fn add(
    conn: &mut PgConnection,
    (account_id, endpoint_id): (AccountId, EndpointId),
    new: &NewKey,
    overlap_s: i32,
) -> sqlx::Result<()> {
    let overlap = PgInterval {
        months: 0,
        days: 0,
        microseconds: i64::from(overlap_s) * 1_000_000,
    };
    sqlx::query!(
        "update endpoint_keys set expires_at = now() + $4
         where account_id = $1 and endpoint_id = $2 and scheme = $3
           and (expires_at is null or $4 = interval '0' and expires_at > now())",
        account_id.uuid(),
        endpoint_id.uuid(),
        new.scheme as Scheme,
        overlap
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from endpoint_keys
         where account_id = $1 and endpoint_id = $2
           and (expires_at < now() - make_interval(days => $3)
                or key_id in (select key_id from endpoint_keys
                              where account_id = $1 and endpoint_id = $2 and expires_at <= now()
                              order by expires_at desc, key_id desc offset $4))",
        account_id.uuid(),
        endpoint_id.uuid(),
        KEPT_DAYS,
        KEPT_MAX
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into endpoint_keys (account_id, endpoint_id, key_id, scheme, sealed_key, public_key) values ($1, $2, $3, $4, $5, $6)",
        account_id.uuid(),
        endpoint_id.uuid(),
        new.key_id.uuid(),
        new.scheme as Scheme,
        new.sealed,
        new.public
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An endpoint's keys, the present ones first, then the newest.
pub async fn list(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    endpoint_id: EndpointId,
) -> sqlx::Result<Vec<Key>> {
    sqlx::query_as!(
        Key,
        r#"select key_id as "key_id: EndpointKeyId", scheme as "scheme: Scheme", sealed_key as sealed, public_key as public, created_at,
                  expires_at
           from endpoint_keys where account_id = $1 and endpoint_id = $2
           order by expires_at desc nulls first, scheme, key_id"#,
        account_id.uuid(),
        endpoint_id.uuid()
    )
    .fetch_all(db)
    .await
}

/// How many keys of the scheme the endpoint is signed with now.
pub async fn signing(
    db: impl PgExecutor<'_>,
    (account_id, endpoint_id): (AccountId, EndpointId),
    scheme: Scheme,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from endpoint_keys
           where account_id = $1 and endpoint_id = $2 and scheme = $3 and (expires_at is null or expires_at > now())"#,
        account_id.uuid(),
        endpoint_id.uuid(),
        scheme as Scheme
    )
    .fetch_one(db)
    .await
}
