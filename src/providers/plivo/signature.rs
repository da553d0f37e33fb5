//! Whether a request comes from Plivo: `X-Plivo-Signature-V3` over the URL, the sorted parameters and a nonce.

use std::collections::BTreeMap;

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use secrecy::ExposeSecret as _;
use url::form_urlencoded;

use crate::{
    domain::connection::Credentials,
    providers::{InboundError, InboundRequest},
};

/// Made with the token of the account that the call belongs to, and with the main account's, where that is another.
const SIGNATURES: [&str; 2] = ["x-plivo-signature-v3", "x-plivo-signature-ma-v3"];

const NONCE: &str = "x-plivo-signature-v3-nonce";

/// How many signatures of one header are tried: one for each token that is valid, and Plivo has at most two.
const SIGNATURES_MAX: usize = 8;

/// The parameters of a verified request: each name with its values, both in byte order, as they are signed.
#[derive(Debug, Default)]
pub(super) struct Form {
    values: BTreeMap<String, Vec<String>>,
}

impl Form {
    fn parse(text: &[u8]) -> Self {
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(text) {
            let values = form.values.entry(name.into_owned()).or_default();
            values.push(value.into_owned());
        }
        for values in form.values.values_mut() {
            values.sort();
        }
        form
    }

    /// The parameter's value, unless it is empty or absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let values = self.values.get(name)?;
        let value = values.iter().find(|value| !value.is_empty())?;
        Some(value)
    }

    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().flat_map(|(name, values)| {
            values
                .iter()
                .map(move |value| (name.as_str(), value.as_str()))
        })
    }
}

/// Verifies a request and reads its parameters.
pub(super) fn verified(
    request: &InboundRequest<'_>,
    credentials: &Credentials,
) -> Result<Form, InboundError> {
    let unverified = InboundError::Unverified;
    let nonce = request.header(NONCE).ok_or(unverified)?;
    if !request.is("application/x-www-form-urlencoded") {
        return Err(unverified);
    }
    let form = Form::parse(request.body);
    let signed = format!("{}.{nonce}", base(request.url, &form));
    let secret = credentials.secret.expose_secret();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let expected = hmac::sign(&key, signed.as_bytes());
    let genuine = SIGNATURES
        .into_iter()
        .filter_map(|name| request.header(name))
        .flat_map(|list| list.split(',').take(SIGNATURES_MAX))
        .filter_map(|signature| BASE64_STANDARD.decode(signature.trim()).ok())
        .any(|signature| verify_slices_are_equal(expected.as_ref(), &signature).is_ok());
    if genuine { Ok(form) } else { Err(unverified) }
}

/// The URL without its query, `?`, the query as `k=v&k=v`, a dot if there are both, the parameters as `kvkv`.
fn base(url: &str, form: &Form) -> String {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let query = Form::parse(query.as_bytes());
    let query: Vec<String> = query
        .pairs()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let query = query.join("&");
    let parameters: String = form
        .pairs()
        .flat_map(|(name, value)| [name, value])
        .collect();
    let none = form.values.is_empty();
    let question_mark = if query.is_empty() && none { "" } else { "?" };
    let dot = if query.is_empty() || none { "" } else { "." };
    format!("{address}{question_mark}{query}{dot}{parameters}")
}
