//! Vonage: the Voice API and its signed events. Whoever was not answered is told of twice, as `busy` or the like and as
//! `completed`, in either order; a call that has only just begun cannot be hung up; one that is over is answered 400 or 404.

use std::{
    collections::HashSet,
    sync::{LazyLock, Mutex, PoisonError},
};

use async_trait::async_trait;
use aws_lc_rs::{
    digest::{SHA256, digest},
    encoding::{AsDer as _, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
    signature::KeyPair as _,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use http::{Method, StatusCode};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    domain::{
        connection::Credentials,
        state::{Direction, EndState},
    },
    simulate::{
        double::{ApiAnswer, ApiRequest, Callback, CallbackTo, Double},
        ledger::{HangUpResult, Ledger, LedgerCall, Step},
        world::World,
    },
};

const APPLICATION: &str = "aaaaaaaa-bbbb-cccc-dddd-000000000001";
const SIGNATURE_SECRET: &str = "the signature secret of a simulated account";

/// How old a call must be to be hung up. Really one or two seconds: calls live faster here.
const TOO_EARLY: TimeDelta = TimeDelta::milliseconds(150);

/// The application's key pair.
static KEY: LazyLock<KeyPair> =
    LazyLock::new(|| KeyPair::generate(KeySize::Rsa2048).expect("there is memory for a key"));

/// The tokens that came: each is taken once.
static TOKENS: LazyLock<Mutex<HashSet<Uuid>>> = LazyLock::new(Mutex::default);

/// The double.
#[derive(Debug, Clone, Copy)]
pub struct Vonage;

#[async_trait]
impl Double for Vonage {
    fn provider(&self) -> &'static str {
        "vonage"
    }

    fn credentials(&self) -> Credentials {
        let der: Pkcs8V1Der<'static> = KEY.as_der().expect("a key that was made has a form");
        let key = BASE64_STANDARD.encode(der.as_ref());
        Credentials {
            account: APPLICATION.to_owned(),
            key_id: None,
            secret: format!("-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n")
                .into(),
            signing_secret: Some(SIGNATURE_SECRET.into()),
        }
    }

    fn call_id(&self, number: u32) -> String {
        format!("aaaaaaaa-bbbb-cccc-dddd-{number:012x}")
    }

    fn answer(&self, request: &ApiRequest, ledger: &mut Ledger) -> ApiAnswer {
        if !is_token(request.header("authorization")) {
            return error(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "Unauthorized");
        }
        match (&request.method, request.segments().as_slice()) {
            (&Method::GET, ["v1", "calls"]) => {
                let calls: Vec<Value> = ledger.all().take(100).map(record).collect();
                let page = json!({
                    "count": calls.len(), "page_size": 100, "record_index": 0,
                    "_links": {"self": {"href": "/calls?page_size=100&record_index=0&order=asc"}},
                    "_embedded": {"calls": calls},
                });
                ApiAnswer::json(StatusCode::OK, &page)
            }
            (&Method::GET, ["v1", "calls", uuid]) => match ledger.get(uuid) {
                Some(call) => ApiAnswer::json(StatusCode::OK, &record(call)),
                None => not_found(),
            },
            (&Method::PUT, ["v1", "calls", uuid]) => hang_up(uuid, &request.body, ledger),
            _ => not_found(),
        }
    }

    fn callback(&self, call: &LedgerCall, step: Step, to: &CallbackTo) -> Option<Callback> {
        let (status, at) = match step {
            Step::Queued => ("started", call.created_at),
            Step::Ringing => ("ringing", call.ringing_at?),
            Step::Answered => ("answered", call.answered_at?),
            Step::Ended(state) => (end_word(state), call.end?.1),
        };
        let mut event = json!({
            "uuid": call.id, "conversation_uuid": conversation(call), "status": status,
            "direction": direction(call.direction), "from": digits(&call.from), "to": digits(&call.to),
            "timestamp": at.to_rfc3339_opts(SecondsFormat::Millis, true),
        });
        if let (Some(event), "completed") = (event.as_object_mut(), status) {
            event.extend(summary(call));
        }
        let body = event.to_string();
        let claims = json!({
            "iat": to.now.timestamp(), "jti": Uuid::now_v7(), "iss": "Vonage", "application_id": APPLICATION,
            "api_key": "abcd1234", "payload_hash": hex::encode(digest(&SHA256, body.as_bytes())),
        });
        let key = EncodingKey::from_secret(SIGNATURE_SECRET.as_bytes());
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).ok()?;
        let bearer = format!("Bearer {token}");
        let headers = [
            ("content-type", "application/json"),
            ("authorization", bearer.as_str()),
        ];
        Some(Callback::new(&headers, body))
    }

    async fn tell(&self, world: &World, call: &LedgerCall, step: Step) -> bool {
        let completed = Step::Ended(EndState::Completed);
        let twice = matches!(step, Step::Ended(state) if end_word(state) != "completed");
        if twice && call.id.ends_with(['0', '2', '4', '6', '8', 'a', 'c', 'e']) {
            world.post(call, completed).await;
            return world.post(call, step).await;
        }
        let told = world.post(call, step).await;
        if twice {
            world.post(call, completed).await;
        }
        told
    }
}

#[derive(Deserialize)]
struct Claims {
    application_id: String,
    jti: Uuid,
}

/// Whether it is a token of the application that has not come before.
fn is_token(authorization: &str) -> bool {
    let Some(token) = authorization.strip_prefix("Bearer ") else {
        return false;
    };
    let key = DecodingKey::from_rsa_der(KEY.public_key().as_ref());
    let Ok(token) = jsonwebtoken::decode::<Claims>(token, &key, &Validation::new(Algorithm::RS256))
    else {
        return false;
    };
    let mut tokens = TOKENS.lock().unwrap_or_else(PoisonError::into_inner);
    token.claims.application_id == APPLICATION && tokens.insert(token.claims.jti)
}

fn hang_up(uuid: &str, body: &[u8], ledger: &mut Ledger) -> ApiAnswer {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let young = ledger
        .get(uuid)
        .is_some_and(|call| call.is_live() && ledger.now() - call.created_at < TOO_EARLY);
    if body != json!({"action": "hangup"}) || young {
        return error(StatusCode::BAD_REQUEST, "BAD_REQUEST", "Bad Request");
    }
    match ledger.hang_up(uuid) {
        HangUpResult::Ended => ApiAnswer::empty(StatusCode::NO_CONTENT),
        HangUpResult::AlreadyOver if uuid.ends_with(['0', '4', '8', 'c']) => {
            error(StatusCode::BAD_REQUEST, "BAD_REQUEST", "Bad Request")
        }
        HangUpResult::AlreadyOver | HangUpResult::Unknown => not_found(),
    }
}

/// The call resource.
fn record(call: &LedgerCall) -> Value {
    let status = match (call.end, call.answered_at, call.ringing_at) {
        (Some((state, _)), ..) => end_word(state),
        (None, Some(_), _) => "answered",
        (None, None, Some(_)) => "ringing",
        (None, None, None) => "started",
    };
    let mut record = json!({
        "uuid": call.id, "conversation_uuid": conversation(call), "status": status,
        "direction": direction(call.direction),
        "from": {"type": "phone", "number": digits(&call.from)}, "to": {"type": "phone", "number": digits(&call.to)},
        "_links": {"self": {"href": format!("/calls/{}", call.id)}},
    });
    if let (Some(record), true) = (record.as_object_mut(), call.end.is_some()) {
        record.extend(summary(call));
    }
    record
}

/// What is known once it is over.
fn summary(call: &LedgerCall) -> serde_json::Map<String, Value> {
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let fields = [
        ("start_time", json!(call.answered_at.map(time))),
        ("end_time", json!(call.end.map(|(_, at)| time(at)))),
        ("duration", json!(call.talk_s().to_string())),
        ("rate", json!("0.00450000")),
        ("price", json!("0.00015000")),
        ("network", json!("US-FIXED")),
    ];
    let fields = fields.into_iter();
    fields
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn not_found() -> ApiAnswer {
    error(StatusCode::NOT_FOUND, "NOT_FOUND", "Not Found")
}

fn error(status: StatusCode, kind: &str, title: &str) -> ApiAnswer {
    ApiAnswer::json(status, &json!({"type": kind, "error_title": title}))
}

fn conversation(call: &LedgerCall) -> String {
    format!("CON-{}", call.id)
}

/// E.164 without its plus.
fn digits(number: &str) -> &str {
    number.trim_start_matches('+')
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound",
    }
}

fn end_word(state: EndState) -> &'static str {
    match state {
        EndState::Completed | EndState::Voicemail => "completed",
        EndState::Busy => "busy",
        EndState::NoAnswer => "unanswered",
        EndState::Canceled => "cancelled",
        EndState::Failed => "failed",
    }
}
