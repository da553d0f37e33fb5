//! What is fixed about a vendor: what a connection to it needs, and what it can do. Forms, `--help` and the table of
//! capabilities are made of it.

use crate::domain::connection::Credentials;

/// A vendor's fixed facts.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    /// Its name as it writes it.
    pub title: &'static str,
    /// Where its API is for everybody; absent where everybody's is their own.
    pub base_url: Option<&'static str>,
    /// What an account brings, by the vendor's own names.
    pub credentials: &'static [CredentialField],
    /// Places calls on request.
    pub places: bool,
    /// What it tells of a call when asked.
    pub look_up: LookUpKind,
    /// How it tells of calls by itself.
    pub callbacks: Callbacks,
    /// Ends a call that was placed with a maximum duration by itself.
    pub max_duration: bool,
    /// What follows the status callback URL, so that a callback that met a service on its way back is sent again; may be empty.
    pub callback_overrides: &'static str,
}

impl Profile {
    /// Whether there is what callbacks are verified with: the signing secret, where the vendor has one apart.
    pub fn verifies(&self, credentials: &Credentials) -> bool {
        let mut fields = self.credentials.iter();
        credentials.signing_secret.is_some()
            || fields.all(|field| field.slot != Slot::SigningSecret)
    }
}

/// One thing that an account brings.
#[derive(Debug, Clone, Copy)]
pub struct CredentialField {
    /// The vendor's own name for it, in snake case.
    pub name: &'static str,
    /// Where it is kept.
    pub slot: Slot,
    /// A connection cannot be without it.
    pub required: bool,
    /// What it is and where it is found, in one line.
    pub help: &'static str,
}

/// A place in [`Credentials`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slot {
    /// `account`: not a secret.
    Account,
    /// `key_id`: not a secret.
    KeyId,
    /// `secret`
    Secret,
    /// `signing_secret`
    SigningSecret,
}

/// What a vendor tells of a call when asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookUpKind {
    /// It knows calls that have ended, too, and how they ended.
    Kept,
    /// It forgets a call as soon as it is over.
    LiveOnly,
    /// It cannot be asked.
    None,
}

/// How a vendor tells of calls by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callbacks {
    /// It posts to us, and proves that it is the one.
    Posted {
        /// By what, in a few words.
        proof: &'static str,
    },
    /// We hold a connection, on which it tells.
    Stream {
        /// Which, in a few words.
        what: &'static str,
    },
    /// It does not.
    None,
}

/// How an API is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// By requests to an http or https URL.
    Http,
    /// By FreeSWITCH's event socket, at an `esl://host:port`.
    EventSocket,
}
