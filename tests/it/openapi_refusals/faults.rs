//! Requests that are wrong in themselves: 400 and 422.

use serde_json::{Value, json};

use super::{Compared, Operation, UNKNOWN, that_may_answer, with_two_hosts};
use crate::app::{TestAccount, TestApp};

/// What of the documented request is made wrong.
enum Wrong {
    /// A field is taken away.
    Without(&'static str),
    /// A field has another value.
    With(&'static str, Value),
    /// The query is this.
    Query(&'static str),
    /// The id in the path is none.
    Id,
    /// Nothing can be wrong but the request's head.
    Head,
}

fn fault(operation: Operation) -> Wrong {
    let template = operation.template;
    let template = template.strip_prefix("/v1").unwrap_or(template);
    match (operation.method, template) {
        ("post", "/calls/end" | "/erasures") => Wrong::With("call_id", json!("x")),
        ("post", "/calls" | "/calls/make-call") => Wrong::Without("call_to"),
        ("get", "/calls/query" | "/v3/communication/voice_calls") => Wrong::Query("per_page=101"),
        ("get", "/calls/export") => Wrong::Query("format=xml"),
        ("get", "/deliveries" | "/events" | "/webhook-endpoints" | "/erasures" | "/recoveries") => {
            Wrong::Query("limit=101")
        }
        ("get", "/numbers") => Wrong::Query("limit=1001"),
        ("post", "/connections") => Wrong::Without("provider"),
        ("post", "/webhook-endpoints") => Wrong::Without("url"),
        ("patch", "/webhook-endpoints/{id}") => Wrong::With("max_per_second", json!(1_001)),
        ("post", "/webhook-endpoints/{id}/rotate-secret") => {
            Wrong::With("overlap_s", json!(604_801))
        }
        ("post", "/webhook-endpoints/{id}/explain-signature") => Wrong::Without("webhook_id"),
        ("post", "/webhook-endpoints/{id}/recover") => Wrong::Without("since"),
        ("get", path) if path.ends_with("/voice_call_stats") => Wrong::Query("start_date=x"),
        ("put", path) if path.ends_with("/voice_call_recordings/{uid}") => {
            Wrong::With("recording_played", json!("yes"))
        }
        ("put" | "patch" | "post", path) if path.starts_with("/v3/") => {
            Wrong::With("rate", json!(0.05))
        }
        ("post", path) if path.starts_with("/platform/") => Wrong::With("target_url", json!(1)),
        ("post", path) if path.starts_with("/api/v1/voip/") => Wrong::Without("CallId"),
        (_, path) if path.contains("{id}") || path.contains("{number}") => Wrong::Id,
        _ => Wrong::Head,
    }
}

/// The documented body of an operation, with a field changed or taken away.
pub(super) fn changed(operation: Operation, field: &str, value: Option<Value>) -> Value {
    let (_, example) = operation.body().unwrap();
    let mut body = example.clone();
    let fields = body.as_object_mut().unwrap();
    // A request is made in one business, the default account's.
    if fields.contains_key("business_uid") {
        fields.insert("business_uid".to_owned(), json!("business-default"));
    }
    match value {
        Some(value) => fields.insert(field.to_owned(), value),
        None => fields.remove(field),
    };
    body
}

pub(super) async fn provoke(app: &TestApp, account: &TestAccount, compared: &mut Compared) {
    for operation in that_may_answer(400) {
        // Read only after its signature was verified: `conflicts` has a connection for that.
        if operation.template.starts_with("/inbound/") {
            continue;
        }
        let path = operation.path(UNKNOWN);
        let begin = |path: &str| operation.begin(app, path).bearer_auth(&account.key);
        let request = match fault(operation) {
            Wrong::Without(field) => begin(&path).json(&changed(operation, field, None)),
            Wrong::With(field, value) => begin(&path).json(&changed(operation, field, Some(value))),
            Wrong::Query(query) => begin(&format!("{path}?{query}")),
            Wrong::Id => operation.as_documented(app, "x").bearer_auth(&account.key),
            Wrong::Head => {
                compared.compare(operation, 400, &with_two_hosts(app, operation).await);
                continue;
            }
        };
        compared.expect(operation, 400, request.send().await).await;
    }
    senseless(app, account, compared).await;
}

/// What makes the documented body of an operation senseless: a field, and its value, or that it is absent.
type Senseless = (&'static str, &'static str, &'static str, Option<Value>);

fn native() -> Vec<Senseless> {
    let nowhere = Some(json!("ftp://example.com/"));
    vec![
        (
            "put",
            "/v1/calls/{id}/transcript",
            "utterances",
            Some(json!([])),
        ),
        (
            "put",
            "/v1/analysis-settings",
            "short_call_seconds",
            Some(json!("ten")),
        ),
        (
            "patch",
            "/v1/account/retention",
            "payload_days",
            Some(json!(0)),
        ),
        ("post", "/v1/webhook-endpoints", "url", nowhere.clone()),
        (
            "patch",
            "/v1/webhook-endpoints/{id}",
            "url",
            nowhere.clone(),
        ),
        ("post", "/v1/connections", "base_url", nowhere),
        (
            "put",
            "/v1/numbers/{number}",
            "connection_id",
            Some(json!(UNKNOWN)),
        ),
    ]
}

fn of_surfaces() -> Vec<Senseless> {
    let voice_calls = "/v3/communication/voice_calls";
    let inbound = json!("inbound");
    vec![
        (
            "post",
            "/platform/v1/webhook/subscribe",
            "event",
            Some(json!("client/created")),
        ),
        (
            "post",
            "/platform/v1/webhook/unsubscribe",
            "event",
            Some(json!("client/created")),
        ),
        ("post", voice_calls, "direction", Some(inbound.clone())),
        (
            "put",
            "/v3/communication/voice_calls/{uid}",
            "direction",
            Some(inbound.clone()),
        ),
        (
            "patch",
            "/v3/communication/voice_calls/{uid}",
            "direction",
            Some(inbound),
        ),
        (
            "put",
            "/v3/communication/voice_call_recordings/{uid}",
            "recording_played",
            None,
        ),
    ]
}

/// Of the right form, and senseless.
async fn senseless(app: &TestApp, account: &TestAccount, compared: &mut Compared) {
    for (method, template, field, value) in native().into_iter().chain(of_surfaces()) {
        let operation = Operation::find(method, template);
        let request = operation.begin(app, &operation.path(UNKNOWN));
        let request = request.bearer_auth(&account.key);
        let request = request.json(&changed(operation, field, value));
        compared.expect(operation, 422, request.send().await).await;
    }
}
