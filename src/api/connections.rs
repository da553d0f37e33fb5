//! Native routes for connections: what an account may add, change, try, rotate and remove. Secrets go in and never come out.
//!
//! [`body`] reads what is sent, [`rotation`] has credentials, [`routing`] the routes of numbers, [`room`] a call's media room.

use axum::{extract::State, http::StatusCode, response::Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    calls::connect::{
        self, Means, NewConnection, Vendor,
        change::{self, Force},
        show,
    },
    domain::{
        account::{Caller, Scope},
        connection_object::ConnectionObject,
        id::{AccountId, ConnectionId},
    },
    store,
};

use super::{
    answer,
    auth::require,
    document::story,
    error::{Error, Problem},
    extract::{BODY_BYTES_MAX, JsonBody, MergePatch, Path, QueryFields},
    idempotency::Once,
    native::{BodyRefusals, NoSuch, OnceRefusals, Refusals},
    state::{ApiState, Parts},
};

mod body;
mod refused;
mod room;
mod rotation;
mod routing;

use body::{ConnectionBody, ConnectionPatch};

pub(super) use refused::{not_accepted, unknown_connection};

/// The routes of this module.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(add_connection, list_connections))
        .routes(routes!(
            get_connection,
            change_connection,
            remove_connection
        ))
        .merge(rotation::routes())
        .merge(routing::routes())
        .merge(room::routes())
}

/// The account's connections.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::connections()))]
struct ConnectionList {
    /// Newest first: all of them.
    data: Vec<ConnectionObject>,
}

/// Adds a connection
///
/// Credentials are sealed and never answered. They are kept as they are: with `test=true` the vendor is asked first, and what it
/// does not accept is not kept. An account may have at most 100 connections, several to one vendor, each with up to 1,000 numbers; a
/// number that another connection had is this one's from now on.
#[utoipa::path(
    post, path = "/v1/connections", tag = "connections",
    params(
        ("test" = Option<bool>, Query, description = "`true`: try the credentials first; `false` if absent"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255,
            description = "Made again with this key within a day, the request adds nothing and is answered as before"),
    ),
    request_body = ConnectionBody,
    responses(
        (status = 201, description = "Added", body = ConnectionObject, example = json!(story::connection())),
        Refusals, BodyRefusals, OnceRefusals
    ),
    security(("bearer" = [])),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX)))
)]
async fn add_connection(
    State(state): State<ApiState>,
    caller: Caller,
    QueryFields(query): QueryFields,
    once: Once,
    body: Result<JsonBody, Error>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let trial = body::trial(&query)?;
    let JsonBody(body) = body?;
    let wanted = body::wanted(&body)?;
    let (with, account_id) = (state.clone(), caller.account_id);
    let add = move |id: Uuid| async move {
        let new = NewConnection {
            account_id,
            vendor: wanted.vendor.name().to_owned(),
            base_url: wanted.base_url,
            credentials: wanted.credentials,
            numbers: wanted.numbers,
            answered_by: None,
        };
        let settings = (wanted.settings, trial);
        connect::add(means(&with), id.into(), new, settings).await?;
        shown(&with, (account_id, id.into()), StatusCode::CREATED).await
    };
    once.perform(&state, &caller, &body, add).await
}

/// Lists the account's connections
#[utoipa::path(
    get, path = "/v1/connections", tag = "connections",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The connections, without credentials", body = ConnectionList),
        Refusals,
    ),
)]
async fn list_connections(
    State(state): State<ApiState>,
    caller: Caller,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let data = show::all(means(&state), &state.public_url, caller.account_id).await?;
    Ok(answer::json(StatusCode::OK, &ConnectionList { data }))
}

/// Reads a connection
#[utoipa::path(
    get, path = "/v1/connections/{id}", tag = "connections",
    params(("id" = Uuid, Path, description = "The connection's id")),
    responses((status = 200, description = "The connection, without credentials", body = ConnectionObject, example = json!(story::connection())), NoSuch, Refusals),
    security(("bearer" = []))
)]
async fn get_connection(
    State(state): State<ApiState>,
    caller: Caller,
    Path(connection_id): Path<ConnectionId>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    shown(&state, (caller.account_id, connection_id), StatusCode::OK).await
}

/// Changes a connection
///
/// A JSON merge patch (RFC 7396): what is absent stays, null takes away. `numbers` is the whole list. `answer_url` and
/// `answer_application` replace each other. Credentials are sealed to the base URL, so that it is changed together with them; to
/// change them alone, PUT them.
#[utoipa::path(
    patch, path = "/v1/connections/{id}", tag = "connections",
    params(
        ("id" = Uuid, Path, description = "The connection's id"),
        ("test" = Option<bool>, Query, description = "`true`: try new credentials first; `false` if absent"),
    ),
    request_body(content(
        (ConnectionPatch = "application/json"),
        (ConnectionPatch = "application/merge-patch+json"),
    )),
    responses((status = 200, description = "Changed", body = ConnectionObject, example = json!(story::connection())), NoSuch, Refusals, BodyRefusals),
    security(("bearer" = [])),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX)))
)]
async fn change_connection(
    State(state): State<ApiState>,
    caller: Caller,
    Path(connection_id): Path<ConnectionId>,
    QueryFields(query): QueryFields,
    body: Result<MergePatch, Error>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let of = (caller.account_id, connection_id);
    let trial = body::trial(&query)?;
    let MergePatch(body) = body?;
    let vendor = vendor_of(&state, of).await?;
    let wanted = body::change(&body, vendor, trial)?;
    change::change(means(&state), of, wanted).await?;
    shown(&state, of, StatusCode::OK).await
}

/// Removes a connection
///
/// Its credentials and the routes of its numbers go; calls keep their history. While calls are live that only it can hang up, or are
/// being ended by it, it stays (409); with `force=true` it goes all the same: such calls are then ended here alone, and their
/// `terminations` say that the connection is gone.
#[utoipa::path(
    delete, path = "/v1/connections/{id}", tag = "connections",
    params(
        ("id" = Uuid, Path, description = "The connection's id"),
        ("force" = Option<bool>, Query, description = "`true`: also if it is needed; `false` if absent"),
    ),
    responses(
        (status = 204, description = "Removed"),
        (status = 409, description = "It is needed", body = Problem, content_type = "application/problem+json"),
        NoSuch, Refusals
    ),
    security(("bearer" = []))
)]
async fn remove_connection(
    State(state): State<ApiState>,
    caller: Caller,
    Path(connection_id): Path<ConnectionId>,
    QueryFields(query): QueryFields,
) -> Result<StatusCode, Error> {
    require(&caller, Scope::ManageAccount)?;
    let force = if body::flag(&query, "force")? {
        Force::Yes
    } else {
        Force::No
    };
    change::remove(means(&state), (caller.account_id, connection_id), force).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn means(state: &Parts) -> Means<'_> {
    Means {
        db: &state.db,
        sealing_key: &state.sealing_key,
        egress: &state.egress,
    }
}

/// The vendor of a connection of the account.
async fn vendor_of(
    state: &ApiState,
    (account_id, connection_id): (AccountId, ConnectionId),
) -> Result<Vendor, Error> {
    let found = store::connections::find(&state.db, account_id, connection_id);
    let found = store::ask(found).await?;
    found
        .and_then(|found| Vendor::named(found.provider()))
        .ok_or_else(|| Error::not_found("connection"))
}

/// A connection of the account, as it is now.
async fn shown(
    state: &ApiState,
    of: (AccountId, ConnectionId),
    status: StatusCode,
) -> Result<Response, Error> {
    let found = show::one(means(state), &state.public_url, of).await?;
    let found = found.ok_or_else(|| Error::not_found("connection"))?;
    Ok(answer::json(status, &found))
}
