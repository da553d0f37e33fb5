//! The voice-calls surface: staff systems keep their side of a call here.
//!
//! [`parse`] is pure: bytes to a change. [`envelope`] is how everything is answered.

use axum::{
    http::{StatusCode, header},
    response::Response,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer,
    error::{Code, Error, FieldError},
    extract::Field,
    state::ApiState,
};
use crate::{
    calls::{create::CreateError, update::UpdateError},
    domain::{
        account::Caller,
        call::Call,
        call_object::Beside,
        id::{AccountId, CallId},
        report::ProviderName,
        voice_call::{TranscriptStatus, VoiceCall, update::InvalidTransition},
    },
    store,
};

pub mod create;
pub mod document;
pub mod envelope;
pub mod etag;
pub mod get;
pub mod list;
pub mod parse;
pub mod put;
pub mod query;
pub mod recordings;
pub mod stats;
pub mod transcript;

use envelope::Success;

/// The largest request: the summary at its bound, every character escaped.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// The provider that the published document knows.
const VONAGE: &str = "vonage";

/// The routes, for `/v3/communication`.
pub fn routes() -> OpenApiRouter<ApiState> {
    let voice_calls = OpenApiRouter::new()
        .routes(routes!(list::list_voice_calls, create::create_voice_call))
        .routes(routes!(
            get::get_voice_call,
            put::update_voice_call,
            put::patch_voice_call
        ))
        .routes(routes!(transcript::get_transcript))
        .merge(stats::routes());
    OpenApiRouter::new()
        .nest("/voice_calls", voice_calls)
        .nest("/voice_call_recordings", recordings::routes())
        .merge(stats::routes())
}

/// The call and what is shown beside it, if the caller may see it.
async fn find(state: &ApiState, caller: &Caller, call_id: CallId) -> Result<(Call, Beside), Error> {
    let found = store::within(async {
        let mut conn = state.db.acquire().await?;
        let call = store::calls::find(&mut *conn, caller.account_id, call_id).await?;
        let Some(call) = call.filter(|call| is_own(caller, call)) else {
            return Ok::<_, store::Error>(None);
        };
        let beside = store::calls::beside(&mut conn, caller.account_id, call_id).await?;
        Ok(Some((call, beside)))
    })
    .await?;
    found.ok_or_else(|| Error::not_found("voice call"))
}

/// A client sees the calls that are its own.
fn is_own(caller: &Caller, call: &Call) -> bool {
    caller.client_uid.is_none() || caller.client_uid == call.staff.client_uid
}

/// The id in the path; what is no id is nobody's.
fn call_id(uid: String) -> Result<CallId, Error> {
    Field::Text(uid.into())
        .uuid()
        .map_err(|_wrong| Error::not_found("voice call"))
}

/// The providers that a call of the account may name.
async fn providers(
    state: &ApiState,
    account_id: AccountId,
) -> Result<Vec<ProviderName>, store::Error> {
    let connected = store::within(async {
        Ok::<_, store::Error>(store::connections::provider_names(&state.db, account_id).await?)
    })
    .await?;
    let mut names = vec![VONAGE.to_owned()];
    names.extend(connected.into_iter().filter(|name| name != VONAGE));
    Ok(names
        .iter()
        .filter_map(|name| ProviderName::parse(name).ok())
        .collect())
}

/// Where the transcript of a call stands that has none: being made, given up, or neither.
async fn unwritten(
    state: &ApiState,
    account_id: AccountId,
    call_id: CallId,
) -> Result<Option<TranscriptStatus>, store::Error> {
    let calls = [call_id];
    let writing = store::recordings::writing(&state.db, account_id, &calls);
    Ok(store::ask(writing).await?.remove(&call_id))
}

/// One call, with the version of it as its tag.
async fn one(
    state: &ApiState,
    status: StatusCode,
    caller: &Caller,
    (call, beside): &(Call, Beside),
) -> Result<Response, Error> {
    let transcript = match beside.transcript {
        Some(_) => Some(TranscriptStatus::Done),
        None => unwritten(state, call.account_id, call.call_id).await?,
    };
    let shown = VoiceCall::new(call, &caller.business_uid, transcript);
    let mut response = answer::json(status, &Success::new(shown));
    if let Some(tag) = etag::tag(call.version) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// The `source_id` is another call's.
pub(super) fn source_id_taken() -> Error {
    let error = FieldError {
        field: "source_id".to_owned(),
        code: "already_exists",
        message: "is taken by another call of the provider".to_owned(),
    };
    Error::fields(Code::AlreadyExists, vec![error])
}

/// The call by that `source_id` was erased.
pub(super) fn erased() -> Error {
    Error::new(Code::Gone, "the call by that source_id was erased")
}

impl From<InvalidTransition> for Error {
    fn from(error: InvalidTransition) -> Self {
        let error = FieldError {
            field: "status".to_owned(),
            code: Code::InvalidTransition.as_str(),
            message: format!("cannot be taken: {error}"),
        };
        Self::fields(Code::InvalidTransition, vec![error])
    }
}

impl From<UpdateError> for Error {
    fn from(error: UpdateError) -> Self {
        match error {
            UpdateError::NotFound => Self::not_found("voice call"),
            UpdateError::Changed => Self::new(
                Code::PreconditionFailed,
                "the voice call has changed since the version in If-Match",
            ),
            UpdateError::InvalidTransition(error) => error.into(),
            UpdateError::NoRecording(_) => recordings::no_recording(),
            UpdateError::SourceIdTaken => source_id_taken(),
            UpdateError::Store(error) => error.into(),
        }
    }
}

impl From<CreateError> for Error {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::SourceIdTaken => source_id_taken(),
            CreateError::Erased => erased(),
            CreateError::InvalidTransition(error) => error.into(),
            CreateError::Store(error) => error.into(),
        }
    }
}
