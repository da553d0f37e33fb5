//! Native routes for connections, and for the room that goes with a call. Credentials go in by the command line only.

use axum::{extract::State, http::StatusCode, response::Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    calls::room::{Attached, attach},
    domain::{
        account::{Caller, Scope},
        call::Room,
        connection::AnsweredBy,
        id::{CallId, ConnectionId},
    },
    store::{self, connections::SealedConnection},
};

use super::{
    answer, auth,
    document::story,
    error::{Code, Error, FieldError, Problem},
    extract::{BODY_BYTES_MAX, Field, Fields, JsonBody, Path, Reader},
    native::{BodyRefusals, NoSuch, Refusals},
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
    /// What the provider fetches when somebody takes a call that was placed by it.
    answer_url: Option<String>,
    /// The provider's application that answers instead.
    answer_application: Option<String>,
    /// When it was added.
    created_at: DateTime<Utc>,
}

/// The account's connections.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::connections()))]
struct ConnectionList {
    /// Newest first.
    data: Vec<ConnectionObject>,
}

/// A media room. [`room`] reads it.
#[derive(ToSchema)]
#[schema(example = json!({"connection_id": "019a2b3c-0000-7000-8000-000000000000", "name": "support-42"}))]
#[expect(
    dead_code,
    reason = "the document's description of a body that is read field by field"
)]
struct RoomBody {
    /// The connection to the room's server.
    connection_id: ConnectionId,
    /// The room's name there.
    #[schema(min_length = 1, max_length = 255)]
    name: String,
}

/// The room that is named. Everything that is wrong is named at once.
fn room(body: &[u8]) -> Result<Room, Error> {
    let fields = Fields::from_json(body)?;
    let mut reader = Reader::new(&fields);
    reader.only(&["connection_id", "name"]);
    let connection_id = reader.required("connection_id", Field::uuid);
    let name = reader.required("name", Field::words::<255>);
    let room = connection_id.zip(name).map(|(connection_id, name)| Room {
        connection_id,
        name: name.into_string(),
    });
    reader.finish(room)
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
        NoSuch,
        Refusals,
        BodyRefusals,
    ),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX))),
)]
async fn put_room(
    State(state): State<ApiState>,
    caller: Caller,
    Path(call_id): Path<CallId>,
    body: Result<JsonBody, Error>,
) -> Result<StatusCode, Error> {
    auth::require(&caller, Scope::ManageCalls)?;
    let JsonBody(body) = body?;
    let room = room(&body)?;
    let of = (caller.account_id, call_id);
    match attach(&state.db, state.rooms, of, room).await? {
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
    let (answer_url, answer_application) = match connection.answered_by() {
        Some(AnsweredBy::Url(url)) => (Some(url.to_string()), None),
        Some(AnsweredBy::Application(application)) => (None, Some(application.into_string())),
        None => (None, None),
    };
    ConnectionObject {
        answer_url,
        answer_application,
        id,
        provider: provider.to_owned(),
        base_url: connection.base_url().to_owned(),
        status_callback_url: posts.then(|| format!("{}/inbound/{provider}/{id}", state.public_url)),
        created_at: connection.created_at(),
    }
}
