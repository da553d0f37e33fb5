//! A call as staff systems see it: the entity of the voice-calls surface. [`update`] has what they may change, [`recording`]
//! its recording.
//!
//! The documented fields come first; what that API takes but never shows stands at the end.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    call::Call,
    id::CallId,
    money::Money,
    party::{E164, PartyNumber},
    state::{Direction, VoiceCallStatus},
};

pub mod recording;
pub mod update;

use recording::Recording;

/// A call as staff systems see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct VoiceCall {
    /// Our id of the call.
    pub uid: CallId,
    /// Seconds of talk.
    pub duration: i64,
    /// When we first heard of it.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Where it stands.
    pub status: VoiceCallStatus,
    /// `INBOUND` until somebody said.
    pub direction: VoiceCallDirection,
    /// The staff member of the call.
    pub staff_uid: Option<String>,
    /// The client of the call.
    pub client_uid: Option<String>,
    /// The caller, as E.164 where that could be read; empty until somebody said.
    pub from_number: String,
    /// The callee, likewise.
    pub to_number: String,
    /// What the call was about.
    pub call_summary: Option<String>,
    /// The recording, if there is one.
    pub recording: Option<Recording>,
    /// Where more about it is to be found.
    pub external_app_url: Option<String>,
    /// The application that manages the call.
    pub external_app_name: Option<String>,
    /// The provider system's id of it.
    pub source_id: String,
    /// The external application's id of it.
    pub external_uuid: Option<String>,
    /// Who followed up.
    pub handled_by_staff_uid: Option<String>,
    /// When somebody followed up.
    pub handled_at: Option<DateTime<Utc>>,
    /// When it was deleted.
    pub deleted_at: Option<DateTime<Utc>>,
    /// `DONE` once there is a transcript, whoever gave it; `IN_PROGRESS` while the recording is being read to be written down, `FAILED` when
    /// that was given up; null where nobody does.
    pub transcript_status: Option<TranscriptStatus>,

    /// Price per unit (ours to show).
    #[schema(value_type = Option<String>, example = "0.05")]
    pub rate: Option<Money>,
    /// Price of the call (ours to show).
    #[schema(value_type = Option<String>, example = "1.50")]
    pub price: Option<Money>,
    /// The provider, in capitals (ours to show).
    #[schema(example = "VONAGE")]
    pub provider: String,
    /// The recording that belongs to it (ours to show).
    pub recording_id: Option<String>,
    /// The business (ours to show).
    pub business_uid: String,
}

/// Who called whom, in this surface's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VoiceCallDirection {
    /// Somebody called the business.
    Inbound,
    /// The business called somebody.
    Outbound,
}

/// Where a transcript stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TranscriptStatus {
    /// It is being made.
    InProgress,
    /// It is there.
    Done,
    /// It could not be made.
    Failed,
}

impl VoiceCall {
    /// Shows a call. `transcript`: where its transcript stands; `None`: there is none, and none is being made.
    pub fn new(call: &Call, business_uid: &str, transcript: Option<TranscriptStatus>) -> Self {
        let life = &call.life;
        let staff = call.staff.clone();
        let state = life.state();
        Self {
            uid: call.call_id,
            duration: life.talk_s().unwrap_or(0),
            created_at: call.created_at,
            updated_at: call.updated_at,
            status: VoiceCallStatus::shown(staff.status, state),
            direction: life.direction.unwrap_or(Direction::Inbound).into(),
            staff_uid: staff.staff_uid,
            client_uid: staff.client_uid,
            from_number: number(life.from.as_ref()),
            to_number: number(life.to.as_ref()),
            call_summary: staff.call_summary,
            recording: Recording::of(call),
            external_app_url: staff.external_app_url,
            external_app_name: staff.external_app_name,
            source_id: staff
                .source_id
                .unwrap_or_else(|| call.provider_call_id.as_str().to_owned()),
            external_uuid: staff.external_uuid,
            handled_by_staff_uid: staff.handled_by_staff_uid,
            handled_at: staff.handled_at,
            deleted_at: call.deleted_at,
            transcript_status: transcript,
            rate: staff.rate,
            price: staff.price,
            provider: call.provider.as_str().to_uppercase(),
            recording_id: staff.recording_id,
            business_uid: business_uid.to_owned(),
        }
    }
}

impl From<Direction> for VoiceCallDirection {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Inbound => Self::Inbound,
            Direction::Outbound => Self::Outbound,
        }
    }
}

fn number(number: Option<&PartyNumber>) -> String {
    let shown = number.map(|number| number.e164().map_or(number.raw(), E164::as_str));
    shown.unwrap_or_default().to_owned()
}
