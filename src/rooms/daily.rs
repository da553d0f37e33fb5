//! Daily: deletes a room by its REST API, and hears by its webhooks that a meeting is over.
//!
//! Credentials: `secret` is the API key; `signing_secret` is what its webhooks are signed with, in base64, as Daily shows it
//! once when a webhook is created. There is no account: the key stands for the domain. `inbound` reads and verifies webhooks.

use async_trait::async_trait;
use http::{HeaderValue, Method, StatusCode};
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use crate::{
    domain::connection::Credentials,
    egress::Answer,
    providers::{
        Access, EndOutcome, InboundError, InboundRequest, ProviderError,
        profile::{Callbacks, CredentialField, LookUpKind, Profile, Slot},
    },
};

use super::{Room, RoomReport};

mod inbound;

/// What is fixed about it.
const PROFILE: Profile = Profile {
    title: "Daily",
    base_url: Some("https://api.daily.co/"),
    credentials: &[
        CredentialField {
            name: "api_key",
            slot: Slot::Secret,
            required: true,
            help: "The API key: dashboard, Developers",
        },
        CredentialField {
            name: "webhook_secret",
            slot: Slot::SigningSecret,
            required: false,
            help: "The `hmac` that creating the webhook answered, in base64; without it no webhook is taken",
        },
    ],
    places: false,
    look_up: LookUpKind::None,
    callbacks: Callbacks::Posted {
        proof: "HMAC-SHA256 over time and body",
    },
    max_duration: false,
    callback_overrides: "",
};

/// The adapter.
#[derive(Debug, Clone, Copy)]
pub struct Daily;

/// The answer to a deletion.
#[derive(Deserialize)]
struct Deleted {
    deleted: bool,
}

/// An error as the API tells it. With `deleted`, the room was there and had expired.
#[derive(Deserialize)]
struct ErrorBody {
    error: String,
    #[serde(default)]
    info: String,
    #[serde(default)]
    deleted: bool,
}

/// The domain that the key stands for.
#[derive(Deserialize)]
struct Domain {
    #[serde(rename = "domain_name")]
    _name: String,
}

#[async_trait]
impl Room for Daily {
    fn name(&self) -> &'static str {
        "daily"
    }

    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    async fn delete(&self, access: &Access<'_>, room: &str) -> Result<EndOutcome, ProviderError> {
        let answer = request(access, Method::DELETE, &["v1", "rooms", room]).await?;
        if answer.status == StatusCode::OK {
            return match serde_json::from_slice(&answer.body) {
                Ok(Deleted { deleted: true }) => Ok(EndOutcome::Ended),
                Ok(Deleted { deleted: false }) | Err(_) => {
                    Err(ProviderError::garbled("not the answer to a deletion"))
                }
            };
        }
        match serde_json::from_slice::<ErrorBody>(&answer.body) {
            Ok(body) if answer.status == StatusCode::NOT_FOUND && body.error == "not-found" => {
                Ok(if body.deleted {
                    EndOutcome::AlreadyOver
                } else {
                    EndOutcome::NotFound
                })
            }
            body => Err(error(&answer, body.ok())),
        }
    }

    async fn probe(&self, access: &Access<'_>) -> Result<(), ProviderError> {
        let answer = request(access, Method::GET, &["v1", ""]).await?;
        if answer.status == StatusCode::OK {
            let domain = serde_json::from_slice::<Domain>(&answer.body);
            return domain
                .map(|_domain| ())
                .map_err(|_error| ProviderError::garbled("not a domain's settings"));
        }
        Err(error(&answer, serde_json::from_slice(&answer.body).ok()))
    }

    fn read(
        &self,
        request: &InboundRequest<'_>,
        credentials: &Credentials,
    ) -> Result<Vec<RoomReport>, InboundError> {
        Ok(inbound::read(request, credentials)?.into_iter().collect())
    }
}

async fn request(
    access: &Access<'_>,
    method: Method,
    path: &[&str],
) -> Result<Answer, ProviderError> {
    let key = access.connection.credentials.secret.expose_secret();
    let mut bearer = HeaderValue::try_from(format!("Bearer {key}"))
        .map_err(|_invalid| ProviderError::refused("the API key does not fit into a header"))?;
    bearer.set_sensitive(true);
    access.send(method, access.url(path), bearer, None).await
}

fn error(answer: &Answer, body: Option<ErrorBody>) -> ProviderError {
    let status = answer.status;
    match body {
        Some(body)
            if body.error.starts_with("authoriz") || body.error == "authentication-error" =>
        {
            ProviderError::Unauthorized { status }
        }
        Some(body) if status == StatusCode::BAD_REQUEST => {
            ProviderError::refused(&format!("{}: {}", body.error, body.info))
        }
        _ => ProviderError::of(answer),
    }
}
