//! A connection's credentials: tried, and replaced while the service runs.

use axum::{extract::State, http::StatusCode, response::Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    body::{self, CredentialsBody},
    means, shown, vendor_of,
};
use crate::{
    api::{
        answer,
        auth::require,
        document::story,
        error::Error,
        extract::{BODY_BYTES_MAX, JsonBody, Path, QueryFields},
        native::{BodyRefusals, NoSuch, Refusals},
        state::ApiState,
    },
    calls::connect::{
        change::{self, Change},
        probe,
    },
    domain::{
        account::{Caller, Scope},
        connection_object::ConnectionObject,
        id::ConnectionId,
    },
};

/// The routes of this module.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(put_credentials))
        .routes(routes!(test_connection))
}

/// What trying a connection came to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::connection_tested()))]
struct ConnectionTested {
    /// Whether the vendor accepts the credentials.
    ok: bool,
    /// In one word: `ok`, `unauthorized`, `unreachable`, `throttled`, `failing`, `refused`, `garbled` (whoever answered is not the
    /// vendor), `sealed` (the credentials cannot be opened with the configured key).
    outcome: &'static str,
    /// In words.
    detail: String,
    /// How long it took, in milliseconds.
    duration_ms: u64,
}

/// Replaces a connection's credentials
///
/// They count from the answer on, for requests that are made and for callbacks that come; no restart is needed. Callbacks that are
/// signed with the former ones are taken for `overlap_s` more, so that none is lost while the vendor changes over; `0` ends that at
/// once, as it should after a leak. One former set is kept: a second rotation within the time ends the first. With `test=true` the
/// vendor is asked first, and what it does not accept is not kept.
#[utoipa::path(
    put, path = "/v1/connections/{id}/credentials", tag = "connections",
    params(
        ("id" = uuid::Uuid, Path, description = "The connection's id"),
        ("test" = Option<bool>, Query, description = "`true`: try the credentials first; `false` if absent"),
    ),
    request_body = CredentialsBody,
    responses((status = 200, description = "Replaced", body = ConnectionObject, example = json!(story::connection())), NoSuch, Refusals, BodyRefusals),
    security(("bearer" = [])),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX)))
)]
async fn put_credentials(
    State(state): State<ApiState>,
    caller: Caller,
    Path(connection_id): Path<ConnectionId>,
    QueryFields(query): QueryFields,
    body: Result<JsonBody, Error>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let of = (caller.account_id, connection_id);
    let trial = body::trial(&query)?;
    let JsonBody(body) = body?;
    let vendor = vendor_of(&state, of).await?;
    let change = Change {
        rotation: Some(body::rotation(&body, vendor, trial)?),
        ..Change::default()
    };
    change::change(means(&state), of, change).await?;
    shown(&state, of, StatusCode::OK).await
}

/// Tries a connection
///
/// Asks the vendor for something cheap that only valid credentials are given, and waits ten seconds at most. Nothing is changed.
#[utoipa::path(
    post, path = "/v1/connections/{id}/test", tag = "connections",
    params(("id" = uuid::Uuid, Path, description = "The connection's id")),
    responses((status = 200, description = "What it came to, well or not", body = ConnectionTested), NoSuch, Refusals),
    security(("bearer" = []))
)]
async fn test_connection(
    State(state): State<ApiState>,
    caller: Caller,
    Path(connection_id): Path<ConnectionId>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let probed = probe::probe(means(&state), (caller.account_id, connection_id)).await?;
    let tested = ConnectionTested {
        ok: probed.outcome == probe::Outcome::Ok,
        outcome: probed.outcome.as_str(),
        detail: probed.detail,
        duration_ms: u64::try_from(probed.took.as_millis()).unwrap_or(u64::MAX),
    };
    Ok(answer::json(StatusCode::OK, &tested))
}
