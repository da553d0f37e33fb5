//! The media room that goes with a call.

use axum::{extract::State, http::StatusCode};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    api::{
        auth,
        error::{Code, Error, FieldError, Problem},
        extract::{BODY_BYTES_MAX, Field, Fields, JsonBody, Path, Reader},
        native::{BodyRefusals, NoSuch, Refusals},
        state::ApiState,
    },
    calls::room::{Attached, attach},
    domain::{
        account::{Caller, Scope},
        call::Room,
        id::{CallId, ConnectionId},
    },
};

/// The routes of this module.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(put_room))
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

/// Names the media room of a live call
///
/// Ending the call then deletes the room, and the call ends when the room's server tells that the room is over. Naming another room
/// replaces it.
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
