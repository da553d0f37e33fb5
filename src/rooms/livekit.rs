//! LiveKit: deletes a room by its server API (twirp, JSON).
//!
//! Credentials: `account` is the API key, `secret` its secret. There is no public base URL: everybody's is their own.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use http::{HeaderValue, Method, StatusCode};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use crate::{
    domain::connection::Credentials,
    egress::Answer,
    providers::{
        Access, EndOutcome, ProviderError,
        profile::{Callbacks, CredentialField, LookUpKind, Profile, Slot},
    },
};

use super::Room;

/// How long a token is good for, either way: clocks differ.
const TOKEN_VALID: Duration = Duration::from_mins(5);

/// What is fixed about it.
const PROFILE: Profile = Profile {
    title: "LiveKit",
    base_url: None,
    credentials: &[
        CredentialField {
            name: "api_key",
            slot: Slot::Account,
            required: true,
            help: "The API key (API…)",
        },
        CredentialField {
            name: "api_secret",
            slot: Slot::Secret,
            required: true,
            help: "The API key's secret",
        },
    ],
    places: false,
    look_up: LookUpKind::None,
    callbacks: Callbacks::None,
    max_duration: false,
    callback_overrides: "",
};

/// The adapter.
#[derive(Debug, Clone, Copy)]
pub struct LiveKit;

#[derive(Serialize)]
struct DeleteRoom<'a> {
    room: &'a str,
}

#[derive(Deserialize)]
struct TwirpError {
    code: String,
    #[serde(default)]
    msg: String,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    nbf: u64,
    exp: u64,
    video: Grant,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Grant {
    room_create: bool,
}

#[async_trait]
impl Room for LiveKit {
    fn name(&self) -> &'static str {
        "livekit"
    }

    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    async fn delete(&self, access: &Access<'_>, room: &str) -> Result<EndOutcome, ProviderError> {
        let url = access.url(&["twirp", "livekit.RoomService", "DeleteRoom"]);
        let body = serde_json::to_vec(&DeleteRoom { room }).expect("a name can be written as JSON");
        let bearer = bearer(&access.connection.credentials, SystemTime::now())?;
        let body = Some(("application/json", body.into()));
        let answer = access.send(Method::POST, url, bearer, body).await?;
        outcome(&answer)
    }
}

fn outcome(answer: &Answer) -> Result<EndOutcome, ProviderError> {
    if answer.status == StatusCode::OK {
        // `{}`; whoever answers 200 with something else is not LiveKit.
        return match serde_json::from_slice::<serde_json::Map<_, _>>(&answer.body) {
            Ok(_empty) => Ok(EndOutcome::Ended),
            Err(_error) => Err(ProviderError::garbled("not a JSON object")),
        };
    }
    let error = serde_json::from_slice::<TwirpError>(&answer.body).ok();
    match (answer.status, error) {
        (StatusCode::NOT_FOUND, Some(error)) if error.code == "not_found" => {
            Ok(EndOutcome::NotFound)
        }
        // A path that it does not know is `bad_route`: not a LiveKit server, or not at this base URL.
        (StatusCode::BAD_REQUEST | StatusCode::PRECONDITION_FAILED, Some(error)) => Err(
            ProviderError::refused(&format!("{}: {}", error.code, error.msg)),
        ),
        _ => Err(ProviderError::of(answer)),
    }
}

/// A token for one request. Its times are by this machine's clock, because another server compares them with its own;
/// nothing of them is kept.
fn bearer(credentials: &Credentials, now: SystemTime) -> Result<HeaderValue, ProviderError> {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let claims = Claims {
        iss: &credentials.account,
        nbf: now.saturating_sub(TOKEN_VALID).as_secs(),
        exp: now.saturating_add(TOKEN_VALID).as_secs(),
        video: Grant { room_create: true },
    };
    let key = EncodingKey::from_secret(credentials.secret.expose_secret().as_bytes());
    let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)
        .map_err(|_error| ProviderError::refused("the credentials cannot sign a token"))?;
    let mut header = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_invalid| ProviderError::refused("the credentials do not fit into a header"))?;
    header.set_sensitive(true);
    Ok(header)
}
