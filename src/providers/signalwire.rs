//! SignalWire by its compatibility API: place, hang up, look up, status and recording callbacks.
//!
//! Credentials: `account` is the project's id, `secret` an API token of it with the scope Voice, `signing_secret` the signing
//! key of the space. `laml` has what it shares with Twilio, `signature` verifies its callbacks.

use async_trait::async_trait;
use http::StatusCode;
use serde_json::{Map, Value};

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

/// "Invalid call state": the call is not in progress any more.
const NOT_IN_PROGRESS: i64 = 21220;

/// Its API. It documents no maximum of a call's duration, and that callbacks are sent once.
const API: Api = Api {
    root: &["api", "laml", "2010-04-01"],
    callback_overrides: "",
    time_limit_s_max: None,
    may_be_gone,
};

/// What is fixed about it.
const PROFILE: Profile = Profile {
    title: "SignalWire",
    // Each space has its own: https://{space}.signalwire.com/
    base_url: None,
    credentials: &[
        CredentialField {
            name: "project_id",
            slot: Slot::Account,
            required: true,
            help: "The project's id, in the dashboard under API",
        },
        CredentialField {
            name: "api_token",
            slot: Slot::Secret,
            required: true,
            help: "An API token of the project (PT…) with the scope Voice",
        },
        CredentialField {
            name: "signing_key",
            slot: Slot::SigningSecret,
            required: true,
            help: "The signing key (PSK_…), in the dashboard under API: it is what signs callbacks",
        },
    ],
    places: true,
    look_up: LookUpKind::Kept,
    callbacks: Callbacks::Posted {
        proof: "HMAC-SHA1 over URL and parameters, or URL and body",
    },
    max_duration: false,
    callback_overrides: API.callback_overrides,
};

/// The adapter.
#[derive(Debug, Clone, Copy)]
pub struct SignalWire;

#[async_trait]
impl Provider for SignalWire {
    fn name(&self) -> &'static str {
        "signalwire"
    }

    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn read(
        &self,
        request: &InboundRequest<'_>,
        credentials: &Credentials,
    ) -> Result<Vec<InboundReport>, InboundError> {
        let posted = signature::verified(request, credentials)?;
        // Its `Timestamp` is documented as when the call was created, in each callback of a call.
        let told = inbound::read(&posted, Timestamp::OfOther)?;
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

/// "Completed calls cannot be updated" is a 422; an unknown call a 404, whose body is documented as JSON and no further.
fn may_be_gone(answer: &Answer) -> bool {
    match answer.status {
        StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY => {
            serde_json::from_slice::<Map<String, Value>>(&answer.body).is_ok()
        }
        StatusCode::BAD_REQUEST => {
            ErrorBody::parse(answer).is_some_and(|body| body.is(NOT_IN_PROGRESS))
        }
        _ => false,
    }
}
