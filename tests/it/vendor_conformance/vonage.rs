//! Vonage's replies and events, as Vonage's OpenAPI description and its webhook reference have them; the JSON of its errors as
//! users report it.

use std::sync::LazyLock;

use aws_lc_rs::{
    digest::{SHA256, digest},
    encoding::{AsDer as _, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use onhook::{
    domain::{connection::Credentials, report::ReportKind, state::EndState},
    providers::InboundError,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::provider_double::Reply;

use super::vendor::{Calls, Case, Created, Inbound, Known, Posted, Replies, Vendor};

mod asking;

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
