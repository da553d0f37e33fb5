//! Telephony providers: how each tells us about a call, and how it is asked to end one.
//!
//! An adapter holds nothing: what it needs to know of an account comes with each request. Reading is pure, so that
//! fixtures suffice to test it. The conformance tests iterate [`Providers`]; a new adapter is one line there.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, header::AsHeaderName};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use url::Url;
use uuid::Uuid;

use crate::{
    domain::{
        connection::{AnsweredBy, Connection, Credentials},
        id::CallId,
        party::E164,
        report::{Facts, ProviderCallId, ReportKind},
    },
    egress::{self, Answer, Egress, Limits},
};

pub mod jambonz;
mod laml;
pub mod plivo;
pub mod profile;
pub mod signalwire;
pub mod telnyx;
pub mod twilio;
pub mod vonage;

use profile::Profile;

/// What is read of an answer.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// The longest that a vendor can put us off by asking for it.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

/// What is kept of the provider's own words for the record.
const DETAIL_CHARS_MAX: usize = 200;

/// A telephony provider.
#[async_trait]
pub trait Provider: Send + Sync + fmt::Debug {
    /// Its name, in connections, receipts and the inbound path.
    fn name(&self) -> &'static str;

    /// What a connection to it needs, and what it can do.
    fn profile(&self) -> &'static Profile;

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

/// How a vendor is reached on behalf of an account.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    /// The HTTP client.
    pub egress: &'a Egress,
    /// Whose access it is, and to where.
    pub connection: &'a Connection,
    /// How long one request may take.
    pub deadline: Duration,
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

/// Why a vendor did not do what it was asked, by what we do next. The text may stand in the record.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It will not do this: asking again is of no use.
    #[error("refused: {detail}")]
    Refused {
        /// In its own words.
        detail: String,
    },
    /// The connection's credentials are not accepted: somebody must replace them.
    #[error("the connection's credentials are not accepted ({status})")]
    Unauthorized {
        /// Its answer.
        status: StatusCode,
    },
    /// Too many requests: later.
    #[error("asked to come back later")]
    Throttled {
        /// When, if it said so.
        retry_after: Option<Duration>,
    },
    /// No answer: later. Whether it was done is not known.
    #[error("could not be reached: {0}")]
    Unreachable(#[source] egress::Error),
    /// It failed (5xx): later.
    #[error("failed with {status}")]
    Failing {
        /// Its answer.
        status: StatusCode,
    },
    /// An answer that this API does not give: later, in case somebody else answered.
    #[error("gave an answer that cannot be understood: {detail}")]
    Garbled {
        /// What is wrong with it.
        detail: String,
    },
}

/// Whether asking again may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// It may.
    Later {
        /// Not before, if the vendor said so.
        after: Option<Duration>,
    },
    /// Not before somebody changes something.
    Never,
}

impl ProviderError {
    /// Whether asking again may help.
    pub fn again(&self) -> Again {
        match self {
            Self::Refused { .. } | Self::Unauthorized { .. } => Again::Never,
            Self::Throttled { retry_after } => Again::Later {
                after: *retry_after,
            },
            Self::Unreachable(_) | Self::Failing { .. } | Self::Garbled { .. } => {
                Again::Later { after: None }
            }
        }
    }

    /// Whether what was asked for may have been done all the same.
    pub fn may_be_done(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::Unauthorized { .. } | Self::Throttled { .. } => false,
            Self::Failing { .. } | Self::Garbled { .. } => true,
            Self::Unreachable(error) => match error {
                egress::Error::Refused(_)
                | egress::Error::Dns(_)
                | egress::Error::Connect(_)
                | egress::Error::Tls(_) => false,
                egress::Error::TimedOut | egress::Error::Reset(_) | egress::Error::Protocol(_) => {
                    true
                }
            },
        }
    }

    /// A refusal in the vendor's own words, cut to what the record holds.
    pub fn refused(detail: &str) -> Self {
        Self::Refused {
            detail: short(detail),
        }
    }

    /// What the answer to an unsuccessful request means unless the adapter knows better.
    pub fn of(answer: &Answer) -> Self {
        let status = answer.status;
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Self::Unauthorized { status },
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Self::Throttled {
                retry_after: answer.retry_after().map(|wait| wait.min(RETRY_AFTER_MAX)),
            },
            _ if status.is_server_error() => Self::Failing { status },
            _ => Self::garbled(&format!("unexpected status {status}")),
        }
    }

    /// What it means that a call was not placed. Only an answer in the vendor's own words is a no; who else answers, such as a
    /// gateway on the way, does not know whether there is a call.
    pub fn not_placed(answer: &Answer, words: Option<&str>) -> Self {
        let status = answer.status;
        match (status, words) {
            (
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS,
                _,
            ) => Self::of(answer),
            (_, Some(words))
                if status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT =>
            {
                Self::refused(words)
            }
            (_, _) if status.is_server_error() => Self::Failing { status },
            (_, _) => Self::garbled(&format!("unexpected status {status}")),
        }
    }

    /// An answer that this API does not give.
    pub fn garbled(detail: &str) -> Self {
        Self::Garbled {
            detail: short(detail),
        }
    }
}

/// The value of an `Authorization` header, which logs do not show.
pub fn authorization(scheme: &str, credentials: &str) -> Result<HeaderValue, ProviderError> {
    let mut header = HeaderValue::try_from(format!("{scheme} {credentials}"))
        .map_err(|_invalid| ProviderError::refused("the credentials do not fit into a header"))?;
    header.set_sensitive(true);
    Ok(header)
}

/// HTTP Basic authentication.
pub fn basic(user: &str, password: &SecretString) -> Result<HeaderValue, ProviderError> {
    let pair = format!("{user}:{}", password.expose_secret());
    authorization("Basic", &BASE64_STANDARD.encode(pair))
}

fn short(detail: &str) -> String {
    let printable = detail.chars().filter(|c| !c.is_control());
    printable.take(DETAIL_CHARS_MAX).collect()
}

impl Access<'_> {
    /// The URL below the connection's base URL; each segment is encoded as one.
    pub fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.connection.base_url.clone();
        url.path_segments_mut()
            .expect("http and https URLs have a path")
            .pop_if_empty()
            .extend(segments);
        url
    }

    /// Makes one request. `body` comes with its media type.
    pub async fn send(
        &self,
        method: Method,
        url: Url,
        authorization: HeaderValue,
        body: Option<(&'static str, Bytes)>,
    ) -> Result<Answer, ProviderError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, authorization);
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let body = body.map(|(media_type, body)| {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
            body
        });
        let request = egress::Request {
            method,
            url,
            headers,
            body: body.unwrap_or_default(),
        };
        let limits = Limits {
            deadline: self.deadline,
            body_bytes_max: ANSWER_BYTES_MAX,
        };
        let answer = self.egress.send(request, limits).await;
        answer.map_err(ProviderError::Unreachable)
    }
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
