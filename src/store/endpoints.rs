//! Webhook endpoints.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::domain::{
    endpoint::{ENDPOINTS_MAX, Endpoint, EndpointState, Subscription},
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

/// An endpoint to be kept.
#[derive(Debug)]
pub struct NewEndpoint<'a> {
    /// Whose it is.
    pub account_id: AccountId,
    /// Its id.
    pub endpoint_id: EndpointId,
    /// Where events are posted.
    pub url: &'a str,
    /// What it wants to be told.
    pub subscription: &'a Subscription,
    /// Its signing secret.
    pub sealed_secret: &'a [u8],
}

/// Whether an endpoint was kept.
#[derive(Debug)]
pub enum Inserted {
    /// It was.
    New(Endpoint),
    /// It is there by that id, with this sealed secret.
    AlreadyThere(Endpoint, Vec<u8>),
    /// The account has as many as it may have.
    TooMany,
}

struct Row {
    account_id: AccountId,
    endpoint_id: EndpointId,
    url: String,
    event_types: Vec<EventType>,
    state: EndpointState,
    disabled_reason: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Row> for Endpoint {
    fn from(row: Row) -> Self {
        Self {
            account_id: row.account_id,
            endpoint_id: row.endpoint_id,
            url: row.url,
            subscription: Subscription::to(row.event_types),
            state: row.state,
            disabled_reason: row.disabled_reason,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// Keeps an endpoint, unless it is there or the account has [`ENDPOINTS_MAX`].
pub async fn insert(conn: &mut PgConnection, new: &NewEndpoint<'_>) -> sqlx::Result<Inserted> {
    // Two additions at the same time must not both see room for one.
    sqlx::query!(
        "select account_id from accounts where account_id = $1 for no key update",
        new.account_id.uuid()
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(endpoint) = find(&mut *conn, new.account_id, new.endpoint_id).await? {
        let secret = sqlx::query_scalar!(
            "select sealed_secret from endpoints where account_id = $1 and endpoint_id = $2",
            new.account_id.uuid(),
            new.endpoint_id.uuid()
        );
        return Ok(Inserted::AlreadyThere(
            endpoint,
            secret.fetch_one(conn).await?,
        ));
    }
    let types: Vec<_> = new
        .subscription
        .types()
        .iter()
        .map(|event| event.as_str().to_owned())
        .collect();
    let row = sqlx::query_as!(
        Row,
        r#"insert into endpoints (account_id, endpoint_id, url, event_types, sealed_secret)
           select $1, $2, $3, $4::text[]::event_type[], $5
           where (select count(*) from endpoints where account_id = $1) < $6
           returning account_id as "account_id: AccountId", endpoint_id as "endpoint_id: EndpointId", url,
                     event_types as "event_types: Vec<EventType>", state, disabled_reason, created_at, updated_at"#,
        new.account_id.uuid(),
        new.endpoint_id.uuid(),
        new.url,
        &types,
        new.sealed_secret,
        ENDPOINTS_MAX
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map_or(Inserted::TooMany, |row| Inserted::New(row.into())))
}

/// An endpoint of the account.
pub async fn find(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    endpoint_id: EndpointId,
) -> sqlx::Result<Option<Endpoint>> {
    sqlx::query_as!(
        Row,
        r#"select account_id as "account_id: AccountId", endpoint_id as "endpoint_id: EndpointId", url,
                  event_types as "event_types: Vec<EventType>", state, disabled_reason, created_at, updated_at
           from endpoints where account_id = $1 and endpoint_id = $2"#,
        account_id.uuid(),
        endpoint_id.uuid()
    )
    .fetch_optional(db)
    .await
    .map(|row| row.map(Endpoint::from))
}

/// The account's endpoints, oldest first: at most [`ENDPOINTS_MAX`].
pub async fn list(db: impl PgExecutor<'_>, account_id: AccountId) -> sqlx::Result<Vec<Endpoint>> {
    sqlx::query_as!(
        Row,
        r#"select account_id as "account_id: AccountId", endpoint_id as "endpoint_id: EndpointId", url,
                  event_types as "event_types: Vec<EventType>", state, disabled_reason, created_at, updated_at
           from endpoints where account_id = $1 order by endpoint_id limit $2"#,
        account_id.uuid(),
        ENDPOINTS_MAX
    )
    .fetch_all(db)
    .await
    .map(|rows| rows.into_iter().map(Endpoint::from).collect())
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

/// Disables an endpoint: it is told nothing until it is enabled again.
pub async fn disable(
    conn: &mut PgConnection,
    account_id: AccountId,
    endpoint_id: EndpointId,
    reason: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update endpoints set state = 'disabled', disabled_reason = $3, updated_at = now()
         where account_id = $1 and endpoint_id = $2 and state = 'enabled'",
        account_id.uuid(),
        endpoint_id.uuid(),
        reason
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Enables an endpoint again, if there is such a one.
pub async fn enable(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    endpoint_id: EndpointId,
) -> sqlx::Result<Option<Endpoint>> {
    sqlx::query_as!(
        Row,
        r#"update endpoints set state = 'enabled', disabled_reason = null, updated_at = now()
           where account_id = $1 and endpoint_id = $2
           returning account_id as "account_id: AccountId", endpoint_id as "endpoint_id: EndpointId", url,
                     event_types as "event_types: Vec<EventType>", state, disabled_reason, created_at, updated_at"#,
        account_id.uuid(),
        endpoint_id.uuid()
    )
    .fetch_optional(db)
    .await
    .map(|row| row.map(Endpoint::from))
}

/// Deletes an endpoint and its secret; its deliveries stay to be seen. False: there is none.
pub async fn delete(
    conn: &mut PgConnection,
    account_id: AccountId,
    endpoint_id: EndpointId,
) -> sqlx::Result<bool> {
    let deleted = sqlx::query!(
        "delete from endpoints where account_id = $1 and endpoint_id = $2",
        account_id.uuid(),
        endpoint_id.uuid()
    )
    .execute(conn)
    .await?;
    Ok(deleted.rows_affected() == 1)
}
