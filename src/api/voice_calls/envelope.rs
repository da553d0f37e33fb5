//! The envelope of the voice-calls surface: `{"success":true,"data":…}`, or every error with its field.

use axum::response::Response;
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use crate::{
    api::{
        answer,
        error::{Code, FieldError, Told},
    },
    domain::voice_call::VoiceCall,
};

/// A success.
#[derive(Debug, Serialize, ToSchema)]
pub struct Success<T> {
    /// Always true.
    #[schema(example = true)]
    pub success: bool,
    /// What was asked for.
    pub data: T,
}

/// A page of voice calls.
#[derive(Debug, Serialize, ToSchema)]
pub struct VoiceCallPage {
    /// The voice calls.
    pub voice_calls: Vec<VoiceCall>,
    /// The page, from 1.
    pub page: i64,
    /// At most so many voice calls a page.
    pub per_page: i64,
    /// How many voice calls there are on all pages.
    pub total_count: i64,
    /// Whether `total_count` is an estimate: beyond 10,000 it is (ours).
    pub total_count_is_estimate: bool,
}

/// A refusal.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VoiceCallsFailure, example = json!({"success": false, "errors": [{"field": "rate", "code": "wrong_type", "message": "rate must be a string"}]}))]
pub struct Failure {
    /// Always false.
    #[schema(example = false)]
    pub success: bool,
    /// Everything that is wrong.
    pub errors: Vec<FailureError>,
}

/// One thing that is wrong.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VoiceCallsError)]
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

/// How a request may be refused.
#[derive(Debug, IntoResponses)]
pub enum Refusals {
    /// Parameters or fields are of the wrong type; all that is wrong is named.
    #[response(status = 400)]
    Invalid(Failure),
    /// No valid token, or a directory token without its business.
    #[response(status = 401)]
    Unauthorized(Failure),
    /// The token may not do this.
    #[response(status = 403)]
    Forbidden(Failure),
    /// More requests than this token may make; `Retry-After` says when to try again.
    #[response(status = 429)]
    TooMany(Failure),
    /// Our fault.
    #[response(status = 500)]
    Internal(Failure),
    /// The database is away: try again.
    #[response(status = 503)]
    Unavailable(Failure),
}

/// How a request with a body may be refused, besides.
#[derive(Debug, IntoResponses)]
pub enum BodyRefusals {
    /// The body did not arrive in time.
    #[response(status = 408)]
    TooSlow(Failure),
    /// The body is too large.
    #[response(status = 413)]
    TooLarge(Failure),
    /// Not JSON in UTF-8.
    #[response(status = 415)]
    MediaType(Failure),
    /// Fields are missing or make no sense, all of them named; or the `Idempotency-Key` was used for another request.
    #[response(status = 422)]
    Unprocessable(Failure),
}

/// What is in the path is not there.
#[derive(Debug, IntoResponses)]
pub enum NotFound {
    /// There is no such voice call, or it is not the client's.
    #[response(status = 404)]
    VoiceCall(Failure),
}

/// What is in the path is not there.
#[derive(Debug, IntoResponses)]
pub enum NoRecording {
    /// There is no such recording, or the voice call has none.
    #[response(status = 404)]
    Recording(Failure),
}

/// What is in the path is not there.
#[derive(Debug, IntoResponses)]
pub enum NoTranscript {
    /// There is no such voice call, it is not the client's, or it has no transcript and none is being made.
    #[response(status = 404)]
    Transcript(Failure),
}

/// How a change may not fit the call.
#[derive(Debug, IntoResponses)]
pub enum Conflicts {
    /// The `source_id` is taken, or the status cannot be taken from where the call stands.
    #[response(status = 409)]
    Conflict(Failure),
}

/// How a change may come too late.
#[derive(Debug, IntoResponses)]
pub enum Changes {
    /// The voice call has changed since the version in `If-Match`.
    #[response(status = 412)]
    Changed(Failure),
}

/// How a call may not be made known.
#[derive(Debug, IntoResponses)]
pub enum Taken {
    /// The call by that `source_id` was erased.
    #[response(status = 410)]
    Erased(Failure),
    /// The `source_id` is taken, or a new call cannot have that status.
    #[response(status = 409)]
    Conflict(Failure),
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

/// An error in the words of this surface.
pub fn failure(told: &Told) -> Failure {
    let errors = if told.fields.is_empty() {
        vec![FailureError {
            field: None,
            code: code(told.code),
            message: told.detail.clone().into_owned(),
        }]
    } else {
        told.fields.iter().map(FailureError::from).collect()
    };
    Failure {
        success: false,
        errors,
    }
}

/// Renders an error of this surface.
pub fn render(told: &Told) -> Response {
    answer::json(told.code.status(), &failure(told))
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
        Code::RateLimited => "too_many_requests",
        Code::MalformedBody
        | Code::Forbidden
        | Code::NotFound
        | Code::MethodNotAllowed
        | Code::NotAcceptable
        | Code::Gone
        | Code::AlreadyExists
        | Code::InvalidTransition
        | Code::PreconditionFailed
        | Code::BodyTooLarge
        | Code::UnsupportedMediaType
        | Code::PathTooLong
        | Code::RequestTimeout
        | Code::InProgress
        | Code::KeyReused
        | Code::Unavailable
        | Code::Internal => code.as_str(),
    }
}
