//! What telephony providers post to us: verified on the raw bytes, committed, then answered.
//!
//! The connection in the path says whose secret verifies and whose account it is; nothing in the request does. Whatever
//! is not verified is told the same, whether the connection exists or not.
//!
//! Whatever the database does to a true callback, the answer is 503: providers send it again after that, and lose it after a 500.

use axum::{
    extract::{OriginalUri, State},
    http::{HeaderMap, StatusCode, Uri},
};
use chrono::{DateTime, Utc};
use url::form_urlencoded;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    calls::{hear, ingest::IngestError, legs, place},
    domain::{
        connection::Connection,
        id::{CallId, ConnectionId},
    },
    providers::{InboundError, InboundRequest, Provider},
    store,
};

use super::{
    error::{Code, Error, Problem},
    extract::{Body, PathPair},
    state::ApiState,
};

/// The largest callback. A call detail record of FreeSWITCH has every variable of the call, percent-encoded twice.
const CALLBACK_BYTES_MAX: usize = 256 * 1024;

/// The routes of this module.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(inbound))
}

/// Takes a provider's callback
///
/// The URL is the connection's `status_callback_url`. What a callback must contain, and how it is signed, is the
/// provider's; see the page on it. It is committed before it is answered; the same callback again changes nothing.
#[utoipa::path(
    post,
    path = "/inbound/{provider}/{connection_id}",
    tag = "inbound",
    params(
        ("provider" = String, Path, description = "The provider's name, such as `twilio`"),
        ("connection_id" = String, Path, description = "The connection's id"),
        ("call" = Option<uuid::Uuid>, Query, description = "The call that was placed here, in the callback URL that the provider was given for it"),
    ),
    request_body(content = String, content_type = "application/x-www-form-urlencoded",
        example = "CallSid=CA12345678904567890&CallStatus=completed&CallDuration=12&From=%2B14155550148&To=%2B14155550901"),
    responses(
        (status = 204, description = "Taken, also if it was known or says nothing that we keep"),
        (status = 400, description = "Verified, but it cannot be read", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "Not verified", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such provider", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body did not arrive in time", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Cannot be taken now; send it again", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-body-bytes-max" = json!(CALLBACK_BYTES_MAX))),
)]
async fn inbound(
    State(state): State<ApiState>,
    PathPair(provider, connection_id): PathPair,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Body(body): Body<CALLBACK_BYTES_MAX>,
) -> Result<StatusCode, Error> {
    let provider = state
        .providers
        .named(&provider)
        .ok_or_else(|| Error::not_found("provider"))?;
    let (connection, received_at) = connection(&state, provider, &connection_id).await?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = InboundRequest {
        url: &format!("{}{path}", state.public_url),
        headers: &headers,
        body: &body,
        received_at,
    };
    let reports = provider
        .read(&request, &connection.credentials)
        .map_err(|error| refused(&connection, error))?;
    let (placed, tools) = (placed_here(&uri), state.tools());
    for report in reports {
        let placed = placed.or_else(|| hear::our_name(provider, &report));
        if let Some(call_id) = placed {
            let of = (connection.account_id, call_id);
            let connection_id = connection.connection_id;
            let bound = place::bind(&state.db, &state.wake, of, connection_id, &report);
            bound.await.map_err(not_kept)?;
        }
        let leg = report.leg.clone();
        let report = hear::told(provider, &connection, report);
        let taken = Box::pin(legs::take(&tools, &state.ingest, report, &leg));
        taken.await.map_err(|error| match error {
            IngestError::Busy => error.into(),
            IngestError::Unavailable(error) | IngestError::Refused(error) => not_kept(error),
        })?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The database did not do it, whatever the reason: the provider is to send it again.
fn not_kept(error: store::Error) -> Error {
    Error::unavailable().caused_by(error)
}

/// The call that the callback URL names: part of what the provider was given, and of what it signs.
fn placed_here(uri: &Uri) -> Option<CallId> {
    let pairs = form_urlencoded::parse(uri.query()?.as_bytes());
    let (_, call) = pairs.into_iter().find(|(name, _)| name == "call")?;
    call.parse().ok()
}

/// The connection that the path names, if it is one to this provider, and what time it is.
async fn connection(
    state: &ApiState,
    provider: &'static dyn Provider,
    connection_id: &str,
) -> Result<(Connection, DateTime<Utc>), Error> {
    let connection_id: ConnectionId = connection_id.parse().map_err(|_error| unverified())?;
    let sealed = store::ask(store::connections::find_inbound(&state.db, connection_id)).await;
    let sealed = sealed.map_err(not_kept)?;
    let (sealed, now) = sealed
        .filter(|(sealed, _)| sealed.provider() == provider.name())
        .ok_or_else(unverified)?;
    // The operator must bring the key back; until then, providers that try again should.
    let opened = sealed.open(&state.sealing_key).map_err(|error| {
        Error::new(Code::Unavailable, "the request cannot be verified now").caused_by(error)
    });
    Ok((opened?, now))
}

fn refused(connection: &Connection, error: InboundError) -> Error {
    let connection_id = connection.connection_id;
    match error {
        InboundError::Unverified => {
            tracing::info!(connection.id = %connection_id, "a callback was not verified");
            unverified()
        }
        InboundError::Malformed(what) => {
            tracing::warn!(connection.id = %connection_id, what, "a callback cannot be read");
            Error::new(Code::InvalidInput, what)
        }
        InboundError::TryAgain(why) => {
            tracing::warn!(connection.id = %connection_id, why, "a callback is to be sent again");
            Error::new(Code::Unavailable, why)
        }
    }
}

/// The request does not prove that it comes from the provider, whatever the reason.
pub(super) fn unverified() -> Error {
    Error::new(Code::Unauthenticated, "the request is not verified")
}
