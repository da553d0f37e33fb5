//! The endpoint of the story was away for a night, and is told what it has missed.

use serde_json::{Value, json};

use super::{ENDPOINT, set};

/// What it has missed is to be sent again.
pub fn body() -> Value {
    json!({"since": "2026-03-08T20:00:00Z"})
}

/// All of it is on its way.
pub fn recovery() -> Value {
    json!({
        "id": "0199c0de-0000-7000-8000-0000000000e5", "endpoint_id": ENDPOINT, "since": "2026-03-08T20:00:00Z",
        "until": "2026-03-09T08:00:00.101Z", "states": ["dead", "discarded"], "missing": false, "state": "completed",
        "looked_at": 1840, "resent": 312, "made": 0, "skipped": 0,
        "created_at": "2026-03-09T08:00:00.101Z", "finished_at": "2026-03-09T08:00:00.734Z",
    })
}

/// It has just been asked for.
pub fn begun() -> Value {
    let mut recovery = recovery();
    let begun = [
        ("state", json!("running")),
        ("looked_at", json!(0)),
        ("resent", json!(0)),
        ("finished_at", Value::Null),
    ];
    set(&mut recovery, &begun);
    recovery
}

/// A page of recoveries.
pub fn recoveries() -> Value {
    json!({"data": [recovery()], "next_cursor": null})
}
