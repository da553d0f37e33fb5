//! The envelope of the voice-calls surface: `{"success":true,"data":…}`, or every error with its field.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::error::{Code, FieldError, Told};

/// A success.
#[derive(Debug, Serialize, ToSchema)]
pub struct Success<T> {
    /// Always true.
    #[schema(example = true)]
    pub success: bool,
    /// What was asked for.
    pub data: T,
}

/// A refusal.
#[derive(Debug, Serialize, ToSchema)]
pub struct Failure {
    /// Always false.
    #[schema(example = false)]
    pub success: bool,
    /// Everything that is wrong.
    pub errors: Vec<FailureError>,
}

/// One thing that is wrong.
#[derive(Debug, Serialize, ToSchema)]
pub struct FailureError {
    /// The field, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// A stable code for scripts.
    #[schema(example = "invalid")]
    pub code: &'static str,
    /// In words.
    pub message: String,
}

impl<T> Success<T> {
    /// A success with what was asked for.
    pub fn new(data: T) -> Self {
        Self {
            success: true,
            data,
        }
    }
}

/// Renders an error of this surface.
pub fn render(told: &Told) -> Response {
    let errors = if told.fields.is_empty() {
        vec![FailureError {
            field: None,
            code: code(told.code),
            message: told.detail.clone().into_owned(),
        }]
    } else {
        told.fields.iter().map(FailureError::from).collect()
    };
    let body = serde_json::to_vec(&Failure {
        success: false,
        errors,
    });
    (
        told.code.status(),
        [(header::CONTENT_TYPE, "application/json")],
        body.unwrap_or_default(),
    )
        .into_response()
}

impl From<&FieldError> for FailureError {
    fn from(error: &FieldError) -> Self {
        Self {
            field: Some(error.field.clone()),
            code: error.code,
            message: format!("{} {}", error.field, error.message),
        }
    }
}

/// This surface's word for a code, where it has one of its own.
fn code(code: Code) -> &'static str {
    match code {
        Code::Unauthenticated => "unauthorized",
        Code::InvalidInput | Code::Unprocessable => "validation_error",
        Code::MalformedBody
        | Code::Forbidden
        | Code::NotFound
        | Code::MethodNotAllowed
        | Code::AlreadyExists
        | Code::InvalidTransition
        | Code::PreconditionFailed
        | Code::BodyTooLarge
        | Code::UnsupportedMediaType
        | Code::RequestTimeout
        | Code::Unavailable
        | Code::Internal => code.as_str(),
    }
}
