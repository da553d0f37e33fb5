//! Vonage's Voice API: place, hang up, look up; signed event and recording webhooks.
//!
//! Credentials: `account` is the id of the application, `secret` its private key (RSA, PEM), `signing_secret` the
//! account's signature secret. `token` authenticates our requests, `signature` verifies theirs, `inbound` reads events,
//! `place` places calls, `wire` has the shapes.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, StatusCode};

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
mod token;
mod wire;

use wire::{CallList, Fields};

/// A call that was made less than one or two seconds ago cannot be hung up: 400.
const TOO_EARLY: Duration = Duration::from_secs(2);

/// What is fixed about it.
const PROFILE: Profile = Profile {
    title: "Vonage",
    base_url: Some("https://api.nexmo.com/"),
    credentials: &[
        CredentialField {
            name: "application_id",
            slot: Slot::Account,
            required: true,
            help: "The id of a Voice application, in the dashboard under Applications",
        },
        CredentialField {
            name: "private_key",
            slot: Slot::Secret,
            required: true,
            help: "The application's private key, PEM; \\n may stand for the ends of lines",
        },
        CredentialField {
            name: "signature_secret",
            slot: Slot::SigningSecret,
            required: true,
            help: "The account's signature secret, in the dashboard under Settings: it signs webhooks",
        },
    ],
    places: true,
    look_up: LookUpKind::Kept,
    callbacks: Callbacks::Posted {
        proof: "JWT (HS256) with the body's SHA-256",
    },
    max_duration: true,
    callback_overrides: "",
};

/// The adapter.
#[derive(Debug, Clone, Copy)]
pub struct Vonage;

#[async_trait]
impl Provider for Vonage {
    fn name(&self) -> &'static str {
        "vonage"
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
        Ok(inbound::read(&request.json()?)?.into_iter().collect())
    }

    async fn end(
        &self,
        access: &Access<'_>,
        hang_up: &HangUpOrder<'_>,
    ) -> Result<EndOutcome, ProviderError> {
        let call = hang_up.call;
        let mut answer = put_hangup(access, call).await?;
        if answer.status == StatusCode::BAD_REQUEST && Fields::parse(&answer).is_ok() {
            // Too early, or too late. A record that is not there yet may be another second away, too.
            if record(access, call).await?.is_some_and(|it| it.is_over()) {
                return Ok(EndOutcome::AlreadyOver);
            }
            let deadline = access.deadline.saturating_sub(TOO_EARLY);
            if !deadline.is_zero() {
                tokio::time::sleep(TOO_EARLY).await;
                answer = put_hangup(
                    &Access {
                        deadline,
                        ..*access
                    },
                    call,
                )
                .await?;
            }
        }
        match answer.status {
            StatusCode::NO_CONTENT => Ok(EndOutcome::Ended),
            // Over, or never there: only the record tells.
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND if Fields::parse(&answer).is_ok() => {
                match record(access, call).await? {
                    None => Ok(EndOutcome::NotFound),
                    Some(found) if found.is_over() => Ok(EndOutcome::AlreadyOver),
                    Some(_) => Err(ProviderError::garbled("not hung up, yet the call is live")),
                }
            }
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
        place::created_since(access, search).await
    }

    async fn look_up(
        &self,
        access: &Access<'_>,
        call: &ProviderCallId,
    ) -> Result<LookUp, ProviderError> {
        Ok(match record(access, call).await? {
            None => LookUp::Unknown,
            Some(found) => match found.report(call.clone()) {
                Some(report) => LookUp::Known(Box::new(report)),
                None => LookUp::Unclear,
            },
        })
    }

    async fn probe(&self, access: &Access<'_>) -> Result<(), ProviderError> {
        let mut url = access.url(&["v1", "calls"]);
        url.query_pairs_mut().append_pair("page_size", "1");
        let bearer = token::bearer(&access.connection.credentials)?;
        let answer = access.send(Method::GET, url, bearer, None).await?;
        match answer.status {
            StatusCode::OK => CallList::parse(&answer).map(|_list| ()),
            _ => Err(error(&answer)),
        }
    }
}

/// `PUT /v1/calls/{uuid}`, whatever the call is doing.
async fn put_hangup(access: &Access<'_>, call: &ProviderCallId) -> Result<Answer, ProviderError> {
    let url = access.url(&["v1", "calls", call.as_str()]);
    let bearer = token::bearer(&access.connection.credentials)?;
    let body = Bytes::from_static(br#"{"action":"hangup"}"#);
    let body = Some(("application/json", body));
    access.send(Method::PUT, url, bearer, body).await
}

/// The provider's record of a call.
async fn record(
    access: &Access<'_>,
    call: &ProviderCallId,
) -> Result<Option<Fields>, ProviderError> {
    let url = access.url(&["v1", "calls", call.as_str()]);
    let bearer = token::bearer(&access.connection.credentials)?;
    let answer = access.send(Method::GET, url, bearer, None).await?;
    match answer.status {
        StatusCode::OK => {
            let record = Fields::parse(&answer)?;
            match record.text("status") {
                Some(_) => Ok(Some(record)),
                None => Err(ProviderError::garbled("a call without a status")),
            }
        }
        StatusCode::NOT_FOUND if Fields::parse(&answer).is_ok() => Ok(None),
        _ => Err(error(&answer)),
    }
}

fn error(answer: &Answer) -> ProviderError {
    match answer.status {
        StatusCode::BAD_REQUEST
        | StatusCode::PAYMENT_REQUIRED
        | StatusCode::CONFLICT
        | StatusCode::UNPROCESSABLE_ENTITY => match words(answer) {
            Some(words) => ProviderError::refused(&words),
            None => ProviderError::of(answer),
        },
        _ => ProviderError::of(answer),
    }
}

/// Why not, in Vonage's own words. Its older and its newer errors differ.
fn words(answer: &Answer) -> Option<String> {
    let body = Fields::parse(answer).ok()?;
    let title = body.text("error_title").or_else(|| body.text("title"))?;
    Some(match body.text("detail") {
        Some(detail) => format!("{title}: {detail}"),
        None => title.to_owned(),
    })
}
