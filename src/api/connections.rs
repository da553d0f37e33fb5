//! Native routes for connections, and for the room that goes with a call. Credentials go in by the command line only.

use axum::{extract::State, http::StatusCode, response::Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    calls::room::{self, Attached},
    domain::{
        account::{Caller, Scope},
        call::Room,
        id::{CallId, ConnectionId},
        text::Text,
    },
    store::{self, connections::SealedConnection},
};

use super::{
    answer, auth,
    error::{Code, Error, FieldError, Problem},
    extract::{Json, Path},
    native::{BodyRefusals, Refusals},
    state::ApiState,
};

/// The connections that one answer holds; an account has a handful.
const LIST_MAX: i64 = 1000;

/// The routes of this module.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(put_room))
}

/// A connection, without its credentials.
#[derive(Debug, Serialize, ToSchema)]
struct ConnectionObject {
    /// Its id.
    id: ConnectionId,
    /// The vendor.
    provider: String,
    /// Where the vendor's API is.
    base_url: String,
    /// What to give the provider as its status callback; null for a vendor that posts nothing.
    status_callback_url: Option<String>,
    /// When it was added.
    created_at: DateTime<Utc>,
}

/// The account's connections.
#[derive(Debug, Serialize, ToSchema)]
struct ConnectionList {
    /// Newest first.
    data: Vec<ConnectionObject>,
}

/// A media room.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RoomBody {
    /// The connection to the room's server.
    connection_id: ConnectionId,
    /// The room's name there.
    #[schema(value_type = String, min_length = 1, max_length = 255)]
    name: Text<255>,
}

/// Lists the account's connections
#[utoipa::path(
    get,
    path = "/v1/connections",
    tag = "connections",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The connections, without credentials", body = ConnectionList),
        Refusals,
    ),
)]
async fn list(State(state): State<ApiState>, caller: Caller) -> Result<Response, Error> {
    auth::require(&caller, Scope::ManageAccount)?;
    let listed = store::connections::list(&state.db, caller.account_id, LIST_MAX);
    let listed = store::ask(listed).await?;
    let data = listed
        .iter()
        .map(|connection| object(&state, connection))
        .collect();
    Ok(answer::json(StatusCode::OK, &ConnectionList { data }))
}

/// Names the media room of a live call
///
/// Ending the call then deletes the room. Naming another room replaces it.
#[utoipa::path(
    put,
    path = "/v1/calls/{id}/room",
    tag = "connections",
    params(("id" = CallId, Path, description = "The call's id")),
    request_body = RoomBody,
    security(("bearer" = [])),
    responses(
        (status = 204, description = "It is the call's room"),
        (status = 409, description = "The call has ended", body = Problem, content_type = "application/problem+json"),
        Refusals,
        BodyRefusals,
    ),
)]
async fn put_room(
    State(state): State<ApiState>,
    caller: Caller,
    Path(call_id): Path<CallId>,
    body: Result<Json<RoomBody>, Error>,
) -> Result<StatusCode, Error> {
    auth::require(&caller, Scope::ManageCalls)?;
    let Json(body) = body?;
    let name = body.name.into_string();
    if name.is_empty() {
        let empty = FieldError::invalid("name", "must not be empty");
        return Err(Error::fields(Code::InvalidInput, vec![empty]));
    }
    let connection_id = body.connection_id;
    let room = Room {
        connection_id,
        name,
    };
    let of = (caller.account_id, call_id);
    match room::attach(&state.db, state.rooms, of, room).await? {
        Attached::Attached => Ok(StatusCode::NO_CONTENT),
        Attached::NoCall => Err(Error::not_found("call")),
        Attached::CallEnded => Err(Error::new(Code::InvalidTransition, "the call has ended")),
        Attached::NotARoomServer => {
            let not = FieldError::invalid("connection_id", "is not a connection to a room server");
            Err(Error::fields(Code::Unprocessable, vec![not]))
        }
    }
}

fn object(state: &ApiState, connection: &SealedConnection) -> ConnectionObject {
    let (id, provider) = (connection.connection_id(), connection.provider());
    let posts = state.providers.named(provider).is_some();
    ConnectionObject {
        id,
        provider: provider.to_owned(),
        base_url: connection.base_url().to_owned(),
        status_callback_url: posts.then(|| format!("{}/inbound/{provider}/{id}", state.public_url)),
        created_at: connection.created_at(),
    }
}
