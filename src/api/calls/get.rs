//! `GET /calls/{id}`.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};

use super::{
    document::example,
    envelope::{OneCall, Refusals, Refused, Status},
};
use crate::{
    api::{
        answer,
        auth::{self, require},
        error::{Code, Error, FieldError},
        extract::{Field, PathText},
        redact,
        state::ApiState,
    },
    domain::{
        account::{Caller, Handling, Scope},
        call_object::CallObject,
        id::{AccountId, CallId},
    },
    store,
};

/// Read a call
///
/// Every documented field is there with its type. What the analysis found stands in the record as soon as it is done.
#[utoipa::path(
    get, path = "/{id}", tag = "calls",
    params(
        ("id" = uuid::Uuid, Path, description = "The call's id"),
        ("Prefer" = Option<String>, Header, description = "`handling=strict`: 404 and 400 for what is otherwise 200 with status `error`")
    ),
    responses(
        (status = 200, description = "The call. Unless strict: status `error` if there is none.", body = OneCall,
            example = json!(example::found())),
        (status = 404, description = "Strict: there is no such call", body = Refused),
        Refusals
    ),
    security(("bearer" = []))
)]
pub(super) async fn get_call(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
    PathText(id): PathText,
) -> Result<Response, Error> {
    require(&caller, Scope::ReadCalls)?;
    let handling = auth::handling(&headers, &caller).unwrap_or(Handling::Lenient);
    let Ok(call_id) = Field::Text(id.into()).uuid::<CallId>() else {
        let refused = vec![FieldError::invalid("id", "must be a UUID")];
        let error = Error::fields(Code::InvalidInput, refused);
        return Ok(none(error, "Invalid call id", handling));
    };
    let access = redact::access(&state.db, &caller).await?;
    match find(&state, caller.account_id, call_id).await? {
        Some(call) => {
            let call = redact::call(call, access).await;
            let one = OneCall {
                status: Status::Ok,
                message: "Call found",
                data: Some(call),
            };
            Ok(answer::json(StatusCode::OK, &one))
        }
        None => Ok(none(Error::not_found("call"), "Call not found", handling)),
    }
}

async fn find(
    state: &ApiState,
    account_id: AccountId,
    call_id: CallId,
) -> Result<Option<CallObject>, store::Error> {
    store::within(async {
        let mut conn = state.db.acquire().await?;
        let Some(call) = store::calls::find(&mut *conn, account_id, call_id).await? else {
            return Ok(None);
        };
        let beside = store::calls::beside(&mut conn, account_id, call_id).await?;
        Ok(Some(CallObject::new(&call, beside)))
    })
    .await
}

/// "200 OK (with error status)", as the published document has it; strict: the error.
fn none(error: Error, message: &'static str, handling: Handling) -> Response {
    match handling {
        Handling::Strict => error.into_response(),
        Handling::Lenient => {
            let none = OneCall {
                status: Status::Error,
                message,
                data: None,
            };
            answer::json(StatusCode::OK, &none)
        }
    }
}
