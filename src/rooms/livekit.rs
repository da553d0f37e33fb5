//! LiveKit: deletes a room by its server API (twirp, JSON), and hears by its webhooks that one is over.
//!
//! Credentials: `account` is the API key, `secret` its secret, with which webhooks are signed, too. There is no public base
//! URL: everybody's is their own. `inbound` reads webhooks, `signature` verifies them.

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
        Access, EndOutcome, InboundError, InboundRequest, ProviderError,
        profile::{Callbacks, CredentialField, LookUpKind, Profile, Slot},
    },
};

use super::{Room, RoomReport};

mod inbound;
mod signature;

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
    callbacks: Callbacks::Posted {
        proof: "HS256 token over the body's hash",
    },
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

/// What a token allows: no more than the one request needs.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
enum Grant {
    RoomCreate(bool),
    RoomList(bool),
}

/// The rooms of a probe: one that nobody has, so that the answer is short.
#[derive(Serialize)]
struct ListRooms<'a> {
    names: [&'a str; 1],
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
        let body = serde_json::to_vec(&DeleteRoom { room }).expect("a name can be written as JSON");
        let answer = ask(access, "DeleteRoom", Grant::RoomCreate(true), body).await?;
        outcome(&answer)
    }

    async fn probe(&self, access: &Access<'_>) -> Result<(), ProviderError> {
        let nobody_s = ListRooms {
            names: ["onhook-probe"],
        };
        let body = serde_json::to_vec(&nobody_s).expect("a name can be written as JSON");
        let answer = ask(access, "ListRooms", Grant::RoomList(true), body).await?;
        outcome(&answer).map(|_listed| ())
    }

    fn read(
        &self,
        request: &InboundRequest<'_>,
        credentials: &Credentials,
    ) -> Result<Vec<RoomReport>, InboundError> {
        signature::verify(request, credentials)?;
        Ok(inbound::read(request)?.into_iter().collect())
    }
}

/// One request to the room service.
async fn ask(
    access: &Access<'_>,
    method: &str,
    grant: Grant,
    body: Vec<u8>,
) -> Result<Answer, ProviderError> {
    let url = access.url(&["twirp", "livekit.RoomService", method]);
    let bearer = bearer(&access.connection.credentials, grant, SystemTime::now())?;
    let body = Some(("application/json", body.into()));
    access.send(Method::POST, url, bearer, body).await
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
fn bearer(
    credentials: &Credentials,
    grant: Grant,
    now: SystemTime,
) -> Result<HeaderValue, ProviderError> {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let claims = Claims {
        iss: &credentials.account,
        nbf: now.saturating_sub(TOKEN_VALID).as_secs(),
        exp: now.saturating_add(TOKEN_VALID).as_secs(),
        video: grant,
    };
    let key = EncodingKey::from_secret(credentials.secret.expose_secret().as_bytes());
    let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)
        .map_err(|_error| ProviderError::refused("the credentials cannot sign a token"))?;
    let mut header = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_invalid| ProviderError::refused("the credentials do not fit into a header"))?;
    header.set_sensitive(true);
    Ok(header)
}
