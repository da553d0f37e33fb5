//! The body of a webhook: made once when the event happens, and sent byte for byte on every attempt.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::{call_object::CallObject, event::EventType};

/// What is posted to an endpoint.
#[derive(Debug, Serialize)]
pub struct Envelope {
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// When it happened; when it is told is in the `webhook-timestamp` header.
    pub timestamp: DateTime<Utc>,
    /// The call as `GET /calls/{id}` answered at that moment.
    pub data: CallObject,
}

impl Envelope {
    /// The bytes to send.
    pub fn into_body(self) -> String {
        serde_json::to_string(&self).expect("a call object is plain data with text keys")
    }
}
