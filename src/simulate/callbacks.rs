//! What a double signs, to be held against the provider's own library: `tests/signatures` does.

use std::time::SystemTime;

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};

use super::{
    OURS,
    double::{CallbackTo, Double},
    ledger::{LedgerCall, Step},
};
use crate::domain::state::{Direction, EndState};

/// Every kind of callback that there is of a call, and the made-up credentials that it is signed with.
pub fn signed(double: &dyn Double, url: &str) -> Value {
    let now: DateTime<Utc> = SystemTime::now().into();
    let credentials = double.credentials();
    let signing_secret = credentials.signing_secret.as_ref();
    let steps = [
        Step::Queued,
        Step::Ringing,
        Step::Answered,
        Step::Ended(EndState::Completed),
        Step::Ended(EndState::Busy),
        Step::Ended(EndState::NoAnswer),
        Step::Ended(EndState::Canceled),
        Step::Ended(EndState::Failed),
    ];
    let callbacks = steps.into_iter().zip(0..).filter_map(|(step, sequence)| {
        let call = call(double, step, now);
        let url = url.to_owned();
        let to = CallbackTo { url, now, sequence };
        let callback = double.callback(&call, step, &to)?;
        let headers = callback.headers.iter();
        let headers: Map<String, Value> = headers
            .map(|(name, value)| (name.as_str().to_owned(), text(value)))
            .collect();
        Some(json!({
            "step": format!("{step:?}"),
            "headers": headers,
            "body": String::from_utf8_lossy(&callback.body),
        }))
    });
    json!({
        "provider": double.provider(),
        "url": url,
        "credentials": {
            "account": credentials.account,
            "key_id": credentials.key_id,
            "secret": credentials.secret.expose_secret(),
            "signing_secret": signing_secret.map(SecretString::expose_secret),
        },
        "callbacks": callbacks.collect::<Vec<_>>(),
    })
}

/// A call that took the step a moment ago.
fn call(double: &dyn Double, step: Step, now: DateTime<Utc>) -> LedgerCall {
    let ago = |seconds| now - TimeDelta::seconds(seconds);
    let end = match step {
        Step::Queued | Step::Ringing | Step::Answered => None,
        Step::Ended(state) => Some((state, now)),
    };
    let talked = matches!(step, Step::Answered | Step::Ended(EndState::Completed));
    let parties = ("+14155550148", OURS);
    LedgerCall {
        ringing_at: Some(ago(19)),
        answered_at: talked.then(|| ago(12)),
        end,
        ..LedgerCall::new(double.call_id(7), parties, Direction::Inbound, ago(20))
    }
}

fn text(value: &HeaderValue) -> Value {
    String::from_utf8_lossy(value.as_bytes()).into()
}
