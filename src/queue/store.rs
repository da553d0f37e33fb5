//! The queue's SQL. Every statement that finishes work carries the fence: the lease of the claim.

#![expect(
    clippy::as_conversions,
    reason = "the query macros spell the type of a parameter with `as`"
)]

use std::time::Duration;

use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::job::{Claim, Lane, NewJob};
use crate::domain::id::JobId;
use crate::store::interval;

/// How long a lease lasts without a heartbeat.
pub const LEASE: Duration = Duration::from_secs(30);

/// The channel on which replicas tell each other that something is due.
pub const WAKE_CHANNEL: &str = "onhook_jobs";

/// Puts jobs into the queue, in the caller's transaction. A job whose unique key is already held is dropped.
pub async fn enqueue(conn: &mut PgConnection, jobs: &[NewJob]) -> sqlx::Result<()> {
    if jobs.is_empty() {
        return Ok(());
    }
    let mut ids = Vec::with_capacity(jobs.len());
    let mut kinds = Vec::with_capacity(jobs.len());
    let mut accounts = Vec::with_capacity(jobs.len());
    let mut lanes = Vec::with_capacity(jobs.len());
    let mut keys = Vec::with_capacity(jobs.len());
    let mut args = Vec::with_capacity(jobs.len());
    let mut run_ats = Vec::with_capacity(jobs.len());
    let mut attempts_max = Vec::with_capacity(jobs.len());
    for job in jobs {
        ids.push(job.job_id.uuid());
        kinds.push(job.kind.to_owned());
        accounts.push(job.account_id.uuid());
        lanes.push(job.lane.map(|lane| lane.0));
        keys.push(job.unique_key.clone());
        args.push(job.args.clone());
        run_ats.push(job.run_at);
        attempts_max.push(job.attempts_max);
    }
    sqlx::query!(
        "insert into jobs (job_id, kind, account_id, lane, unique_key, args, run_at, attempts_max)
         select job_id, kind, account_id, lane, unique_key, args, coalesce(run_at, now()), attempts_max
         from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::jsonb[], $7::timestamptz[], $8::int[])
              as job (job_id, kind, account_id, lane, unique_key, args, run_at, attempts_max)
         on conflict (unique_key) where unique_key is not null and state <> 'dead' do nothing",
        &ids,
        &kinds,
        &accounts,
        &lanes as &[Option<Uuid>],
        &keys as &[Option<String>],
        &args,
        &run_ats as &[Option<chrono::DateTime<chrono::Utc>>],
        &attempts_max
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a worker can take on.
#[derive(Debug, Clone, Default)]
pub struct Room {
    /// How many jobs.
    pub slots: i64,
    /// How many of one lane may run at once here.
    pub lane_slots: i64,
    /// How many of each lane run here now.
    pub lanes: Vec<(Lane, i64)>,
}

/// Claims due jobs, oldest first, never more of a lane than fit: a lane that is slow costs the others nothing.
pub async fn claim(db: impl PgExecutor<'_>, room: &Room) -> sqlx::Result<Vec<Claim>> {
    let lanes: Vec<Uuid> = room.lanes.iter().map(|(lane, _)| lane.0).collect();
    let used: Vec<i64> = room.lanes.iter().map(|(_, used)| *used).collect();
    let full: Vec<Uuid> = room
        .lanes
        .iter()
        .filter(|(_, used)| *used >= room.lane_slots)
        .map(|(lane, _)| lane.0)
        .collect();
    // More candidates than slots, so that one lane's backlog does not hide the others; the CTEs keep the planner from
    // running a limited scan more than once.
    sqlx::query_as!(
        ClaimRow,
        r#"with candidate as materialized (
             select job_id, run_at, lane from jobs
             where state = 'available' and run_at <= now() and (lane is null or lane <> all($1))
             order by run_at, job_id
             limit $2::bigint * 8
           ), placed as (
             select job_id, run_at, lane, row_number() over (partition by lane order by run_at, job_id) as place
             from candidate
           ), due as materialized (
             select jobs.job_id from placed
             join jobs on jobs.job_id = placed.job_id
             left join unnest($3::uuid[], $4::bigint[]) as busy (lane, used) on busy.lane = placed.lane
             where jobs.state = 'available' and (placed.lane is null or place + coalesce(used, 0) <= $5)
             order by placed.run_at, placed.job_id
             limit $2::bigint
             for update of jobs skip locked
           )
           update jobs set state = 'running', attempt = attempt + 1, lease = lease + 1, leased_until = now() + $6
           from due where jobs.job_id = due.job_id
           returning jobs.job_id as "job_id: JobId", kind, jobs.lane, args, attempt, attempts_max, lease"#,
        &full,
        room.slots,
        &lanes,
        &used,
        room.lane_slots,
        interval(LEASE)
    )
    .fetch_all(db)
    .await
    .map(|rows| rows.into_iter().map(Claim::from).collect())
}

/// Puts a job into the queue already claimed by the caller, who does the work as soon as its transaction has committed.
/// If it dies instead, the lease runs out and a worker takes over.
pub async fn enqueue_claimed(conn: &mut PgConnection, job: &NewJob) -> sqlx::Result<Claim> {
    let row = sqlx::query_as!(
        ClaimRow,
        r#"insert into jobs (job_id, kind, account_id, lane, args, attempts_max, state, attempt, lease, leased_until)
           values ($1, $2, $3, $4, $5, $6, 'running', 1, 1, now() + $7)
           returning job_id as "job_id: JobId", kind, lane, args, attempt, attempts_max, lease"#,
        job.job_id.uuid(),
        job.kind,
        job.account_id.uuid(),
        job.lane.map(|lane| lane.0),
        job.args,
        job.attempts_max,
        interval(LEASE)
    )
    .fetch_one(conn)
    .await?;
    Ok(row.into())
}

/// Removes a job that is done. False: the lease was lost, somebody else has it; the caller rolls back.
pub async fn finish(conn: &mut PgConnection, claim: &Claim) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "delete from jobs where job_id = $1 and lease = $2 and state = 'running'",
        claim.job_id.uuid(),
        claim.lease
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives a job back, to be tried again `after` from now. False: the lease was lost.
pub async fn retry(
    conn: &mut PgConnection,
    claim: &Claim,
    after: Duration,
    error: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update jobs set state = 'available', leased_until = null, run_at = now() + $3, last_error = left($4, 2000)
         where job_id = $1 and lease = $2 and state = 'running'",
        claim.job_id.uuid(),
        claim.lease,
        interval(after),
        error
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives a job back untouched, its attempt not counted: the worker stops. False: the lease was lost.
pub async fn release(conn: &mut PgConnection, claim: &Claim) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update jobs set state = 'available', leased_until = null, run_at = now(), attempt = attempt - 1
         where job_id = $1 and lease = $2 and state = 'running'",
        claim.job_id.uuid(),
        claim.lease
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Marks a job as never to be done. It stays, to be seen. False: the lease was lost.
pub async fn bury(conn: &mut PgConnection, claim: &Claim, error: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update jobs set state = 'dead', leased_until = null, last_error = left($3, 2000)
         where job_id = $1 and lease = $2 and state = 'running'",
        claim.job_id.uuid(),
        claim.lease,
        error
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether a job is still to be done.
pub async fn is_live(db: impl PgExecutor<'_>, job_id: JobId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from jobs where job_id = $1 and state <> 'dead') as "live!""#,
        job_id.uuid()
    )
    .fetch_one(db)
    .await
}

/// Keeps leases alive. What is not among the answers was lost.
pub async fn heartbeat(
    db: impl PgExecutor<'_>,
    claims: &[(JobId, i64)],
) -> sqlx::Result<Vec<JobId>> {
    let ids: Vec<Uuid> = claims.iter().map(|(id, _)| id.uuid()).collect();
    let leases: Vec<i64> = claims.iter().map(|(_, lease)| *lease).collect();
    sqlx::query_scalar!(
        r#"update jobs set leased_until = now() + $3
           from unnest($1::uuid[], $2::bigint[]) as held (job_id, lease)
           where jobs.job_id = held.job_id and jobs.lease = held.lease and state = 'running'
           returning jobs.job_id as "job_id: JobId""#,
        &ids,
        &leases,
        interval(LEASE)
    )
    .fetch_all(db)
    .await
}

/// What the rescuer found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rescued {
    /// Jobs whose worker was lost, given back to be tried again.
    pub retried: i64,
    /// Jobs whose worker was lost on the last attempt.
    pub buried: i64,
}

/// Gives back every job whose lease has expired; buries those that had no attempt left.
pub async fn rescue(db: impl PgExecutor<'_>) -> sqlx::Result<Rescued> {
    let row = sqlx::query!(
        r#"with expired as materialized (
             select job_id, attempt >= attempts_max as spent from jobs
             where state = 'running' and leased_until < now()
             limit 1000
             for update skip locked
           ), rescued as (
             update jobs set
               state = case when spent then 'dead'::job_state else 'available' end,
               leased_until = null, run_at = now(), last_error = 'the worker was lost'
             from expired where jobs.job_id = expired.job_id
             returning spent
           )
           select count(*) filter (where not spent) as "retried!", count(*) filter (where spent) as "buried!"
           from rescued"#
    )
    .fetch_one(db)
    .await?;
    Ok(Rescued {
        retried: row.retried,
        buried: row.buried,
    })
}

/// How long until the next job is due; zero if one is.
pub async fn next_due(db: impl PgExecutor<'_>) -> sqlx::Result<Option<Duration>> {
    let seconds = sqlx::query_scalar!(
        r#"select extract(epoch from greatest(min(run_at) - now(), interval '0'))::float8 from jobs
           where state = 'available'"#
    )
    .fetch_one(db)
    .await?;
    Ok(seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()))
}

/// The queue at a glance.
#[derive(Debug, Clone, PartialEq)]
pub struct Depth {
    /// Jobs that wait, due or not.
    pub available: i64,
    /// Jobs that somebody holds.
    pub running: i64,
    /// Jobs that will not be tried again.
    pub dead: i64,
    /// Jobs whose lease has expired and that nobody has rescued yet.
    pub expired: i64,
    /// How long the oldest due job has waited, in seconds.
    pub oldest_due_s: f64,
    /// For how long the oldest expired lease has been over, in seconds.
    pub oldest_lost_s: f64,
}

/// Looks at the queue.
pub async fn depth(db: impl PgExecutor<'_>) -> sqlx::Result<Depth> {
    sqlx::query_as!(
        Depth,
        r#"select count(*) filter (where state = 'available') as "available!",
                  count(*) filter (where state = 'running') as "running!",
                  count(*) filter (where state = 'dead') as "dead!",
                  count(*) filter (where state = 'running' and leased_until < now()) as "expired!",
                  coalesce(extract(epoch from now() - min(run_at) filter (where state = 'available' and run_at <= now())), 0)::float8
                    as "oldest_due_s!",
                  coalesce(extract(epoch from now() - min(leased_until) filter (where state = 'running' and leased_until < now())), 0)::float8
                    as "oldest_lost_s!"
           from jobs"#
    )
    .fetch_one(db)
    .await
}

/// Tells the other replicas that something is due. In a transaction of its own: NOTIFY takes a lock on the whole database
/// until its transaction ends.
pub async fn notify(db: impl PgExecutor<'_>) -> sqlx::Result<()> {
    sqlx::query!("select pg_notify($1, '')", WAKE_CHANNEL)
        .execute(db)
        .await?;
    Ok(())
}

/// Takes or keeps the lead of `name` for `lease`; true if `holder` has it.
pub async fn lead(
    db: impl PgExecutor<'_>,
    name: &str,
    holder: Uuid,
    lease: Duration,
) -> sqlx::Result<bool> {
    let row = sqlx::query_scalar!(
        r#"insert into leaders (name, holder, leased_until) values ($1, $2, now() + $3)
           on conflict (name) do update set holder = excluded.holder, leased_until = excluded.leased_until
             where leaders.holder = excluded.holder or leaders.leased_until < now()
           returning 1 as "one!""#,
        name,
        holder,
        interval(lease)
    )
    .fetch_optional(db)
    .await?;
    Ok(row.is_some())
}

/// Gives up the lead, so that the next one need not wait for the lease to run out.
pub async fn resign(db: impl PgExecutor<'_>, name: &str, holder: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from leaders where name = $1 and holder = $2",
        name,
        holder
    )
    .execute(db)
    .await?;
    Ok(())
}

struct ClaimRow {
    job_id: JobId,
    kind: String,
    lane: Option<Uuid>,
    args: serde_json::Value,
    attempt: i32,
    attempts_max: i32,
    lease: i64,
}

impl From<ClaimRow> for Claim {
    fn from(row: ClaimRow) -> Self {
        Self {
            job_id: row.job_id,
            kind: row.kind,
            lane: row.lane.map(Lane),
            args: row.args,
            attempt: row.attempt,
            attempts_max: row.attempts_max,
            lease: row.lease,
        }
    }
}
