//! A connection as it is stored, and what opens it.

use chrono::{DateTime, Utc};
use url::Url;

use crate::{
    domain::{
        connection::{AnsweredBy, Connection, Credentials, Settings},
        id::{AccountId, ConnectionId},
        report::ProviderName,
        text::Text,
    },
    seal::SealingKey,
};

/// A connection as it is stored, its credentials sealed.
#[derive(Debug, Clone)]
pub struct SealedConnection {
    pub(super) account_id: AccountId,
    pub(super) connection_id: ConnectionId,
    pub(super) provider: String,
    pub(super) base_url: String,
    pub(super) sealed_credentials: Vec<u8>,
    pub(super) sealed_former_credentials: Option<Vec<u8>>,
    pub(super) former_until: Option<DateTime<Utc>>,
    pub(super) label: Option<String>,
    pub(super) answer_url: Option<String>,
    pub(super) answer_application: Option<String>,
    pub(super) max_duration_s: Option<i32>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    pub(super) read_at: DateTime<Utc>,
}

/// A stored connection cannot be used: the sealing key is missing, or the row was tampered with.
#[derive(Debug, thiserror::Error)]
#[error("connection {connection_id} cannot be opened")]
pub struct OpenError {
    connection_id: ConnectionId,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// The column that has the credentials.
pub(super) const CREDENTIALS: &str = "sealed_credentials";

/// The column that has those before the last rotation.
pub(super) const FORMER_CREDENTIALS: &str = "sealed_former_credentials";

pub(super) fn seal(
    key: &SealingKey,
    column: &str,
    connection: &Connection,
    credentials: &Credentials,
) -> Vec<u8> {
    let of = (connection.account_id, connection.connection_id);
    let (provider, base_url) = (connection.provider.as_str(), connection.base_url.as_str());
    key.seal(
        &place(column, of, provider, base_url),
        &credentials.to_bytes(),
    )
}

/// The place for which credentials are sealed.
fn place(
    column: &str,
    (account_id, connection_id): (AccountId, ConnectionId),
    provider: &str,
    base_url: &str,
) -> String {
    format!("connections.{column} {account_id} {connection_id} {provider} {base_url}")
}

impl SealedConnection {
    /// Whose it is.
    pub fn account_id(&self) -> AccountId {
        self.account_id
    }

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

    /// What the account calls it.
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// How long a call by it may last, in seconds.
    pub fn max_duration_s(&self) -> Option<i32> {
        self.max_duration_s
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

    /// What the account has set of it.
    pub fn settings(&self) -> Settings {
        Settings {
            label: self.label.clone().and_then(|label| Text::parse(label).ok()),
            answered_by: self.answered_by(),
            max_duration_s: self.max_duration_s,
        }
    }

    /// Until when the credentials before the last rotation verify; absent when they do not any more.
    pub fn former_until(&self) -> Option<DateTime<Utc>> {
        self.former_until.filter(|until| *until > self.read_at)
    }

    /// When it was added.
    pub fn created_at(&self) -> DateTime<Utc> {
        self.created_at
    }

    /// When it last changed.
    pub fn updated_at(&self) -> DateTime<Utc> {
        self.updated_at
    }

    /// When it was read, by the database's clock.
    pub fn read_at(&self) -> DateTime<Utc> {
        self.read_at
    }

    /// Opens the credentials.
    pub fn open(&self, key: &SealingKey) -> Result<Connection, OpenError> {
        let opened = self.opened(key, CREDENTIALS, &self.sealed_credentials);
        opened.map_err(|source| self.unopened(source))
    }

    /// Opens the credentials before the last rotation, if they still verify.
    pub fn open_former(&self, key: &SealingKey) -> Result<Option<Connection>, OpenError> {
        let Some(sealed) = &self.sealed_former_credentials else {
            return Ok(None);
        };
        if self.former_until().is_none() {
            return Ok(None);
        }
        let opened = self.opened(key, FORMER_CREDENTIALS, sealed);
        opened.map(Some).map_err(|source| self.unopened(source))
    }

    fn unopened(&self, source: Box<dyn std::error::Error + Send + Sync>) -> OpenError {
        OpenError {
            connection_id: self.connection_id,
            source,
        }
    }

    fn opened(
        &self,
        key: &SealingKey,
        column: &str,
        sealed: &[u8],
    ) -> Result<Connection, Box<dyn std::error::Error + Send + Sync>> {
        let of = (self.account_id, self.connection_id);
        let place = place(column, of, &self.provider, &self.base_url);
        let credentials = key.open(&place, sealed)?;
        Ok(Connection {
            account_id: self.account_id,
            connection_id: self.connection_id,
            provider: ProviderName::parse(&self.provider)?,
            base_url: Url::parse(&self.base_url)?,
            credentials: Credentials::from_bytes(&credentials)?,
        })
    }
}
