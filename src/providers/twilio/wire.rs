//! What Twilio sends, as far as we read it, and its words for states and directions.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::{
    domain::{
        party::PartyNumber,
        report::{DURATION_S_MAX, Facts, ProviderCallId, ReportKind},
        state::{Direction, EndState},
    },
    egress::Answer,
    providers::Leg,
};

use super::{InboundReport, ProviderError};

/// The call resource.
#[derive(Debug, Deserialize)]
pub(super) struct CallResource {
    status: String,
    parent_call_sid: Option<String>,
    direction: Option<String>,
    from: Option<String>,
    to: Option<String>,
    duration: Option<String>,
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

impl CallList {
    /// Reads a successful answer.
    pub(super) fn parse(answer: &Answer) -> Result<Self, ProviderError> {
        serde_json::from_slice(&answer.body)
            .map_err(|_error| ProviderError::garbled("not a list of calls"))
    }
}

/// A call in a list.
#[derive(Debug, Deserialize)]
pub(super) struct ListedCall {
    pub(super) sid: String,
    #[serde(default)]
    pub(super) direction: String,
    #[serde(default)]
    pub(super) date_created: String,
}

/// The body of an error.
#[derive(Debug, Deserialize)]
pub(super) struct ErrorBody {
    pub(super) code: u32,
    #[serde(default)]
    pub(super) message: String,
}

impl CallResource {
    /// Reads a successful answer. Anything else that answers 200 is not Twilio.
    pub(super) fn parse(answer: &Answer) -> Result<Self, ProviderError> {
        serde_json::from_slice(&answer.body)
            .map_err(|_error| ProviderError::garbled("not a call resource"))
    }

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
        Some(InboundReport {
            call: call.clone(),
            event_id: None,
            occurred_at: ended_at.as_deref().and_then(time),
            kind,
            facts: Facts {
                direction: self.direction.as_deref().and_then(direction),
                from: self.from.and_then(party),
                to: self.to.and_then(party),
                duration_s: self.duration.as_deref().and_then(seconds),
                ..Facts::default()
            },
            leg: leg(self.parent_call_sid.as_deref()),
        })
    }
}

impl ErrorBody {
    pub(super) fn parse(answer: &Answer) -> Option<Self> {
        serde_json::from_slice(&answer.body).ok()
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
        "outbound-api" | "outbound-dial" => Some(Direction::Outbound),
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
