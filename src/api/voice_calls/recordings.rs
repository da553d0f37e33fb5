//! `PUT` and `DELETE /v3/communication/voice_call_recordings/{uid}`: what is known of a call's recording.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    document::{UpdateRecording, example},
    envelope::{BodyRefusals, Changes, NoRecording, Refusals, Success},
    etag, parse,
};
use crate::{
    api::{
        auth::require,
        error::{Code, Error},
        extract::{BODY_BYTES_MAX, Field, Fields, JsonBody, PathText},
        state::ApiState,
    },
    calls::update::{Target, update_recording},
    domain::{
        account::{Caller, Scope},
        id::CallId,
        voice_call::{VoiceCall, recording::RecordingChange},
    },
    store,
};

/// The routes, for `/v3/communication/voice_call_recordings`.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(put_recording, delete_recording))
}

/// Update a recording
///
/// Says whether somebody has listened to it, and how large it is. The uid is that of the recording, or of its voice call.
#[utoipa::path(
    put, path = "/{uid}", tag = "voice_calls",
    params(
        ("uid" = String, Path, description = "The recording's uid, or its voice call's", example = "rec-001"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the voice call that the change is meant for")
    ),
    request_body = UpdateRecording,
    responses(
        (status = 200, description = "The voice call as it is now",
            headers(("ETag" = String, description = "Its version, for `If-Match`")),
            body = Success<VoiceCall>, example = json!(example::one())),
        NoRecording, Changes, Refusals, BodyRefusals
    ),
    security(("bearer" = [])),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX)))
)]
async fn put_recording(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
    PathText(uid): PathText,
    JsonBody(body): JsonBody<BODY_BYTES_MAX>,
) -> Result<Response, Error> {
    require(&caller, Scope::WriteVoiceCalls)?;
    let described = parse::recording(&Fields::from_json(&body)?)?;
    change(&state, &caller, (&headers, uid), described).await
}

/// Delete a recording
///
/// The voice call forgets its recording, for good: a later report does not bring it back. The recording itself is where its
/// provider keeps it, and is not touched.
#[utoipa::path(
    delete, path = "/{uid}", tag = "voice_calls",
    params(
        ("uid" = String, Path, description = "The recording's uid, or its voice call's", example = "rec-001"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the voice call that the change is meant for")
    ),
    responses(
        (status = 200, description = "The voice call, without a recording",
            headers(("ETag" = String, description = "Its version, for `If-Match`")),
            body = Success<VoiceCall>, example = json!(example::without_recording())),
        NoRecording, Changes, Refusals
    ),
    security(("bearer" = []))
)]
async fn delete_recording(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
    PathText(uid): PathText,
) -> Result<Response, Error> {
    require(&caller, Scope::WriteVoiceCalls)?;
    change(&state, &caller, (&headers, uid), RecordingChange::Remove).await
}

async fn change(
    state: &ApiState,
    caller: &Caller,
    (headers, uid): (&HeaderMap, String),
    change: RecordingChange,
) -> Result<Response, Error> {
    let call_id = call_of(state, caller, uid).await?;
    let versions = etag::if_match(headers);
    let target = Target {
        account_id: caller.account_id,
        call_id,
        by: caller.staff_uid.as_deref(),
        versions: versions.as_deref(),
    };
    let changed = update_recording(&state.db, &state.wake, target, change).await;
    let changed = changed.map_err(|error| match Error::from(error) {
        // Of what the path names there is nothing, whichever of the two it was.
        error if error.code() == Code::NotFound => no_recording(),
        error => error,
    })?;
    super::one(state, StatusCode::OK, caller, &changed).await
}

/// The call whose recording it is: the one with that id of a recording, else the one with that uid.
async fn call_of(state: &ApiState, caller: &Caller, uid: String) -> Result<CallId, Error> {
    let field = Field::Text(uid.into());
    let recording_id = field.text_max::<255>().map_err(|_wrong| no_recording())?;
    let calls = store::within(async {
        let account_id = caller.account_id;
        let found =
            store::voice_calls::with_recording(&state.db, account_id, recording_id.as_str());
        Ok::<_, store::Error>(found.await?)
    })
    .await?;
    match calls.as_slice() {
        [call_id] => Ok(*call_id),
        [] => field.uuid().map_err(|_wrong| no_recording()),
        [_, ..] => Err(Error::new(
            Code::NotFound,
            "more than one voice call has that recording: use the voice call's uid",
        )),
    }
}

/// The call that is named, or that has the named recording, has none, or is not there.
pub(super) fn no_recording() -> Error {
    Error::not_found("recording")
}
