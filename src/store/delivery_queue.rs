//! Deliveries that are not over: what is due. What became of it is in [`super::delivery_results`].

#![expect(
    clippy::as_conversions,
    reason = "the query macros spell the type of a parameter with `as`"
)]

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::domain::{
    delivery::DeliveryState,
    endpoint::EndpointState,
    event::EventType,
    id::{AccountId, CallId, DeliveryId, EndpointId, EventId},
};

/// How many deliveries are discarded at once with their endpoint. The delivering worker discards what is beyond.
pub const DISCARD_MAX: i64 = 1000;

/// How far before the newest due time that was read the next reading begins: a transaction may commit what it made due a moment ago.
const OVERLAP_MS: i64 = 200;

/// A delivery to be made.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// Its id.
    pub delivery_id: DeliveryId,
    /// Whose it is.
    pub account_id: AccountId,
    /// To whom.
    pub endpoint_id: EndpointId,
    /// Which event.
    pub event_id: EventId,
    /// Of which call, if of one.
    pub call_id: Option<CallId>,
    /// What kind of event.
    pub event_type: EventType,
    /// The body's size in bytes.
    pub size: usize,
    /// Whether the endpoint is told anything now.
    pub endpoint_state: EndpointState,
}

/// A delivery whose next attempt may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Its id.
    pub delivery_id: DeliveryId,
    /// Whose it is.
    pub account_id: AccountId,
    /// To whom.
    pub endpoint_id: EndpointId,
    /// Which event.
    pub event_id: EventId,
    /// Of which call, if of one.
    pub call_id: Option<CallId>,
    /// What kind of event.
    pub event_type: EventType,
    /// The body's size in bytes.
    pub size: i32,
    /// Since when it is due.
    pub due_at: DateTime<Utc>,
    /// Attempts ever made: the fence.
    pub attempts: i32,
    /// Attempts made in the present schedule.
    pub step: i32,
}

/// How far an endpoint's due deliveries were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The due time of the last one.
    pub due_at: DateTime<Utc>,
    /// The last one.
    pub delivery_id: DeliveryId,
}

/// What is wanted of an endpoint's due deliveries.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// What comes after this one; all, if none.
    pub after: Option<Mark>,
    /// At most so many.
    pub limit: i64,
}

/// What every new delivery has, column by column.
#[derive(Default)]
struct Columns {
    accounts: Vec<Uuid>,
    ids: Vec<Uuid>,
    events: Vec<Uuid>,
    endpoints: Vec<Uuid>,
    calls: Vec<Option<Uuid>>,
    types: Vec<String>,
}

impl Columns {
    fn of(deliveries: &[NewDelivery]) -> Self {
        let mut columns = Self::default();
        for new in deliveries {
            columns.accounts.push(new.account_id.uuid());
            columns.ids.push(new.delivery_id.uuid());
            columns.events.push(new.event_id.uuid());
            columns.endpoints.push(new.endpoint_id.uuid());
            columns.calls.push(new.call_id.map(CallId::uuid));
            columns.types.push(new.event_type.as_str().to_owned());
        }
        columns
    }
}

/// Keeps deliveries, due at once, with one statement however many. Those to endpoints that are disabled are discarded from the beginning: they
/// say what the endpoint misses. Answers how many are due.
pub async fn insert(conn: &mut PgConnection, deliveries: Vec<NewDelivery>) -> sqlx::Result<usize> {
    let (deliveries, missed): (Vec<_>, Vec<_>) = deliveries
        .into_iter()
        .partition(|new| new.endpoint_state == EndpointState::Enabled);
    if !missed.is_empty() {
        discard(&mut *conn, &missed).await?;
    }
    if deliveries.is_empty() {
        return Ok(0);
    }
    let new = Columns::of(&deliveries);
    let sizes: Vec<_> = deliveries
        .iter()
        .map(|d| i32::try_from(d.size).unwrap_or(i32::MAX))
        .collect();
    sqlx::query!(
        "insert into delivery_queue (account_id, delivery_id, event_id, endpoint_id, call_id, event_type, size)
         select account_id, delivery_id, event_id, endpoint_id, call_id, event_type::event_type, size
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::int[])
              as new (account_id, delivery_id, event_id, endpoint_id, call_id, event_type, size)",
        &new.accounts,
        &new.ids,
        &new.events,
        &new.endpoints,
        &new.calls as &[Option<Uuid>],
        &new.types,
        &sizes
    )
    .execute(conn)
    .await?;
    Ok(deliveries.len())
}

/// Keeps deliveries that are over before they began.
async fn discard(conn: &mut PgConnection, deliveries: &[NewDelivery]) -> sqlx::Result<()> {
    let new = Columns::of(deliveries);
    sqlx::query!(
        "insert into deliveries (account_id, delivery_id, event_id, endpoint_id, call_id, event_type, state, attempts, created_at)
         select account_id, delivery_id, event_id, endpoint_id, call_id, event_type::event_type, 'discarded', 0, now()
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[])
              as new (account_id, delivery_id, event_id, endpoint_id, call_id, event_type)",
        &new.accounts,
        &new.ids,
        &new.events,
        &new.endpoints,
        &new.calls as &[Option<Uuid>],
        &new.types
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is due at these endpoints, in the order in which it became due. What may not be told before a call's end waits until that is over:
/// the emitter of both holds the call's row, so who sees the one sees the other. (No `exists`: it would be planned as a hash of all ends.)
pub async fn due(db: impl PgExecutor<'_>, wanted: &[Wanted]) -> sqlx::Result<Vec<Due>> {
    let endpoints: Vec<_> = wanted.iter().map(|w| w.endpoint_id.uuid()).collect();
    let times: Vec<_> = wanted.iter().map(|w| w.after.map(|a| a.due_at)).collect();
    let ids: Vec<_> = wanted
        .iter()
        .map(|w| w.after.map_or(Uuid::nil(), |a| a.delivery_id.uuid()))
        .collect();
    let limits: Vec<_> = wanted.iter().map(|w| w.limit).collect();
    sqlx::query_as!(
        Due,
        r#"select q.delivery_id as "delivery_id: DeliveryId", q.account_id as "account_id: AccountId",
                  q.endpoint_id as "endpoint_id: EndpointId", q.event_id as "event_id: EventId", q.call_id as "call_id: CallId",
                  q.event_type, q.size, q.due_at, q.attempts, q.step
           from unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::bigint[]) as wanted (endpoint_id, due_at, delivery_id, most)
           cross join lateral (
             select * from delivery_queue q
             where q.endpoint_id = wanted.endpoint_id and q.due_at <= now()
               and (q.due_at, q.delivery_id)
                   > (least(coalesce(wanted.due_at, '-infinity'), now() - $5::bigint * interval '1 millisecond'),
                      case when wanted.due_at < now() - $5::bigint * interval '1 millisecond' then wanted.delivery_id
                           else '00000000-0000-0000-0000-000000000000'::uuid end)
               and (q.event_type in ('call.started', 'call.answered', 'call.ended') or (
                     select true from delivery_queue ended
                     where ended.call_id = q.call_id and ended.endpoint_id = q.endpoint_id and ended.event_type = 'call.ended'
                     limit 1) is null)
             order by q.due_at, q.delivery_id
             limit wanted.most
           ) q"#,
        &endpoints,
        &times as &[Option<DateTime<Utc>>],
        &ids,
        &limits,
        OVERLAP_MS
    )
    .fetch_all(db)
    .await
}

/// What waited for these ends, which the caller has just brought to an end: at most so many.
pub async fn followers(
    conn: &mut PgConnection,
    ended: &[(EndpointId, CallId)],
    limit: i64,
) -> sqlx::Result<Vec<Due>> {
    let endpoints: Vec<_> = ended.iter().map(|(endpoint, _)| endpoint.uuid()).collect();
    let calls: Vec<_> = ended.iter().map(|(_, call)| call.uuid()).collect();
    sqlx::query_as!(
        Due,
        r#"select q.delivery_id as "delivery_id: DeliveryId", q.account_id as "account_id: AccountId",
                  q.endpoint_id as "endpoint_id: EndpointId", q.event_id as "event_id: EventId", q.call_id as "call_id: CallId",
                  q.event_type, q.size, q.due_at, q.attempts, q.step
           from unnest($1::uuid[], $2::uuid[]) as ended (endpoint_id, call_id)
           join delivery_queue q on q.call_id = ended.call_id and q.endpoint_id = ended.endpoint_id
           where q.due_at <= now() and (
             select true from delivery_queue other
             where other.call_id = q.call_id and other.endpoint_id = q.endpoint_id and other.event_type = 'call.ended' limit 1) is null
           order by q.due_at, q.delivery_id
           limit $3"#,
        &endpoints,
        &calls,
        limit
    )
    .fetch_all(conn)
    .await
}

/// What is sent, with the time. An event whose body is gone is not among the answers.
pub async fn bodies(
    conn: &mut PgConnection,
    due: &[Due],
) -> sqlx::Result<(DateTime<Utc>, Vec<(EventId, String)>)> {
    let accounts: Vec<_> = due.iter().map(|d| d.account_id.uuid()).collect();
    let events: Vec<_> = due.iter().map(|d| d.event_id.uuid()).collect();
    let rows = sqlx::query!(
        r#"select event.event_id as "event_id: EventId", event.body
           from (select distinct * from unnest($1::uuid[], $2::uuid[])) as wanted (account_id, event_id)
           join events event on event.account_id = wanted.account_id and event.event_id = wanted.event_id"#,
        &accounts,
        &events
    )
    .fetch_all(&mut *conn)
    .await?;
    let now = sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#)
        .fetch_one(conn)
        .await?;
    Ok((
        now,
        rows.into_iter()
            .map(|row| (row.event_id, row.body))
            .collect(),
    ))
}

/// Ends what is on its way to an endpoint, at most [`DISCARD_MAX`], oldest first, without an attempt. Answers how many.
pub async fn end_all(
    conn: &mut PgConnection,
    account_id: AccountId,
    endpoint_id: EndpointId,
    state: DeliveryState,
) -> sqlx::Result<u64> {
    let ended = sqlx::query!(
        "with taken as (
           delete from delivery_queue where (account_id, delivery_id) in (
             select account_id, delivery_id from delivery_queue where account_id = $1 and endpoint_id = $2
             order by due_at, delivery_id limit $3 for update
           )
           returning *
         )
         insert into deliveries (account_id, delivery_id, event_id, endpoint_id, call_id, event_type, created_at, attempts, state)
         select account_id, delivery_id, event_id, endpoint_id, call_id, event_type, created_at, attempts, $4 from taken",
        account_id.uuid(),
        endpoint_id.uuid(),
        DISCARD_MAX,
        state as DeliveryState
    )
    .execute(conn)
    .await?;
    Ok(ended.rows_affected())
}

/// Puts deliveries that are over back at the beginning of a schedule. Their last attempts join those before. What has no body any more stays
/// as it is. Answers how many.
pub async fn start_again(
    conn: &mut PgConnection,
    account_id: AccountId,
    deliveries: &[DeliveryId],
) -> sqlx::Result<u64> {
    let ids: Vec<_> = deliveries.iter().map(|id| id.uuid()).collect();
    sqlx::query!(
        "insert into attempts
             (account_id, delivery_id, attempt, started_at, duration_ms, outcome, url, response_status, response_body)
         select account_id, delivery_id, attempts, started_at, duration_ms, outcome, url, response_status, response_body
         from deliveries where account_id = $1 and delivery_id = any($2) and outcome is not null and exists (
           select from events event where event.account_id = deliveries.account_id and event.event_id = deliveries.event_id)",
        account_id.uuid(),
        &ids
    )
    .execute(&mut *conn)
    .await?;
    let started = sqlx::query!(
        "with taken as (
           delete from deliveries where account_id = $1 and delivery_id = any($2) and exists (
             select from events event where event.account_id = deliveries.account_id and event.event_id = deliveries.event_id)
           returning *
         )
         insert into delivery_queue (account_id, delivery_id, event_id, endpoint_id, call_id, event_type, created_at, attempts, size)
         select taken.account_id, delivery_id, taken.event_id, endpoint_id, taken.call_id, event_type, taken.created_at, attempts,
                octet_length(event.body)
         from taken join events event on event.account_id = taken.account_id and event.event_id = taken.event_id",
        account_id.uuid(),
        &ids
    )
    .execute(conn)
    .await?;
    Ok(started.rows_affected())
}
