//! Twilio, and what speaks its 2010-04-01 API: place, hang up, look up, status and recording callbacks.
//!
//! Credentials: `account` is the account SID. `secret` is its Auth Token, or the secret of the API key in `key_id`.
//! Callbacks are signed with the Auth Token whatever authenticates our requests: with an API key, it is
//! `signing_secret`. `laml` has what it shares with SignalWire, `signature` verifies its callbacks.

use async_trait::async_trait;
use http::StatusCode;

use crate::{
    domain::{connection::Credentials, report::ProviderCallId},
    egress::Answer,
};

use super::{
    Access, CallOrder, EndOutcome, HangUpOrder, InboundError, InboundReport, InboundRequest,
    LookUp, Provider, ProviderError, Search,
    laml::{
        Api,
        inbound::{self, Timestamp},
        wire::ErrorBody,
    },
    profile::{Callbacks, CredentialField, LookUpKind, Profile, Slot},
};

mod signature;

/// "The requested resource was not found": no such call, or one that has gone from the live API.
const NOT_FOUND: i64 = 20404;

/// "Invalid call state": the call is not in progress any more.
const NOT_IN_PROGRESS: i64 = 21220;

/// Makes Twilio repeat a callback that met a service on its way back; not signed.
const CALLBACK_RETRIES: &str = "#rc=5&rp=ct,rt,5xx";

/// Its API.
const API: Api = Api {
    root: &["2010-04-01"],
    callback_overrides: CALLBACK_RETRIES,
    time_limit_s_max: Some(86_400),
    may_be_gone,
};

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
    callback_overrides: CALLBACK_RETRIES,
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

    fn verifies(&self, credentials: &Credentials) -> bool {
        // The secret of an API key signs nothing.
        credentials.key_id.is_none() || credentials.signing_secret.is_some()
    }

    fn read(
        &self,
        request: &InboundRequest<'_>,
        credentials: &Credentials,
    ) -> Result<Vec<InboundReport>, InboundError> {
        let form = signature::verified(request, credentials)?;
        let told = inbound::read(&form, Timestamp::OfEvent)?;
        Ok(told.into_iter().collect())
    }

    async fn end(
        &self,
        access: &Access<'_>,
        hang_up: &HangUpOrder<'_>,
    ) -> Result<EndOutcome, ProviderError> {
        API.end(access, hang_up.call).await
    }

    async fn create(
        &self,
        access: &Access<'_>,
        order: &CallOrder<'_>,
    ) -> Result<ProviderCallId, ProviderError> {
        API.create(access, order).await
    }

    async fn created_since(
        &self,
        access: &Access<'_>,
        search: &Search<'_>,
    ) -> Result<Vec<ProviderCallId>, ProviderError> {
        API.created_since(access, search).await
    }

    async fn look_up(
        &self,
        access: &Access<'_>,
        call: &ProviderCallId,
    ) -> Result<LookUp, ProviderError> {
        API.look_up(access, call).await
    }

    async fn probe(&self, access: &Access<'_>) -> Result<(), ProviderError> {
        API.probe(access).await
    }
}

/// Seen for calls that never were and for calls that had just ended.
fn may_be_gone(answer: &Answer) -> bool {
    let code = match answer.status {
        StatusCode::NOT_FOUND => NOT_FOUND,
        StatusCode::BAD_REQUEST => NOT_IN_PROGRESS,
        _ => return false,
    };
    ErrorBody::parse(answer).is_some_and(|body| body.is(code))
}
