//! Accounts: the tenant wall.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};

use crate::domain::{
    account::{AccountName, BusinessUid, VoipMode},
    id::AccountId,
    limits::MaxDuration,
};

/// An account.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its id.
    pub account_id: AccountId,
    /// Its name, a DNS label.
    pub name: String,
    /// What the voice-calls surface calls it.
    pub business_uid: String,
    /// The directory account that may act for it.
    pub directory_account_id: Option<AccountId>,
    /// Whether its voip surface asks for a key.
    pub voip: VoipMode,
    /// How long its calls may last, in seconds.
    pub max_duration_s: Option<i32>,
    /// Since when it is here.
    pub created_at: DateTime<Utc>,
}

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Its id.
    pub account_id: AccountId,
    /// Its name.
    pub name: AccountName,
    /// What the voice-calls surface calls it.
    pub business_uid: BusinessUid,
    /// The directory account that may act for it.
    pub directory_account_id: Option<AccountId>,
    /// Whether its voip surface asks for a key.
    pub voip: VoipMode,
}

/// Makes an account; nothing if its name or its business uid is another's.
pub async fn insert(conn: &mut PgConnection, new: &NewAccount) -> sqlx::Result<Option<Account>> {
    sqlx::query_as!(
        Account,
        r#"insert into accounts (account_id, name, business_uid, directory_account_id, voip)
           values ($1, $2, $3, $4, $5)
           on conflict do nothing
           returning account_id as "account_id: AccountId", name, business_uid,
                     directory_account_id as "directory_account_id: AccountId", voip, max_duration_s, created_at"#,
        new.account_id.uuid(),
        new.name.as_str(),
        new.business_uid.as_str(),
        new.directory_account_id.map(AccountId::uuid),
        new.voip as VoipMode,
    )
    .fetch_optional(conn)
    .await
}

/// The account of this name.
pub async fn find_by_name(db: impl PgExecutor<'_>, name: &str) -> sqlx::Result<Option<Account>> {
    sqlx::query_as!(
        Account,
        r#"select account_id as "account_id: AccountId", name, business_uid,
                  directory_account_id as "directory_account_id: AccountId", voip, max_duration_s, created_at
           from accounts where name = $1"#,
        name,
    )
    .fetch_optional(db)
    .await
}

/// Locks the account's row until the transaction ends; what refers to the account is not held up.
pub async fn lock(conn: &mut PgConnection, account_id: AccountId) -> sqlx::Result<()> {
    sqlx::query!(
        "select from accounts where account_id = $1 for no key update",
        account_id.uuid()
    )
    .fetch_optional(conn)
    .await?;
    Ok(())
}

/// The account of this id.
pub async fn find(db: impl PgExecutor<'_>, account_id: AccountId) -> sqlx::Result<Option<Account>> {
    sqlx::query_as!(
        Account,
        r#"select account_id as "account_id: AccountId", name, business_uid,
                  directory_account_id as "directory_account_id: AccountId", voip, max_duration_s, created_at
           from accounts where account_id = $1"#,
        account_id.uuid(),
    )
    .fetch_optional(db)
    .await
}

/// What the voice-calls surface calls these accounts. None is asked for none.
pub async fn business_uids(
    db: impl PgExecutor<'_>,
    accounts: impl IntoIterator<Item = AccountId>,
) -> sqlx::Result<HashMap<AccountId, String>> {
    let ids: Vec<_> = accounts.into_iter().map(AccountId::uuid).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        r#"select account_id as "account_id: AccountId", business_uid from accounts where account_id = any($1)"#,
        &ids
    );
    let rows = rows.fetch_all(db).await?.into_iter();
    Ok(rows.map(|row| (row.account_id, row.business_uid)).collect())
}

/// The account of this business uid, if it is directly below the directory account.
pub async fn find_below(
    db: impl PgExecutor<'_>,
    directory: AccountId,
    business_uid: &str,
) -> sqlx::Result<Option<Account>> {
    sqlx::query_as!(
        Account,
        r#"select account_id as "account_id: AccountId", name, business_uid,
                  directory_account_id as "directory_account_id: AccountId", voip, max_duration_s, created_at
           from accounts where directory_account_id = $1 and business_uid = $2"#,
        directory.uuid(),
        business_uid,
    )
    .fetch_optional(db)
    .await
}

/// Opens or closes the voip surface of the account of this name.
pub async fn set_voip(
    conn: &mut PgConnection,
    name: &str,
    voip: VoipMode,
) -> sqlx::Result<Option<Account>> {
    sqlx::query_as!(
        Account,
        r#"update accounts set voip = $2 where name = $1
           returning account_id as "account_id: AccountId", name, business_uid,
                     directory_account_id as "directory_account_id: AccountId", voip, max_duration_s, created_at"#,
        name,
        voip as VoipMode,
    )
    .fetch_optional(conn)
    .await
}

/// Sets how long calls of an account may last; for ever, if absent.
pub async fn set_max_duration(
    conn: &mut PgConnection,
    account_id: AccountId,
    max_duration: Option<MaxDuration>,
) -> sqlx::Result<Option<Account>> {
    sqlx::query_as!(
        Account,
        r#"update accounts set max_duration_s = $2 where account_id = $1
           returning account_id as "account_id: AccountId", name, business_uid,
                     directory_account_id as "directory_account_id: AccountId", voip, max_duration_s, created_at"#,
        account_id.uuid(),
        max_duration.map(MaxDuration::seconds),
    )
    .fetch_optional(conn)
    .await
}

/// Every account, by name; for whoever runs the service. There may be more than are answered.
pub async fn list(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<Account>> {
    sqlx::query_as!(
        Account,
        r#"select account_id as "account_id: AccountId", name, business_uid,
                  directory_account_id as "directory_account_id: AccountId", voip, max_duration_s, created_at
           from accounts order by name limit 10000"#,
    )
    .fetch_all(db)
    .await
}
