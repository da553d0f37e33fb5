//! Events: what happened, in the very bytes in which it is told. Their table is cut into weeks by the time in their ids, so a list is
//! bounded by ids wherever a time is asked for.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection, PgExecutor, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::domain::{
    event::EventType,
    id::{AccountId, CallId, EventId},
};

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Whose it is.
    pub account_id: AccountId,
    /// Its id; the `webhook-id` of its deliveries.
    pub event_id: EventId,
    /// The call it happened to; none: it happened to an endpoint.
    pub call_id: Option<CallId>,
    /// What happened.
    pub event_type: EventType,
    /// When.
    pub occurred_at: DateTime<Utc>,
    /// What is sent, byte for byte.
    pub body: String,
}

/// An event as it is listed: without its body.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Listed {
    /// Its id.
    pub event_id: EventId,
    /// The call it happened to; none: it happened to an endpoint.
    pub call_id: Option<CallId>,
    /// What happened.
    pub event_type: EventType,
    /// When.
    pub occurred_at: DateTime<Utc>,
    /// How long its body is.
    pub body_bytes: i32,
}

/// A page of events, newest first.
#[derive(Debug, Clone, Default)]
pub struct List {
    /// Of this type.
    pub event_type: Option<EventType>,
    /// Of this call.
    pub call_id: Option<CallId>,
    /// Written then or later: not before 1970, where no id leads.
    pub since: Option<DateTime<Utc>>,
    /// Written before.
    pub until: Option<DateTime<Utc>>,
    /// Older than this one.
    pub before: Option<EventId>,
    /// At most so many.
    pub limit: i64,
}

/// Keeps events, with one statement however many.
pub async fn insert(conn: &mut PgConnection, events: Vec<Event>) -> sqlx::Result<()> {
    let accounts: Vec<_> = events.iter().map(|e| e.account_id.uuid()).collect();
    let ids: Vec<_> = events.iter().map(|e| e.event_id.uuid()).collect();
    let calls: Vec<_> = events.iter().map(|e| e.call_id.map(CallId::uuid)).collect();
    let types: Vec<_> = events
        .iter()
        .map(|e| e.event_type.as_str().to_owned())
        .collect();
    let times: Vec<_> = events.iter().map(|e| e.occurred_at).collect();
    let bodies: Vec<_> = events.into_iter().map(|e| e.body).collect();
    sqlx::query!(
        "insert into events (account_id, event_id, call_id, type, occurred_at, body)
         select account_id, event_id, call_id, type::event_type, occurred_at, body
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::text[])
              as new (account_id, event_id, call_id, type, occurred_at, body)",
        &accounts,
        &ids,
        &calls as &[Option<Uuid>],
        &types,
        &times,
        &bodies
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An event of the account.
pub async fn find(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    event_id: EventId,
) -> sqlx::Result<Option<Event>> {
    sqlx::query_as!(
        Event,
        r#"select account_id as "account_id: AccountId", event_id as "event_id: EventId", call_id as "call_id: CallId",
                  type as event_type, occurred_at, body
           from events where account_id = $1 and event_id = $2"#,
        account_id.uuid(),
        event_id.uuid()
    )
    .fetch_optional(db)
    .await
}

/// A page of the account's events. Put together at run time, so that each filter is planned for itself.
pub async fn list(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    list: &List,
) -> sqlx::Result<Vec<Listed>> {
    page(account_id, list).build_query_as().fetch_all(db).await
}

/// The statement of [`list`], for the test that asks how it is planned.
///
/// Events have no index by their call: every event is a delivery's, and those have one. That is one index less to keep on the way of every
/// event that is told.
pub fn page(account_id: AccountId, list: &List) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(
        "select event_id, call_id, type as event_type, occurred_at, octet_length(body) as body_bytes from events where account_id = ",
    );
    sql.push_bind(account_id.uuid());
    if let Some(event_type) = list.event_type {
        sql.push(" and type = ").push_bind(event_type);
    }
    if let Some(call_id) = list.call_id {
        sql.push(" and event_id = any (array(");
        for (n, deliveries) in ["deliveries", "delivery_queue"].into_iter().enumerate() {
            sql.push(if n == 0 { "" } else { " union all " })
                .push("select event_id from ")
                .push(deliveries)
                .push(" where account_id = ")
                .push_bind(account_id.uuid())
                .push(" and call_id = ")
                .push_bind(call_id.uuid());
        }
        sql.push("))");
    }
    if let Some(since) = list.since {
        sql.push(" and event_id >= uuid_at(")
            .push_bind(since)
            .push(")");
    }
    if let Some(until) = list.until {
        sql.push(" and event_id < uuid_at(")
            .push_bind(until)
            .push(")");
    }
    if let Some(before) = list.before {
        sql.push(" and event_id < ").push_bind(before.uuid());
    }
    sql.push(" order by event_id desc limit ")
        .push_bind(list.limit);
    sql
}
