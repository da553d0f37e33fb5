//! Path parameters.
#![expect(
    clippy::disallowed_types,
    reason = "this is where axum's path extractor is wrapped"
)]

use std::str::FromStr;

use axum::{extract::FromRequestParts, http::request::Parts};

use crate::api::error::{Code, Error, FieldError, Place};

/// The path's one parameter, an id; what is no UUID is refused with 400.
#[derive(Debug)]
pub struct Path<T>(pub T);

/// The path's one parameter as it stands there, decoded.
#[derive(Debug)]
pub struct PathText(pub String);

/// The path's two parameters as they stand there, decoded.
#[derive(Debug)]
pub struct PathPair(pub String, pub String);

impl<S: Send + Sync> FromRequestParts<S> for PathText {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        axum::extract::Path::<String>::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(text)| Self(text))
            .map_err(|_not_utf8| not_utf8())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PathPair {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        axum::extract::Path::<(String, String)>::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path((first, second))| Self(first, second))
            .map_err(|_not_utf8| not_utf8())
    }
}

fn not_utf8() -> Error {
    Error::new(Code::InvalidInput, "the path is not percent-encoded UTF-8")
}

impl<S: Send + Sync, T: FromStr<Err = uuid::Error>> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let PathText(text) = PathText::from_request_parts(parts, state).await?;
        text.parse().map(Self).map_err(|_error| {
            let refused = FieldError::invalid("id", "must be a UUID");
            Error::fields(Code::InvalidInput, vec![refused]).at(Place::Path)
        })
    }
}
