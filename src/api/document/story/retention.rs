//! The account of the story keeps what was said for a year.

use serde_json::{Value, json};

/// It says so.
pub fn body() -> Value {
    json!({"transcript_days": 365, "payload_days": 14})
}

/// How long it keeps what.
pub fn retention() -> Value {
    json!({
        "own": {
            "payload_days": 14, "attempt_days": null, "receipt_days": null, "transcript_days": 365, "recording_days": null, "call_days": null,
        },
        "effective": {
            "payload_days": 14, "attempt_days": 90, "receipt_days": 90, "transcript_days": 365, "recording_days": null, "call_days": null,
        },
        "updated_at": "2026-03-01T08:00:00Z",
    })
}
