//! The voip surface: telephony providers and PBXs tell us where a call stands.
//!
//! [`parse`] is pure: bytes to what a report says. Every report goes the one way in, `calls::ingest`, and is acknowledged
//! after its commit; a database that is away is 503, which most providers retry, and never 500, on which they give up.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer,
    auth::Reporter,
    error::Error,
    extract::{FormOrJson, Payload},
    state::ApiState,
};
use crate::domain::{account::Handling, report::CallReport, report::ProviderName};

pub mod document;
pub mod envelope;
pub mod parse;

use document::{CallAnswered, CallEnd, CallInQueue, CallRinging};
use envelope::{Refusals, Saved};
use parse::Endpoint;

/// The largest post: every field at its bound, every character escaped.
const BODY_BYTES_MAX: usize = 32 * 1024;

/// The routes. By their whole paths: the most frequent request there is need not be unwrapped first.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(call_in_queue))
        .routes(routes!(call_ringing))
        .routes(routes!(call_answered))
        .routes(routes!(call_end))
}

/// A call waits in a queue
#[utoipa::path(
    post, path = "/api/v1/voip/call-in-queue", tag = "voip",
    params(("Prefer" = Option<String>, Header, description = "`handling=strict` or `handling=lenient`")),
    request_body(content(
        (CallInQueue = "application/json"), (CallInQueue = "application/x-www-form-urlencoded")
    )),
    responses((status = 200, description = "Kept", body = Saved), Refusals),
    security((), ("bearer" = []), ("basic" = []), ("key" = [])),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX)))
)]
async fn call_in_queue(
    state: State<ApiState>,
    reporter: Reporter,
    headers: HeaderMap,
    body: FormOrJson<BODY_BYTES_MAX>,
) -> Result<Response, Error> {
    take(Endpoint::InQueue, state, reporter, &headers, body.0).await
}

/// A call rings
#[utoipa::path(
    post, path = "/api/v1/voip/call-ringing", tag = "voip",
    params(("Prefer" = Option<String>, Header, description = "`handling=strict` or `handling=lenient`")),
    request_body(content(
        (CallRinging = "application/json"), (CallRinging = "application/x-www-form-urlencoded")
    )),
    responses((status = 200, description = "Kept", body = Saved), Refusals),
    security((), ("bearer" = []), ("basic" = []), ("key" = [])),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX)))
)]
async fn call_ringing(
    state: State<ApiState>,
    reporter: Reporter,
    headers: HeaderMap,
    body: FormOrJson<BODY_BYTES_MAX>,
) -> Result<Response, Error> {
    take(Endpoint::Ringing, state, reporter, &headers, body.0).await
}

/// A call was answered
///
/// With a `CallStatus` in it, it is a call end: an early version of the published document had that URL for it.
#[utoipa::path(
    post, path = "/api/v1/voip/call-answered", tag = "voip",
    params(("Prefer" = Option<String>, Header, description = "`handling=strict` or `handling=lenient`")),
    request_body(content(
        (CallAnswered = "application/json"), (CallAnswered = "application/x-www-form-urlencoded")
    )),
    responses((status = 200, description = "Kept", body = Saved), Refusals),
    security((), ("bearer" = []), ("basic" = []), ("key" = [])),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX)))
)]
async fn call_answered(
    state: State<ApiState>,
    reporter: Reporter,
    headers: HeaderMap,
    body: FormOrJson<BODY_BYTES_MAX>,
) -> Result<Response, Error> {
    take(Endpoint::Answered, state, reporter, &headers, body.0).await
}

/// A call has ended
///
/// Idempotent: the same post again answers the same and changes nothing. The first end of a call stays; a different one
/// fills in what is missing.
#[utoipa::path(
    post, path = "/api/v1/voip/call-end", tag = "voip",
    params(("Prefer" = Option<String>, Header, description = "`handling=strict` (all documented fields are required) or `handling=lenient`")),
    request_body(content(
        (CallEnd = "application/json"), (CallEnd = "application/x-www-form-urlencoded")
    )),
    responses((status = 200, description = "Kept", body = Saved), Refusals),
    security((), ("bearer" = []), ("basic" = []), ("key" = [])),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX)))
)]
async fn call_end(
    state: State<ApiState>,
    reporter: Reporter,
    headers: HeaderMap,
    body: FormOrJson<BODY_BYTES_MAX>,
) -> Result<Response, Error> {
    take(Endpoint::End, state, reporter, &headers, body.0).await
}

async fn take(
    endpoint: Endpoint,
    State(state): State<ApiState>,
    reporter: Reporter,
    headers: &HeaderMap,
    payload: Payload,
) -> Result<Response, Error> {
    let handling = reporter.handling(headers).unwrap_or(Handling::Lenient);
    let post = parse::parse(endpoint, payload.fields()?, handling)?;
    let report = CallReport {
        account_id: reporter.account_id,
        source: "voip",
        provider: ProviderName::voip(),
        connection_id: None,
        name: post.name,
        event_id: None,
        occurred_at: None,
        kind: post.kind,
        facts: post.facts,
    };
    state.ingest.report(report).await?;
    Ok(answer::json(StatusCode::OK, &Saved::successfully()))
}
