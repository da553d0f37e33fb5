//! Request bodies: bounded in size and time, of a media type that the route reads.

use std::{error::Error as _, time::Duration};

use axum::{
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use bytes::Bytes;
use http_body_util::LengthLimitError;
use serde::de::DeserializeOwned;

use crate::api::error::{Code, Error};
use crate::api::serve::BodyTooSlow;

use super::{BODY_BYTES_MAX, Fields};

/// How long a client may take to send a whole body, however steadily: the largest, at a megabit a second.
const BODY_WAIT: Duration = Duration::from_secs(40);

/// A body as it came, whatever its media type: for signatures over raw bytes.
#[derive(Debug)]
pub struct Body<const BYTES_MAX: usize = BODY_BYTES_MAX>(pub Bytes);

/// A body that says it is JSON.
#[derive(Debug)]
pub struct JsonBody<const BYTES_MAX: usize = BODY_BYTES_MAX>(pub Bytes);

/// A body that says it is a JSON merge patch (RFC 7396), or just JSON.
#[derive(Debug)]
pub struct MergePatch<const BYTES_MAX: usize = BODY_BYTES_MAX>(pub Bytes);

/// A body that says it is JSON or a form.
#[derive(Debug)]
pub struct FormOrJson<const BYTES_MAX: usize = BODY_BYTES_MAX>(pub Payload);

/// A body that says it is JSON or plain text.
#[derive(Debug)]
pub struct TextOrJson<const BYTES_MAX: usize = BODY_BYTES_MAX>(pub Written);

/// What a body that is read by people or by programs claims to be.
#[derive(Debug)]
pub enum Written {
    /// `application/json`
    Json(Bytes),
    /// `text/plain`
    Text(String),
}

/// Bytes and what they claim to be.
#[derive(Debug)]
pub enum Payload {
    /// `application/json`
    Json(Bytes),
    /// `application/x-www-form-urlencoded`
    Form(Bytes),
}

/// A JSON body of one shape; its rejection names the first thing that is wrong.
#[derive(Debug)]
pub struct Json<T, const BYTES_MAX: usize = BODY_BYTES_MAX>(pub T);

enum Media {
    Json,
    MergePatch,
    Form,
    Text,
}

impl Payload {
    /// The fields in it.
    pub fn fields(&self) -> Result<Fields<'_>, Error> {
        match self {
            Self::Json(bytes) => Fields::from_json(bytes),
            Self::Form(bytes) => Fields::from_form(bytes),
        }
    }
}

impl<S: Send + Sync, const BYTES_MAX: usize> FromRequest<S> for Body<BYTES_MAX> {
    type Rejection = Error;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Error> {
        read(request, BYTES_MAX).await.map(Self)
    }
}

impl<S: Send + Sync, const BYTES_MAX: usize> FromRequest<S> for JsonBody<BYTES_MAX> {
    type Rejection = Error;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Error> {
        match media(request.headers()) {
            Some(Media::Json) => read(request, BYTES_MAX).await.map(Self),
            Some(Media::Form | Media::MergePatch | Media::Text) | None => {
                Err(unsupported(&["application/json"]))
            }
        }
    }
}

impl<S: Send + Sync, const BYTES_MAX: usize> FromRequest<S> for MergePatch<BYTES_MAX> {
    type Rejection = Error;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Error> {
        match media(request.headers()) {
            Some(Media::Json | Media::MergePatch) => read(request, BYTES_MAX).await.map(Self),
            Some(Media::Form | Media::Text) | None => Err(unsupported(&[
                "application/json",
                "application/merge-patch+json",
            ])),
        }
    }
}

impl<S: Send + Sync, const BYTES_MAX: usize> FromRequest<S> for FormOrJson<BYTES_MAX> {
    type Rejection = Error;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Error> {
        match media(request.headers()) {
            Some(Media::Json) => Ok(Self(Payload::Json(read(request, BYTES_MAX).await?))),
            Some(Media::Form) => Ok(Self(Payload::Form(read(request, BYTES_MAX).await?))),
            Some(Media::MergePatch | Media::Text) | None => Err(unsupported(&[
                "application/json",
                "application/x-www-form-urlencoded",
            ])),
        }
    }
}

impl<S: Send + Sync, const BYTES_MAX: usize> FromRequest<S> for TextOrJson<BYTES_MAX> {
    type Rejection = Error;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Error> {
        match media(request.headers()) {
            Some(Media::Json) => Ok(Self(Written::Json(read(request, BYTES_MAX).await?))),
            Some(Media::Text) => {
                let bytes = read(request, BYTES_MAX).await?;
                let text = String::from_utf8(bytes.into()).map_err(|error| {
                    Error::new(Code::MalformedBody, "the text is not UTF-8").caused_by(error)
                })?;
                Ok(Self(Written::Text(text)))
            }
            Some(Media::Form | Media::MergePatch) | None => {
                Err(unsupported(&["application/json", "text/plain"]))
            }
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync, const BYTES_MAX: usize> FromRequest<S>
    for Json<T, BYTES_MAX>
{
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let JsonBody(bytes) = JsonBody::<BYTES_MAX>::from_request(request, state).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            let code = if error.is_data() {
                Code::InvalidInput
            } else {
                Code::MalformedBody
            };
            Error::new(code, format!("the body cannot be read: {error}"))
        })
    }
}

/// What the body claims to be. `None` also for an encoding or a character set that is not read.
fn media(headers: &HeaderMap) -> Option<Media> {
    let identity = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .all(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None, true) = (types.next(), types.next(), identity) else {
        return None;
    };
    let (essence, parameters) = match value.to_str().ok()?.split_once(';') {
        Some((essence, parameters)) => (essence, parameters),
        None => (value.to_str().ok()?, ""),
    };
    let utf8 = parameters.split(';').all(|parameter| {
        parameter.split_once('=').is_none_or(|(name, set)| {
            !name.trim().eq_ignore_ascii_case("charset")
                || set.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
    });
    match essence.trim().to_ascii_lowercase().as_str() {
        "application/json" if utf8 => Some(Media::Json),
        "application/merge-patch+json" if utf8 => Some(Media::MergePatch),
        "application/x-www-form-urlencoded" if utf8 => Some(Media::Form),
        "text/plain" if utf8 => Some(Media::Text),
        _ => None,
    }
}

/// Not a media type that the route reads.
pub fn unsupported(read: &[&str]) -> Error {
    let detail = format!("send {} in UTF-8", read.join(" or "));
    Error::new(Code::UnsupportedMediaType, detail)
}

/// More bytes than the route takes.
pub fn too_large(bytes_max: usize) -> Error {
    let detail = format!("the body may have at most {bytes_max} bytes");
    Error::new(Code::BodyTooLarge, detail)
}

async fn read(request: Request, bytes_max: usize) -> Result<Bytes, Error> {
    read_within(BODY_WAIT, request, bytes_max).await
}

async fn read_within(wait: Duration, request: Request, bytes_max: usize) -> Result<Bytes, Error> {
    let body = axum::body::to_bytes(request.into_body(), bytes_max);
    match tokio::time::timeout(wait, body).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_too_long(&error) => Err(too_large(bytes_max)),
        Ok(Err(error)) if is_too_slow(&error) => Err(too_slow()),
        Ok(Err(error)) => {
            Err(Error::new(Code::MalformedBody, "the body did not arrive").caused_by(error))
        }
        Err(_elapsed) => Err(too_slow()),
    }
}

/// The body did not come in time.
pub fn too_slow() -> Error {
    Error::new(Code::RequestTimeout, "the body did not arrive in time")
}

/// Whether the listener has given it up.
fn is_too_slow(error: &axum::Error) -> bool {
    std::iter::successors(error.source(), |error| (*error).source())
        .any(<dyn std::error::Error>::is::<BodyTooSlow>)
}

fn is_too_long(error: &axum::Error) -> bool {
    error
        .source()
        .is_some_and(<dyn std::error::Error>::is::<LengthLimitError>)
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        pin::Pin,
        task::{Context, Poll},
        time::Duration,
    };

    use axum::{body::Body, extract::Request};
    use bytes::Bytes;
    use hyper::body::Frame;

    use super::{Code, read_within};

    /// A body of which nothing ever comes.
    struct Silence;

    impl hyper::body::Body for Silence {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn a_body_that_takes_too_long_is_given_up() {
        let request = Request::new(Body::new(Silence));
        let given_up = read_within(Duration::from_millis(1), request, 16).await;
        assert_eq!(given_up.unwrap_err().code(), Code::RequestTimeout);
    }
}
