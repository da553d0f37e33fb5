//! jambonz: its live calls, which it keeps for a while after they end, and its status callbacks. It has no word for a call whose
//! caller gave up, and some of its servers hide why they refuse.

use aws_lc_rs::hmac;
use http::{Method, StatusCode};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::{
    domain::{
        connection::Credentials,
        state::{Direction, EndState},
    },
    simulate::{
        double::{ApiAnswer, ApiRequest, Callback, CallbackTo, Double},
        ledger::{HangUpResult, Ledger, LedgerCall, Step},
    },
};

const ACCOUNT: &str = "9351f46a-0000-4000-8000-000000000001";
const API_KEY: &str = "the API key of a simulated account";
const SECRET: &str = "wh_secret of a simulated account";

/// The double.
#[derive(Debug, Clone, Copy)]
pub struct Jambonz;

impl Double for Jambonz {
    fn provider(&self) -> &'static str {
        "jambonz"
    }

    fn credentials(&self) -> Credentials {
        Credentials {
            account: ACCOUNT.to_owned(),
            key_id: None,
            secret: API_KEY.into(),
            signing_secret: Some(SECRET.into()),
        }
    }

    fn call_id(&self, number: u32) -> String {
        format!("76ad1a2b-3f0f-4a6f-9141-{number:012x}")
    }

    fn end(&self, _direction: Direction, state: EndState) -> EndState {
        match state {
            EndState::Canceled => EndState::NoAnswer,
            EndState::Completed
            | EndState::Busy
            | EndState::NoAnswer
            | EndState::Failed
            | EndState::Voicemail => state,
        }
    }

    fn answer(&self, request: &ApiRequest, ledger: &mut Ledger) -> ApiAnswer {
        let credentials = self.credentials();
        let expected = format!("Bearer {}", credentials.secret.expose_secret());
        if request.header("authorization") != expected {
            return plain(StatusCode::UNAUTHORIZED);
        }
        let segments = request.segments();
        let ["v1", "Accounts", ACCOUNT, "Calls", sid] = *segments else {
            return plain(StatusCode::NOT_FOUND);
        };
        let Some(call) = ledger.get(sid).cloned() else {
            return plain(StatusCode::NOT_FOUND);
        };
        if request.method == Method::GET {
            let (status, sip_status) = words(&call);
            return ApiAnswer::json(StatusCode::OK, &shown(&call, status, sip_status));
        }
        let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let fits = match asked.get("call_status").and_then(Value::as_str) {
            Some("completed") => call.answered_at.is_some(),
            Some("no-answer") => call.answered_at.is_none(),
            Some(_) | None => return refusal(StatusCode::BAD_REQUEST, "invalid call_status"),
        };
        if call.is_live() && fits {
            return match ledger.hang_up(sid) {
                HangUpResult::Ended => plain(StatusCode::ACCEPTED),
                HangUpResult::AlreadyOver | HangUpResult::Unknown => gone(&call),
            };
        }
        if call.is_live() {
            return other_state(&call);
        }
        gone(&call)
    }

    fn callback(&self, call: &LedgerCall, step: Step, to: &CallbackTo) -> Option<Callback> {
        let (status, sip_status) = match step {
            Step::Queued => ("trying", 100),
            Step::Ringing => ("ringing", 180),
            Step::Answered => ("in-progress", 200),
            Step::Ended(state) => end_words(state),
        };
        let body = shown(call, status, sip_status).to_string();
        let time = to.now.timestamp();
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
        let signature = hex::encode(hmac::sign(&key, format!("{time}.{body}").as_bytes()));
        let header = format!("t={time},v1={signature}");
        let headers = [
            ("content-type", "application/json"),
            ("jambonz-signature", header.as_str()),
        ];
        Some(Callback::new(&headers, body))
    }
}

fn words(call: &LedgerCall) -> (&'static str, u16) {
    match (call.end, call.answered_at, call.ringing_at) {
        (Some((state, _)), ..) => end_words(state),
        (None, Some(_), _) => ("in-progress", 200),
        (None, None, Some(_)) => ("ringing", 180),
        (None, None, None) => ("trying", 100),
    }
}

/// A call as it is posted and as it is answered.
fn shown(call: &LedgerCall, status: &str, sip_status: u16) -> Value {
    let direction = match call.direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound",
    };
    let mut body = json!({
        "call_sid": call.id, "direction": direction, "from": call.from, "to": call.to, "call_id": call.id,
        "sip_status": sip_status, "sip_reason": "", "call_status": status, "account_sid": ACCOUNT,
        "trace_id": "00000000000000000000000000000000", "application_sid": null,
    });
    if let (true, Some(fields)) = (status == "completed", body.as_object_mut()) {
        fields.insert("duration".to_owned(), json!(call.talk_s()));
        fields.insert("call_termination_by".to_owned(), json!("caller"));
    }
    body
}

/// Whether the server that has the call says why it refuses; older ones do not.
fn tells(call: &LedgerCall) -> bool {
    !call.id.ends_with(['1', '5', '9', 'd'])
}

fn gone(call: &LedgerCall) -> ApiAnswer {
    let why = format!("call session is gone for call_sid {}", call.id);
    refused_by_server(call, &why)
}

fn other_state(call: &LedgerCall) -> ApiAnswer {
    let why = "current call state is incompatible with requested action for call_sid";
    refused_by_server(call, &format!("{why} {}", call.id))
}

fn refused_by_server(call: &LedgerCall, why: &str) -> ApiAnswer {
    if tells(call) {
        refusal(StatusCode::UNPROCESSABLE_ENTITY, why)
    } else {
        plain(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

fn refusal(status: StatusCode, message: &str) -> ApiAnswer {
    ApiAnswer::json(status, &json!({ "msg": message }))
}

/// A status with its own name as the text.
fn plain(status: StatusCode) -> ApiAnswer {
    let mut answer = ApiAnswer::empty(status);
    answer.body = status.canonical_reason().unwrap_or_default().into();
    answer
}

fn end_words(state: EndState) -> (&'static str, u16) {
    match state {
        EndState::Completed | EndState::Voicemail => ("completed", 200),
        EndState::Busy => ("busy", 486),
        EndState::NoAnswer | EndState::Canceled => ("no-answer", 487),
        EndState::Failed => ("failed", 503),
    }
}
