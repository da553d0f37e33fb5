//! The envelope of the voip surface. Its success is documented to the letter; of its errors only the words are.

use axum::response::Response;
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use crate::api::{
    answer,
    error::{Code, Told},
};

/// The report was kept.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VoipSaved, example = json!({"data": {"success": true, "message": "Successfully saved"}}))]
pub struct Saved {
    /// What became of it.
    pub data: Outcome,
}

/// What became of a report.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VoipOutcome)]
pub struct Outcome {
    /// Whether it was kept.
    pub success: bool,
    /// In words.
    pub message: String,
}

/// The report was refused.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VoipRefused, example = json!({
    "data": {"success": false, "message": "CallStatus is required"},
    "error": {"type": "ERROR_INVALID_INPUT", "code": 400, "fields": [{"field": "CallStatus", "message": "is required"}]}
}))]
pub struct Refused {
    /// What became of it.
    pub data: Outcome,
    /// Why.
    pub error: Reason,
}

/// Why a report was refused.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VoipReason)]
pub struct Reason {
    /// The kind of error, in the documented words.
    #[serde(rename = "type")]
    pub kind: ErrorType,
    /// The HTTP status.
    pub code: u16,
    /// Every field that was refused.
    pub fields: Vec<RefusedField>,
}

/// A field that was refused.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VoipRefusedField)]
pub struct RefusedField {
    /// Its name.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

/// The documented kinds of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = VoipErrorType)]
pub enum ErrorType {
    /// The request cannot be used.
    ErrorInvalidInput,
    /// There is no such thing.
    ErrorRecordNotFound,
    /// The key is missing or not valid.
    ErrorUnauthorized,
    /// The key may not do this.
    ErrorUnauthorizedAccess,
    /// Our fault, or our database's: try again.
    ErrorServerError,
}

/// How a post may be refused.
#[derive(Debug, IntoResponses)]
pub enum Refusals {
    /// The body cannot be read, or fields are missing or wrong; all of them are named.
    #[response(status = 400)]
    Invalid(Refused),
    /// The account asks for a key, and there was none, or none that is valid.
    #[response(status = 401)]
    Unauthorized(Refused),
    /// The key may not report calls.
    #[response(status = 403)]
    Forbidden(Refused),
    /// The body did not arrive in time.
    #[response(status = 408)]
    TooSlow(Refused),
    /// The body is too large.
    #[response(status = 413)]
    TooLarge(Refused),
    /// Neither JSON nor a form, or not in UTF-8.
    #[response(status = 415)]
    MediaType(Refused),
    /// More posts than this client may make; `Retry-After` says when to try again.
    #[response(status = 429)]
    TooMany(Refused),
    /// Our fault.
    #[response(status = 500)]
    Internal(Refused),
    /// Not kept, as far as we know: try again. Repeating a report does no harm.
    #[response(status = 503)]
    Unavailable(Refused),
}

impl Saved {
    /// The documented success.
    pub fn successfully() -> Self {
        Self {
            data: Outcome {
                success: true,
                message: "Successfully saved".to_owned(),
            },
        }
    }
}

/// An error in the words of this surface.
pub fn refused(told: &Told) -> Refused {
    let fields = told.fields.iter().map(|error| RefusedField {
        field: error.field.clone(),
        message: error.message.clone(),
    });
    Refused {
        data: Outcome {
            success: false,
            message: told.detail.clone().into_owned(),
        },
        error: Reason {
            kind: told.code.into(),
            code: told.code.status().as_u16(),
            fields: fields.collect(),
        },
    }
}

/// Renders an error of this surface.
pub fn render(told: &Told) -> Response {
    answer::json(told.code.status(), &refused(told))
}

impl From<Code> for ErrorType {
    fn from(code: Code) -> Self {
        match code {
            Code::Unauthenticated => Self::ErrorUnauthorized,
            Code::Forbidden => Self::ErrorUnauthorizedAccess,
            Code::NotFound => Self::ErrorRecordNotFound,
            Code::Unavailable | Code::Internal => Self::ErrorServerError,
            Code::MalformedBody
            | Code::InvalidInput
            | Code::Unprocessable
            | Code::MethodNotAllowed
            | Code::NotAcceptable
            | Code::Gone
            | Code::AlreadyExists
            | Code::InvalidTransition
            | Code::PreconditionFailed
            | Code::BodyTooLarge
            | Code::UnsupportedMediaType
            | Code::PathTooLong
            | Code::InProgress
            | Code::KeyReused
            | Code::RateLimited
            | Code::RequestTimeout => Self::ErrorInvalidInput,
        }
    }
}
