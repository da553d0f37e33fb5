//! The one error that leaves over HTTP. It renders as an RFC 9457 problem document ([`problem`]); a surface with an envelope
//! of its own puts [`render_as`] around its routes and says how. The cause goes to the log, once, and never to the client.

use std::borrow::Cow;

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{calls::ingest::IngestError, domain::fault::Fault, store};

mod code;
pub mod problem;

pub use code::Code;
pub use problem::Problem;

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

impl From<Fault> for FieldError {
    fn from(fault: Fault) -> Self {
        Self {
            field: fault.field,
            code: fault.code,
            message: fault.message,
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
    place: Option<Place>,
    retry_after_s: Option<u32>,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Which part of a request has the fields that were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The path's parameters.
    Path,
    /// The query string.
    Query,
    /// The headers.
    Header,
    /// The body.
    Body,
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
    /// Where they stand, if that is not where the method's parameters usually do.
    pub place: Option<Place>,
}

impl Error {
    /// An error with what the client is told.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
            fields: Vec::new(),
            place: None,
            retry_after_s: None,
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
            fields,
            ..Self::new(code, named.join("; "))
        }
    }

    /// Says where the refused fields stand: unless told, those of a GET in its query and those of others in their body.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Says in how many seconds the same request may do better.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
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

    /// A fault of ours, of which a client learns no more.
    pub fn internal() -> Self {
        Self::new(Code::Internal, "internal error")
    }

    /// The database is away.
    pub fn unavailable() -> Self {
        Self::new(
            Code::Unavailable,
            "the database is not available; try again",
        )
    }

    /// What went wrong.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What a client is told of it.
    pub fn told(&self) -> Told {
        Told {
            code: self.code,
            detail: self.detail.clone(),
            fields: self.fields.clone(),
            place: self.place,
        }
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match &error {
            store::Error::Unavailable(_) => Self::unavailable().caused_by(error),
            store::Error::Refused(_) => {
                Self::new(Code::InvalidInput, "a value cannot be stored").caused_by(error)
            }
            store::Error::Failed(_) => Self::internal().caused_by(error),
        }
    }
}

impl From<IngestError> for Error {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::Busy => {
                Self::new(Code::Unavailable, "too many reports are waiting; try again")
            }
            // A report that is lost is worse than one that comes twice: reporters send it again after 503, and not after 500.
            IngestError::Refused(error @ store::Error::Failed(_))
            | IngestError::Unavailable(error) => Self::unavailable().caused_by(error),
            IngestError::Refused(error) => error.into(),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        store::Error::from(error).into()
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let told = self.told();
        if let Some(source) = self.source {
            let causes = causes(source.as_ref());
            if self.code == Code::Internal {
                tracing::error!(code = self.code.as_str(), causes, "request failed");
            } else {
                tracing::warn!(code = self.code.as_str(), causes, "request refused");
            }
        }
        let mut response = problem::render(&told, None);
        let headers = response.headers_mut();
        let at_once = (self.code == Code::Unavailable).then_some(1);
        if let Some(seconds) = self.retry_after_s.or(at_once) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
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

/// Renders an error of a surface's routes in its own envelope: `render` makes the status and the body, everything else of
/// the response stays. What is no error stays as it is.
pub fn render_as(render: impl FnOnce(&Told) -> Response, response: Response) -> Response {
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
