//! What a job is, and what its handler may decide.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::domain::id::{AccountId, JobId};

/// A kind of durable work: its payload is the implementing type.
pub trait Job: Serialize + DeserializeOwned + Send {
    /// Its name in the table; never reused for another payload.
    const KIND: &'static str;
    /// How often it is tried before it is dead.
    const ATTEMPTS_MAX: i32;
    /// How long one attempt may take; the handler is stopped after that.
    const TIMEOUT: Duration;
}

/// Jobs of one lane share a bound on how many run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane(pub Uuid);

/// A job to be enqueued.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub(crate) job_id: JobId,
    pub(crate) kind: &'static str,
    pub(crate) account_id: AccountId,
    pub(crate) lane: Option<Lane>,
    pub(crate) unique_key: Option<String>,
    pub(crate) args: serde_json::Value,
    pub(crate) run_at: Option<DateTime<Utc>>,
    pub(crate) attempts_max: i32,
}

impl NewJob {
    /// A job that is due at once.
    pub fn new<J: Job>(account_id: AccountId, job: &J) -> Self {
        Self {
            job_id: JobId::generate(),
            kind: J::KIND,
            account_id,
            lane: None,
            unique_key: None,
            args: serde_json::to_value(job).expect("a job's payload is plain data"),
            run_at: None,
            attempts_max: J::ATTEMPTS_MAX,
        }
    }

    /// Bounds how many of the same lane run at once.
    #[must_use]
    pub fn in_lane(mut self, lane: Lane) -> Self {
        self.lane = Some(lane);
        self
    }

    /// Makes a second live job with the same key a no-op.
    #[must_use]
    pub fn unique(mut self, key: String) -> Self {
        self.unique_key = Some(key);
        self
    }

    /// Holds it back until then.
    #[must_use]
    pub fn at(mut self, run_at: DateTime<Utc>) -> Self {
        self.run_at = Some(run_at);
        self
    }

    /// Its id.
    pub fn job_id(&self) -> JobId {
        self.job_id
    }
}

/// A job that this worker holds. The lease is the fence: finishing needs the newest.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Which job.
    pub job_id: JobId,
    /// Its kind.
    pub kind: String,
    /// Its lane.
    pub lane: Option<Lane>,
    /// Its payload.
    pub args: serde_json::Value,
    /// Which attempt this is, from 1.
    pub attempt: i32,
    /// After this attempt it is dead.
    pub attempts_max: i32,
    /// The fence.
    pub lease: i64,
}

impl Claim {
    /// Whether there is no attempt after this one.
    pub fn is_last(&self) -> bool {
        self.attempt >= self.attempts_max
    }
}

/// What became of an attempt.
#[derive(Debug)]
pub enum Outcome {
    /// Done; the runner finishes the job.
    Done,
    /// Done, and the handler's own transaction has finished the job (`queue::store::finish`).
    Finished,
    /// Not yet. The default of doubt. After the last attempt the job is dead.
    Retry {
        /// When to try again; the queue's backoff if not given.
        after: Option<Duration>,
        /// Why.
        error: anyhow::Error,
    },
    /// Never will be.
    Dead {
        /// Why.
        error: anyhow::Error,
    },
}
