//! Native routes for how long an account keeps what.

use axum::{extract::State, http::StatusCode, response::Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer,
    auth::require,
    document::story::retention as story,
    error::{Code, Error},
    extract::{BODY_BYTES_MAX, Fields, MergePatch, Reader},
    native::{BodyRefusals, Refusals},
    state::{ApiState, Parts},
};
use crate::{
    access,
    domain::{
        account::{Caller, Scope},
        retention::{Change, DAYS_MAX, Days, Windows},
        voice_call::update::Edit,
    },
    store::{self, retention::Kept},
};

/// The routes of this module.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(get_retention, patch_retention))
}

/// What is to be changed. [`change`] reads it.
#[derive(ToSchema)]
#[schema(example = json!(story::body()))]
#[expect(
    dead_code,
    clippy::struct_field_names,
    reason = "the document's description of a body that is read field by field"
)]
struct RetentionPatch {
    /// What was told: the bodies of events.
    #[schema(required = false, minimum = 1, maximum = 36_500)]
    payload_days: Option<i32>,
    /// To whom: deliveries that are over, and attempts with what was answered.
    #[schema(required = false, minimum = 1, maximum = 36_500)]
    attempt_days: Option<i32>,
    /// Reports as they came.
    #[schema(required = false, minimum = 1, maximum = 36_500)]
    receipt_days: Option<i32>,
    /// What was said, and what was made of the words.
    #[schema(required = false, minimum = 1, maximum = 36_500)]
    transcript_days: Option<i32>,
    /// Where recordings are.
    #[schema(required = false, minimum = 1, maximum = 36_500)]
    recording_days: Option<i32>,
    /// Calls, with everything.
    #[schema(required = false, minimum = 1, maximum = 36_500)]
    call_days: Option<i32>,
}

/// How long the account keeps what.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::retention()))]
struct RetentionObject {
    /// What the account has said; null: what the server says.
    own: Windows,
    /// What holds, with the server's defaults. Nothing is kept longer than what it shows. Null: for ever.
    effective: Windows,
    /// Since when the account has said so; null if it never has.
    updated_at: Option<DateTime<Utc>>,
}

/// Read how long the account keeps what
#[utoipa::path(
    get, path = "/v1/account/retention", tag = "account",
    responses((status = 200, description = "In days, by kind", body = RetentionObject), Refusals),
    security(("bearer" = []))
)]
async fn get_retention(State(state): State<ApiState>, caller: Caller) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let kept = store::retention::find(&state.db, caller.account_id);
    Ok(shown(&state, store::ask(kept).await?))
}

/// Say how long the account keeps what
///
/// A JSON merge patch (RFC 7396): what is absent stays, null is what the server says again. What is older is removed within minutes, calls within
/// a day. It cannot be undone.
#[utoipa::path(
    patch, path = "/v1/account/retention", tag = "account",
    request_body(content((RetentionPatch = "application/merge-patch+json"), (RetentionPatch = "application/json"))),
    responses((status = 200, description = "As it is now", body = RetentionObject), Refusals, BodyRefusals),
    security(("bearer" = [])),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX)))
)]
async fn patch_retention(
    State(state): State<ApiState>,
    caller: Caller,
    body: Result<MergePatch<BODY_BYTES_MAX>, Error>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let MergePatch(body) = body?;
    let change = change(&body)?;
    let kept = access::set_retention(&state.db, caller.account_id, change).await?;
    Ok(shown(&state, kept))
}

/// What is asked to be changed. Everything that is wrong is named at once.
fn change(body: &[u8]) -> Result<Change, Error> {
    let fields = Fields::from_json(body)?;
    let mut reader = Reader::new(&fields);
    reader.only(&Windows::FIELDS);
    let mut edit = |name| {
        let read = reader.optional(name, |field| Ok(Days::new(field.whole(1, DAYS_MAX)?)?));
        match (fields.get(name), read) {
            (None, _) => Edit::Keep,
            (Some(_), None) => Edit::Clear,
            (Some(_), Some(days)) => Edit::Set(days),
        }
    };
    let change = Change {
        payload_days: edit("payload_days"),
        attempt_days: edit("attempt_days"),
        receipt_days: edit("receipt_days"),
        transcript_days: edit("transcript_days"),
        recording_days: edit("recording_days"),
        call_days: edit("call_days"),
    };
    let wrong = reader.errors();
    if wrong.is_empty() {
        Ok(change)
    } else {
        Err(Error::fields(Code::Unprocessable, wrong))
    }
}

fn shown(state: &Parts, kept: Kept) -> Response {
    let object = RetentionObject {
        own: kept.windows,
        effective: kept.windows.or(state.retention).effective(),
        updated_at: kept.updated_at,
    };
    answer::json(StatusCode::OK, &object)
}
