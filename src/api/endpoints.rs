//! Native routes for webhook endpoints: added, listed, read, deleted. [`body`] reads what is sent, [`mod@shown`] is what is answered; [`change`]
//! has what is set of one, [`trial`] a test, [`keys`] what it is signed with, [`explain`] why that does not verify.

use axum::{extract::State, http::StatusCode, response::Response};
use secrecy::ExposeSecret as _;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    answer,
    auth::require,
    error::{Code, Error, FieldError},
    extract::{BODY_BYTES_MAX, Field, Fields, JsonBody, Path, QueryFields, Reader},
    idempotency::Once,
    native::{BodyRefusals, NoSuch, OnceRefusals, Refusals},
    state::ApiState,
};
use crate::{
    domain::{
        account::{Caller, Scope},
        endpoint::ENDPOINTS_MAX,
        id::{AccountId, EndpointId},
    },
    store::{self, endpoints},
    webhooks::manage::{self, AddError, Wanted},
};

mod body;
mod change;
mod explain;
mod keys;
mod shown;
mod trial;

use body::EndpointBody;
use shown::{EndpointAdded, EndpointList};

// The command line prints the same.
pub use keys::KeyRotated;
pub use shown::EndpointObject;
pub use trial::EndpointTested;

/// The routes of this module.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(add_endpoint, list_endpoints))
        .routes(routes!(get_endpoint, delete_endpoint))
        .merge(change::routes())
        .merge(trial::routes())
        .merge(keys::routes())
        .merge(explain::routes())
}

/// How many endpoints are on a page unless it is said.
const LIMIT: i64 = 50;

/// How many endpoints may be on a page.
const LIMIT_MAX: i32 = 100;

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
            AddError::Headers(fault) => Self::fields(
                Code::Unprocessable,
                vec![FieldError::invalid("headers", fault)],
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
    let settings = body::wanted(&body)?;
    let (with, account_id) = (state.clone(), caller.account_id);
    let add = move |id: Uuid| async move {
        let wanted = Wanted {
            account_id,
            endpoint_id: id.into(),
            settings,
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
    params(
        ("cursor" = Option<uuid::Uuid>, Query, description = "The `next_cursor` of the page before"),
        ("limit" = Option<i32>, Query, minimum = 1, maximum = 100, description = "How many, 50 unless said")
    ),
    responses((status = 200, description = "A page of the account's endpoints, oldest first", body = EndpointList), Refusals),
    security(("bearer" = []))
)]
async fn list_endpoints(
    State(state): State<ApiState>,
    caller: Caller,
    QueryFields(query): QueryFields,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let (after, limit) = page(&query)?;
    // One more than is shown says whether there is a next page.
    let listed = endpoints::list(&state.db, caller.account_id, (after, limit + 1));
    let mut listed = store::ask(listed).await?;
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = listed.len() > shown;
    listed.truncate(shown);
    let page = EndpointList {
        next_cursor: listed.last().map(|last| last.endpoint_id).filter(|_| more),
        data: listed.into_iter().map(EndpointObject::from).collect(),
    };
    Ok(answer::json(StatusCode::OK, &page))
}

fn page(query: &Fields<'_>) -> Result<(Option<EndpointId>, i64), Error> {
    let mut reader = Reader::new(query);
    reader.only(&["cursor", "limit"]);
    let after = reader.optional("cursor", Field::uuid);
    let limit = reader.optional("limit", |field| field.digits(1, LIMIT_MAX));
    reader.finish(Some((after, limit.map_or(LIMIT, i64::from))))
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
    shown(&state, (caller.account_id, endpoint_id)).await
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

/// An endpoint of the account, as it is now.
async fn shown(
    state: &ApiState,
    (account_id, endpoint_id): (AccountId, EndpointId),
) -> Result<Response, Error> {
    let found = store::ask(endpoints::find(&state.db, account_id, endpoint_id)).await?;
    let endpoint = found.ok_or_else(|| Error::not_found("endpoint"))?;
    Ok(answer::json(
        StatusCode::OK,
        &EndpointObject::from(endpoint),
    ))
}
