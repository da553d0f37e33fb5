//! Plivo: place, hang up, look up, ring and hang-up callbacks.
//!
//! Credentials: `account` is the Auth ID, `secret` the Auth Token, which also signs callbacks. `place` places calls, `look`
//! reads back what became of them, `inbound` reads callbacks, `signature` verifies them, `wire` has the shapes and words.
//!
//! A call that was just placed is known by the UUID of the request, and by its own as soon as it rings: callbacks have both,
//! and the first becomes [`Leg::conversation`](super::Leg), by which the record learns the second.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, StatusCode};

use crate::{
    domain::{connection::Credentials, report::ProviderCallId},
    egress::Answer,
};

use super::{
    Access, CallOrder, EndOutcome, HangUpOrder, InboundError, InboundReport, InboundRequest,
    LookUp, Provider, ProviderError, Search, basic,
    profile::{Callbacks, CredentialField, LookUpKind, Profile, Slot},
};

mod inbound;
mod look;
mod place;
mod signature;
mod wire;

use wire::ErrorBody;

/// Makes Plivo repeat a callback that met a service on its way back; not signed.
const CALLBACK_RETRIES: &str = "#rc=5&rp=ct,rt,5xx";

/// What is fixed about it.
const PROFILE: Profile = Profile {
    title: "Plivo",
    base_url: Some("https://api.plivo.com/"),
    credentials: &[
        CredentialField {
            name: "auth_id",
            slot: Slot::Account,
            required: true,
            help: "The Auth ID (MA… or SA…), on the console's first page",
        },
        CredentialField {
            name: "auth_token",
            slot: Slot::Secret,
            required: true,
            help: "The Auth Token beside it: it also signs callbacks",
        },
    ],
    places: true,
    look_up: LookUpKind::Kept,
    callbacks: Callbacks::Posted {
        proof: "HMAC-SHA256 (V3) over URL, parameters and nonce",
    },
    max_duration: true,
    callback_overrides: CALLBACK_RETRIES,
};

/// The adapter.
#[derive(Debug, Clone, Copy)]
pub struct Plivo;

#[async_trait]
impl Provider for Plivo {
    fn name(&self) -> &'static str {
        "plivo"
    }

    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn read(
        &self,
        request: &InboundRequest<'_>,
        credentials: &Credentials,
    ) -> Result<Vec<InboundReport>, InboundError> {
        let form = signature::verified(request, credentials)?;
        inbound::read(&form, request.received_at)
    }

    async fn end(
        &self,
        access: &Access<'_>,
        hang_up: &HangUpOrder<'_>,
    ) -> Result<EndOutcome, ProviderError> {
        let call = hang_up.call;
        if deleted(access, "Call", call).await? {
            return Ok(EndOutcome::Ended);
        }
        // Until it is dialled, a call is a request, and goes by the request's UUID.
        if !hang_up.answered && deleted(access, "Request", call).await? {
            return Ok(EndOutcome::Ended);
        }
        // Said of calls that never were and of calls that had ended: only the record tells.
        if look::live(access, call).await?.is_some() {
            return Err(ProviderError::garbled("not found, yet the call is live"));
        }
        Ok(match look::record(access, call).await? {
            Some(_) => EndOutcome::AlreadyOver,
            None => EndOutcome::NotFound,
        })
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
        look::look_up(access, call).await
    }

    async fn probe(&self, access: &Access<'_>) -> Result<(), ProviderError> {
        let answer = request(access, Method::GET, &[""], &[], None).await?;
        match answer.status {
            StatusCode::OK => wire::Account::parse(&answer).map(|_account| ()),
            _ => Err(error(&answer)),
        }
    }
}

/// Hangs up a call, or takes a request for one back. False: there is no such thing, or not any more.
async fn deleted(
    access: &Access<'_>,
    what: &str,
    call: &ProviderCallId,
) -> Result<bool, ProviderError> {
    let below = [what, call.as_str(), ""];
    let answer = request(access, Method::DELETE, &below, &[], None).await?;
    match answer.status {
        StatusCode::NO_CONTENT => Ok(true),
        StatusCode::NOT_FOUND if ErrorBody::parse(&answer).is_some() => Ok(false),
        _ => Err(error(&answer)),
    }
}

/// One request below the account's URL.
async fn request(
    access: &Access<'_>,
    method: Method,
    below: &[&str],
    query: &[(&str, &str)],
    body: Option<Bytes>,
) -> Result<Answer, ProviderError> {
    let credentials = &access.connection.credentials;
    let above = ["v1", "Account", &credentials.account];
    let segments: Vec<&str> = above.into_iter().chain(below.iter().copied()).collect();
    let mut url = access.url(&segments);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    let authorization = basic(&credentials.account, &credentials.secret)?;
    let body = body.map(|body| ("application/json", body));
    access.send(method, url, authorization, body).await
}

/// What an unsuccessful answer means.
fn error(answer: &Answer) -> ProviderError {
    match ErrorBody::parse(answer) {
        Some(body) if answer.status == StatusCode::BAD_REQUEST => {
            ProviderError::refused(&body.reason())
        }
        Some(_) | None => ProviderError::of(answer),
    }
}
