//! `POST /calls/make-call`.

use axum::{
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse as _, Response},
};

use uuid::Uuid;

use super::{
    document::{MakeCall, example},
    end::OUTCOME,
    envelope::{BodyRefusals, OneCall, Refusals, Refused, Status},
    parse,
};
use crate::{
    api::{
        answer,
        auth::require,
        error::{Code, Error, FieldError},
        extract::{Fields, JsonBody},
        idempotency::Once,
        state::ApiState,
    },
    calls::place::{Order, PlaceError, Placed, place},
    domain::{
        account::{Caller, Scope},
        call_object::CallObject,
        id::CallId,
    },
};

/// The largest request: a hundred variables at their bounds, every character escaped.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The record of a call that the provider did not place.
const CALL_ID: HeaderName = HeaderName::from_static("onhook-call-id");

/// Make a call
///
/// Places a call from one of the account's numbers, through the provider connection that the number is routed to; what answers
/// it is set on the connection. The record is there before the provider is asked. The provider is asked once: if its answer is
/// lost, the call is `queued` with `placement` `asking` until the provider's own events or its list of calls tell.
#[utoipa::path(
    post, path = "/make-call", tag = "calls",
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255,
        description = "Made again with this key within a day, the request is answered as before, and no second call is placed")),
    request_body = MakeCall,
    responses(
        (status = 200, description = "Placed, or being placed", body = OneCall,
            headers(("Onhook-Outcome" = String, description = "`placed`, or `placing` while the provider has not confirmed it")),
            example = json!(example::placed())),
        (status = 409, description = "The same request is being worked on", body = Refused),
        (status = 422, description = "The Idempotency-Key was used for another request", body = Refused),
        Refusals, BodyRefusals
    ),
    security(("bearer" = [])),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX)))
)]
pub(super) async fn make_call(
    State(state): State<ApiState>,
    caller: Caller,
    once: Once,
    JsonBody(body): JsonBody<BODY_BYTES_MAX>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageCalls)?;
    let asked = parse::make::make_call(&Fields::from_json(&body)?)?;
    let (with, account_id) = (state.clone(), caller.account_id);
    let work = move |id: Uuid| async move {
        let order = Order {
            account_id,
            call_id: id.into(),
            ai_agent_id: asked.ai_agent_id,
            from: asked.from,
            to: asked.to,
            variables: asked.variables,
            workspace: asked.workspace,
            limits: asked.limits,
            public_url: with.public_url.to_string(),
            live_max: with.live_calls_max,
        };
        match Box::pin(place(&with.tools(), &with.supervisor, order)).await {
            Ok(placed) => Ok(made(placed)),
            Err(PlaceError::Refused { call_id, why }) => Ok(refused(call_id, why)),
            Err(error) => Err(error.into()),
        }
    };
    once.perform(&state, &caller, &body, work).await
}

fn made(placed: Placed) -> Response {
    let (message, outcome, call, beside) = match placed {
        Placed::Placed(call, beside) => ("Call initiated", "placed", call, beside),
        Placed::Placing(call, beside) => ("Call is being initiated", "placing", call, beside),
    };
    let one = OneCall {
        status: Status::Ok,
        message,
        data: Some(CallObject::new(&call, beside)),
    };
    let mut response = answer::json(StatusCode::OK, &one);
    let headers = response.headers_mut();
    headers.insert(OUTCOME, HeaderValue::from_static(outcome));
    response
}

/// The provider will not: a service error, which the published document answers with 400.
fn refused(call_id: CallId, why: String) -> Response {
    let error = Error::new(
        Code::InvalidInput,
        format!("the call was not placed: {why}"),
    );
    let mut response = error.into_response();
    let headers = response.headers_mut();
    headers.insert(OUTCOME, HeaderValue::from_static("refused"));
    if let Ok(id) = HeaderValue::try_from(call_id.to_string()) {
        headers.insert(CALL_ID, id);
    }
    response
}

impl From<PlaceError> for Error {
    fn from(error: PlaceError) -> Self {
        match error {
            PlaceError::NotOurs => {
                let wrong = "is not a number of one of the account's connections";
                let refused = FieldError::invalid("call_from", wrong);
                Self::fields(Code::InvalidInput, vec![refused])
            }
            PlaceError::InPast => {
                let refused = FieldError::invalid("end_at", "must be in the future");
                Self::fields(Code::InvalidInput, vec![refused])
            }
            PlaceError::Store(error) => error.into(),
            PlaceError::NotPlacing
            | PlaceError::NoAnswer
            | PlaceError::Sealed(_)
            | PlaceError::TooMany { .. }
            | PlaceError::Refused { .. } => {
                Self::new(Code::InvalidInput, error.to_string()).caused_by(error)
            }
        }
    }
}
