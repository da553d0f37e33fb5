//! What happens to a call, as endpoints are told it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The kinds of events: a closed set.
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
#[sqlx(type_name = "event_type")]
pub enum EventType {
    /// We have heard of a call for the first time, and it is live.
    #[serde(rename = "call.started")]
    #[sqlx(rename = "call.started")]
    CallStarted,
    /// A live call was answered.
    #[serde(rename = "call.answered")]
    #[sqlx(rename = "call.answered")]
    CallAnswered,
    /// The call is over.
    #[serde(rename = "call.ended")]
    #[sqlx(rename = "call.ended")]
    CallEnded,
    /// The call has a transcript, or a newer one.
    #[serde(rename = "call.transcribed")]
    #[sqlx(rename = "call.transcribed")]
    CallTranscribed,
    /// The call has an analysis, or a newer revision; it says so when it failed.
    #[serde(rename = "call.analyzed")]
    #[sqlx(rename = "call.analyzed")]
    CallAnalyzed,
    /// Something else became known of the call, or was changed on it.
    #[serde(rename = "call.updated")]
    #[sqlx(rename = "call.updated")]
    CallUpdated,
    /// The end of the call was not reported: its provider told when asked, or nobody knows the call any more.
    #[serde(rename = "call.reconciled")]
    #[sqlx(rename = "call.reconciled")]
    CallReconciled,
    /// A part of ending the call was given up: the call may be live at its provider, or its room open.
    #[serde(rename = "termination.failed")]
    #[sqlx(rename = "termination.failed")]
    TerminationFailed,
    /// The call was erased: nothing of it is kept but that it was.
    #[serde(rename = "call.erased")]
    #[sqlx(rename = "call.erased")]
    CallErased,
    /// A delivery was given up after its last attempt.
    #[serde(rename = "delivery.exhausted")]
    #[sqlx(rename = "delivery.exhausted")]
    DeliveryExhausted,
    /// An endpoint was disabled, and is told nothing until somebody enables it again.
    #[serde(rename = "endpoint.disabled")]
    #[sqlx(rename = "endpoint.disabled")]
    EndpointDisabled,
    /// The voice-calls surface shows a call that it did not show before.
    #[serde(rename = "voice_call/create")]
    #[sqlx(rename = "voice_call/create")]
    VoiceCallCreate,
    /// The voice-calls surface shows something else of a call.
    #[serde(rename = "voice_call/update")]
    #[sqlx(rename = "voice_call/update")]
    VoiceCallUpdate,
}

/// The text is not the name of an event type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be one of call.started, call.answered, call.ended, call.transcribed, call.analyzed, call.updated, call.reconciled, \
     termination.failed, call.erased, delivery.exhausted, endpoint.disabled, voice_call/create, voice_call/update"
)]
pub struct NotEventType;

impl EventType {
    /// Every type.
    pub const ALL: [Self; 13] = [
        Self::CallStarted,
        Self::CallAnswered,
        Self::CallEnded,
        Self::CallTranscribed,
        Self::CallAnalyzed,
        Self::CallUpdated,
        Self::CallReconciled,
        Self::TerminationFailed,
        Self::CallErased,
        Self::DeliveryExhausted,
        Self::EndpointDisabled,
        Self::VoiceCallCreate,
        Self::VoiceCallUpdate,
    ];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CallStarted => "call.started",
            Self::CallAnswered => "call.answered",
            Self::CallEnded => "call.ended",
            Self::CallTranscribed => "call.transcribed",
            Self::CallAnalyzed => "call.analyzed",
            Self::CallUpdated => "call.updated",
            Self::CallReconciled => "call.reconciled",
            Self::TerminationFailed => "termination.failed",
            Self::CallErased => "call.erased",
            Self::DeliveryExhausted => "delivery.exhausted",
            Self::EndpointDisabled => "endpoint.disabled",
            Self::VoiceCallCreate => "voice_call/create",
            Self::VoiceCallUpdate => "voice_call/update",
        }
    }

    /// Whether an event of this type may come after the call's `call.ended`, and then has to wait for its delivery.
    pub fn may_follow_end(self) -> bool {
        match self {
            Self::CallStarted
            | Self::CallAnswered
            | Self::CallEnded
            | Self::DeliveryExhausted
            | Self::EndpointDisabled => false,
            Self::CallTranscribed
            | Self::CallAnalyzed
            | Self::CallUpdated
            | Self::CallReconciled
            | Self::TerminationFailed
            | Self::CallErased
            | Self::VoiceCallCreate
            | Self::VoiceCallUpdate => true,
        }
    }

    /// Whether only an endpoint that names it is told.
    pub fn is_named_only(self) -> bool {
        self.is_operational() || self.is_platform()
    }

    /// Whether it is told in the words of the platform of the voice-calls surface, and may be subscribed to there.
    pub fn is_platform(self) -> bool {
        match self {
            Self::VoiceCallCreate | Self::VoiceCallUpdate => true,
            Self::CallStarted
            | Self::CallAnswered
            | Self::CallEnded
            | Self::CallTranscribed
            | Self::CallAnalyzed
            | Self::CallUpdated
            | Self::CallReconciled
            | Self::TerminationFailed
            | Self::CallErased
            | Self::DeliveryExhausted
            | Self::EndpointDisabled => false,
        }
    }

    /// Whether it is for whoever runs the service.
    pub fn is_operational(self) -> bool {
        match self {
            Self::CallStarted
            | Self::CallAnswered
            | Self::CallEnded
            | Self::CallTranscribed
            | Self::CallAnalyzed
            | Self::CallUpdated
            | Self::VoiceCallCreate
            | Self::VoiceCallUpdate => false,
            Self::CallReconciled
            | Self::TerminationFailed
            | Self::CallErased
            | Self::DeliveryExhausted
            | Self::EndpointDisabled => true,
        }
    }
}

impl std::fmt::Display for EventType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for EventType {
    type Err = NotEventType;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == name)
            .ok_or(NotEventType)
    }
}

#[cfg(test)]
mod tests {
    use super::{EventType, NotEventType};

    #[test]
    fn a_type_has_one_name_in_text_and_in_json() {
        for known in EventType::ALL {
            assert_eq!(known.as_str().parse(), Ok(known));
            assert_eq!(serde_json::to_value(known).unwrap(), known.as_str());
        }
        assert_eq!("call.Ended".parse::<EventType>(), Err(NotEventType));
    }
}
