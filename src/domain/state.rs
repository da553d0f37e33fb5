//! The states of a call and the words each surface has for them (the table is in `docs/` and the README).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a call stands. It only rises: queued, ringing, in progress, one terminal state.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    sqlx::Type,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "call_state", rename_all = "snake_case")]
pub enum CallState {
    /// Waiting for somebody to take it.
    Queued,
    /// Ringing somewhere.
    Ringing,
    /// Answered.
    InProgress,
    /// Over; it was answered.
    Completed,
    /// Over; the callee was busy.
    Busy,
    /// Over; nobody answered.
    NoAnswer,
    /// Over; the caller or an API hung up before an answer.
    Canceled,
    /// Over; it could not be connected or kept.
    Failed,
    /// Over; a machine took a message.
    Voicemail,
}

impl CallState {
    /// Every state.
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Ringing,
        Self::InProgress,
        Self::Completed,
        Self::Busy,
        Self::NoAnswer,
        Self::Canceled,
        Self::Failed,
        Self::Voicemail,
    ];

    /// How the call ended, if it has.
    pub fn ended(self) -> Option<EndState> {
        match self {
            Self::Queued | Self::Ringing | Self::InProgress => None,
            Self::Completed => Some(EndState::Completed),
            Self::Busy => Some(EndState::Busy),
            Self::NoAnswer => Some(EndState::NoAnswer),
            Self::Canceled => Some(EndState::Canceled),
            Self::Failed => Some(EndState::Failed),
            Self::Voicemail => Some(EndState::Voicemail),
        }
    }

    /// Whether the call is over.
    pub fn is_terminal(self) -> bool {
        self.ended().is_some()
    }

    /// The calls surface's word (`call_status`).
    pub fn call_status(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Ringing => "ringing",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::NoAnswer => "no-answer",
            Self::Canceled => "canceled",
            Self::Failed => "failed",
            Self::Voicemail => "voicemail",
        }
    }
}

/// How a call ended.
///
/// The order decides between two different ends that happened at the same instant: the lesser one is kept. What says
/// most stands first; `Completed` last, because providers close a busy or unanswered leg as completed, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndState {
    /// A machine took a message.
    Voicemail,
    /// The callee was busy.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// Hung up before an answer.
    Canceled,
    /// Could not be connected or kept.
    Failed,
    /// Was answered.
    Completed,
}

impl From<EndState> for CallState {
    fn from(end: EndState) -> Self {
        match end {
            EndState::Completed => Self::Completed,
            EndState::Busy => Self::Busy,
            EndState::NoAnswer => Self::NoAnswer,
            EndState::Canceled => Self::Canceled,
            EndState::Failed => Self::Failed,
            EndState::Voicemail => Self::Voicemail,
        }
    }
}

/// How we know that a call is over, where nobody reported it to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndSource {
    /// Its provider said so when it was asked.
    Reconciled,
    /// Nobody knows the call any more. A guess: an end that is reported later stands in its place.
    Lost,
}

/// Who called whom, seen from the account.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    sqlx::Type,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "call_direction", rename_all = "snake_case")]
pub enum Direction {
    /// Somebody called the account.
    Inbound,
    /// The account called somebody.
    Outbound,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Inbound, Self::Outbound];

    /// The calls surface's word (`call_direction`).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }
}

/// The status on the voice-calls surface, and what staff last set it to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[sqlx(type_name = "voice_call_status", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VoiceCallStatus {
    /// Queued or ringing.
    IncomingCall,
    /// A staff member took it.
    AnsweredByStaff,
    /// Nobody took it.
    Missed,
    /// The provider's own menu or agent took it.
    AnsweredByCallsProvider,
    /// It was missed, and somebody has followed up.
    MissedCallHandled,
    /// The caller left a message.
    VoicemailReceived,
}

impl VoiceCallStatus {
    /// Every status, in the order of the published document.
    pub const ALL: [Self; 6] = [
        Self::IncomingCall,
        Self::AnsweredByStaff,
        Self::Missed,
        Self::AnsweredByCallsProvider,
        Self::MissedCallHandled,
        Self::VoicemailReceived,
    ];

    /// The status to show: what staff set, unless the call has moved past it since.
    pub fn shown(set: Option<Self>, state: CallState) -> Self {
        let derived = match state {
            CallState::Queued | CallState::Ringing => Self::IncomingCall,
            CallState::InProgress | CallState::Completed => Self::AnsweredByCallsProvider,
            CallState::Busy | CallState::NoAnswer | CallState::Canceled | CallState::Failed => {
                Self::Missed
            }
            CallState::Voicemail => Self::VoicemailReceived,
        };
        match set {
            Some(set) if set.rank() >= derived.rank() => set,
            Some(_) | None => derived,
        }
    }

    /// How much a status says; a terminal state without a talk still outranks `INCOMING_CALL`.
    fn rank(self) -> u8 {
        match self {
            Self::IncomingCall => 0,
            Self::AnsweredByStaff
            | Self::Missed
            | Self::AnsweredByCallsProvider
            | Self::MissedCallHandled
            | Self::VoicemailReceived => 1,
        }
    }
}
