//! `POST /calls/end`.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};

use super::{
    document::EndCall,
    envelope::{BodyRefusals, EndedCall, Refusals, Refused, Status},
};
use crate::{
    api::{
        answer,
        auth::{self, require},
        error::{Code, Error},
        extract::{Field, Fields, JsonBody, Reader, Wrong},
        state::ApiState,
    },
    calls::end::{EndAnswer, end},
    domain::{
        account::{Caller, Handling, Scope},
        id::CallId,
        text::Text,
    },
};

/// The largest request: the reason at its bound, every character escaped.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// Documented to the letter.
const ENDED: &str = "Call ended successfully";

/// What became of the request, whatever the status: for clients that live with errors as 200.
pub(super) const OUTCOME: HeaderName = HeaderName::from_static("onhook-outcome");

/// What a request says.
enum Asked {
    End(CallId, Option<Text<512>>),
    /// The one error that the published document lists: 200 unless strict.
    InvalidCallId(Error),
}

/// End a call
///
/// The record is closed and everything that follows is queued in one transaction; then the provider is asked to hang up and
/// the room is deleted, within two seconds or else in the background. Analysis and webhooks follow. Ending a call twice
/// does nothing the second time.
#[utoipa::path(
    post, path = "/end", tag = "calls",
    params(("Prefer" = Option<String>, Header, description = "`handling=strict`: real status codes for what is otherwise 200 with an empty body")),
    request_body = EndCall,
    responses(
        (status = 200, description = "Ended, now or before. Unless strict: an empty body if the call_id is invalid or no call has it.",
            body = EndedCall,
            headers(("Onhook-Outcome" = String, description = "`ended already_ended ending_at_provider invalid_call_id call_not_found`")),
            extensions(("x-may-be-empty" = json!(true)))),
        (status = 404, description = "Strict: there is no such call", body = Refused),
        Refusals, BodyRefusals
    ),
    security(("bearer" = [])),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX)))
)]
pub(super) async fn end_call(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody<BODY_BYTES_MAX>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageCalls)?;
    let handling = auth::handling(&headers, &caller).unwrap_or(Handling::Lenient);
    let (call_id, reason) = match parse(&Fields::from_json(&body)?)? {
        Asked::End(call_id, reason) => (call_id, reason),
        Asked::InvalidCallId(error) => {
            return Ok(refused(error, "invalid_call_id", handling));
        }
    };
    let target = (caller.account_id, call_id);
    let (message, outcome) = match end(&state.tools(), &state.supervisor, target, reason).await? {
        EndAnswer::Ended => (ENDED, "ended"),
        EndAnswer::EndingAtProvider => (ENDED, "ending_at_provider"),
        EndAnswer::AlreadyEnded => ("Call already ended", "already_ended"),
        EndAnswer::NotFound => {
            let error = Error::not_found("call");
            return Ok(refused(error, "call_not_found", handling));
        }
    };
    let ended = EndedCall {
        status: Status::Ok,
        message,
        data: call_id.to_string(),
    };
    Ok(with_outcome(answer::json(StatusCode::OK, &ended), outcome))
}

fn parse(fields: &Fields<'_>) -> Result<Asked, Error> {
    let mut reader = Reader::new(fields);
    let call_id = reader.required("call_id", Field::uuid);
    let reason = reader.optional("disconnect_reason", reason).flatten();
    let errors = reader.errors();
    match (call_id, errors.len()) {
        (Some(call_id), 0) => Ok(Asked::End(call_id, reason)),
        (None, 1) => Ok(Asked::InvalidCallId(Error::fields(
            Code::InvalidInput,
            errors,
        ))),
        (_, _) => Err(Error::fields(Code::InvalidInput, errors)),
    }
}

/// The reason, trimmed; one of blanks is none.
fn reason(field: &Field<'_>) -> Result<Option<Text<512>>, Wrong> {
    let text = field.text()?.trim();
    let reason = Field::Text(text.into()).text_max()?;
    Ok(Some(reason).filter(|_| !text.is_empty()))
}

/// An error that the published document answers with 200 and nothing else.
fn refused(error: Error, outcome: &'static str, handling: Handling) -> Response {
    let response = match handling {
        Handling::Strict => error.into_response(),
        Handling::Lenient => StatusCode::OK.into_response(),
    };
    with_outcome(response, outcome)
}

fn with_outcome(mut response: Response, outcome: &'static str) -> Response {
    response
        .headers_mut()
        .insert(OUTCOME, HeaderValue::from_static(outcome));
    response
}
