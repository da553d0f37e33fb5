//! Native routes for what was told to whom: deliveries with their attempts. [`super::events`] has what was told.

use axum::{extract::State, http::StatusCode, response::Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer,
    auth::require,
    document::story,
    error::{Code, Error, Problem},
    extract::{Field, Fields, Path, QueryFields, Reader},
    idempotency::Once,
    native::{NoSuch, Refusals},
    state::ApiState,
};
use crate::{
    domain::{
        account::{Caller, Scope},
        delivery::{AttemptOutcome, DeliveryState},
        event::EventType,
        id::{AccountId, CallId, DeliveryId, EndpointId, EventId},
    },
    store::{
        self,
        attempts::{self, Kept},
        deliveries::{self, Delivery, List},
    },
    webhooks::manage::{self, Resent},
};

/// Deliveries on a page unless the request says otherwise.
const LIMIT: i64 = 50;

/// The most deliveries on a page.
const LIMIT_MAX: i32 = 100;

/// The attempts that are shown of a delivery: two whole schedules.
const ATTEMPTS_MAX: i64 = 20;

/// The routes of this module.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list_deliveries))
        .routes(routes!(get_delivery))
        .routes(routes!(resend_delivery))
}

/// The names of [`DeliveryState`].
const STATES: [(&str, DeliveryState); 5] = [
    ("waiting", DeliveryState::Waiting),
    ("pending", DeliveryState::Pending),
    ("succeeded", DeliveryState::Succeeded),
    ("dead", DeliveryState::Dead),
    ("discarded", DeliveryState::Discarded),
];

/// What is to be listed: one delivery more than is shown, which says whether there is a next page. Everything that is wrong is
/// named at once.
fn asked(query: &Fields<'_>) -> Result<List, Error> {
    let mut reader = Reader::new(query);
    reader.only(&["state", "endpoint_id", "call_id", "cursor", "limit"]);
    let list = List {
        state: reader.optional("state", |field| field.one_of(&STATES)),
        endpoint_id: reader.optional("endpoint_id", Field::uuid),
        call_id: reader.optional("call_id", Field::uuid),
        before: reader.optional("cursor", Field::uuid),
        limit: reader
            .optional("limit", |field| field.digits(1, LIMIT_MAX))
            .map_or(LIMIT, i64::from)
            + 1,
    };
    reader.finish(Some(list))
}

/// One event on its way to one endpoint.
#[derive(Debug, Serialize, ToSchema)]
struct DeliveryObject {
    /// Its id.
    id: DeliveryId,
    /// The event: its `webhook-id`.
    event_id: EventId,
    /// What happened.
    event_type: EventType,
    /// To whom. The endpoint may have been deleted since.
    endpoint_id: EndpointId,
    /// Of which call; null if it tells of an endpoint.
    call_id: Option<CallId>,
    /// Where it stands.
    state: DeliveryState,
    /// Attempts made so far.
    attempts_made: i32,
    /// When it is tried next; null unless it is pending.
    next_attempt_at: Option<DateTime<Utc>>,
    /// When the event happened.
    created_at: DateTime<Utc>,
    /// When it came to its final state.
    finished_at: Option<DateTime<Utc>>,
}

/// A page of deliveries.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::deliveries()))]
struct DeliveryList {
    /// Newest first.
    data: Vec<DeliveryObject>,
    /// The `cursor` of the next page; null on the last.
    next_cursor: Option<DeliveryId>,
}

/// A delivery with its attempts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::delivery_with_attempts()))]
struct DeliveryDetail {
    #[serde(flatten)]
    delivery: DeliveryObject,
    /// Newest first, at most 20.
    attempts: Vec<AttemptObject>,
}

/// One attempt to hand an event over.
#[derive(Debug, Serialize, ToSchema)]
struct AttemptObject {
    /// Which attempt, from 1.
    attempt: i32,
    /// What was sent; its body is the event's.
    request: AttemptRequest,
    /// When it began.
    started_at: DateTime<Utc>,
    /// How long it took.
    duration_ms: i32,
    /// What it came to.
    outcome: AttemptOutcome,
    /// The status that was answered; null when no answer came.
    response_status: Option<i32>,
    /// The first 64 KiB of the answer; what is no UTF-8 in it is replaced.
    response_body: Option<String>,
}

/// The request of an attempt.
#[derive(Debug, Serialize, ToSchema)]
struct AttemptRequest {
    /// `POST`.
    #[schema(value_type = String)]
    method: &'static str,
    /// Where it went: the endpoint's URL at that time. Null: it was made before this was kept.
    url: Option<String>,
    /// Its `webhook-id`.
    webhook_id: EventId,
    /// Its `webhook-timestamp`, in seconds since 1970.
    webhook_timestamp: i64,
}

impl From<Delivery> for DeliveryObject {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.delivery_id,
            event_id: delivery.event_id,
            event_type: delivery.event_type,
            endpoint_id: delivery.endpoint_id,
            call_id: delivery.call_id,
            state: delivery.state,
            attempts_made: delivery.attempts,
            next_attempt_at: delivery.next_attempt_at,
            created_at: delivery.created_at,
            finished_at: delivery.finished_at,
        }
    }
}

impl AttemptObject {
    fn new(event_id: EventId, kept: Kept) -> Self {
        let attempt = kept.attempt;
        Self {
            attempt: kept.number,
            request: AttemptRequest {
                method: "POST",
                url: kept.url,
                webhook_id: event_id,
                webhook_timestamp: attempt.started_at.timestamp(),
            },
            started_at: attempt.started_at,
            duration_ms: attempt.duration_ms,
            outcome: attempt.outcome,
            response_status: attempt.response_status,
            response_body: attempt
                .response_body
                .map(|body| String::from_utf8_lossy(&body).into_owned()),
        }
    }
}

/// List webhook deliveries
#[utoipa::path(
    get, path = "/v1/deliveries", tag = "webhooks",
    params(
        ("state" = Option<DeliveryState>, Query, description = "In this state; `dead` lists the dead letters"),
        ("endpoint_id" = Option<uuid::Uuid>, Query, description = "To this endpoint"),
        ("call_id" = Option<uuid::Uuid>, Query, description = "Of this call"),
        ("cursor" = Option<uuid::Uuid>, Query, description = "The `next_cursor` of the page before"),
        ("limit" = Option<i32>, Query, minimum = 1, maximum = 100, description = "How many, 50 unless said")
    ),
    responses((status = 200, description = "A page, newest first", body = DeliveryList), Refusals),
    security(("bearer" = []))
)]
async fn list_deliveries(
    State(state): State<ApiState>,
    caller: Caller,
    QueryFields(query): QueryFields,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let list = asked(&query)?;
    let listed = deliveries::list(&state.db, caller.account_id, &list);
    let mut listed = store::ask(listed).await?;
    let shown = usize::try_from(list.limit - 1).unwrap_or(usize::MAX);
    let more = listed.len() > shown;
    listed.truncate(shown);
    let page = DeliveryList {
        next_cursor: listed.last().map(|last| last.delivery_id).filter(|_| more),
        data: listed.into_iter().map(DeliveryObject::from).collect(),
    };
    Ok(answer::json(StatusCode::OK, &page))
}

/// Read a webhook delivery and its attempts
#[utoipa::path(
    get, path = "/v1/deliveries/{id}", tag = "webhooks",
    params(("id" = uuid::Uuid, Path, description = "The delivery's id")),
    responses((status = 200, description = "The delivery", body = DeliveryDetail), NoSuch, Refusals),
    security(("bearer" = []))
)]
async fn get_delivery(
    State(state): State<ApiState>,
    caller: Caller,
    Path(delivery_id): Path<DeliveryId>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    detail(&state, caller.account_id, delivery_id, StatusCode::OK).await
}

/// Resend a webhook delivery
///
/// One that has come to an end, well or not, is sent again at once, with the same id and the same body, by a new schedule.
#[utoipa::path(
    post, path = "/v1/deliveries/{id}/resend", tag = "webhooks",
    params(
        ("id" = uuid::Uuid, Path, description = "The delivery's id"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255,
            description = "Made again with this key within a day, the request sends nothing and is answered as before")
    ),
    responses(
        (status = 202, description = "It is on its way", body = DeliveryDetail, example = json!(story::delivery_again())),
        (status = 409, description = "It is on its way already, its endpoint is disabled or deleted, its event is not kept any more, or the same request is being worked on",
         body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The Idempotency-Key was used for another request",
         body = Problem, content_type = "application/problem+json"),
        NoSuch, Refusals
    ),
    security(("bearer" = []))
)]
async fn resend_delivery(
    State(state): State<ApiState>,
    caller: Caller,
    once: Once,
    Path(delivery_id): Path<DeliveryId>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let (with, account_id) = (state.clone(), caller.account_id);
    // Made again by a process that died in between, it may be sent twice: under one `webhook-id`, as every attempt.
    let again = move |_id| async move { resend(&with, account_id, delivery_id).await };
    once.perform(&state, &caller, b"", again).await
}

async fn resend(
    state: &ApiState,
    account_id: AccountId,
    delivery_id: DeliveryId,
) -> Result<Response, Error> {
    match manage::resend(&state.db, account_id, delivery_id).await? {
        Resent::Started => {
            state.wake.wake();
            detail(state, account_id, delivery_id, StatusCode::ACCEPTED).await
        }
        Resent::Unfinished => Err(Error::new(
            Code::InvalidTransition,
            "the delivery is on its way already",
        )),
        Resent::NoEndpoint => Err(Error::new(
            Code::InvalidTransition,
            "the delivery's endpoint is disabled or deleted",
        )),
        Resent::NoBody => Err(Error::new(
            Code::InvalidTransition,
            "what the delivery tells is not kept any more",
        )),
        Resent::NotFound => Err(Error::not_found("delivery")),
    }
}

async fn detail(
    state: &ApiState,
    account_id: AccountId,
    delivery_id: DeliveryId,
    status: StatusCode,
) -> Result<Response, Error> {
    let found = store::ask(deliveries::find(&state.db, account_id, delivery_id)).await?;
    let delivery = found.ok_or_else(|| Error::not_found("delivery"))?;
    let newest = attempts::newest(&state.db, account_id, delivery_id, ATTEMPTS_MAX);
    let attempts = store::ask(newest).await?;
    let event_id = delivery.event_id;
    let attempts = attempts.into_iter();
    let shown = DeliveryDetail {
        delivery: delivery.into(),
        attempts: attempts
            .map(|kept| AttemptObject::new(event_id, kept))
            .collect(),
    };
    Ok(answer::json(status, &shown))
}
