//! Sends again what an endpoint has missed since a moment: a durable job with progress, however much it is.
//!
//! First deliveries are made of events that have none to the endpoint, if that is asked for, then those that are over begin anew:
//! in this order, so that what follows a call's end never overtakes it. Each step is one short transaction with the place up to
//! which was looked and the counts, so a worker that is lost in one has lost nothing and sent nothing twice: the next goes on
//! from there. What is put on its way is delivered as everything else, within the endpoint's own bounds.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use crate::{
    domain::{
        delivery::DeliveryState,
        endpoint::{Endpoint, EndpointState},
        event::EventType,
        id::{AccountId, EndpointId, RecoveryId},
        recovery::{Counts, Missed, Recovery, Stage},
    },
    jobs::Recover,
    queue::{self, Claim, NewJob, Outcome, runner::Wake},
    store::{
        self, delivery_queue, endpoints,
        recoveries::{self, Of},
    },
};

/// How many events or deliveries are looked at in one transaction.
pub const AT_ONCE: i64 = 500;

/// After so long a job hands over to the next, so that none is long.
const SLICE: Duration = Duration::from_secs(20);

/// How many recoveries the leader looks after at a time.
const LOOKED_AFTER: i64 = 100;

/// A recovery that somebody asks for.
#[derive(Debug, Clone)]
pub struct Request {
    /// In which account.
    pub account_id: AccountId,
    /// Its id; if there is a recovery by it, that one is meant.
    pub recovery_id: RecoveryId,
    /// Of which endpoint.
    pub endpoint_id: EndpointId,
    /// What was told at this moment or later.
    pub since: DateTime<Utc>,
    /// What was told before this moment; before now, if it is not said or is still to come.
    pub until: Option<DateTime<Utc>>,
    /// Deliveries that have ended so.
    pub states: Vec<DeliveryState>,
    /// Also events that were never on their way to the endpoint.
    pub missing: bool,
}

/// Why nothing is recovered.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The account has no such endpoint.
    #[error("the endpoint is not known")]
    NoEndpoint,
    /// It would be told nothing.
    #[error("the endpoint is disabled: enable it first")]
    Disabled,
    /// One at a time.
    #[error("the recovery {0} of this endpoint is running")]
    Running(RecoveryId),
    /// Nothing lies in between.
    #[error("must be in the past, and before `until`")]
    Window,
    /// The database did not do it, or may not have.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<sqlx::Error> for RequestError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Asks for a recovery.
pub async fn request(db: &PgPool, wake: &Wake, asked: Request) -> Result<Recovery, RequestError> {
    let (account_id, endpoint_id) = (asked.account_id, asked.endpoint_id);
    let of = (account_id, asked.recovery_id);
    let recovery = store::within(Box::pin(async {
        let mut tx = db.begin().await?;
        let endpoint = endpoints::find(&mut *tx, account_id, endpoint_id).await?;
        let endpoint = endpoint.ok_or(RequestError::NoEndpoint)?;
        if let Some(there) = recoveries::find(&mut *tx, of).await? {
            return Ok(there);
        }
        if endpoint.state == EndpointState::Disabled {
            return Err(RequestError::Disabled);
        }
        let now = store::now(&mut tx).await?;
        let missed = Missed {
            // Ids have no times before that.
            since: asked.since.max(DateTime::UNIX_EPOCH),
            until: asked.until.unwrap_or(now).min(now),
            states: asked.states,
            missing: asked.missing,
        };
        if missed.since >= missed.until {
            return Err(RequestError::Window);
        }
        recoveries::insert(&mut tx, of, endpoint_id, &missed).await?;
        let Some(recovery) = recoveries::find(&mut *tx, of).await? else {
            let running = recoveries::running(&mut *tx, account_id, endpoint_id).await?;
            // It has just come to its end, or is another account's id: the same request may do.
            let running = running.ok_or(sqlx::Error::RowNotFound)?;
            return Err(RequestError::Running(running));
        };
        queue::store::enqueue(&mut tx, &[job(of)]).await?;
        tx.commit().await?;
        Ok(recovery)
    }))
    .await?;
    wake.wake();
    tracing::info!(
        account.id = %account_id, endpoint.id = %endpoint_id, recovery.id = %recovery.recovery_id,
        "a recovery was asked for"
    );
    Ok(recovery)
}

fn job((account_id, recovery_id): Of) -> NewJob {
    let recover = Recover {
        account_id,
        recovery_id,
    };
    NewJob::new(account_id, &recover).unique(format!("recover/{recovery_id}"))
}

/// Has every recovery that runs worked on: the job of one may have been given up. One that has its job gets no other.
pub async fn look_after(db: &PgPool, wake: &Wake) -> Result<(), store::Error> {
    let open = store::ask(recoveries::open(db, LOOKED_AFTER)).await?;
    if open.is_empty() {
        return Ok(());
    }
    let jobs: Vec<NewJob> = open.into_iter().map(job).collect();
    store::ask(Box::pin(async {
        let mut conn = db.acquire().await?;
        queue::store::enqueue(&mut conn, &jobs).await
    }))
    .await?;
    wake.wake();
    Ok(())
}

/// What became of a slice of the work.
enum Slice {
    /// There is more to do.
    More,
    /// Somebody else's transactions have to end first.
    Waits,
    /// It has come to its end.
    Done,
}

/// One slice of the work; it hands over to the next.
pub async fn run(db: &PgPool, wake: &Wake, claim: &Claim, job: &Recover) -> Outcome {
    let of = (job.account_id, job.recovery_id);
    let after = match slice(db, wake, of).await {
        Ok(Slice::Done) => return Outcome::Done,
        Ok(Slice::Waits) => Duration::from_secs(1),
        Ok(Slice::More) => Duration::ZERO,
        Err(error) => {
            return Outcome::Retry {
                after: None,
                error: error.into(),
            };
        }
    };
    match hand_over(db, claim, of, after).await {
        Ok(()) => {
            wake.wake();
            Outcome::Finished
        }
        Err(error) => Outcome::Retry {
            after: None,
            error: error.into(),
        },
    }
}

/// Finishes this job and enqueues the next: what is not done yet is no failed attempt.
async fn hand_over(
    db: &PgPool,
    claim: &Claim,
    of: Of,
    after: Duration,
) -> Result<(), store::Error> {
    store::within(async {
        let mut tx = db.begin().await?;
        let now = store::now(&mut tx).await?;
        if queue::store::finish(&mut tx, claim).await? {
            queue::store::enqueue(&mut tx, &[job(of).at(now + after)]).await?;
            tx.commit().await?;
        }
        Ok(())
    })
    .await
}

async fn slice(db: &PgPool, wake: &Wake, of: Of) -> Result<Slice, store::Error> {
    // What was told before the endpoint was enabled may not be committed yet.
    match store::ask(recoveries::may_begin(db, of)).await? {
        Some(true) => {}
        Some(false) => return Ok(Slice::Waits),
        None => return Ok(Slice::Done),
    }
    let began = Instant::now();
    while began.elapsed() < SLICE {
        let Some((stage, sent)) = step(db, of).await? else {
            return Ok(Slice::Done);
        };
        if sent > 0 {
            wake.wake();
        }
        if !stage.is_running() {
            return Ok(Slice::Done);
        }
    }
    Ok(Slice::More)
}

/// One transaction of the work: the stage after it, and how many deliveries it has put on their way. None: it does not run.
async fn step(db: &PgPool, of: Of) -> Result<Option<(Stage, i64)>, store::Error> {
    store::within(Box::pin(async {
        let mut tx = db.begin().await?;
        let Some(recovery) = recoveries::lock(&mut tx, of).await? else {
            return Ok(None);
        };
        let endpoint = endpoints::find(&mut *tx, of.0, recovery.endpoint_id).await?;
        let enabled = endpoint.filter(|endpoint| endpoint.state == EndpointState::Enabled);
        let (to, done) = match (enabled, recovery.stage) {
            (None, _) => ((Stage::Failed, None), Counts::default()),
            (Some(endpoint), Stage::Making) => make(&mut tx, &recovery, &endpoint).await?,
            (Some(_), Stage::Resending) => resend(&mut tx, &recovery).await?,
            (Some(_), Stage::Completed | Stage::Failed) => return Ok(None),
        };
        recoveries::step(&mut tx, of, to, done).await?;
        tx.commit().await?;
        if !to.0.is_running() {
            tracing::info!(account.id = %of.0, recovery.id = %of.1, stage = ?to.0, "a recovery has come to its end");
        }
        Ok(Some((to.0, done.made + done.resent)))
    }))
    .await
}

/// Where a step has led, and what it did.
type Step = ((Stage, Option<uuid::Uuid>), Counts);

/// Makes deliveries of the next events.
async fn make(
    conn: &mut sqlx::PgConnection,
    recovery: &Recovery,
    endpoint: &Endpoint,
) -> sqlx::Result<Step> {
    let types = EventType::ALL.into_iter();
    let types: Vec<_> = types
        .filter(|event| endpoint.subscription.wants(*event))
        .collect();
    let made = recoveries::make(conn, recovery, &types, AT_ONCE).await?;
    let done = Counts {
        looked_at: made.looked_at,
        made: made.made,
        ..Counts::default()
    };
    let to = if made.looked_at == AT_ONCE {
        (Stage::Making, made.last)
    } else {
        (Stage::Resending, None)
    };
    Ok((to, done))
}

/// Puts the next deliveries back at the beginning of a schedule.
async fn resend(conn: &mut sqlx::PgConnection, recovery: &Recovery) -> sqlx::Result<Step> {
    if recovery.missed.states.is_empty() {
        return Ok(((Stage::Completed, None), Counts::default()));
    }
    let page = recoveries::next(&mut *conn, recovery, AT_ONCE).await?;
    let resent = if page.wanted.is_empty() {
        0
    } else {
        delivery_queue::start_again(conn, recovery.account_id, &page.wanted).await?
    };
    let resent = i64::try_from(resent).unwrap_or(i64::MAX);
    let wanted = i64::try_from(page.wanted.len()).unwrap_or(i64::MAX);
    let done = Counts {
        looked_at: page.looked_at,
        resent,
        skipped: wanted - resent,
        ..Counts::default()
    };
    let to = if page.looked_at == AT_ONCE {
        (Stage::Resending, page.last)
    } else {
        (Stage::Completed, None)
    };
    Ok((to, done))
}
