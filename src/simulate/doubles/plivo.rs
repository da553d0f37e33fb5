//! Plivo: its live calls and records, its ring and hang-up callbacks. Of a call that came in, only the end is told, and that as
//! `completed` whatever happened.

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, FixedOffset, Utc};
use http::{Method, StatusCode};
use serde_json::json;
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

const ACCOUNT: &str = "MA000000000000000001";
const TOKEN: &str = "the auth token of a simulated account";
const API_ID: &str = "18f3bbb0-3ef1-11e7-a68e-02d2f90c026e";

/// The offset of the zone that is set in the console, in seconds.
const ZONE_S: i32 = 19_800;

/// The double.
#[derive(Debug, Clone, Copy)]
pub struct Plivo;

impl Double for Plivo {
    fn provider(&self) -> &'static str {
        "plivo"
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
        format!("d0a87a1a-b0e9-4ab2-ac07-{number:012x}")
    }

    fn end(&self, direction: Direction, state: EndState) -> EndState {
        match (direction, state) {
            (Direction::Inbound, EndState::Completed) | (Direction::Outbound, _) => state,
            (Direction::Inbound, _) => EndState::NoAnswer,
        }
    }

    fn told_before_its_end(&self, call: &LedgerCall) -> bool {
        call.direction == Direction::Outbound && call.ringing_at.is_some()
    }

    fn answer(&self, request: &ApiRequest, ledger: &mut Ledger) -> ApiAnswer {
        if !request.has_basic(&self.credentials()) {
            return ApiAnswer::empty(StatusCode::UNAUTHORIZED);
        }
        match (&request.method, request.segments().as_slice()) {
            (&Method::DELETE, ["v1", "Account", ACCOUNT, "Call", uuid]) => {
                match ledger.hang_up(uuid) {
                    HangUpResult::Ended => ApiAnswer::empty(StatusCode::NO_CONTENT),
                    HangUpResult::AlreadyOver | HangUpResult::Unknown => not_found(),
                }
            }
            (&Method::GET, ["v1", "Account", ACCOUNT, "Call", uuid]) => match ledger.get(uuid) {
                Some(call) => shown(call, &request.query),
                None => not_found(),
            },
            _ => not_found(),
        }
    }

    fn callback(&self, call: &LedgerCall, step: Step, to: &CallbackTo) -> Option<Callback> {
        let inbound = call.direction == Direction::Inbound;
        let (event, status) = match step {
            Step::Ringing if !inbound => ("Ring", "ringing"),
            Step::Ended(_) if inbound => ("Hangup", "completed"),
            Step::Ended(state) => ("Hangup", end_words(state).0),
            Step::Queued | Step::Ringing | Step::Answered => return None,
        };
        let mut pairs = vec![
            ("CallStatus", status.to_owned()),
            ("CallUUID", call.id.clone()),
            ("Direction", direction(call.direction).to_owned()),
            ("Event", event.to_owned()),
            ("From", digits(&call.from)),
            ("To", digits(&call.to)),
        ];
        if !inbound {
            pairs.push(("RequestUUID", call.id.clone()));
        }
        if let (Step::Ended(state), Some((_, over))) = (step, call.end) {
            let talk = call.talk_s().to_string();
            pairs.push(("BillDuration", talk.clone()));
            pairs.push(("Duration", talk));
            pairs.push(("StartTime", time(call.created_at)));
            pairs.push(("EndTime", time(over)));
            pairs.push(("HangupCauseName", end_words(state).1.to_owned()));
            pairs.push(("HangupSource", "Callee".to_owned()));
            pairs.extend(call.answered_at.map(|at| ("AnswerTime", time(at))));
        }
        let body = Serializer::new(String::new()).extend_pairs(&pairs).finish();
        pairs.sort();
        let parameters: String = pairs
            .iter()
            .flat_map(|(name, value)| [*name, value.as_str()])
            .collect();
        // The URL that it was given has no query.
        let nonce = format!("{:020}", to.now.timestamp_micros());
        let signed = format!("{}?{parameters}.{nonce}", to.url);
        let key = hmac::Key::new(hmac::HMAC_SHA256, TOKEN.as_bytes());
        let signature = BASE64_STANDARD.encode(hmac::sign(&key, signed.as_bytes()));
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-plivo-signature-v3", signature.as_str()),
            ("x-plivo-signature-v3-nonce", nonce.as_str()),
        ];
        Some(Callback::new(&headers, body))
    }
}

/// A live call, a queued one, or the record of one that is over: whichever the query asks for.
fn shown(call: &LedgerCall, query: &str) -> ApiAnswer {
    let (status, waits) = match (call.answered_at, call.ringing_at) {
        (Some(_), _) => ("in-progress", false),
        (None, Some(_)) => ("ringing", false),
        (None, None) => ("queued", true),
    };
    let is_asked_for = match query {
        "status=live" => call.is_live() && !waits,
        "status=queued" => call.is_live() && waits,
        _ => !call.is_live(),
    };
    let Some((state, over)) = call.end.filter(|_| is_asked_for) else {
        if !is_asked_for {
            return not_found();
        }
        let body = json!({
            "api_id": API_ID, "call_status": status, "call_uuid": call.id, "caller_name": "",
            "direction": direction(call.direction), "from": call.from, "to": digits(&call.to),
            "request_uuid": call.id, "session_start": call.created_at.format("%F %T%.6f").to_string(),
        });
        return ApiAnswer::json(StatusCode::OK, &body);
    };
    let inbound = call.direction == Direction::Inbound;
    let cause = if inbound {
        "Normal Hangup"
    } else {
        end_words(state).1
    };
    let body = json!({
        "api_id": API_ID, "call_uuid": call.id, "call_direction": direction(call.direction),
        "answer_time": call.answered_at.map(time), "initiation_time": time(call.created_at),
        "end_time": time(over), "bill_duration": call.talk_s(), "call_duration": call.talk_s(),
        "from_number": call.from, "to_number": digits(&call.to), "parent_call_uuid": null,
        "hangup_cause_name": cause, "hangup_source": "Callee",
    });
    ApiAnswer::json(StatusCode::OK, &body)
}

fn not_found() -> ApiAnswer {
    let body = json!({"api_id": API_ID, "error": "not found"});
    ApiAnswer::json(StatusCode::NOT_FOUND, &body)
}

/// A time in the zone that is set in the console.
fn time(at: DateTime<Utc>) -> String {
    let zone = FixedOffset::east_opt(ZONE_S);
    zone.map_or_else(String::new, |zone| {
        at.with_timezone(&zone).format("%F %T%:z").to_string()
    })
}

/// A number without the plus sign.
fn digits(number: &str) -> String {
    number.trim_start_matches('+').to_owned()
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound",
    }
}

/// The status of a callback, and the cause.
fn end_words(state: EndState) -> (&'static str, &'static str) {
    match state {
        EndState::Completed | EndState::Voicemail => ("completed", "Normal Hangup"),
        EndState::Busy => ("busy", "Busy Line"),
        EndState::NoAnswer => ("timeout", "Ring Timeout Reached"),
        EndState::Canceled => ("cancel", "Canceled"),
        EndState::Failed => ("failed", "Network Error"),
    }
}
