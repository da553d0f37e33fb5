//! `GET /v3/communication/voice_calls/{uid}/transcript`.

use axum::{extract::State, http::StatusCode, response::Response};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    document::example,
    envelope::{NoTranscript, Refusals, Success},
};
use crate::{
    api::{answer, auth::require, error::Error, extract::PathText, redact, state::ApiState},
    domain::{
        account::{Caller, Scope},
        transcript::{ShownUtterance, SpeakerRole, Transcript},
        voice_call::TranscriptStatus,
    },
    store::{self, transcripts::Head},
};

/// What was said on a call.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VoiceCallTranscript {
    /// Its id; until there is one, the call's uid.
    transcript_uid: Uuid,
    /// Where it stands.
    status: TranscriptStatus,
    /// In order of time; null unless the status is `DONE`.
    transcript: Option<Vec<TranscriptEntry>>,
}

/// Something that one side said.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VoiceCallTranscriptEntry)]
struct TranscriptEntry {
    /// Seconds from the start of the conversation; null where the transcript has no times.
    #[schema(minimum = 0.0)]
    timestamp: Option<f64>,
    /// `staff` or `client`; `system` for announcements, `unknown` where nobody knows.
    #[schema(example = "client")]
    speaker_role: &'static str,
    /// What was said.
    text: String,
}

/// Read a voice call's transcript
///
/// The newest transcript of the call, whoever gave it. While the call's recording is being written down, and when that was given up, its
/// status alone; 404 where nobody makes one.
#[utoipa::path(
    get, path = "/{uid}/transcript", tag = "voice_calls",
    params(("uid" = uuid::Uuid, Path, description = "The call's uid")),
    responses(
        (status = 200, description = "The transcript", body = Success<VoiceCallTranscript>,
            example = json!(example::transcript())),
        NoTranscript, Refusals
    ),
    security(("bearer" = []))
)]
pub(super) async fn get_transcript(
    State(state): State<ApiState>,
    caller: Caller,
    PathText(uid): PathText,
) -> Result<Response, Error> {
    require(&caller, Scope::ReadVoiceCalls)?;
    let call_id = super::call_id(uid)?;
    super::find(&state, &caller, call_id).await?;
    // Before the transcript: one that comes in between is shown.
    let unwritten = super::unwritten(&state, caller.account_id, call_id).await?;
    let kept = store::transcripts::find(&state.db, caller.account_id, call_id, None);
    let shown = match (store::ask(kept).await?, unwritten) {
        (Some(kept), _) => {
            let access = redact::access(&state.db, &caller).await?;
            let transcript = redact::transcript(kept.transcript, access).await;
            VoiceCallTranscript::done(&kept.head, &transcript)
        }
        (None, Some(status)) => VoiceCallTranscript {
            transcript_uid: call_id.uuid(),
            status,
            transcript: None,
        },
        (None, None) => return Err(Error::not_found("transcript")),
    };
    Ok(answer::json(StatusCode::OK, &Success::new(shown)))
}

impl VoiceCallTranscript {
    fn done(head: &Head, transcript: &Transcript) -> Self {
        let entries = ShownUtterance::all(transcript).into_iter();
        Self {
            transcript_uid: head.transcript_id.uuid(),
            status: TranscriptStatus::Done,
            transcript: Some(entries.map(TranscriptEntry::from).collect()),
        }
    }
}

impl From<ShownUtterance> for TranscriptEntry {
    fn from(utterance: ShownUtterance) -> Self {
        Self {
            timestamp: utterance.begin_ms.map(|ms| f64::from(ms) / 1000.0),
            speaker_role: match utterance.speaker {
                SpeakerRole::Agent => "staff",
                SpeakerRole::Customer => "client",
                SpeakerRole::System => "system",
                SpeakerRole::Unknown => "unknown",
            },
            text: utterance.text.into_string(),
        }
    }
}
