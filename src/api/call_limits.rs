//! Native routes for how long a call may last, and for the legs that belong to it.

use axum::{extract::State, http::StatusCode, response::Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer,
    auth::require,
    calls::parse,
    document::story,
    error::{Code, Error, FieldError, Problem},
    extract::{BODY_BYTES_MAX, Field, Fields, JsonBody, Path, Reader, Wrong},
    native::{BodyRefusals, NoSuch, Refusals},
    state::ApiState,
};
use crate::{
    calls::limits::{self, Limited, LimitsError, LimitsUpdate},
    domain::{
        account::{Caller, Scope},
        id::CallId,
        limits::{Limit, MaxDuration},
        voice_call::update::Edit,
    },
};

/// The routes of this module.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(get_limits, put_limits))
}

/// What is to be changed of a call's limits: an absent field stays, `null` clears. At least one is given. [`update`] reads it.
#[derive(ToSchema)]
#[schema(example = json!({"max_duration": 3600, "end_at": null}))]
#[expect(
    dead_code,
    reason = "the document's description of a body that is read field by field"
)]
struct LimitsBody {
    /// For how many seconds from its answer the call may last.
    #[schema(minimum = 1, maximum = 604_800, nullable)]
    max_duration: Option<i32>,
    /// When the call is ended if it is live: in the future.
    #[schema(nullable)]
    end_at: Option<DateTime<Utc>>,
}

/// What bounds a call.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::limits()))]
struct LimitsObject {
    /// The call.
    call_id: CallId,
    /// For how many seconds from its answer it may last by what was set for it.
    max_duration: Option<i32>,
    /// When it is ended if it is live.
    end_at: Option<DateTime<Utc>>,
    /// For how many seconds calls of its connection may last.
    connection_max_duration: Option<i32>,
    /// For how many seconds calls of the account may last.
    account_max_duration: Option<i32>,
    /// When it will be ended, as far as that is known now; null for a call that nothing bounds, or not before its answer.
    ends_at: Option<DateTime<Utc>>,
    /// For which reason: `max_duration` or `end_at`.
    ends_by: Option<&'static str>,
}

/// What is to be changed. Everything that is wrong is named at once.
fn update(body: &[u8]) -> Result<LimitsUpdate, Error> {
    let fields = Fields::from_json(body)?;
    let mut reader = Reader::new(&fields);
    reader.only(&["max_duration", "end_at"]);
    if fields.names().next().is_none() {
        reader.refuse(FieldError::missing("max_duration"));
        reader.refuse(FieldError::missing("end_at"));
    }
    let update = LimitsUpdate {
        max_duration: edit(&mut reader, "max_duration", parse::max_duration),
        end_at: edit(&mut reader, "end_at", parse::time),
    };
    reader.finish(Some(update))
}

fn edit<T>(
    reader: &mut Reader<'_, '_>,
    name: &str,
    read: impl FnOnce(&Field<'_>) -> Result<T, Wrong>,
) -> Edit<T> {
    match reader.get(name) {
        None => Edit::Keep,
        Some(Field::Null) => Edit::Clear,
        Some(_) => reader
            .optional(name, |field| read(field))
            .map_or(Edit::Keep, Edit::Set),
    }
}

/// Read how long a call may last
#[utoipa::path(
    get, path = "/v1/calls/{id}/limits", tag = "calls",
    params(("id" = uuid::Uuid, Path, description = "The call's id")),
    responses((status = 200, description = "What bounds it", body = LimitsObject), NoSuch, Refusals),
    security(("bearer" = []))
)]
async fn get_limits(
    State(state): State<ApiState>,
    caller: Caller,
    Path(call_id): Path<CallId>,
) -> Result<Response, Error> {
    require(&caller, Scope::ReadCalls)?;
    let limited = limits::show(&state.tools(), (caller.account_id, call_id)).await?;
    Ok(shown(call_id, &limited))
}

/// Set how long a live call may last
///
/// The call is ended when the least of what is set for it, for its connection and for the account has passed since its answer, or at
/// `end_at`, whichever comes first: as by `POST /calls/end`, with the `disconnect_reason` `max_duration` or `end_at`, within a
/// second or two.
#[utoipa::path(
    put, path = "/v1/calls/{id}/limits", tag = "calls",
    params(("id" = uuid::Uuid, Path, description = "The call's id")),
    request_body = LimitsBody,
    responses(
        (status = 200, description = "What bounds it now", body = LimitsObject),
        (status = 409, description = "The call has ended", body = Problem, content_type = "application/problem+json"),
        NoSuch, Refusals, BodyRefusals
    ),
    security(("bearer" = [])),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX)))
)]
async fn put_limits(
    State(state): State<ApiState>,
    caller: Caller,
    Path(call_id): Path<CallId>,
    body: Result<JsonBody, Error>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageCalls)?;
    let JsonBody(body) = body?;
    let update = update(&body)?;
    let limited = limits::set(&state.tools(), (caller.account_id, call_id), update).await?;
    Ok(shown(call_id, &limited))
}

fn shown(call_id: CallId, limited: &Limited) -> Response {
    let bounds = limited.bounds;
    let object = LimitsObject {
        call_id,
        max_duration: bounds.call.max_duration.map(MaxDuration::seconds),
        end_at: bounds.call.end_at,
        connection_max_duration: bounds.connection.map(MaxDuration::seconds),
        account_max_duration: bounds.account.map(MaxDuration::seconds),
        ends_at: limited.due.map(|due| due.at),
        ends_by: limited.due.map(|due| Limit::reason(due.limit)),
    };
    answer::json(StatusCode::OK, &object)
}

impl From<LimitsError> for Error {
    fn from(error: LimitsError) -> Self {
        match error {
            LimitsError::NotFound => Self::not_found("call"),
            LimitsError::CallEnded => Self::new(Code::InvalidTransition, "the call has ended"),
            LimitsError::InPast => {
                let refused = FieldError::invalid("end_at", "must be in the future");
                Self::fields(Code::Unprocessable, vec![refused])
            }
            LimitsError::Store(error) => error.into(),
        }
    }
}
