//! One story for the examples of `openapi.yaml`: a call that the account placed, what was said on it, and who was told.
//!
//! The two longer pieces are what the service answered when the story was played.

use serde_json::{Value, json};

pub mod recovery;
pub mod retention;

const CALL: &str = "0199c0de-0000-7000-8000-000000000001";
const CONNECTION: &str = "0199c0de-0000-7000-8000-0000000000c1";
const ENDPOINT: &str = "0199c0de-0000-7000-8000-0000000000e1";
const PUBLIC_KEY: &str = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const EVENT: &str = "0199c0de-0000-7000-8000-0000000000b1";
const DELIVERY: &str = "0199c0de-0000-7000-8000-0000000000d1";
const ERASURE: &str = "0199c0de-0000-7000-8000-0000000000e2";
const TRANSCRIPT: &str = "0199c0de-0000-7000-8000-0000000000f1";
const ENDED_AT: &str = "2026-03-02T09:15:28.569Z";

/// The call after its end, analysed.
pub fn call() -> Value {
    let mut call = read(include_str!("story/call.json"));
    set(&mut call, &[("analysis", analysis())]);
    call
}

/// The call as it was placed.
pub fn placed_call() -> Value {
    let mut call = read(include_str!("story/call.json"));
    let nothing = [
        "call_feedback",
        "transcript",
        "transcript_object",
        "transcript_language",
        "metadata",
        "started_at",
        "ended_at",
        "ring_duration",
        "total_duration",
    ];
    set(&mut call, &nothing.map(|field| (field, Value::Null)));
    let empty = ["analysis_sentiment", "disconnect_reason", "price_unit"];
    set(&mut call, &empty.map(|field| (field, json!(""))));
    let zero = ["call_duration", "call_rating"];
    set(&mut call, &zero.map(|field| (field, json!(0))));
    let young = [
        ("call_status", json!("queued")),
        ("cost", json!(0.0)),
        ("terminations", json!([])),
        ("updated_at", json!("2026-03-02T09:15:15.335Z")),
    ];
    set(&mut call, &young);
    call
}

/// A call that another system placed, as it was recorded.
pub fn recorded_call() -> Value {
    let mut call = placed_call();
    let elsewhere = [
        ("campaign_id", json!("0190f5fe-7c00-7a00-8000-000000000001")),
        ("call_provider", json!("voip")),
        ("call_from", json!("+1234567890")),
        ("call_to", json!("+1789451230")),
        ("from_e164", json!("+1234567890")),
        ("to_e164", json!("+1789451230")),
        ("is_test", json!(false)),
        ("placement", Value::Null),
    ];
    set(&mut call, &elsewhere);
    call
}

/// The call, deleted.
pub fn deleted_call() -> Value {
    let mut call = call();
    let deleted_at = json!("2026-03-02T09:16:00.743Z");
    set(
        &mut call,
        &[
            ("deleted_at", deleted_at.clone()),
            ("updated_at", deleted_at),
        ],
    );
    call
}

/// A revision of the call's analysis, as lists and the Call object show it.
pub fn analysis() -> Value {
    let mut analysis = analysis_with_transcript();
    if let Some(fields) = analysis.as_object_mut() {
        fields.remove("transcript");
    }
    analysis
}

/// The same with the transcript that it was made of.
pub fn analysis_with_transcript() -> Value {
    read(include_str!("story/analysis.json"))
}

/// A page of its revisions.
pub fn analyses() -> Value {
    json!({"data": [analysis()], "next_before": null})
}

/// A transcript to be taken.
pub fn transcript_body() -> Value {
    json!({"language": "en", "utterances": utterances()})
}

/// The same as lines of text.
pub fn transcript_text() -> &'static str {
    "[0:00.400 - 0:02.900] agent: Thank you for calling, how can I help?\n\
     [0:03.300 - 0:06.800] customer: I was charged twice, that is terrible.\n"
}

/// That it was.
pub fn transcript_taken() -> Value {
    json!({"call_id": CALL, "transcript_id": TRANSCRIPT, "created_at": "2026-03-02T09:15:17.556Z", "timed": true})
}

/// The transcript.
pub fn transcript() -> Value {
    let mut shown = transcript_taken();
    let rest = [
        ("source", json!("caller")),
        ("language", json!("en")),
        ("utterances", utterances()),
    ];
    set(&mut shown, &rest);
    shown
}

/// What bounds the call.
pub fn limits() -> Value {
    json!({
        "call_id": CALL, "max_duration": 3600, "end_at": null, "connection_max_duration": null, "account_max_duration": 14_400,
        "ends_at": "2026-03-02T10:15:15.640Z", "ends_by": "max_duration",
    })
}

/// The call and the leg that it made.
pub fn legs() -> Value {
    json!({
        "call_id": CALL, "call_sid": "CA12345678904567890", "parent_call_sid": null, "conversation": null,
        "legs": [{
            "call_sid": "CA12345678904567891", "call_id": "0199c0de-0000-7000-8000-000000000002", "call_status": "completed",
            "parent_call_sid": "CA12345678904567890", "conversation": null, "first_seen_at": "2026-03-02T09:15:20.104Z",
        }],
    })
}

/// The account.
pub fn account() -> Value {
    json!({
        "id": "0199c0de-0000-7000-8000-0000000000ac", "name": "acme", "business_uid": "biz_42", "voip": "key",
        "max_duration": 14_400, "created_at": "2026-03-01T08:00:00Z",
    })
}

/// What becomes of a request for an analysis.
pub fn analysis_requested() -> Value {
    json!({"call_id": CALL, "state": "queued", "revision": 1})
}

/// What an account wants of its analyses.
pub fn analysis_settings() -> Value {
    json!({"short_call_seconds": 10, "updated_at": "2026-03-01T08:00:00Z"})
}

/// A connection.
pub fn connection() -> Value {
    json!({
        "id": CONNECTION, "provider": "twilio", "label": "Support, Berlin", "base_url": "https://api.twilio.com/",
        "numbers": ["+14155550100"],
        "status_callback_url": format!("https://calls.example.com/inbound/twilio/{CONNECTION}#rc=5&rp=ct,rt,5xx"),
        "answer_url": "https://agent.example.com/voice", "answer_application": null, "max_duration": 3600,
        "former_credentials_until": null, "created_at": "2026-03-01T08:00:00Z", "updated_at": "2026-03-01T08:00:00Z",
    })
}

/// The account's connections.
pub fn connections() -> Value {
    json!({"data": [connection()]})
}

/// The connection, tried.
pub fn connection_tested() -> Value {
    json!({"ok": true, "outcome": "ok", "detail": "Twilio accepts the credentials", "duration_ms": 84})
}

/// A routed number.
pub fn number() -> Value {
    json!({"number": "+14155550100", "connection_id": CONNECTION, "provider": "twilio"})
}

/// A page of routed numbers.
pub fn numbers() -> Value {
    json!({"data": [number()], "next_after": null})
}

/// An endpoint.
pub fn endpoint() -> Value {
    json!({
        "id": ENDPOINT, "url": "https://example.com/hook", "kind": "standard", "event_types": ["call.ended", "call.analyzed"],
        "signatures": ["v1"], "public_key": PUBLIC_KEY, "headers": {"x-tenant": "********"}, "authorization": {"type": "bearer"},
        "max_per_second": 50, "max_concurrency": null, "state": "enabled", "disabled_reason": null,
        "created_at": "2026-03-01T08:10:00Z", "updated_at": "2026-03-01T08:10:00Z",
    })
}

/// The endpoint, as it is asked for.
pub fn endpoint_wanted() -> Value {
    json!({
        "url": "https://example.com/hook", "event_types": ["call.ended", "call.analyzed"], "headers": {"x-tenant": "acme"},
        "authorization": {"type": "bearer", "token": "a-token-of-yours"}, "max_per_second": 50,
    })
}

/// The endpoint, disabled.
pub fn endpoint_disabled() -> Value {
    let mut endpoint = endpoint();
    let disabled = [
        ("state", json!("disabled")),
        ("disabled_reason", json!("manual")),
        ("updated_at", json!("2026-03-05T09:00:00Z")),
    ];
    set(&mut endpoint, &disabled);
    endpoint
}

/// The endpoint, tried out.
pub fn endpoint_tested() -> Value {
    let body = json!({"type": "webhook.test", "timestamp": "2026-03-05T09:00:00Z", "data": {"endpoint_id": ENDPOINT}});
    json!({
        "ok": true, "outcome": "succeeded", "started_at": "2026-03-05T09:00:00Z", "duration_ms": 41,
        "request": {
            "method": "POST", "url": "https://example.com/hook",
            "headers": {
                "authorization": "********", "content-type": "application/json", "webhook-id": "0199c0de-0000-7000-8000-0000000000b9",
                "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=", "webhook-timestamp": "1772701200",
                "x-tenant": "********",
            },
            "body": body.to_string(),
        },
        "response": {"status": 204, "body": "", "truncated": false},
    })
}

/// A key of the endpoint.
pub fn endpoint_key() -> Value {
    json!({
        "id": "0199c0de-0000-7000-8000-0000000000e2", "scheme": "v1", "public_key": null,
        "created_at": "2026-03-01T08:10:00Z", "expires_at": null,
    })
}

/// The endpoint's keys.
pub fn endpoint_keys() -> Value {
    let mut public = endpoint_key();
    let other = [
        ("id", json!("0199c0de-0000-7000-8000-0000000000e3")),
        ("scheme", json!("v1a")),
        ("public_key", json!(PUBLIC_KEY)),
    ];
    set(&mut public, &other);
    json!({"data": [endpoint_key(), public]})
}

/// A new key, and the one before it.
pub fn endpoint_key_rotated() -> Value {
    let mut former = endpoint_key();
    set(
        &mut former,
        &[("expires_at", json!("2026-03-06T09:00:00Z"))],
    );
    let mut key = endpoint_key();
    let secret = format!("whsec_{}=", "A".repeat(43));
    let new = [
        ("id", json!("0199c0de-0000-7000-8000-0000000000e4")),
        ("created_at", json!("2026-03-05T09:00:00Z")),
        ("secret", json!(secret)),
        ("former", json!([former])),
    ];
    set(&mut key, &new);
    key
}

/// What a receiver asks about.
pub fn signature_to_explain() -> Value {
    json!({
        "webhook_id": EVENT, "webhook_timestamp": "1772442928",
        "webhook_signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
        "body": "{\"type\": \"call.ended\"}", "computed_signature": "v1,AAAA",
    })
}

/// What it is told.
pub fn signature_explained() -> Value {
    json!({
        "verifies": false,
        "findings": [
            {"part": "id", "holds": true, "detail": "it is an event of this account"},
            {"part": "timestamp", "holds": true, "detail": "4 s before now"},
            {"part": "signature", "holds": false, "detail":
                "a key of this endpoint made it of the body that was sent, which is not the body given here"},
            {"part": "body", "holds": false, "detail":
                "it is the same JSON in other bytes: it was parsed and written again. Verify the raw body, before any parsing. 22 bytes, \
                 21 were sent; the first 8 are the same"},
            {"part": "computed", "holds": false, "detail":
                "no key of this endpoint makes it, nor do the usual mistakes: compare `signed_content` with what the receiver signs"},
        ],
        "signed_content": format!("{EVENT}.1772442928.{{\"type\": \"call.ended\"}}"),
        "signed_content_bytes": 70,
    })
}

/// The endpoint, just added.
pub fn endpoint_added() -> Value {
    let mut endpoint = endpoint();
    // The example key of the Standard Webhooks specification is shorter; this one is 32 zero bytes.
    let secret = format!("whsec_{}=", "A".repeat(43));
    set(&mut endpoint, &[("secret", json!(secret))]);
    endpoint
}

/// The account's endpoints.
pub fn endpoints() -> Value {
    json!({"data": [endpoint()], "next_cursor": null})
}

/// A page of deliveries.
pub fn deliveries() -> Value {
    json!({"data": [delivery()], "next_cursor": null})
}

/// A delivery that came through at the second attempt.
pub fn delivery_with_attempts() -> Value {
    let mut delivery = delivery();
    let attempts = json!([
        {"attempt": 2, "request": request(1_772_442_934), "started_at": "2026-03-02T09:15:34.650Z", "duration_ms": 12, "outcome": "succeeded",
            "response_status": 200, "response_body": "thank you"},
        {"attempt": 1, "request": request(1_772_442_928), "started_at": "2026-03-02T09:15:28.589Z", "duration_ms": 9, "outcome": "server_error",
            "response_status": 502, "response_body": "bad gateway"},
    ]);
    set(&mut delivery, &[("attempts", attempts)]);
    delivery
}

fn request(timestamp: i64) -> Value {
    json!({
        "method": "POST", "url": "https://example.com/hook", "webhook_id": EVENT, "webhook_timestamp": timestamp,
    })
}

/// The delivery, on its way once more.
pub fn delivery_again() -> Value {
    let mut delivery = delivery_with_attempts();
    let again = [
        ("state", json!("pending")),
        ("next_attempt_at", json!("2026-03-02T10:00:00.682Z")),
        ("finished_at", Value::Null),
    ];
    set(&mut delivery, &again);
    delivery
}

/// What was told.
pub fn event() -> Value {
    let call = read(include_str!("story/call.json"));
    let body = json!({"type": "call.ended", "timestamp": ENDED_AT, "data": call});
    json!({"id": EVENT, "type": "call.ended", "call_id": CALL, "timestamp": ENDED_AT, "body": body.to_string()})
}

/// A page of events.
pub fn events() -> Value {
    let event = json!({
        "id": EVENT, "type": "call.ended", "call_id": CALL, "timestamp": ENDED_AT, "body_bytes": 5_312,
    });
    json!({"data": [event], "next_cursor": null})
}

/// The call is to be erased.
pub fn erasure_body() -> Value {
    json!({"call_id": CALL})
}

/// It was: the receipt.
pub fn erasure() -> Value {
    json!({
        "id": ERASURE,
        "subject": {"type": "call", "digest": "5f2c1b9a3d4e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f8"},
        "state": "completed", "calls_looked_at": 0, "calls_found": 1, "calls_erased": 1,
        "removed": {"analyses": 1, "attempts": 2, "calls": 1, "deliveries": 1, "names": 1, "receipts": 3, "transcripts": 1,
            "webhook_payloads": 1},
        "created_at": "2026-03-09T08:00:00.101Z", "completed_at": "2026-03-09T08:00:00.392Z",
    })
}

/// A page of erasures.
pub fn erasures() -> Value {
    json!({"data": [erasure()], "next_cursor": null})
}

fn delivery() -> Value {
    json!({
        "id": DELIVERY, "event_id": EVENT, "event_type": "call.ended", "endpoint_id": ENDPOINT, "call_id": CALL,
        "state": "succeeded", "attempts_made": 2, "next_attempt_at": null,
        "created_at": ENDED_AT, "finished_at": "2026-03-02T09:15:34.662Z",
    })
}

fn utterances() -> Value {
    json!([
        {"speaker": "agent", "begin_ms": 400, "end_ms": 2900, "text": "Thank you for calling, how can I help?"},
        {"speaker": "customer", "begin_ms": 3300, "end_ms": 6800, "text": "I was charged twice, that is terrible."},
        {"speaker": "agent", "begin_ms": 7200, "end_ms": 9900, "text": "I am sorry. The refund is on its way."},
        {"speaker": "customer", "begin_ms": 10_300, "end_ms": 12_800, "text": "Great, thank you so much!"},
    ])
}

fn read(piece: &str) -> Value {
    serde_json::from_str(piece).expect("a piece of the story is JSON, as its test shows")
}

fn set(object: &mut Value, fields: &[(&str, Value)]) {
    if let Some(object) = object.as_object_mut() {
        let fields = fields.iter().cloned();
        object.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    }
}
