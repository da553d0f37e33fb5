//! Events: what happened, in the very bytes in which it is told.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};
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
