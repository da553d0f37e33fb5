//! What a verified event tells: the state of a call, or a recording.

use serde::Deserialize;

use crate::{
    domain::{
        report::{Facts, ReportKind},
        text::Text,
    },
    providers::Leg,
};

use super::{
    InboundError, InboundReport,
    wire::{self, Data},
};

/// An event.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    id: Option<String>,
    #[serde(rename = "event_type")]
    name: String,
    occurred_at: Option<String>,
    #[serde(default)]
    payload: Payload,
}

/// What it tells of the call. `call.hangup` has neither direction nor duration.
#[derive(Debug, Default, Deserialize)]
struct Payload {
    call_control_id: Option<String>,
    call_session_id: Option<String>,
    direction: Option<String>,
    from: Option<String>,
    to: Option<String>,
    hangup_cause: Option<String>,
    recording_urls: Option<Urls>,
    public_recording_urls: Option<Urls>,
}

/// Where a recording is, by format.
#[derive(Debug, Deserialize)]
struct Urls {
    mp3: Option<String>,
    wav: Option<String>,
}

/// Reads an event. Nothing, if it says only what we do not know or need: speech, digits, costs, streams.
pub(super) fn read(event: Data<Event>) -> Result<Option<InboundReport>, InboundError> {
    let event = event.data;
    let payload = event.payload;
    let Some(kind) = wire::kind(&event.name, payload.hangup_cause.as_deref()) else {
        return Ok(None);
    };
    let recording = kind == ReportKind::Recording;
    let conversation = payload.call_session_id.and_then(wire::name);
    let call = payload.call_control_id.and_then(wire::name);
    // The event of a recording names the session: the call that is first in it is meant.
    let call = call.or_else(|| conversation.clone().filter(|_| recording));
    let facts = Facts {
        direction: payload.direction.as_deref().and_then(wire::direction),
        from: payload.from.and_then(wire::party),
        to: payload.to.and_then(wire::party),
        recording_url: recording
            .then(|| url(payload.public_recording_urls, payload.recording_urls))
            .flatten(),
        disconnect_reason: payload
            .hangup_cause
            .and_then(|cause| Text::parse(cause).ok()),
        ..Facts::default()
    };
    Ok(Some(InboundReport {
        call: call.ok_or(InboundError::Malformed(
            "call_control_id is missing or too long",
        ))?,
        event_id: event.id,
        occurred_at: event.occurred_at.as_deref().and_then(wire::time),
        kind,
        facts,
        leg: Leg {
            parent: None,
            conversation,
        },
    }))
}

/// The public one lives as long as the recording does, the other for ten minutes.
fn url(public: Option<Urls>, private: Option<Urls>) -> Option<Text<2048>> {
    let mut urls = [public, private].into_iter().flatten();
    urls.find_map(|urls| Text::parse(urls.mp3.or(urls.wav)?).ok())
}
