//! The one error that leaves over HTTP. It renders as an RFC 9457 problem document; a surface with an envelope of its own
//! puts [`render_as`] around its routes and says how. The cause goes to the log, once, and never to the client.

use std::borrow::Cow;

use axum::{
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{calls::ingest::IngestError, store};

/// What went wrong, as far as a client can tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// The body is not JSON, or not a form: 400.
    MalformedBody,
    /// The request says something that it may not: 400, or 422 on the voice-calls surface when only the meaning is wrong.
    InvalidInput,
    /// Understood, but it makes no sense: 422.
    Unprocessable,
    /// No credential, or one that is not valid: 401.
    Unauthenticated,
    /// A valid credential that may not do this: 403.
    Forbidden,
    /// There is no such thing in the caller's account: 404.
    NotFound,
    /// The path exists, the method does not: 405.
    MethodNotAllowed,
    /// It is there already: 409.
    AlreadyExists,
    /// The state does not allow it: 409.
    InvalidTransition,
    /// Somebody else changed it first (`If-Match`): 412.
    PreconditionFailed,
    /// The body is too large: 413.
    BodyTooLarge,
    /// Not a media type that this route reads: 415.
    UnsupportedMediaType,
    /// The path is longer than any of ours: 414.
    PathTooLong,
    /// The client took too long to send it: 408.
    RequestTimeout,
    /// We cannot take it now; whether it was done is not known: 503 with `Retry-After`.
    Unavailable,
    /// Our fault: 500.
    Internal,
}

impl Code {
    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        match self {
            Self::MalformedBody | Self::InvalidInput => StatusCode::BAD_REQUEST,
            Self::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::AlreadyExists | Self::InvalidTransition => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::PathTooLong => StatusCode::URI_TOO_LONG,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The code as text, stable for scripts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MalformedBody => "malformed_body",
            Self::InvalidInput => "invalid_input",
            Self::Unprocessable => "unprocessable",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::AlreadyExists => "already_exists",
            Self::InvalidTransition => "invalid_transition",
            Self::PreconditionFailed => "precondition_failed",
            Self::BodyTooLarge => "body_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::PathTooLong => "path_too_long",
            Self::RequestTimeout => "request_timeout",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }
}

/// One field that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Its name, as the request has it.
    pub field: String,
    /// A stable word for what is wrong: `missing`, `invalid`, `too_long`, `already_exists`.
    pub code: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

impl FieldError {
    /// The field is required and not there.
    pub fn missing(field: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            code: "missing",
            message: "is required".to_owned(),
        }
    }

    /// The field's value cannot be used.
    pub fn invalid(field: impl Into<String>, message: impl ToString) -> Self {
        Self {
            field: field.into(),
            code: "invalid",
            message: message.to_string(),
        }
    }
}

/// An error on its way to a client.
#[expect(
    clippy::error_impl_error,
    reason = "every module calls its own error `Error`; it is read as `error::Error`"
)]
#[derive(Debug, thiserror::Error)]
#[error("{}: {detail}", code.as_str())]
pub struct Error {
    code: Code,
    detail: Cow<'static, str>,
    fields: Vec<FieldError>,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What a client is told of an error; an extension of the response, for [`render_as`].
#[derive(Debug, Clone)]
pub struct Told {
    /// What went wrong.
    pub code: Code,
    /// In words.
    pub detail: Cow<'static, str>,
    /// Every field that was refused.
    pub fields: Vec<FieldError>,
}

impl Error {
    /// An error with what the client is told.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
            fields: Vec::new(),
            source: None,
        }
    }

    /// Every field that was refused, at once.
    pub fn fields(code: Code, fields: Vec<FieldError>) -> Self {
        let named: Vec<String> = fields
            .iter()
            .map(|f| format!("{} {}", f.field, f.message))
            .collect();
        Self {
            code,
            detail: named.join("; ").into(),
            fields,
            source: None,
        }
    }

    /// The resource is not in the caller's account.
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("{what} not found"))
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn caused_by(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What went wrong.
    pub fn code(&self) -> Code {
        self.code
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match &error {
            store::Error::Unavailable(_) => Self::new(
                Code::Unavailable,
                "the database is not available; try again",
            )
            .caused_by(error),
            store::Error::Refused(_) => {
                Self::new(Code::InvalidInput, "a value cannot be stored").caused_by(error)
            }
            store::Error::Failed(_) => Self::new(Code::Internal, "internal error").caused_by(error),
        }
    }
}

impl From<IngestError> for Error {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::Busy => {
                Self::new(Code::Unavailable, "too many reports are waiting; try again")
            }
            IngestError::Unavailable(error) | IngestError::Refused(error) => error.into(),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        store::Error::from(error).into()
    }
}

/// An RFC 9457 problem document.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// `about:blank`: the status says what kind of problem it is.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// A stable code for scripts.
    pub code: &'static str,
    /// What went wrong here.
    pub detail: String,
    /// Every field that was refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

impl From<Told> for Problem {
    fn from(told: Told) -> Self {
        let status = told.code.status();
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            code: told.code.as_str(),
            detail: told.detail.into_owned(),
            errors: told.fields,
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let told = Told {
            code: self.code,
            detail: self.detail.clone(),
            fields: self.fields.clone(),
        };
        if let Some(source) = self.source {
            let causes = causes(source.as_ref());
            if self.code == Code::Internal {
                tracing::error!(code = self.code.as_str(), causes, "request failed");
            } else {
                tracing::warn!(code = self.code.as_str(), causes, "request refused");
            }
        }
        let body = serde_json::to_vec(&Problem::from(told.clone())).unwrap_or_default();
        let mut response = (self.code.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if self.code == Code::Unavailable {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if self.code == Code::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(told);
        response
    }
}

/// The chain of causes as one line.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        next = cause.source();
    }
    line
}

/// Renders the errors of a surface's routes in its own envelope: `render` makes the status and the body, everything else
/// of the response stays.
pub async fn render_as(render: fn(&Told) -> Response, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let Some(told) = response.extensions().get::<Told>().cloned() else {
        return response;
    };
    let mut own = render(&told);
    for (name, value) in response.headers() {
        if !matches!(*name, header::CONTENT_TYPE | header::CONTENT_LENGTH) {
            own.headers_mut().insert(name, value.clone());
        }
    }
    own.extensions_mut().insert(told);
    own
}
