//! Whether a request comes from Twilio: `X-Twilio-Signature` over the URL and the sorted parameters.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, header};
use secrecy::ExposeSecret as _;
use url::form_urlencoded;

use crate::domain::connection::Credentials;

use super::{InboundError, InboundRequest};

const SIGNATURE: &str = "x-twilio-signature";

/// Says that the signature was made with a shared key, and how; absent for the Auth Token and SHA-1.
const SETTINGS: &str = "x-twilio-webhooks-signature-settings";

/// The parameters of a verified request: each name with its distinct values, both in byte order, as they are signed.
#[derive(Debug, Default)]
pub(super) struct Form {
    values: BTreeMap<String, BTreeSet<String>>,
}

impl Form {
    fn parse(body: &[u8]) -> Self {
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            let values = form.values.entry(name.into_owned()).or_default();
            values.insert(value.into_owned());
        }
        form
    }

    /// The parameter's value, unless it is empty or absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let value = self.values.get(name)?.first()?;
        (!value.is_empty()).then_some(value)
    }
}

/// Verifies a request and reads its parameters.
pub(super) fn verified(
    request: &InboundRequest<'_>,
    credentials: &Credentials,
) -> Result<Form, InboundError> {
    let unverified = InboundError::Unverified;
    let secret = match (&credentials.signing_secret, &credentials.key_id) {
        (Some(secret), _) => secret,
        (None, None) => &credentials.secret,
        // The secret of an API key signs nothing: fail closed.
        (None, Some(_)) => return Err(unverified),
    };
    let signature = request.header(SIGNATURE).ok_or(unverified)?;
    let signature = BASE64_STANDARD.decode(signature).map_err(|_e| unverified)?;
    let algorithm = algorithm(request.headers).ok_or(unverified)?;
    if !is_form(request.headers) {
        return Err(unverified);
    }
    let form = Form::parse(request.body);
    let key = hmac::Key::new(algorithm, secret.expose_secret().as_bytes());
    // Twilio signs sometimes with the port in the URL, sometimes without.
    let (without_port, with_port) = spellings(request.url).ok_or(unverified)?;
    let genuine = [without_port, with_port].into_iter().any(|url| {
        let mut signed = url.into_bytes();
        for (name, values) in &form.values {
            for value in values {
                signed.extend_from_slice(name.as_bytes());
                signed.extend_from_slice(value.as_bytes());
            }
        }
        hmac::verify(&key, &signed, &signature).is_ok()
    });
    if genuine { Ok(form) } else { Err(unverified) }
}

fn algorithm(headers: &HeaderMap) -> Option<hmac::Algorithm> {
    if !headers.contains_key(SETTINGS) {
        return Some(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY);
    }
    let settings = only(headers, SETTINGS)?.split(',');
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

fn is_form(headers: &HeaderMap) -> bool {
    let media_type = only(headers, header::CONTENT_TYPE.as_str());
    let essence = media_type.and_then(|media_type| media_type.split(';').next());
    essence.is_some_and(|essence| {
        essence
            .trim()
            .eq_ignore_ascii_case("application/x-www-form-urlencoded")
    })
}

/// A header that is there exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        (Some(_), Some(_)) | (None, _) => None,
    }
}

/// The URL without its port, and with it: its own, or the scheme's.
fn spellings(url: &str) -> Option<(String, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = match rest.find(['/', '?']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let standard = if scheme == "https" { "443" } else { "80" };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            (host, port)
        }
        Some(_) | None => (authority, standard),
    };
    let without_port = format!("{scheme}://{host}{path}");
    Some((without_port, format!("{scheme}://{host}:{port}{path}")))
}
