//! Query strings: no name twice, valid UTF-8, no NUL.
#![expect(
    clippy::disallowed_types,
    reason = "this is where axum's query extractor is wrapped"
)]

use axum::{
    extract::{FromRequestParts, rejection::QueryRejection},
    http::request::Parts,
};
use serde::de::DeserializeOwned;
use std::error::Error as _;

use crate::api::error::{Code, Error};

use super::Fields;

/// The query string in one shape; its rejection names the first thing that is wrong.
#[derive(Debug)]
pub struct Query<T>(pub T);

/// The query string's fields, all of them texts.
#[derive(Debug)]
pub struct QueryFields(pub Fields<'static>);

impl<S: Send + Sync> FromRequestParts<S> for QueryFields {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let query = parts.uri.query().unwrap_or_default();
        let fields = Fields::from_urlencoded(query.as_bytes()).map_err(refused)?;
        if query.contains("%00") {
            return Err(refused("it has a NUL character"));
        }
        Ok(Self(fields))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        QueryFields::from_request_parts(parts, state).await?;
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|rejection: QueryRejection| {
                refused(
                    rejection
                        .source()
                        .map_or_else(|| "a parameter is wrong".to_owned(), ToString::to_string),
                )
            })
    }
}

fn refused(why: impl std::fmt::Display) -> Error {
    Error::new(
        Code::InvalidInput,
        format!("the query string cannot be read: {why}"),
    )
}
