//! `PUT /v3/communication/voice_calls/{uid}`.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::{
    BODY_BYTES_MAX,
    document::UpdateVoiceCall,
    envelope::{BodyRefusals, Failure, Refusals, Success},
    if_match, parse,
};
use crate::{
    api::{
        auth::{self, require},
        error::Error,
        extract::{Fields, JsonBody, PathText},
        state::ApiState,
    },
    calls::update::{Target, update},
    domain::{
        account::{Caller, Handling, Scope},
        voice_call::VoiceCall,
    },
};

/// Update a voice call
///
/// All documented fields but `handled_by_staff_uid` are required; with `Prefer: handling=lenient` absent fields stay as they
/// are and `null` empties what may be empty. A move into a terminal status, or an answered one with a duration, ends the
/// call: its analysis and its webhooks run, once.
#[utoipa::path(
    put, path = "/{uid}", tag = "voice_calls",
    params(
        ("uid" = uuid::Uuid, Path, description = "The call's uid"),
        ("Prefer" = Option<String>, Header, description = "`handling=lenient`: absent fields stay as they are"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that the change is meant for")
    ),
    request_body = UpdateVoiceCall,
    responses(
        (status = 200, description = "The voice call as it is now", body = Success<VoiceCall>,
            headers(("ETag" = String, description = "Its version, for `If-Match`"))),
        (status = 404, description = "There is no such voice call", body = Failure),
        (status = 409, description = "The source_id is taken, or the status cannot be taken from where the call stands",
            body = Failure),
        (status = 412, description = "The voice call has changed since", body = Failure),
        Refusals, BodyRefusals
    ),
    security(("bearer" = []))
)]
pub(super) async fn update_voice_call(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
    PathText(uid): PathText,
    JsonBody(body): JsonBody<BODY_BYTES_MAX>,
) -> Result<Response, Error> {
    require(&caller, Scope::WriteVoiceCalls)?;
    let call_id = super::call_id(uid)?;
    let handling = auth::handling(&headers, &caller).unwrap_or(Handling::Strict);
    let fields = Fields::from_json(&body)?;
    let providers = super::providers(&state, caller.account_id).await?;
    let change = parse::update(&fields, handling, &providers)?;
    let versions = if_match::versions(&headers);
    let target = Target {
        account_id: caller.account_id,
        call_id,
        by: caller.staff_uid.as_deref(),
        versions: versions.as_deref(),
    };
    let changed = update(&state.db, &state.wake, target, change).await?;
    Ok(super::one(StatusCode::OK, &caller, &changed))
}
