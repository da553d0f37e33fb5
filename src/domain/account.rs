//! Accounts, the kinds of keys, and who a verified caller is.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id::{AccountId, KeyId};

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
    /// A client of the account: reads voice calls.
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
}

impl KeyKind {
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
    /// What the credential prefers when a request does not say.
    pub prefer: Option<Handling>,
}

/// A key as it is shown once.
#[derive(Debug)]
pub struct NewKey {
    /// Its id.
    pub key_id: KeyId,
    /// The key.
    pub key: SecretString,
}
