//! Vonage's replies and events, as Vonage's OpenAPI description and its webhook reference have them; the JSON of its errors as
//! users report it.

use std::{sync::LazyLock, time::Duration};

use aws_lc_rs::{
    digest::{SHA256, digest},
    encoding::{AsDer as _, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
    signature::KeyPair as _,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use http::header;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use onhook::{
    domain::{
        connection::{AnsweredBy, Credentials},
        id::CallId,
        report::{ProviderCallId, ReportKind},
        state::EndState,
    },
    providers::{Access, CallOrder, HangUpOrder, InboundError, Providers, Search},
};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::provider_double::{ProviderDouble, Recorded, Reply};

use super::{
    come_to, connection, egress, end,
    vendor::{Calls, Case, Created, Inbound, Known, Posted, Replies, Vendor, from, to},
};

pub(crate) const VENDOR: Vendor = Vendor {
    name: "vonage",
    credentials,
    end: replies,
    probe: || vec![Reply::json(200, page(&[], None))],
    provider: Some(&CALLS),
    inbound: Some(&INBOUND),
};

const NOT_FOUND: &str = r#"{"type":"NOT_FOUND","error_title":"Not Found"}"#;
const BAD_REQUEST: &str = r#"{"type":"BAD_REQUEST","error_title":"Bad Request"}"#;

const CALLS: Calls = Calls {
    look_up: || {
        let known = |status| vec![Reply::json(200, call("NAME", status).to_string())];
        let is = |status, kind| (known(status), Known::Is(kind));
        let ended = ReportKind::Ended;
        vec![
            is("started", ReportKind::Queued),
            is("ringing", ReportKind::Ringing),
            is("answered", ReportKind::Answered),
            is("machine", ReportKind::Answered),
            is("completed", ended(EndState::Completed)),
            is("busy", ended(EndState::Busy)),
            is("cancelled", ended(EndState::Canceled)),
            is("failed", ended(EndState::Failed)),
            is("rejected", ended(EndState::Failed)),
            is("timeout", ended(EndState::NoAnswer)),
            is("unanswered", ended(EndState::NoAnswer)),
            (known("levitating"), Known::Unclear),
            (vec![Reply::json(404, NOT_FOUND)], Known::Unknown),
            (vec![Reply::json(404, "<html>")], Known::Fails),
            (vec![Reply::json(200, "<html>")], Known::Fails),
            (vec![Reply::json(200, "{}")], Known::Fails),
            (vec![Reply::json(401, "{}")], Known::Fails),
            (vec![Reply::json(503, "")], Known::Fails),
        ]
    },
    create: Some(|| {
        let placed = json!({"uuid": "U1", "status": "started", "direction": "outbound", "conversation_uuid": "CON-1"});
        let refused = json!({"type": "https://developer.nexmo.com/api-errors#invalid", "title": "Invalid", "detail": "to"});
        vec![
            (
                vec![Reply::json(201, placed.to_string())],
                Created::Named("U1"),
            ),
            (vec![Reply::json(400, refused.to_string())], Created::NoCall),
            (vec![Reply::json(400, BAD_REQUEST)], Created::NoCall),
            (vec![Reply::json(401, "{}")], Created::NoCall),
            (vec![Reply::json(429, "{}")], Created::NoCall),
            (vec![Reply::json(400, "<html>")], Created::Perhaps),
            (vec![Reply::json(500, "")], Created::Perhaps),
            (vec![Reply::json(201, "<html>")], Created::Perhaps),
            (vec![Reply::json(201, "{}")], Created::Perhaps),
            (vec![Reply::Silence], Created::Perhaps),
            (vec![Reply::Close], Created::Perhaps),
        ]
    }),
};

const INBOUND: Inbound = Inbound {
    genuine: |url, now| signed(url, &event("GENUINE", "completed", now), now),
    proof: &["authorization"],
    url_is_signed: false,
    body_is_free: false,
    window_s: Some(300),
    other_media_type: Some(InboundError::Malformed("the body must be application/json")),
    statuses: |url, now| {
        let ended = |end| Some(ReportKind::Ended(end));
        let with = |status, name: &str, value: &str| {
            let mut event = event("U1", status, now);
            event[name] = value.into();
            event
        };
        let plain = [
            ("started", Some(ReportKind::Queued)),
            ("ringing", Some(ReportKind::Ringing)),
            ("answered", Some(ReportKind::Answered)),
            ("human", Some(ReportKind::Answered)),
            ("machine", Some(ReportKind::Answered)),
            ("busy", ended(EndState::Busy)),
            ("cancelled", ended(EndState::Canceled)),
            ("unanswered", ended(EndState::NoAnswer)),
            ("timeout", ended(EndState::NoAnswer)),
            ("rejected", ended(EndState::Failed)),
            ("failed", ended(EndState::Failed)),
            ("completed", Some(ReportKind::HungUp(EndState::NoAnswer))),
            ("disconnected", None),
            ("levitating", None),
        ]
        .map(|(status, kind)| (event("U1", status, now), kind));
        let detailed = [
            (
                with("completed", "duration", "0"),
                Some(ReportKind::HungUp(EndState::NoAnswer)),
            ),
            (
                with("completed", "duration", "2"),
                ended(EndState::Completed),
            ),
            (
                with("rejected", "detail", "declined"),
                ended(EndState::Busy),
            ),
            (
                with("rejected", "detail", "restricted"),
                ended(EndState::Failed),
            ),
            (
                with("rejected", "detail", "invalid_number"),
                ended(EndState::Failed),
            ),
            (
                with("unanswered", "detail", "unavailable"),
                ended(EndState::NoAnswer),
            ),
            (
                with("failed", "detail", "cannot_route"),
                ended(EndState::Failed),
            ),
        ];
        let all = plain.into_iter().chain(detailed);
        all.map(|(event, kind)| (signed(url, &event, now), kind))
            .collect()
    },
    lives: |url, now| {
        let life = |call: &str, steps: &[(&str, &str)]| {
            let posts = steps.iter().zip(0..).map(|((status, duration), at)| {
                let at = now + TimeDelta::seconds(at * 5);
                let mut event = event(call, status, at);
                if !duration.is_empty() {
                    event["duration"] = (*duration).into();
                }
                signed(url, &event, now)
            });
            posts.collect::<Vec<_>>()
        };
        let (started, ringing, answered) = (("started", ""), ("ringing", ""), ("answered", ""));
        let nothing = ("completed", "0");
        let talk = ("completed", "5");
        vec![
            (life("U1", &[started, ringing, answered, talk]), "completed"),
            (
                life("U2", &[started, ringing, ("busy", ""), nothing]),
                "busy",
            ),
            (
                life("U3", &[started, ("unanswered", ""), nothing]),
                "no_answer",
            ),
            (
                life("U4", &[started, ("cancelled", ""), nothing]),
                "canceled",
            ),
            (life("U5", &[started, answered, nothing]), "completed"),
            (life("U6", &[started, ("rejected", "")]), "failed"),
        ]
    },
};

static KEY: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate(KeySize::Rsa2048).unwrap());

/// The signature secret.
const SECRET: &str = "hush, a signature secret of Vonage's";

fn credentials() -> Credentials {
    let der = KEY
        .as_der()
        .map(|der: Pkcs8V1Der<'static>| BASE64_STANDARD.encode(der.as_ref()));
    // As an environment variable holds it.
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\\n{}\\n-----END PRIVATE KEY-----",
        der.unwrap()
    );
    Credentials {
        account: "APPLICATION".to_owned(),
        key_id: None,
        secret: pem.into(),
        signing_secret: Some(SECRET.into()),
    }
}

fn event(call: &str, status: &str, at: DateTime<Utc>) -> Value {
    json!({
        "uuid": call,
        "conversation_uuid": "CON-1",
        "from": "14155550100",
        "to": "14155550148",
        "status": status,
        "direction": "outbound",
        "timestamp": at.to_rfc3339_opts(SecondsFormat::Millis, true),
    })
}

/// An event as Vonage posts it, signed at that time.
pub(crate) fn signed(url: &str, event: &Value, at: DateTime<Utc>) -> Posted {
    let body = event.to_string();
    let claims = json!({
        "iat": at.timestamp(),
        "jti": Uuid::now_v7(),
        "iss": "Vonage",
        "payload_hash": hex::encode(digest(&SHA256, body.as_bytes())),
        "api_key": "abcd1234",
        "application_id": "APPLICATION",
    });
    with_claims(url, body, &claims, (Algorithm::HS256, SECRET))
}

fn with_claims(
    url: &str,
    body: String,
    claims: &Value,
    (algorithm, secret): (Algorithm, &str),
) -> Posted {
    let key = EncodingKey::from_secret(secret.as_bytes());
    let token = jsonwebtoken::encode(&Header::new(algorithm), claims, &key).unwrap();
    let authorization = format!("Bearer {token}");
    let headers = [
        ("content-type", "application/json"),
        ("authorization", &authorization),
    ];
    Posted::new(url, &headers, body)
}

fn call(uuid: &str, status: &str) -> Value {
    let mut call: Value =
        serde_json::from_str(include_str!("../../fixtures/vonage/call.json")).unwrap();
    call["uuid"] = uuid.into();
    call["status"] = status.into();
    call
}

fn page(calls: &[Value], next: Option<&str>) -> String {
    let mut links = json!({"self": {"href": "/calls?page_size=100&record_index=0"}});
    if let Some(next) = next {
        links["next"] = json!({ "href": next });
    }
    let count = calls.len();
    json!({
        "count": count,
        "page_size": 100,
        "record_index": 0,
        "_links": links,
        "_embedded": {"calls": calls},
    })
    .to_string()
}

fn replies(case: Case) -> Replies {
    Replies::Own(match case {
        Case::Ends => vec![Reply::json(204, "")],
        Case::AlreadyOver => vec![
            Reply::json(404, NOT_FOUND),
            Reply::json(200, call("NAME", "completed").to_string()),
        ],
        Case::Unknown => vec![Reply::json(404, NOT_FOUND), Reply::json(404, NOT_FOUND)],
        Case::Refused => vec![Reply::json(
            422,
            r#"{"type":"UNPROCESSABLE","error_title":"Unprocessable Entity"}"#,
        )],
        _ => return Replies::Common,
    })
}

#[derive(Debug, Deserialize)]
struct Claims {
    application_id: String,
    iat: u64,
    exp: u64,
    jti: Uuid,
}

/// The claims of a request's token, which the application's public key verifies.
fn claims(asked: &Recorded) -> Claims {
    let header = asked.header(header::AUTHORIZATION.as_str());
    let token = header.strip_prefix("Bearer ").unwrap();
    let key = DecodingKey::from_rsa_der(KEY.public_key().as_ref());
    let validation = Validation::new(Algorithm::RS256);
    jsonwebtoken::decode(token, &key, &validation)
        .unwrap()
        .claims
}

#[tokio::test]
async fn vonage_is_asked_with_a_new_token_each_time() {
    let double = ProviderDouble::start([Reply::json(204, ""), Reply::json(204, "")]);
    let connection = connection(&VENDOR, double.base_url().join("eu").unwrap());
    for _ in 0..2 {
        end(&connection, "U/1").await.unwrap();
    }
    let asked = double.requests();
    assert_eq!(asked[0].method, "PUT");
    assert_eq!(asked[0].target, "/eu/v1/calls/U%2F1");
    assert_eq!(asked[0].header("content-type"), "application/json");
    assert_eq!(asked[0].body, r#"{"action":"hangup"}"#);
    let (first, second) = (claims(&asked[0]), claims(&asked[1]));
    assert_eq!(first.application_id, "APPLICATION");
    assert_eq!(first.exp - first.iat, 300);
    assert_ne!(first.jti, second.jti);
}

#[tokio::test]
async fn a_private_key_is_taken_in_either_form_of_pem() {
    let der: Pkcs8V1Der<'static> = KEY.as_der().unwrap();
    // PKCS#8 is a head of 26 bytes before the PKCS#1.
    for (kind, der) in [
        ("PRIVATE", der.as_ref()),
        ("RSA PRIVATE", &der.as_ref()[26..]),
    ] {
        let double = ProviderDouble::start([Reply::json(204, "")]);
        let mut connection = connection(&VENDOR, double.base_url());
        let key = BASE64_STANDARD.encode(der);
        let pem = format!("-----BEGIN {kind} KEY-----\n{key}\n-----END {kind} KEY-----\n");
        connection.credentials.secret = pem.into();
        assert_eq!(come_to(end(&connection, "U1").await), "ended", "{kind}");
        claims(&double.requests()[0]);
    }
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_and_nobody_is_asked() {
    let double = ProviderDouble::start([]);
    let mut connection = connection(&VENDOR, double.base_url());
    connection.credentials.secret = "hush, not a key".into();
    let refused = end(&connection, "U1").await;
    assert_eq!(come_to(refused), "never: refused");
    assert!(double.requests().is_empty());
}

#[tokio::test]
async fn a_call_that_is_too_young_is_hung_up_two_seconds_later() {
    let over = call("NAME", "timeout").to_string();
    let live = call("NAME", "answered").to_string();
    let early = || Reply::json(400, BAD_REQUEST);
    let (over, live) = (
        || Reply::json(200, over.clone()),
        || Reply::json(200, live.clone()),
    );
    let unknown = || Reply::json(404, NOT_FOUND);
    let cases = [
        (4, vec![early(), live(), Reply::json(204, "")], "ended"),
        (4, vec![early(), unknown(), Reply::json(204, "")], "ended"),
        (4, vec![early(), over()], "already over"),
        (4, vec![early(), live(), early(), over()], "already over"),
        (4, vec![early(), live(), unknown(), unknown()], "not found"),
        (4, vec![early(), live(), early(), live()], "later: garbled"),
        // No time is left to wait.
        (2, vec![early(), live(), live()], "later: garbled"),
        (2, vec![early(), unknown(), unknown()], "not found"),
    ];
    let asking = cases.map(|(deadline_s, replies, expected)| async move {
        let (count, egress) = (replies.len(), egress());
        let double = ProviderDouble::start(replies);
        let connection = connection(&VENDOR, double.base_url());
        let access = Access {
            egress: &egress,
            connection: &connection,
            deadline: Duration::from_secs(deadline_s),
        };
        let hang_up = HangUpOrder {
            call: &ProviderCallId::parse("NAME").unwrap(),
            request_id: Uuid::nil(),
            answered: false,
        };
        let vonage = Providers::default().named("vonage").unwrap();
        let result = vonage.end(&access, &hang_up).await;
        assert_eq!(come_to(result), expected);
        assert_eq!(double.requests().len(), count, "{expected}");
    });
    let mut all = tokio::task::JoinSet::new();
    for one in asking {
        all.spawn(one);
    }
    while let Some(one) = all.join_next().await {
        one.unwrap();
    }
}

#[tokio::test]
async fn vonage_is_given_an_order_as_its_api_documents() {
    let placed = || Reply::json(201, json!({"uuid": "U1"}).to_string());
    let double = ProviderDouble::start([placed(), placed(), placed()]);
    let (connection, egress) = (connection(&VENDOR, double.base_url()), egress());
    let access = Access {
        egress: &egress,
        connection: &connection,
        deadline: Duration::from_secs(1),
    };
    let url = AnsweredBy::Url("https://agent.example.com/voice?a=b".parse().unwrap());
    let application = AnsweredBy::Application(onhook::domain::text::Text::parse("APP").unwrap());
    let (from, to) = (from(), to());
    let order = CallOrder {
        from: &from,
        to: &to,
        extension: Some("123"),
        answered_by: &url,
        told: &[("call_id", "a&b")],
        status_callback: "https://calls.example.com/inbound/vonage/c1?call=z",
        call_id: CallId::generate(),
        max_duration: Some(Duration::from_mins(10)),
    };
    let vonage = Providers::default().named("vonage").unwrap();
    vonage.create(&access, &order).await.unwrap();
    let asked = double.requests().remove(0);
    assert_eq!(
        (asked.method.as_str(), asked.target.as_str()),
        ("POST", "/v1/calls")
    );
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(
        body,
        json!({
            "to": [{"type": "phone", "number": "14155550148", "dtmfAnswer": "pp123"}],
            "from": {"type": "phone", "number": "14155550100"},
            "answer_url": ["https://agent.example.com/voice?a=b&call_id=a%26b"],
            "answer_method": "GET",
            "event_url": ["https://calls.example.com/inbound/vonage/c1?call=z"],
            "event_method": "POST",
            "ringing_timer": 60,
            "length_timer": 600,
        })
    );
    // Its bounds are those of the API: 1 to 86,400 seconds.
    for (asked, (max, given)) in [(0, 1), (86_401, 86_400)].into_iter().enumerate() {
        let max_duration = Some(Duration::from_secs(max));
        let order = CallOrder {
            max_duration,
            ..order
        };
        vonage.create(&access, &order).await.unwrap();
        let body: Value = serde_json::from_str(&double.requests()[asked + 1].body).unwrap();
        assert_eq!(body["length_timer"], given);
    }
    let order = CallOrder {
        answered_by: &application,
        ..order
    };
    let refused = vonage.create(&access, &order).await.unwrap_err();
    assert!(!refused.may_be_done(), "{refused}");
    assert_eq!(double.requests().len(), 3);
}

#[tokio::test]
async fn a_call_whose_answer_was_lost_is_found_on_a_bounded_number_of_pages() {
    let placed = |uuid: &str| {
        let mut call = call(uuid, "started");
        call["from"]["number"] = "14155550100".into();
        call["to"]["number"] = "14155550148".into();
        call
    };
    let mut inbound = placed("U0");
    inbound["direction"] = "inbound".into();
    let next =
        |index| format!("https://elsewhere.example.com/calls?page_size=100&record_index={index}");
    let first = page(
        &[inbound, call("U9", "started"), placed("U1")],
        Some(&next(100)),
    );
    let mut pages = vec![
        Reply::json(200, first),
        Reply::json(200, page(&[placed("U2")], None)),
    ];
    pages.extend(
        (0..6).map(|at| Reply::json(200, page(&[placed("U3")], Some(&next(100 * (at + 1)))))),
    );
    let double = ProviderDouble::start(pages);
    let (connection, egress) = (connection(&VENDOR, double.base_url()), egress());
    let access = Access {
        egress: &egress,
        connection: &connection,
        deadline: Duration::from_secs(1),
    };
    let search = Search {
        call_id: CallId::generate(),
        from: &from(),
        to: &to(),
        since: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
    };
    let vonage = Providers::default().named("vonage").unwrap();
    let found = vonage.created_since(&access, &search).await.unwrap();
    let found: Vec<&str> = found.iter().map(ProviderCallId::as_str).collect();
    assert_eq!(found, ["U1", "U2"]);
    let asked = double.requests();
    let query = "date_start=2027-01-15T08%3A00%3A00Z&order=asc&page_size=100&record_index";
    assert_eq!(asked[0].target, format!("/v1/calls?{query}=0"));
    assert_eq!(asked[1].target, format!("/v1/calls?{query}=100"));

    let found = vonage.created_since(&access, &search).await.unwrap();
    assert_eq!((found.len(), double.requests().len()), (5, 7));
}

#[test]
fn a_token_of_another_kind_or_about_something_else_proves_nothing() {
    let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let body = event("U1", "completed", now).to_string();
    let hash = hex::encode(digest(&SHA256, body.as_bytes()));
    let good = json!({"iat": now.timestamp(), "payload_hash": hash});
    let secret = (Algorithm::HS256, SECRET);
    let read = |posted: &Posted, credentials: &Credentials| {
        let request = onhook::providers::InboundRequest {
            url: &posted.url,
            headers: &posted.headers,
            body: &posted.body,
            received_at: now,
        };
        let vonage = Providers::default().named("vonage").unwrap();
        vonage
            .read(&request, credentials)
            .map(|reports| reports.len())
    };
    let altered = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        with_claims("u", body.clone(), &claims, secret)
    };
    assert_eq!(
        read(
            &with_claims("u", body.clone(), &good, secret),
            &credentials()
        ),
        Ok(1)
    );
    let mut no_secret = credentials();
    no_secret.signing_secret = None;
    let mut empty_secret = credentials();
    empty_secret.signing_secret = Some("".into());
    for (posted, credentials) in [
        (
            with_claims("u", body.clone(), &good, (Algorithm::HS512, SECRET)),
            credentials(),
        ),
        (
            with_claims("u", body.clone(), &good, (Algorithm::HS256, "guess")),
            credentials(),
        ),
        (altered("application_id", "OTHER".into()), credentials()),
        (altered("payload_hash", Value::Null), credentials()),
        (altered("payload_hash", "".into()), credentials()),
        (altered("iat", Value::Null), credentials()),
        (altered("iat", i64::MIN.into()), credentials()),
        (with_claims("u", body.clone(), &good, secret), no_secret),
        (
            with_claims("u", body.clone(), &good, (Algorithm::HS256, "")),
            empty_secret,
        ),
    ] {
        assert_eq!(
            read(&posted, &credentials),
            Err(InboundError::Unverified),
            "{posted:?}"
        );
    }
    let mut basic = with_claims("u", body.clone(), &good, secret);
    basic
        .headers
        .insert("authorization", "Basic eDp5".parse().unwrap());
    assert_eq!(read(&basic, &credentials()), Err(InboundError::Unverified));
    // Vonage itself may fail to sign, and asks for a 5xx then.
    let mut unsigned = basic;
    unsigned.headers.remove("authorization");
    let again = read(&unsigned, &credentials()).unwrap_err();
    assert!(matches!(again, InboundError::TryAgain(_)));
}
