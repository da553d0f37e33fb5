//! The contract of the four voip posts: each documented field, in every way it can be wrong or just right, as JSON and as a
//! form, in both handlings, with the exact answer.

use onhook::domain::account::VoipMode;
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::{app::TestApp, contract::RequestBuilder};

const ENDPOINTS: [&str; 4] = ["call-in-queue", "call-ringing", "call-answered", "call-end"];

/// What a field is sent as.
#[derive(Debug, Clone)]
enum Sent {
    /// Not at all.
    Missing,
    /// As this; in a form, as its text, and `null` as the empty one.
    As(Value),
    /// The usual value, under this name.
    Named(&'static str),
}

/// What a client is told of the field: nothing, when all is well.
type Told = &'static str;

const FINE: Told = "";
const REQUIRED: Told = "is required";
const STRING: Told = "must be a string";
const LONG: Told = "must have at most 255 characters";
const NUL: Told = "must not contain the NUL character";
const EMPTY: Told = "must not be empty";
const DIRECTION: Told = "must be one of incoming, outgoing";
const STATUS: Told = "must be one of busy, no-answer, canceled, failed, completed";
const SECONDS: Told = "must be a whole number from 0 to 604800";
const EMAIL: Told = "must be an e-mail address, such as user@example.com";
const OUTGOING: Told = "is required when Direction is outgoing";

/// One row: how the field is sent, what is told in lenient and in strict handling, and in a form, where that is another thing.
struct Row {
    field: &'static str,
    sent: Sent,
    lenient: Told,
    strict: Told,
    in_form: Option<Told>,
}

fn row(field: &'static str, sent: Sent, lenient: Told, strict: Told) -> Row {
    Row {
        field,
        sent,
        lenient,
        strict,
        in_form: None,
    }
}

impl Row {
    /// A form knows only texts.
    fn in_form(self, told: Told) -> Self {
        Self {
            in_form: Some(told),
            ..self
        }
    }
}

fn sent(value: impl Into<Value>) -> Sent {
    Sent::As(value.into())
}

/// `CallId`, `From` and `To`: any text of 1 to 255 characters.
fn names() -> Vec<Row> {
    let mut rows = Vec::new();
    for (field, lower) in [("CallId", "callid"), ("From", "from"), ("To", "to")] {
        let blank = if field == "CallId" { FINE } else { EMPTY };
        rows.extend([
            row(field, Sent::Missing, REQUIRED, REQUIRED),
            row(field, sent(Value::Null), REQUIRED, REQUIRED),
            row(field, sent(""), REQUIRED, REQUIRED),
            row(field, sent(7), STRING, STRING).in_form(FINE),
            row(field, sent(true), STRING, STRING).in_form(FINE),
            row(field, sent(json!(["+1"])), STRING, STRING).in_form(FINE),
            row(field, sent(json!({"a": 1})), STRING, STRING).in_form(FINE),
            row(field, Sent::Named(lower), REQUIRED, REQUIRED),
            row(field, sent("é".repeat(256)), LONG, LONG),
            row(field, sent("é".repeat(255)), FINE, FINE),
            row(field, sent("x"), FINE, FINE),
            row(field, sent("a\0b"), NUL, NUL),
            row(field, sent(" "), blank, blank),
            row(field, sent("ALICE & bob=1%"), FINE, FINE),
        ]);
    }
    rows
}

fn directions() -> Vec<Row> {
    let field = "Direction";
    vec![
        row(field, Sent::Missing, REQUIRED, REQUIRED),
        row(field, sent(Value::Null), REQUIRED, REQUIRED),
        row(field, sent(""), REQUIRED, REQUIRED),
        row(field, sent(1), STRING, STRING).in_form(DIRECTION),
        row(field, sent(json!([])), STRING, STRING).in_form(DIRECTION),
        row(field, Sent::Named("direction"), REQUIRED, REQUIRED),
        row(field, sent("Incoming"), FINE, DIRECTION),
        row(field, sent("OUTGOING"), FINE, DIRECTION),
        row(field, sent("incoming"), FINE, FINE),
        row(field, sent("outgoing"), FINE, FINE),
        row(field, sent("inbound"), DIRECTION, DIRECTION),
        row(field, sent("incoming "), DIRECTION, DIRECTION),
        row(field, sent("i".repeat(3000)), DIRECTION, DIRECTION),
        row(field, sent("a\0"), NUL, NUL),
    ]
}

/// The direction is incoming here, where no address is needed.
fn emails() -> Vec<Row> {
    let longest = format!("{}@{}.example", "a".repeat(64), "b".repeat(60));
    let mut rows = Vec::new();
    for (field, other) in [("Email", "EMAIL"), ("email", "eMail")] {
        rows.extend([
            row(field, Sent::Missing, FINE, FINE),
            row(field, sent(Value::Null), FINE, FINE),
            row(field, sent(""), FINE, FINE),
            row(field, sent(7), STRING, STRING).in_form(EMAIL),
            row(field, sent(json!({})), STRING, STRING).in_form(EMAIL),
            row(field, Sent::Named(other), FINE, FINE),
            row(field, sent("User@Example.COM"), FINE, FINE),
            row(field, sent(longest.as_str()), FINE, FINE),
            row(field, sent(format!("a{longest}")), EMAIL, EMAIL),
            row(field, sent("nobody"), EMAIL, EMAIL),
            row(field, sent("a@b@c.example"), EMAIL, EMAIL),
            row(field, sent("a\0@example.com"), NUL, NUL),
        ]);
    }
    rows
}

/// What only an end says.
fn ends() -> Vec<Row> {
    let mut rows = vec![
        row("CallStatus", sent(Value::Null), REQUIRED, REQUIRED),
        row("CallStatus", sent(""), REQUIRED, REQUIRED),
        row("CallStatus", Sent::Missing, REQUIRED, REQUIRED),
        row("CallStatus", Sent::Named("callstatus"), REQUIRED, REQUIRED),
        row("CallStatus", sent(1), STRING, STRING).in_form(STATUS),
        row("CallStatus", sent(false), STRING, STRING).in_form(STATUS),
        row("CallStatus", sent("Completed"), FINE, STATUS),
        row("CallStatus", sent("NO_ANSWER"), FINE, STATUS),
        row("CallStatus", sent("Cancelled"), FINE, STATUS),
        row("CallStatus", sent("cancelled"), FINE, FINE),
        row("CallStatus", sent("in-progress"), STATUS, STATUS),
        row("CallStatus", sent("c".repeat(3000)), STATUS, STATUS),
        row("CallStatus", sent("a\0"), NUL, NUL),
        row("RecordingUrl", Sent::Missing, FINE, REQUIRED),
        row("RecordingUrl", sent(Value::Null), FINE, REQUIRED),
        row("RecordingUrl", sent(""), FINE, REQUIRED),
        row("RecordingUrl", Sent::Named("recordingUrl"), FINE, REQUIRED),
        row("RecordingUrl", sent(1), STRING, STRING).in_form(FINE),
        row("RecordingUrl", sent("string"), FINE, FINE),
        row("RecordingUrl", sent("x".repeat(2048)), FINE, FINE),
        row(
            "RecordingUrl",
            sent("x".repeat(2049)),
            "must have at most 2048 characters",
            "must have at most 2048 characters",
        ),
        row("RecordingUrl", sent("a\0"), NUL, NUL),
        row("Duration", Sent::Missing, FINE, REQUIRED),
        row("Duration", sent(Value::Null), FINE, REQUIRED),
        row("Duration", sent(""), FINE, REQUIRED),
        row("Duration", Sent::Named("duration"), FINE, REQUIRED),
        row("Duration", sent(true), STRING, STRING).in_form(SECONDS),
        row("Duration", sent(json!([10])), STRING, STRING).in_form(SECONDS),
        row("Duration", sent(10.0), FINE, FINE).in_form(SECONDS),
    ];
    for status in ["busy", "no-answer", "canceled", "failed", "completed"] {
        rows.push(row("CallStatus", sent(status), FINE, FINE));
    }
    for (seconds, told) in [
        (0, FINE),
        (604_800, FINE),
        (-1, SECONDS),
        (604_801, SECONDS),
    ] {
        rows.push(row("Duration", sent(seconds), told, told));
        rows.push(row("Duration", sent(seconds.to_string()), told, told));
    }
    for text in [
        "1.5",
        "ten",
        " 10",
        "+10",
        "1e2",
        "١٠",
        "99999999999999999999",
    ] {
        rows.push(row("Duration", sent(text), SECONDS, SECONDS));
    }
    rows
}

/// A body that says everything and is right.
fn whole() -> Map<String, Value> {
    let body = json!({
        "CallId": "CA1", "From": "+1234567890", "To": "+1789451230", "Direction": "incoming", "Email": "user@example.com",
        "email": "user@example.com", "CallStatus": "completed", "RecordingUrl": "string", "Duration": "10",
        "Unknown": {"of": ["any", 1]}, "callSid": null,
    });
    body.as_object().unwrap().clone()
}

/// Whether the endpoint reads the field; what it does not read it passes over, whatever it is.
fn reads(endpoint: &str, field: &str) -> bool {
    match field {
        "CallId" | "From" | "To" => true,
        "Direction" | "Email" | "email" => endpoint != "call-in-queue",
        // With a status, `call-answered` is a call end.
        "RecordingUrl" | "Duration" => matches!(endpoint, "call-end" | "call-answered"),
        "CallStatus" => matches!(endpoint, "call-end" | "call-answered"),
        _ => unreachable!("{field}"),
    }
}

fn body(row: &Row) -> Map<String, Value> {
    let mut body = whole();
    let usual = body.remove(row.field).unwrap();
    match row.field {
        // Both given must agree, so that only one is.
        "Email" => drop(body.remove("email")),
        "email" => drop(body.remove("Email")),
        _ => {}
    }
    match &row.sent {
        Sent::Missing => {}
        Sent::As(value) => drop(body.insert(row.field.to_owned(), value.clone())),
        Sent::Named(name) => drop(body.insert((*name).to_owned(), usual)),
    }
    body
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn post(app: &TestApp, endpoint: &str, media: &str, body: &Map<String, Value>) -> RequestBuilder {
    let request = app.request(Method::POST, &format!("/api/v1/voip/{endpoint}"));
    if media == "json" {
        return request.json(body);
    }
    let form: Vec<(&String, String)> = body
        .iter()
        .map(|(name, value)| (name, text(value)))
        .collect();
    request.form(&form)
}

fn expected(field: &str, told: Told) -> (StatusCode, Value) {
    if told == FINE {
        let saved = json!({"data": {"success": true, "message": "Successfully saved"}});
        return (StatusCode::OK, saved);
    }
    let refused = json!({
        "data": {"success": false, "message": format!("{field} {told}")},
        "error": {"type": "ERROR_INVALID_INPUT", "code": 400, "fields": [{"field": field, "message": told}]},
    });
    (StatusCode::BAD_REQUEST, refused)
}

async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

async fn hold(app: &TestApp, rows: Vec<Row>) {
    for row in rows {
        for endpoint in ENDPOINTS {
            for media in ["json", "form"] {
                for (handling, told) in [("lenient", row.lenient), ("strict", row.strict)] {
                    let told = match (reads(endpoint, row.field), media) {
                        (false, _) => FINE,
                        (true, "form") => row.in_form.unwrap_or(told),
                        (true, _) => told,
                    };
                    // Without a status, `call-answered` is no end, and needs none.
                    let no_end = endpoint == "call-answered"
                        && row.field == "CallStatus"
                        && told == REQUIRED;
                    let told = if no_end { FINE } else { told };
                    let prefer = format!("handling={handling}");
                    let request = post(app, endpoint, media, &body(&row));
                    let got = answer(request.header("prefer", &prefer)).await;
                    let at = format!(
                        "{endpoint} as {media}, {handling}: {} {:?}",
                        row.field, row.sent
                    );
                    assert_eq!(got, expected(row.field, told), "{at}");
                }
            }
        }
    }
}

#[tokio::test]
async fn every_name_of_a_post_is_answered_as_the_table_says() {
    hold(&TestApp::boot().await, names()).await;
}

#[tokio::test]
async fn every_direction_and_address_is_answered_as_the_table_says() {
    let app = TestApp::boot().await;
    hold(&app, directions()).await;
    hold(&app, emails()).await;
}

#[tokio::test]
async fn everything_an_end_says_is_answered_as_the_table_says() {
    hold(&TestApp::boot().await, ends()).await;
}

#[tokio::test]
async fn an_outgoing_call_names_whose_it_is() {
    let app = TestApp::boot().await;
    for endpoint in ENDPOINTS {
        for media in ["json", "form"] {
            for handling in ["handling=lenient", "handling=strict"] {
                let mut body = whole();
                body.insert("Direction".to_owned(), json!("outgoing"));
                body.remove("email");
                let fine = post(&app, endpoint, media, &body).header("prefer", handling);
                assert_eq!(answer(fine).await, expected("Email", FINE));
                body.remove("Email");
                let without = post(&app, endpoint, media, &body).header("prefer", handling);
                let told = if endpoint == "call-in-queue" {
                    FINE
                } else {
                    OUTGOING
                };
                assert_eq!(
                    answer(without).await,
                    expected("Email", told),
                    "{endpoint} {media}"
                );
            }
        }
    }
}

#[tokio::test]
async fn an_open_post_is_the_account_s_that_the_host_names() {
    let app = TestApp::boot_with(&[("ONHOOK_BASE_DOMAIN", "calls.example")]).await;
    app.account("acme", VoipMode::Open).await;
    let body = json!({"CallId": "CA1", "From": "+1", "To": "+2"});
    let post = |host: &'static str| {
        let request = app.request(Method::POST, "/api/v1/voip/call-in-queue");
        request.header("host", host).json(&body)
    };
    // The first label of the host names the account, whatever its case and port; without one it is the default account's.
    for (host, account) in [
        ("acme.calls.example", "acme"),
        ("ACME.Calls.Example:8080", "acme"),
        ("acme.calls.example.", "acme"),
        ("calls.example", "default"),
        ("elsewhere.example", "default"),
        ("127.0.0.1", "default"),
    ] {
        sqlx::query("truncate calls, call_names, receipts")
            .execute(&app.db)
            .await
            .unwrap();
        assert_eq!(answer(post(host)).await, expected("", FINE), "{host}");
        let owner: String =
            sqlx::query_scalar("select name from calls join accounts using (account_id)")
                .fetch_one(&app.db)
                .await
                .unwrap();
        assert_eq!(owner, account, "{host}");
    }
    for host in ["nobody.calls.example", "a.acme.calls.example"] {
        let (status, refused) = answer(post(host)).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{host}");
        assert_eq!(refused["error"]["type"], "ERROR_UNAUTHORIZED");
    }
}
