//! Deliveries and their attempts.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::{
    event::EventType,
    id::{AccountId, CallId, DeliveryId, EndpointId, EventId, JobId},
};

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
