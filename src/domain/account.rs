//! Accounts, the kinds of keys, and who a verified caller is.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    id::{AccountId, KeyId},
    text::{Text, TextError},
};

/// The account that the embedded default makes, and that open voip posts without another's name belong to.
pub const DEFAULT_ACCOUNT: &str = "default";

/// An account's name: a DNS label in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AccountName(String);

/// Why a text is not an account's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccountNameError {
    /// It is not a DNS label.
    #[error("must be 1 to 63 of a-z, 0-9 and -, not starting or ending with -")]
    NotALabel,
    /// It could be mistaken for another account's id where either may stand.
    #[error("must not have the form of a UUID")]
    Uuid,
}

impl AccountName {
    /// The account of a first start, and of open posts that name none.
    pub fn first() -> Self {
        Self("default".to_owned())
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, AccountNameError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let label = (1..=63).contains(&text.len())
            && text.bytes().all(|b| plain(b) || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        if !label {
            return Err(AccountNameError::NotALabel);
        }
        if uuid::Uuid::parse_str(text).is_ok() {
            return Err(AccountNameError::Uuid);
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for AccountName {
    type Err = AccountNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl std::fmt::Display for AccountName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the voice-calls surface calls an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusinessUid(Text<255>);

/// Why a text is not a business uid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BusinessUidError {
    /// It is empty.
    #[error("must not be empty")]
    Empty,
    /// It is not a text that can be kept.
    #[error(transparent)]
    Text(#[from] TextError),
}

impl BusinessUid {
    /// Reads a business uid.
    pub fn parse(text: &str) -> Result<Self, BusinessUidError> {
        if text.is_empty() {
            return Err(BusinessUidError::Empty);
        }
        Ok(Self(Text::parse(text)?))
    }

    /// The one of an account that was given none.
    pub fn of(account_id: AccountId) -> Self {
        Self(Text::parse(account_id.to_string()).expect("a UUID has 36 plain characters"))
    }

    /// The uid as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl std::str::FromStr for BusinessUid {
    type Err = BusinessUidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Whether an account's voip surface asks for a key.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, clap::ValueEnum, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "voip_mode", rename_all = "snake_case")]
pub enum VoipMode {
    /// A key is needed.
    Key,
    /// Anybody who reaches us may report calls.
    Open,
}

/// Strict or lenient handling (RFC 7240); see `contract.md`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, clap::ValueEnum, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "handling", rename_all = "snake_case")]
pub enum Handling {
    /// Refuse what the document does not allow, with real status codes.
    Strict,
    /// Accept and answer what existing clients of the documented API expect.
    Lenient,
}

/// What a credential reads of what was said on calls.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, clap::ValueEnum, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "transcript_access", rename_all = "snake_case")]
pub enum TranscriptAccess {
    /// As it was said.
    Raw,
    /// With personal data masked by its type: `[PHONE]`.
    Redacted,
}

/// The text is no access to transcripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be `raw` or `redacted`")]
pub struct NotTranscriptAccess;

impl std::str::FromStr for TranscriptAccess {
    type Err = NotTranscriptAccess;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "raw" => Ok(Self::Raw),
            "redacted" => Ok(Self::Redacted),
            _ => Err(NotTranscriptAccess),
        }
    }
}

/// What a credential is for.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    sqlx::Type,
    clap::ValueEnum,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "key_kind", rename_all = "snake_case")]
pub enum KeyKind {
    /// A staff member of the account.
    Staff,
    /// A back-end application of the account.
    App,
    /// A partner: acts for the accounts below its own.
    Directory,
    /// A client of the account: reads the voice calls that are its own.
    Client,
    /// A provider or PBX: reports calls, nothing else.
    Ingest,
    /// Runs the service: everything in the account, and its management.
    Operator,
}

/// What a request needs its caller to be allowed. One scope a group of routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Report calls (voip surface).
    ReportCalls,
    /// Read calls, transcripts and analyses.
    ReadCalls,
    /// End, place and change calls (calls surface, native routes).
    ManageCalls,
    /// Read voice calls.
    ReadVoiceCalls,
    /// Write voice calls.
    WriteVoiceCalls,
    /// Webhook endpoints, deliveries, connections, keys.
    ManageAccount,
    /// Erase what is kept of calls, and see what was erased.
    EraseCalls,
}

impl KeyKind {
    /// Its name, as a key shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::App => "app",
            Self::Directory => "directory",
            Self::Client => "client",
            Self::Ingest => "ingest",
            Self::Operator => "operator",
        }
    }

    /// Reads its name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "staff" => Some(Self::Staff),
            "app" => Some(Self::App),
            "directory" => Some(Self::Directory),
            "client" => Some(Self::Client),
            "ingest" => Some(Self::Ingest),
            "operator" => Some(Self::Operator),
            _ => None,
        }
    }

    /// Whether a credential of this kind has the scope.
    pub fn allows(self, scope: Scope) -> bool {
        match self {
            Self::Operator | Self::App => true,
            Self::Staff => matches!(
                scope,
                Scope::ReadCalls
                    | Scope::ManageCalls
                    | Scope::ReadVoiceCalls
                    | Scope::WriteVoiceCalls
            ),
            Self::Directory => {
                matches!(
                    scope,
                    Scope::ReadCalls | Scope::ReadVoiceCalls | Scope::WriteVoiceCalls
                )
            }
            Self::Client => scope == Scope::ReadVoiceCalls,
            Self::Ingest => scope == Scope::ReportCalls,
        }
    }
}

/// A verified caller: the account is the only one it can see.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The account it acts in.
    pub account_id: AccountId,
    /// What the voice-calls surface calls that account.
    pub business_uid: String,
    /// What kind of credential it showed.
    pub kind: KeyKind,
    /// The key, if it was a key and not a JWT.
    pub key_id: Option<KeyId>,
    /// The staff member behind it.
    pub staff_uid: Option<String>,
    /// The client whose calls are all that it may read; only a client's credential has one.
    pub client_uid: Option<String>,
    /// What the credential prefers when a request does not say.
    pub prefer: Option<Handling>,
    /// What it reads of what was said on calls; `None`: what its account says.
    pub transcripts: Option<TranscriptAccess>,
    /// The directory account that acts for this one, if the caller is not of this account itself.
    pub on_behalf_by: Option<AccountId>,
}

/// Whom requests are counted by, whichever account they are for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Principal {
    /// A key.
    Key(KeyId),
    /// Whoever the issuer of a JWT names.
    Token {
        /// The account that the token is of.
        account_id: AccountId,
        /// The kind that it says.
        kind: KeyKind,
        /// The staff member that it names.
        staff_uid: Option<String>,
    },
}

impl Caller {
    /// Whom this caller's requests are counted by.
    pub fn principal(&self) -> Principal {
        match self.key_id {
            Some(key_id) => Principal::Key(key_id),
            None => Principal::Token {
                account_id: self.on_behalf_by.unwrap_or(self.account_id),
                kind: self.kind,
                staff_uid: self.staff_uid.clone(),
            },
        }
    }
}

/// A key as it is shown once.
#[derive(Debug)]
pub struct NewKey {
    /// Its id.
    pub key_id: KeyId,
    /// The key.
    pub key: SecretString,
}
