//! `PUT` and `PATCH /v3/communication/voice_calls/{uid}`.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::{
    BODY_BYTES_MAX,
    document::{PatchVoiceCall, UpdateVoiceCall, example},
    envelope::{BodyRefusals, Changes, Conflicts, NotFound, Refusals, Success},
    etag, parse,
};
use crate::{
    api::{
        auth::{self, require},
        error::Error,
        extract::{Fields, JsonBody, MergePatch, PathText},
        state::ApiState,
    },
    calls::update::{Target, update},
    domain::{
        account::{Caller, Handling, Scope},
        report::ProviderName,
        voice_call::{VoiceCall, update::VoiceCallUpdate},
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
        (status = 200, description = "The voice call as it is now",
            headers(("ETag" = String, description = "Its version, for `If-Match`")),
            body = Success<VoiceCall>, example = json!(example::one())),
        NotFound, Conflicts, Changes, Refusals, BodyRefusals
    ),
    security(("bearer" = [])),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX)))
)]
pub(super) async fn update_voice_call(
    state: State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
    PathText(uid): PathText,
    JsonBody(body): JsonBody<BODY_BYTES_MAX>,
) -> Result<Response, Error> {
    let handling = auth::handling(&headers, &caller).unwrap_or(Handling::Strict);
    let read = |fields: &Fields<'_>, providers: &[ProviderName]| {
        parse::update(fields, handling, providers)
    };
    change(state, (&caller, &headers), uid, (&body, read)).await
}

/// Change some fields of a voice call
///
/// The body is a JSON merge patch (RFC 7396): what is absent stays as it is, `null` empties what may be empty and is refused
/// elsewhere. Fields that are not the client's to set are passed over. Not in the published document, which has PUT only.
#[utoipa::path(
    patch, path = "/{uid}", tag = "voice_calls",
    params(
        ("uid" = uuid::Uuid, Path, description = "The call's uid"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that the change is meant for")
    ),
    request_body(content(
        (PatchVoiceCall = "application/merge-patch+json"),
        (PatchVoiceCall = "application/json")
    )),
    responses(
        (status = 200, description = "The voice call as it is now",
            headers(("ETag" = String, description = "Its version, for `If-Match`")),
            body = Success<VoiceCall>, example = json!(example::one())),
        NotFound, Conflicts, Changes, Refusals, BodyRefusals
    ),
    security(("bearer" = [])),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX)))
)]
pub(super) async fn patch_voice_call(
    state: State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
    PathText(uid): PathText,
    MergePatch(body): MergePatch<BODY_BYTES_MAX>,
) -> Result<Response, Error> {
    change(state, (&caller, &headers), uid, (&body, parse::patch)).await
}

async fn change(
    State(state): State<ApiState>,
    (caller, headers): (&Caller, &HeaderMap),
    uid: String,
    (body, read): (
        &[u8],
        impl Fn(&Fields<'_>, &[ProviderName]) -> Result<VoiceCallUpdate, Error>,
    ),
) -> Result<Response, Error> {
    require(caller, Scope::WriteVoiceCalls)?;
    let call_id = super::call_id(uid)?;
    let fields = Fields::from_json(body)?;
    let providers = super::providers(&state, caller.account_id).await?;
    let change = read(&fields, &providers)?;
    let versions = etag::if_match(headers);
    let target = Target {
        account_id: caller.account_id,
        call_id,
        by: caller.staff_uid.as_deref(),
        versions: versions.as_deref(),
    };
    let changed = update(&state.db, &state.wake, target, change).await?;
    super::one(&state, StatusCode::OK, caller, &changed).await
}
