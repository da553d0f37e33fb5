//! An endpoint, tried out.

use std::collections::BTreeMap;

use axum::{extract::State, http::StatusCode, response::Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::change::means;
use crate::{
    api::{
        answer,
        auth::require,
        document::story,
        error::Error,
        extract::Path,
        native::{NoSuch, Refusals},
        state::ApiState,
    },
    domain::{
        account::{Caller, Scope},
        delivery::AttemptOutcome,
        id::EndpointId,
    },
    webhooks::trial::{self, Tried},
};

/// The routes of this module.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(test_endpoint))
}

/// What trying an endpoint came to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::endpoint_tested()))]
pub struct EndpointTested {
    /// Whether it took the event.
    pub ok: bool,
    /// In one word, as attempts at deliveries have it.
    pub outcome: AttemptOutcome,
    /// When it began.
    started_at: DateTime<Utc>,
    /// How long it took, in milliseconds.
    duration_ms: i32,
    /// What was sent.
    request: TestRequest,
    /// What was answered; null when no answer came.
    response: Option<TestResponse>,
}

/// What was sent.
#[derive(Debug, Serialize, ToSchema)]
struct TestRequest {
    /// The method.
    method: &'static str,
    /// Where to.
    url: String,
    /// The headers, without those of the connection. The values of the endpoint's own are not shown. Empty if nothing could be sent.
    headers: BTreeMap<String, String>,
    /// The body, byte for byte.
    body: String,
}

/// What was answered.
#[derive(Debug, Serialize, ToSchema)]
struct TestResponse {
    /// The status.
    status: u16,
    /// The first 64 KiB of the body; what is no UTF-8 in it is replaced.
    body: String,
    /// Whether there was more.
    truncated: bool,
}

impl From<Tried> for EndpointTested {
    fn from(tried: Tried) -> Self {
        let outcome = tried.sent.outcome;
        Self {
            ok: outcome == AttemptOutcome::Succeeded,
            outcome,
            started_at: tried.at,
            duration_ms: i32::try_from(tried.sent.took.as_millis()).unwrap_or(i32::MAX),
            request: TestRequest {
                method: "POST",
                url: tried.url,
                headers: tried.headers.into_iter().collect(),
                body: tried.body,
            },
            response: tried.sent.answer.map(|answer| TestResponse {
                status: answer.status.as_u16(),
                body: String::from_utf8_lossy(&answer.body).into_owned(),
                truncated: answer.truncated,
            }),
        }
    }
}

/// Test a webhook endpoint
///
/// Sends one event of the type `webhook.test` now, signed and with the endpoint's own headers as every webhook, and answers with what was sent
/// and what came back, within 15 seconds. It is not tried again and not kept. An endpoint that is disabled is tried, too.
#[utoipa::path(
    post, path = "/v1/webhook-endpoints/{id}/test", tag = "webhooks",
    params(("id" = uuid::Uuid, Path, description = "The endpoint's id")),
    responses((status = 200, description = "What it came to, well or not", body = EndpointTested), NoSuch, Refusals),
    security(("bearer" = []))
)]
async fn test_endpoint(
    State(state): State<ApiState>,
    caller: Caller,
    Path(endpoint_id): Path<EndpointId>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let tried = trial::run(means(&state), (caller.account_id, endpoint_id)).await?;
    let tried = tried.ok_or_else(|| Error::not_found("endpoint"))?;
    Ok(answer::json(StatusCode::OK, &EndpointTested::from(tried)))
}
