//! Whether a webhook comes from LiveKit: `Authorization` is a token, without `Bearer`, over the hash of the body.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::header;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use crate::{
    domain::connection::Credentials,
    providers::{InboundError, InboundRequest},
};

/// How far ahead of the database's clock LiveKit's may be. A token is good for five minutes, which is enough the other way.
const AHEAD_MAX: Duration = Duration::from_mins(5);

#[derive(Deserialize)]
struct Claims {
    exp: i64,
    #[serde(default)]
    nbf: i64,
    sha256: String,
}

/// Verifies a webhook: signed with the secret of the very key that the connection has, for this body, and in time.
pub(super) fn verify(
    request: &InboundRequest<'_>,
    credentials: &Credentials,
) -> Result<(), InboundError> {
    let mut tokens = request.headers.get_all(header::AUTHORIZATION).iter();
    let (Some(token), None) = (tokens.next(), tokens.next()) else {
        return Err(InboundError::Unverified);
    };
    let token = token.to_str().map_err(|_odd| InboundError::Unverified)?;
    let claims = claims(token, credentials).ok_or(InboundError::Unverified)?;
    let now = request.received_at.timestamp();
    let ahead = i64::try_from(AHEAD_MAX.as_secs()).unwrap_or_default();
    let in_time = now <= claims.exp && now.saturating_add(ahead) >= claims.nbf;
    let hash = BASE64_STANDARD.encode(digest(&SHA256, request.body));
    if in_time && claims.sha256 == hash {
        Ok(())
    } else {
        Err(InboundError::Unverified)
    }
}

fn claims(token: &str, credentials: &Credentials) -> Option<Claims> {
    let mut validation = Validation::new(Algorithm::HS256);
    // Times are compared with the database's clock, not with this machine's.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.set_required_spec_claims(&["exp", "iss"]);
    validation.set_issuer(&[&credentials.account]);
    let key = DecodingKey::from_secret(credentials.secret.expose_secret().as_bytes());
    let decoded = jsonwebtoken::decode::<Claims>(token, &key, &validation).ok()?;
    Some(decoded.claims)
}
