//! The calls surface field by field: each documented field missing, null, of the wrong type, in the wrong case, too long, at
//! its bounds, and unknown, with the exact answer. One file an operation.

use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::app::{TestAccount, TestApp};

mod end;
mod get;
mod make_call;
mod modes;
mod patch;
mod query;
mod record;

/// What a value of a field comes to.
#[derive(Debug, Clone)]
enum Expect {
    /// It is taken, and the Call object has this in the field.
    Shows(Value),
    /// It is refused, as the only field, with this code and this message.
    Refused(&'static str, String),
    /// It is required.
    Missing,
}

/// A field, a value of it (`None`: absent), and what that comes to.
type Case = (&'static str, Option<Value>, Expect);

fn shows(field: &'static str, value: Value) -> Case {
    (field, Some(value.clone()), Expect::Shows(value))
}

fn becomes(field: &'static str, value: Value, shown: Value) -> Case {
    (field, Some(value), Expect::Shows(shown))
}

fn invalid(field: &'static str, value: Value, message: &str) -> Case {
    let refused = Expect::Refused("invalid", message.to_owned());
    (field, Some(value), refused)
}

fn wrong_type(field: &'static str, value: Value, message: &str) -> Case {
    let refused = Expect::Refused("wrong_type", message.to_owned());
    (field, Some(value), refused)
}

fn too_long(field: &'static str, value: Value, message: String) -> Case {
    (field, Some(value), Expect::Refused("too_long", message))
}

/// What every field with text has in common. `shown` is what the field shows when nothing is said.
fn text(field: &'static str, max: usize, shown: Value) -> Vec<Case> {
    let longest = "é".repeat(max);
    vec![
        (field, None, Expect::Shows(shown.clone())),
        becomes(field, Value::Null, shown),
        wrong_type(field, json!(7), "must be a string"),
        wrong_type(field, json!(true), "must be a string"),
        wrong_type(field, json!(["a"]), "must be a string"),
        wrong_type(field, json!({"a": 1}), "must be a string"),
        invalid(field, json!("a\0b"), "must not contain the NUL character"),
        shows(field, json!(longest)),
        shows(field, json!("Ünïcode 👋 %_\\")),
        too_long(
            field,
            json!(format!("{longest}x")),
            format!("must have at most {max} characters"),
        ),
    ]
}

/// What every field with a UUID has in common.
fn id(field: &'static str, shown: Value) -> Vec<Case> {
    let uuid = "0190f5fe-7c00-7a00-8000-0000000000ab";
    vec![
        (field, None, Expect::Shows(shown.clone())),
        becomes(field, Value::Null, shown),
        shows(field, json!(uuid)),
        becomes(field, json!(uuid.to_uppercase()), json!(uuid)),
        invalid(field, json!(""), "must be a UUID"),
        invalid(field, json!("abc"), "must be a UUID"),
        invalid(field, json!(uuid.replace('-', "")), "must be a UUID"),
        invalid(field, json!(format!("{{{uuid}}}")), "must be a UUID"),
        wrong_type(field, json!(1), "must be a string"),
    ]
}

/// What every field with a JSON object has in common.
fn object(field: &'static str) -> Vec<Case> {
    // `{"k":"…"}` has eight bytes besides the text.
    let largest = json!({"k": "x".repeat(65_536 - 8)});
    let larger = json!({"k": "x".repeat(65_536 - 7)});
    vec![
        (field, None, Expect::Shows(Value::Null)),
        becomes(field, Value::Null, Value::Null),
        shows(field, json!({})),
        shows(field, json!({"a": {"b": [1, 2.5, "ü", false]}, "": "x"})),
        shows(field, largest),
        too_long(field, larger, "must have at most 65536 bytes".to_owned()),
        wrong_type(field, json!("{}"), "must be an object"),
        wrong_type(field, json!([]), "must be an object"),
        wrong_type(field, json!(1), "must be an object"),
        shows(field, json!({"a": [f64::MAX, {"b": f64::MIN}, 5e-324]})),
        invalid(
            field,
            json!({"a": ["x\0"]}),
            "must not contain the NUL character",
        ),
        invalid(
            field,
            json!({"a\0": 1}),
            "must not contain the NUL character",
        ),
    ]
}

/// What every field with a whole number has in common.
fn whole(field: &'static str, min: i64, max: i64, shown: Value) -> Vec<Case> {
    let range = format!("must be a whole number from {min} to {max}");
    vec![
        (field, None, Expect::Shows(shown.clone())),
        becomes(field, Value::Null, shown),
        shows(field, json!(min)),
        shows(field, json!(max)),
        becomes(field, json!(4.0), json!(4)),
        invalid(field, json!(min - 1), &range),
        invalid(field, json!(max + 1), &range),
        invalid(field, json!(2.5), &range),
        wrong_type(field, json!("3"), "must be a number"),
    ]
}

/// What every field with a time has in common.
fn time(field: &'static str) -> Vec<Case> {
    let wrong = "must be a time (RFC 3339), such as 2026-03-01T09:30:00Z";
    vec![
        (field, None, Expect::Shows(Value::Null)),
        becomes(field, Value::Null, Value::Null),
        shows(field, json!("2026-03-01T09:30:00Z")),
        becomes(
            field,
            json!("2026-03-01T11:30:00.25+02:00"),
            json!("2026-03-01T09:30:00.250Z"),
        ),
        shows(field, json!("1970-01-01T00:00:00Z")),
        invalid(field, json!("1969-12-31T23:59:59Z"), wrong),
        invalid(field, json!("2026-03-01"), wrong),
        invalid(field, json!("2026-03-01T09:30:00"), wrong),
        invalid(field, json!("2026-02-30T09:30:00Z"), wrong),
        invalid(field, json!(""), wrong),
        wrong_type(field, json!(1_772_357_400), "must be a string"),
    ]
}

/// The fields that back ends keep, with every case that a POST and a PATCH of them share.
fn notes() -> Vec<Case> {
    let cost = "must be a number from 0 with at most 12 digits before the point and 6 behind it";
    let currency = "must be a currency of three capitals, such as USD";
    let mut cases = [
        id("campaign_id", Value::Null),
        id("ai_agent_id", json!("00000000-0000-0000-0000-000000000000")),
        id("contact_id", Value::Null),
        whole("call_rating", 1, 5, json!(0)),
        text("call_feedback", 10_000, Value::Null),
        text("notes", 10_000, Value::Null),
        object("metadata"),
        object("agent_dynamic_variables"),
        object("agent_post_call_outcomes"),
        whole("latency", 0, 3_600_000, json!(0)),
        text("agent_task_status", 255, json!("")),
        text("agent_task_feedback", 10_000, json!("")),
        time("retry_at"),
    ]
    .concat();
    cases.extend([
        ("is_test", None, Expect::Shows(json!(false))),
        shows("is_test", json!(true)),
        shows("is_test", json!(false)),
        wrong_type("is_test", json!("true"), "must be true or false"),
        wrong_type("is_test", json!(1), "must be true or false"),
        ("cost", None, Expect::Shows(json!(0.0))),
        becomes("cost", Value::Null, json!(0.0)),
        shows("cost", json!(0.0135)),
        becomes("cost", json!(3), json!(3.0)),
        becomes("cost", json!("0.05"), json!(0.05)),
        becomes(
            "cost",
            json!("999999999999.999999"),
            json!(999_999_999_999.999_999_f64),
        ),
        invalid("cost", json!(-0.5), cost),
        invalid("cost", json!(0.000_000_1), cost),
        invalid("cost", json!(1_000_000_000_000_i64), cost),
        invalid("cost", json!("1,5"), cost),
        wrong_type("cost", json!(true), "must be a number"),
        ("price_unit", None, Expect::Shows(json!(""))),
        becomes("price_unit", Value::Null, json!("")),
        shows("price_unit", json!("USD")),
        invalid("price_unit", json!("usd"), currency),
        invalid("price_unit", json!("US"), currency),
        invalid("price_unit", json!("USDT"), currency),
        invalid("price_unit", json!(""), currency),
        wrong_type("price_unit", json!(840), "must be a string"),
        becomes("nonsense", json!(1), Value::Null),
    ]);
    cases
}

struct Bench {
    app: TestApp,
    account: TestAccount,
}

impl Bench {
    async fn boot() -> Self {
        let app = TestApp::boot().await;
        let account = app.default_account().await;
        Self { app, account }
    }

    /// Sends a body in a handling; answers status and body, `null` for an empty one.
    async fn send(
        &self,
        (method, path): (Method, &str),
        body: &Value,
        handling: Option<&str>,
    ) -> (StatusCode, Value) {
        let mut request = self.app.request(method, path);
        request = request.bearer_auth(&self.account.key).json(body);
        if let Some(handling) = handling {
            request = request.header("prefer", &format!("handling={handling}"));
        }
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap()
        };
        (status, body)
    }
}

/// The answer to a request of which these fields are wrong: field, code, message.
fn refusal(errors: &[(&str, &str, &str)]) -> Value {
    let message: Vec<String> = errors
        .iter()
        .map(|(field, _, message)| format!("{field} {message}"))
        .collect();
    let errors: Vec<Value> = errors
        .iter()
        .map(|(field, code, message)| json!({"field": field, "code": code, "message": message}))
        .collect();
    json!({"status": "error", "message": message.join("; "), "data": null, "errors": errors})
}

/// The body with the field as the case has it.
fn with(body: &Value, field: &str, value: Option<&Value>) -> Value {
    let mut body: Map<String, Value> = body.as_object().unwrap().clone();
    match value {
        Some(value) => body.insert(field.to_owned(), value.clone()),
        None => body.remove(field),
    };
    Value::Object(body)
}

/// Checks an answer against what the case expects of it.
fn check(case: &Case, taken: StatusCode, (status, body): (StatusCode, Value)) {
    let (field, value, expect) = case;
    let shown = value.as_ref().map(ToString::to_string).unwrap_or_default();
    let shown: String = shown.chars().take(60).collect();
    let at = format!("{field} {shown}");
    match expect {
        Expect::Shows(expected) => {
            assert_eq!(status, taken, "{at}: {body}");
            assert_eq!(body["data"][*field], *expected, "{at}");
        }
        Expect::Refused(code, message) => {
            assert_eq!(body, refusal(&[(field, code, message)]), "{at}");
            assert_eq!(status, StatusCode::BAD_REQUEST, "{at}");
        }
        Expect::Missing => {
            assert_eq!(body, refusal(&[(field, "missing", "is required")]), "{at}");
            assert_eq!(status, StatusCode::BAD_REQUEST, "{at}");
        }
    }
}
