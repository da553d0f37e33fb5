//! How a vendor is reached on behalf of an account: one request, and what proves who asks.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::{
    domain::connection::Connection,
    egress::{self, Answer, Egress, Limits},
};

use super::ProviderError;

/// What is read of an answer.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// How a vendor is reached on behalf of an account.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    /// The HTTP client.
    pub egress: &'a Egress,
    /// Whose access it is, and to where.
    pub connection: &'a Connection,
    /// How long one request may take.
    pub deadline: Duration,
}

impl Access<'_> {
    /// The URL below the connection's base URL; each segment is encoded as one.
    pub fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.connection.base_url.clone();
        url.path_segments_mut()
            .expect("http and https URLs have a path")
            .pop_if_empty()
            .extend(segments);
        url
    }

    /// Makes one request. `body` comes with its media type.
    pub async fn send(
        &self,
        method: Method,
        url: Url,
        authorization: HeaderValue,
        body: Option<(&'static str, Bytes)>,
    ) -> Result<Answer, ProviderError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, authorization);
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let body = body.map(|(media_type, body)| {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
            body
        });
        let request = egress::Request {
            method,
            url,
            headers,
            body: body.unwrap_or_default(),
        };
        let limits = Limits {
            deadline: self.deadline,
            body_bytes_max: ANSWER_BYTES_MAX,
        };
        let answer = self.egress.send(request, limits).await;
        answer.map_err(ProviderError::Unreachable)
    }
}

/// The value of an `Authorization` header, which logs do not show.
pub fn authorization(scheme: &str, credentials: &str) -> Result<HeaderValue, ProviderError> {
    let mut header = HeaderValue::try_from(format!("{scheme} {credentials}"))
        .map_err(|_invalid| ProviderError::refused("the credentials do not fit into a header"))?;
    header.set_sensitive(true);
    Ok(header)
}

/// HTTP Basic authentication.
pub fn basic(user: &str, password: &SecretString) -> Result<HeaderValue, ProviderError> {
    let pair = format!("{user}:{}", password.expose_secret());
    authorization("Basic", &BASE64_STANDARD.encode(pair))
}
