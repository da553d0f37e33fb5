//! The section that needs nothing but the call's record: made for every ended call, answered or not.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::state::CallState;

/// Who, or what, answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnsweredBy {
    /// A machine: the call was reported as voicemail.
    Machine,
    /// Nobody said.
    Unknown,
}

/// Who ended the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// A request to end it, through this service.
    Api,
    /// Nobody said.
    Unknown,
}

/// How a section was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallMetricsMethod {
    /// From what telephony reported.
    CallEvents,
}

/// The call as telephony reported it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CallMetrics {
    /// How the section was made.
    pub method: CallMetricsMethod,
    /// From the first report of the queue to the first of ringing; null unless both were reported.
    pub setup_ms: Option<u64>,
    /// From the first report of ringing to the answer, or to the end; null unless it was reported.
    pub ring_ms: Option<u64>,
    /// As reported, else from the answer to the end; 0 if nobody answered, null if neither time is known.
    pub talk_duration_ms: Option<u64>,
    /// From the first report to the end, and not less than the talk.
    pub total_ms: u64,
    /// Whether somebody, or something, answered.
    pub answered: bool,
    /// Who, or what.
    pub answered_by: AnsweredBy,
    /// The state in which the call ended.
    pub disposition: CallState,
    /// Who ended it.
    pub ended_by: EndedBy,
    /// Answered, and less than ten seconds of talk.
    pub short_call: bool,
    /// Inbound, and the caller hung up before an answer.
    pub abandoned: bool,
}
