//! One story for every example of the surface in `openapi.yaml`: a call to the clinic that nobody took, and its follow-up.

use serde_json::{Value, json};

/// An answer with one voice call.
pub fn one() -> Value {
    json!({"success": true, "data": voice_call(&recording())})
}

/// The same without its recording.
pub fn without_recording() -> Value {
    json!({"success": true, "data": voice_call(&Value::Null)})
}

/// An answer with a page of them.
pub fn page() -> Value {
    json!({"success": true, "data": {
        "voice_calls": [voice_call(&recording())],
        "page": 1, "per_page": 25, "total_count": 1, "total_count_is_estimate": false,
    }})
}

/// An answer with a transcript.
pub fn transcript() -> Value {
    json!({"success": true, "data": {
        "transcript_uid": "0199c0de-0000-7000-8000-0000000000a1",
        "status": "DONE",
        "transcript": [
            {"timestamp": 0.0, "speaker_role": "staff", "text": "Hello, thank you for calling. How can I help you today?"},
            {"timestamp": 3.2, "speaker_role": "client", "text": "Hi, I'd like to schedule an appointment for next week."},
        ],
    }})
}

/// An answer with counts.
pub fn stats() -> Value {
    json!({"success": true, "data": {
        "status_counts": [
            {"status": "INCOMING_CALL", "count": 1},
            {"status": "ANSWERED_BY_STAFF", "count": 40},
            {"status": "MISSED", "count": 7},
            {"status": "ANSWERED_BY_CALLS_PROVIDER", "count": 12},
            {"status": "MISSED_CALL_HANDLED", "count": 3},
            {"status": "VOICEMAIL_RECEIVED", "count": 2},
        ],
        "total_voice_calls": 65, "start_date": "2026-03-01", "end_date": "2026-03-31",
    }})
}

fn recording() -> Value {
    json!({
        "uid": "rec-001", "recordingUrl": "https://example.com/recordings/rec-001.wav", "size": 482_000,
        "duration": 120, "recording_played": false, "recording_type": "CALL",
    })
}

fn voice_call(recording: &Value) -> Value {
    json!({
        "uid": "0199c0de-0000-7000-8000-000000000001", "duration": 120,
        "created_at": "2026-03-02T09:15:00Z", "updated_at": "2026-03-02T09:18:41Z",
        "status": "MISSED_CALL_HANDLED", "direction": "INBOUND",
        "staff_uid": "d290f1ee-6c54-4b01-90e6-d701748f0851", "client_uid": "d290f1ee-6c54-4b01-90e6-d701748f0851",
        "from_number": "+14155550148", "to_number": "+14155550901",
        "call_summary": "Client called to ask about their account balance",
        "recording": recording,
        "external_app_url": "https://example.com/call-details", "external_app_name": "Example",
        "source_id": "call-src-001", "external_uuid": "ext-call-001",
        "handled_by_staff_uid": "d290f1ee-6c54-4b01-90e6-d701748f0851", "handled_at": "2026-03-02T09:18:41Z",
        "deleted_at": null, "transcript_status": "DONE",
        "rate": "0.05", "price": "1.50", "provider": "VONAGE",
        "recording_id": recording["uid"], "business_uid": "b-001",
    })
}
