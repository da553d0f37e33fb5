//! Analyses that somebody asks for: of one call, or of all calls of a time.
//!
//! What equal input has made is not made again unless that is asked for. A back-fill stays behind the work of the day: a handful of
//! its jobs waits at any time, and they share a lane.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{
    analyze::{self, Standing},
    effects,
    insights::{self, Model},
    listen::wanted,
};
use crate::{
    domain::{
        analysis::Trigger,
        id::{AccountId, CallId},
    },
    jobs::Analyze,
    queue::{self, Lane, NewJob, runner::Wake},
    recordings::read::Recordings,
    store::{
        self,
        insights::{self as kept, Forget},
    },
};

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requested {
    /// The newest revision is what would be made.
    Current {
        /// It.
        revision: i32,
    },
    /// It will be made.
    Queued {
        /// The newest one until then.
        revision: Option<i32>,
    },
}

/// Why a call is not analysed.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The account has no such call.
    #[error("the call is not known")]
    CallNotFound,
    /// It has not ended.
    #[error("the call goes on")]
    CallLive,
    /// The database did not do it, or may not have.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<sqlx::Error> for RequestError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// What a call is analysed with, besides what is kept of it.
#[derive(Debug, Clone, Copy)]
pub struct Services<'a> {
    /// The language model, if there is one.
    pub model: Option<&'a Model>,
    /// Reads recordings.
    pub recordings: &'a Recordings,
}

/// Has a call analysed anew, if that would say anything else, or if it is forced.
///
/// What a language model did not answer is asked again, and a recording that could not be read is read again; if it is forced, what it
/// did answer, and what was read, too. A recording takes its time: the analysis does not wait for it, but is made again where it says
/// anything else.
pub async fn request(
    db: &PgPool,
    wake: &Wake,
    (of, services): ((AccountId, CallId), Services<'_>),
    force: bool,
) -> Result<Requested, RequestError> {
    let requested = store::within(async {
        let mut tx = db.begin().await?;
        forget(&mut tx, of, force).await?;
        let reading = wanted::again(&mut tx, of, services.recordings, force).await?;
        let standing = analyze::standing(&mut tx, services.model, of).await?;
        let (revision, same) = match standing.ok_or(RequestError::CallNotFound)? {
            Standing::Live => return Err(RequestError::CallLive),
            Standing::Current(revision) if !force && reading.is_none() => {
                return Ok(Requested::Current { revision });
            }
            Standing::Current(revision) => (Some(revision), !force),
            Standing::Outdated(revision) => (revision, false),
        };
        let (account_id, call_id) = of;
        let job = if force {
            forced(account_id, call_id)
        } else {
            effects::analysis(account_id, call_id, Trigger::Requested)
        };
        let job = job.unique(format!("analyze-requested/{call_id}/{force}"));
        let jobs: Vec<NewJob> = (!same).then_some(job).into_iter().chain(reading).collect();
        queue::store::enqueue(&mut tx, &jobs).await?;
        tx.commit().await?;
        Ok(Requested::Queued { revision })
    })
    .await?;
    if let Requested::Queued { .. } = requested {
        wake.wake();
    }
    Ok(requested)
}

/// A language model is asked again.
async fn forget(conn: &mut PgConnection, of: (AccountId, CallId), force: bool) -> sqlx::Result<()> {
    let what = if force {
        Forget::Everything
    } else {
        Forget::Failures
    };
    kept::forget(conn, of, what).await
}

fn forced(account_id: AccountId, call_id: CallId) -> NewJob {
    let job = Analyze {
        account_id,
        call_id,
        trigger: Trigger::Requested,
        force: true,
        insights_round: 0,
    };
    NewJob::new(account_id, &job)
}

/// Which calls are to be analysed anew: those of one account that have ended.
#[derive(Debug, Clone)]
pub struct Backfill {
    /// Whose.
    pub account_id: AccountId,
    /// First heard of then or later.
    pub since: DateTime<Utc>,
    /// And before.
    pub until: Option<DateTime<Utc>>,
    /// Also those of which nothing else would be said.
    pub force: bool,
    /// The language model that the service asks, if it has one.
    pub model: Option<Model>,
}

/// Where a back-fill is.
pub type Place = (DateTime<Utc>, CallId);

/// A handful of calls that are being analysed.
#[derive(Debug)]
pub struct Batch {
    /// The last of them.
    pub last: Place,
    /// How many calls were looked at.
    pub calls: usize,
    /// The keys of the jobs of each call that is to be analysed: of the analysis, of the question to a model, of what follows the answer.
    tasks: Vec<(Uuid, String)>,
    queued: Vec<CallId>,
    began: DateTime<Utc>,
}

/// How far a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchState {
    /// Something is still to be done.
    Left {
        /// It could be done, and nobody does anything.
        is_idle: bool,
    },
    /// Nothing is left.
    Done(Done),
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Calls with a new revision.
    pub analysed: usize,
    /// Calls of which nothing else was to be said after all: a language model failed as it did before.
    pub unchanged: usize,
    /// Calls whose analysis was given up.
    pub failed: usize,
}

impl Backfill {
    /// How many calls are looked at, and wait at most, at a time.
    pub const BATCH: i64 = 100;

    /// The next calls after a place; `None` at the end. With `dry_run` they are only looked at.
    pub async fn next(
        &self,
        db: &PgPool,
        after: Option<Place>,
        dry_run: bool,
    ) -> Result<Option<Batch>, store::Error> {
        store::within(Box::pin(async {
            let mut tx = db.begin().await?;
            let began = store::now(&mut tx).await?;
            let range = (self.since, self.until.unwrap_or(began));
            let ended =
                store::calls::ended(&mut *tx, self.account_id, range, after, Self::BATCH).await?;
            let Some(last) = ended.last().copied() else {
                return Ok(None);
            };
            let outdated = self.outdated(&mut tx, &ended).await?;
            let jobs: Vec<NewJob> = outdated.iter().map(|call_id| self.job(*call_id)).collect();
            if !dry_run {
                queue::store::enqueue(&mut tx, &jobs).await?;
                tx.commit().await?;
            }
            Ok(Some(Batch {
                last,
                calls: ended.len(),
                tasks: outdated
                    .iter()
                    .flat_map(|call_id| self.keys(*call_id).map(|key| (call_id.uuid(), key)))
                    .collect(),
                queued: outdated,
                began,
            }))
        }))
        .await
    }

    async fn outdated(
        &self,
        conn: &mut PgConnection,
        ended: &[Place],
    ) -> sqlx::Result<Vec<CallId>> {
        let mut outdated = Vec::new();
        for (_, call_id) in ended {
            let of = (self.account_id, *call_id);
            forget(conn, of, self.force).await?;
            let standing = analyze::standing(conn, self.model.as_ref(), of).await?;
            match standing {
                Some(Standing::Outdated(_)) => outdated.push(*call_id),
                Some(Standing::Current(_)) if self.force => outdated.push(*call_id),
                Some(Standing::Current(_) | Standing::Live) | None => {}
            }
        }
        Ok(outdated)
    }

    fn job(&self, call_id: CallId) -> NewJob {
        let job = if self.force {
            forced(self.account_id, call_id)
        } else {
            effects::analysis(self.account_id, call_id, Trigger::Requested)
        };
        let [own, ..] = self.keys(call_id);
        job.unique(own).in_lane(Lane(self.account_id.uuid()))
    }

    fn keys(&self, call_id: CallId) -> [String; 3] {
        let [asked, answered] = insights::keys(call_id, self.force);
        let own = format!("reanalyze/{call_id}/{}", self.force);
        [own, asked, answered]
    }
}

impl Batch {
    /// How many of the calls are to be analysed.
    pub fn outdated(&self) -> usize {
        self.queued.len()
    }

    /// How far it is.
    pub async fn state(
        &self,
        db: &PgPool,
        account_id: AccountId,
    ) -> Result<BatchState, store::Error> {
        let among = store::ask(store::tasks::among(db, &self.tasks, self.began)).await?;
        if among.live > 0 {
            return Ok(BatchState::Left {
                is_idle: among.is_idle,
            });
        }
        let analysed = store::analyses::calls_since(db, account_id, &self.queued, self.began);
        let analysed = store::ask(analysed).await?;
        let rest = self.queued.len().saturating_sub(analysed);
        let failed = among.dead.min(rest);
        Ok(BatchState::Done(Done {
            analysed,
            unchanged: rest - failed,
            failed,
        }))
    }
}

/// How often it is looked whether a batch is done.
pub const LOOK_EVERY: Duration = Duration::from_millis(250);
