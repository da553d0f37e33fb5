//! Placing a call, and finding it again by the state that it was given.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{Method, StatusCode};
use serde::Serialize;

use crate::{
    domain::{connection::AnsweredBy, id::CallId, report::ProviderCallId},
    providers::{Access, CallOrder, ProviderError, Search},
};

use super::{
    bearer,
    wire::{ActiveCall, ActiveCalls, Errors, PlacedCall},
};

/// How long the callee's telephone rings, in seconds.
const RING_S: u64 = 60;

/// The shortest and the longest call that `time_limit_secs` is given, in seconds. Telnyx lets no call last longer.
const TIME_LIMIT_S: (u64, u64) = (60, 14_400);

/// The most calls that a page may have.
const PAGE_CALLS: &str = "250";

/// How many pages are looked at.
const PAGES_MAX: usize = 4;

/// What we are told besides whoever drives the call.
const EVENTS: [&str; 5] = [
    "call.initiated",
    "call.answered",
    "call.bridged",
    "call.hangup",
    "call.recording.saved",
];

#[derive(Serialize)]
struct Dial<'a> {
    connection_id: &'a str,
    to: &'a str,
    from: &'a str,
    #[serde(flatten)]
    answered_by: Answering<'a>,
    command_id: CallId,
    client_state: String,
    webhook_url_method: &'static str,
    timeout_secs: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_limit_secs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    send_digits_on_answer: Option<String>,
}

/// Who speaks when somebody answers, and who is told of it.
#[derive(Serialize)]
#[serde(untagged)]
enum Answering<'a> {
    /// An AI assistant, which is told what we know of the call. The events are ours.
    Assistant {
        assistant: Assistant<'a>,
        webhook_url: &'a str,
    },
    /// A server, which takes the events and answers by commands. The ones that we need are ours, too.
    Server {
        webhook_url: String,
        webhook_urls: BTreeMap<&'static str, [String; 2]>,
        webhook_urls_method: &'static str,
    },
}

#[derive(Serialize)]
struct Assistant<'a> {
    id: &'a str,
    dynamic_variables: BTreeMap<&'a str, &'a str>,
}

impl<'a> Answering<'a> {
    fn of(order: &CallOrder<'a>) -> Self {
        match order.answered_by {
            AnsweredBy::Application(assistant) => Self::Assistant {
                assistant: Assistant {
                    id: assistant.as_str(),
                    dynamic_variables: order.told.iter().copied().collect(),
                },
                webhook_url: order.status_callback,
            },
            AnsweredBy::Url(url) => {
                let mut url = url.clone();
                url.query_pairs_mut().extend_pairs(order.told);
                let both = || [order.status_callback.to_owned(), url.to_string()];
                Self::Server {
                    webhook_urls: EVENTS.into_iter().map(|event| (event, both())).collect(),
                    webhook_urls_method: "POST",
                    webhook_url: url.into(),
                }
            }
        }
    }
}

/// `POST /v2/calls`.
pub(super) async fn create(
    access: &Access<'_>,
    order: &CallOrder<'_>,
) -> Result<ProviderCallId, ProviderError> {
    let (shortest, longest) = TIME_LIMIT_S;
    let limit = |max: Duration| max.as_secs().clamp(shortest, longest);
    let dial = Dial {
        connection_id: &access.connection.credentials.account,
        to: order.to.as_str(),
        from: order.from.as_str(),
        answered_by: Answering::of(order),
        // Telnyx ignores a second dialling with the same id.
        command_id: order.call_id,
        client_state: client_state(order.call_id),
        webhook_url_method: "POST",
        timeout_secs: RING_S,
        time_limit_secs: order.max_duration.map(limit),
        // A second of silence first.
        send_digits_on_answer: order.extension.map(|digits| format!("W{digits}")),
    };
    let body = serde_json::to_vec(&dial).expect("text and numbers can be written as JSON");
    let body = Some(("application/json", body.into()));
    let url = access.url(&["v2", "calls"]);
    let answer = access
        .send(Method::POST, url, bearer(access)?, body)
        .await?;
    match answer.status {
        StatusCode::OK | StatusCode::CREATED => {
            let placed = PlacedCall::parse(&answer)?;
            ProviderCallId::parse(placed.call_control_id)
                .map_err(|_error| ProviderError::garbled("a call without a call_control_id"))
        }
        _ => {
            let words = Errors::parse(&answer).map(|errors| errors.words());
            Err(ProviderError::not_placed(&answer, words.as_deref()))
        }
    }
}

/// `GET /v2/connections/{id}/active_calls`: the application's live calls. The one that was placed has the state that it was
/// given. One that is over already is not listed; its webhook names it.
pub(super) async fn created_since(
    access: &Access<'_>,
    search: &Search<'_>,
) -> Result<Vec<ProviderCallId>, ProviderError> {
    let connection_id = &access.connection.credentials.account;
    let state = client_state(search.call_id);
    let mut after: Option<String> = None;
    for _page in 0..PAGES_MAX {
        let mut url = access.url(&["v2", "connections", connection_id, "active_calls"]);
        url.query_pairs_mut().append_pair("page[size]", PAGE_CALLS);
        if let Some(after) = &after {
            url.query_pairs_mut().append_pair("page[after]", after);
        }
        let answer = access.send(Method::GET, url, bearer(access)?, None).await?;
        if answer.status != StatusCode::OK {
            return Err(ProviderError::of(&answer));
        }
        let calls = ActiveCalls::parse(&answer)?;
        let ours = |call: &&ActiveCall| call.client_state.as_deref() == Some(&state);
        if let Some(call) = calls.data.iter().find(ours) {
            let found = ProviderCallId::parse(call.call_control_id.clone());
            return Ok(found.into_iter().collect());
        }
        let next = calls.next_page();
        if next.is_none() || next == after {
            break;
        }
        after = next;
    }
    Ok(Vec::new())
}

/// What each of the call's events and the list of live calls show.
fn client_state(call_id: CallId) -> String {
    BASE64_STANDARD.encode(call_id.to_string())
}
