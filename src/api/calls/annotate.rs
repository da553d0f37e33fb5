//! `PATCH /calls/{id}` and `DELETE /calls/{id}`: what back ends keep of a call. Ours, beside the published operations.

use axum::{extract::State, http::StatusCode, response::Response};

use super::{
    NOTES_BYTES_MAX,
    document::{PatchCall, example},
    envelope::{BodyRefusals, OneCall, Refusals, Refused, Status},
    parse,
};
use crate::{
    api::{
        answer,
        auth::require,
        error::{Code, Error, FieldError},
        extract::{Field, Fields, JsonBody, PathText},
        redact,
        state::ApiState,
    },
    calls::annotate::{AnnotateError, annotate, delete},
    domain::{
        account::{Caller, Scope, TranscriptAccess},
        call::Call,
        call_object::{Beside, CallObject},
        id::CallId,
    },
};

/// Change what is kept of a call
///
/// A JSON merge patch (RFC 7396): absent fields stay, `null` empties a field, and what is in `metadata`,
/// `agent_dynamic_variables` and `agent_post_call_outcomes` is merged. What telephony tells is not changed here, except
/// `record_url`, which no report changes any more. Ours: the published document has no such operation.
#[utoipa::path(
    patch, path = "/{id}", tag = "calls",
    params(("id" = uuid::Uuid, Path, description = "The call's id")),
    request_body = PatchCall,
    responses(
        (status = 200, description = "The call as it is now", body = OneCall,
            example = json!(example::updated())),
        (status = 404, description = "There is no such call", body = Refused),
        Refusals, BodyRefusals
    ),
    security(("bearer" = [])),
    extensions(("x-body-bytes-max" = json!(NOTES_BYTES_MAX)))
)]
pub(super) async fn patch_call(
    State(state): State<ApiState>,
    caller: Caller,
    PathText(id): PathText,
    JsonBody(body): JsonBody<NOTES_BYTES_MAX>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageCalls)?;
    let call_id = call_id(id)?;
    let update = parse::patch(&Fields::from_json(&body)?)?;
    let of = (caller.account_id, call_id);
    let access = redact::access(&state.db, &caller).await?;
    let changed = Box::pin(annotate(&state.db, &state.wake, of, update)).await?;
    Ok(one("Call updated", changed, access).await)
}

/// Delete a call
///
/// The call is in no list and no look-up any more; what is reported of it later is kept and changes nothing. A live call is
/// ended first. Answers the call with its `deleted_at`. Ours: the published document has no such operation.
#[utoipa::path(
    delete, path = "/{id}", tag = "calls",
    params(("id" = uuid::Uuid, Path, description = "The call's id")),
    responses(
        (status = 200, description = "The call as it was deleted", body = OneCall,
            example = json!(example::deleted())),
        (status = 404, description = "There is no such call", body = Refused),
        (status = 409, description = "The call has not ended", body = Refused),
        Refusals
    ),
    security(("bearer" = []))
)]
pub(super) async fn delete_call(
    State(state): State<ApiState>,
    caller: Caller,
    PathText(id): PathText,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageCalls)?;
    let of = (caller.account_id, call_id(id)?);
    let access = redact::access(&state.db, &caller).await?;
    let deleted = delete(&state.db, &state.wake, of).await?;
    Ok(one("Call deleted", deleted, access).await)
}

async fn one(
    message: &'static str,
    (call, beside): (Call, Beside),
    access: TranscriptAccess,
) -> Response {
    let one = OneCall {
        status: Status::Ok,
        message,
        data: Some(redact::call(CallObject::new(&call, beside), access).await),
    };
    answer::json(StatusCode::OK, &one)
}

fn call_id(id: String) -> Result<CallId, Error> {
    Field::Text(id.into()).uuid().map_err(|_wrong| {
        let refused = FieldError::invalid("id", "must be a UUID");
        Error::fields(Code::InvalidInput, vec![refused])
    })
}

impl From<AnnotateError> for Error {
    fn from(error: AnnotateError) -> Self {
        match error {
            AnnotateError::NotFound => Self::not_found("call"),
            AnnotateError::Live => Self::new(
                Code::InvalidTransition,
                "the call has not ended; end it first",
            ),
            AnnotateError::TooLarge(error) => error.into(),
            AnnotateError::Store(error) => error.into(),
        }
    }
}
