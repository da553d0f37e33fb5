//! Placing a call, and finding one among those that were placed.

use bytes::Bytes;
use http::{Method, StatusCode};
use url::{Url, form_urlencoded};

use crate::{
    domain::{connection::AnsweredBy, report::ProviderCallId},
    egress::Answer,
    providers::{Access, CallOrder, ProviderError, Search},
};

use super::{
    basic,
    wire::{CallList, CreatedCall, ErrorBody},
};

/// How long the callee's telephone rings, in seconds; Twilio's own default.
const RING_S: &str = "60";

/// The longest call that Twilio lets a `TimeLimit` allow, in seconds.
const TIME_LIMIT_MAX: u64 = 86_400;

/// What Twilio tells of a call, each once.
const EVENTS: [&str; 4] = ["initiated", "ringing", "answered", "completed"];

/// Makes Twilio repeat a callback that met a service on its way back; not signed.
pub(super) const CALLBACK_RETRIES: &str = "#rc=5&rp=ct,rt,5xx";

/// How many calls between two numbers are looked at, the newest.
const LISTED_MAX: &str = "50";

/// `POST …/Calls.json`.
pub(super) async fn create(
    access: &Access<'_>,
    order: &CallOrder<'_>,
) -> Result<ProviderCallId, ProviderError> {
    let credentials = &access.connection.credentials;
    let body = (
        "application/x-www-form-urlencoded",
        Bytes::from(form(order)),
    );
    let sending = access.send(
        Method::POST,
        calls_url(access),
        basic(credentials)?,
        Some(body),
    );
    let answer = sending.await?;
    match answer.status {
        StatusCode::OK | StatusCode::CREATED => {
            let created: CreatedCall = serde_json::from_slice(&answer.body)
                .map_err(|_error| ProviderError::garbled("not a call resource"))?;
            ProviderCallId::parse(created.sid)
                .map_err(|_error| ProviderError::garbled("a call without a sid"))
        }
        _ => Err(refusal(&answer)),
    }
}

/// `GET …/Calls.json`: it lists the newest first.
pub(super) async fn created_since(
    access: &Access<'_>,
    search: &Search<'_>,
) -> Result<Vec<ProviderCallId>, ProviderError> {
    let mut url = calls_url(access);
    url.query_pairs_mut()
        .append_pair("From", search.from.as_str())
        .append_pair("To", search.to.as_str())
        .append_pair("PageSize", LISTED_MAX);
    let authorization = basic(&access.connection.credentials)?;
    let answer = access.send(Method::GET, url, authorization, None).await?;
    if answer.status != StatusCode::OK {
        return Err(ProviderError::of(&answer));
    }
    let list = CallList::parse(&answer)?;
    let mut found: Vec<_> = list
        .calls
        .into_iter()
        .filter(|call| call.direction == "outbound-api")
        .filter_map(|call| Some((super::wire::time(&call.date_created)?, call.sid)))
        .filter(|(created, _)| *created >= search.since)
        .collect();
    found.sort();
    Ok(found
        .into_iter()
        .filter_map(|(_, sid)| ProviderCallId::parse(sid).ok())
        .collect())
}

fn calls_url(access: &Access<'_>) -> Url {
    let account = &access.connection.credentials.account;
    access.url(&["2010-04-01", "Accounts", account, "Calls.json"])
}

fn form(order: &CallOrder<'_>) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("To", order.to.as_str())
        .append_pair("From", order.from.as_str());
    match order.answered_by {
        AnsweredBy::Url(url) => {
            let mut url = url.clone();
            url.query_pairs_mut().extend_pairs(order.told);
            form.append_pair("Url", url.as_str());
        }
        // It has a URL of its own, to which nothing can be added.
        AnsweredBy::Application(sid) => {
            form.append_pair("ApplicationSid", sid.as_str());
        }
    }
    if let Some(extension) = order.extension {
        // A second of silence first.
        form.append_pair("SendDigits", &format!("ww{extension}"));
    }
    let callback = format!("{}{CALLBACK_RETRIES}", order.status_callback);
    form.append_pair("StatusCallback", &callback)
        .append_pair("StatusCallbackMethod", "POST");
    for event in EVENTS {
        form.append_pair("StatusCallbackEvent", event);
    }
    form.append_pair("Timeout", RING_S);
    if let Some(max) = order.max_duration {
        form.append_pair("TimeLimit", &max.as_secs().min(TIME_LIMIT_MAX).to_string());
    }
    form.finish()
}

/// What it means that a call was not placed.
fn refusal(answer: &Answer) -> ProviderError {
    let words = ErrorBody::parse(answer).map(|body| format!("{}: {}", body.code, body.message));
    ProviderError::not_placed(answer, words.as_deref())
}
