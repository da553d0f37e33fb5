//! Twilio: its call resource and its status callbacks. A hang-up of a call that is over is answered 404 for one call and 400 for
//! the next, as has been seen of it.

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

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const TOKEN: &str = "the auth token of a simulated account";

/// The double.
#[derive(Debug, Clone, Copy)]
pub struct Twilio;

impl Double for Twilio {
    fn provider(&self) -> &'static str {
        "twilio"
    }

    fn credentials(&self) -> Credentials {
        Credentials {
            account: ACCOUNT.to_owned(),
            key_id: None,
            secret: TOKEN.into(),
            signing_secret: None,
        }
    }

    fn call_id(&self, number: u32) -> String {
        format!("CA{number:032x}")
    }

    fn answer(&self, request: &ApiRequest, ledger: &mut Ledger) -> ApiAnswer {
        let credentials = self.credentials();
        let pair = format!("{ACCOUNT}:{}", credentials.secret.expose_secret());
        if request.header("authorization") != format!("Basic {}", BASE64_STANDARD.encode(pair)) {
            return refusal(StatusCode::UNAUTHORIZED, 20003, "Authenticate");
        }
        let segments = request.segments();
        let resource = segments.last().and_then(|last| last.strip_suffix(".json"));
        let (Some(sid), ["2010-04-01", "Accounts", ACCOUNT, ..]) = (resource, segments.as_slice())
        else {
            return refusal(
                StatusCode::NOT_FOUND,
                20404,
                "The requested resource was not found",
            );
        };
        if request.method == Method::POST && sid != "Calls" {
            return match ledger.hang_up(sid) {
                HangUpResult::Ended => shown(ledger, sid),
                HangUpResult::AlreadyOver if sid.ends_with(['0', '2', '4', '6', '8', 'a', 'c']) => {
                    refusal(StatusCode::BAD_REQUEST, 21220, "Invalid call state")
                }
                HangUpResult::AlreadyOver | HangUpResult::Unknown => not_found(),
            };
        }
        shown(ledger, sid)
    }

    fn callback(&self, call: &LedgerCall, step: Step, to: &CallbackTo) -> Option<Callback> {
        let (word, at) = match step {
            Step::Queued => ("initiated", call.created_at),
            Step::Ringing => ("ringing", call.ringing_at?),
            Step::Answered => ("in-progress", call.answered_at?),
            Step::Ended(state) => (end_word(state), call.end?.1),
        };
        let talk = call.talk_s().to_string();
        let (at, sequence) = (at.to_rfc2822(), to.sequence.to_string());
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
        pairs.sort_unstable();
        let parts = pairs.iter().flat_map(|(name, value)| [*name, *value]);
        let signed: String = std::iter::once(to.url.as_str()).chain(parts).collect();
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, TOKEN.as_bytes());
        let signature = BASE64_STANDARD.encode(hmac::sign(&key, signed.as_bytes()));
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-twilio-signature", signature.as_str()),
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
        "duration": over.map(|_| call.talk_s().to_string()), "parent_call_sid": null, "price": null,
        "date_created": time(Some(call.created_at)),
    });
    ApiAnswer::json(StatusCode::OK, &body)
}

fn not_found() -> ApiAnswer {
    refusal(
        StatusCode::NOT_FOUND,
        20404,
        "The requested resource was not found",
    )
}

fn refusal(status: StatusCode, code: u32, message: &str) -> ApiAnswer {
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
