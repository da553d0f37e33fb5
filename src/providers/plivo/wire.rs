//! What Plivo answers, as far as we read it, and its words for states, directions and times.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    domain::{
        party::PartyNumber,
        report::{DURATION_S_MAX, Facts, ProviderCallId, ReportKind},
        state::{Direction, EndState},
        text::Text,
    },
    egress::Answer,
    providers::{InboundReport, Leg, ProviderError},
};

/// Fewer digits are a short code, not a number without its plus sign.
const E164_DIGITS_MIN: usize = 8;

/// An account.
#[derive(Debug, Deserialize)]
pub(super) struct Account {
    #[expect(dead_code, reason = "what makes it an account's answer")]
    auth_id: String,
}

/// A call that was asked for.
#[derive(Debug, Deserialize)]
pub(super) struct CreatedCall {
    pub(super) request_uuid: String,
}

/// The ids of calls that are live, or queued.
#[derive(Debug, Deserialize)]
pub(super) struct CallIds {
    pub(super) calls: Vec<String>,
}

/// A page of calls that have ended.
#[derive(Debug, Deserialize)]
pub(super) struct CallPage {
    pub(super) meta: PageMeta,
    pub(super) objects: Vec<CallRecord>,
}

/// Where the page is.
#[derive(Debug, Deserialize)]
pub(super) struct PageMeta {
    pub(super) next: Option<String>,
}

/// A call that is live or queued.
#[derive(Debug, Deserialize)]
pub(super) struct LiveCall {
    call_status: String,
    direction: Option<String>,
    from: Option<String>,
    to: Option<String>,
    request_uuid: Option<String>,
}

/// A call that has ended.
#[derive(Debug, Deserialize)]
pub(super) struct CallRecord {
    pub(super) call_uuid: String,
    pub(super) initiation_time: Option<String>,
    answer_time: Option<String>,
    end_time: Option<String>,
    from_number: Option<String>,
    to_number: Option<String>,
    call_direction: Option<String>,
    bill_duration: Option<i32>,
    call_state: Option<String>,
    hangup_cause_name: Option<String>,
    hangup_source: Option<String>,
    parent_call_uuid: Option<String>,
}

/// The body of an error.
#[derive(Debug, Deserialize)]
pub(super) struct ErrorBody {
    error: Value,
}

/// Reads a successful answer. Anything else that is answered is not Plivo's.
fn parse<'a, T: Deserialize<'a>>(answer: &'a Answer, what: &str) -> Result<T, ProviderError> {
    serde_json::from_slice(&answer.body)
        .map_err(|_error| ProviderError::garbled(&format!("not {what}")))
}

impl Account {
    pub(super) fn parse(answer: &Answer) -> Result<Self, ProviderError> {
        parse(answer, "an account")
    }
}

impl CreatedCall {
    pub(super) fn parse(answer: &Answer) -> Result<Self, ProviderError> {
        parse(answer, "a call that was fired")
    }
}

impl CallIds {
    pub(super) fn parse(answer: &Answer) -> Result<Self, ProviderError> {
        parse(answer, "a list of ids")
    }
}

impl CallPage {
    pub(super) fn parse(answer: &Answer) -> Result<Self, ProviderError> {
        parse(answer, "a list of calls")
    }
}

impl LiveCall {
    pub(super) fn parse(answer: &Answer) -> Result<Self, ProviderError> {
        parse(answer, "a live call")
    }

    /// The call as a report; nothing if its state is one that we do not know.
    pub(super) fn report(self, call: &ProviderCallId) -> Option<InboundReport> {
        Some(InboundReport {
            call: call.clone(),
            event_id: None,
            occurred_at: None,
            kind: kind(&self.call_status)?,
            facts: Facts {
                direction: self.direction.as_deref().and_then(direction),
                from: self.from.as_deref().and_then(party),
                to: self.to.as_deref().and_then(party),
                ..Facts::default()
            },
            leg: Leg {
                parent: None,
                conversation: self.request_uuid.as_deref().and_then(id),
            },
        })
    }
}

impl CallRecord {
    pub(super) fn parse(answer: &Answer) -> Result<Self, ProviderError> {
        parse(answer, "a call")
    }

    /// The record as a report.
    pub(super) fn report(self, call: &ProviderCallId) -> InboundReport {
        let end = self.end();
        let cause = self.hangup_cause_name.as_deref();
        let duration = self.bill_duration;
        InboundReport {
            call: call.clone(),
            event_id: None,
            occurred_at: self
                .end_time
                .as_deref()
                .and_then(Moment::parse)
                .and_then(Moment::known),
            kind: ReportKind::Ended(end),
            facts: Facts {
                direction: self.call_direction.as_deref().and_then(direction),
                from: self.from_number.as_deref().and_then(party),
                to: self.to_number.as_deref().and_then(party),
                duration_s: duration.filter(|s| (0..=DURATION_S_MAX).contains(s)),
                disconnect_reason: disconnect_reason(cause, self.hangup_source.as_deref()),
                ..Facts::default()
            },
            leg: Leg {
                parent: self.parent_call_uuid.as_deref().and_then(id),
                conversation: None,
            },
        }
    }

    /// How it ended: the record has no status, only who hung up and why.
    fn end(&self) -> EndState {
        let answer_time = self.answer_time.as_deref().unwrap_or_default();
        if !answer_time.is_empty() || self.call_state.as_deref() == Some("ANSWER") {
            return EndState::Completed;
        }
        let inbound = self.call_direction.as_deref() == Some("inbound");
        match self.hangup_cause_name.as_deref().unwrap_or_default() {
            "Busy Line" | "Rejected" => EndState::Busy,
            "No Answer" | "Ring Timeout Reached" => EndState::NoAnswer,
            // Whoever called gave up.
            "Normal Hangup" if inbound => EndState::NoAnswer,
            "Normal Hangup" | "Canceled" | "Cancelled" => EndState::Canceled,
            _ => EndState::Failed,
        }
    }
}

impl ErrorBody {
    /// Reads an unsuccessful answer: nothing if it is not in Plivo's own words.
    pub(super) fn parse(answer: &Answer) -> Option<Self> {
        serde_json::from_slice(&answer.body).ok()
    }

    /// Why not.
    pub(super) fn reason(&self) -> String {
        match &self.error {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

/// A time as Plivo writes it: of a zone that it names, or of the zone that is set in the console, which we do not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// With its offset.
    Known(DateTime<Utc>),
    /// Without.
    Local(NaiveDateTime),
}

impl Moment {
    pub(super) fn parse(text: &str) -> Option<Self> {
        const LOCAL: &str = "%Y-%m-%d %H:%M:%S%.f";
        if let Ok(time) = DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%:z") {
            return Some(Self::Known(time.to_utc()));
        }
        let local = NaiveDateTime::parse_from_str(text, LOCAL).ok()?;
        Some(Self::Local(local))
    }

    /// The time, if it is one.
    pub(super) fn known(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Known(time) => Some(time),
            Self::Local(_) => None,
        }
    }
}

/// What a call status means; nothing for one that we do not know, which is not an error.
pub(super) fn kind(status: &str) -> Option<ReportKind> {
    Some(match status {
        "queued" => ReportKind::Queued,
        "ringing" => ReportKind::Ringing,
        "in-progress" => ReportKind::Answered,
        "completed" => ReportKind::Ended(EndState::Completed),
        "busy" => ReportKind::Ended(EndState::Busy),
        "failed" => ReportKind::Ended(EndState::Failed),
        "no-answer" | "timeout" => ReportKind::Ended(EndState::NoAnswer),
        "cancel" => ReportKind::Ended(EndState::Canceled),
        _ => return None,
    })
}

pub(super) fn direction(direction: &str) -> Option<Direction> {
    match direction {
        "inbound" => Some(Direction::Inbound),
        "outbound" => Some(Direction::Outbound),
        _ => None,
    }
}

/// A party. Plivo leaves out the plus sign of E.164.
pub(super) fn party(number: &str) -> Option<PartyNumber> {
    let bare = number.len() >= E164_DIGITS_MIN && number.bytes().all(|b| b.is_ascii_digit());
    let e164 = bare.then(|| format!("+{number}"));
    PartyNumber::kept(number, e164.as_deref()).ok()
}

/// An id, if it is one.
pub(super) fn id(uuid: &str) -> Option<ProviderCallId> {
    ProviderCallId::parse(uuid).ok()
}

/// Seconds within what is believed.
pub(super) fn seconds(text: &str) -> Option<i32> {
    let seconds = text.parse().ok()?;
    (0..=DURATION_S_MAX).contains(&seconds).then_some(seconds)
}

/// Why it ended and by whom, in Plivo's words.
pub(super) fn disconnect_reason(cause: Option<&str>, source: Option<&str>) -> Option<Text<512>> {
    let cause = cause.filter(|cause| !cause.is_empty())?;
    let words = match source.filter(|source| !source.is_empty()) {
        Some(source) => format!("{cause} ({source})"),
        None => cause.to_owned(),
    };
    Text::parse(words).ok()
}
