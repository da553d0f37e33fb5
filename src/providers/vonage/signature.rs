//! Whether a request comes from Vonage: a JWT (HS256) with the account's signature secret, which holds the body's hash.
//!
//! The official libraries verify the token alone. That it is about this body, and not an old one, is checked here.

use aws_lc_rs::digest::{SHA256, digest};
use chrono::TimeDelta;
use http::header;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use crate::domain::connection::Credentials;

use super::{InboundError, InboundRequest};

/// How far the token's time may be from ours, either way.
const AGE_MAX: TimeDelta = TimeDelta::seconds(300);

#[derive(Deserialize)]
struct Claims {
    iat: i64,
    payload_hash: String,
    application_id: Option<String>,
}

/// Verifies a request.
pub(super) fn verify(
    request: &InboundRequest<'_>,
    credentials: &Credentials,
) -> Result<(), InboundError> {
    let unverified = InboundError::Unverified;
    let secret = credentials.signing_secret.as_ref().ok_or(unverified)?;
    let secret = secret.expose_secret();
    // Without a secret anybody could sign: fail closed.
    if secret.is_empty() {
        return Err(unverified);
    }
    if !request.headers.contains_key(header::AUTHORIZATION) {
        // Vonage says that it may fail to sign, and to answer 5xx then. It tries again on 503 and not on 401.
        return Err(InboundError::TryAgain("the request is not signed"));
    }
    let authorization = request.header(header::AUTHORIZATION).ok_or(unverified)?;
    let (scheme, token) = authorization.split_once(' ').ok_or(unverified)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(unverified);
    }
    let claims = claims(token.trim(), secret).ok_or(unverified)?;
    let age = request.received_at.timestamp().checked_sub(claims.iat);
    let fresh = age.is_some_and(|age| age.unsigned_abs() <= AGE_MAX.num_seconds().unsigned_abs());
    let about_this = claims.payload_hash == hex::encode(digest(&SHA256, request.body));
    let ours = claims
        .application_id
        .is_none_or(|application| application == credentials.account);
    if fresh && about_this && ours {
        Ok(())
    } else {
        Err(unverified)
    }
}

fn claims(token: &str, secret: &str) -> Option<Claims> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.required_spec_claims.clear();
    validation.validate_aud = false;
    // By the database's clock, not by this machine's: see above.
    validation.validate_exp = false;
    let key = DecodingKey::from_secret(secret.as_bytes());
    let token = jsonwebtoken::decode::<Claims>(token, &key, &validation).ok()?;
    Some(token.claims)
}
