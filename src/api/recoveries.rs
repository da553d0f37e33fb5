//! Native routes that send again what an endpoint has missed.

use axum::{extract::State, http::StatusCode, response::Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    answer,
    auth::require,
    calls::parse,
    document::story::recovery as story,
    error::{Code, Error, FieldError, Problem},
    extract::{BODY_BYTES_MAX, Field, Fields, JsonBody, Path, QueryFields, Reader},
    idempotency::Once,
    native::{NoSuch, Refusals},
    state::ApiState,
};
use crate::{
    domain::{
        account::{Caller, Scope},
        delivery::DeliveryState,
        id::{EndpointId, RecoveryId},
        recovery::{Recovery, Stage},
    },
    store::{self, recoveries},
    webhooks::recover::{self, Request, RequestError},
};

/// Recoveries on a page unless the request says otherwise.
const LIMIT: i64 = 50;

/// The most recoveries on a page.
const LIMIT_MAX: i32 = 100;

/// How deliveries end that can be sent again.
const STATES: [(&str, DeliveryState); 3] = [
    ("dead", DeliveryState::Dead),
    ("discarded", DeliveryState::Discarded),
    ("succeeded", DeliveryState::Succeeded),
];

/// The routes of this module.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(recover_endpoint))
        .routes(routes!(list_recoveries))
        .routes(routes!(get_recovery))
}

/// What is to be sent again. [`wanted`] reads it.
#[derive(ToSchema)]
#[schema(example = json!(story::body()))]
#[expect(
    dead_code,
    reason = "the document's description of a body that is read field by field"
)]
struct RecoverBody {
    /// What was told at this time or later.
    since: DateTime<Utc>,
    /// What was told before this time; now, if it is not given or is still to come.
    #[schema(required = false, nullable)]
    until: Option<DateTime<Utc>>,
    /// Deliveries that have ended so: `dead` and `discarded` unless it is said. With `succeeded` everything is told once more.
    #[schema(required = false, nullable, max_items = 3)]
    states: Option<Vec<Over>>,
    /// Also events of calls that were never on their way to this endpoint, because it was not there yet or did not subscribe to them, as far
    /// as they were kept for others. False unless it is said.
    #[schema(required = false, nullable)]
    missing: Option<bool>,
}

/// How a delivery has ended.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(
    dead_code,
    reason = "the document's description of a body that is read field by field"
)]
enum Over {
    /// The schedule is spent.
    Dead,
    /// The endpoint was disabled.
    Discarded,
    /// The endpoint took it.
    Succeeded,
}

/// How a recovery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum RecoveryState {
    /// It is being worked on.
    Running,
    /// All of it is on its way, and delivered like everything else.
    Completed,
    /// The endpoint was disabled or deleted meanwhile.
    Failed,
}

/// A recovery.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::recovery()))]
struct RecoveryObject {
    /// Its id.
    id: RecoveryId,
    /// To whom.
    endpoint_id: EndpointId,
    /// What was told at this time or later.
    since: DateTime<Utc>,
    /// What was told before this time.
    until: DateTime<Utc>,
    /// Deliveries that had ended so.
    states: Vec<DeliveryState>,
    /// Also events that were never on their way to the endpoint.
    missing: bool,
    /// How it stands.
    state: RecoveryState,
    /// Events and deliveries that were looked at so far.
    looked_at: i64,
    /// Deliveries that were put on their way again.
    resent: i64,
    /// Deliveries that were made of events that had none to the endpoint.
    made: i64,
    /// Deliveries that could not be sent again: what they tell is not kept any more.
    skipped: i64,
    /// When it was asked for.
    created_at: DateTime<Utc>,
    /// When it came to its end; null until then.
    finished_at: Option<DateTime<Utc>>,
}

/// A page of recoveries.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::recoveries()))]
struct RecoveryList {
    /// Newest first.
    data: Vec<RecoveryObject>,
    /// The `cursor` of the next page; null on the last.
    next_cursor: Option<RecoveryId>,
}

impl From<Recovery> for RecoveryObject {
    fn from(recovery: Recovery) -> Self {
        let (missed, counts) = (recovery.missed, recovery.counts);
        Self {
            id: recovery.recovery_id,
            endpoint_id: recovery.endpoint_id,
            since: missed.since,
            until: missed.until,
            states: missed.states,
            missing: missed.missing,
            state: match recovery.stage {
                Stage::Making | Stage::Resending => RecoveryState::Running,
                Stage::Completed => RecoveryState::Completed,
                Stage::Failed => RecoveryState::Failed,
            },
            looked_at: counts.looked_at,
            resent: counts.resent,
            made: counts.made,
            skipped: counts.skipped,
            created_at: recovery.created_at,
            finished_at: recovery.finished_at,
        }
    }
}

impl From<RequestError> for Error {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::NoEndpoint => Self::not_found("endpoint"),
            RequestError::Disabled | RequestError::Running(_) => {
                Self::new(Code::InvalidTransition, error.to_string())
            }
            RequestError::Window => Self::fields(
                Code::Unprocessable,
                vec![FieldError::invalid("since", error)],
            ),
            RequestError::Store(error) => error.into(),
        }
    }
}

/// What is asked for, of this endpoint. Everything that is wrong is named at once.
fn wanted(body: &[u8], caller: &Caller, endpoint_id: EndpointId) -> Result<Request, Error> {
    let fields = Fields::from_json(body)?;
    let mut reader = Reader::new(&fields);
    reader.only(&["since", "until", "states", "missing"]);
    let since = reader.required("since", parse::time);
    let until = reader.optional("until", parse::time);
    let missing = reader.optional("missing", Field::bool).unwrap_or(false);
    let states = states(&mut reader);
    if states.is_empty() && !missing {
        let told = "must name a state, unless `missing` is true";
        reader.refuse(FieldError::invalid("states", told));
    }
    reader.finish(since.map(|since| Request {
        account_id: caller.account_id,
        recovery_id: RecoveryId::generate(),
        endpoint_id,
        since,
        until,
        states,
        missing,
    }))
}

fn states(reader: &mut Reader<'_, '_>) -> Vec<DeliveryState> {
    if !reader.has("states") {
        return vec![DeliveryState::Dead, DeliveryState::Discarded];
    }
    let mut states = Vec::new();
    for (at, named) in reader
        .optional("states", Field::items)
        .into_iter()
        .flatten()
        .enumerate()
    {
        match STATES.iter().find(|(word, _)| named == *word) {
            Some((_, state)) if states.contains(state) => {}
            Some((_, state)) => states.push(*state),
            None => {
                let told = "must be one of dead, discarded, succeeded";
                reader.refuse(FieldError::invalid(format!("states[{at}]"), told));
            }
        }
    }
    states
}

/// Send again what an endpoint has missed
///
/// Everything that was told between `since` and `until` and that the endpoint has not taken is put on its way again, by a new schedule, with the
/// same id and the same body: dead letters, and what was discarded while the endpoint was disabled. However much it is, it is done in the
/// background; the answer tells how far it is. One recovery of an endpoint runs at a time.
#[utoipa::path(
    post, path = "/v1/webhook-endpoints/{id}/recover", tag = "webhooks",
    params(
        ("id" = uuid::Uuid, Path, description = "The endpoint's id"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255,
            description = "Made again with this key within a day, the request begins nothing and is answered as before")
    ),
    request_body = RecoverBody,
    responses(
        (status = 202, description = "It will be done", body = RecoveryObject, example = json!(story::begun())),
        (status = 408, description = "The body did not arrive in time", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The endpoint is disabled, another recovery of it is running, or the same request is being worked on",
         body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not a media type that this route reads", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Nothing lies between `since` and `until`, or the Idempotency-Key was used for another request",
         body = Problem, content_type = "application/problem+json"),
        NoSuch, Refusals
    ),
    security(("bearer" = [])),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX)))
)]
async fn recover_endpoint(
    State(state): State<ApiState>,
    caller: Caller,
    once: Once,
    Path(endpoint_id): Path<EndpointId>,
    body: Result<JsonBody, Error>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let JsonBody(body) = body?;
    let wanted = wanted(&body, &caller, endpoint_id)?;
    let with = state.clone();
    let begin = move |id: Uuid| async move {
        let asked = Request {
            recovery_id: id.into(),
            ..wanted
        };
        let recovery = recover::request(&with.db, &with.wake, asked).await?;
        Ok(answer::json(
            StatusCode::ACCEPTED,
            &RecoveryObject::from(recovery),
        ))
    };
    once.perform(&state, &caller, &body, begin).await
}

/// Read a recovery
#[utoipa::path(
    get, path = "/v1/recoveries/{id}", tag = "webhooks",
    params(("id" = uuid::Uuid, Path, description = "The recovery's id")),
    responses((status = 200, description = "How far it is", body = RecoveryObject), NoSuch, Refusals),
    security(("bearer" = []))
)]
async fn get_recovery(
    State(state): State<ApiState>,
    caller: Caller,
    Path(recovery_id): Path<RecoveryId>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let found = recoveries::find(&state.db, (caller.account_id, recovery_id));
    let recovery = store::ask(found).await?;
    let recovery = recovery.ok_or_else(|| Error::not_found("recovery"))?;
    Ok(answer::json(
        StatusCode::OK,
        &RecoveryObject::from(recovery),
    ))
}

/// List recoveries
#[utoipa::path(
    get, path = "/v1/recoveries", tag = "webhooks",
    params(
        ("cursor" = Option<uuid::Uuid>, Query, description = "The `next_cursor` of the page before"),
        ("limit" = Option<i32>, Query, minimum = 1, maximum = 100, description = "Recoveries on a page; 50 unless given")
    ),
    responses((status = 200, description = "A page of them", body = RecoveryList), Refusals),
    security(("bearer" = []))
)]
async fn list_recoveries(
    State(state): State<ApiState>,
    caller: Caller,
    QueryFields(query): QueryFields,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let mut reader = Reader::new(&query);
    reader.only(&["cursor", "limit"]);
    let before = reader.optional("cursor", Field::uuid::<RecoveryId>);
    let limit = reader.optional("limit", |field| field.digits(1, LIMIT_MAX));
    reader.finish(Some(()))?;
    let limit = limit.map_or(LIMIT, i64::from);
    // One more than is shown says whether there is a next page.
    let listed = recoveries::list(&state.db, caller.account_id, before, limit + 1);
    let mut listed = store::ask(listed).await?;
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = listed.len() > shown;
    listed.truncate(shown);
    let list = RecoveryList {
        next_cursor: listed.last().filter(|_| more).map(|last| last.recovery_id),
        data: listed.into_iter().map(RecoveryObject::from).collect(),
    };
    Ok(answer::json(StatusCode::OK, &list))
}
