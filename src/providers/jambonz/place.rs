//! Placing a call, and finding one among those that are live.

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::{
    domain::{connection::AnsweredBy, report::ProviderCallId},
    egress::Answer,
    providers::{Access, CallOrder, ProviderError, Search},
};

use super::{
    CALLBACK_RETRIES, error, request,
    wire::{Call, CreatedCall, Refusal},
};

/// How long the callee's telephone rings, in seconds; the default of jambonz.
const RING_S: u64 = 60;

/// What a call without an application must say of its speech: the defaults that jambonz documents for applications. Each verb
/// may say otherwise.
const SPEECH: [(&str, &str); 5] = [
    ("speech_synthesis_vendor", "google"),
    ("speech_synthesis_language", "en-US"),
    ("speech_synthesis_voice", "en-US-Wavenet-C"),
    ("speech_recognizer_vendor", "google"),
    ("speech_recognizer_language", "en-US"),
];

/// `POST …/Calls`.
pub(super) async fn create(
    access: &Access<'_>,
    order: &CallOrder<'_>,
) -> Result<ProviderCallId, ProviderError> {
    if order.extension.is_some() {
        return Err(ProviderError::refused(
            "jambonz dials no extension after an answer",
        ));
    }
    let body = Bytes::from(Value::Object(body(order)).to_string());
    let answer = request(access, Method::POST, &["Calls"], Some(body)).await?;
    match answer.status {
        StatusCode::CREATED => {
            let created = CreatedCall::parse(&answer)?;
            ProviderCallId::parse(created.sid)
                .map_err(|_error| ProviderError::garbled("a call without a sid"))
        }
        _ => Err(refusal(&answer)),
    }
}

fn body(order: &CallOrder<'_>) -> Map<String, Value> {
    let callback = format!("{}{CALLBACK_RETRIES}", order.status_callback);
    let told: Map<String, Value> = order
        .told
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    let mut body = Map::new();
    let mut add = |name: &str, value: Value| body.insert(name.to_owned(), value);
    add("from", json!(order.from.as_str()));
    add(
        "to",
        json!({ "type": "phone", "number": order.to.as_str() }),
    );
    add(
        "call_status_hook",
        json!({ "url": callback, "method": "POST" }),
    );
    add("timeout", json!(RING_S));
    // Comes back in each request of the call, as customer_data.
    add("tag", Value::Object(told));
    match order.answered_by {
        AnsweredBy::Application(sid) => {
            add("application_sid", json!(sid.as_str()));
        }
        AnsweredBy::Url(url) => {
            let mut url = url.clone();
            url.query_pairs_mut().extend_pairs(order.told);
            add(
                "call_hook",
                json!({ "url": url.as_str(), "method": "POST" }),
            );
            for (name, value) in SPEECH {
                add(name, json!(value));
            }
        }
    }
    if let Some(max) = order.max_duration {
        add("timeLimit", json!(max.as_secs()));
    }
    body
}

/// What it means that a call was not placed. 480 is "no available feature servers at this time": nobody was asked.
fn refusal(answer: &Answer) -> ProviderError {
    let why = Refusal::parse(answer);
    ProviderError::not_placed(answer, why.as_ref().map(Refusal::words))
}

/// `GET …/Calls`: those that are live, without a time. Whatever the callback URL does not tell is found here, or nowhere.
pub(super) async fn created_since(
    access: &Access<'_>,
    search: &Search<'_>,
) -> Result<Vec<ProviderCallId>, ProviderError> {
    let answer = request(access, Method::GET, &["Calls"], None).await?;
    if answer.status != StatusCode::OK {
        return Err(error(&answer));
    }
    let calls = Call::parse_list(&answer)?;
    let (from, to) = (search.from.as_str(), search.to.as_str());
    Ok(calls
        .into_iter()
        .filter(|call| !call.is_over() && call.is_between(from, to))
        .filter_map(|call| ProviderCallId::parse(call.sid?).ok())
        .collect())
}
