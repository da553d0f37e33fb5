//! The application's JWT (RS256), a new one for each request: Vonage takes none twice.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderValue;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    domain::connection::Credentials,
    providers::{ProviderError, authorization},
};

/// How long a token is good for.
const TOKEN_VALID: Duration = Duration::from_mins(5);

#[derive(Serialize)]
struct Claims<'a> {
    application_id: &'a str,
    iat: u64,
    exp: u64,
    jti: Uuid,
}

/// A token for one request. Its times are by this machine's clock, because another server compares them with its own;
/// nothing of them is kept.
pub(super) fn bearer(credentials: &Credentials) -> Result<HeaderValue, ProviderError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default();
    let claims = Claims {
        application_id: &credentials.account,
        iat: now.as_secs(),
        exp: now.saturating_add(TOKEN_VALID).as_secs(),
        jti: Uuid::now_v7(),
    };
    let token = key(credentials.secret.expose_secret())
        .and_then(|key| jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key))
        .map_err(|_error| ProviderError::refused("private_key is not an RSA private key in PEM"))?;
    authorization("Bearer", &token)
}

/// Environment variables and forms often hold a key in one line, with `\n` for the ends of its lines.
fn key(pem: &str) -> jsonwebtoken::errors::Result<EncodingKey> {
    EncodingKey::from_rsa_pem(pem.replace("\\n", "\n").trim().as_bytes())
}
