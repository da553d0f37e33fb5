//! What Telnyx sends, as far as we read it, and its words for states and directions.

use chrono::{DateTime, Utc};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    domain::{
        party::PartyNumber,
        report::{Facts, ProviderCallId, ReportKind},
        state::{Direction, EndState},
    },
    egress::Answer,
    providers::{Leg, LookUp},
};

use super::{InboundReport, ProviderError};

/// Every successful answer, and every event.
#[derive(Debug, Deserialize)]
pub(super) struct Data<T> {
    pub(super) data: T,
}

/// What became of a command.
#[derive(Debug, Deserialize)]
pub(super) struct CommandResult {
    #[serde(rename = "result")]
    _result: String,
}

/// A call that was placed.
#[derive(Debug, Deserialize)]
pub(super) struct PlacedCall {
    pub(super) call_control_id: String,
}

/// A live call of an application.
#[derive(Debug, Deserialize)]
pub(super) struct ActiveCall {
    pub(super) call_control_id: String,
    /// What we gave it, in base64.
    #[serde(default)]
    pub(super) client_state: Option<String>,
}

/// A page of live calls.
#[derive(Debug, Deserialize)]
pub(super) struct ActiveCalls {
    pub(super) data: Vec<ActiveCall>,
    #[serde(default)]
    meta: Meta,
}

#[derive(Debug, Default, Deserialize)]
struct Meta {
    cursors: Option<Cursors>,
}

#[derive(Debug, Deserialize)]
struct Cursors {
    after: Option<String>,
}

/// The status of a call.
#[derive(Debug, Deserialize)]
pub(super) struct CallStatus {
    is_alive: bool,
    call_session_id: Option<String>,
    end_time: Option<String>,
}

/// The body of an error.
#[derive(Debug, Deserialize)]
pub(super) struct Errors {
    errors: Vec<OneError>,
}

#[derive(Debug, Deserialize)]
struct OneError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: Option<String>,
}

impl CommandResult {
    /// Reads a successful answer.
    pub(super) fn parse(answer: &Answer) -> Result<Self, ProviderError> {
        data(answer, "not the result of a command")
    }
}

impl PlacedCall {
    /// Reads a successful answer.
    pub(super) fn parse(answer: &Answer) -> Result<Self, ProviderError> {
        data(answer, "not a call")
    }
}

impl ActiveCalls {
    /// Reads a successful answer.
    pub(super) fn parse(answer: &Answer) -> Result<Self, ProviderError> {
        serde_json::from_slice(&answer.body)
            .map_err(|_error| ProviderError::garbled("not a list of calls"))
    }

    /// Where the next page begins.
    pub(super) fn next_page(self) -> Option<String> {
        let cursors = self.meta.cursors.filter(|_| !self.data.is_empty())?;
        cursors.after
    }
}

impl CallStatus {
    /// Reads a successful answer.
    pub(super) fn parse(answer: &Answer) -> Result<Self, ProviderError> {
        data(answer, "not the status of a call")
    }

    /// What that tells. Telnyx does not say whether a live call rings or was answered, and a call that is being dialled is not
    /// alive yet; only one that has an end is over.
    pub(super) fn look_up(self, call: &ProviderCallId) -> LookUp {
        match (self.is_alive, self.end_time.as_deref().and_then(time)) {
            (false, Some(ended_at)) => {
                let mut report = over(call, Some(ended_at));
                report.leg.conversation = self.call_session_id.and_then(name);
                LookUp::Known(Box::new(report))
            }
            (true, _) | (false, None) => LookUp::Unclear,
        }
    }
}

/// The report of a call that is over, nobody says how.
pub(super) fn over(call: &ProviderCallId, at: Option<DateTime<Utc>>) -> InboundReport {
    InboundReport {
        call: call.clone(),
        event_id: None,
        occurred_at: at,
        kind: ReportKind::HungUp(EndState::NoAnswer),
        facts: Facts::default(),
        leg: Leg::default(),
    }
}

impl Errors {
    /// Reads an answer; nothing if it is not one of Telnyx's errors.
    pub(super) fn parse(answer: &Answer) -> Option<Self> {
        let errors: Self = serde_json::from_slice(&answer.body).ok()?;
        (!errors.errors.is_empty()).then_some(errors)
    }

    /// Whether one of them has this code.
    pub(super) fn have(&self, code: &str) -> bool {
        self.errors.iter().any(|error| error.code == code)
    }

    /// The first, in Telnyx's own words.
    pub(super) fn words(&self) -> String {
        let Some(error) = self.errors.first() else {
            return String::new();
        };
        let detail = error.detail.as_deref().unwrap_or_default();
        let words = [error.code.as_str(), error.title.as_str(), detail];
        let words: Vec<&str> = words.into_iter().filter(|text| !text.is_empty()).collect();
        words.join(": ")
    }
}

fn data<T: DeserializeOwned>(answer: &Answer, what: &str) -> Result<T, ProviderError> {
    let answer: Data<T> =
        serde_json::from_slice(&answer.body).map_err(|_error| ProviderError::garbled(what))?;
    Ok(answer.data)
}

/// What an event means for its call; nothing for one that tells nothing of its state, or that we do not know.
pub(super) fn kind(event_type: &str, hangup_cause: Option<&str>) -> Option<ReportKind> {
    Some(match event_type {
        "call.initiated" => ReportKind::Ringing,
        "call.answered" | "call.bridged" => ReportKind::Answered,
        "call.hangup" => end(hangup_cause),
        "call.recording.saved" => ReportKind::Recording,
        _ => return None,
    })
}

/// How a call ended. A cause that does not say whether anybody had answered, or that we do not know, does not undo a talk.
fn end(hangup_cause: Option<&str>) -> ReportKind {
    match hangup_cause {
        Some("normal_clearing") => ReportKind::HungUp(EndState::NoAnswer),
        Some("user_busy") => ReportKind::Ended(EndState::Busy),
        Some("no_answer" | "timeout") => ReportKind::Ended(EndState::NoAnswer),
        Some("originator_cancel") => ReportKind::Ended(EndState::Canceled),
        Some("time_limit") => ReportKind::Ended(EndState::Completed),
        Some("call_rejected" | "not_found") => ReportKind::Ended(EndState::Failed),
        Some(_) | None => ReportKind::HungUp(EndState::Failed),
    }
}

/// Which side called.
pub(super) fn direction(direction: &str) -> Option<Direction> {
    match direction {
        "incoming" => Some(Direction::Inbound),
        "outgoing" => Some(Direction::Outbound),
        _ => None,
    }
}

/// A time in RFC 3339.
pub(super) fn time(text: &str) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(text).ok()?;
    Some(time.to_utc())
}

/// A party, if there is one.
pub(super) fn party(number: String) -> Option<PartyNumber> {
    PartyNumber::parse(number).ok()
}

/// A name, if there is one.
pub(super) fn name(text: String) -> Option<ProviderCallId> {
    ProviderCallId::parse(text).ok()
}
