//! How Twilio and the compatible providers sign a form: written from their documents, apart from the code that verifies it.

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};

/// The signature of a form that is posted to a URL: the URL, then each name and its value in the order of names.
pub(crate) fn form_signature(secret: &str, url: &str, pairs: &[(&str, &str)]) -> String {
    let mut sorted = pairs.to_vec();
    // Stable: a name that comes twice keeps its order.
    sorted.sort_by_key(|(name, _)| *name);
    let parts = sorted.iter().flat_map(|(name, value)| [*name, *value]);
    let signed: String = std::iter::once(url).chain(parts).collect();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    BASE64_STANDARD.encode(hmac::sign(&key, signed.as_bytes()))
}
