//! Native routes for webhook endpoints.

use axum::{extract::State, http::StatusCode, response::Response};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer,
    auth::require,
    error::{Code, Error, FieldError},
    extract::{Json, Path},
    native::{BodyRefusals, Refusals},
    state::ApiState,
};
use crate::{
    domain::{
        account::{Caller, Scope},
        endpoint::{ENDPOINTS_MAX, Endpoint, EndpointState, Subscription},
        event::EventType,
        id::EndpointId,
    },
    store::{self, endpoints},
    webhooks::manage::{self, AddError, Wanted},
};

/// The routes of this module.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(add_endpoint, list_endpoints))
        .routes(routes!(get_endpoint, delete_endpoint))
        .routes(routes!(enable_endpoint))
}

/// An endpoint to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EndpointBody {
    /// Where events are posted: absolute, http or https, a public address.
    #[schema(max_length = 2048)]
    url: String,
    /// What it wants to be told; all types, also those yet to come, if none is named.
    #[serde(default)]
    event_types: Vec<EventType>,
}

/// A webhook endpoint.
#[derive(Debug, Serialize, ToSchema)]
struct EndpointObject {
    /// Its id.
    id: EndpointId,
    /// Where events are posted.
    url: String,
    /// What it wants to be told; empty means all types.
    event_types: Vec<EventType>,
    /// Whether it is told anything.
    state: EndpointState,
    /// Why it is disabled.
    disabled_reason: Option<String>,
    /// When it was added.
    created_at: DateTime<Utc>,
    /// When it last changed.
    updated_at: DateTime<Utc>,
}

/// An endpoint that was added.
#[derive(Debug, Serialize, ToSchema)]
struct EndpointAdded {
    #[serde(flatten)]
    endpoint: EndpointObject,
    /// What its signatures are made with. Not shown again.
    #[schema(pattern = "^whsec_[A-Za-z0-9+/]{43}=$")]
    secret: String,
}

/// The account's endpoints.
#[derive(Debug, Serialize, ToSchema)]
struct EndpointList {
    /// Oldest first.
    data: Vec<EndpointObject>,
}

impl From<Endpoint> for EndpointObject {
    fn from(endpoint: Endpoint) -> Self {
        Self {
            id: endpoint.endpoint_id,
            url: endpoint.url,
            event_types: endpoint.subscription.types().to_vec(),
            state: endpoint.state,
            disabled_reason: endpoint.disabled_reason,
            created_at: endpoint.created_at,
            updated_at: endpoint.updated_at,
        }
    }
}

impl From<AddError> for Error {
    fn from(error: AddError) -> Self {
        match error {
            AddError::Url(refusal) => Self::fields(
                Code::Unprocessable,
                vec![FieldError::invalid("url", refusal)],
            ),
            AddError::TooMany => Self::new(
                Code::Unprocessable,
                format!("an account may have at most {ENDPOINTS_MAX} endpoints"),
            ),
            AddError::Store(error) => error.into(),
        }
    }
}

/// Add a webhook endpoint
///
/// It is told what happens from now on. Its signing secret is shown in this answer and never again. An account may have
/// at most 50 endpoints.
#[utoipa::path(
    post, path = "/v1/webhook-endpoints", tag = "webhooks",
    request_body = EndpointBody,
    responses(
        (status = 201, description = "Added; the secret is shown this once", body = EndpointAdded),
        Refusals, BodyRefusals
    ),
    security(("bearer" = []))
)]
async fn add_endpoint(
    State(state): State<ApiState>,
    caller: Caller,
    body: Result<Json<EndpointBody>, Error>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let Json(body) = body?;
    let subscription = Subscription::to(body.event_types);
    let added = manage::add(
        &state.db,
        &state.egress,
        &state.sealing_key,
        Wanted {
            account_id: caller.account_id,
            url: &body.url,
            subscription: &subscription,
        },
    );
    let added = added.await?;
    let shown = EndpointAdded {
        endpoint: added.endpoint.into(),
        secret: added.secret.expose_secret().to_owned(),
    };
    Ok(answer::json(StatusCode::CREATED, &shown))
}

/// List the webhook endpoints
#[utoipa::path(
    get, path = "/v1/webhook-endpoints", tag = "webhooks",
    responses((status = 200, description = "The account's endpoints", body = EndpointList), Refusals),
    security(("bearer" = []))
)]
async fn list_endpoints(State(state): State<ApiState>, caller: Caller) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let listed = store::ask(endpoints::list(&state.db, caller.account_id)).await?;
    let data = listed.into_iter().map(EndpointObject::from).collect();
    Ok(answer::json(StatusCode::OK, &EndpointList { data }))
}

/// Read a webhook endpoint
#[utoipa::path(
    get, path = "/v1/webhook-endpoints/{id}", tag = "webhooks",
    params(("id" = uuid::Uuid, Path, description = "The endpoint's id")),
    responses((status = 200, description = "The endpoint, without its secret", body = EndpointObject), Refusals),
    security(("bearer" = []))
)]
async fn get_endpoint(
    State(state): State<ApiState>,
    caller: Caller,
    Path(endpoint_id): Path<EndpointId>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let found = endpoints::find(&state.db, caller.account_id, endpoint_id);
    shown(store::ask(found).await?)
}

/// Delete a webhook endpoint
///
/// What is on its way to it is discarded. Its deliveries so far stay to be read.
#[utoipa::path(
    delete, path = "/v1/webhook-endpoints/{id}", tag = "webhooks",
    params(("id" = uuid::Uuid, Path, description = "The endpoint's id")),
    responses((status = 204, description = "Deleted"), Refusals),
    security(("bearer" = []))
)]
async fn delete_endpoint(
    State(state): State<ApiState>,
    caller: Caller,
    Path(endpoint_id): Path<EndpointId>,
) -> Result<StatusCode, Error> {
    require(&caller, Scope::ManageAccount)?;
    if manage::remove(&state.db, caller.account_id, endpoint_id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Error::not_found("endpoint"))
    }
}

/// Enable a webhook endpoint again
///
/// An endpoint that answers 410 is disabled. What was discarded meanwhile is not sent by itself: resend its deliveries.
#[utoipa::path(
    post, path = "/v1/webhook-endpoints/{id}/enable", tag = "webhooks",
    params(("id" = uuid::Uuid, Path, description = "The endpoint's id")),
    responses((status = 200, description = "It is enabled", body = EndpointObject), Refusals),
    security(("bearer" = []))
)]
async fn enable_endpoint(
    State(state): State<ApiState>,
    caller: Caller,
    Path(endpoint_id): Path<EndpointId>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let enabled = endpoints::enable(&state.db, caller.account_id, endpoint_id);
    shown(store::ask(enabled).await?)
}

fn shown(endpoint: Option<Endpoint>) -> Result<Response, Error> {
    let endpoint = endpoint.ok_or_else(|| Error::not_found("endpoint"))?;
    Ok(answer::json(
        StatusCode::OK,
        &EndpointObject::from(endpoint),
    ))
}
