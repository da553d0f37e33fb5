//! `POST /v3/communication/voice_calls`.

use axum::{extract::State, http::StatusCode, response::Response};

use super::{
    BODY_BYTES_MAX,
    document::{CreateVoiceCall, example},
    envelope::{BodyRefusals, Refusals, Success, Taken},
    parse::{self, NewVoiceCall},
};
use crate::{
    api::{
        auth::require,
        error::Error,
        extract::{Fields, JsonBody},
        state::ApiState,
    },
    calls::create::{Created, NewCall, create},
    domain::{
        account::{Caller, Scope},
        voice_call::VoiceCall,
    },
};

/// Create a voice call
///
/// The `source_id` names the call: the same request again answers 200 with the call as it is now, a different one 409. If
/// telephony has reported a call by that name, the voice call is that call.
#[utoipa::path(
    post, path = "", tag = "voice_calls",
    request_body = CreateVoiceCall,
    responses(
        (status = 201, description = "The new voice call",
            headers(("ETag" = String, description = "Its version, for `If-Match`")),
            body = Success<VoiceCall>, example = json!(example::one())),
        (status = 200, description = "The same request was taken before; the voice call as it is now",
            headers(("ETag" = String, description = "Its version, for `If-Match`")),
            body = Success<VoiceCall>, example = json!(example::one())),
        Taken, Refusals, BodyRefusals
    ),
    security(("bearer" = []))
)]
pub(super) async fn create_voice_call(
    State(state): State<ApiState>,
    caller: Caller,
    JsonBody(body): JsonBody<BODY_BYTES_MAX>,
) -> Result<Response, Error> {
    require(&caller, Scope::WriteVoiceCalls)?;
    let fields = Fields::from_json(&body)?;
    let providers = super::providers(&state, caller.account_id).await?;
    let NewVoiceCall {
        update,
        source_id,
        provider,
        content,
    } = parse::create(&fields, &caller.business_uid, &providers)?;
    let new = NewCall {
        account_id: caller.account_id,
        by: caller.staff_uid.clone(),
        provider,
        source_id,
        update,
        content,
    };
    let (status, shown) = match create(&state.db, &state.wake, &new).await? {
        Created::New(call, beside) => (StatusCode::CREATED, (call, beside)),
        Created::Again(call, beside) => (StatusCode::OK, (call, beside)),
    };
    Ok(super::one(status, &caller, &shown))
}
