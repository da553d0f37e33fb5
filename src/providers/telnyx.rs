//! Telnyx's Voice API (Call Control): place, hang up, look up; signed event and recording webhooks.
//!
//! Credentials: `account` is the id of the Voice API application ("connection"), `secret` an API key, `signing_secret` the
//! account's public key. `signature` verifies webhooks, `inbound` reads events, `place` places calls, `wire` has the shapes.

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    domain::{connection::Credentials, report::ProviderCallId},
    egress::Answer,
};

use super::{
    Access, CallOrder, EndOutcome, HangUpOrder, InboundError, InboundReport, InboundRequest,
    LookUp, Provider, ProviderError, Search, authorization,
    profile::{Callbacks, CredentialField, LookUpKind, Profile, Slot},
};

mod inbound;
mod place;
mod signature;
mod wire;

use wire::{CallStatus, CommandResult, Errors};

/// "Call has already ended".
const ALREADY_ENDED: &str = "90018";

/// "Invalid Call Control ID": it never was one of Telnyx's.
const INVALID_ID: &str = "10015";

/// "Resource not found".
const NOT_FOUND: &str = "10005";

/// What is fixed about it.
const PROFILE: Profile = Profile {
    title: "Telnyx",
    base_url: Some("https://api.telnyx.com/"),
    credentials: &[
        CredentialField {
            name: "connection_id",
            slot: Slot::Account,
            required: true,
            help: "The id of a Voice API application, in the portal under Voice, Programmable Voice",
        },
        CredentialField {
            name: "api_key",
            slot: Slot::Secret,
            required: true,
            help: "An API key (KEY…), in the portal under API Keys",
        },
        CredentialField {
            name: "public_key",
            slot: Slot::SigningSecret,
            required: true,
            help: "The account's public key, in the portal under API Keys: it verifies webhooks",
        },
    ],
    places: true,
    look_up: LookUpKind::LiveOnly,
    callbacks: Callbacks::Posted {
        proof: "Ed25519 over time and body",
    },
    max_duration: true,
    callback_overrides: "",
};

/// The adapter.
#[derive(Debug, Clone, Copy)]
pub struct Telnyx;

#[derive(Serialize)]
struct HangUp {
    command_id: Uuid,
}

#[async_trait]
impl Provider for Telnyx {
    fn name(&self) -> &'static str {
        "telnyx"
    }

    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn read(
        &self,
        request: &InboundRequest<'_>,
        credentials: &Credentials,
    ) -> Result<Vec<InboundReport>, InboundError> {
        signature::verify(request, credentials)?;
        Ok(inbound::read(request.json()?)?.into_iter().collect())
    }

    async fn end(
        &self,
        access: &Access<'_>,
        hang_up: &HangUpOrder<'_>,
    ) -> Result<EndOutcome, ProviderError> {
        let url = access.url(&["v2", "calls", hang_up.call.as_str(), "actions", "hangup"]);
        // Telnyx carries out a command once, however often it is sent.
        let command = HangUp {
            command_id: hang_up.request_id,
        };
        let body = serde_json::to_vec(&command).expect("a UUID can be written as JSON");
        let body = Some(("application/json", Bytes::from(body)));
        let answer = access
            .send(Method::POST, url, bearer(access)?, body)
            .await?;
        match refusal(&answer) {
            Refusal::None => CommandResult::parse(&answer).map(|_result| EndOutcome::Ended),
            Refusal::Over => Ok(EndOutcome::AlreadyOver),
            Refusal::Unknown => Ok(EndOutcome::NotFound),
            Refusal::Other => Err(error(&answer)),
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
        place::created_since(access, search).await
    }

    async fn look_up(
        &self,
        access: &Access<'_>,
        call: &ProviderCallId,
    ) -> Result<LookUp, ProviderError> {
        let url = access.url(&["v2", "calls", call.as_str()]);
        let answer = access.send(Method::GET, url, bearer(access)?, None).await?;
        Ok(match refusal(&answer) {
            Refusal::None => CallStatus::parse(&answer)?.look_up(call),
            Refusal::Over => LookUp::Known(Box::new(wire::over(call, None))),
            Refusal::Unknown => LookUp::Unknown,
            Refusal::Other => return Err(error(&answer)),
        })
    }

    async fn probe(&self, access: &Access<'_>) -> Result<(), ProviderError> {
        // The application's calls: a key of another account, or a wrong id, is found out, too.
        let connection_id = &access.connection.credentials.account;
        let mut url = access.url(&["v2", "connections", connection_id, "active_calls"]);
        url.query_pairs_mut().append_pair("page[size]", "1");
        let answer = access.send(Method::GET, url, bearer(access)?, None).await?;
        match refusal(&answer) {
            Refusal::None => wire::ActiveCalls::parse(&answer).map(|_calls| ()),
            Refusal::Over | Refusal::Unknown | Refusal::Other => Err(error(&answer)),
        }
    }
}

fn bearer(access: &Access<'_>) -> Result<HeaderValue, ProviderError> {
    let key = &access.connection.credentials.secret;
    authorization("Bearer", key.expose_secret())
}

/// Why a call was not given or not touched.
enum Refusal {
    /// It was.
    None,
    /// It is over.
    Over,
    /// It is not known, or not any more.
    Unknown,
    /// Something else.
    Other,
}

fn refusal(answer: &Answer) -> Refusal {
    let errors = match answer.status {
        StatusCode::OK => return Refusal::None,
        StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY => Errors::parse(answer),
        _ => None,
    };
    let is = |code| errors.as_ref().is_some_and(|errors| errors.have(code));
    if is(ALREADY_ENDED) {
        Refusal::Over
    } else if is(INVALID_ID) || is(NOT_FOUND) {
        Refusal::Unknown
    } else {
        Refusal::Other
    }
}

fn error(answer: &Answer) -> ProviderError {
    let status = answer.status;
    match status {
        StatusCode::BAD_REQUEST
        | StatusCode::NOT_FOUND
        | StatusCode::CONFLICT
        | StatusCode::UNPROCESSABLE_ENTITY => match Errors::parse(answer) {
            Some(errors) => ProviderError::refused(&errors.words()),
            None => ProviderError::of(answer),
        },
        _ => ProviderError::of(answer),
    }
}
