//! Placing calls over HTTP: what the provider is asked, and what the record says. [`lost`] has the answers that never come,
//! [`refused`] those that say no, [`plivo`] those that name the request.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use onhook::{
    calls::connect::{
        self, NewConnection,
        change::{self, Change},
    },
    domain::{
        connection::{AnsweredBy, Credentials},
        id::{AccountId, ConnectionId},
        party::E164,
        voice_call::update::Edit,
    },
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use crate::{
    app::{TestAccount, TestApp},
    form_signature::form_signature,
    provider_double::{ProviderDouble, Recorded, Reply},
};

mod lost;
mod plivo;
mod refused;

const PUBLIC_URL: &str = "https://calls.example.com/onhook";

/// The account's number; in the documented form without a country.
const OURS: &str = "(415) 555-0901";
const OURS_E164: &str = "+14155550901";

const AGENT: &str = "550e8400-e29b-41d4-a716-446655440000";

pub(crate) const TOKEN: &str = "an auth token";

/// A service whose account has a Twilio connection to a double.
struct Placing {
    app: TestApp,
    account: TestAccount,
    twilio: ProviderDouble,
    connection: ConnectionId,
}

/// What a request came to.
#[derive(Debug)]
struct Made {
    status: u16,
    outcome: String,
    call_id: String,
    body: Value,
}

/// A call as Twilio answers one that it has just taken.
fn taken(sid: &str) -> Reply {
    Reply::json(
        201,
        format!(r#"{{"sid":"{sid}","status":"queued","direction":"outbound-api"}}"#),
    )
}

fn url(url: &str) -> AnsweredBy {
    AnsweredBy::Url(url.parse().unwrap())
}

impl Placing {
    async fn boot(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::boot_with(replies, &[]).await
    }

    async fn boot_with(
        replies: impl IntoIterator<Item = Reply>,
        settings: &[(&str, &str)],
    ) -> Self {
        let settings = [&[("ONHOOK_PUBLIC_URL", PUBLIC_URL)], settings].concat();
        let app = TestApp::boot_with(&settings).await;
        let account = app.default_account().await;
        let twilio = ProviderDouble::start(replies);
        let answered_by = Some(url("http://127.0.0.1:9/voice?tenant=a"));
        let connection = connect(&app, account.id, twilio.base_url(), OURS_E164, answered_by).await;
        Self {
            app,
            account,
            twilio,
            connection,
        }
    }

    async fn make(&self, body: &Value) -> Made {
        let request = self.app.post("/calls/make-call", &self.account.key);
        let answer = request.json(body).send().await.unwrap();
        let header = |name: &str| {
            answer
                .headers()
                .get(name)
                .map_or("", |value| value.to_str().unwrap())
                .to_owned()
        };
        let (status, outcome, call_id) = (
            answer.status().as_u16(),
            header("onhook-outcome"),
            header("onhook-call-id"),
        );
        let body: Value = answer.json().await.unwrap();
        let id = body["data"]["id"].as_str().map(str::to_owned);
        Made {
            status,
            outcome,
            call_id: id.unwrap_or(call_id),
            body,
        }
    }

    /// The record, as it is read.
    async fn read(&self, call: &str) -> Value {
        let get = self.app.get(&format!("/calls/{call}"), &self.account.key);
        get.send().await.unwrap().json::<Value>().await.unwrap()["data"].take()
    }

    /// Posts to the status callback that Twilio was given, signed, as Twilio does.
    async fn callback(&self, callback: &str, sid: &str, status: &str) -> StatusCode {
        let pairs = [
            ("CallSid", sid),
            ("CallStatus", status),
            ("Direction", "outbound-api"),
            ("From", OURS_E164),
            ("To", "+11234567890"),
        ];
        let (given, _fragment) = callback.split_once('#').unwrap();
        let signature = form_signature(TOKEN, given, &pairs);
        let path = given.strip_prefix(PUBLIC_URL).unwrap();
        let request = self.app.request(Method::POST, path);
        let request = request.header("x-twilio-signature", &signature);
        request.form(&pairs).send().await.unwrap().status()
    }

    /// How often Twilio was asked to place a call.
    fn asked(&self) -> usize {
        let requests = self.twilio.requests();
        let places = |request: &&Recorded| {
            request.method == "POST" && request.target.ends_with("/Calls.json")
        };
        requests.iter().filter(places).count()
    }
}

pub(crate) async fn connect(
    app: &TestApp,
    account_id: AccountId,
    base_url: Url,
    number: &str,
    answered_by: Option<AnsweredBy>,
) -> ConnectionId {
    let new = NewConnection {
        account_id,
        vendor: "twilio".to_owned(),
        base_url: Some(base_url.into()),
        credentials: Credentials {
            account: "AC1".to_owned(),
            key_id: None,
            secret: TOKEN.into(),
            signing_secret: None,
        },
        numbers: vec![number.parse::<E164>().unwrap()],
        answered_by,
    };
    app.connect(new).await
}

fn order(to: &str) -> Value {
    json!({"ai_agent_id": AGENT, "call_from": OURS, "call_to": to})
}

/// The form that a request carries; a name that stands more than once has its values joined.
fn form(request: &Recorded) -> BTreeMap<String, String> {
    let mut form: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(request.body.as_bytes()) {
        let values = form.entry(name.into_owned()).or_default();
        if !values.is_empty() {
            values.push(' ');
        }
        values.push_str(&value);
    }
    form
}

#[tokio::test]
async fn a_call_is_placed_by_the_connection_of_its_number() {
    let placing = Placing::boot([taken("CA77")]).await;
    let mut body = order("(123) 456-7890");
    body["dynamic_variables"] =
        json!([{"name": "customer_name", "value": "Jane Doe"}, {"name": "n", "value": "1"}]);
    body["workspace"] = json!("sales");
    let made = placing.make(&body).await;
    assert_eq!((made.status, made.outcome.as_str()), (200, "placed"));
    assert_eq!(made.body["status"], "ok");
    assert_eq!(made.body["message"], "Call initiated");

    let asked = placing.twilio.requests();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].method, "POST");
    assert_eq!(asked[0].target, "/2010-04-01/Accounts/AC1/Calls.json");
    let pair = BASE64_STANDARD.encode(format!("AC1:{TOKEN}"));
    assert_eq!(asked[0].header("authorization"), format!("Basic {pair}"));
    let callback = format!(
        "{PUBLIC_URL}/inbound/twilio/{}?call={}#rc=5&rp=ct,rt,5xx",
        placing.connection, made.call_id
    );
    let url = format!(
        "http://127.0.0.1:9/voice?tenant=a&call_id={}&ai_agent_id={AGENT}",
        made.call_id
    );
    let expected: BTreeMap<String, String> = [
        ("To", "+11234567890"),
        ("From", OURS_E164),
        ("Url", &url),
        ("StatusCallback", &callback),
        ("StatusCallbackMethod", "POST"),
        (
            "StatusCallbackEvent",
            "initiated ringing answered completed",
        ),
        ("Timeout", "60"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    assert_eq!(form(&asked[0]), expected);

    let call = placing.read(&made.call_id).await;
    assert_eq!(call, made.body["data"], "what is read is what was answered");
    for (field, value) in [
        ("call_sid", json!("CA77")),
        ("call_provider", json!("twilio")),
        ("ai_agent_id", json!(AGENT)),
        ("call_from", json!(OURS)),
        ("from_e164", json!(OURS_E164)),
        ("call_to", json!("(123) 456-7890")),
        ("to_e164", json!("+11234567890")),
        ("call_direction", json!("outbound")),
        ("call_status", json!("queued")),
        ("is_test", json!(true)),
        ("workspace_id", json!("sales")),
        (
            "agent_dynamic_variables",
            json!({"customer_name": "Jane Doe", "n": "1"}),
        ),
        ("placement", json!("placed")),
        ("started_at", Value::Null),
    ] {
        assert_eq!(call[field], value, "{field}");
    }
}

#[tokio::test]
async fn the_seven_documented_forms_are_dialled_as_e_164_and_shown_as_they_were_written() {
    let forms = [
        ("+1234567890", "+1234567890", None),
        ("(123) 456-7890", "+11234567890", None),
        ("123-456-7890", "+11234567890", None),
        ("123.456.7890", "+11234567890", None),
        ("123 456 7890", "+11234567890", None),
        ("1234567890 ext 123", "+11234567890", Some("ww123")),
        ("+1 (123) 456-7890", "+11234567890", None),
    ];
    let sids: Vec<String> = (0..forms.len()).map(|n| format!("CA{n}")).collect();
    let placing = Placing::boot(sids.iter().map(|sid| taken(sid))).await;
    for (n, (written, dialled, digits)) in forms.into_iter().enumerate() {
        let made = placing.make(&order(written)).await;
        assert_eq!(made.status, 200, "{written}: {}", made.body);
        let form = form(&placing.twilio.requests()[n]);
        assert_eq!(form["To"], dialled, "{written}");
        let send = form.get("SendDigits").map(String::as_str);
        assert_eq!(send, digits, "{written}");
        let call = &made.body["data"];
        assert_eq!(
            (&call["call_to"], &call["to_e164"]),
            (&json!(written), &json!(dialled))
        );
    }
    // The same number, in each of the forms that name it.
    for written in [
        "+14155550901",
        "415-555-0901",
        "415.555.0901",
        "415 555 0901",
        "4155550901 ext 9",
        "+1 (415) 555-0901",
    ] {
        placing.twilio.then([taken("CA9")]);
        let body = json!({"ai_agent_id": AGENT, "call_from": written, "call_to": "+442079460000"});
        let made = placing.make(&body).await;
        assert_eq!(made.status, 200, "{written}: {}", made.body);
        let form = form(placing.twilio.requests().last().unwrap());
        assert_eq!(form["From"], OURS_E164, "{written}");
        assert!(!form.contains_key("SendDigits"), "{written}");
        assert_eq!(made.body["data"]["call_from"], written);
    }
}

#[tokio::test]
async fn an_application_answers_where_the_connection_says_so() {
    let placing = Placing::boot([taken("CA1")]).await;
    let tools = placing.app.tools();
    let of = (placing.account.id, placing.connection);
    let application = AnsweredBy::Application("AP42".to_owned().try_into().unwrap());
    let answer = Change {
        answered_by: Edit::Set(application),
        ..Change::default()
    };
    change::change(tools.into(), of, answer).await.unwrap();
    assert_eq!(placing.make(&order("+12")).await.status, 200);
    let form = form(&placing.twilio.requests()[0]);
    assert_eq!(form["ApplicationSid"], "AP42");
    assert!(!form.contains_key("Url"));
}

#[tokio::test]
async fn a_placed_call_goes_on_as_its_callbacks_say_and_can_be_ended() {
    let placing = Placing::boot([taken("CA1")]).await;
    let made = placing.make(&order("+11234567890")).await;
    let callback = form(&placing.twilio.requests()[0])["StatusCallback"].clone();
    for status in ["initiated", "ringing", "in-progress"] {
        let answered = placing.callback(&callback, "CA1", status).await;
        assert_eq!(answered, StatusCode::NO_CONTENT);
    }
    let call = placing.read(&made.call_id).await;
    assert_eq!(call["call_status"], "in-progress");
    let calls: i64 = sqlx::query_scalar("select count(*) from calls")
        .fetch_one(&placing.app.db)
        .await
        .unwrap();
    assert_eq!(calls, 1, "its callbacks are about the call that was placed");

    placing.twilio.then([Reply::json(
        200,
        r#"{"sid":"CA1","status":"completed","direction":"outbound-api"}"#,
    )]);
    let end = placing.app.post("/calls/end", &placing.account.key);
    let ended = end.json(&json!({"call_id": made.call_id})).send().await;
    assert_eq!(ended.unwrap().headers()["onhook-outcome"], "ended");
    let hang_up = placing.twilio.requests().pop().unwrap();
    assert!(hang_up.target.ends_with("/Calls/CA1.json"));
    assert_eq!(
        placing.read(&made.call_id).await["call_status"],
        "completed"
    );
}
