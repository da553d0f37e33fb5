//! Work that somebody must do now and then: one leader among the replicas, by a lease in the database.

use std::time::{Duration, Instant};

use sqlx::PgPool;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::store;
use crate::store::{WAIT_MAX, within};

/// How long a leader may be silent before another takes over.
const LEAD: Duration = Duration::from_secs(15);
/// How often the leader looks for lost work, and the others for a lost leader.
const EVERY: Duration = Duration::from_secs(5);
/// How many expired answers are deleted at a time; more than can come in meanwhile.
const SWEPT_MAX: i64 = 10_000;
/// How often the weeks ahead are looked after.
const WEEKS_EVERY: Duration = Duration::from_hours(1);
/// The name of the lease.
const NAME: &str = "periodic";

/// Whether this process leads, for whoever works only while it does.
#[derive(Debug, Clone)]
pub struct Lead(watch::Receiver<Option<Instant>>);

/// Who says so.
#[derive(Debug)]
pub struct Standing(watch::Sender<Option<Instant>>);

/// A process that does not lead yet.
pub fn standing() -> (Standing, Lead) {
    let (until, held) = watch::channel(None);
    (Standing(until), Lead(held))
}

impl Lead {
    /// Whether this process leads, as far as it can know: the lease was not over when this was asked.
    pub fn is_held(&self) -> bool {
        self.0.borrow().is_some_and(|until| Instant::now() < until)
    }
}

/// Stands for election until told to stop; while leading, gives lost jobs back and deletes answers that nobody may
/// ask for again.
pub async fn lead(db: PgPool, standing: Standing, stop: CancellationToken) {
    let holder = Uuid::now_v7();
    let mut weeks_made_at: Option<Instant> = None;
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = tick.tick() => {}
        }
        let turn: Result<(), crate::store::Error> = within(async {
            let asked = Instant::now();
            let leads = store::lead(&db, NAME, holder, LEAD).await?;
            standing.0.send_replace(leads.then(|| asked + LEAD));
            if leads {
                rescue(&db).await?;
                crate::store::idempotency::sweep(&db, SWEPT_MAX).await?;
                if weeks_made_at.is_none_or(|at| at.elapsed() >= WEEKS_EVERY) {
                    make_weeks(&db).await?;
                    weeks_made_at = Some(Instant::now());
                }
            }
            Ok(())
        })
        .await;
        if let Err(error) = turn {
            tracing::warn!(error = %error, "periodic work was not done; trying again");
        }
    }
    standing.0.send_replace(None);
    if !matches!(
        tokio::time::timeout(WAIT_MAX, store::resign(&db, NAME, holder)).await,
        Ok(Ok(()))
    ) {
        tracing::warn!("could not resign the lead; its lease will run out");
    }
}

/// Makes the tables of the weeks to come.
async fn make_weeks(db: &PgPool) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    let made = crate::store::weeks::make(&mut tx).await?;
    tx.commit().await?;
    if made > 0 {
        tracing::info!(tables = made, "made the tables of the weeks to come");
    }
    Ok(())
}

/// Gives lost jobs back and says so.
async fn rescue(db: &PgPool) -> sqlx::Result<()> {
    let rescued = store::rescue(db).await?;
    if rescued.retried > 0 || rescued.buried > 0 {
        tracing::warn!(
            retried = rescued.retried,
            buried = rescued.buried,
            "jobs of a lost worker were rescued"
        );
    }
    Ok(())
}
