//! Connections and the numbers that they hang up for. Credentials are sealed for the row that holds them: an id, a
//! vendor or a base URL that was changed in the table makes them unreadable, so that they are never sent elsewhere.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};
use url::Url;

use crate::{
    domain::{
        connection::{AnsweredBy, Connection, Credentials},
        id::{AccountId, ConnectionId},
        party::E164,
        report::ProviderName,
        text::Text,
    },
    seal::SealingKey,
};

/// A connection as it is stored, its credentials sealed.
#[derive(Debug, Clone)]
pub struct SealedConnection {
    account_id: AccountId,
    connection_id: ConnectionId,
    provider: String,
    base_url: String,
    sealed_credentials: Vec<u8>,
    answer_url: Option<String>,
    answer_application: Option<String>,
    created_at: DateTime<Utc>,
}

/// A stored connection cannot be used: the sealing key is missing, or the row was tampered with.
#[derive(Debug, thiserror::Error)]
#[error("connection {connection_id} cannot be opened")]
pub struct OpenError {
    connection_id: ConnectionId,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl SealedConnection {
    /// Its id.
    pub fn connection_id(&self) -> ConnectionId {
        self.connection_id
    }

    /// Its vendor.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// Where the vendor's API is.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// What answers the calls that are placed by it, if that is set.
    pub fn answered_by(&self) -> Option<AnsweredBy> {
        let url = self.answer_url.as_deref().map(Url::parse);
        let application = self.answer_application.clone().map(Text::parse);
        match (url, application) {
            (Some(Ok(url)), _) => Some(AnsweredBy::Url(url)),
            (_, Some(Ok(application))) => Some(AnsweredBy::Application(application)),
            (_, _) => None,
        }
    }

    /// When it was added.
    pub fn created_at(&self) -> DateTime<Utc> {
        self.created_at
    }

    /// Opens the credentials.
    pub fn open(&self, key: &SealingKey) -> Result<Connection, OpenError> {
        self.opened(key).map_err(|source| OpenError {
            connection_id: self.connection_id,
            source,
        })
    }

    fn opened(
        &self,
        key: &SealingKey,
    ) -> Result<Connection, Box<dyn std::error::Error + Send + Sync>> {
        let place = place(
            self.account_id,
            self.connection_id,
            &self.provider,
            &self.base_url,
        );
        let credentials = key.open(&place, &self.sealed_credentials)?;
        Ok(Connection {
            account_id: self.account_id,
            connection_id: self.connection_id,
            provider: ProviderName::parse(&self.provider)?,
            base_url: Url::parse(&self.base_url)?,
            credentials: Credentials::from_bytes(&credentials)?,
        })
    }
}

/// Adds a connection, its credentials sealed.
pub async fn insert(
    conn: &mut PgConnection,
    key: &SealingKey,
    connection: &Connection,
) -> sqlx::Result<()> {
    let provider = connection.provider.as_str();
    let base_url = connection.base_url.as_str();
    let place = place(
        connection.account_id,
        connection.connection_id,
        provider,
        base_url,
    );
    sqlx::query!(
        "insert into connections (account_id, connection_id, provider, base_url, sealed_credentials)
         values ($1, $2, $3, $4, $5)",
        connection.account_id.uuid(),
        connection.connection_id.uuid(),
        provider,
        base_url,
        key.seal(&place, &connection.credentials.to_bytes()),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Sets what answers the calls that are placed by a connection; nothing, if absent. Answers whether there is such a one.
pub async fn set_answer(
    conn: &mut PgConnection,
    account_id: AccountId,
    connection_id: ConnectionId,
    answered_by: Option<&AnsweredBy>,
) -> sqlx::Result<bool> {
    let (url, application) = match answered_by {
        Some(AnsweredBy::Url(url)) => (Some(url.as_str()), None),
        Some(AnsweredBy::Application(application)) => (None, Some(application.as_str())),
        None => (None, None),
    };
    let done = sqlx::query!(
        "update connections set answer_url = $3, answer_application = $4 where account_id = $1 and connection_id = $2",
        account_id.uuid(),
        connection_id.uuid(),
        url,
        application,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Makes a connection the one that hangs up for a number, instead of any other.
pub async fn route_number(
    conn: &mut PgConnection,
    account_id: AccountId,
    connection_id: ConnectionId,
    number: &E164,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into numbers (account_id, number, connection_id) values ($1, $2, $3)
         on conflict (account_id, number) do update set connection_id = excluded.connection_id",
        account_id.uuid(),
        number.as_str(),
        connection_id.uuid(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A connection of the account.
pub async fn find(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    connection_id: ConnectionId,
) -> sqlx::Result<Option<SealedConnection>> {
    sqlx::query_as!(
        SealedConnection,
        r#"select account_id as "account_id: AccountId", connection_id as "connection_id: ConnectionId",
                  provider, base_url, sealed_credentials, answer_url, answer_application, created_at
           from connections where account_id = $1 and connection_id = $2"#,
        account_id.uuid(),
        connection_id.uuid(),
    )
    .fetch_optional(db)
    .await
}

/// The connection of an inbound request, which names it alone: whose it is follows from it, once it has been verified.
/// With it, what time it is.
pub async fn find_inbound(
    db: impl PgExecutor<'_>,
    connection_id: ConnectionId,
) -> sqlx::Result<Option<(SealedConnection, DateTime<Utc>)>> {
    let row = sqlx::query!(
        r#"select account_id as "account_id: AccountId", connection_id as "connection_id: ConnectionId",
                  provider, base_url, sealed_credentials, answer_url, answer_application, created_at,
                  clock_timestamp() as "now!"
           from connections where connection_id = $1"#,
        connection_id.uuid(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| {
        let sealed = SealedConnection {
            account_id: row.account_id,
            connection_id: row.connection_id,
            provider: row.provider,
            base_url: row.base_url,
            sealed_credentials: row.sealed_credentials,
            answer_url: row.answer_url,
            answer_application: row.answer_application,
            created_at: row.created_at,
        };
        (sealed, row.now)
    }))
}

/// The account's connections, newest first.
pub async fn list(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    count_max: i64,
) -> sqlx::Result<Vec<SealedConnection>> {
    sqlx::query_as!(
        SealedConnection,
        r#"select account_id as "account_id: AccountId", connection_id as "connection_id: ConnectionId",
                  provider, base_url, sealed_credentials, answer_url, answer_application, created_at
           from connections where account_id = $1
           order by connection_id desc limit $2"#,
        account_id.uuid(),
        count_max,
    )
    .fetch_all(db)
    .await
}

/// The connection that hangs up for one of the numbers; the first number that has one decides.
pub async fn for_numbers(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    numbers: &[&E164],
) -> sqlx::Result<Option<ConnectionId>> {
    let numbers: Vec<String> = numbers
        .iter()
        .map(|number| number.as_str().to_owned())
        .collect();
    sqlx::query_scalar!(
        r#"select connection_id as "connection_id: ConnectionId"
           from numbers where account_id = $1 and number = any($2)
           order by array_position($2, number) limit 1"#,
        account_id.uuid(),
        &numbers,
    )
    .fetch_optional(db)
    .await
}

fn place(
    account_id: AccountId,
    connection_id: ConnectionId,
    provider: &str,
    base_url: &str,
) -> String {
    format!("connections.sealed_credentials {account_id} {connection_id} {provider} {base_url}")
}

/// The names of the providers that the account is connected to.
pub async fn provider_names(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "select distinct provider from connections where account_id = $1 order by provider limit 100",
        account_id.uuid()
    )
    .fetch_all(db)
    .await
}
