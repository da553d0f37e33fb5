//! Webhook endpoints.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::domain::{
    endpoint::{
        DisabledReason, ENDPOINTS_MAX, Endpoint, EndpointKind, EndpointState, Scheme,
        subscription::Subscription,
    },
    id::{AccountId, EndpointId},
};

/// An endpoint that is to be told what it subscribes to, now or when it is enabled again.
#[derive(Debug, Clone)]
pub struct Listener {
    /// Whose it is.
    pub account_id: AccountId,
    /// Which endpoint.
    pub endpoint_id: EndpointId,
    /// What it wants to be told.
    pub subscription: Subscription,
    /// Whether it is told anything now.
    pub state: EndpointState,
}

/// What is kept of an endpoint that can be set.
#[derive(Debug)]
pub struct Settings<'a> {
    /// Where events are posted.
    pub url: &'a str,
    /// What it wants to be told.
    pub subscription: &'a Subscription,
    /// How its webhooks are signed.
    pub signatures: &'a [Scheme],
    /// The names of the headers of its own.
    pub header_names: &'a [String],
    /// The kind of its credential.
    pub authorization_type: Option<&'a str>,
    /// Those headers and that credential.
    pub sealed_headers: Option<&'a [u8]>,
    /// How many requests it takes in a second, at most.
    pub max_per_second: Option<i32>,
    /// How many requests it takes at once, at most.
    pub max_concurrency: Option<i32>,
}

/// Whether an endpoint was kept.
#[derive(Debug)]
pub enum Inserted {
    /// It was.
    New,
    /// It is there: by that id, or as a subscription of the platform to the same by another.
    AlreadyThere(EndpointId),
    /// The account has as many as it may have.
    TooMany,
}

struct Row {
    account_id: AccountId,
    endpoint_id: EndpointId,
    url: String,
    event_types: Vec<String>,
    signatures: Vec<Scheme>,
    public_key: Option<String>,
    kind: EndpointKind,
    header_names: Vec<String>,
    authorization_type: Option<String>,
    max_per_second: Option<i32>,
    max_concurrency: Option<i32>,
    state: EndpointState,
    disabled_reason: Option<DisabledReason>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Row> for Endpoint {
    fn from(row: Row) -> Self {
        Self {
            account_id: row.account_id,
            endpoint_id: row.endpoint_id,
            url: row.url,
            subscription: Subscription::kept(&row.event_types),
            signatures: row.signatures,
            public_key: row.public_key,
            kind: row.kind,
            header_names: row.header_names,
            authorization_type: row.authorization_type,
            max_per_second: row.max_per_second,
            max_concurrency: row.max_concurrency,
            state: row.state,
            disabled_reason: row.disabled_reason,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

fn words(subscription: &Subscription) -> Vec<String> {
    let filters = subscription.filters().iter();
    filters.map(ToString::to_string).collect()
}

fn names(signatures: &[Scheme]) -> Vec<String> {
    let names = signatures.iter().map(|scheme| scheme.as_str().to_owned());
    names.collect()
}

/// Which subscriptions of the platform are sought: all of these must hold.
#[derive(Debug, Default)]
pub struct Sought<'a> {
    /// Where events are posted.
    pub url: Option<&'a str>,
    /// The only type that is told there.
    pub event: Option<&'a str>,
    /// Its id.
    pub endpoint_id: Option<EndpointId>,
}

/// The subscriptions of the platform that are sought, oldest first.
pub async fn subscriptions(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    sought: &Sought<'_>,
) -> sqlx::Result<Vec<EndpointId>> {
    sqlx::query_scalar!(
        r#"select endpoint_id as "endpoint_id: EndpointId" from endpoints
           where account_id = $1 and kind = 'platform' and ($2::text is null or url = $2)
             and ($3::text is null or event_types = array[$3]) and ($4::uuid is null or endpoint_id = $4)
           order by endpoint_id"#,
        account_id.uuid(),
        sought.url,
        sought.event,
        sought.endpoint_id.map(EndpointId::uuid)
    )
    .fetch_all(db)
    .await
}

/// Keeps an endpoint, unless it is there or the account has [`ENDPOINTS_MAX`]. Of the platform's there is one for a URL and a type.
pub async fn insert(
    conn: &mut PgConnection,
    (account_id, endpoint_id): (AccountId, EndpointId),
    (kind, new): (EndpointKind, &Settings<'_>),
) -> sqlx::Result<Inserted> {
    // Two additions at the same time must not both see room for one.
    sqlx::query!(
        "select account_id from accounts where account_id = $1 for no key update",
        account_id.uuid()
    )
    .fetch_optional(&mut *conn)
    .await?;
    let there = find(&mut *conn, account_id, endpoint_id).await?;
    if there.is_some() {
        return Ok(Inserted::AlreadyThere(endpoint_id));
    }
    let words = words(new.subscription);
    if kind == EndpointKind::Platform {
        let same = Sought {
            url: Some(new.url),
            event: words.first().map(String::as_str),
            endpoint_id: None,
        };
        let same = subscriptions(&mut *conn, account_id, &same).await?;
        if let Some(there) = same.first() {
            return Ok(Inserted::AlreadyThere(*there));
        }
    }
    let inserted = sqlx::query!(
        "insert into endpoints (account_id, endpoint_id, url, event_types, signatures, header_names, authorization_type, sealed_headers,
                                max_per_second, max_concurrency, kind)
         select $1, $2, $3, $4::text[], $5::text[]::signature_scheme[], $6::text[], $7, $8, $9, $10, $12
         where (select count(*) from endpoints where account_id = $1) < $11",
        account_id.uuid(),
        endpoint_id.uuid(),
        new.url,
        &words,
        &names(new.signatures),
        new.header_names,
        new.authorization_type,
        new.sealed_headers,
        new.max_per_second,
        new.max_concurrency,
        ENDPOINTS_MAX,
        kind as EndpointKind
    )
    .execute(conn)
    .await?;
    Ok(if inserted.rows_affected() == 1 {
        Inserted::New
    } else {
        Inserted::TooMany
    })
}

/// Replaces what is set of an endpoint.
pub async fn set(
    conn: &mut PgConnection,
    (account_id, endpoint_id): (AccountId, EndpointId),
    to: &Settings<'_>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update endpoints
         set url = $3, event_types = $4::text[], signatures = $5::text[]::signature_scheme[], header_names = $6::text[],
             authorization_type = $7, sealed_headers = $8, max_per_second = $9, max_concurrency = $10, updated_at = now()
         where account_id = $1 and endpoint_id = $2",
        account_id.uuid(),
        endpoint_id.uuid(),
        to.url,
        &words(to.subscription),
        &names(to.signatures),
        to.header_names,
        to.authorization_type,
        to.sealed_headers,
        to.max_per_second,
        to.max_concurrency
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An endpoint's own headers and credential, sealed.
pub async fn sealed_headers(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    endpoint_id: EndpointId,
) -> sqlx::Result<Option<Vec<u8>>> {
    let sealed = sqlx::query_scalar!(
        "select sealed_headers from endpoints where account_id = $1 and endpoint_id = $2",
        account_id.uuid(),
        endpoint_id.uuid()
    );
    Ok(sealed.fetch_optional(db).await?.flatten())
}

/// Holds an endpoint until the transaction ends. False: there is none.
pub async fn lock(
    conn: &mut PgConnection,
    account_id: AccountId,
    endpoint_id: EndpointId,
) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select 1 as "one!" from endpoints where account_id = $1 and endpoint_id = $2 for no key update"#,
        account_id.uuid(),
        endpoint_id.uuid()
    );
    Ok(found.fetch_optional(conn).await?.is_some())
}

/// An endpoint of the account.
pub async fn find(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    endpoint_id: EndpointId,
) -> sqlx::Result<Option<Endpoint>> {
    sqlx::query_as!(
        Row,
        r#"select account_id as "account_id: AccountId", endpoint_id as "endpoint_id: EndpointId", url, event_types,
                  signatures as "signatures: Vec<Scheme>",
                  (select public_key from endpoint_keys k
                   where k.account_id = endpoints.account_id and k.endpoint_id = endpoints.endpoint_id and k.scheme = 'v1a'
                     and k.expires_at is null) as public_key,
                  kind as "kind: EndpointKind", header_names, authorization_type, max_per_second, max_concurrency,
                  state, disabled_reason as "disabled_reason: DisabledReason", created_at, updated_at
           from endpoints where account_id = $1 and endpoint_id = $2"#,
        account_id.uuid(),
        endpoint_id.uuid()
    )
    .fetch_optional(db)
    .await
    .map(|row| row.map(Endpoint::from))
}

/// Whose an endpoint is.
pub async fn owner(
    db: impl PgExecutor<'_>,
    endpoint_id: EndpointId,
) -> sqlx::Result<Option<AccountId>> {
    sqlx::query_scalar!(
        r#"select account_id as "account_id: AccountId" from endpoints where endpoint_id = $1 limit 1"#,
        endpoint_id.uuid()
    )
    .fetch_optional(db)
    .await
}

/// So many of the account's endpoints, oldest first, after one of them or from the first on.
pub async fn list(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    (after, limit): (Option<EndpointId>, i64),
) -> sqlx::Result<Vec<Endpoint>> {
    sqlx::query_as!(
        Row,
        r#"select account_id as "account_id: AccountId", endpoint_id as "endpoint_id: EndpointId", url, event_types,
                  signatures as "signatures: Vec<Scheme>",
                  (select public_key from endpoint_keys k
                   where k.account_id = endpoints.account_id and k.endpoint_id = endpoints.endpoint_id and k.scheme = 'v1a'
                     and k.expires_at is null) as public_key,
                  kind as "kind: EndpointKind", header_names, authorization_type, max_per_second, max_concurrency,
                  state, disabled_reason as "disabled_reason: DisabledReason", created_at, updated_at
           from endpoints where account_id = $1 and ($2::uuid is null or endpoint_id > $2) order by endpoint_id limit $3"#,
        account_id.uuid(),
        after.map(EndpointId::uuid),
        limit
    )
    .fetch_all(db)
    .await
    .map(|rows| rows.into_iter().map(Endpoint::from).collect())
}

/// The endpoints of these accounts: what one misses that is disabled is kept for it.
pub async fn listeners(db: impl PgExecutor<'_>, accounts: &[Uuid]) -> sqlx::Result<Vec<Listener>> {
    let rows = sqlx::query!(
        r#"select account_id as "account_id: AccountId", endpoint_id as "endpoint_id: EndpointId",
                  event_types, state as "state: EndpointState"
           from endpoints where account_id = any($1)"#,
        accounts
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Listener {
            account_id: row.account_id,
            endpoint_id: row.endpoint_id,
            subscription: Subscription::kept(&row.event_types),
            state: row.state,
        })
        .collect())
}

/// Disables an endpoint: it is told nothing until it is enabled again. False: it was, or there is none.
pub async fn disable(
    conn: &mut PgConnection,
    account_id: AccountId,
    endpoint_id: EndpointId,
    reason: DisabledReason,
) -> sqlx::Result<bool> {
    let disabled = sqlx::query!(
        "update endpoints set state = 'disabled', disabled_reason = $3, updated_at = now()
         where account_id = $1 and endpoint_id = $2 and state = 'enabled'",
        account_id.uuid(),
        endpoint_id.uuid(),
        reason as DisabledReason
    )
    .execute(conn)
    .await?;
    Ok(disabled.rows_affected() == 1)
}

/// Enables an endpoint again. False: it was, or there is none.
pub async fn enable(
    conn: &mut PgConnection,
    account_id: AccountId,
    endpoint_id: EndpointId,
) -> sqlx::Result<bool> {
    let enabled = sqlx::query!(
        "update endpoints set state = 'enabled', disabled_reason = null, updated_at = now()
         where account_id = $1 and endpoint_id = $2 and state = 'disabled'",
        account_id.uuid(),
        endpoint_id.uuid()
    )
    .execute(conn)
    .await?;
    Ok(enabled.rows_affected() == 1)
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
