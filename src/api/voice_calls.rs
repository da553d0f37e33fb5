//! The voice-calls surface: staff systems keep their side of a call here.
//!
//! [`parse`] is pure: bytes to a change. [`envelope`] is how everything is answered.

use axum::{
    http::{HeaderValue, StatusCode, header},
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
        voice_call::{Transcribed, VoiceCall, update::InvalidTransition},
    },
    store,
};

pub mod create;
pub mod document;
pub mod envelope;
pub mod get;
pub mod if_match;
pub mod list;
pub mod parse;
pub mod put;

use envelope::Success;

/// The largest request: the summary at its bound, every character escaped.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// The provider that the published document knows.
const VONAGE: &str = "vonage";

/// The routes, for `/v3/communication/voice_calls`.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list::list_voice_calls, create::create_voice_call))
        .routes(routes!(get::get_voice_call, put::update_voice_call))
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

fn shown(caller: &Caller, call: &Call, beside: &Beside) -> VoiceCall {
    let transcribed = match beside.transcript {
        Some(_) => Transcribed::Yes,
        None => Transcribed::No,
    };
    VoiceCall::new(call, &caller.business_uid, transcribed)
}

/// One call, with the version of it as its tag.
fn one(status: StatusCode, caller: &Caller, (call, beside): &(Call, Beside)) -> Response {
    let mut response = answer::json(status, &Success::new(shown(caller, call, beside)));
    let tag = format!("\"{}\"", call.version);
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

fn source_id_taken() -> Error {
    let error = FieldError {
        field: "source_id".to_owned(),
        code: "already_exists",
        message: "is taken by another call of the provider".to_owned(),
    };
    Error::fields(Code::AlreadyExists, vec![error])
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
            UpdateError::SourceIdTaken => source_id_taken(),
            UpdateError::Store(error) => error.into(),
        }
    }
}

impl From<CreateError> for Error {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::SourceIdTaken => source_id_taken(),
            CreateError::InvalidTransition(error) => error.into(),
            CreateError::Store(error) => error.into(),
        }
    }
}
