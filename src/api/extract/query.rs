//! Query strings: no name twice, valid UTF-8, no NUL.

use axum::{extract::FromRequestParts, http::request::Parts};

use crate::api::error::{Code, Error};

use super::{Fields, Lists};

/// The query string's fields, all of them texts.
#[derive(Debug)]
pub struct QueryFields(pub Fields<'static>);

/// The query string's fields, and those that stand more than once.
#[derive(Debug)]
pub struct QueryLists(pub Fields<'static>, pub Lists);

impl QueryLists {
    /// Reads a query string.
    pub fn parse(query: &str) -> Result<Self, Error> {
        let (fields, lists) = Lists::from_urlencoded(query.as_bytes()).map_err(refused)?;
        if query.contains("%00") {
            return Err(refused("it has a NUL character"));
        }
        Ok(Self(fields, lists))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for QueryLists {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        Self::parse(parts.uri.query().unwrap_or_default())
    }
}

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

fn refused(why: impl std::fmt::Display) -> Error {
    Error::new(
        Code::InvalidInput,
        format!("the query string cannot be read: {why}"),
    )
}
