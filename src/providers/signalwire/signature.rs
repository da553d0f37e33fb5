//! Whether a request comes from SignalWire. Two schemes are in use: base64 over the URL and the parameters (its compatibility
//! API), and hex over the URL and the body as it stands (everything else).
//!
//! Unlike Twilio it keeps each repeated parameter, in the order in which it was posted. SignalWire's own library also takes a
//! signature of the URL alone for one of any body. Here only a URL that has the body's digest in it stands for the body.

use aws_lc_rs::{digest, hmac};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::{
    domain::connection::Credentials,
    providers::{
        InboundError, InboundRequest,
        laml::{FORM, parameters::Parameters, spelling::Spelling},
    },
};

/// Its own name for the header, and the one that Twilio's libraries look for.
const SIGNATURES: [&str; 2] = ["x-signalwire-signature", "x-twilio-signature"];

const JSON: &str = "application/json";

/// The query parameter that holds the digest of a body that is no form.
const BODY_DIGEST: &str = "bodySHA256";

/// Verifies a request and reads its parameters.
pub(super) fn verified(
    request: &InboundRequest<'_>,
    credentials: &Credentials,
) -> Result<Parameters, InboundError> {
    let unverified = InboundError::Unverified;
    let key = credentials.signing_secret.as_ref().ok_or(unverified)?;
    let key = hmac::Key::new(
        hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        key.expose_secret().as_bytes(),
    );
    let signature = signature(request).ok_or(unverified)?;
    if request.is(FORM) {
        let form = Parameters::of_form(request.body);
        let genuine = signs_whole(&key, request, signature)
            || signs_parameters(&key, request.url, &form, signature);
        return if genuine { Ok(form) } else { Err(unverified) };
    }
    let genuine = request.is(JSON)
        && (signs_whole(&key, request, signature) || signs_digest(&key, request, signature));
    if genuine {
        flat(request.body)
    } else {
        Err(unverified)
    }
}

/// The signature, under whichever of its names it comes; the first counts.
fn signature<'a>(request: &InboundRequest<'a>) -> Option<&'a str> {
    let name = SIGNATURES
        .into_iter()
        .find(|name| request.headers.contains_key(*name))?;
    request.header(name)
}

/// Hex over the URL and the body.
fn signs_whole(key: &hmac::Key, request: &InboundRequest<'_>, signature: &str) -> bool {
    let Ok(signature) = hex::decode(signature) else {
        return false;
    };
    let signed = [request.url.as_bytes(), request.body].concat();
    hmac::verify(key, &signed, &signature).is_ok()
}

/// Base64 over the URL and the parameters, their names in byte order.
fn signs_parameters(key: &hmac::Key, url: &str, form: &Parameters, signature: &str) -> bool {
    let Ok(signature) = BASE64_STANDARD.decode(signature) else {
        return false;
    };
    let mut pairs: Vec<(&str, &str)> = form.pairs().collect();
    // Stable: a name that comes twice keeps its order.
    pairs.sort_by_key(|(name, _)| *name);
    let rest: String = pairs
        .into_iter()
        .flat_map(|(name, value)| [name, value])
        .collect();
    spellings(url).is_some_and(|mut urls| {
        urls.any(|url| hmac::verify(key, format!("{url}{rest}").as_bytes(), &signature).is_ok())
    })
}

/// Base64 over the URL alone, which has the digest of this body in it.
fn signs_digest(key: &hmac::Key, request: &InboundRequest<'_>, signature: &str) -> bool {
    let query = request.url.split_once('?').map_or("", |(_, query)| query);
    let told = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == BODY_DIGEST);
    let digest = hex::encode(digest::digest(&digest::SHA256, request.body));
    let holds_digest = told.is_some_and(|(_, told)| told == digest);
    holds_digest && signs_parameters(key, request.url, &Parameters::default(), signature)
}

/// The URL as it stands, and with or without the port that its scheme means anyway.
fn spellings(url: &str) -> Option<impl Iterator<Item = String>> {
    let spelling = Spelling::of(url)?;
    let standard = spelling.standard_port();
    let other = match spelling.port() {
        None => Some(spelling.with_port(standard)),
        Some(port) if port == standard => Some(spelling.without_port()),
        Some(_) => None,
    };
    Some(std::iter::once(url.to_owned()).chain(other))
}

/// The parameters of a JSON object; what is no text and no number is none.
fn flat(body: &[u8]) -> Result<Parameters, InboundError> {
    let object: Map<String, Value> = serde_json::from_slice(body)
        .map_err(|_error| InboundError::Malformed("the body is not a JSON object"))?;
    let pairs = object.into_iter().filter_map(|(name, value)| match value {
        Value::String(text) => Some((name, text)),
        Value::Number(number) => Some((name, number.to_string())),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    });
    Ok(Parameters::of_pairs(pairs.collect()))
}
