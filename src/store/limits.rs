//! How long calls may last, and which have lasted that long. Every search here goes by an index: `call_limits_look` for what calls
//! say themselves, `calls_talking` for what accounts and connections say.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};

use crate::domain::{
    id::{AccountId, CallId, ConnectionId},
    limits::{Bounds, CallLimits, MaxDuration},
};

/// Which call.
pub type Of = (AccountId, CallId);

/// Sets what a call says itself, and when that is to be looked at; without the latter, it says nothing any more.
pub async fn set(
    conn: &mut PgConnection,
    (account_id, call_id): Of,
    limits: CallLimits,
    look_at: Option<DateTime<Utc>>,
) -> sqlx::Result<()> {
    let Some(look_at) = look_at.filter(|_| !limits.is_empty()) else {
        return remove(conn, (account_id, call_id)).await;
    };
    sqlx::query!(
        "insert into call_limits (account_id, call_id, max_duration_s, end_at, look_at) values ($1, $2, $3, $4, $5)
         on conflict (account_id, call_id) do update set max_duration_s = excluded.max_duration_s,
           end_at = excluded.end_at, look_at = excluded.look_at",
        account_id.uuid(),
        call_id.uuid(),
        limits.max_duration.map(MaxDuration::seconds),
        limits.end_at,
        look_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets what a call says itself.
pub async fn remove(conn: &mut PgConnection, (account_id, call_id): Of) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from call_limits where account_id = $1 and call_id = $2",
        account_id.uuid(),
        call_id.uuid(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Looks at a call's own limits at another time.
pub async fn look_at(
    conn: &mut PgConnection,
    (account_id, call_id): Of,
    at: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update call_limits set look_at = $3 where account_id = $1 and call_id = $2",
        account_id.uuid(),
        call_id.uuid(),
        at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Everything that bounds a call of this connection.
pub async fn bounds(
    db: impl PgExecutor<'_>,
    (account_id, call_id): Of,
    connection_id: Option<ConnectionId>,
) -> sqlx::Result<Bounds> {
    let row = sqlx::query!(
        r#"select accounts.max_duration_s as account_s, own.max_duration_s as "own_s?", own.end_at as "end_at?",
                  connections.max_duration_s as "connection_s?"
           from accounts
           left join call_limits as own on own.account_id = accounts.account_id and own.call_id = $2
           left join connections on connections.account_id = accounts.account_id and connections.connection_id = $3
           where accounts.account_id = $1"#,
        account_id.uuid(),
        call_id.uuid(),
        connection_id.map(ConnectionId::uuid),
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else {
        return Ok(Bounds::default());
    };
    Ok(Bounds {
        call: CallLimits {
            max_duration: kept(row.own_s)?,
            end_at: row.end_at,
        },
        connection: kept(row.connection_s)?,
        account: kept(row.account_s)?,
    })
}

/// Calls whose own limits are to be looked at, the first first.
pub async fn to_look_at(db: impl PgExecutor<'_>, limit: i64) -> sqlx::Result<Vec<Of>> {
    let rows = sqlx::query!(
        r#"select account_id as "account_id: AccountId", call_id as "call_id: CallId"
           from call_limits where look_at <= now() order by look_at limit $1"#,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.account_id, row.call_id))
        .collect())
}

/// Calls that have lasted longer than their account allows.
pub async fn over_account(db: impl PgExecutor<'_>, limit: i64) -> sqlx::Result<Vec<Of>> {
    let rows = sqlx::query!(
        r#"select accounts.account_id as "account_id: AccountId", over.call_id as "call_id: CallId"
           from accounts
           cross join lateral (
             select call_id from calls
             where calls.account_id = accounts.account_id and state = 'in_progress' and deleted_at is null
               and coalesce(answered_at, created_at) <= now() - make_interval(secs => accounts.max_duration_s)
             order by coalesce(answered_at, created_at) limit $1
           ) as over
           where accounts.max_duration_s is not null
           limit $1"#,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.account_id, row.call_id))
        .collect())
}

/// Calls that have lasted longer than their connection allows.
pub async fn over_connection(db: impl PgExecutor<'_>, limit: i64) -> sqlx::Result<Vec<Of>> {
    let rows = sqlx::query!(
        r#"select connections.account_id as "account_id: AccountId", over.call_id as "call_id: CallId"
           from connections
           cross join lateral (
             select call_id from calls
             where calls.account_id = connections.account_id and calls.connection_id = connections.connection_id
               and state = 'in_progress' and deleted_at is null
               and coalesce(answered_at, calls.created_at) <= now() - make_interval(secs => connections.max_duration_s)
             order by coalesce(answered_at, calls.created_at) limit $1
           ) as over
           where connections.max_duration_s is not null
           limit $1"#,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.account_id, row.call_id))
        .collect())
}

fn kept(seconds: Option<i32>) -> sqlx::Result<Option<MaxDuration>> {
    let bound = seconds.map(MaxDuration::from_seconds).transpose();
    bound.map_err(|error| sqlx::Error::Decode(Box::new(error)))
}
