//! Whether a request comes from Twilio: `X-Twilio-Signature` over the URL and the sorted parameters.

use std::collections::BTreeSet;

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use secrecy::ExposeSecret as _;

use crate::{
    domain::connection::Credentials,
    providers::{
        InboundError, InboundRequest,
        laml::{FORM, parameters::Parameters, spelling::Spelling},
    },
};

const SIGNATURE: &str = "x-twilio-signature";

/// Says that the signature was made with a shared key, and how; absent for the Auth Token and SHA-1.
const SETTINGS: &str = "x-twilio-webhooks-signature-settings";

/// Verifies a request and reads its parameters.
pub(super) fn verified(
    request: &InboundRequest<'_>,
    credentials: &Credentials,
) -> Result<Parameters, InboundError> {
    let unverified = InboundError::Unverified;
    let secret = match (&credentials.signing_secret, &credentials.key_id) {
        (Some(secret), _) => secret,
        (None, None) => &credentials.secret,
        // The secret of an API key signs nothing: fail closed.
        (None, Some(_)) => return Err(unverified),
    };
    let signature = request.header(SIGNATURE).ok_or(unverified)?;
    let signature = BASE64_STANDARD.decode(signature).map_err(|_e| unverified)?;
    let algorithm = algorithm(request).ok_or(unverified)?;
    if !request.is(FORM) {
        return Err(unverified);
    }
    let form = Parameters::of_form(request.body);
    // Each name with its distinct values, both in byte order.
    let signed_pairs: BTreeSet<(&str, &str)> = form.pairs().collect();
    let key = hmac::Key::new(algorithm, secret.expose_secret().as_bytes());
    // Twilio signs sometimes with the port in the URL, sometimes without.
    let url = Spelling::of(request.url).ok_or(unverified)?;
    let port = url.port().unwrap_or(url.standard_port());
    let genuine = [url.without_port(), url.with_port(port)]
        .into_iter()
        .any(|url| {
            let mut signed = url.into_bytes();
            for (name, value) in &signed_pairs {
                signed.extend_from_slice(name.as_bytes());
                signed.extend_from_slice(value.as_bytes());
            }
            hmac::verify(&key, &signed, &signature).is_ok()
        });
    if genuine { Ok(form) } else { Err(unverified) }
}

fn algorithm(request: &InboundRequest<'_>) -> Option<hmac::Algorithm> {
    if !request.headers.contains_key(SETTINGS) {
        return Some(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY);
    }
    let settings = request.header(SETTINGS)?.split(',');
    let mut pairs = settings.filter_map(|setting| setting.split_once('='));
    match pairs.find(|(name, _)| name.trim() == "algorithm") {
        None => Some(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        Some((_, name)) => match name.trim().to_ascii_uppercase().as_str() {
            "" | "HMAC_SHA1" => Some(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
            "HMAC_SHA256" => Some(hmac::HMAC_SHA256),
            _ => None,
        },
    }
}
