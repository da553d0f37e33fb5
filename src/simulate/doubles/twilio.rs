//! Twilio: its call resource and its status callbacks. A hang-up of a call that is over is answered 404 for one call and 400 for
//! the next, as has been seen of it.

use http::{Method, StatusCode};

use super::laml::{self, StatusCallback, refusal};
use crate::{
    domain::connection::Credentials,
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
        if !request.has_basic(&self.credentials()) {
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
        let (word, timestamp) = match step {
            Step::Queued => ("initiated", call.created_at),
            Step::Ringing => ("ringing", call.ringing_at?),
            Step::Answered => ("in-progress", call.answered_at?),
            Step::Ended(state) => (laml::end_word(state), call.end?.1),
        };
        let callback = StatusCallback {
            account: ACCOUNT,
            call,
            step,
            word,
            timestamp,
        };
        Some(callback.signed(to, ("x-twilio-signature", TOKEN)))
    }
}

fn shown(ledger: &Ledger, sid: &str) -> ApiAnswer {
    match ledger.get(sid) {
        Some(call) => laml::shown(ACCOUNT, call, |seconds| seconds.to_string().into()),
        None => not_found(),
    }
}

fn not_found() -> ApiAnswer {
    refusal(
        StatusCode::NOT_FOUND,
        20404,
        "The requested resource was not found",
    )
}
