//! Problem documents (RFC 9457): how native routes tell an error. Their types are explained on one page, which is served where
//! the type URIs point.

use axum::{
    extract::{OriginalUri, Request},
    http::{HeaderValue, Method, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{FieldError, Place, Told};
use crate::api::observe::RequestId;

/// Where the page is served, and what every type begins with.
pub const PATH: &str = "/problems";

/// The page.
pub const PAGE: &str = include_str!("../../../docs/problems.md");

/// An RFC 9457 problem document.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "/problems#unprocessable", "title": "The request makes no sense", "status": 422, "code": "unprocessable",
    "detail": "url must be https", "instance": "/v1/webhook-endpoints", "request_id": "019a2b3c-0000-7000-8000-000000000000",
    "errors": [{"pointer": "#/url", "code": "invalid", "detail": "must be https"}]
}))]
pub struct Problem {
    /// What kind of problem it is: a URI, relative to this service, of a page that explains it.
    #[serde(rename = "type")]
    #[schema(format = "uri-reference")]
    pub kind: String,
    /// The kind in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The kind as a stable word for scripts.
    pub code: &'static str,
    /// What went wrong here.
    pub detail: String,
    /// The path of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uri-reference")]
    pub instance: Option<String>,
    /// The request's id: the `X-Request-Id` of the answer, and in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Everything that was refused, at once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemError>,
}

/// One thing that was refused: a place in the body, a parameter or a header.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemError {
    /// A JSON pointer into the body (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "#/utterances/0/text")]
    pub pointer: Option<String>,
    /// The parameter of the path or the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// The header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// A stable word for what is wrong.
    #[schema(example = "missing")]
    pub code: &'static str,
    /// What is wrong and what would be right.
    pub detail: String,
}

/// The request that an error is the answer to.
#[derive(Debug)]
pub struct Occasion {
    method: Method,
    uri: Uri,
    request_id: Option<RequestId>,
}

impl Occasion {
    /// What a problem tells of this request.
    pub fn of(request: &Request) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            request_id: request.extensions().get().cloned(),
        }
    }

    /// The same of the parts of a request, within a nested router, too.
    pub fn of_parts(parts: &Parts) -> Self {
        let uri = parts.extensions.get::<OriginalUri>();
        Self {
            method: parts.method.clone(),
            uri: uri.map_or_else(|| parts.uri.clone(), |OriginalUri(uri)| uri.clone()),
            request_id: parts.extensions.get().cloned(),
        }
    }

    /// The request's method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The request's whole path and query.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Where the parameters of such a request stand.
    fn place(&self) -> Place {
        match self.method {
            Method::GET | Method::HEAD | Method::DELETE => Place::Query,
            _ => Place::Body,
        }
    }
}

impl ProblemError {
    fn new(error: &FieldError, place: Place) -> Self {
        let named = |is: Place| (place == is).then(|| error.field.clone());
        Self {
            pointer: (place == Place::Body).then(|| pointer(&error.field)),
            parameter: named(Place::Path).or(named(Place::Query)),
            header: named(Place::Header),
            code: error.code,
            detail: error.message.clone(),
        }
    }
}

/// The JSON pointer to a field that is named as in `utterances[0].text`.
fn pointer(field: &str) -> String {
    let escaped = field.replace('~', "~0").replace('/', "~1");
    format!("#/{}", escaped.replace(['.', '['], "/").replace(']', ""))
}

/// The document of an error; without the request, less of it is told.
pub fn of(told: &Told, occasion: Option<&Occasion>) -> Problem {
    let usual = occasion.map_or(Place::Body, Occasion::place);
    let place = told.place.unwrap_or(usual);
    Problem {
        kind: format!("{PATH}#{}", told.code.as_str()),
        title: told.code.title(),
        status: told.code.status().as_u16(),
        code: told.code.as_str(),
        detail: told.detail.clone().into_owned(),
        instance: occasion.map(|occasion| occasion.uri.path().to_owned()),
        request_id: occasion
            .and_then(|occasion| occasion.request_id.as_ref())
            .map(|id| id.as_str().to_owned()),
        errors: told
            .fields
            .iter()
            .map(|error| ProblemError::new(error, place))
            .collect(),
    }
}

/// Renders an error.
pub fn render(told: &Told, occasion: Option<&Occasion>) -> Response {
    let body = serde_json::to_vec(&of(told, occasion)).unwrap_or_default();
    let mut response = (told.code.status(), body).into_response();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::pointer;

    #[test]
    fn a_field_within_a_list_has_its_pointer() {
        for (field, expected) in [
            ("url", "#/url"),
            ("utterances[0].text", "#/utterances/0/text"),
            ("event_types[12]", "#/event_types/12"),
            ("a/b~c", "#/a~1b~0c"),
        ] {
            assert_eq!(pointer(field), expected);
        }
    }
}
