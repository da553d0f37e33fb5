//! `Prefer: handling=strict` and `handling=lenient` (RFC 7240), and the answer that says which was applied.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue},
    response::{IntoResponseParts, ResponseParts},
};

use crate::domain::account::Handling;

const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The handling that the request asks for. Of several the first counts; what is not understood is ignored, as the RFC wants.
pub fn asked(headers: &HeaderMap) -> Option<Handling> {
    let values = headers
        .get_all(PREFER)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    let value = values
        .flat_map(|line| line.split(','))
        .find_map(|preference| {
            let (name, rest) = preference.split_once('=')?;
            let value = rest.split(';').next().unwrap_or_default();
            name.trim()
                .eq_ignore_ascii_case("handling")
                .then(|| value.trim().trim_matches('"'))
        })?;
    if value.eq_ignore_ascii_case("strict") {
        Some(Handling::Strict)
    } else if value.eq_ignore_ascii_case("lenient") {
        Some(Handling::Lenient)
    } else {
        None
    }
}

/// `Preference-Applied`, as a part of the response.
#[derive(Debug, Clone, Copy)]
pub struct Applied(Option<Handling>);

impl Applied {
    /// Says that the handling was applied, if the request asked for one: a client that did not ask is not told.
    pub fn to(headers: &HeaderMap) -> Self {
        Self(asked(headers))
    }

    /// The header and its value, for responses that are already made.
    pub fn header(self) -> Option<(HeaderName, HeaderValue)> {
        let value = match self.0? {
            Handling::Strict => "handling=strict",
            Handling::Lenient => "handling=lenient",
        };
        Some((PREFERENCE_APPLIED, HeaderValue::from_static(value)))
    }
}

impl IntoResponseParts for Applied {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut res: ResponseParts) -> Result<ResponseParts, Self::Error> {
        if let Some((name, value)) = self.header() {
            res.headers_mut().insert(name, value);
        }
        Ok(res)
    }
}

#[cfg(test)]
mod tests {
    use super::{Handling, HeaderMap, PREFER, asked};

    #[test]
    fn the_first_handling_of_the_request_counts() {
        for (lines, expected) in [
            (&["handling=strict"][..], Some(Handling::Strict)),
            (&["Handling = \"LENIENT\""], Some(Handling::Lenient)),
            (
                &["respond-async, handling=lenient; x=1, handling=strict"],
                Some(Handling::Lenient),
            ),
            (
                &["wait=10", "handling=strict", "handling=lenient"],
                Some(Handling::Strict),
            ),
            (&["handling=loose, handling=strict"], None),
            (&["handling"], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(PREFER, line.parse().unwrap());
            }
            assert_eq!(asked(&headers), expected, "{lines:?}");
        }
    }
}
