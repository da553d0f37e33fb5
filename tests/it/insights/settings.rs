//! The account's own fields: what they may be, and that the model fills them in.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Scene, answer, refund, says};

fn with_custom(custom: &Value) -> Value {
    let mut said = answer();
    said["custom"] = custom.clone();
    said
}

#[tokio::test]
async fn the_account_s_own_fields_are_asked_for_and_shown() {
    let filled = json!({"churn_risk": "low", "refund": 12.5, "manager": null, "note": "fine"});
    let reply = with_custom(&filled);
    let scene = Scene::set(move |_, _| says(&reply)).await;
    let fields = json!([
        {"name": "churn_risk", "type": "enum", "choices": ["low", "high"], "description": "How likely they leave.", "required": true},
        {"name": "refund", "type": "number", "description": "The refund in dollars."},
        {"name": "manager", "type": "boolean", "description": "Whether they asked for a manager."},
        {"name": "note", "type": "string", "description": "Anything else.", "required": true},
    ]);
    scene.wish(&json!({"fields": fields})).await;
    let call = scene.ended("fields", &refund()).await;
    scene.settle().await;
    let schema =
        scene.sent()[0]["response_format"]["json_schema"]["schema"]["properties"]["custom"].clone();
    let properties = &schema["properties"];
    assert_eq!(properties["churn_risk"]["enum"], json!(["low", "high"]));
    assert_eq!(properties["churn_risk"]["type"], "string");
    assert_eq!(properties["refund"]["type"], json!(["number", "null"]));
    assert_eq!(properties["note"]["description"], "Anything else.");
    let analysis = scene.analysis(&call).await;
    assert_eq!(
        analysis["structured_data"],
        json!({"status": "completed", "method": "llm", "value": filled})
    );
}

#[tokio::test]
async fn a_field_that_does_not_fit_is_not_kept() {
    let reply = with_custom(&json!({"churn_risk": "medium"}));
    let scene = Scene::set(move |_, _| says(&reply)).await;
    let field = json!({"name": "churn_risk", "type": "enum", "choices": ["low", "high"], "description": "d"});
    scene.wish(&json!({"fields": [field]})).await;
    let call = scene.ended("unfit", &refund()).await;
    scene.settle().await;
    let analysis = scene.analysis(&call).await;
    let failed = json!({"status": "failed", "reason": "MODEL_ANSWER_INVALID"});
    assert_eq!(analysis["structured_data"], failed);
    assert_eq!(analysis["status"], "partial");
}

#[tokio::test]
async fn a_schema_is_made_strict_and_other_wishes_ask_again() {
    let reply = with_custom(&json!({"order": {"number": "A-1", "items": null}}));
    let scene = Scene::set(move |number, _| match number {
        0 => says(&answer()),
        _ => says(&reply),
    })
    .await;
    let call = scene.ended("schema", &refund()).await;
    scene.settle().await;
    assert_eq!(scene.sent().len(), 1);
    let schema = json!({"type": "object", "properties": {"order": {
        "type": "object", "description": "The order.", "required": ["number"],
        "properties": {"number": {"type": "string"}, "items": {"type": "array", "items": {"type": "integer"}}},
    }}});
    scene.wish(&json!({"schema": schema})).await;
    let kept: Value = scene
        .app
        .get("/v1/analysis-settings", &scene.account.key)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        kept["insights"]["schema"],
        json!({"type": "object", "additionalProperties": false, "required": ["order"], "properties": {"order": {
            "type": ["object", "null"], "description": "The order.", "additionalProperties": false,
            "required": ["items", "number"],
            "properties": {"number": {"type": "string"},
                           "items": {"type": ["array", "null"], "items": {"type": "integer"}}},
        }}})
    );
    let mut longer = refund();
    longer["utterances"][0]["text"] = json!("Hello, how can I help?");
    scene.give(&call, &longer).await;
    scene.settle().await;
    let analysis = scene.analysis(&call).await;
    assert_eq!(analysis["revision"], 2);
    assert_eq!(
        analysis["structured_data"]["value"]["order"]["number"],
        "A-1"
    );
}

fn many(count: usize) -> Vec<Value> {
    let field =
        |number| json!({"name": format!("f{number}"), "type": "string", "description": "d"});
    (0..count).map(field).collect()
}

fn deep(levels: usize) -> Value {
    (1..levels).fold(
        json!({"type": "string"}),
        |inner, _| json!({"type": "object", "properties": {"x": inner}}),
    )
}

fn wide(count: usize) -> Value {
    let property = |number| (format!("p{number}"), json!({"type": "string"}));
    let properties: serde_json::Map<String, Value> = (0..count).map(property).collect();
    json!({"type": "object", "properties": properties})
}

/// Wishes with faults, and where they are.
fn faulty() -> Vec<(Value, Vec<&'static str>)> {
    vec![
        (json!({"enabled": "yes"}), vec!["#/insights/enabled"]),
        (json!({"fields": many(51)}), vec!["#/insights/fields"]),
        (
            json!({"fields": [
                {"name": "a b", "type": "string", "description": "d"},
                {"name": "a", "type": "date", "description": "d"},
                {"name": "b", "type": "enum", "description": "d"},
                {"name": "c", "type": "string", "choices": ["x"], "description": "d"},
                {"name": "c", "type": "string", "hint": 1},
            ]}),
            vec![
                "#/insights/fields/0/name",
                "#/insights/fields/1/type",
                "#/insights/fields/2/choices",
                "#/insights/fields/3/choices",
                "#/insights/fields/4/hint",
                "#/insights/fields/4/description",
            ],
        ),
        (
            json!({"schema": {"type": "object", "properties": {
                "a": {"type": "string", "pattern": "^x"}, "b": {"type": "date"}, "c": {"type": "array"},
            }, "required": ["d"], "additionalProperties": true}}),
            vec![
                "#/insights/schema/additionalProperties",
                "#/insights/schema/required",
                "#/insights/schema/properties/a/pattern",
                "#/insights/schema/properties/b/type",
                "#/insights/schema/properties/c/items",
            ],
        ),
        (
            json!({"schema": deep(6)}),
            vec![
                "#/insights/schema/properties/x/properties/x/properties/x/properties/x/properties/x",
            ],
        ),
        (json!({"schema": wide(51)}), vec!["#/insights/schema"]),
        (
            json!({"schema": {"type": "string"}}),
            vec!["#/insights/schema/type"],
        ),
    ]
}

#[tokio::test]
async fn every_fault_of_the_wishes_is_named() {
    let scene = Scene::set(|_, _| says(&answer())).await;
    for (wish, expected) in faulty() {
        let put = scene.app.put("/v1/analysis-settings", &scene.account.key);
        let refused = put.json(&json!({"insights": wish})).send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{wish}");
        let problem: Value = refused.json().await.unwrap();
        let errors = problem["errors"].as_array().unwrap().iter();
        let places: Vec<&str> = errors
            .map(|error| error["pointer"].as_str().unwrap())
            .collect();
        assert_eq!(places, expected, "{problem}");
    }
    scene.wish(&json!({"schema": deep(5)})).await;
    scene.wish(&json!({"schema": wide(50)})).await;
    scene.wish(&json!({"fields": many(50)})).await;
}
