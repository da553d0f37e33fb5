//! What every native route (`/v1/…`) may answer besides what it is for: problem documents (RFC 9457).

use utoipa::IntoResponses;

use super::error::Problem;

/// What every route with a credential may answer.
#[derive(Debug, IntoResponses)]
pub enum Refusals {
    /// The path or the query cannot be used; every fault is named
    #[response(status = 400, content_type = "application/problem+json")]
    Invalid(Problem),
    /// No credential, or one that is not valid
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(Problem),
    /// A valid credential that may not do this
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Problem),
    /// More requests than this credential may make; `Retry-After` says when to try again
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(Problem),
    /// Our fault
    #[response(status = 500, content_type = "application/problem+json")]
    Internal(Problem),
    /// It cannot be done now, and may have been done; try again
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}

/// What every route with an id in its path may answer besides.
#[derive(Debug, IntoResponses)]
pub enum NoSuch {
    /// The account has no such thing
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(Problem),
}

/// What every route that reads a body may answer besides.
#[derive(Debug, IntoResponses)]
pub enum BodyRefusals {
    /// The body took too long to arrive
    #[response(status = 408, content_type = "application/problem+json")]
    TimedOut(Problem),
    /// The body is too large
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// Not a media type that this route reads
    #[response(status = 415, content_type = "application/problem+json")]
    UnsupportedMediaType(Problem),
    /// The body makes no sense; every fault is named
    #[response(status = 422, content_type = "application/problem+json")]
    Unprocessable(Problem),
}

/// What a route may answer besides that reads a body of which anything makes sense.
#[derive(Debug, IntoResponses)]
pub enum Unreadable {
    /// The body took too long to arrive
    #[response(status = 408, content_type = "application/problem+json")]
    TimedOut(Problem),
    /// The body is too large
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// Not a media type that this route reads
    #[response(status = 415, content_type = "application/problem+json")]
    UnsupportedMediaType(Problem),
}

/// What every route with an `Idempotency-Key` may answer besides.
#[derive(Debug, IntoResponses)]
pub enum OnceRefusals {
    /// The same request is being worked on; try again
    #[response(status = 409, content_type = "application/problem+json")]
    InProgress(Problem),
    /// The body makes no sense, with every fault named; or the `Idempotency-Key` was used for another request
    #[response(status = 422, content_type = "application/problem+json")]
    KeyReused(Problem),
}
