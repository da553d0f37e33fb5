//! Finds the credential that a request shows. Two of them, or one that cannot be read, is none: a proxy in front may have
//! looked at the other.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::SecretString;

use super::{Refusal, jwt::TOKEN_BYTES_MAX};

/// Where a surface looks for credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Places {
    /// `Authorization: Bearer` only.
    Bearer,
    /// Also Basic with the key as password, and `?key=`: what a PBX can send.
    Any,
}

/// The credential in the request, if there is one.
pub(super) fn find(
    headers: &HeaderMap,
    uri: &Uri,
    places: Places,
) -> Result<Option<SecretString>, Refusal> {
    let in_header = single(headers, &header::AUTHORIZATION)?
        .map(|value| from_header(value, places))
        .transpose()?;
    let in_query = match places {
        Places::Bearer => None,
        Places::Any => from_query(uri.query().unwrap_or_default())?,
    };
    match (in_header, in_query) {
        (Some(_), Some(_)) => Err(Refusal::Ambiguous),
        (one, other) => Ok(one.or(other)),
    }
}

/// The header's value if it is there once.
pub(super) fn single<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a HeaderValue>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Refusal::Ambiguous);
    }
    Ok(first)
}

fn from_header(value: &HeaderValue, places: Places) -> Result<SecretString, Refusal> {
    let text = value.to_str().map_err(|_unprintable| Refusal::Malformed)?;
    let (scheme, rest) = text.split_once(' ').ok_or(Refusal::Malformed)?;
    let credential = rest.trim();
    if credential.is_empty() || credential.len() > TOKEN_BYTES_MAX {
        return Err(Refusal::Malformed);
    }
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(credential.into())
    } else if scheme.eq_ignore_ascii_case("basic") && places == Places::Any {
        let decoded = STANDARD
            .decode(credential)
            .map_err(|_not_base64| Refusal::Malformed)?;
        let text = String::from_utf8(decoded).map_err(|_not_utf8| Refusal::Malformed)?;
        let (_user, password) = text.split_once(':').ok_or(Refusal::Malformed)?;
        Ok(password.into())
    } else {
        Err(Refusal::Malformed)
    }
}

fn from_query(query: &str) -> Result<Option<SecretString>, Refusal> {
    let mut keys = url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "key");
    let first = keys.next();
    if keys.next().is_some() {
        return Err(Refusal::Ambiguous);
    }
    Ok(first.map(|(_, key)| key.into_owned().into()))
}
