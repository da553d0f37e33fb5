//! Native routes for webhook endpoints.

use axum::{extract::State, http::StatusCode, response::Response};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    answer,
    auth::require,
    document::story,
    error::{Code, Error, FieldError},
    extract::{BODY_BYTES_MAX, Field, Fields, JsonBody, Path, Reader},
    idempotency::Once,
    native::{BodyRefusals, NoSuch, OnceRefusals, Refusals},
    state::ApiState,
};
use crate::{
    domain::{
        account::{Caller, Scope},
        endpoint::{ENDPOINTS_MAX, Endpoint, EndpointState, Subscription},
        event::{EventType, NotEventType},
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

/// An endpoint to be added. [`wanted`] reads it.
#[derive(ToSchema)]
#[schema(example = json!({"url": "https://example.com/hook", "event_types": ["call.ended", "call.analyzed"]}))]
#[expect(
    dead_code,
    reason = "the document's description of a body that is read field by field"
)]
struct EndpointBody {
    /// Where events are posted: absolute, http or https, a public address.
    #[schema(max_length = 2048)]
    url: String,
    /// What it wants to be told; all types that tell how calls go, also those yet to come, if none is named. `call.reconciled` and
    /// `termination.failed` are told to endpoints that name them only.
    #[schema(required = false)]
    event_types: Vec<EventType>,
}

/// What is asked for. Everything that is wrong is named at once.
fn wanted(body: &[u8]) -> Result<(String, Subscription), Error> {
    let fields = Fields::from_json(body)?;
    let mut reader = Reader::new(&fields);
    reader.only(&["url", "event_types"]);
    let url = reader.required("url", |field| Ok(field.text()?.to_owned()));
    let named = reader.optional("event_types", Field::items);
    let mut types = Vec::new();
    for (at, name) in named.unwrap_or_default().iter().enumerate() {
        match name.as_str().unwrap_or_default().parse() {
            Ok(event) => types.push(event),
            Err(wrong) => {
                let wrong: NotEventType = wrong;
                reader.refuse(FieldError::invalid(format!("event_types[{at}]"), wrong));
            }
        }
    }
    reader.finish(url.map(|url| (url, Subscription::to(types))))
}

/// A webhook endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::endpoint()))]
struct EndpointObject {
    /// Its id.
    id: EndpointId,
    /// Where events are posted.
    url: String,
    /// What it wants to be told; empty means all types but operational ones.
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
#[schema(example = json!(story::endpoint_added()))]
struct EndpointAdded {
    #[serde(flatten)]
    endpoint: EndpointObject,
    /// What its signatures are made with. Not shown again.
    #[schema(pattern = "^whsec_[A-Za-z0-9+/]{43}=$")]
    secret: String,
}

/// The account's endpoints.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::endpoints()))]
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
            AddError::Secret(error) => Self::internal().caused_by(error),
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
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255,
        description = "Made again with this key within a day, the request adds nothing and is answered as before")),
    request_body = EndpointBody,
    responses(
        (status = 201, description = "Added; the secret is shown this once", body = EndpointAdded),
        Refusals, BodyRefusals, OnceRefusals
    ),
    security(("bearer" = [])),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX)))
)]
async fn add_endpoint(
    State(state): State<ApiState>,
    caller: Caller,
    once: Once,
    body: Result<JsonBody, Error>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let JsonBody(body) = body?;
    let (url, subscription) = wanted(&body)?;
    let (with, account_id) = (state.clone(), caller.account_id);
    let add = move |id: Uuid| async move {
        let wanted = Wanted {
            account_id,
            endpoint_id: id.into(),
            url: &url,
            subscription: &subscription,
        };
        let added = manage::add(&with.db, &with.egress, &with.sealing_key, wanted).await?;
        let shown = EndpointAdded {
            endpoint: added.endpoint.into(),
            secret: added.secret.expose_secret().to_owned(),
        };
        Ok(answer::json(StatusCode::CREATED, &shown))
    };
    once.perform(&state, &caller, &body, add).await
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
    responses((status = 200, description = "The endpoint, without its secret", body = EndpointObject), NoSuch, Refusals),
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
    responses((status = 204, description = "Deleted"), NoSuch, Refusals),
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
    responses((status = 200, description = "It is enabled", body = EndpointObject), NoSuch, Refusals),
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
