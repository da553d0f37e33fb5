//! What Vonage sends, as far as we read it, and its words for states and directions. Events and records have the same fields
//! in slightly different shapes: numbers are text here and objects there, and what is not known is absent, null or empty.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    domain::{
        party::PartyNumber,
        report::{DURATION_S_MAX, Facts, ProviderCallId, ReportKind},
        state::{Direction, EndState},
        text::Text,
    },
    egress::Answer,
    providers::Leg,
};

use super::{InboundReport, ProviderError};

/// A JSON object.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Fields(Map<String, Value>);

/// A page of calls.
#[derive(Debug, Deserialize)]
pub(super) struct CallList {
    #[serde(rename = "_embedded")]
    pub(super) embedded: Embedded,
    #[serde(rename = "_links", default)]
    pub(super) links: Links,
}

/// What is on the page.
#[derive(Debug, Deserialize)]
pub(super) struct Embedded {
    pub(super) calls: Vec<Fields>,
}

/// Where the other pages are.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Links {
    pub(super) next: Option<Link>,
}

/// Where a page is.
#[derive(Debug, Deserialize)]
pub(super) struct Link {
    pub(super) href: String,
}

impl CallList {
    /// Reads a successful answer.
    pub(super) fn parse(answer: &Answer) -> Result<Self, ProviderError> {
        serde_json::from_slice(&answer.body)
            .map_err(|_error| ProviderError::garbled("not a list of calls"))
    }
}

impl Fields {
    /// Reads an answer. What is not a JSON object is not Vonage's.
    pub(super) fn parse(answer: &Answer) -> Result<Self, ProviderError> {
        serde_json::from_slice(&answer.body)
            .map_err(|_error| ProviderError::garbled("not a JSON object"))
    }

    /// A text that is not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let text = self.0.get(name)?.as_str()?;
        (!text.is_empty()).then_some(text)
    }

    /// A time, with its zone or in UTC.
    pub(super) fn time(&self, name: &str) -> Option<DateTime<Utc>> {
        let text = self.text(name)?;
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            return Some(time.to_utc());
        }
        ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"]
            .into_iter()
            .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
            .map(|time| time.and_utc())
    }

    /// What is told of the parties.
    pub(super) fn parties(&self) -> Facts {
        Facts {
            direction: match self.text("direction") {
                Some("inbound") => Some(Direction::Inbound),
                Some("outbound") => Some(Direction::Outbound),
                Some(_) | None => None,
            },
            from: self.party("from"),
            to: self.party("to"),
            ..Facts::default()
        }
    }

    /// Which conversation it belongs to.
    pub(super) fn leg(&self) -> Leg {
        let conversation = self.text("conversation_uuid");
        Leg {
            parent: None,
            conversation: conversation.and_then(|name| ProviderCallId::parse(name).ok()),
        }
    }

    /// Whether it is the record of a call that has ended.
    pub(super) fn is_over(&self) -> bool {
        matches!(
            self.kind(),
            Some(ReportKind::Ended(_) | ReportKind::HungUp(_))
        )
    }

    /// What it tells of the call; nothing if its status is one that we do not know.
    pub(super) fn report(&self, call: ProviderCallId) -> Option<InboundReport> {
        let kind = self.kind()?;
        let (occurred_at, disconnect_reason) = match kind {
            ReportKind::Ended(_) | ReportKind::HungUp(_) => (
                self.time("end_time").or_else(|| self.time("timestamp")),
                self.text("detail")
                    .and_then(|detail| Text::parse(detail).ok()),
            ),
            ReportKind::Queued
            | ReportKind::Ringing
            | ReportKind::Answered
            | ReportKind::Recording => (self.time("timestamp"), None),
        };
        Some(InboundReport {
            call,
            event_id: None,
            occurred_at,
            kind,
            facts: Facts {
                duration_s: self.seconds("duration"),
                disconnect_reason,
                ..self.parties()
            },
            leg: self.leg(),
        })
    }

    /// What its status means. Every call that was not rejected ends with `completed`, also after `busy` and the like, and the
    /// two may come in either order: without a talk it does not say how the call ended.
    fn kind(&self) -> Option<ReportKind> {
        Some(match self.text("status")? {
            "started" => ReportKind::Queued,
            "ringing" => ReportKind::Ringing,
            "answered" | "human" | "machine" => ReportKind::Answered,
            "completed" if self.seconds("duration").is_some_and(|talk| talk > 0) => {
                ReportKind::Ended(EndState::Completed)
            }
            "completed" => ReportKind::HungUp(EndState::NoAnswer),
            "busy" => ReportKind::Ended(EndState::Busy),
            "cancelled" => ReportKind::Ended(EndState::Canceled),
            "unanswered" | "timeout" => ReportKind::Ended(EndState::NoAnswer),
            "rejected" if self.text("detail") == Some("declined") => {
                ReportKind::Ended(EndState::Busy)
            }
            "rejected" | "failed" => ReportKind::Ended(EndState::Failed),
            _ => return None,
        })
    }

    /// Seconds within what is believed, as text or as a number.
    fn seconds(&self, name: &str) -> Option<i32> {
        let seconds = match self.0.get(name)? {
            Value::String(text) => text.parse().ok()?,
            Value::Number(number) => i32::try_from(number.as_i64()?).ok()?,
            _ => return None,
        };
        (0..=DURATION_S_MAX).contains(&seconds).then_some(seconds)
    }

    /// A party, if there is one: a number, the URI of a SIP endpoint or of a WebSocket, an extension, a user.
    fn party(&self, name: &str) -> Option<PartyNumber> {
        let text = match self.0.get(name)? {
            Value::String(text) => text,
            Value::Object(endpoint) => ["number", "uri", "extension", "user"]
                .into_iter()
                .find_map(|field| endpoint.get(field)?.as_str())?,
            _ => return None,
        };
        PartyNumber::parse(with_plus(text)).ok()
    }
}

/// Vonage writes E.164 without its plus; shorter numbers are not E.164.
fn with_plus(number: &str) -> String {
    let e164 = (7..=15).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_digit())
        && !number.starts_with('0');
    if e164 {
        format!("+{number}")
    } else {
        number.to_owned()
    }
}
