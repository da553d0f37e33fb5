//! An account's own access to a vendor: a telephony provider or a media room server.

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    id::{AccountId, ConnectionId},
    report::ProviderName,
    text::Text,
};

/// How many connections an account may have.
pub const CONNECTIONS_MAX: i64 = 100;

/// How many numbers may be routed to a connection.
pub const NUMBERS_MAX: i64 = 1000;

/// The longest that a connection may let its calls last, in seconds: a week, as long as a talk is believed.
pub const MAX_DURATION_S_MAX: i32 = 604_800;

/// How long former credentials still verify after a rotation, in seconds, unless somebody says otherwise: a day.
pub const OVERLAP_S_DEFAULT: i32 = 86_400;

/// The longest that they may, in seconds: a week.
pub const OVERLAP_S_MAX: i32 = 604_800;

/// The longest account or key id, in characters.
pub const KEY_CHARS_MAX: usize = 255;

/// The longest secret, in bytes: private keys in PEM are the longest that there are.
pub const SECRET_BYTES_MAX: usize = 16 * 1024;

/// What an account sets of a connection besides its access.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// What the account calls it: 1..100 characters.
    pub label: Option<Text<100>>,
    /// What answers the calls that are placed by it.
    pub answered_by: Option<AnsweredBy>,
    /// How long a call by it may last, in seconds, 1..=[`MAX_DURATION_S_MAX`].
    pub max_duration_s: Option<i32>,
}

/// What answers the calls that are placed by a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnsweredBy {
    /// The provider fetches this and does what it says.
    Url(Url),
    /// An application of the provider's, by its id there: 1..255 characters.
    Application(Text<255>),
}

/// A connection, its credentials open.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Whose it is.
    pub account_id: AccountId,
    /// Its id.
    pub connection_id: ConnectionId,
    /// The vendor.
    pub provider: ProviderName,
    /// Where the vendor's API is.
    pub base_url: Url,
    /// Who we are there.
    pub credentials: Credentials,
}

/// Who the account is at the vendor. The same shape for all: what each field is, the adapter says.
#[derive(Debug, Clone, Deserialize)]
pub struct Credentials {
    /// The account, or the key that stands for it.
    pub account: String,
    /// The key that `secret` belongs to, if it is not the account's own.
    #[serde(default)]
    pub key_id: Option<String>,
    /// What proves it.
    pub secret: SecretString,
    /// What the vendor signs its requests to us with, where that is another secret.
    #[serde(default)]
    pub signing_secret: Option<SecretString>,
}

/// The bytes are not credentials.
#[derive(Debug, thiserror::Error)]
#[error("not the stored form of credentials")]
pub struct NotCredentials(#[source] serde_json::Error);

#[derive(Serialize)]
struct Stored<'a> {
    account: &'a str,
    key_id: Option<&'a str>,
    secret: &'a str,
    signing_secret: Option<&'a str>,
}

impl Credentials {
    /// The form that is sealed and stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        let signing_secret = self.signing_secret.as_ref();
        let stored = Stored {
            account: &self.account,
            key_id: self.key_id.as_deref(),
            secret: self.secret.expose_secret(),
            signing_secret: signing_secret.map(SecretString::expose_secret),
        };
        serde_json::to_vec(&stored).expect("strings can be written as JSON")
    }

    /// Reads the stored form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotCredentials> {
        serde_json::from_slice(bytes).map_err(NotCredentials)
    }
}
