//! Telephony providers: how each tells us about a call, and how it is asked to end one.
//!
//! An adapter holds nothing: what it needs to know of an account comes with each request. Reading is pure, so that
//! fixtures suffice to test it. The conformance tests iterate [`Providers`]; a new adapter is one line there.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use http::{HeaderMap, header, header::AsHeaderName};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::domain::{
    connection::{AnsweredBy, Credentials},
    id::CallId,
    party::E164,
    report::{Facts, ProviderCallId, ReportKind},
};

mod access;
pub mod asterisk;
mod dial;
mod error;
pub mod freeswitch;
pub mod jambonz;
mod laml;
pub mod plivo;
pub mod profile;
pub mod signalwire;
pub mod stream;
pub mod telnyx;
pub mod twilio;
pub mod vonage;

use profile::{Profile, Transport};
use stream::Listening;

pub use access::{Access, authorization, basic};
pub use error::{Again, ProviderError};

/// A telephony provider.
#[async_trait]
pub trait Provider: Send + Sync + fmt::Debug {
    /// Its name, in connections, receipts and the inbound path.
    fn name(&self) -> &'static str;

    /// What a connection to it needs, and what it can do.
    fn profile(&self) -> &'static Profile;

    /// How its API is reached.
    fn transport(&self) -> Transport {
        Transport::Http
    }

    /// Whether the calls that it places are named by our id: an event that names it is known by that alone.
    fn names_calls_by_our_id(&self) -> bool {
        false
    }

    /// Whether it can do with what is to answer the calls that it places, or why not.
    fn check_answer(&self, _answered_by: &AnsweredBy) -> Result<(), &'static str> {
        Ok(())
    }

    /// Whether its callbacks can be verified with these credentials; all of them are refused otherwise.
    fn verifies(&self, credentials: &Credentials) -> bool {
        self.profile().verifies(credentials)
    }

    /// Verifies a request that claims to come from it and reads what it tells. A true request that tells nothing new
    /// of a call is no report at all.
    fn read(
        &self,
        request: &InboundRequest<'_>,
        credentials: &Credentials,
    ) -> Result<Vec<InboundReport>, InboundError>;

    /// Hangs up, whatever the call is doing.
    async fn end(
        &self,
        access: &Access<'_>,
        hang_up: &HangUpOrder<'_>,
    ) -> Result<EndOutcome, ProviderError>;

    /// Places a call and answers its name for it. Where the error [may hide a call](ProviderError::may_be_done), look for it
    /// before asking again: no provider recognises a repetition.
    async fn create(
        &self,
        access: &Access<'_>,
        order: &CallOrder<'_>,
    ) -> Result<ProviderCallId, ProviderError>;

    /// The calls that its API placed and that may be the one that is searched for, the first one first.
    async fn created_since(
        &self,
        access: &Access<'_>,
        search: &Search<'_>,
    ) -> Result<Vec<ProviderCallId>, ProviderError>;

    /// What it knows of a call.
    async fn look_up(
        &self,
        access: &Access<'_>,
        call: &ProviderCallId,
    ) -> Result<LookUp, ProviderError>;

    /// Asks for something cheap that only valid credentials are given.
    async fn probe(&self, access: &Access<'_>) -> Result<(), ProviderError>;

    /// Opens the stream of a provider that tells of calls on one ([`profile::Callbacks::Stream`]); others have none.
    async fn listen(&self, _access: &Access<'_>) -> Result<Listening, ProviderError> {
        Err(ProviderError::refused("it tells nothing on a stream"))
    }
}

/// A call that is to be hung up.
#[derive(Debug, Clone, Copy)]
pub struct HangUpOrder<'a> {
    /// The provider's name for it.
    pub call: &'a ProviderCallId,
    /// The same each time that this hang-up is asked for, by which a provider may recognise a repetition.
    pub request_id: Uuid,
    /// Somebody had answered, as far as the record knows.
    pub answered: bool,
}

/// A call that may have been placed: the answer to the request was lost.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// Our id, the name of the call where the provider lets us name it.
    pub call_id: CallId,
    /// From whose number.
    pub from: &'a E164,
    /// To whom.
    pub to: &'a E164,
    /// Not placed before.
    pub since: DateTime<Utc>,
}

/// What a provider knows of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookUp {
    /// It has no such call, or not any more.
    Unknown,
    /// It has the call, in a state that we have no word for: live, as far as anybody can tell.
    Unclear,
    /// It has the call.
    Known(Box<InboundReport>),
}

/// A call that is to be placed.
#[derive(Debug, Clone, Copy)]
pub struct CallOrder<'a> {
    /// From whose number.
    pub from: &'a E164,
    /// To whom.
    pub to: &'a E164,
    /// Digits to be dialled once somebody answers.
    pub extension: Option<&'a str>,
    /// What speaks then.
    pub answered_by: &'a AnsweredBy,
    /// What it is told of the call, by name, where it can be told anything.
    pub told: &'a [(&'a str, &'a str)],
    /// Where the provider reports how the call goes.
    pub status_callback: &'a str,
    /// Our id, for providers that let us name the call.
    pub call_id: CallId,
    /// The provider is to end the call after this long.
    pub max_duration: Option<Duration>,
}

/// A request that claims to come from a provider, as it came.
#[derive(Debug, Clone, Copy)]
pub struct InboundRequest<'a> {
    /// The URL that the provider was given: scheme and authority by configuration, never by the request; path and
    /// query as they came.
    pub url: &'a str,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body, byte for byte.
    pub body: &'a [u8],
    /// When it came, by the database's clock.
    pub received_at: DateTime<Utc>,
}

impl<'a> InboundRequest<'a> {
    /// A header that is there exactly once.
    pub fn header(&self, name: impl AsHeaderName) -> Option<&'a str> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok(),
            (Some(_), Some(_)) | (None, _) => None,
        }
    }

    /// Whether its body is said to be of this media type, whatever the parameters.
    pub fn is(&self, media_type: &str) -> bool {
        let said = self.header(header::CONTENT_TYPE).unwrap_or_default();
        let essence = said.split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case(media_type)
    }

    /// The JSON object in its body.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, InboundError> {
        if !self.is("application/json") {
            return Err(InboundError::Malformed("the body must be application/json"));
        }
        serde_json::from_slice(self.body)
            .map_err(|_error| InboundError::Malformed("the body is not the JSON of an event"))
    }
}

/// What a provider tells of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundReport {
    /// Its name for the call.
    pub call: ProviderCallId,
    /// Its name for this event, the same in each repetition.
    pub event_id: Option<String>,
    /// When it happened, by its clock.
    pub occurred_at: Option<DateTime<Utc>>,
    /// What happened.
    pub kind: ReportKind,
    /// What else it says.
    pub facts: Facts,
    /// Which other legs belong to it.
    pub leg: Leg,
}

/// How a leg belongs to others: each leg is a call of its own. Default: nothing is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Leg {
    /// The leg that made this one.
    pub parent: Option<ProviderCallId>,
    /// What all legs of one conversation share.
    pub conversation: Option<ProviderCallId>,
}

/// Why an inbound request is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InboundError {
    /// It does not prove that it comes from the provider.
    #[error("not verified")]
    Unverified,
    /// It comes from the provider but cannot be understood.
    #[error("{0}")]
    Malformed(&'static str),
    /// Not now, for the reason given: the provider is to send it again.
    #[error("{0}")]
    TryAgain(&'static str),
}

/// What asking for an end came to. All but the last are an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndOutcome {
    /// It is over because we asked.
    Ended,
    /// It was over before.
    AlreadyOver,
    /// The other side does not know it.
    NotFound,
    /// The request is taken, and not yet carried out: it is asked about again soon.
    Requested,
}

/// The providers that there are.
#[derive(Debug, Clone, Copy)]
pub struct Providers {
    adapters: &'static [&'static dyn Provider],
}

impl Default for Providers {
    fn default() -> Self {
        Self {
            adapters: &[
                &twilio::Twilio,
                &signalwire::SignalWire,
                &vonage::Vonage,
                &telnyx::Telnyx,
                &plivo::Plivo,
                &jambonz::Jambonz,
                &asterisk::Asterisk,
                &freeswitch::FreeSwitch,
            ],
        }
    }
}

impl Providers {
    /// Every adapter.
    pub fn all(self) -> impl Iterator<Item = &'static dyn Provider> {
        self.adapters.iter().copied()
    }

    /// The adapter of a name.
    pub fn named(self, name: &str) -> Option<&'static dyn Provider> {
        self.all().find(|adapter| adapter.name() == name)
    }
}
