//! Who listens to which connection: the connections whose providers tell of calls on a stream, and the leases of those who
//! follow them, beside the other leads in `leaders`.

use std::time::Duration;

use sqlx::PgExecutor;
use uuid::Uuid;

use super::interval;
use crate::domain::id::{AccountId, ConnectionId};

/// A connection that somebody should listen to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listened {
    /// Whose it is.
    pub account_id: AccountId,
    /// Its id.
    pub connection_id: ConnectionId,
    /// Differs when the provider is reached elsewhere, or as somebody else.
    pub version: String,
}

/// The connections to these providers, the oldest first: every account's, as only the service itself may ask.
pub async fn of_providers(
    db: impl PgExecutor<'_>,
    providers: &[String],
    count_max: i64,
) -> sqlx::Result<Vec<Listened>> {
    sqlx::query_as!(
        Listened,
        r#"select account_id as "account_id: AccountId", connection_id as "connection_id: ConnectionId",
                  md5(convert_to(provider || ' ' || base_url || ' ', 'UTF8') || sealed_credentials) as "version!"
           from connections where provider = any($1)
           order by connection_id limit $2"#,
        providers,
        count_max,
    )
    .fetch_all(db)
    .await
}

/// Takes or keeps, for `lease`, every lead of `names` that can be had; answers which `holder` has.
pub async fn lead(
    db: impl PgExecutor<'_>,
    names: &[String],
    holder: Uuid,
    lease: Duration,
) -> sqlx::Result<Vec<String>> {
    let lease = interval(lease);
    sqlx::query_scalar!(
        "insert into leaders (name, holder, leased_until)
         select name, $2, now() + $3::interval from unnest($1::text[]) as wanted (name) order by name
         on conflict (name) do update set holder = excluded.holder, leased_until = excluded.leased_until
           where leaders.holder = excluded.holder or leaders.leased_until < now()
         returning name",
        names,
        holder,
        lease
    )
    .fetch_all(db)
    .await
}

/// Gives up every lead of `names` that `holder` has, so that the next one need not wait.
pub async fn resign(db: impl PgExecutor<'_>, names: &[String], holder: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from leaders where name = any($1) and holder = $2",
        names,
        holder
    )
    .execute(db)
    .await?;
    Ok(())
}
