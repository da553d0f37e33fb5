//! Which keys the stored secrets were sealed with: a secret's head says it, without opening anything.

use sqlx::PgExecutor;

/// The heads of all sealed secrets, each once.
pub async fn heads(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<Vec<u8>>> {
    sqlx::query_scalar!(
        r#"select substring(sealed_credentials for 5) as "head!" from connections
           union
           select substring(sealed_former_credentials for 5) from connections where former_until > now()
           union
           select substring(sealed_key for 5) from endpoint_keys where expires_at is null or expires_at > now()
           union
           select substring(sealed_headers for 5) from endpoints where sealed_headers is not null
           union
           select substring(sealed_answer for 5) from idempotency_keys where sealed_answer is not null and expires_at > now()"#
    )
    .fetch_all(db)
    .await
}
