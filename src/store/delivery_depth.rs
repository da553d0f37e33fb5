//! What the queue of deliveries looks like from outside, for the probes, the metrics and the doctor.

use sqlx::PgExecutor;

/// Deliveries that are counted at most: the answer must not take longer the longer the backlog is.
pub const BACKLOG_MAX: i64 = 100_000;

/// What it looks like.
#[derive(Debug, Clone, PartialEq)]
pub struct Depth {
    /// Deliveries that are not over, due or not; at most [`BACKLOG_MAX`].
    pub backlog: i64,
    /// Endpoints whose circuits are open.
    pub circuits_open: i64,
    /// Endpoints at which something is due, whose circuits let it pass, and that nobody holds.
    pub unheld: i64,
    /// For how long the first of those has waited, in seconds.
    pub unheld_s: f64,
    /// Weeks from this one on for which there are tables of all kinds.
    pub weeks_ahead: i64,
}

/// Looks at it. The walk goes from endpoint to endpoint by the index, whatever the backlogs.
pub async fn depth(db: impl PgExecutor<'_>) -> sqlx::Result<Depth> {
    sqlx::query_as!(
        Depth,
        r#"with recursive walk as (
             (select endpoint_id, due_at from delivery_queue order by endpoint_id, due_at limit 1)
             union all
             select next.endpoint_id, next.due_at
             from walk cross join lateral (
               select endpoint_id, due_at from delivery_queue
               where endpoint_id > walk.endpoint_id order by endpoint_id, due_at limit 1
             ) next
           ), unheld as (
             select greatest(walk.due_at, lane.open_until) as since
             from walk left join endpoint_lanes lane on lane.endpoint_id = walk.endpoint_id
             where walk.due_at <= now() and (lane.open_until is null or lane.open_until <= now())
               and not exists (
                 select from delivery_workers worker where worker.holder = lane.holder and worker.leased_until > now())
           )
           select (select count(*) from (select from delivery_queue limit $1) counted) as "backlog!",
                  (select count(*) from endpoint_lanes where open_until > now()) as "circuits_open!",
                  count(*) as "unheld!",
                  coalesce(extract(epoch from now() - min(since)), 0)::float8 as "unheld_s!",
                  (select count(*) from (
                     select right(child.relname, 8) from pg_inherits
                     join pg_class parent on parent.oid = inhparent and parent.relname in ('events', 'deliveries', 'attempts')
                     join pg_class child on child.oid = inhrelid and child.relname ~ '_[0-9]{8}$'
                     where right(child.relname, 8) >= to_char(date_trunc('week', now() at time zone 'UTC'), 'YYYYMMDD')
                     group by 1 having count(*) = 3
                   ) whole) as "weeks_ahead!"
           from unheld"#,
        BACKLOG_MAX
    )
    .fetch_one(db)
    .await
}
