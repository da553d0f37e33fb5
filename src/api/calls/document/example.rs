//! The answers of the surface as `openapi.yaml` shows them; their calls are those of the document's story.

use serde_json::{Value, json};

use crate::api::document::story;

/// A call that was found.
pub fn found() -> Value {
    one("Call found", &story::call())
}

/// A call that was placed.
pub fn placed() -> Value {
    one("Call initiated", &story::placed_call())
}

/// A call that was recorded.
pub fn recorded() -> Value {
    one("Call recorded", &story::recorded_call())
}

/// The same again.
pub fn recorded_again() -> Value {
    one("Call already recorded", &story::recorded_call())
}

/// A call that was changed.
pub fn updated() -> Value {
    one("Call updated", &story::call())
}

/// A call that was deleted.
pub fn deleted() -> Value {
    one("Call deleted", &story::deleted_call())
}

/// A page of calls.
pub fn page() -> Value {
    json!({"status": "ok", "message": "Calls found", "data": [story::call()], "meta": {
        "page": 0, "per_page": 10, "total": 1, "total_is_estimate": false, "next_cursor": null,
    }})
}

fn one(message: &str, call: &Value) -> Value {
    json!({"status": "ok", "message": message, "data": call})
}
