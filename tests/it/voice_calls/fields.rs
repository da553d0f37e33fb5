//! The table of the bodies: each documented field × missing, null, wrong type, wrong case, too long, boundary, for PUT, PATCH
//! and POST, with the exact answer. [`super::bodies`] has what is about a body as a whole.

use onhook::domain::account::VoipMode;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{VOICE_CALLS, answer, create, new, patch, put, update, with};
use crate::app::{TestAccount, TestApp};

/// What a value is answered with.
#[derive(Debug, Clone)]
enum Expected {
    /// It is taken, and shown so.
    Shown(Value),
    /// It is refused with this code and message.
    Refused(&'static str, &'static str),
}

use Expected::{Refused, Shown};

/// A value of a field, and what it is answered with.
type Case = (Value, Expected);

fn same(value: Value) -> Case {
    (value.clone(), Shown(value))
}

fn long(length: usize) -> Value {
    json!("x".repeat(length))
}

const TYPE_TEXT: Expected = Refused("wrong_type", "must be a string");
const EMPTY: Expected = Refused("invalid", "must not be empty");
const NUL: Expected = Refused("invalid", "must not contain the NUL character");
const LONG_255: Expected = Refused("too_long", "must have at most 255 characters");

fn ids() -> Vec<Case> {
    vec![
        same(long(1)),
        same(long(255)),
        same(json!("ÄÖ ü☎")),
        (long(256), LONG_255),
        (json!(""), EMPTY),
        (json!(" \t"), EMPTY),
        (json!("a\0b"), NUL),
        (json!(1), TYPE_TEXT),
        (json!(true), TYPE_TEXT),
        (json!({}), TYPE_TEXT),
        (json!(["a"]), TYPE_TEXT),
    ]
}

fn numbers() -> Vec<Case> {
    let wrong = Refused("invalid", "must be in E.164 format, such as +14155550148");
    let mut cases = vec![
        same(json!("+12")),
        same(json!("+123456789012345")),
        (json!(14_155_550_148_i64), TYPE_TEXT),
    ];
    for text in [
        "+1234567890123456",
        "+1",
        "14155550148",
        "+04155550148",
        "+1 415 555 0148",
        "anonymous",
        "+１２３",
        "sip:a@b",
        "",
    ] {
        cases.push((json!(text), wrong.clone()));
    }
    cases
}

fn amounts() -> Vec<Case> {
    let wrong = Refused(
        "invalid",
        "must be a decimal string such as \"0.05\", with at most 12 digits before the point and 6 behind it",
    );
    let mut cases: Vec<Case> = ["0", "0.05", "1.50", "0.000001", "999999999999.999999"]
        .map(|text| same(json!(text)))
        .into();
    for text in [
        "1000000000000",
        "0.0000001",
        "-1",
        "+1",
        "1e3",
        "1,5",
        "00.5",
        ".5",
        "1.",
        " 1",
        "NaN",
        "",
    ] {
        cases.push((json!(text), wrong.clone()));
    }
    cases.extend([(json!(1.5), TYPE_TEXT), (json!(0), TYPE_TEXT)]);
    cases
}

fn words(allowed: &'static str, more: &[&'static str]) -> Vec<Case> {
    let mut cases = vec![
        (json!(1), TYPE_TEXT),
        (json!(["MISSED"]), TYPE_TEXT),
        (json!(""), Refused("invalid", allowed)),
        (json!("\0"), NUL),
    ];
    cases.extend(
        more.iter()
            .map(|text| (json!(text), Refused("invalid", allowed))),
    );
    cases
}

fn texts(max: usize, too_long: &'static str) -> Vec<Case> {
    vec![
        same(json!("")),
        same(json!("x")),
        same(long(max)),
        (long(max + 1), Refused("too_long", too_long)),
        (json!("a\0b"), NUL),
        (json!(1), TYPE_TEXT),
        (json!({}), TYPE_TEXT),
    ]
}

fn links() -> Vec<Case> {
    let wrong = || Refused("invalid", "must be an absolute http or https URL");
    let mut cases: Vec<Case> = vec![
        same(json!("http://a")),
        same(json!("HTTPS://a.example/?q=1#f")),
        same(json!(format!("https://a/{}", "x".repeat(2038)))),
        (
            json!(format!("https://a/{}", "x".repeat(2039))),
            Refused("too_long", "must have at most 2048 characters"),
        ),
        (json!(1), TYPE_TEXT),
    ];
    for text in [
        "",
        "ftp://a",
        "javascript:alert(1)",
        "/path",
        "https:a",
        "https://",
        " https://a",
        "https://a b",
    ] {
        cases.push((json!(text), wrong()));
    }
    cases
}

fn durations() -> Vec<Case> {
    let range = || Refused("invalid", "must be a whole number from 0 to 604800");
    let number = || Refused("wrong_type", "must be a number");
    vec![
        same(json!(0)),
        same(json!(604_800)),
        (json!(120.0), Shown(json!(120))),
        (json!(604_801), range()),
        (json!(-1), range()),
        (json!(120.5), range()),
        (json!(1e30), range()),
        (json!("120"), number()),
        (json!(true), number()),
        (json!([1]), number()),
    ]
}

fn statuses() -> Vec<Case> {
    let allowed = "must be one of INCOMING_CALL, ANSWERED_BY_STAFF, MISSED, ANSWERED_BY_CALLS_PROVIDER, \
         MISSED_CALL_HANDLED, VOICEMAIL_RECEIVED";
    let mut cases: Vec<Case> = [
        "INCOMING_CALL",
        "ANSWERED_BY_STAFF",
        "MISSED",
        "ANSWERED_BY_CALLS_PROVIDER",
        "VOICEMAIL_RECEIVED",
    ]
    .map(|text| same(json!(text)))
    .into();
    cases.push((json!("VOICEMAIL"), Shown(json!("VOICEMAIL_RECEIVED"))));
    cases.extend(words(
        allowed,
        &["missed", "Missed", "voicemail", "COMPLETED"],
    ));
    cases
}

/// Every documented field, with its cases.
fn table() -> Vec<(&'static str, Vec<Case>)> {
    let mut directions = words(
        "must be one of INBOUND, OUTBOUND",
        &["inbound", "Outbound", "INCOMING"],
    );
    directions.extend([same(json!("INBOUND")), same(json!("OUTBOUND"))]);
    let mut providers = words("must be one of VONAGE", &["Vonage", "vonage", "TWILIO"]);
    providers.push(same(json!("VONAGE")));
    let name = texts(255, "must have at most 255 characters");
    vec![
        ("staff_uid", ids()),
        ("client_uid", ids()),
        ("from_number", numbers()),
        ("to_number", numbers()),
        ("direction", directions),
        ("status", statuses()),
        ("rate", amounts()),
        ("price", amounts()),
        ("provider", providers),
        ("source_id", ids()),
        ("duration", durations()),
        (
            "call_summary",
            texts(10_000, "must have at most 10000 characters"),
        ),
        ("external_app_url", links()),
        ("external_app_name", name.clone()),
        ("recording_id", name),
        ("external_uuid", ids()),
        ("handled_by_staff_uid", ids()),
    ]
}

/// The fields of which a PATCH can take the value away.
const MAY_BE_EMPTY: [&str; 7] = [
    "price",
    "duration",
    "call_summary",
    "external_app_url",
    "external_app_name",
    "recording_id",
    "handled_by_staff_uid",
];

/// An account and calls in it whose names nobody else has.
struct Calls<'a> {
    app: &'a TestApp,
    account: TestAccount,
    made: usize,
}

impl Calls<'_> {
    /// The uid and the `source_id` of a call that rings.
    async fn fresh(&mut self) -> (String, String) {
        self.made += 1;
        let source = format!("fresh-{}", self.made);
        let body = json!({"source_id": source});
        (create(self.app, &self.account, body).await, source)
    }

    async fn put(&mut self, field: &str, value: Option<&Value>) -> (StatusCode, Value) {
        let (uid, source) = self.fresh().await;
        let mut body = with(
            update(),
            json!({"source_id": source, "status": "INCOMING_CALL"}),
        );
        set(&mut body, field, value);
        answer(put(self.app, &self.account.key, &uid, &body)).await
    }

    async fn patch(&mut self, field: &str, value: Option<&Value>) -> (StatusCode, Value) {
        let (uid, _) = self.fresh().await;
        let mut body = json!({});
        set(&mut body, field, value);
        answer(patch(self.app, &self.account.key, &uid, &body)).await
    }

    async fn post(&mut self, field: &str, value: Option<&Value>) -> (StatusCode, Value) {
        self.made += 1;
        let source = format!("posted-{}", self.made);
        let mut body = with(new(&self.account), json!({"source_id": source}));
        set(&mut body, field, value);
        answer(self.app.post(VOICE_CALLS, &self.account.key).json(&body)).await
    }
}

fn set(body: &mut Value, field: &str, value: Option<&Value>) {
    match value {
        Some(value) => body[field] = value.clone(),
        None => drop(body.as_object_mut().unwrap().remove(field)),
    }
}

/// The whole answer that refuses a field.
fn refusal(field: &str, code: &str, message: &str) -> Value {
    json!({"success": false, "errors": [{"field": field, "code": code, "message": format!("{field} {message}")}]})
}

#[track_caller]
fn check(at: &str, field: &str, expected: &Expected, (status, body): (StatusCode, Value)) {
    match expected {
        Shown(value) => {
            assert!(status.is_success(), "{at}: {body}");
            assert_eq!(&body["data"][field], value, "{at}");
        }
        Refused(code, message) => {
            assert_eq!(body, refusal(field, code, message), "{at}");
            let malformed = *code == "wrong_type";
            assert_eq!(status.as_u16(), if malformed { 400 } else { 422 }, "{at}");
        }
    }
}

async fn accounts(app: &TestApp) -> [Calls<'_>; 3] {
    let mut calls = Vec::new();
    for name in ["by-put", "by-patch", "by-post"] {
        calls.push(Calls {
            app,
            account: app.account(name, VoipMode::Key).await,
            made: 0,
        });
    }
    calls.try_into().ok().unwrap()
}

#[tokio::test]
async fn each_value_of_each_field_has_its_answer_by_every_verb() {
    let app = TestApp::boot().await;
    let [mut by_put, mut by_patch, mut by_post] = accounts(&app).await;
    let posted = new(&by_post.account);
    for (field, cases) in table() {
        for (value, expected) in cases {
            let at = format!("{field} = {value:.60}");
            let answered = by_put.put(field, Some(&value)).await;
            check(&format!("PUT {at}"), field, &expected, answered);
            let answered = by_patch.patch(field, Some(&value)).await;
            check(&format!("PATCH {at}"), field, &expected, answered);
            if posted.get(field).is_some() {
                let answered = by_post.post(field, Some(&value)).await;
                check(&format!("POST {at}"), field, &expected, answered);
            }
        }
    }
}

#[tokio::test]
async fn a_field_that_is_missing_or_null_has_its_answer_by_every_verb() {
    let app = TestApp::boot().await;
    let [mut by_put, mut by_patch, mut by_post] = accounts(&app).await;
    let posted = new(&by_post.account);
    let missing = Refused("missing", "is required");
    let null = Some(Value::Null);
    for (field, _) in table() {
        for absent in [None, null.as_ref()] {
            let at = format!("{field} = {absent:?}");
            let answered = by_put.put(field, absent).await;
            let expected = if field == "handled_by_staff_uid" {
                Shown(Value::Null)
            } else {
                missing.clone()
            };
            check(&format!("PUT {at}"), field, &expected, answered);
            if posted.get(field).is_some() {
                let answered = by_post.post(field, absent).await;
                check(&format!("POST {at}"), field, &missing, answered);
            }
        }
        let expected = match field {
            "duration" => Shown(json!(0)),
            field if MAY_BE_EMPTY.contains(&field) => Shown(Value::Null),
            _ => Refused("invalid", "must not be null"),
        };
        let answered = by_patch.patch(field, null.as_ref()).await;
        check(&format!("PATCH {field} = null"), field, &expected, answered);
    }
    for (absent, code) in [(None, "missing"), (null.as_ref(), "missing")] {
        let (_, body) = by_post.post("business_uid", absent).await;
        assert_eq!(body, refusal("business_uid", code, "is required"));
    }
    for (value, code, message) in [
        (
            json!("another"),
            "invalid",
            "must be the business of the token",
        ),
        (json!(1), "wrong_type", "must be a string"),
    ] {
        let (_, body) = by_post.post("business_uid", Some(&value)).await;
        assert_eq!(body, refusal("business_uid", code, message));
    }
}
