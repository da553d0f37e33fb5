//! `Prefer: handling=strict` and `handling=lenient` (RFC 7240).

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, request::Parts},
    response::Response,
};

use crate::domain::account::{Caller, Handling};

/// What the request asks for, if it does. Preferences that are not understood are passed over, as the RFC has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefer(pub Option<Handling>);

impl Prefer {
    /// How the request is to be handled: as it says, else as its credential prefers, else as the surface does.
    pub fn handling(self, caller: &Caller, default: Handling) -> Handling {
        self.0.or(caller.prefer).unwrap_or(default)
    }

    /// Says in the answer that the request's preference was applied.
    #[must_use]
    pub fn applied(self, mut response: Response) -> Response {
        let applied = match self.0 {
            Some(Handling::Strict) => "handling=strict",
            Some(Handling::Lenient) => "handling=lenient",
            None => return response,
        };
        response.headers_mut().insert(
            HeaderName::from_static("preference-applied"),
            HeaderValue::from_static(applied),
        );
        response
    }

    fn parse<'h>(headers: impl Iterator<Item = &'h str>) -> Self {
        let handling = headers
            .flat_map(|header| header.split(','))
            .filter_map(|preference| preference.split(';').next()?.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("handling"))
            .map(|(_, value)| value.trim().trim_matches('"').to_ascii_lowercase());
        Self(match handling.as_deref() {
            Some("strict") => Some(Handling::Strict),
            Some("lenient") => Some(Handling::Lenient),
            Some(_) | None => None,
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Prefer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let headers = parts.headers.get_all("prefer").iter();
        Ok(Self::parse(headers.filter_map(|value| value.to_str().ok())))
    }
}

#[cfg(test)]
mod tests {
    use super::{Handling, Prefer};

    #[test]
    fn the_first_handling_counts_and_the_rest_is_passed_over() {
        for (headers, expected) in [
            (vec!["handling=strict"], Some(Handling::Strict)),
            (
                vec!["respond-async, Handling = \"lenient\"; foo"],
                Some(Handling::Lenient),
            ),
            (
                vec!["handling=strict", "handling=lenient"],
                Some(Handling::Strict),
            ),
            (vec!["handling=sometimes"], None),
            (vec!["handling"], None),
            (vec![], None),
        ] {
            assert_eq!(Prefer::parse(headers.into_iter()).0, expected);
        }
    }
}
