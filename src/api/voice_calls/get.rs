//! `GET /v3/communication/voice_calls/{uid}`.

use axum::{extract::State, http::StatusCode, response::Response};

use super::envelope::{Failure, Refusals, Success};
use crate::{
    api::{auth::require, error::Error, extract::PathText, state::ApiState},
    domain::{
        account::{Caller, Scope},
        voice_call::VoiceCall,
    },
    store,
};

/// Read a voice call
#[utoipa::path(
    get, path = "/{uid}", tag = "voice_calls",
    params(("uid" = uuid::Uuid, Path, description = "The call's uid")),
    responses(
        (status = 200, description = "The voice call", body = Success<VoiceCall>,
            headers(("ETag" = String, description = "Its version, for `If-Match`"))),
        (status = 404, description = "There is no such voice call", body = Failure),
        Refusals
    ),
    security(("bearer" = []))
)]
pub(super) async fn get_voice_call(
    State(state): State<ApiState>,
    caller: Caller,
    PathText(uid): PathText,
) -> Result<Response, Error> {
    require(&caller, Scope::ReadVoiceCalls)?;
    let call_id = super::call_id(uid)?;
    let found = store::within(async {
        let mut conn = state.db.acquire().await?;
        let Some(call) = store::calls::find(&mut *conn, caller.account_id, call_id).await? else {
            return Ok::<_, store::Error>(None);
        };
        let beside = store::calls::beside(&mut conn, caller.account_id, call_id).await?;
        Ok(Some((call, beside)))
    })
    .await?;
    let found = found.ok_or_else(|| Error::not_found("voice call"))?;
    Ok(super::one(StatusCode::OK, &caller, &found))
}
