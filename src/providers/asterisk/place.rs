//! Placing a call: the channel's id is our call's, so that asking twice makes one channel and looking for it is asking for
//! it.

use std::{collections::BTreeMap, time::Duration};

use http::{Method, StatusCode};
use serde::Serialize;

use crate::{
    domain::report::ProviderCallId,
    providers::{
        Access, CallOrder, ProviderError,
        dial::{Dial, Then},
    },
};

use super::{
    basic, error,
    wire::{Channel, Refusal},
};

/// For how long it rings.
const RING_MAX: Duration = Duration::from_mins(1);

/// What Asterisk answers, with 500, where there is no such endpoint or it cannot be dialled: there is no channel.
const NO_CHANNEL: &str = "Allocation failed";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Originate<'a> {
    endpoint: String,
    caller_id: &'a str,
    timeout: u64,
    channel_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    app: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extension: Option<&'a str>,
    variables: BTreeMap<String, String>,
}

/// Places a call.
pub(super) async fn create(
    access: &Access<'_>,
    order: &CallOrder<'_>,
) -> Result<ProviderCallId, ProviderError> {
    let dial = Dial::of(order.answered_by).map_err(ProviderError::refused)?;
    let id = order.call_id.to_string();
    let (app, context, extension) = match dial.then {
        Then::Stasis(app) => (Some(app), None, None),
        Then::Extension { extension, context } => (None, Some(context), Some(extension)),
    };
    let originate = Originate {
        endpoint: dial.endpoint(order.to),
        caller_id: order.from.as_str(),
        timeout: RING_MAX.as_secs(),
        channel_id: &id,
        app,
        context,
        extension,
        variables: variables(order),
    };
    let body = serde_json::to_vec(&originate).expect("text can be written as JSON");
    let body = Some(("application/json", body.into()));
    let authorization = basic(&access.connection.credentials)?;
    let url = access.url(&["ari", "channels"]);
    let answer = access.send(Method::POST, url, authorization, body).await?;
    let refusal = || Refusal::parse(&answer).map(|refusal| refusal.message);
    let name = match answer.status {
        StatusCode::OK => {
            serde_json::from_slice::<Channel>(&answer.body)
                .map_err(|_error| ProviderError::garbled("not a channel"))?
                .id
        }
        // It was asked for before, and is there: only we know the id.
        StatusCode::CONFLICT => id,
        StatusCode::INTERNAL_SERVER_ERROR if refusal().as_deref() == Some(NO_CHANNEL) => {
            return Err(ProviderError::refused(
                "Allocation failed: there is no such endpoint, or it cannot be dialled",
            ));
        }
        _ => return Err(error(&answer)),
    };
    ProviderCallId::parse(name).map_err(|_not| ProviderError::garbled("a channel without an id"))
}

/// What the dialplan or the application is told. The time limit counts from here on, so the ringing is added to it: it is
/// there in case that nobody else ends the call.
fn variables(order: &CallOrder<'_>) -> BTreeMap<String, String> {
    let told = order.told.iter().copied();
    let digits = order.extension.map(|digits| ("extension", digits));
    let mut variables: BTreeMap<_, _> = told
        .chain(digits)
        .map(|(name, value)| (format!("onhook_{name}"), value.to_owned()))
        .collect();
    if let Some(limit) = order.max_duration {
        let seconds = limit.saturating_add(RING_MAX).as_secs();
        variables.insert("TIMEOUT(absolute)".to_owned(), seconds.to_string());
    }
    variables
}
