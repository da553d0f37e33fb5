//! jambonz, hosted or one's own: place, hang up, look up, call status callbacks.
//!
//! Credentials: `account` is the account SID, `secret` an API key of it, `signing_secret` its webhook secret. `place` places
//! calls, `inbound` reads callbacks, `signature` verifies them, `wire` has the shapes and words.
//!
//! A hang-up is taken first and carried out later. It must name how the call ends: `completed` if it is answered, `no-answer`
//! while it rings, and whichever of the two does not fit is refused.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, StatusCode};
use secrecy::ExposeSecret as _;

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

use wire::{Call, Refusal};

/// Makes jambonz repeat a callback that met a service on its way back. It is told nothing of it otherwise.
const CALLBACK_RETRIES: &str = "#rc=5&rp=ct,rt,5xx";

/// When it is looked whether a hang-up that was taken is carried out, each counted from the one before.
const CONFIRM_AFTER: [Duration; 2] = [Duration::from_millis(150), Duration::from_millis(450)];

/// What is fixed about it.
const PROFILE: Profile = Profile {
    title: "jambonz",
    // Everybody's is their own; the hosted one's is https://jambonz.cloud/api/
    base_url: None,
    credentials: &[
        CredentialField {
            name: "account_sid",
            slot: Slot::Account,
            required: true,
            help: "The account SID, in the portal under Account",
        },
        CredentialField {
            name: "api_key",
            slot: Slot::Secret,
            required: true,
            help: "An API key of the account, made there",
        },
        CredentialField {
            name: "webhook_secret",
            slot: Slot::SigningSecret,
            required: true,
            help: "The account's webhook secret (wh_secret_…), shown there: it is what signs callbacks",
        },
    ],
    places: true,
    // It keeps calls that have ended for hours, then forgets them.
    look_up: LookUpKind::LiveOnly,
    callbacks: Callbacks::Posted {
        proof: "HMAC-SHA256 over time and body, 300 s",
    },
    max_duration: true,
    callback_overrides: CALLBACK_RETRIES,
};

/// The adapter.
#[derive(Debug, Clone, Copy)]
pub struct Jambonz;

#[async_trait]
impl Provider for Jambonz {
    fn name(&self) -> &'static str {
        "jambonz"
    }

    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn read(
        &self,
        request: &InboundRequest<'_>,
        credentials: &Credentials,
    ) -> Result<Vec<InboundReport>, InboundError> {
        let signed_at = signature::verified(request, credentials)?;
        let told = inbound::read(request.body, signed_at)?;
        Ok(told.into_iter().collect())
    }

    async fn end(
        &self,
        access: &Access<'_>,
        hang_up: &HangUpOrder<'_>,
    ) -> Result<EndOutcome, ProviderError> {
        let (likely, other) = if hang_up.answered {
            ("completed", "no-answer")
        } else {
            ("no-answer", "completed")
        };
        let outcome = match update(access, hang_up.call, likely).await? {
            // The record may be behind the call.
            Update::DoesNotFit => match update(access, hang_up.call, other).await? {
                // It was there a moment ago.
                Update::Unknown => Update::Gone,
                outcome => outcome,
            },
            outcome => outcome,
        };
        match outcome {
            Update::Taken => Ok(confirm(access, hang_up.call).await),
            Update::Unknown => Ok(EndOutcome::NotFound),
            Update::Gone => Ok(EndOutcome::AlreadyOver),
            // Of a call that is over, jambonz may say no more than of one that is in another state.
            Update::DoesNotFit => match call(access, hang_up.call).await? {
                Some(call) if !call.is_over() => Err(ProviderError::Failing {
                    status: StatusCode::UNPROCESSABLE_ENTITY,
                }),
                Some(_) | None => Ok(EndOutcome::AlreadyOver),
            },
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
        name: &ProviderCallId,
    ) -> Result<LookUp, ProviderError> {
        Ok(match call(access, name).await? {
            None => LookUp::Unknown,
            Some(found) => match found.report(name, None) {
                Some(report) => LookUp::Known(Box::new(report)),
                None => LookUp::Unclear,
            },
        })
    }

    async fn probe(&self, access: &Access<'_>) -> Result<(), ProviderError> {
        let answer = request(access, Method::GET, &[], None).await?;
        match answer.status {
            StatusCode::OK => wire::Account::parse(&answer).map(|_account| ()),
            StatusCode::NOT_FOUND if answer.body.is_empty() => {
                Err(ProviderError::refused("there is no such account"))
            }
            _ => Err(error(&answer)),
        }
    }
}

/// What became of asking to end a call in one of the two ways.
enum Update {
    /// It will be.
    Taken,
    /// There is no such call, or not any more.
    Unknown,
    /// It is over.
    Gone,
    /// Not in this way, as far as it says.
    DoesNotFit,
}

async fn update(
    access: &Access<'_>,
    name: &ProviderCallId,
    call_status: &str,
) -> Result<Update, ProviderError> {
    let body = serde_json::json!({ "call_status": call_status });
    let body = Bytes::from(body.to_string());
    let below = ["Calls", name.as_str()];
    let answer = request(access, Method::POST, &below, Some(body)).await?;
    match (answer.status, Refusal::parse(&answer)) {
        (StatusCode::ACCEPTED | StatusCode::NO_CONTENT, _) => Ok(Update::Taken),
        (StatusCode::NOT_FOUND, Some(_)) => Ok(Update::Unknown),
        (StatusCode::UNPROCESSABLE_ENTITY, Some(why)) if why.says("call session is gone") => {
            Ok(Update::Gone)
        }
        (StatusCode::UNPROCESSABLE_ENTITY, Some(why)) if why.says("incompatible") => {
            Ok(Update::DoesNotFit)
        }
        // Its API server hides what the call's own server said behind a failure of its own.
        (StatusCode::INTERNAL_SERVER_ERROR, Some(_)) => Ok(Update::DoesNotFit),
        _ => Err(error(&answer)),
    }
}

/// Whether a hang-up that was taken is carried out by now.
async fn confirm(access: &Access<'_>, name: &ProviderCallId) -> EndOutcome {
    for pause in CONFIRM_AFTER {
        tokio::time::sleep(pause).await;
        match call(access, name).await {
            Ok(Some(call)) if !call.is_over() => {}
            Ok(Some(_) | None) => return EndOutcome::Ended,
            // The hang-up is taken; that it cannot be looked at now does not take it back.
            Err(_) => return EndOutcome::Requested,
        }
    }
    EndOutcome::Requested
}

/// What jambonz has of a call.
async fn call(access: &Access<'_>, name: &ProviderCallId) -> Result<Option<Call>, ProviderError> {
    let below = ["Calls", name.as_str()];
    let answer = request(access, Method::GET, &below, None).await?;
    match answer.status {
        StatusCode::OK => Call::parse(&answer).map(Some),
        StatusCode::NOT_FOUND if Refusal::parse(&answer).is_some() => Ok(None),
        _ => Err(error(&answer)),
    }
}

/// One request below the account's URL.
async fn request(
    access: &Access<'_>,
    method: Method,
    below: &[&str],
    body: Option<Bytes>,
) -> Result<Answer, ProviderError> {
    let credentials = &access.connection.credentials;
    let above = ["v1", "Accounts", &credentials.account];
    let segments: Vec<&str> = above.into_iter().chain(below.iter().copied()).collect();
    let authorization = authorization("Bearer", credentials.secret.expose_secret())?;
    let body = body.map(|body| ("application/json", body));
    access
        .send(method, access.url(&segments), authorization, body)
        .await
}

/// What an unsuccessful answer means.
fn error(answer: &Answer) -> ProviderError {
    let refusal = matches!(
        answer.status,
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY
    );
    match Refusal::parse(answer) {
        Some(why) if refusal => ProviderError::refused(why.words()),
        Some(_) | None => ProviderError::of(answer),
    }
}
