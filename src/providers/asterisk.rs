//! Asterisk by its REST interface (ARI): place, hang up, look up, and its WebSocket of events.
//!
//! Credentials: `account` is the user of `ari.conf`, `secret` its password. The base URL is that of Asterisk's HTTP server;
//! ARI is below it, under `ari/`. Calls are channels. [`place`] places calls, [`event`] reads events, [`socket`] holds the
//! WebSocket, [`wire`] has the shapes.
//!
//! Asterisk forgets a channel as soon as it is gone, and posts nothing: an end is heard on the WebSocket or not at all.

use async_trait::async_trait;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderValue, Method, StatusCode};
use secrecy::ExposeSecret as _;
use serde::de::IgnoredAny;
use url::Url;

use crate::{
    domain::{
        connection::{AnsweredBy, Credentials},
        report::ProviderCallId,
    },
    egress::Answer,
};

use super::{
    Access, CallOrder, EndOutcome, HangUpOrder, InboundError, InboundReport, InboundRequest,
    LookUp, Provider, ProviderError, Search,
    dial::Dial,
    profile::{Callbacks, CredentialField, LookUpKind, Profile, Slot},
    stream::{Heard, Listening},
};

mod event;
mod place;
mod socket;
mod wire;

use wire::{Channel, Refusal};

/// What ARI answers, beside the status, for a channel that it does not have. Another 404 is not about the channel.
const NO_SUCH_CHANNEL: &str = "Channel not found";

/// What is fixed about it.
const PROFILE: Profile = Profile {
    title: "Asterisk",
    base_url: None,
    credentials: &[
        CredentialField {
            name: "username",
            slot: Slot::Account,
            required: true,
            help: "The name of a user in ari.conf that is not read_only",
        },
        CredentialField {
            name: "password",
            slot: Slot::Secret,
            required: true,
            help: "That user's password, in clear",
        },
    ],
    places: true,
    look_up: LookUpKind::LiveOnly,
    callbacks: Callbacks::Stream {
        what: "ARI's WebSocket of events",
    },
    max_duration: true,
    callback_overrides: "",
};

/// The adapter.
#[derive(Debug, Clone, Copy)]
pub struct Asterisk;

#[async_trait]
impl Provider for Asterisk {
    fn name(&self) -> &'static str {
        "asterisk"
    }

    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn names_calls_by_our_id(&self) -> bool {
        true
    }

    fn check_answer(&self, answered_by: &AnsweredBy) -> Result<(), &'static str> {
        Dial::of(answered_by).map(drop)
    }

    fn read(
        &self,
        _request: &InboundRequest<'_>,
        _credentials: &Credentials,
    ) -> Result<Vec<InboundReport>, InboundError> {
        // It posts nothing: whoever does is somebody else.
        Err(InboundError::Unverified)
    }

    async fn end(
        &self,
        access: &Access<'_>,
        hang_up: &HangUpOrder<'_>,
    ) -> Result<EndOutcome, ProviderError> {
        // Without a reason it is a normal clearing.
        let url = channel_url(access, hang_up.call.as_str());
        let answer = request(access, Method::DELETE, url).await?;
        match answer.status {
            StatusCode::NO_CONTENT => Ok(EndOutcome::Ended),
            _ if is_unknown(&answer) => Ok(EndOutcome::NotFound),
            _ => Err(error(&answer)),
        }
    }

    async fn create(
        &self,
        access: &Access<'_>,
        order: &CallOrder<'_>,
    ) -> Result<ProviderCallId, ProviderError> {
        place::create(access, order).await
    }

    async fn created_since(
        &self,
        access: &Access<'_>,
        search: &Search<'_>,
    ) -> Result<Vec<ProviderCallId>, ProviderError> {
        let name = ProviderCallId::parse(search.call_id.to_string())
            .map_err(|_not| ProviderError::refused("the call's id is no name"))?;
        let found = channel(access, &name).await?;
        Ok(found.map(|_channel| name).into_iter().collect())
    }

    async fn look_up(
        &self,
        access: &Access<'_>,
        call: &ProviderCallId,
    ) -> Result<LookUp, ProviderError> {
        Ok(match channel(access, call).await? {
            None => LookUp::Unknown,
            Some(found) => match event::standing(&found) {
                Some(report) => LookUp::Known(Box::new(report)),
                None => LookUp::Unclear,
            },
        })
    }

    async fn probe(&self, access: &Access<'_>) -> Result<(), ProviderError> {
        let mut url = access.url(&["ari", "asterisk", "info"]);
        url.query_pairs_mut().append_pair("only", "system");
        let answer = request(access, Method::GET, url).await?;
        if answer.status != StatusCode::OK {
            return Err(error(&answer));
        }
        let info = serde_json::from_slice::<wire::Info<IgnoredAny>>(&answer.body);
        info.map(drop)
            .map_err(|_error| ProviderError::garbled("not what ARI says of itself"))
    }

    async fn listen(&self, access: &Access<'_>) -> Result<Listening, ProviderError> {
        // The stream first: what begins after the list was made is heard.
        let stream = socket::open(access).await?;
        let live = socket::live(access).await?;
        Ok(Listening {
            stream: Box::new(stream),
            live,
        })
    }
}

/// Reads a message of the WebSocket.
pub fn read_event(text: &str) -> Heard {
    event::read(text)
}

/// A channel, if Asterisk has it.
async fn channel(
    access: &Access<'_>,
    call: &ProviderCallId,
) -> Result<Option<Channel>, ProviderError> {
    let answer = request(access, Method::GET, channel_url(access, call.as_str())).await?;
    match answer.status {
        StatusCode::OK => serde_json::from_slice(&answer.body)
            .map(Some)
            .map_err(|_error| ProviderError::garbled("not a channel")),
        _ if is_unknown(&answer) => Ok(None),
        _ => Err(error(&answer)),
    }
}

async fn request(access: &Access<'_>, method: Method, url: Url) -> Result<Answer, ProviderError> {
    let credentials = &access.connection.credentials;
    access.send(method, url, basic(credentials)?, None).await
}

fn channel_url(access: &Access<'_>, id: &str) -> Url {
    access.url(&["ari", "channels", id])
}

fn basic(credentials: &Credentials) -> Result<HeaderValue, ProviderError> {
    let (user, password) = (&credentials.account, credentials.secret.expose_secret());
    let pair = BASE64_STANDARD.encode(format!("{user}:{password}"));
    let mut header = HeaderValue::try_from(format!("Basic {pair}"))
        .map_err(|_invalid| ProviderError::refused("the credentials do not fit into a header"))?;
    header.set_sensitive(true);
    Ok(header)
}

fn is_unknown(answer: &Answer) -> bool {
    answer.status == StatusCode::NOT_FOUND
        && Refusal::parse(answer).is_some_and(|refusal| refusal.message == NO_SUCH_CHANNEL)
}

fn error(answer: &Answer) -> ProviderError {
    match (answer.status, Refusal::parse(answer)) {
        (StatusCode::BAD_REQUEST | StatusCode::CONFLICT, Some(refusal)) => {
            ProviderError::refused(&refusal.message)
        }
        _ => ProviderError::of(answer),
    }
}
