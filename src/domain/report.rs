//! What a surface understood of a request that tells us about a call. Surfaces make these, `calls::ingest` takes them.

use std::fmt;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{
    id::{AccountId, ConnectionId},
    party::{Email, PartyNumber},
    state::{Direction, EndState},
    text::Text,
};

/// The name of a provider, lower case: an open set. `voip` while nobody has said better.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ProviderName(String);

/// The text is not a provider's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 32 lower-case letters, digits or hyphens")]
pub struct NotProviderName;

impl ProviderName {
    /// The name for calls whose provider is not known.
    pub const VOIP: &'static str = "voip";

    /// Checks a name.
    pub fn parse(name: &str) -> Result<Self, NotProviderName> {
        let valid = (1..=32).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
        if valid {
            Ok(Self(name.to_owned()))
        } else {
            Err(NotProviderName)
        }
    }

    /// The name for calls whose provider is not known.
    pub fn voip() -> Self {
        Self(Self::VOIP.to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What telephony calls a call (`CallId`, `CallSid`, a provider's UUID): 1..255 characters, compared byte by byte.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderCallId(Text<255>);

/// The text is not a call's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 255 characters and no NUL")]
pub struct NotProviderCallId;

impl ProviderCallId {
    /// Checks a name.
    pub fn parse(name: impl Into<String>) -> Result<Self, NotProviderCallId> {
        match Text::parse(name) {
            Ok(text) if !text.as_str().is_empty() => Ok(Self(text)),
            Ok(_) | Err(_) => Err(NotProviderCallId),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Debug for ProviderCallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a report says happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "end")]
pub enum ReportKind {
    /// The call waits in a queue.
    Queued,
    /// The call rings.
    Ringing,
    /// Somebody answered.
    Answered,
    /// The call is over.
    Ended(EndState),
    /// The call is over because somebody hung up, and the report does not know whether anybody had answered: completed if so,
    /// else this. A report that says how it ended outweighs it.
    HungUp(EndState),
    /// A recording is there. Says nothing about the state.
    Recording,
}

/// What a report says about a call. Absent means that the report does not know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Who called whom.
    pub direction: Option<Direction>,
    /// The caller.
    pub from: Option<PartyNumber>,
    /// The callee.
    pub to: Option<PartyNumber>,
    /// The callee's e-mail address.
    pub email: Option<Email>,
    /// Talk time in seconds, 0..=604800.
    pub duration_s: Option<i32>,
    /// Where the recording is; not necessarily a URL.
    pub recording_url: Option<Text<2048>>,
    /// Why it ended, in the reporter's words.
    pub disconnect_reason: Option<Text<512>>,
}

/// The longest talk time that is believed: a week.
pub const DURATION_S_MAX: i32 = 604_800;

/// A report with the time at which it happened, in the microseconds that the database keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    kind: ReportKind,
    at: DateTime<Utc>,
    facts: Facts,
}

impl Report {
    /// A report of something that happened at `at`.
    pub fn new(kind: ReportKind, at: DateTime<Utc>, facts: Facts) -> Self {
        let at = at.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(at);
        Self { kind, at, facts }
    }

    /// What happened.
    pub fn kind(&self) -> ReportKind {
        self.kind
    }

    /// When it happened.
    pub fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// What else it says.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }
}

/// A verified, parsed report on its way into the record.
#[derive(Debug, Clone)]
pub struct CallReport {
    /// Whose call it is; from the credential, never from the body.
    pub account_id: AccountId,
    /// Which surface or provider reported it, for the receipt: `voip`, `twilio`.
    pub source: &'static str,
    /// The provider, `voip` if the surface cannot know.
    pub provider: ProviderName,
    /// The connection by which it came, if it came by one.
    pub connection_id: Option<ConnectionId>,
    /// What telephony calls the call.
    pub name: ProviderCallId,
    /// The provider's own id of this event, if it has one: what makes a repetition recognisable. Else the content does.
    pub event_id: Option<String>,
    /// When it happened by the reporter's clock; the time of the commit if it does not say.
    pub occurred_at: Option<DateTime<Utc>>,
    /// What happened.
    pub kind: ReportKind,
    /// What else it says.
    pub facts: Facts,
}
