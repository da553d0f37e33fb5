//! SignalWire: the call resource of its compatibility API and its status callbacks. A hang-up of a call that is over is answered
//! 422, and `Timestamp` is when the call was created.

use http::{Method, StatusCode};
use serde_json::Value;

use super::laml::{self, StatusCallback, refusal};
use crate::{
    domain::connection::Credentials,
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
        if !request.has_basic(&self.credentials()) {
            return refusal(StatusCode::UNAUTHORIZED, 20003, "Authenticate");
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
                refusal(StatusCode::UNPROCESSABLE_ENTITY, code, message)
            }
            HangUpResult::Unknown => not_found(),
        }
    }

    fn callback(&self, call: &LedgerCall, step: Step, to: &CallbackTo) -> Option<Callback> {
        let word = match step {
            Step::Queued => "initiated",
            Step::Ringing => "ringing",
            Step::Answered => "answered",
            Step::Ended(state) => laml::end_word(state),
        };
        let callback = StatusCallback {
            account: ACCOUNT,
            call,
            step,
            word,
            timestamp: call.created_at,
        };
        Some(callback.signed(to, ("x-signalwire-signature", SIGNING_KEY)))
    }
}

fn shown(ledger: &Ledger, sid: &str) -> ApiAnswer {
    match ledger.get(sid) {
        Some(call) => laml::shown(ACCOUNT, call, Value::from),
        None => not_found(),
    }
}

fn not_found() -> ApiAnswer {
    refusal(StatusCode::NOT_FOUND, 20404, "The resource was not found")
}
