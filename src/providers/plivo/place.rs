//! Placing a call, and finding one among those that were placed.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{Method, StatusCode};
use serde_json::json;

use crate::{
    domain::{connection::AnsweredBy, party::E164, report::ProviderCallId},
    egress::Answer,
    providers::{Access, CallOrder, ProviderError, Search},
};

use super::{
    CALLBACK_RETRIES, error, request,
    wire::{self, CallIds, CallPage, CallRecord, CreatedCall, ErrorBody, Moment},
};

/// How long the callee's telephone rings, in seconds.
const RING_S: u64 = 60;

/// The longest `time_limit`, in seconds.
const TIME_LIMIT_S_MAX: u64 = 86_400;

/// The most that Plivo puts on a page.
const PAGE: u32 = 20;

/// How many pages of calls between two numbers are looked at.
const PAGES_MAX: u32 = 3;

/// `POST …/Call/`. The answer has the UUID of the request.
pub(super) async fn create(
    access: &Access<'_>,
    order: &CallOrder<'_>,
) -> Result<ProviderCallId, ProviderError> {
    let body = Bytes::from(body(order)?.to_string());
    let sending = request(access, Method::POST, &["Call", ""], &[], Some(body));
    let answer = sending.await?;
    match answer.status {
        StatusCode::OK | StatusCode::CREATED | StatusCode::ACCEPTED => {
            let created = CreatedCall::parse(&answer)?;
            wire::id(&created.request_uuid)
                .ok_or_else(|| ProviderError::garbled("a call without a request_uuid"))
        }
        _ => Err(refusal(&answer)),
    }
}

fn body(order: &CallOrder<'_>) -> Result<serde_json::Value, ProviderError> {
    let mut answer_url = match order.answered_by {
        AnsweredBy::Url(url) => url.clone(),
        AnsweredBy::Application(_) => {
            return Err(ProviderError::refused(
                "Plivo places calls by an answer URL only: give the connection one instead of an application",
            ));
        }
    };
    answer_url.query_pairs_mut().extend_pairs(order.told);
    let callback = format!("{}{CALLBACK_RETRIES}", order.status_callback);
    let mut body = json!({
        "from": digits(order.from),
        "to": digits(order.to),
        "answer_url": answer_url.as_str(),
        "answer_method": "POST",
        "ring_url": callback,
        "ring_method": "POST",
        "hangup_url": callback,
        "hangup_method": "POST",
        "ring_timeout": RING_S,
    });
    let mut add = |name: &str, value: serde_json::Value| {
        if let Some(fields) = body.as_object_mut() {
            fields.insert(name.to_owned(), value);
        }
    };
    if let Some(extension) = order.extension {
        // A second of silence first.
        add("send_digits", json!(format!("ww{extension}")));
    }
    if let Some(max) = order.max_duration {
        add("time_limit", json!(max.as_secs().min(TIME_LIMIT_S_MAX)));
    }
    Ok(body)
}

/// Plivo writes E.164 without the plus sign.
fn digits(number: &E164) -> &str {
    number.as_str().trim_start_matches('+')
}

/// What it means that a call was not placed.
fn refusal(answer: &Answer) -> ProviderError {
    match ErrorBody::parse(answer).map(|body| body.reason()) {
        // Of a country, or of an account that is not verified: not of the credentials.
        Some(why) if answer.status == StatusCode::FORBIDDEN => ProviderError::refused(&why),
        why => ProviderError::not_placed(answer, why.as_deref()),
    }
}

/// The calls that have ended since, then those that are live, then those that wait: each is a list of its own.
pub(super) async fn created_since(
    access: &Access<'_>,
    search: &Search<'_>,
) -> Result<Vec<ProviderCallId>, ProviderError> {
    let mut found = ended(access, search).await?;
    found.sort();
    let mut names: Vec<String> = found.into_iter().map(|(_, name)| name).collect();
    for status in ["live", "queued"] {
        let limit = PAGE.to_string();
        let query = [("status", status), ("limit", limit.as_str())];
        let answer = list(access, search, &query).await?;
        names.extend(CallIds::parse(&answer)?.calls);
    }
    Ok(names.iter().filter_map(|name| wire::id(name)).collect())
}

async fn ended(
    access: &Access<'_>,
    search: &Search<'_>,
) -> Result<Vec<(DateTime<Utc>, String)>, ProviderError> {
    let mut found = Vec::new();
    for page in 0..PAGES_MAX {
        let (limit, offset) = (PAGE.to_string(), (page * PAGE).to_string());
        let query = [("limit", limit.as_str()), ("offset", offset.as_str())];
        let page = CallPage::parse(&list(access, search, &query).await?)?;
        let fresh = page.objects.into_iter().filter_map(|call| {
            let at = initiated_at(&call)?;
            (at >= search.since).then_some((at, call.call_uuid))
        });
        found.extend(fresh);
        if page.meta.next.is_none() {
            break;
        }
    }
    Ok(found)
}

fn initiated_at(call: &CallRecord) -> Option<DateTime<Utc>> {
    Moment::parse(call.initiation_time.as_deref()?)?.known()
}

async fn list(
    access: &Access<'_>,
    search: &Search<'_>,
    query: &[(&str, &str)],
) -> Result<Answer, ProviderError> {
    let between = [
        ("call_direction", "outbound"),
        ("from_number", digits(search.from)),
        ("to_number", digits(search.to)),
    ];
    let query: Vec<_> = between.into_iter().chain(query.iter().copied()).collect();
    let answer = request(access, Method::GET, &["Call", ""], &query, None).await?;
    match answer.status {
        StatusCode::OK => Ok(answer),
        _ => Err(error(&answer)),
    }
}
