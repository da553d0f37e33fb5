//! Deliveries: one event on its way to one endpoint. What attempts do to them is in [`super::attempts`].

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection, PgExecutor, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::domain::{
    delivery::DeliveryState,
    event::EventType,
    id::{AccountId, CallId, DeliveryId, EndpointId, EventId, JobId},
};

/// How many deliveries are discarded at once with their endpoint. What is beyond finds the endpoint gone when it comes
/// due, and is discarded then.
pub const DISCARD_MAX: i64 = 1000;

/// One call as one endpoint is told of it: within it, `call.ended` comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Thread {
    /// Whose call.
    pub account_id: AccountId,
    /// Which endpoint.
    pub endpoint_id: EndpointId,
    /// Which call.
    pub call_id: CallId,
}

/// A delivery to be made.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// Its id.
    pub delivery_id: DeliveryId,
    /// To whom, of which call.
    pub thread: Thread,
    /// Which event.
    pub event_id: EventId,
    /// What kind of event.
    pub event_type: EventType,
    /// The job that makes the first attempt; none: it waits for the thread's `call.ended`.
    pub job_id: Option<JobId>,
}

/// A delivery as people see it.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Delivery {
    /// Its id.
    pub delivery_id: DeliveryId,
    /// Which event.
    pub event_id: EventId,
    /// What kind of event.
    pub event_type: EventType,
    /// To whom.
    pub endpoint_id: EndpointId,
    /// Of which call.
    pub call_id: CallId,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts ever made.
    pub attempts: i32,
    /// When it is tried next.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// When the event was emitted.
    pub created_at: DateTime<Utc>,
    /// When it came to its final state.
    pub finished_at: Option<DateTime<Utc>>,
}

/// A page of deliveries, newest first.
#[derive(Debug, Clone)]
pub struct List {
    /// In this state.
    pub state: Option<DeliveryState>,
    /// To this endpoint.
    pub endpoint_id: Option<EndpointId>,
    /// Of this call.
    pub call_id: Option<CallId>,
    /// Older than this one.
    pub before: Option<DeliveryId>,
    /// At most so many.
    pub limit: i64,
}

/// Keeps deliveries, with one statement however many.
pub async fn insert(conn: &mut PgConnection, deliveries: &[NewDelivery]) -> sqlx::Result<()> {
    let accounts: Vec<_> = deliveries
        .iter()
        .map(|d| d.thread.account_id.uuid())
        .collect();
    let ids: Vec<_> = deliveries.iter().map(|d| d.delivery_id.uuid()).collect();
    let events: Vec<_> = deliveries.iter().map(|d| d.event_id.uuid()).collect();
    let endpoints: Vec<_> = deliveries
        .iter()
        .map(|d| d.thread.endpoint_id.uuid())
        .collect();
    let calls: Vec<_> = deliveries.iter().map(|d| d.thread.call_id.uuid()).collect();
    let types: Vec<_> = deliveries
        .iter()
        .map(|d| d.event_type.as_str().to_owned())
        .collect();
    let jobs: Vec<_> = deliveries
        .iter()
        .map(|d| d.job_id.map(JobId::uuid))
        .collect();
    sqlx::query!(
        "insert into deliveries
             (account_id, delivery_id, event_id, endpoint_id, call_id, event_type, state, job_id, next_attempt_at)
         select account_id, delivery_id, event_id, endpoint_id, call_id, event_type::event_type,
                (case when job_id is null then 'waiting' else 'pending' end)::delivery_state, job_id,
                case when job_id is not null then now() end
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::uuid[])
              as new (account_id, delivery_id, event_id, endpoint_id, call_id, event_type, job_id)",
        &accounts,
        &ids,
        &events,
        &endpoints,
        &calls,
        &types,
        &jobs as &[Option<Uuid>]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Of these threads, those whose `call.ended` is still on its way. It cannot arrive, or fail for good, before the
/// caller's transaction ends: see `webhooks::emit`.
pub async fn hold_unfinished_ends(
    conn: &mut PgConnection,
    threads: &[Thread],
) -> sqlx::Result<Vec<Thread>> {
    let accounts: Vec<_> = threads.iter().map(|t| t.account_id.uuid()).collect();
    let endpoints: Vec<_> = threads.iter().map(|t| t.endpoint_id.uuid()).collect();
    let calls: Vec<_> = threads.iter().map(|t| t.call_id.uuid()).collect();
    sqlx::query_as!(
        Thread,
        r#"select d.account_id as "account_id: AccountId", d.endpoint_id as "endpoint_id: EndpointId",
                  d.call_id as "call_id: CallId"
           from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as thread (account_id, endpoint_id, call_id)
           join deliveries d on d.account_id = thread.account_id and d.call_id = thread.call_id
                            and d.endpoint_id = thread.endpoint_id
           where d.event_type = 'call.ended' and d.state = 'pending'
           order by d.account_id, d.delivery_id
           for share of d"#,
        &accounts,
        &endpoints,
        &calls
    )
    .fetch_all(conn)
    .await
}

/// What waits for this thread's `call.ended`, locked. A statement of its own, after the one that finished the
/// `call.ended`: see `webhooks::emit`.
pub async fn lock_waiting(
    conn: &mut PgConnection,
    thread: Thread,
) -> sqlx::Result<Vec<DeliveryId>> {
    sqlx::query_scalar!(
        r#"select delivery_id as "delivery_id: DeliveryId" from deliveries
           where account_id = $1 and call_id = $2 and endpoint_id = $3 and state = 'waiting'
           order by delivery_id
           for update"#,
        thread.account_id.uuid(),
        thread.call_id.uuid(),
        thread.endpoint_id.uuid()
    )
    .fetch_all(conn)
    .await
}

/// Makes locked deliveries pending, at the beginning of a schedule, each with its job.
pub async fn start(
    conn: &mut PgConnection,
    account_id: AccountId,
    deliveries: &[(DeliveryId, JobId)],
) -> sqlx::Result<()> {
    let (ids, jobs): (Vec<_>, Vec<_>) = deliveries
        .iter()
        .map(|(delivery_id, job_id)| (delivery_id.uuid(), job_id.uuid()))
        .unzip();
    sqlx::query!(
        "update deliveries set
           state = 'pending', step = 0, job_id = started.job_id, next_attempt_at = now(), finished_at = null
         from unnest($2::uuid[], $3::uuid[]) as started (delivery_id, job_id)
         where deliveries.account_id = $1 and deliveries.delivery_id = started.delivery_id",
        account_id.uuid(),
        &ids,
        &jobs
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Discards what is on its way to an endpoint that has just been disabled or deleted, at most [`DISCARD_MAX`] and what
/// waits for those.
pub async fn discard_unfinished(
    conn: &mut PgConnection,
    account_id: AccountId,
    endpoint_id: EndpointId,
) -> sqlx::Result<()> {
    let ended = sqlx::query_scalar!(
        r#"with unfinished as (
             select delivery_id from deliveries
             where account_id = $1 and endpoint_id = $2 and state in ('waiting', 'pending')
             order by delivery_id
             limit $3
             for update
           )
           update deliveries set state = 'discarded', job_id = null, next_attempt_at = null, finished_at = now()
           from unfinished where account_id = $1 and deliveries.delivery_id = unfinished.delivery_id
           returning case when event_type = 'call.ended' then call_id end as "call_id: CallId""#,
        account_id.uuid(),
        endpoint_id.uuid(),
        DISCARD_MAX
    )
    .fetch_all(&mut *conn)
    .await?;
    let ended: Vec<_> = ended.into_iter().flatten().map(CallId::uuid).collect();
    // A statement of its own, for what was emitted as waiting until a moment ago: see `webhooks::emit`.
    sqlx::query!(
        "update deliveries set state = 'discarded', finished_at = now()
         where account_id = $1 and endpoint_id = $2 and call_id = any($3) and state = 'waiting'",
        account_id.uuid(),
        endpoint_id.uuid(),
        &ended
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A delivery of the account.
pub async fn find(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    delivery_id: DeliveryId,
) -> sqlx::Result<Option<Delivery>> {
    sqlx::query_as!(
        Delivery,
        r#"select delivery_id as "delivery_id: DeliveryId", event_id as "event_id: EventId", event_type,
                  endpoint_id as "endpoint_id: EndpointId", call_id as "call_id: CallId", state, attempts,
                  next_attempt_at, created_at, finished_at
           from deliveries where account_id = $1 and delivery_id = $2"#,
        account_id.uuid(),
        delivery_id.uuid()
    )
    .fetch_optional(db)
    .await
}

/// A delivery that nobody else changes until the transaction ends.
#[derive(Debug, Clone, Copy)]
pub struct Locked {
    /// To whom, of which call.
    pub thread: Thread,
    /// Where it stands.
    pub state: DeliveryState,
    /// The job that may make the next attempt.
    pub job_id: Option<JobId>,
}

/// A delivery of the account, locked until the transaction ends.
pub async fn lock(
    conn: &mut PgConnection,
    account_id: AccountId,
    delivery_id: DeliveryId,
) -> sqlx::Result<Option<Locked>> {
    let row = sqlx::query!(
        r#"select endpoint_id as "endpoint_id: EndpointId", call_id as "call_id: CallId", state, job_id as "job_id: JobId"
           from deliveries where account_id = $1 and delivery_id = $2 for update"#,
        account_id.uuid(),
        delivery_id.uuid()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Locked {
        thread: Thread {
            account_id,
            endpoint_id: row.endpoint_id,
            call_id: row.call_id,
        },
        state: row.state,
        job_id: row.job_id,
    }))
}

/// A page of the account's deliveries. Put together at run time, so that each filter is planned by its own index.
pub async fn list(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    list: &List,
) -> sqlx::Result<Vec<Delivery>> {
    page(account_id, list).build_query_as().fetch_all(db).await
}

/// The statement of [`list`], for the test that asks how it is planned.
pub fn page(account_id: AccountId, list: &List) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(
        "select delivery_id, event_id, event_type, endpoint_id, call_id, state, attempts, next_attempt_at, created_at,
                finished_at
         from deliveries where account_id = ",
    );
    sql.push_bind(account_id.uuid());
    if let Some(state) = list.state {
        sql.push(" and state = ").push_bind(state);
        if state != DeliveryState::Succeeded {
            // Says that the partial index applies, whatever value is bound.
            sql.push(" and state <> 'succeeded'");
        }
    }
    if let Some(endpoint_id) = list.endpoint_id {
        sql.push(" and endpoint_id = ")
            .push_bind(endpoint_id.uuid());
    }
    if let Some(call_id) = list.call_id {
        sql.push(" and call_id = ").push_bind(call_id.uuid());
    }
    if let Some(before) = list.before {
        sql.push(" and delivery_id < ").push_bind(before.uuid());
    }
    sql.push(" order by delivery_id desc limit ")
        .push_bind(list.limit);
    sql
}
