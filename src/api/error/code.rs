//! What went wrong: a closed set, with a status, a word for scripts and a title for people. `docs/problems.md` explains each.

use axum::http::StatusCode;

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
    /// None of the media types that the client takes can be given: 406.
    NotAcceptable,
    /// It was erased, and stays so: 410.
    Gone,
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
    /// The same request, by its `Idempotency-Key`, is being worked on: 409 with `Retry-After`.
    InProgress,
    /// The `Idempotency-Key` was used for another request: 422.
    KeyReused,
    /// More requests than this client may make: 429 with `Retry-After`.
    RateLimited,
    /// We cannot take it now; whether it was done is not known: 503 with `Retry-After`.
    Unavailable,
    /// Our fault: 500.
    Internal,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 21] = [
        Self::MalformedBody,
        Self::InvalidInput,
        Self::Unprocessable,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::Gone,
        Self::AlreadyExists,
        Self::InvalidTransition,
        Self::PreconditionFailed,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::PathTooLong,
        Self::RequestTimeout,
        Self::InProgress,
        Self::KeyReused,
        Self::RateLimited,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        match self {
            Self::MalformedBody | Self::InvalidInput => StatusCode::BAD_REQUEST,
            Self::Unprocessable | Self::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::Gone => StatusCode::GONE,
            Self::AlreadyExists | Self::InvalidTransition | Self::InProgress => {
                StatusCode::CONFLICT
            }
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::PathTooLong => StatusCode::URI_TOO_LONG,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
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
            Self::NotAcceptable => "not_acceptable",
            Self::Gone => "gone",
            Self::AlreadyExists => "already_exists",
            Self::InvalidTransition => "invalid_transition",
            Self::PreconditionFailed => "precondition_failed",
            Self::BodyTooLarge => "body_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::PathTooLong => "path_too_long",
            Self::RequestTimeout => "request_timeout",
            Self::InProgress => "in_progress",
            Self::KeyReused => "idempotency_key_reused",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }
    /// What kind of problem it is, in words that stay the same.
    pub fn title(self) -> &'static str {
        match self {
            Self::MalformedBody => "The body cannot be read",
            Self::InvalidInput => "The request says something that it may not",
            Self::Unprocessable => "The request makes no sense",
            Self::Unauthenticated => "A valid credential is needed",
            Self::Forbidden => "The credential may not do this",
            Self::NotFound => "There is no such thing",
            Self::MethodNotAllowed => "The path does not have that method",
            Self::NotAcceptable => "It cannot be given in that form",
            Self::Gone => "It was erased",
            Self::AlreadyExists => "It is there already",
            Self::InvalidTransition => "The state does not allow it",
            Self::PreconditionFailed => "Somebody else changed it first",
            Self::BodyTooLarge => "The body is too large",
            Self::UnsupportedMediaType => "The media type is not read here",
            Self::PathTooLong => "The path is too long",
            Self::RequestTimeout => "The request took too long to arrive",
            Self::InProgress => "The same request is being worked on",
            Self::KeyReused => "The idempotency key was used for another request",
            Self::RateLimited => "Too many requests",
            Self::Unavailable => "It cannot be taken now",
            Self::Internal => "Our fault",
        }
    }
}
