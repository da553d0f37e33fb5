//! What Twilio's API and the compatible ones have in common: the call resource, refusals, and status callbacks signed by HMAC-SHA1.

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use crate::{
    domain::state::{Direction, EndState},
    simulate::{
        double::{ApiAnswer, Callback, CallbackTo},
        ledger::{LedgerCall, Step},
    },
};

/// A status callback before it is signed.
pub(super) struct StatusCallback<'a> {
    pub(super) account: &'a str,
    pub(super) call: &'a LedgerCall,
    pub(super) step: Step,
    /// The provider's word for the step.
    pub(super) word: &'a str,
    /// What the provider gives as the step's time.
    pub(super) timestamp: DateTime<Utc>,
}

impl StatusCallback<'_> {
    /// The callback as it is posted, signed in `header` with `key`.
    pub(super) fn signed(self, to: &CallbackTo, (header, key): (&'static str, &str)) -> Callback {
        let call = self.call;
        let talk = call.talk_s().to_string();
        let (at, sequence) = (self.timestamp.to_rfc2822(), to.sequence.to_string());
        let mut pairs = vec![
            ("AccountSid", self.account),
            ("CallSid", call.id.as_str()),
            ("CallStatus", self.word),
            ("CallbackSource", "call-progress-events"),
            ("Direction", direction(call.direction)),
            ("From", call.from.as_str()),
            ("SequenceNumber", sequence.as_str()),
            ("Timestamp", at.as_str()),
            ("To", call.to.as_str()),
        ];
        if let Step::Ended(_) = self.step {
            pairs.push(("CallDuration", talk.as_str()));
        }
        let body = Serializer::new(String::new()).extend_pairs(&pairs).finish();
        pairs.sort_unstable();
        let parts = pairs.iter().flat_map(|(name, value)| [*name, *value]);
        let signed: String = std::iter::once(to.url.as_str()).chain(parts).collect();
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
        let signature = BASE64_STANDARD.encode(hmac::sign(&key, signed.as_bytes()));
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            (header, signature.as_str()),
        ];
        Callback::new(&headers, body)
    }
}

/// A call as the API shows it; `duration` is what it shows of its seconds of talk once it is over.
pub(super) fn shown(
    account: &str,
    call: &LedgerCall,
    duration: impl Fn(i64) -> Value,
) -> ApiAnswer {
    let status = match (call.end, call.answered_at, call.ringing_at) {
        (Some((state, _)), ..) => end_word(state),
        (None, Some(_), _) => "in-progress",
        (None, None, Some(_)) => "ringing",
        (None, None, None) => "queued",
    };
    let time = |at: Option<DateTime<Utc>>| at.map(|at| at.to_rfc2822());
    let over = call.end.map(|(_, at)| at);
    let body = json!({
        "sid": call.id, "account_sid": account, "status": status, "direction": direction(call.direction),
        "from": call.from, "to": call.to, "start_time": time(Some(call.created_at)), "end_time": time(over),
        "duration": over.map(|_| duration(call.talk_s())), "parent_call_sid": null, "price": null,
        "date_created": time(Some(call.created_at)),
    });
    ApiAnswer::json(StatusCode::OK, &body)
}

/// A request that is not done.
pub(super) fn refusal(status: StatusCode, code: impl Into<Value>, message: &str) -> ApiAnswer {
    let code = code.into();
    let body = json!({"code": code, "message": message, "status": status.as_u16()});
    ApiAnswer::json(status, &body)
}

/// How the API says that a call is over.
pub(super) fn end_word(state: EndState) -> &'static str {
    match state {
        EndState::Completed | EndState::Voicemail => "completed",
        EndState::Busy => "busy",
        EndState::NoAnswer => "no-answer",
        EndState::Canceled => "canceled",
        EndState::Failed => "failed",
    }
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound-api",
    }
}
