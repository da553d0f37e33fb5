//! Daily's webhooks. `X-Webhook-Signature` is the base64 of HMAC-SHA256 over `{X-Webhook-Timestamp}.{body}` with the decoded
//! secret. The time is in seconds by the documentation and in milliseconds as it comes; both are read, and signed is what came.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use http::HeaderMap;
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use crate::{
    domain::connection::Credentials,
    providers::{InboundError, InboundRequest},
    rooms::{RoomReport, RoomReportKind},
};

const SIGNATURE: &str = "x-webhook-signature";
const TIMESTAMP: &str = "x-webhook-timestamp";

/// How old a webhook may be, and how far ahead, in milliseconds.
const AGE_MS_MAX: u64 = 300_000;

/// A number of this size is milliseconds: in seconds, it would be the year 5138.
const MILLISECONDS_MIN: i64 = 100_000_000_000;

/// What Daily asks with, unsigned if the webhook has no secret yet, whether anybody listens. It tells nothing.
const PROBE: &[u8] = br#"{"test":"test"}"#;

#[derive(Deserialize)]
struct Event {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    payload: Payload,
}

#[derive(Deserialize, Default)]
struct Payload {
    #[serde(default)]
    room: String,
    #[serde(default)]
    end_ts: Option<f64>,
}

/// Verifies a webhook and reads it. Nothing, if it tells of no end.
pub(super) fn read(
    request: &InboundRequest<'_>,
    credentials: &Credentials,
) -> Result<Option<RoomReport>, InboundError> {
    let headers = request.headers;
    let bare = !headers.contains_key(SIGNATURE) && !headers.contains_key(TIMESTAMP);
    if bare && request.body == PROBE {
        return Ok(None);
    }
    if !is_genuine(request, credentials).unwrap_or_default() {
        return Err(InboundError::Unverified);
    }
    let event: Event = serde_json::from_slice(request.body)
        .map_err(|_error| InboundError::Malformed("not a webhook event"))?;
    if event.kind != "meeting.ended" {
        return Ok(None);
    }
    if event.payload.room.is_empty() {
        return Err(InboundError::Malformed("payload.room is missing"));
    }
    Ok(Some(RoomReport {
        event_id: event.id,
        occurred_at: event.payload.end_ts.and_then(time),
        room: event.payload.room,
        kind: RoomReportKind::Finished,
        reason: None,
    }))
}

/// Whether it is signed, and of now; nothing if it is not even of the form.
fn is_genuine(request: &InboundRequest<'_>, credentials: &Credentials) -> Option<bool> {
    let secret = credentials.signing_secret.as_ref()?;
    let secret = BASE64_STANDARD.decode(secret.expose_secret()).ok()?;
    let timestamp = only(request.headers, TIMESTAMP)?;
    let signature = BASE64_STANDARD
        .decode(only(request.headers, SIGNATURE)?)
        .ok()?;
    let (whole, _fraction) = timestamp.split_once('.').unwrap_or((timestamp, ""));
    let number: i64 = whole.parse().ok()?;
    let sent_ms = if number < MILLISECONDS_MIN {
        number.checked_mul(1000)?
    } else {
        number
    };
    let fresh = request.received_at.timestamp_millis().abs_diff(sent_ms) <= AGE_MS_MAX;
    let signed = [timestamp.as_bytes(), b".", request.body].concat();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
    Some(!secret.is_empty() && fresh && hmac::verify(&key, &signed, &signature).is_ok())
}

/// The value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

fn time(seconds: f64) -> Option<DateTime<Utc>> {
    let since = Duration::try_from_secs_f64(seconds).ok()?;
    DateTime::from_timestamp(i64::try_from(since.as_secs()).ok()?, since.subsec_nanos())
}
