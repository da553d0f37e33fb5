//! What is set of an endpoint, changed; and whether it is told anything.

use axum::{extract::State, response::Response};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    body::{self, EndpointPatch},
    shown,
    shown::EndpointObject,
};
use crate::{
    api::{
        auth::require,
        document::story,
        error::{Code, Error, FieldError},
        extract::{BODY_BYTES_MAX, MergePatch, Path},
        native::{BodyRefusals, NoSuch, Refusals},
        state::{ApiState, Parts},
    },
    domain::{
        account::{Caller, Scope},
        id::EndpointId,
    },
    webhooks::settings::{self, ChangeError, Means},
};

/// The routes of this module.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(change_endpoint))
        .routes(routes!(enable_endpoint))
        .routes(routes!(disable_endpoint))
}

/// What changing and trying an endpoint needs.
pub(super) fn means(state: &Parts) -> Means<'_> {
    Means {
        db: &state.db,
        egress: &state.egress,
        sealing_key: &state.sealing_key,
    }
}

impl From<ChangeError> for Error {
    fn from(error: ChangeError) -> Self {
        let field = match &error {
            ChangeError::Url(_) | ChangeError::Elsewhere(_) => "url",
            ChangeError::Headers(_) => "headers",
            ChangeError::Secret(_) => return Self::internal().caused_by(error),
            ChangeError::Store(_) => {
                return match error {
                    ChangeError::Store(error) => error.into(),
                    other => Self::internal().caused_by(other),
                };
            }
        };
        Self::fields(Code::Unprocessable, vec![FieldError::invalid(field, error)])
    }
}

/// Change a webhook endpoint
///
/// A JSON merge patch (RFC 7396): what is absent stays, null takes away. What is already on its way goes where the endpoint is by then. A URL
/// that leads to another server needs the endpoint's own headers and its credential given again, or taken away: they are secrets of the former.
#[utoipa::path(
    patch, path = "/v1/webhook-endpoints/{id}", tag = "webhooks",
    params(("id" = uuid::Uuid, Path, description = "The endpoint's id")),
    request_body(content(
        (EndpointPatch = "application/json"),
        (EndpointPatch = "application/merge-patch+json"),
    )),
    responses((status = 200, description = "Changed", body = EndpointObject, example = json!(story::endpoint())), NoSuch, Refusals, BodyRefusals),
    security(("bearer" = [])),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX)))
)]
async fn change_endpoint(
    State(state): State<ApiState>,
    caller: Caller,
    Path(endpoint_id): Path<EndpointId>,
    body: Result<MergePatch, Error>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let of = (caller.account_id, endpoint_id);
    let MergePatch(body) = body?;
    let change = body::change(&body)?;
    if !settings::change(means(&state), of, change).await? {
        return Err(Error::not_found("endpoint"));
    }
    shown(&state, of).await
}

/// Enable a webhook endpoint again
///
/// It is told what happens from now on. What was discarded meanwhile is not sent by itself: recover it.
#[utoipa::path(
    post, path = "/v1/webhook-endpoints/{id}/enable", tag = "webhooks",
    params(("id" = uuid::Uuid, Path, description = "The endpoint's id")),
    responses((status = 200, description = "It is enabled", body = EndpointObject), NoSuch, Refusals),
    security(("bearer" = []))
)]
async fn enable_endpoint(
    State(state): State<ApiState>,
    caller: Caller,
    Path(endpoint_id): Path<EndpointId>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let of = (caller.account_id, endpoint_id);
    settings::enable(&state.db, of.0, of.1).await?;
    shown(&state, of).await
}

/// Disable a webhook endpoint
///
/// It is told nothing until it is enabled again: what is on its way to it, and what happens meanwhile, is discarded, and can be recovered.
/// Endpoints are also disabled by answering 410, and
/// by failing for days: `disabled_reason` says which it was.
#[utoipa::path(
    post, path = "/v1/webhook-endpoints/{id}/disable", tag = "webhooks",
    params(("id" = uuid::Uuid, Path, description = "The endpoint's id")),
    responses((status = 200, description = "It is disabled", body = EndpointObject, example = json!(story::endpoint_disabled())), NoSuch, Refusals),
    security(("bearer" = []))
)]
async fn disable_endpoint(
    State(state): State<ApiState>,
    caller: Caller,
    Path(endpoint_id): Path<EndpointId>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let of = (caller.account_id, endpoint_id);
    settings::disable(&state.db, of.0, of.1).await?;
    shown(&state, of).await
}
