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
        idempotency::Once,
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
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255,
        description = "Made again with this key within a day, the request is answered as before")),
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
    security(("bearer" = [])),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX)))
)]
pub(super) async fn create_voice_call(
    State(state): State<ApiState>,
    caller: Caller,
    once: Once,
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
    let (with, by) = (state.clone(), caller.clone());
    // Made again by a process that died in between, it finds its `source_id`: 200 instead of 201.
    let work = move |_id| async move {
        let (status, shown) = match create(&with.db, &with.wake, &new).await? {
            Created::New(call, beside) => (StatusCode::CREATED, (call, beside)),
            Created::Again(call, beside) => (StatusCode::OK, (call, beside)),
        };
        super::one(&with, status, &by, &shown).await
    };
    once.perform(&state, &caller, &body, work).await
}
