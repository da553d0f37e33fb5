//! Native routes for the caller's own account: what it is, and how long its calls may last.

use axum::{extract::State, http::StatusCode, response::Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer,
    auth::require,
    calls::parse,
    document::story,
    error::{Error, FieldError, Problem},
    extract::{BODY_BYTES_MAX, Field, Fields, MergePatch, Reader},
    native::Refusals,
    state::ApiState,
};
use crate::{
    access,
    domain::{
        account::{Caller, Scope, VoipMode},
        id::AccountId,
        limits::MaxDuration,
    },
    store::{self, accounts::Account},
};

/// The routes of this module.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(get_account, patch_account))
}

/// A change of an account: an absent field stays, `null` clears. [`bound`] reads it.
#[derive(ToSchema)]
#[schema(example = json!({"max_duration": 14_400}))]
#[expect(
    dead_code,
    reason = "the document's description of a body that is read field by field"
)]
struct AccountPatch {
    /// For how many seconds from its answer a call of the account may last.
    #[schema(minimum = 1, maximum = 604_800, nullable)]
    max_duration: Option<i32>,
}

/// An account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::account()))]
struct AccountObject {
    /// Its id; the `company_id` of its calls.
    id: AccountId,
    /// Its name.
    name: String,
    /// What the voice-calls surface calls it.
    business_uid: String,
    /// Whether voip posts need a key.
    voip: VoipMode,
    /// For how many seconds from its answer a call of the account may last; null: for ever.
    max_duration: Option<i32>,
    /// Since when it is here.
    created_at: DateTime<Utc>,
}

/// Read the account of the credential
#[utoipa::path(
    get, path = "/v1/account", tag = "account",
    responses((status = 200, description = "The account", body = AccountObject), Refusals),
    security(("bearer" = []))
)]
async fn get_account(State(state): State<ApiState>, caller: Caller) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let found = store::accounts::find(&state.db, caller.account_id);
    shown(store::ask(found).await?)
}

/// Change the account of the credential
///
/// A call that has lasted longer than a new `max_duration` allows is ended within a second or two.
#[utoipa::path(
    patch, path = "/v1/account", tag = "account",
    request_body(content((AccountPatch = "application/merge-patch+json"), (AccountPatch = "application/json"))),
    responses(
        (status = 200, description = "The account as it is now", body = AccountObject),
        (status = 408, description = "The body did not arrive in time", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not a media type that this route reads", body = Problem, content_type = "application/problem+json"),
        Refusals
    ),
    security(("bearer" = [])),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX)))
)]
async fn patch_account(
    State(state): State<ApiState>,
    caller: Caller,
    body: Result<MergePatch<BODY_BYTES_MAX>, Error>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let MergePatch(body) = body?;
    let bound = bound(&body)?;
    shown(access::set_max_duration(&state.db, caller.account_id, bound).await?)
}

/// How long calls are to last. Everything that is wrong is named at once.
fn bound(body: &[u8]) -> Result<Option<MaxDuration>, Error> {
    let fields = Fields::from_json(body)?;
    let mut reader = Reader::new(&fields);
    reader.only(&["max_duration"]);
    let bound = match reader.get("max_duration") {
        None => {
            reader.refuse(FieldError::missing("max_duration"));
            None
        }
        Some(Field::Null) => None,
        Some(_) => reader.optional("max_duration", parse::max_duration),
    };
    reader.finish(Some(bound))
}

fn shown(account: Option<Account>) -> Result<Response, Error> {
    let account = account.ok_or_else(Error::internal)?;
    let object = AccountObject {
        id: account.account_id,
        name: account.name,
        business_uid: account.business_uid,
        voip: account.voip,
        max_duration: account.max_duration_s,
        created_at: account.created_at,
    };
    Ok(answer::json(StatusCode::OK, &object))
}
