//! Placing a call, and finding one among those that were placed.

use std::time::Duration;

use chrono::SecondsFormat;
use http::{Method, StatusCode};
use serde::Serialize;
use url::form_urlencoded;

use crate::{
    domain::{
        connection::AnsweredBy,
        party::{E164, PartyNumber},
        report::ProviderCallId,
        state::Direction,
    },
    providers::{Access, CallOrder, ProviderError, Search},
};

use super::{
    token,
    wire::{CallList, Fields},
    words,
};

/// How long the callee's telephone rings, in seconds; Vonage's own default.
const RING_S: u64 = 60;

/// The longest call that `length_timer` allows, in seconds. Without one, Vonage ends a call after two hours.
const LENGTH_S_MAX: u64 = 86_400;

/// The most calls that a page may have.
const PAGE_CALLS: &str = "100";

/// How many pages are looked at.
const PAGES_MAX: usize = 5;

#[derive(Serialize)]
struct NewCall<'a> {
    to: [Phone<'a>; 1],
    from: Phone<'a>,
    answer_url: [&'a str; 1],
    answer_method: &'static str,
    event_url: [&'a str; 1],
    event_method: &'static str,
    ringing_timer: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    length_timer: Option<u64>,
}

#[derive(Serialize)]
struct Phone<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    number: &'a str,
    #[serde(rename = "dtmfAnswer", skip_serializing_if = "Option::is_none")]
    dtmf_answer: Option<String>,
}

impl<'a> Phone<'a> {
    /// Vonage writes E.164 without its plus.
    fn new(number: &'a E164) -> Self {
        Self {
            kind: "phone",
            number: number.as_str().trim_start_matches('+'),
            dtmf_answer: None,
        }
    }
}

/// `POST /v1/calls`.
pub(super) async fn create(
    access: &Access<'_>,
    order: &CallOrder<'_>,
) -> Result<ProviderCallId, ProviderError> {
    let AnsweredBy::Url(url) = order.answered_by else {
        return Err(ProviderError::refused(
            "Vonage wants an answer URL with each call: it does not use the application's own",
        ));
    };
    let mut url = url.clone();
    url.query_pairs_mut().extend_pairs(order.told);
    let mut to = Phone::new(order.to);
    // A second of silence first.
    to.dtmf_answer = order.extension.map(|digits| format!("pp{digits}"));
    let length = |max: Duration| max.as_secs().clamp(1, LENGTH_S_MAX);
    let call = NewCall {
        to: [to],
        from: Phone::new(order.from),
        answer_url: [url.as_str()],
        answer_method: "GET",
        event_url: [order.status_callback],
        event_method: "POST",
        ringing_timer: RING_S,
        length_timer: order.max_duration.map(length),
    };
    let body = serde_json::to_vec(&call).expect("text and numbers can be written as JSON");
    let body = Some(("application/json", body.into()));
    let bearer = token::bearer(&access.connection.credentials)?;
    let sending = access.send(Method::POST, access.url(&["v1", "calls"]), bearer, body);
    let answer = sending.await?;
    match answer.status {
        StatusCode::OK | StatusCode::CREATED => {
            let created = Fields::parse(&answer)?;
            let uuid = created.text("uuid").unwrap_or_default();
            ProviderCallId::parse(uuid)
                .map_err(|_error| ProviderError::garbled("a call without a uuid"))
        }
        _ => Err(ProviderError::not_placed(
            &answer,
            words(&answer).as_deref(),
        )),
    }
}

/// `GET /v1/calls` from then on, a bounded number of pages, the oldest first.
pub(super) async fn created_since(
    access: &Access<'_>,
    search: &Search<'_>,
) -> Result<Vec<ProviderCallId>, ProviderError> {
    let since = search.since.to_rfc3339_opts(SecondsFormat::Secs, true);
    let (mut found, mut index) = (Vec::new(), "0".to_owned());
    for _page in 0..PAGES_MAX {
        let mut url = access.url(&["v1", "calls"]);
        url.query_pairs_mut()
            .append_pair("date_start", &since)
            .append_pair("order", "asc")
            .append_pair("page_size", PAGE_CALLS)
            .append_pair("record_index", &index);
        let bearer = token::bearer(&access.connection.credentials)?;
        let answer = access.send(Method::GET, url, bearer, None).await?;
        if answer.status != StatusCode::OK {
            return Err(ProviderError::of(&answer));
        }
        let list = CallList::parse(&answer)?;
        let calls = list.embedded.calls.iter();
        found.extend(calls.filter_map(|call| placed(call, search)));
        match list.links.next.and_then(|next| record_index(&next.href)) {
            Some(next) if next != index => index = next,
            Some(_) | None => break,
        }
    }
    Ok(found)
}

/// The call's name, if it is one between these numbers.
fn placed(call: &Fields, search: &Search<'_>) -> Option<ProviderCallId> {
    let parties = call.parties();
    let from = parties.from.as_ref().and_then(PartyNumber::e164);
    let to = parties.to.as_ref().and_then(PartyNumber::e164);
    let between = parties.direction == Some(Direction::Outbound)
        && from == Some(search.from)
        && to == Some(search.to);
    let uuid = between.then(|| call.text("uuid")).flatten()?;
    ProviderCallId::parse(uuid).ok()
}

/// Where the next page begins. The rest of the link is not followed: it need not be where we ask.
fn record_index(href: &str) -> Option<String> {
    let (_, query) = href.split_once('?')?;
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let (_, index) = pairs.find(|(name, _)| name == "record_index")?;
    Some(index.into_owned())
}
