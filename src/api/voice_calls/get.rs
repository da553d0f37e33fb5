//! `GET /v3/communication/voice_calls/{uid}`.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};

use super::{
    document::example,
    envelope::{NotFound, Refusals, Success},
    etag,
};
use crate::{
    api::{auth::require, error::Error, extract::PathText, state::ApiState},
    domain::{
        account::{Caller, Scope},
        voice_call::VoiceCall,
    },
};

/// Read a voice call
///
/// A client's token reads the calls that are its own; another's are not found.
#[utoipa::path(
    get, path = "/{uid}", tag = "voice_calls",
    params(
        ("uid" = uuid::Uuid, Path, description = "The call's uid"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the version that the client has")
    ),
    responses(
        (status = 200, description = "The voice call",
            headers(("ETag" = String, description = "Its version, for `If-Match` and `If-None-Match`")),
            body = Success<VoiceCall>, example = json!(example::one())),
        (status = 304, description = "The client has this version already",
            headers(("ETag" = String, description = "The version"))),
        NotFound, Refusals
    ),
    security(("bearer" = []))
)]
pub(super) async fn get_voice_call(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
    PathText(uid): PathText,
) -> Result<Response, Error> {
    require(&caller, Scope::ReadVoiceCalls)?;
    let call_id = super::call_id(uid)?;
    let found = super::find(&state, &caller, call_id).await?;
    let version = found.0.version;
    if etag::none_match(&headers, version) {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        if let Some(tag) = etag::tag(version) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        return Ok(response);
    }
    super::one(&state, StatusCode::OK, &caller, &found).await
}
