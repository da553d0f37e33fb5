//! Deliveries as people see them: those on their way ([`super::delivery_queue`]), and those that are over.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection, PgExecutor, Postgres, QueryBuilder};

use crate::domain::{
    delivery::DeliveryState,
    event::EventType,
    id::{AccountId, CallId, DeliveryId, EndpointId, EventId},
};

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
    /// Of which call; none: it tells of an endpoint.
    pub call_id: Option<CallId>,
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

/// Those on their way. What may not be told before a call's end waits for it.
const ON_THEIR_WAY: &str = "
    select delivery_id, event_id, event_type, endpoint_id, call_id, state, attempts,
           case when state = 'pending' then due_at end as next_attempt_at, created_at, null::timestamptz as finished_at
    from delivery_queue queue cross join lateral (
      select (case when event_type not in ('call.started', 'call.answered', 'call.ended') and (
                select true from delivery_queue ended
                where ended.call_id = queue.call_id and ended.endpoint_id = queue.endpoint_id and ended.event_type = 'call.ended'
                limit 1)
              then 'waiting' else 'pending' end)::delivery_state as state
    ) standing
    where account_id = ";

/// Those that are over.
const OVER: &str = "
    select delivery_id, event_id, event_type, endpoint_id, call_id, state, attempts, null::timestamptz as next_attempt_at, created_at,
           finished_at
    from deliveries where account_id = ";

/// A delivery of the account.
pub async fn find(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    delivery_id: DeliveryId,
) -> sqlx::Result<Option<Delivery>> {
    let mut sql = QueryBuilder::new("");
    for (n, which) in [ON_THEIR_WAY, OVER].into_iter().enumerate() {
        sql.push(if n == 0 { "" } else { " union all " })
            .push(which)
            .push_bind(account_id.uuid())
            .push(" and delivery_id = ")
            .push_bind(delivery_id.uuid());
    }
    sql.build_query_as().fetch_optional(db).await
}

/// Where a delivery that is over ended, locked until the transaction ends. None: it is not over, or there is none.
pub async fn lock_over(
    conn: &mut PgConnection,
    account_id: AccountId,
    delivery_id: DeliveryId,
) -> sqlx::Result<Option<EndpointId>> {
    sqlx::query_scalar!(
        r#"select endpoint_id as "endpoint_id: EndpointId" from deliveries where account_id = $1 and delivery_id = $2 for update"#,
        account_id.uuid(),
        delivery_id.uuid()
    )
    .fetch_optional(conn)
    .await
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
    let mut sql = QueryBuilder::new("select * from (");
    let (on_their_way, over) = match list.state {
        None => (true, true),
        Some(DeliveryState::Waiting | DeliveryState::Pending) => (true, false),
        Some(DeliveryState::Succeeded | DeliveryState::Dead | DeliveryState::Discarded) => {
            (false, true)
        }
    };
    if on_their_way {
        half(&mut sql, ON_THEIR_WAY, account_id, list);
    }
    if on_their_way && over {
        sql.push(" union all ");
    }
    if over {
        half(&mut sql, OVER, account_id, list);
    }
    sql.push(") listed order by delivery_id desc limit ")
        .push_bind(list.limit);
    sql
}

fn half(sql: &mut QueryBuilder<Postgres>, which: &str, account_id: AccountId, list: &List) {
    sql.push("(").push(which).push_bind(account_id.uuid());
    if let Some(state) = list.state {
        sql.push(" and state = ").push_bind(state);
        if matches!(state, DeliveryState::Dead | DeliveryState::Discarded) {
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
        .push_bind(list.limit)
        .push(")");
}
