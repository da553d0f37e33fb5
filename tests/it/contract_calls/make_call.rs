//! `POST /calls/make-call`: every field, before anybody is asked. [`crate::placing`] has what is asked then.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Bench, Case, Expect, check, invalid, refusal, too_long, with, wrong_type};

const MAKE: (Method, &str) = (Method::POST, "/calls/make-call");

const PHONE: &str = "must be a phone number such as +1234567890, (123) 456-7890, 123-456-7890, 123.456.7890, 123 456 7890, \
     1234567890 ext 123 or +1 (123) 456-7890";

/// What is refused when nothing else is: the account has no such number. So no case here reaches a provider.
const NOT_OURS: (&str, &str, &str) = (
    "call_from",
    "invalid",
    "is not a number of one of the account's connections",
);

fn whole_call() -> Value {
    json!({
        "ai_agent_id": "550e8400-e29b-41d4-a716-446655440000", "call_from": "+1234567890", "call_to": "(123) 456-7890",
        "dynamic_variables": [{"name": "customer_name", "value": "Jane"}], "workspace": "default",
    })
}

fn number(field: &'static str) -> Vec<Case> {
    vec![
        (field, None, Expect::Missing),
        (field, Some(Value::Null), Expect::Missing),
        invalid(field, json!(""), PHONE),
        invalid(field, json!("911"), PHONE),
        invalid(field, json!("anonymous"), PHONE),
        invalid(field, json!("sip:bob@pbx.example"), PHONE),
        invalid(field, json!("12345678901"), PHONE),
        invalid(field, json!("+1234567890123456"), PHONE),
        invalid(field, json!("1234567890 EXTENSION 1"), PHONE),
        invalid(
            field,
            json!(format!("+1234567890{}", " ".repeat(54))),
            PHONE,
        ),
        invalid(
            field,
            json!("+1\u{0}234567890"),
            "must not contain the NUL character",
        ),
        wrong_type(field, json!(1_234_567_890), "must be a string"),
        wrong_type(field, json!(["+1234567890"]), "must be a string"),
    ]
}

fn cases() -> Vec<Case> {
    let uuid = "must be a UUID";
    let list = "must be an array of {\"name\", \"value\"}";
    let variables = |count: usize| {
        let each = (0..count).map(|n| json!({"name": format!("n{n}"), "value": "v"}));
        Value::Array(each.collect())
    };
    let mut cases = [number("call_from"), number("call_to")].concat();
    cases.extend([
        ("ai_agent_id", None, Expect::Missing),
        ("ai_agent_id", Some(Value::Null), Expect::Missing),
        invalid("ai_agent_id", json!(""), uuid),
        invalid(
            "ai_agent_id",
            json!("550e8400e29b41d4a716446655440000"),
            uuid,
        ),
        wrong_type("ai_agent_id", json!(1), "must be a string"),
        invalid("workspace", json!(""), "must not be empty"),
        invalid("workspace", json!("  "), "must not be empty"),
        too_long(
            "workspace",
            json!("é".repeat(101)),
            "must have at most 100 characters".to_owned(),
        ),
        wrong_type("workspace", json!(1), "must be a string"),
        invalid(
            "workspace",
            json!("a\0"),
            "must not contain the NUL character",
        ),
        wrong_type("dynamic_variables", json!({"a": "b"}), list),
        wrong_type("dynamic_variables", json!("a=b"), list),
        too_long(
            "dynamic_variables",
            variables(101),
            "must have at most 100 variables".to_owned(),
        ),
    ]);
    cases
}

#[tokio::test]
async fn every_field_of_a_call_to_be_made_is_refused_with_its_reason() {
    let bench = Bench::boot().await;
    for case in cases() {
        let body = with(&whole_call(), case.0, case.1.as_ref());
        for handling in [None, Some("strict"), Some("lenient")] {
            let answer = bench.send(MAKE, &body, handling).await;
            check(&case, StatusCode::OK, answer);
        }
    }
}

#[tokio::test]
async fn what_is_at_its_bound_is_taken() {
    let bench = Bench::boot().await;
    let hundred: Vec<Value> = (0..100)
        .map(|n| json!({"name": format!("n{n}"), "value": "v"}))
        .collect();
    let largest = json!([{"name": "é".repeat(128), "value": "é".repeat(4096), "unknown": 1}]);
    for (field, value) in [
        ("workspace", None),
        ("workspace", Some(Value::Null)),
        ("workspace", Some(json!("é".repeat(100)))),
        ("dynamic_variables", None),
        ("dynamic_variables", Some(Value::Null)),
        ("dynamic_variables", Some(json!([]))),
        ("dynamic_variables", Some(Value::Array(hundred))),
        ("dynamic_variables", Some(largest)),
        ("call_to", Some(json!("1234567890 ext 1234567890"))),
        ("nonsense", Some(json!(1))),
    ] {
        let body = with(&whole_call(), field, value.as_ref());
        let answer = bench.send(MAKE, &body, None).await;
        assert_eq!(
            answer,
            (StatusCode::BAD_REQUEST, refusal(&[NOT_OURS])),
            "{field}"
        );
    }
}

/// A variable, the part of it that is wrong, the code and the message.
type WrongVariable = (Value, &'static str, &'static str, &'static str);

fn wrong_names() -> Vec<WrongVariable> {
    vec![
        (json!("a"), "", "wrong_type", "must be an object"),
        (json!(null), "", "wrong_type", "must be an object"),
        (json!({"value": "v"}), ".name", "missing", "is required"),
        (
            json!({"name": null, "value": "v"}),
            ".name",
            "missing",
            "is required",
        ),
        (
            json!({"name": "", "value": "v"}),
            ".name",
            "invalid",
            "must not be empty",
        ),
        (
            json!({"name": "a b", "value": "v"}),
            ".name",
            "invalid",
            "must have no spaces",
        ),
        (
            json!({"name": "a\u{a0}b", "value": "v"}),
            ".name",
            "invalid",
            "must have no spaces",
        ),
        (
            json!({"name": 1, "value": "v"}),
            ".name",
            "wrong_type",
            "must be a string",
        ),
        (
            json!({"name": "é".repeat(129), "value": "v"}),
            ".name",
            "too_long",
            "must have at most 128 characters",
        ),
        (
            json!({"name": "a\0", "value": "v"}),
            ".name",
            "invalid",
            "must not contain the NUL character",
        ),
        (
            json!({"name": "first", "value": "v"}),
            ".name",
            "invalid",
            "stands twice",
        ),
    ]
}

fn wrong_variables() -> Vec<WrongVariable> {
    let mut variables = wrong_names();
    variables.extend([
        (json!({"name": "n"}), ".value", "missing", "is required"),
        (
            json!({"name": "n", "value": null}),
            ".value",
            "missing",
            "is required",
        ),
        (
            json!({"name": "n", "value": ""}),
            ".value",
            "invalid",
            "must not be empty",
        ),
        (
            json!({"name": "n", "value": 7}),
            ".value",
            "wrong_type",
            "must be a string",
        ),
        (
            json!({"name": "n", "value": "é".repeat(4097)}),
            ".value",
            "too_long",
            "must have at most 4096 characters",
        ),
        (
            json!({"name": "n", "value": "\0"}),
            ".value",
            "invalid",
            "must not contain the NUL character",
        ),
    ]);
    variables
}

#[tokio::test]
async fn every_variable_that_is_wrong_is_named_by_its_place() {
    let bench = Bench::boot().await;
    for (variable, part, code, message) in wrong_variables() {
        let list = json!([{"name": "first", "value": "1"}, variable]);
        let body = with(&whole_call(), "dynamic_variables", Some(&list));
        let answer = bench.send(MAKE, &body, None).await;
        let field = format!("dynamic_variables[1]{part}");
        let expected = refusal(&[(&field, code, message)]);
        assert_eq!(answer, (StatusCode::BAD_REQUEST, expected), "{part} {code}");
    }
    let body = json!({"call_from": "1", "dynamic_variables": [{"name": " "}, 7]});
    let (_, refused) = bench.send(MAKE, &body, None).await;
    let expected = refusal(&[
        ("ai_agent_id", "missing", "is required"),
        ("call_from", "invalid", PHONE),
        ("call_to", "missing", "is required"),
        ("dynamic_variables[0].name", "invalid", "must not be empty"),
        ("dynamic_variables[0].value", "missing", "is required"),
        ("dynamic_variables[1]", "wrong_type", "must be an object"),
    ]);
    assert_eq!(refused, expected);
}
