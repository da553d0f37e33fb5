//! Work that somebody waits for and that several jobs do one after another: how far it is, by the unique keys that they hold.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

/// Some tasks at a glance, each of one job after another that hold unique keys; those that are done are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Among {
    /// Tasks of which a job is still to be done.
    pub live: usize,
    /// Other tasks of which a job will not be tried again.
    pub dead: usize,
    /// A job is due, and no worker holds any, of whatever kind: nobody works.
    pub is_idle: bool,
}

/// Looks at some tasks, by the keys that their jobs may hold. What is dead counts if it was enqueued since then.
pub async fn among(
    db: impl PgExecutor<'_>,
    tasks: &[(Uuid, String)],
    since: DateTime<Utc>,
) -> sqlx::Result<Among> {
    let (tasks, keys): (Vec<Uuid>, Vec<String>) = tasks.iter().cloned().unzip();
    let row = sqlx::query!(
        r#"with named as materialized (
             select * from unnest($1::uuid[], $2::text[]) as named (task, key)
           ), live as materialized (
             select named.task, jobs.state = 'available' and jobs.run_at <= now() as due
             from named join jobs on jobs.unique_key = named.key and jobs.unique_key is not null and jobs.state <> 'dead'
           ), dead as (
             select named.task from jobs join named on named.key = jobs.unique_key
             where jobs.state = 'dead' and jobs.created_at >= $3
           )
           select (select count(distinct task) from live) as "live!",
                  (select count(distinct task) from dead where task not in (select task from live)) as "dead!",
                  exists (select from live where due)
                    and not exists (select from jobs where state = 'running' and leased_until > now()) as "is_idle!""#,
        &tasks,
        &keys,
        since
    )
    .fetch_one(db)
    .await?;
    Ok(Among {
        live: usize::try_from(row.live).unwrap_or(usize::MAX),
        dead: usize::try_from(row.dead).unwrap_or(usize::MAX),
        is_idle: row.is_idle,
    })
}
