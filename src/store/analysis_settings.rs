//! What accounts want of their analyses.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, types::Json};
use uuid::Uuid;

use crate::domain::{
    analysis::{PrivacySettings, Settings, settings::recordings::RecordingSettings},
    id::AccountId,
};

/// Settings as they are kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Kept {
    /// What the account wants.
    pub settings: Settings,
    /// Since when; `None` for an account that has never said anything.
    pub updated_at: Option<DateTime<Utc>>,
}

/// The account's settings; the defaults if it has none.
pub async fn find(db: impl PgExecutor<'_>, account_id: AccountId) -> sqlx::Result<Kept> {
    let row = sqlx::query!(
        r#"select settings as "settings: Json<Settings>", updated_at from analysis_settings where account_id = $1"#,
        account_id.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map_or_else(Kept::default, |row| Kept {
        settings: row.settings.0,
        updated_at: Some(row.updated_at),
    }))
}

/// The part about privacy; the default if the account has said nothing.
pub async fn privacy(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
) -> sqlx::Result<PrivacySettings> {
    let privacy = sqlx::query_scalar!(
        r#"select settings -> 'privacy' as "privacy: Json<PrivacySettings>" from analysis_settings where account_id = $1"#,
        account_id.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(privacy
        .flatten()
        .map(|privacy| privacy.0)
        .unwrap_or_default())
}

/// Those of the accounts whose webhooks carry redacted transcripts.
pub async fn redacting_webhooks(
    db: impl PgExecutor<'_>,
    accounts: &[Uuid],
) -> sqlx::Result<Vec<AccountId>> {
    sqlx::query_scalar!(
        r#"select account_id as "account_id: AccountId" from analysis_settings
           where account_id = any($1) and settings #>> '{privacy,webhooks}' = 'redacted'"#,
        accounts
    )
    .fetch_all(db)
    .await
}

/// Those of the accounts that want their recordings fetched, and what they want of them.
pub async fn fetching(
    db: impl PgExecutor<'_>,
    accounts: &[AccountId],
) -> sqlx::Result<Vec<(AccountId, RecordingSettings)>> {
    let accounts: Vec<Uuid> = accounts.iter().map(|account| account.uuid()).collect();
    let rows = sqlx::query!(
        r#"select account_id as "account_id: AccountId", settings -> 'recordings' as "recordings!: Json<RecordingSettings>"
           from analysis_settings
           where account_id = any($1) and settings -> 'recordings' ->> 'fetch' = 'true'"#,
        &accounts
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.account_id, row.recordings.0))
        .collect())
}

/// Replaces the account's settings; answers when.
pub async fn put(
    conn: &mut PgConnection,
    account_id: AccountId,
    settings: &Settings,
) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar!(
        "insert into analysis_settings (account_id, settings) values ($1, $2)
         on conflict (account_id) do update set settings = excluded.settings, updated_at = now()
         returning updated_at",
        account_id.uuid(),
        Json(settings) as Json<&Settings>
    )
    .fetch_one(conn)
    .await
}
