//! The loop that claims jobs and runs them: bounded slots, bounded lanes, a heartbeat for what it holds. Jobs that wait for others for minutes
//! have slots of their own.
//!
//! It wakes when this process has enqueued something, when another replica says so, when the next job falls due, and at
//! the latest after [`POLL`]. When told to stop it claims no more and waits; what is not done in time is given back, its
//! attempt not counted.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use sqlx::{PgPool, postgres::PgListener};
use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    job::{Claim, Lane, Outcome},
    store::{self, LEASE, Room},
};
use crate::domain::{backoff, id::JobId};

/// The longest time without a look at the queue.
pub const POLL: Duration = Duration::from_secs(1);

/// Wakes those who work in this process, and those of others where this process has none.
#[derive(Debug, Clone, Default)]
pub struct Wake {
    here: Arc<Notify>,
    deliveries: Arc<Notify>,
    elsewhere: Arc<Notify>,
}

impl Wake {
    /// Says that something was enqueued. Call it after the commit.
    pub fn wake(&self) {
        self.wake_here();
        self.elsewhere.notify_one();
    }

    /// Waits until deliveries may be due.
    pub async fn deliveries(&self) {
        self.deliveries.notified().await;
    }

    fn wake_here(&self) {
        self.here.notify_one();
        self.deliveries.notify_one();
    }
}

/// Does the work of a claim.
#[async_trait::async_trait]
pub trait Handler: Send + Sync + fmt::Debug + 'static {
    /// One attempt.
    async fn handle(&self, claim: &Claim) -> Outcome;
    /// How long one attempt of this kind may take.
    fn timeout(&self, kind: &str) -> Duration;
    /// Whether jobs of this kind wait for others for minutes and longer: they have slots of their own. Such jobs stand in a lane.
    fn is_slow(&self, kind: &str) -> bool;
    /// Counts what became of an attempt: `done retry dead lost unknown`.
    fn count(&self, kind: &str, outcome: &'static str);
}

/// How much a runner takes on.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Jobs at once, but for slow ones.
    pub slots: usize,
    /// Jobs of one lane at once.
    pub lane_slots: usize,
    /// Slow jobs at once, beside the others: they take no slot of theirs. More of them take slots as all jobs do.
    pub slow_slots: usize,
}

/// Claims and runs jobs.
#[derive(Debug)]
pub struct Runner {
    db: PgPool,
    handler: Arc<dyn Handler>,
    wake: Wake,
    limits: Limits,
    held: BTreeMap<JobId, Held>,
    tasks: JoinSet<JobId>,
}

#[derive(Debug)]
struct Held {
    claim: Claim,
    task: tokio::task::AbortHandle,
}

impl Runner {
    /// A runner that is not yet running.
    pub fn new(db: PgPool, handler: Arc<dyn Handler>, wake: Wake, limits: Limits) -> Self {
        Self {
            db,
            handler,
            wake,
            limits,
            held: BTreeMap::new(),
            tasks: JoinSet::new(),
        }
    }

    /// Runs until told to stop, then finishes what it holds; what takes longer than `drain_max` is given back.
    pub async fn run(mut self, stop: CancellationToken, drain_max: Duration) {
        let mut heartbeat = tokio::time::interval(LEASE / 3);
        heartbeat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut due = Duration::ZERO;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = heartbeat.tick() => self.heartbeat().await,
                Some(done) = self.tasks.join_next() => self.forget(done),
                () = self.wake.here.notified() => {}
                () = tokio::time::sleep(due), if self.free() > 0 => {}
            }
            due = self.claim().await;
        }
        if tokio::time::timeout(drain_max, self.drain(heartbeat))
            .await
            .is_err()
        {
            self.give_back().await;
        }
    }

    /// Runs everything that is due until nothing is, once; for tests and commands that drive the queue by hand.
    pub async fn run_due(mut self) {
        loop {
            let due = self.claim().await;
            match self.tasks.join_next().await {
                Some(done) => self.forget(done),
                None if due.is_zero() => {}
                None => return,
            }
        }
    }

    async fn drain(&mut self, mut heartbeat: tokio::time::Interval) {
        while !self.held.is_empty() {
            tokio::select! {
                biased;
                _ = heartbeat.tick() => self.heartbeat().await,
                done = self.tasks.join_next() => match done {
                    Some(done) => self.forget(done),
                    None => return,
                },
            }
        }
    }

    /// Fills the free slots; answers how long to wait before looking again.
    async fn claim(&mut self) -> Duration {
        let free = self.free();
        if free == 0 {
            return POLL;
        }
        let room = self.room(free);
        let claimed =
            tokio::time::timeout(crate::store::WAIT_MAX, store::claim(&self.db, &room)).await;
        let claims = match claimed {
            Ok(Ok(claims)) => claims,
            Ok(Err(error)) => {
                tracing::warn!(error = %error, "could not claim jobs");
                return POLL;
            }
            Err(_) => {
                tracing::warn!("could not claim jobs: the database did not answer in time");
                return POLL;
            }
        };
        let full = claims.len() == free;
        for claim in claims {
            self.start(claim);
        }
        if full {
            // Slow ones have taken none of the slots: there may be more to do.
            return if self.free() > 0 {
                Duration::ZERO
            } else {
                POLL
            };
        }
        let next = tokio::time::timeout(crate::store::WAIT_MAX, store::next_due(&self.db)).await;
        match next {
            // Due, but not to be had: its lane is full, or somebody else has just taken it.
            Ok(Ok(Some(Duration::ZERO))) if !self.held.is_empty() => POLL,
            Ok(Ok(Some(next))) => next.max(Duration::from_millis(5)).min(POLL),
            Ok(Ok(None) | Err(_)) | Err(_) => POLL,
        }
    }

    /// The slots that nobody has. Slow jobs have their own, so that no number of them keeps the others waiting.
    fn free(&self) -> usize {
        let held = self.held.values();
        let slow = held.filter(|held| self.handler.is_slow(&held.claim.kind));
        let slow = slow.count().min(self.limits.slow_slots);
        self.limits.slots.saturating_sub(self.held.len() - slow)
    }

    fn room(&self, free: usize) -> Room {
        let mut lanes: BTreeMap<Lane, i64> = BTreeMap::new();
        for lane in self.held.values().filter_map(|held| held.claim.lane) {
            *lanes.entry(lane).or_default() += 1;
        }
        Room {
            slots: i64::try_from(free).unwrap_or(i64::MAX),
            lane_slots: i64::try_from(self.limits.lane_slots).unwrap_or(i64::MAX),
            lanes: lanes.into_iter().collect(),
        }
    }

    fn start(&mut self, claim: Claim) {
        let (db, handler, held) = (self.db.clone(), Arc::clone(&self.handler), claim.clone());
        let task = self.tasks.spawn(async move {
            attempt(&db, handler.as_ref(), &held).await;
            held.job_id
        });
        self.held.insert(claim.job_id, Held { claim, task });
    }

    fn forget(&mut self, done: Result<JobId, tokio::task::JoinError>) {
        match done {
            Ok(job_id) => {
                self.held.remove(&job_id);
            }
            // Cut off by us, or a panic that `attempt` did not see: the lease runs out and the rescuer takes over.
            Err(error) => {
                if error.is_panic() {
                    tracing::error!("a job's task panicked outside its handler");
                }
                self.held.retain(|_, held| !held.task.is_finished());
            }
        }
    }

    async fn heartbeat(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let claims: Vec<(JobId, i64)> = self
            .held
            .values()
            .map(|held| (held.claim.job_id, held.claim.lease))
            .collect();
        match tokio::time::timeout(crate::store::WAIT_MAX, store::heartbeat(&self.db, &claims))
            .await
        {
            Ok(Ok(_alive)) => {}
            Ok(Err(error)) => tracing::warn!(error = %error, "could not keep leases alive"),
            Err(_) => {
                tracing::warn!("could not keep leases alive: the database did not answer in time");
            }
        }
    }

    async fn give_back(&mut self) {
        for held in self.held.values() {
            held.task.abort();
        }
        while self.tasks.join_next().await.is_some() {}
        let released = async {
            let mut conn = self.db.acquire().await?;
            for held in self.held.values() {
                store::release(&mut conn, &held.claim).await?;
            }
            Ok::<_, sqlx::Error>(())
        };
        match tokio::time::timeout(crate::store::WAIT_MAX, released).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => {
                tracing::warn!("could not give jobs back; their leases will run out");
            }
        }
    }
}

/// One attempt at a claim, and what follows from it.
async fn attempt(db: &PgPool, handler: &dyn Handler, claim: &Claim) {
    let bound = handler.timeout(&claim.kind);
    let work = std::panic::AssertUnwindSafe(handler.handle(claim));
    let outcome = match tokio::time::timeout(bound, futures_catch(work)).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(Panicked)) => Outcome::Retry {
            after: None,
            error: anyhow::anyhow!("the handler panicked"),
        },
        Err(_) => Outcome::Retry {
            after: None,
            error: anyhow::anyhow!("no result within {} s", bound.as_secs()),
        },
    };
    handler.count(&claim.kind, settle(db, claim, outcome).await);
}

/// Writes down what became of an attempt; answers a word for it: `done retry dead lost unknown`.
pub async fn settle(db: &PgPool, claim: &Claim, outcome: Outcome) -> &'static str {
    let word = match &outcome {
        Outcome::Done | Outcome::Finished => "done",
        Outcome::Retry { .. } if !claim.is_last() => "retry",
        Outcome::Retry { .. } | Outcome::Dead { .. } => "dead",
    };
    let (job_id, kind, attempt) = (claim.job_id, claim.kind.as_str(), claim.attempt);
    match &outcome {
        Outcome::Done | Outcome::Finished => {}
        Outcome::Retry { error, .. } if !claim.is_last() => {
            let error = format!("{error:#}");
            tracing::info!(job.id = %job_id, job.kind = kind, job.attempt = attempt, error, "job to be retried");
        }
        Outcome::Retry { error, .. } | Outcome::Dead { error } => {
            let error = format!("{error:#}");
            tracing::error!(job.id = %job_id, job.kind = kind, job.attempt = attempt, error, "job is dead");
        }
    }
    match tokio::time::timeout(crate::store::WAIT_MAX, write(db, claim, outcome)).await {
        Ok(Ok(true)) => word,
        Ok(Ok(false)) => "lost",
        Ok(Err(error)) => {
            tracing::warn!(job.id = %job_id, job.kind = kind, error = %error, "could not settle a job; its lease will run out");
            "unknown"
        }
        Err(_) => {
            tracing::warn!(job.id = %job_id, job.kind = kind, "could not settle a job in time; its lease will run out");
            "unknown"
        }
    }
}

async fn write(db: &PgPool, claim: &Claim, outcome: Outcome) -> sqlx::Result<bool> {
    match outcome {
        Outcome::Finished => Ok(true),
        Outcome::Done => store::finish(&mut *db.acquire().await?, claim).await,
        Outcome::Retry { after, error } if !claim.is_last() => {
            let after = after.unwrap_or_else(|| backoff::queue_retry(claim.attempt, random_unit()));
            store::retry(
                &mut *db.acquire().await?,
                claim,
                after,
                &format!("{error:#}"),
            )
            .await
        }
        Outcome::Retry { error, .. } | Outcome::Dead { error } => {
            store::bury(&mut *db.acquire().await?, claim, &format!("{error:#}")).await
        }
    }
}

/// The handler panicked.
struct Panicked;

/// Runs a future and turns a panic into a value, so that one poisoned job does not take the runner with it.
async fn futures_catch<F: Future>(
    work: std::panic::AssertUnwindSafe<F>,
) -> Result<F::Output, Panicked> {
    let mut work = Box::pin(work.0);
    std::future::poll_fn(move |context| {
        let polled =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work.as_mut().poll(context)));
        match polled {
            Ok(std::task::Poll::Pending) => std::task::Poll::Pending,
            Ok(std::task::Poll::Ready(output)) => std::task::Poll::Ready(Ok(output)),
            Err(_) => std::task::Poll::Ready(Err(Panicked)),
        }
    })
    .await
}

/// A random number in 0..1, for jitter.
pub fn random_unit() -> f64 {
    let mut bytes = [0_u8; 4];
    match aws_lc_rs::rand::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
        Err(_) => 0.5,
    }
}

/// Wakes this process's runner when another replica says that something is due. Reconnects by itself; the poll covers
/// what is missed meanwhile.
pub async fn listen(db: PgPool, wake: Wake, stop: CancellationToken) {
    loop {
        let heard = tokio::select! {
            () = stop.cancelled() => return,
            heard = listen_once(&db, &wake) => heard,
        };
        if let Err(error) = heard {
            tracing::warn!(error = %error, "not listening for other replicas; polling");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(5 * POLL) => {}
        }
    }
}

async fn listen_once(db: &PgPool, wake: &Wake) -> sqlx::Result<()> {
    let mut listener = PgListener::connect_with(db).await?;
    listener.listen(store::WAKE_CHANNEL).await?;
    loop {
        listener.recv().await?;
        wake.wake_here();
    }
}

/// Tells other replicas of what this one enqueued, at most twenty times a second; for a process without a runner.
pub async fn announce(db: PgPool, wake: Wake, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = wake.elsewhere.notified() => {}
        }
        if !matches!(
            tokio::time::timeout(crate::store::WAIT_MAX, store::notify(&db)).await,
            Ok(Ok(()))
        ) {
            tracing::warn!("could not wake other replicas; they poll");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
