//! Telnyx: Call Control and its signed webhooks. Its status of a call says whether the call lives, and nothing of how it ended.

use async_trait::async_trait;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, SecondsFormat, Utc};
use http::{Method, StatusCode};
use serde_json::{Value, json};

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

const APPLICATION: &str = "1293384261075731461";
const API_KEY: &str = "KEY_of_a_simulated_account";

/// The seed of the key that it signs with.
const SEED: [u8; 32] = *b"the key of a simulated account!!";

/// The double.
#[derive(Debug, Clone, Copy)]
pub struct Telnyx;

#[async_trait]
impl Double for Telnyx {
    fn provider(&self) -> &'static str {
        "telnyx"
    }

    fn credentials(&self) -> Credentials {
        Credentials {
            account: APPLICATION.to_owned(),
            key_id: None,
            secret: API_KEY.into(),
            signing_secret: Some(BASE64_STANDARD.encode(key().public_key()).into()),
        }
    }

    fn call_id(&self, number: u32) -> String {
        format!("v3:{number:08x}")
    }

    fn answer(&self, request: &ApiRequest, ledger: &mut Ledger) -> ApiAnswer {
        if request.header("authorization") != format!("Bearer {API_KEY}") {
            return error(StatusCode::UNAUTHORIZED, "10009", "Authentication failed");
        }
        match (&request.method, request.segments().as_slice()) {
            (&Method::POST, ["v2", "calls", id, "actions", "hangup"]) => hang_up(id, ledger),
            (&Method::GET, ["v2", "calls", id]) => match ledger.get(id) {
                Some(call) => ApiAnswer::json(StatusCode::OK, &status(call)),
                None => invalid(),
            },
            (&Method::GET, ["v2", "connections", APPLICATION, "active_calls"]) => {
                let calls: Vec<Value> = ledger.live().take(250).map(active).collect();
                let page =
                    json!({"data": calls, "meta": {"total_items": calls.len(), "cursors": {}}});
                ApiAnswer::json(StatusCode::OK, &page)
            }
            _ => error(StatusCode::NOT_FOUND, "10005", "Resource not found"),
        }
    }

    fn callback(&self, call: &LedgerCall, step: Step, to: &CallbackTo) -> Option<Callback> {
        let (name, at) = match step {
            Step::Queued => ("call.initiated", call.created_at),
            Step::Ringing => return None,
            Step::Answered => ("call.answered", call.answered_at?),
            Step::Ended(_) => ("call.hangup", call.end?.1),
        };
        let payload = json!({
            "call_control_id": call.id, "call_leg_id": format!("leg {}", call.id),
            "call_session_id": format!("session {}", call.id), "connection_id": APPLICATION, "client_state": null,
            "from": call.from, "to": call.to, "start_time": time(call.created_at),
            "direction": (step == Step::Queued).then(|| direction(call.direction)), "hangup_cause": cause(step),
        });
        let body = json!({
            "data": {
                "record_type": "event", "event_type": name, "id": format!("{name} {}", call.id),
                "occurred_at": time(at), "payload": payload,
            },
            "meta": {"attempt": 1, "delivered_to": to.url},
        });
        let (body, timestamp) = (body.to_string(), to.now.timestamp().to_string());
        let signature = key().sign(format!("{timestamp}|{body}").as_bytes());
        let signature = BASE64_STANDARD.encode(signature);
        let headers = [
            ("content-type", "application/json"),
            ("telnyx-signature-ed25519", signature.as_str()),
            ("telnyx-timestamp", timestamp.as_str()),
        ];
        Some(Callback::new(&headers, body))
    }

    async fn tell(&self, world: &World, call: &LedgerCall, step: Step) -> bool {
        // A call rings as soon as it is there: there is no event of its own for it.
        step == Step::Ringing || world.post(call, step).await
    }
}

fn key() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&SEED).expect("any 32 bytes are a seed")
}

fn hang_up(id: &str, ledger: &mut Ledger) -> ApiAnswer {
    match ledger.hang_up(id) {
        HangUpResult::Ended => ApiAnswer::json(StatusCode::OK, &json!({"data": {"result": "ok"}})),
        HangUpResult::AlreadyOver => error(
            StatusCode::UNPROCESSABLE_ENTITY,
            "90018",
            "Call has already ended",
        ),
        HangUpResult::Unknown => invalid(),
    }
}

/// The status of a call. One that was not answered is being dialled, and not alive.
fn status(call: &LedgerCall) -> Value {
    let data = json!({
        "record_type": "call", "call_control_id": call.id, "call_leg_id": format!("leg {}", call.id),
        "call_session_id": format!("session {}", call.id), "client_state": "", "call_duration": call.talk_s(),
        "is_alive": call.is_live() && call.answered_at.is_some(), "start_time": time(call.created_at),
        "end_time": call.end.map(|(_, at)| time(at)),
    });
    json!({ "data": data })
}

fn active(call: &LedgerCall) -> Value {
    json!({
        "record_type": "call", "call_control_id": call.id, "call_leg_id": format!("leg {}", call.id),
        "call_session_id": format!("session {}", call.id), "client_state": "", "call_duration": call.talk_s(),
    })
}

fn invalid() -> ApiAnswer {
    error(
        StatusCode::UNPROCESSABLE_ENTITY,
        "10015",
        "Invalid call_control_id",
    )
}

fn error(status: StatusCode, code: &str, title: &str) -> ApiAnswer {
    ApiAnswer::json(status, &json!({"errors": [{"code": code, "title": title}]}))
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "incoming",
        Direction::Outbound => "outgoing",
    }
}

/// Why it ended: a talk and a call that nobody took look alike.
fn cause(step: Step) -> Option<&'static str> {
    match step {
        Step::Queued | Step::Ringing | Step::Answered => None,
        Step::Ended(EndState::Completed | EndState::Voicemail | EndState::NoAnswer) => {
            Some("normal_clearing")
        }
        Step::Ended(EndState::Busy) => Some("user_busy"),
        Step::Ended(EndState::Canceled) => Some("originator_cancel"),
        Step::Ended(EndState::Failed) => Some("call_rejected"),
    }
}
