//! The schema of a model's answer: the strict subset that servers understand alike. Bounds are not in it, for not all of them
//! know those; `answer` sees to them.

use serde_json::{Value, json};

/// The schema, with the account's own fields if it has any.
pub fn schema(custom: Option<Value>) -> Value {
    let properties = json!({
        "summary": {
            "type": "string",
            "description": "What happened on the call, in one to three plain sentences."
        },
        "customer_sentiment": {
            "type": "string", "enum": ["positive", "neutral", "negative", "mixed", "unknown"],
            "description": "How the customer felt about the call as a whole."
        },
        "call_reason": {"type": "string", "description": "Why the call was made, in a few words."},
        "outcome": {
            "type": "string",
            "enum": [
                "resolved", "unresolved", "follow_up", "transferred", "voicemail", "no_conversation", "other"
            ],
            "description": "What came of the call."
        },
        "call_successful": {
            "type": ["boolean", "null"],
            "description": "Whether the purpose of the call was achieved; null if it does not show."
        },
        "success_reason": {"type": "string", "description": "Why, in one sentence."},
        "topics": {
            "type": "array", "items": {"type": "string"},
            "description": "What was talked about, at most ten, in a few words each."
        },
        "action_items": {
            "type": "array",
            "description": "What somebody said they will do after the call.",
            "items": {
                "type": "object", "additionalProperties": false,
                "required": ["owner", "text", "evidence_turns"],
                "properties": {
                    "owner": {"type": "string", "enum": ["agent", "customer"]},
                    "text": {"type": "string"},
                    "evidence_turns": {
                        "type": "array", "items": {"type": "integer"},
                        "description": "The numbers of the turns that show it."
                    }
                }
            }
        },
        "in_voicemail": {
            "type": "boolean",
            "description": "Whether a voicemail system or an answering machine took the call."
        }
    });
    let Value::Object(mut properties) = properties else {
        return properties;
    };
    if let Some(custom) = custom {
        properties.insert("custom".to_owned(), custom);
    }
    let required: Vec<String> = properties.keys().cloned().collect();
    json!({
        "type": "object", "additionalProperties": false, "required": required, "properties": properties,
    })
}
