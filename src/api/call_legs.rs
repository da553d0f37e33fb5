//! The legs that belong to a call: what it made, what these made, and what belongs to their conversations. Each is a call of its own.

use axum::{extract::State, http::StatusCode, response::Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer,
    auth::require,
    document::story,
    error::Error,
    extract::Path,
    native::{NoSuch, Refusals},
    state::ApiState,
};
use crate::{
    domain::{
        account::{Caller, Scope},
        id::CallId,
        state::CallState,
    },
    store::{
        self,
        legs::{Leg, Named},
    },
};

/// The legs that one answer holds.
const LEGS_SHOWN_MAX: i64 = 100;

/// The routes of this module.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(get_legs))
}

/// A leg.
#[derive(Debug, Serialize, ToSchema)]
struct LegObject {
    /// The provider's name for it.
    call_sid: String,
    /// The call that it is; null if it was deleted, or is not yet reported.
    call_id: Option<CallId>,
    /// Where that stands, in the words of `call_status`.
    call_status: Option<&'static str>,
    /// The provider's name of the leg that made it.
    parent_call_sid: Option<String>,
    /// What its provider says that all legs of its conversation share.
    conversation: Option<String>,
    /// When we first heard of it.
    first_seen_at: DateTime<Utc>,
}

/// A call and what belongs to it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::legs()))]
struct LegList {
    /// The call.
    call_id: CallId,
    /// The provider's name for it.
    call_sid: String,
    /// The provider's name of the leg that made it, if any did.
    parent_call_sid: Option<String>,
    /// What its provider says that all legs of its conversation share.
    conversation: Option<String>,
    /// What ends with it, also what is over: at most 100, those first that we first heard of.
    legs: Vec<LegObject>,
}

/// Read which legs belong to a call
///
/// Ending the call ends those of them that are live.
#[utoipa::path(
    get, path = "/v1/calls/{id}/legs", tag = "calls",
    params(("id" = uuid::Uuid, Path, description = "The call's id")),
    responses((status = 200, description = "The call and its legs", body = LegList), NoSuch, Refusals),
    security(("bearer" = []))
)]
async fn get_legs(
    State(state): State<ApiState>,
    caller: Caller,
    Path(call_id): Path<CallId>,
) -> Result<Response, Error> {
    require(&caller, Scope::ReadCalls)?;
    let found = store::within(Box::pin(async {
        let mut conn = state.db.acquire().await?;
        let call = store::calls::find(&mut *conn, caller.account_id, call_id).await?;
        let call = call.ok_or_else(|| Error::not_found("call"))?;
        let named = Named {
            account_id: caller.account_id,
            provider: call.provider.as_str(),
            name: call.provider_call_id.as_str(),
        };
        let around = store::legs::around(&mut conn, named, LEGS_SHOWN_MAX).await?;
        Ok::<_, Error>((call.provider_call_id, around))
    }));
    let (name, (own, legs)) = found.await?;
    let (parent_call_sid, conversation) = match own {
        Some(own) => (own.parent, own.conversation),
        None => (None, None),
    };
    let list = LegList {
        call_id,
        call_sid: name.as_str().to_owned(),
        parent_call_sid,
        conversation,
        legs: legs.into_iter().map(LegObject::from).collect(),
    };
    Ok(answer::json(StatusCode::OK, &list))
}

impl From<Leg> for LegObject {
    fn from(leg: Leg) -> Self {
        Self {
            call_sid: leg.name,
            call_status: leg.state.map(CallState::call_status),
            call_id: leg.call_id.filter(|_| leg.state.is_some()),
            parent_call_sid: leg.parent,
            conversation: leg.conversation,
            first_seen_at: leg.first_seen_at,
        }
    }
}
