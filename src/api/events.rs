//! Native routes for what was told: events, newest first, and one with the body that is posted.

use axum::{extract::State, http::StatusCode, response::Response};
use chrono::{DateTime, Datelike as _, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer,
    auth::require,
    document::story,
    error::Error,
    extract::{Field, Fields, Path, QueryFields, Reader, Wrong},
    native::{NoSuch, Refusals},
    redact,
    state::ApiState,
};
use crate::{
    domain::{
        account::{Caller, Scope},
        event::EventType,
        id::{CallId, EventId},
    },
    store::{
        self,
        events::{self, List, Listed},
    },
};

/// Events on a page unless the request says otherwise.
const LIMIT: i64 = 50;

/// The most events on a page.
const LIMIT_MAX: i32 = 100;

/// The routes of this module.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list_events))
        .routes(routes!(get_event))
}

/// Something that happened, without its body.
#[derive(Debug, Serialize, ToSchema)]
struct EventSummary {
    /// Its id: the `webhook-id`.
    id: EventId,
    /// What happened.
    #[serde(rename = "type")]
    event_type: EventType,
    /// The call; null if it is about an endpoint.
    call_id: Option<CallId>,
    /// When.
    timestamp: DateTime<Utc>,
    /// How long its body is.
    body_bytes: i32,
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::events()))]
struct EventList {
    /// Newest first.
    data: Vec<EventSummary>,
    /// The `cursor` of the next page; null on the last.
    next_cursor: Option<EventId>,
}

/// Something that happened to a call, as it is told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::event()))]
struct EventObject {
    /// Its id: the `webhook-id`.
    id: EventId,
    /// What happened.
    #[serde(rename = "type")]
    event_type: EventType,
    /// The call; null if it is about an endpoint.
    call_id: Option<CallId>,
    /// When.
    timestamp: DateTime<Utc>,
    /// What is posted, byte for byte: what signatures are made over. To a credential that reads transcripts redacted it is
    /// shown so.
    body: String,
}

impl From<Listed> for EventSummary {
    fn from(listed: Listed) -> Self {
        Self {
            id: listed.event_id,
            event_type: listed.event_type,
            call_id: listed.call_id,
            timestamp: listed.occurred_at,
            body_bytes: listed.body_bytes,
        }
    }
}

/// What is to be listed: one event more than is shown, which says whether there is a next page. Everything that is wrong is
/// named at once.
fn asked(query: &Fields<'_>) -> Result<List, Error> {
    let mut reader = Reader::new(query);
    reader.only(&["type", "call_id", "since", "until", "cursor", "limit"]);
    let list = List {
        event_type: reader.optional("type", Field::parse),
        call_id: reader.optional("call_id", Field::uuid),
        since: reader.optional("since", moment),
        until: reader.optional("until", moment),
        before: reader.optional("cursor", Field::uuid),
        limit: reader
            .optional("limit", |field| field.digits(1, LIMIT_MAX))
            .map_or(LIMIT, i64::from)
            + 1,
    };
    reader.finish(Some(list))
}

/// A time that an id of version 7 can have.
fn moment(field: &Field<'_>) -> Result<DateTime<Utc>, Wrong> {
    // An unescaped `+` of an offset reads as a blank.
    let text = field.text()?.replace(' ', "+");
    DateTime::parse_from_rfc3339(&text)
        .ok()
        .map(|time| time.to_utc())
        .filter(|time| (1970..=9999).contains(&time.year()))
        .ok_or_else(|| Wrong::invalid("must be a time (RFC 3339), such as 2026-03-01T09:30:00Z"))
}

/// List events
///
/// What was told, whatever became of its deliveries: only what somebody subscribed to is kept. Without the bodies: read an event for its
/// body. `since` and `until` are compared with when the event was written, to the millisecond, which its id has.
#[utoipa::path(
    get, path = "/v1/events", tag = "webhooks",
    params(
        ("type" = Option<EventType>, Query, description = "Of this type"),
        ("call_id" = Option<uuid::Uuid>, Query, description = "Of this call"),
        ("since" = Option<DateTime<Utc>>, Query, description = "At this time (RFC 3339) or later"),
        ("until" = Option<DateTime<Utc>>, Query, description = "Before this time (RFC 3339)"),
        ("cursor" = Option<uuid::Uuid>, Query, description = "The `next_cursor` of the page before"),
        ("limit" = Option<i32>, Query, minimum = 1, maximum = 100, description = "How many, 50 unless said")
    ),
    responses((status = 200, description = "A page, newest first", body = EventList), Refusals),
    security(("bearer" = []))
)]
async fn list_events(
    State(state): State<ApiState>,
    caller: Caller,
    QueryFields(query): QueryFields,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let list = asked(&query)?;
    let listed = events::list(&state.db, caller.account_id, &list);
    let mut listed = store::ask(listed).await?;
    let shown = usize::try_from(list.limit - 1).unwrap_or(usize::MAX);
    let more = listed.len() > shown;
    listed.truncate(shown);
    let page = EventList {
        next_cursor: listed.last().map(|last| last.event_id).filter(|_| more),
        data: listed.into_iter().map(EventSummary::from).collect(),
    };
    Ok(answer::json(StatusCode::OK, &page))
}

/// Read an event as it is told
#[utoipa::path(
    get, path = "/v1/events/{id}", tag = "webhooks",
    params(("id" = uuid::Uuid, Path, description = "The event's id: the `webhook-id` of its deliveries")),
    responses((status = 200, description = "The event", body = EventObject), NoSuch, Refusals),
    security(("bearer" = []))
)]
async fn get_event(
    State(state): State<ApiState>,
    caller: Caller,
    Path(event_id): Path<EventId>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let access = redact::access(&state.db, &caller).await?;
    let found = store::ask(events::find(&state.db, caller.account_id, event_id)).await?;
    let event = found.ok_or_else(|| Error::not_found("event"))?;
    let shown = EventObject {
        id: event.event_id,
        event_type: event.event_type,
        call_id: event.call_id,
        timestamp: event.occurred_at,
        body: redact::event(event.body, access).await,
    };
    Ok(answer::json(StatusCode::OK, &shown))
}
