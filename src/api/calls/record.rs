//! `POST /calls`.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};

use uuid::Uuid;

use super::{
    NOTES_BYTES_MAX,
    document::{RecordCall, example},
    envelope::{BodyRefusals, OneCall, Refusals, Refused, Status},
    parse,
};
use crate::{
    api::{
        answer,
        auth::{self, require},
        error::{Code, Error, FieldError},
        extract::{Fields, JsonBody},
        idempotency::Once,
        redact,
        state::ApiState,
    },
    calls::record::{RecordError, Recorded, record},
    domain::{
        account::{Caller, Handling, Scope},
        call_object::CallObject,
    },
};

/// Record a call
///
/// Makes a call known that another system placed. Its `call_sid` is its name: the same request again answers the same call
/// and changes nothing; another request under that name is refused. If telephony has reported a call by that name, that call
/// is filled in. Without a `call_sid` it goes by our own id, and every request makes another call.
#[utoipa::path(
    post, path = "", tag = "calls",
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255,
        description = "Made again with this key within a day, the request is answered as before"),
        ("Prefer" = Option<String>, Header,
        description = "`handling=strict`: `campaign_id`, `ai_agent_id`, `call_sid`, `call_direction` and `workspace` are required, too")),
    request_body = RecordCall,
    responses(
        (status = 200, description = "It was recorded before, by the same request", body = OneCall,
            example = json!(example::recorded_again())),
        (status = 201, description = "Recorded", body = OneCall,
            example = json!(example::recorded())),
        (status = 410, description = "The call by that call_sid was erased", body = Refused),
        (status = 409, description = "Another call has that call_sid, or the same request is being worked on", body = Refused),
        (status = 422, description = "The Idempotency-Key was used for another request", body = Refused),
        Refusals, BodyRefusals
    ),
    security(("bearer" = [])),
    extensions(("x-body-bytes-max" = json!(NOTES_BYTES_MAX)))
)]
pub(super) async fn record_call(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
    once: Once,
    JsonBody(body): JsonBody<NOTES_BYTES_MAX>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageCalls)?;
    let handling = auth::handling(&headers, &caller).unwrap_or(Handling::Lenient);
    let mut new = parse::record(&Fields::from_json(&body)?, caller.account_id, handling)?;
    let access = redact::access(&state.db, &caller).await?;
    let with = state.clone();
    // Made again by a process that died in between, it finds its name: 200 instead of 201.
    let work = move |id: Uuid| async move {
        new.call_id = id.into();
        let (status, message, call, beside) = match record(&with.db, &with.wake, &new).await? {
            Recorded::New(call, beside) => (StatusCode::CREATED, "Call recorded", call, beside),
            Recorded::Again(call, beside) => {
                (StatusCode::OK, "Call already recorded", call, beside)
            }
        };
        let one = OneCall {
            status: Status::Ok,
            message,
            data: Some(redact::call(CallObject::new(&call, beside), access).await),
        };
        Ok(answer::json(status, &one))
    };
    once.perform(&state, &caller, &body, work).await
}

impl From<RecordError> for Error {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::NameTaken => {
                let taken = FieldError {
                    field: "call_sid".to_owned(),
                    code: Code::AlreadyExists.as_str(),
                    message: "is taken by another call".to_owned(),
                };
                Self::fields(Code::AlreadyExists, vec![taken])
            }
            RecordError::Erased => Self::new(Code::Gone, "the call by that call_sid was erased"),
            RecordError::InFuture { field } => {
                let refused = FieldError::invalid(field, "must not be in the future");
                Self::fields(Code::InvalidInput, vec![refused])
            }
            RecordError::InPast => {
                let refused = FieldError::invalid("end_at", "must be in the future");
                Self::fields(Code::InvalidInput, vec![refused])
            }
            RecordError::TooLarge(error) => error.into(),
            RecordError::Store(error) => error.into(),
        }
    }
}
