//! The recording of a call as staff systems see it, and what they may say of it. We keep no recording, only where it is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{call::Call, state::CallState};

/// A recording, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Recording {
    /// Its id in the system that has it (`recording_id`); the call's uid where nobody has said.
    #[schema(example = "rec-001")]
    pub uid: String,
    /// Where it is, as reported.
    #[serde(rename = "recordingUrl")]
    pub recording_url: Option<String>,
    /// Bytes; null until somebody said.
    pub size: Option<i32>,
    /// Seconds.
    pub duration: Option<i64>,
    /// Whether somebody has listened to it.
    pub recording_played: bool,
    /// What was recorded.
    pub recording_type: RecordingType,
}

/// What was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RecordingType {
    /// The talk.
    Call,
    /// A message.
    Voicemail,
}

/// What a staff system says of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordingChange {
    /// What it is like; what is absent stays.
    Describe {
        /// Whether somebody has listened to it.
        played: Option<bool>,
        /// How large it is, in bytes.
        size_bytes: Option<i32>,
    },
    /// It is no more: neither its id nor its place is kept, and no later report brings it back.
    Remove,
}

/// The call has no recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the call has no recording")]
pub struct NoRecording;

impl Recording {
    /// The recording of a call, if there is one: an id or a place is known.
    pub fn of(call: &Call) -> Option<Self> {
        let staff = &call.staff;
        let uid = staff.recording_id.clone().filter(|id| !id.is_empty());
        let url = call.life.recording_url.as_ref();
        if uid.is_none() && url.is_none() {
            return None;
        }
        let (recording_type, duration) = match call.life.state() {
            CallState::Voicemail => (RecordingType::Voicemail, None),
            CallState::Queued
            | CallState::Ringing
            | CallState::InProgress
            | CallState::Completed
            | CallState::Busy
            | CallState::NoAnswer
            | CallState::Canceled
            | CallState::Failed => (RecordingType::Call, call.life.talk_s()),
        };
        Some(Self {
            uid: uid.unwrap_or_else(|| call.call_id.to_string()),
            recording_url: url.map(|url| url.as_str().to_owned()),
            size: staff.recording_size_bytes,
            duration,
            recording_played: staff.recording_played,
            recording_type,
        })
    }
}

impl RecordingChange {
    /// Changes what is known of the call's recording.
    pub fn apply(self, call: &mut Call) -> Result<(), NoRecording> {
        if Recording::of(call).is_none() {
            return Err(NoRecording);
        }
        match self {
            Self::Describe { played, size_bytes } => {
                let staff = &mut call.staff;
                staff.recording_played = played.unwrap_or(staff.recording_played);
                staff.recording_size_bytes = size_bytes.or(staff.recording_size_bytes);
            }
            Self::Remove => {
                call.staff.recording_id = None;
                call.staff.recording_played = false;
                call.staff.recording_size_bytes = None;
                call.life.remove_recording();
            }
        }
        Ok(())
    }
}
