//! Who delivers to which endpoint, and how the endpoint does.
//!
//! A process that delivers has one lease, which it renews every second; the endpoints that it holds are its own as long as the lease lasts,
//! and free for others when it is over. So nothing is written when a delivery is taken on.

use std::time::Duration;

use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::interval;
use crate::domain::id::{AccountId, EndpointId};

/// How long a lease lasts that is not renewed.
pub const LEASE: Duration = Duration::from_secs(5);

/// Begins a lease under a new name. Forgets those that were over long ago.
pub async fn enter(conn: &mut PgConnection, holder: Uuid) -> sqlx::Result<()> {
    sqlx::query!("delete from delivery_workers where leased_until < now() - interval '1 hour'")
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into delivery_workers (holder, leased_until) values ($1, now() + $2)",
        holder,
        interval(LEASE)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Renews a lease. False: it was over.
pub async fn renew(db: impl PgExecutor<'_>, holder: Uuid) -> sqlx::Result<bool> {
    let renewed = sqlx::query!(
        "update delivery_workers set leased_until = now() + $2 where holder = $1 and leased_until > now()",
        holder,
        interval(LEASE)
    )
    .execute(db)
    .await?;
    Ok(renewed.rows_affected() == 1)
}

/// Ends a lease: everything that it held is free.
pub async fn leave(db: impl PgExecutor<'_>, holder: Uuid) -> sqlx::Result<()> {
    sqlx::query!("delete from delivery_workers where holder = $1", holder)
        .execute(db)
        .await?;
    Ok(())
}

/// An endpoint at which something is due.
#[derive(Debug, Clone)]
pub struct Lane {
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// Whose it is.
    pub account_id: AccountId,
    /// How often in a row its circuit has opened.
    pub opens: i32,
    /// It is tried for the first time since its circuit opened.
    pub probing: bool,
    /// All attempts have failed for some time.
    pub failing: bool,
}

/// The endpoints at which something is due and whose circuits are not open, with those taken that nobody has. The walk goes from endpoint to
/// endpoint by the index, whatever the backlogs.
pub async fn take(db: impl PgExecutor<'_>, holder: Uuid, limit: i64) -> sqlx::Result<Vec<Lane>> {
    sqlx::query_as!(
        Lane,
        r#"with recursive walk as (
             (select endpoint_id, account_id, due_at from delivery_queue order by endpoint_id, due_at limit 1)
             union all
             select next.endpoint_id, next.account_id, next.due_at
             from walk cross join lateral (
               select endpoint_id, account_id, due_at from delivery_queue
               where endpoint_id > walk.endpoint_id order by endpoint_id, due_at limit 1
             ) next
           ), due as materialized (
             select walk.endpoint_id, walk.account_id, lane.holder, lane.open_until, coalesce(lane.opens, 0) as opens,
                    lane.failing_since is not null as failing
             from walk left join endpoint_lanes lane on lane.endpoint_id = walk.endpoint_id
             where walk.due_at <= now() and (lane.open_until is null or lane.open_until <= now())
           ), free as (
             insert into endpoint_lanes as lane (endpoint_id, account_id, holder)
             select endpoint_id, account_id, $1 from due
             where not exists (
               select from delivery_workers worker where worker.holder = due.holder and worker.leased_until > now())
             limit $2
             on conflict (endpoint_id) do update set holder = excluded.holder
             where not exists (
               select from delivery_workers worker where worker.holder = lane.holder and worker.leased_until > now())
             returning lane.endpoint_id
           )
           select due.endpoint_id as "endpoint_id!: EndpointId", due.account_id as "account_id!: AccountId",
                  due.opens as "opens!", due.open_until is not null as "probing!",
                  due.failing as "failing!"
           from due left join free on free.endpoint_id = due.endpoint_id
           where free.endpoint_id is not null or due.holder = $1"#,
        holder,
        limit
    )
    .fetch_all(db)
    .await
}

/// Gives endpoints back.
pub async fn give_back(
    db: impl PgExecutor<'_>,
    holder: Uuid,
    endpoints: &[EndpointId],
) -> sqlx::Result<()> {
    let endpoints: Vec<_> = endpoints.iter().map(|id| id.uuid()).collect();
    sqlx::query!(
        "update endpoint_lanes set holder = null where holder = $1 and endpoint_id = any($2)",
        holder,
        &endpoints
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How an endpoint does.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// Whose it is.
    pub account_id: AccountId,
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// Its circuit opens for so long; none: it is closed.
    pub open_for: Option<Duration>,
    /// How often in a row it has opened.
    pub opens: i32,
    /// Its last attempt failed.
    pub failing: bool,
}

/// Writes down how endpoints do. Answers those at which every attempt has failed for so long.
pub async fn stand(
    conn: &mut PgConnection,
    standings: &[Standing],
    failing_max: Duration,
) -> sqlx::Result<Vec<(AccountId, EndpointId)>> {
    if standings.is_empty() {
        return Ok(Vec::new());
    }
    let accounts: Vec<_> = standings.iter().map(|s| s.account_id.uuid()).collect();
    let endpoints: Vec<_> = standings.iter().map(|s| s.endpoint_id.uuid()).collect();
    let open: Vec<_> = standings
        .iter()
        .map(|s| {
            s.open_for
                .map(|wait| i64::try_from(wait.as_micros()).unwrap_or(i64::MAX))
        })
        .collect();
    let opens: Vec<_> = standings.iter().map(|s| s.opens).collect();
    let failing: Vec<_> = standings.iter().map(|s| s.failing).collect();
    let rows = sqlx::query!(
        r#"update endpoint_lanes lane set
             open_until = now() + new.open_us * interval '1 microsecond',
             opens = new.opens,
             failing_since = case when new.failing then coalesce(failing_since, now()) end
           from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::int[], $5::bool[]) as new (account_id, endpoint_id, open_us, opens, failing)
           where lane.account_id = new.account_id and lane.endpoint_id = new.endpoint_id
           returning lane.account_id as "account_id: AccountId", lane.endpoint_id as "endpoint_id: EndpointId",
                     coalesce(failing_since < now() - $6::interval, false) as "spent!""#,
        &accounts,
        &endpoints,
        &open as &[Option<i64>],
        &opens,
        &failing,
        interval(failing_max)
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .filter(|row| row.spent)
        .map(|row| (row.account_id, row.endpoint_id))
        .collect())
}

/// Removes an endpoint that is deleted.
pub async fn remove(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    endpoint_id: EndpointId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from endpoint_lanes where account_id = $1 and endpoint_id = $2",
        account_id.uuid(),
        endpoint_id.uuid()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets how an endpoint did: it was enabled anew.
pub async fn forget(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    endpoint_id: EndpointId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update endpoint_lanes set open_until = null, opens = 0, failing_since = null where account_id = $1 and endpoint_id = $2",
        account_id.uuid(),
        endpoint_id.uuid()
    )
    .execute(db)
    .await?;
    Ok(())
}
