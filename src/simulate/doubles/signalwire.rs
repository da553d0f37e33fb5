//! SignalWire: the call resource of its compatibility API and its status callbacks. A hang-up of a call that is over is answered
//! 422, and `Timestamp` is when the call was created.

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use http::{Method, StatusCode};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

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

const ACCOUNT: &str = "00000000-0000-4000-8000-000000000001";
const TOKEN: &str = "PT of a simulated project";
const SIGNING_KEY: &str = "PSK of a simulated space";

/// The double.
#[derive(Debug, Clone, Copy)]
pub struct SignalWire;

impl Double for SignalWire {
    fn provider(&self) -> &'static str {
        "signalwire"
    }

    fn credentials(&self) -> Credentials {
        Credentials {
            account: ACCOUNT.to_owned(),
            key_id: None,
            secret: TOKEN.into(),
            signing_secret: Some(SIGNING_KEY.into()),
        }
    }

    fn call_id(&self, number: u32) -> String {
        format!("00000000-0000-4000-9000-{number:012x}")
    }

    fn answer(&self, request: &ApiRequest, ledger: &mut Ledger) -> ApiAnswer {
        let credentials = self.credentials();
        let pair = format!("{ACCOUNT}:{}", credentials.secret.expose_secret());
        if request.header("authorization") != format!("Basic {}", BASE64_STANDARD.encode(pair)) {
            return refusal(StatusCode::UNAUTHORIZED, &json!(20003), "Authenticate");
        }
        let segments = request.segments();
        let [
            "api",
            "laml",
            "2010-04-01",
            "Accounts",
            ACCOUNT,
            "Calls",
            resource,
        ] = *segments
        else {
            return not_found();
        };
        let Some(sid) = resource.strip_suffix(".json") else {
            return not_found();
        };
        if request.method != Method::POST {
            return shown(ledger, sid);
        }
        match ledger.hang_up(sid) {
            HangUpResult::Ended => shown(ledger, sid),
            HangUpResult::AlreadyOver => {
                let (code, message) = (
                    "cannot_update_completed",
                    "Completed calls cannot be updated.",
                );
                refusal(StatusCode::UNPROCESSABLE_ENTITY, &json!(code), message)
            }
            HangUpResult::Unknown => not_found(),
        }
    }

    fn callback(&self, call: &LedgerCall, step: Step, to: &CallbackTo) -> Option<Callback> {
        let word = match step {
            Step::Queued => "initiated",
            Step::Ringing => "ringing",
            Step::Answered => "answered",
            Step::Ended(state) => end_word(state),
        };
        let talk = call.talk_s().to_string();
        let (at, sequence) = (call.created_at.to_rfc2822(), to.sequence.to_string());
        let mut pairs = vec![
            ("AccountSid", ACCOUNT),
            ("CallSid", call.id.as_str()),
            ("CallStatus", word),
            ("CallbackSource", "call-progress-events"),
            ("Direction", direction(call.direction)),
            ("From", call.from.as_str()),
            ("SequenceNumber", sequence.as_str()),
            ("Timestamp", at.as_str()),
            ("To", call.to.as_str()),
        ];
        if let Step::Ended(_) = step {
            pairs.push(("CallDuration", talk.as_str()));
        }
        let body = Serializer::new(String::new()).extend_pairs(&pairs).finish();
        // Stable: a name that comes twice keeps its order.
        pairs.sort_by_key(|(name, _)| *name);
        let parts = pairs.iter().flat_map(|(name, value)| [*name, *value]);
        let signed: String = std::iter::once(to.url.as_str()).chain(parts).collect();
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, SIGNING_KEY.as_bytes());
        let signature = BASE64_STANDARD.encode(hmac::sign(&key, signed.as_bytes()));
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-signalwire-signature", signature.as_str()),
        ];
        Some(Callback::new(&headers, body))
    }
}

fn shown(ledger: &Ledger, sid: &str) -> ApiAnswer {
    let Some(call) = ledger.get(sid) else {
        return not_found();
    };
    let status = match (call.end, call.answered_at, call.ringing_at) {
        (Some((state, _)), ..) => end_word(state),
        (None, Some(_), _) => "in-progress",
        (None, None, Some(_)) => "ringing",
        (None, None, None) => "queued",
    };
    let time = |at: Option<DateTime<Utc>>| at.map(|at| at.to_rfc2822());
    let over = call.end.map(|(_, at)| at);
    let body: Value = json!({
        "sid": call.id, "account_sid": ACCOUNT, "status": status, "direction": direction(call.direction),
        "from": call.from, "to": call.to, "start_time": time(Some(call.created_at)), "end_time": time(over),
        "duration": over.map(|_| call.talk_s()), "parent_call_sid": null, "price": null,
        "date_created": time(Some(call.created_at)),
    });
    ApiAnswer::json(StatusCode::OK, &body)
}

fn not_found() -> ApiAnswer {
    refusal(
        StatusCode::NOT_FOUND,
        &json!(20404),
        "The resource was not found",
    )
}

fn refusal(status: StatusCode, code: &Value, message: &str) -> ApiAnswer {
    let body = json!({"code": code, "message": message, "status": status.as_u16()});
    ApiAnswer::json(status, &body)
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound-api",
    }
}

fn end_word(state: EndState) -> &'static str {
    match state {
        EndState::Completed | EndState::Voicemail => "completed",
        EndState::Busy => "busy",
        EndState::NoAnswer => "no-answer",
        EndState::Canceled => "canceled",
        EndState::Failed => "failed",
    }
}
