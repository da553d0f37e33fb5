//! Webhook endpoints.

use sqlx::PgExecutor;
use uuid::Uuid;

use crate::domain::{
    endpoint::Subscription,
    event::EventType,
    id::{AccountId, EndpointId},
};

/// An endpoint that is to be told what it subscribes to.
#[derive(Debug, Clone)]
pub struct Listener {
    /// Whose it is.
    pub account_id: AccountId,
    /// Which endpoint.
    pub endpoint_id: EndpointId,
    /// What it wants to be told.
    pub subscription: Subscription,
}

/// The enabled endpoints of these accounts.
pub async fn listeners(db: impl PgExecutor<'_>, accounts: &[Uuid]) -> sqlx::Result<Vec<Listener>> {
    let rows = sqlx::query!(
        r#"select account_id as "account_id: AccountId", endpoint_id as "endpoint_id: EndpointId",
                  event_types as "event_types: Vec<EventType>"
           from endpoints where account_id = any($1) and state = 'enabled'"#,
        accounts
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Listener {
            account_id: row.account_id,
            endpoint_id: row.endpoint_id,
            subscription: Subscription::to(row.event_types),
        })
        .collect())
}
