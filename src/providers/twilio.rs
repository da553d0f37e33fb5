//! Twilio, and what speaks its 2010-04-01 API: place, hang up, look up, status and recording callbacks.
//!
//! Credentials: `account` is the account SID. `secret` is its Auth Token, or the secret of the API key in `key_id`.
//! Callbacks are signed with the Auth Token whatever authenticates our requests: with an API key, it is
//! `signing_secret`. `place` places calls, `inbound` reads callbacks, `signature` verifies them, `wire` has the shapes.

use async_trait::async_trait;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode};
use secrecy::ExposeSecret as _;
use url::Url;

use crate::{
    domain::{connection::Credentials, report::ProviderCallId},
    egress::Answer,
};

use super::{
    Access, CallOrder, EndOutcome, HangUpOrder, InboundError, InboundReport, InboundRequest,
    LookUp, Provider, ProviderError, Search,
    profile::{Callbacks, CredentialField, LookUpKind, Profile, Slot},
};

mod inbound;
mod place;
mod signature;
mod wire;

use wire::{CallResource, ErrorBody};

/// "The requested resource was not found": no such call, or one that has gone from the live API.
const NOT_FOUND: u32 = 20404;

/// "Invalid call state": the call is not in progress any more.
const NOT_IN_PROGRESS: u32 = 21220;

/// What is fixed about it.
const PROFILE: Profile = Profile {
    title: "Twilio",
    base_url: Some("https://api.twilio.com/"),
    credentials: &[
        CredentialField {
            name: "account_sid",
            slot: Slot::Account,
            required: true,
            help: "The account SID (AC…), on the console's first page",
        },
        CredentialField {
            name: "api_key_sid",
            slot: Slot::KeyId,
            required: false,
            help: "An API key (SK…) to authenticate with; callbacks then need signing_secret, too",
        },
        CredentialField {
            name: "secret",
            slot: Slot::Secret,
            required: true,
            help: "The account's Auth Token, or the secret of the API key",
        },
        CredentialField {
            name: "signing_secret",
            slot: Slot::SigningSecret,
            required: false,
            help: "The Auth Token, if secret is an API key's: it is what signs callbacks",
        },
    ],
    places: true,
    look_up: LookUpKind::Kept,
    callbacks: Callbacks::Posted {
        proof: "HMAC-SHA1 or SHA-256 over URL and parameters",
    },
    max_duration: true,
    callback_overrides: place::CALLBACK_RETRIES,
};

/// The adapter.
#[derive(Debug, Clone, Copy)]
pub struct Twilio;

#[async_trait]
impl Provider for Twilio {
    fn name(&self) -> &'static str {
        "twilio"
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
        Ok(inbound::read(&form)?.into_iter().collect())
    }

    async fn end(
        &self,
        access: &Access<'_>,
        hang_up: &HangUpOrder<'_>,
    ) -> Result<EndOutcome, ProviderError> {
        let call = hang_up.call;
        // `completed` ends a ringing call, too; `canceled` would do nothing to one in progress, and DELETE would remove
        // the record of a call that goes on.
        let body = ("application/x-www-form-urlencoded", "Status=completed");
        let answer = request(access, Method::POST, call, Some(body)).await?;
        match refusal(&answer) {
            None => {
                CallResource::parse(&answer)?;
                Ok(EndOutcome::Ended)
            }
            // Seen for calls that never were and for calls that had just ended: only the record tells.
            Some(NOT_FOUND | NOT_IN_PROGRESS) => match resource(access, call).await? {
                None => Ok(EndOutcome::NotFound),
                Some(found) if found.is_over() => Ok(EndOutcome::AlreadyOver),
                Some(_) => Err(ProviderError::garbled("not found, yet the call is live")),
            },
            Some(_) => Err(error(&answer)),
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
        Ok(match resource(access, call).await? {
            None => LookUp::Unknown,
            Some(found) => match found.report(call) {
                Some(report) => LookUp::Known(Box::new(report)),
                None => LookUp::Unclear,
            },
        })
    }

    async fn probe(&self, access: &Access<'_>) -> Result<(), ProviderError> {
        let credentials = &access.connection.credentials;
        // Lists calls: an API key that may do nothing else is of no use here.
        let mut url = access.url(&["2010-04-01", "Accounts", &credentials.account, "Calls.json"]);
        url.query_pairs_mut().append_pair("PageSize", "1");
        let answer = access.send(Method::GET, url, basic(credentials)?, None);
        let answer = answer.await?;
        match answer.status {
            StatusCode::OK => wire::CallList::parse(&answer).map(|_list| ()),
            _ => Err(error(&answer)),
        }
    }
}

/// The provider's record of a call.
async fn resource(
    access: &Access<'_>,
    call: &ProviderCallId,
) -> Result<Option<CallResource>, ProviderError> {
    let answer = request(access, Method::GET, call, None).await?;
    match refusal(&answer) {
        None => CallResource::parse(&answer).map(Some),
        Some(NOT_FOUND) => Ok(None),
        Some(_) => Err(error(&answer)),
    }
}

async fn request(
    access: &Access<'_>,
    method: Method,
    call: &ProviderCallId,
    body: Option<(&'static str, &'static str)>,
) -> Result<Answer, ProviderError> {
    let credentials = &access.connection.credentials;
    let url = call_url(access, &credentials.account, call);
    let body = body.map(|(media_type, body)| (media_type, Bytes::from_static(body.as_bytes())));
    access.send(method, url, basic(credentials)?, body).await
}

fn call_url(access: &Access<'_>, account: &str, call: &ProviderCallId) -> Url {
    let resource = format!("{}.json", call.as_str());
    access.url(&["2010-04-01", "Accounts", account, "Calls", &resource])
}

fn basic(credentials: &Credentials) -> Result<HeaderValue, ProviderError> {
    let user = credentials.key_id.as_ref().unwrap_or(&credentials.account);
    let pair = format!("{user}:{}", credentials.secret.expose_secret());
    let mut header = HeaderValue::try_from(format!("Basic {}", BASE64_STANDARD.encode(pair)))
        .map_err(|_invalid| ProviderError::refused("the credentials do not fit into a header"))?;
    header.set_sensitive(true);
    Ok(header)
}

/// The provider's code for why not; 0 if it gave none, nothing if the answer is a success.
fn refusal(answer: &Answer) -> Option<u32> {
    match answer.status {
        StatusCode::OK => None,
        StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST => {
            Some(ErrorBody::parse(answer).map_or(0, |body| body.code))
        }
        _ => Some(0),
    }
}

fn error(answer: &Answer) -> ProviderError {
    match (answer.status, ErrorBody::parse(answer)) {
        (StatusCode::BAD_REQUEST, Some(body)) => {
            ProviderError::refused(&format!("{}: {}", body.code, body.message))
        }
        _ => ProviderError::of(answer),
    }
}
