//! What a verified webhook tells: that a room is over, or that a telephone has left it. The shape is protobuf's JSON: names
//! in camel case, 64-bit numbers as text, enums by name.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use http::header;
use serde::Deserialize;

use crate::{
    domain::{report::ReportKind, state::EndState, text::Text},
    providers::{InboundError, InboundRequest},
    rooms::{RoomReport, RoomReportKind},
};

/// What LiveKit and its SIP service call a leg, as attributes of the participant: its own id, the `Call-ID` of SIP, Twilio's.
const LEG_NAMES: [&str; 3] = ["sip.callID", "sip.callIDFull", "sip.twilio.callSid"];

/// The number of the telephone at the other end.
const PHONE_NUMBER: &str = "sip.phoneNumber";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(rename = "event")]
    name: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    created_at: Option<Seconds>,
    #[serde(default)]
    room: Room,
    #[serde(default)]
    participant: Option<Participant>,
    #[serde(default)]
    room_end_reason: Option<serde_json::Value>,
}

#[derive(Deserialize, Default)]
struct Room {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Participant {
    #[serde(default)]
    kind: serde_json::Value,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    disconnect_reason: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Text(String),
    Number(i64),
}

/// Reads a webhook. Nothing, if it tells of no end.
pub(super) fn read(request: &InboundRequest<'_>) -> Result<Option<RoomReport>, InboundError> {
    let media_type = request.headers.get(header::CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    let media_type = media_type
        .and_then(|value| value.split(';').next())
        .map(str::trim);
    if !matches!(
        media_type,
        Some("application/webhook+json" | "application/json")
    ) {
        return Err(InboundError::Malformed("not application/webhook+json"));
    }
    let event: Event = serde_json::from_slice(request.body)
        .map_err(|_error| InboundError::Malformed("not a webhook event"))?;
    let (kind, reason) = match event.name.as_str() {
        "room_finished" => (RoomReportKind::Finished, event.room_end_reason.as_ref()),
        "participant_left" => match event.participant.as_ref().and_then(left) {
            Some((kind, reason)) => (kind, Some(reason)),
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    if event.room.name.is_empty() {
        return Err(InboundError::Malformed("room.name is missing"));
    }
    let reason = reason.and_then(serde_json::Value::as_str);
    Ok(Some(RoomReport {
        event_id: event.id,
        occurred_at: event.created_at.as_ref().and_then(Seconds::time),
        room: event.room.name,
        kind,
        reason: reason.and_then(|reason| Text::parse(reason).ok()),
    }))
}

/// What it means that a participant left; nothing unless it is a telephone that will not be back.
fn left(participant: &Participant) -> Option<(RoomReportKind, &serde_json::Value)> {
    // `SIP` is 3.
    if participant.kind != "SIP" && participant.kind != 3 {
        return None;
    }
    let reason = &participant.disconnect_reason;
    let attribute = |name: &str| participant.attributes.get(name).filter(|v| !v.is_empty());
    let names = LEG_NAMES.into_iter().filter_map(attribute).cloned();
    let kind = RoomReportKind::PhoneLeft {
        names: names.collect(),
        number: attribute(PHONE_NUMBER).and_then(|number| number.parse().ok()),
        end: end(reason.as_str().unwrap_or_default())?,
    };
    Some((kind, reason))
}

/// How a telephone's call ended, by why it was disconnected; nothing for reasons after which the same participant may be back.
fn end(reason: &str) -> Option<ReportKind> {
    Some(match reason {
        "USER_UNAVAILABLE" => ReportKind::Ended(EndState::NoAnswer),
        "USER_REJECTED" => ReportKind::Ended(EndState::Busy),
        "SIP_TRUNK_FAILURE" | "MEDIA_FAILURE" | "AGENT_ERROR" | "JOIN_FAILURE" => {
            ReportKind::Ended(EndState::Failed)
        }
        "DUPLICATE_IDENTITY" | "MIGRATION" | "STATE_MISMATCH" | "SIGNAL_CLOSE"
        | "SERVER_SHUTDOWN" => {
            return None;
        }
        // `CLIENT_INITIATED`, `PARTICIPANT_REMOVED`, `ROOM_DELETED`, `ROOM_CLOSED`, `CONNECTION_TIMEOUT`, none at all, and
        // those yet to come: it is gone, and only the record knows whether anybody had answered.
        _ => ReportKind::HungUp(EndState::Canceled),
    })
}

impl Seconds {
    fn time(&self) -> Option<DateTime<Utc>> {
        let seconds = match self {
            Self::Text(text) => text.parse().ok()?,
            Self::Number(number) => *number,
        };
        DateTime::from_timestamp(seconds, 0).filter(|_| seconds > 0)
    }
}
