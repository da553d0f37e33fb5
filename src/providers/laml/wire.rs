//! What the API answers, as far as we read it, and its words for states and directions.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::{
    domain::{
        party::PartyNumber,
        report::{DURATION_S_MAX, Facts, ProviderCallId, ReportKind},
        state::{Direction, EndState},
    },
    egress::Answer,
    providers::{InboundReport, Leg, ProviderError},
};

/// The call resource.
#[derive(Debug, Deserialize)]
pub(super) struct CallResource {
    status: String,
    parent_call_sid: Option<String>,
    direction: Option<String>,
    from: Option<String>,
    to: Option<String>,
    duration: Option<Word>,
    end_time: Option<String>,
}

/// A call that was placed.
#[derive(Debug, Deserialize)]
pub(super) struct CreatedCall {
    pub(super) sid: String,
}

/// A page of calls.
#[derive(Debug, Deserialize)]
pub(super) struct CallList {
    pub(super) calls: Vec<ListedCall>,
}

/// A call in a list.
#[derive(Debug, Deserialize)]
pub(super) struct ListedCall {
    pub(super) sid: String,
    #[serde(default)]
    direction: String,
    parent_call_sid: Option<String>,
    #[serde(default)]
    date_created: String,
}

/// The body of an error, in one of two shapes.
#[derive(Debug, Deserialize)]
pub(in crate::providers) struct ErrorBody {
    #[serde(default)]
    code: Option<Word>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    errors: Vec<ErrorEntry>,
}

#[derive(Debug, Deserialize)]
struct ErrorEntry {
    #[serde(default)]
    code: Option<Word>,
    #[serde(default)]
    message: Option<String>,
}

/// What Twilio writes as text and SignalWire as a number, or the other way round.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Word {
    Text(String),
    Number(i64),
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
        }
    }
}

impl CallList {
    /// Reads a successful answer.
    pub(super) fn parse(answer: &Answer) -> Result<Self, ProviderError> {
        serde_json::from_slice(&answer.body)
            .map_err(|_error| ProviderError::garbled("not a list of calls"))
    }
}

impl ListedCall {
    /// Whether it was placed by the API, not by a document that dialled. SignalWire's API says `outbound` of both.
    pub(super) fn is_by_api(&self) -> bool {
        match self.direction.as_str() {
            "outbound-api" => true,
            "outbound" => self.parent_call_sid.is_none(),
            _ => false,
        }
    }

    /// When it was created.
    pub(super) fn created_at(&self) -> Option<DateTime<Utc>> {
        time(&self.date_created)
    }
}

impl CallResource {
    /// Reads a successful answer. Anything else that answers 200 is not this API.
    pub(super) fn parse(answer: &Answer) -> Result<Self, ProviderError> {
        serde_json::from_slice(&answer.body)
            .map_err(|_error| ProviderError::garbled("not a call resource"))
    }

    /// Whether the call has ended.
    pub(super) fn is_over(&self) -> bool {
        matches!(kind(&self.status), Some(ReportKind::Ended(_)))
    }

    /// The record as a report; nothing if its state is one that we do not know.
    pub(super) fn report(self, call: &ProviderCallId) -> Option<InboundReport> {
        let kind = kind(&self.status)?;
        // `start_time` is when it was dialled: nothing says when it was answered.
        let ended_at = match kind {
            ReportKind::Ended(_) | ReportKind::HungUp(_) => self.end_time,
            ReportKind::Queued
            | ReportKind::Ringing
            | ReportKind::Answered
            | ReportKind::Recording => None,
        };
        let duration = self.duration.map(|duration| duration.to_string());
        Some(InboundReport {
            call: call.clone(),
            event_id: None,
            occurred_at: ended_at.as_deref().and_then(time),
            kind,
            facts: Facts {
                direction: self.direction.as_deref().and_then(direction),
                from: self.from.and_then(party),
                to: self.to.and_then(party),
                duration_s: duration.as_deref().and_then(seconds),
                ..Facts::default()
            },
            leg: leg(self.parent_call_sid.as_deref()),
        })
    }
}

impl ErrorBody {
    /// Reads an unsuccessful answer: nothing if it is not in the API's own words.
    pub(in crate::providers) fn parse(answer: &Answer) -> Option<Self> {
        let body: Self = serde_json::from_slice(&answer.body).ok()?;
        let says = body.code.is_some() || !body.errors.is_empty();
        says.then_some(body)
    }

    /// Whether the error's number is this one.
    pub(in crate::providers) fn is(&self, code: i64) -> bool {
        let own = self.code.as_ref();
        own.is_some_and(|own| own.to_string() == code.to_string())
    }
}

impl fmt::Display for ErrorBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.errors.first();
        let code = self
            .code
            .as_ref()
            .or_else(|| first.and_then(|entry| entry.code.as_ref()));
        let message = self
            .message
            .as_ref()
            .or_else(|| first.and_then(|entry| entry.message.as_ref()));
        match (code, message) {
            (Some(code), Some(message)) => write!(f, "{code}: {message}"),
            (Some(code), None) => code.fmt(f),
            (None, Some(message)) => message.fmt(f),
            (None, None) => f.write_str("no reason given"),
        }
    }
}

/// What a call status means; nothing for one that we do not know, which is not an error.
pub(super) fn kind(status: &str) -> Option<ReportKind> {
    Some(match status {
        "queued" | "initiated" => ReportKind::Queued,
        "ringing" => ReportKind::Ringing,
        "in-progress" | "answered" => ReportKind::Answered,
        "completed" => ReportKind::Ended(EndState::Completed),
        "busy" => ReportKind::Ended(EndState::Busy),
        "no-answer" => ReportKind::Ended(EndState::NoAnswer),
        "canceled" => ReportKind::Ended(EndState::Canceled),
        "failed" => ReportKind::Ended(EndState::Failed),
        _ => return None,
    })
}

/// `outbound-api` and `outbound-dial` are both outbound; the trunking directions do not say who called.
pub(super) fn direction(direction: &str) -> Option<Direction> {
    match direction {
        "inbound" => Some(Direction::Inbound),
        "outbound" | "outbound-api" | "outbound-dial" => Some(Direction::Outbound),
        _ => None,
    }
}

/// The leg of a `<Dial>` names the one that dialled.
pub(super) fn leg(parent_call_sid: Option<&str>) -> Leg {
    let parent = parent_call_sid.filter(|sid| !sid.is_empty());
    Leg {
        parent: parent.and_then(|sid| ProviderCallId::parse(sid).ok()),
        conversation: None,
    }
}

/// A time in RFC 2822.
pub(super) fn time(text: &str) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc2822(text).ok()?;
    Some(time.to_utc())
}

/// Seconds within what is believed.
pub(super) fn seconds(text: &str) -> Option<i32> {
    let seconds = text.parse().ok()?;
    (0..=DURATION_S_MAX).contains(&seconds).then_some(seconds)
}

/// A party, if there is one.
pub(super) fn party(number: String) -> Option<PartyNumber> {
    PartyNumber::parse(number).ok()
}
