//! The one way in for reports, group-committed.
//!
//! A handler hands its report over and waits for the commit. One task takes what is waiting (no timer: one report when idle,
//! a fair share of hundreds under load) and applies it in one transaction with array parameters; see [`batch`]. If that
//! fails for a reason that lies in the data, each report is tried alone, so that a bad one fails alone. When the bounded
//! channel is full the caller is told at once ([`IngestError::Busy`]).

use std::{pin::pin, sync::Arc, time::Duration};

use sqlx::{Connection as _, PgConnection, PgPool, Postgres, pool::PoolConnection};
use tokio::{
    sync::{Mutex, MutexGuard, mpsc, oneshot},
    time::timeout,
};

use crate::{
    domain::{id::CallId, report::CallReport},
    metrics::Metrics,
    queue::runner::Wake,
    store,
};

use batch::Applied;

mod batch;

/// The most reports that one transaction takes.
pub const BATCH_MAX: usize = 512;

/// Up to so many reports are taken at once; of more that wait, half. What is left makes, with what comes meanwhile, a batch
/// of the same size: batches that took all there is would be large and small by turns, and whoever comes after the small one
/// waits for the large one.
const BATCH_WHOLE: usize = 48;

/// How many batchers one process runs: the statements of one run while the commit of the other is written to the disk.
pub const BATCHERS: usize = 2;

/// How long the statements of a batch may keep the other batcher waiting. They take milliseconds, unless somebody else
/// holds one of its calls locked; what has nothing to do with that call should not wait longer.
const TURN_MAX: Duration = Duration::from_millis(100);

/// How long the connection is kept when no report comes.
const KEPT_IDLE: Duration = Duration::from_secs(1);

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ingested {
    /// It was recorded, of this call.
    Recorded(CallId),
    /// It had been reported before, of this call.
    Duplicate(CallId),
    /// It is of a call that was erased: it is counted, and nothing is kept of it.
    Erased,
}

/// Why a report was not taken.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// Too many wait already.
    #[error("too many reports are waiting")]
    Busy,
    /// The database is away: whether it was taken is not known. Repeating it does no harm.
    #[error("the database is not available")]
    Unavailable(#[source] store::Error),
    /// It cannot be stored.
    #[error("the report cannot be stored")]
    Refused(#[source] store::Error),
}

impl From<store::Error> for IngestError {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Unavailable(_) => Self::Unavailable(error),
            store::Error::Refused(_) | store::Error::Failed(_) => Self::Refused(error),
        }
    }
}

/// The handle by which reports come in.
#[derive(Debug, Clone)]
pub struct Ingest {
    waiting: mpsc::Sender<Pending>,
    metrics: Metrics,
}

#[derive(Debug)]
struct Pending {
    report: CallReport,
    answer: oneshot::Sender<Result<Ingested, IngestError>>,
}

/// The task behind an [`Ingest`]. Clones serve the same one, and take turns: the one whose statements run holds the channel,
/// and hands it on when only its commit is left. So what comes in meanwhile makes one batch, not two that compete for the
/// same processor.
#[derive(Debug, Clone)]
pub struct Batcher {
    waiting: Arc<Mutex<mpsc::Receiver<Pending>>>,
    db: PgPool,
    wake: Wake,
    metrics: Metrics,
}

/// The connection that a batcher keeps while reports keep coming: one server process with warm caches, and no ping for
/// every batch.
type Kept = Option<PoolConnection<Postgres>>;

/// A batcher's turn, from taking reports to the last statement. None: it has none, or has handed it on.
type Turn<'a> = Option<MutexGuard<'a, mpsc::Receiver<Pending>>>;

/// A handle that holds at most `waiting_max` reports, and the task that serves it.
pub fn ingest(db: PgPool, wake: Wake, waiting_max: usize, metrics: Metrics) -> (Ingest, Batcher) {
    let (sender, receiver) = mpsc::channel(waiting_max);
    (
        Ingest {
            waiting: sender,
            metrics: metrics.clone(),
        },
        Batcher {
            waiting: Arc::new(Mutex::new(receiver)),
            db,
            wake,
            metrics,
        },
    )
}

impl Ingest {
    /// Hands a report over and waits until it is committed.
    pub async fn report(&self, report: CallReport) -> Result<Ingested, IngestError> {
        let source = report.source;
        let result = self.hand_over(report).await;
        self.metrics.report(source, outcome(&result));
        result
    }

    async fn hand_over(&self, report: CallReport) -> Result<Ingested, IngestError> {
        let (answer, committed) = oneshot::channel();
        self.waiting
            .try_send(Pending { report, answer })
            .map_err(|full| {
                drop(full);
                IngestError::Busy
            })?;
        // The batcher answers every report it has taken; it only drops one when the service stops.
        committed.await.unwrap_or(Err(IngestError::Busy))
    }
}

impl Batcher {
    /// Serves until the last handle is gone and what it handed over is committed.
    pub async fn run(self) {
        let mut kept = None;
        loop {
            let mut taken = Vec::new();
            let turn = if kept.is_none() {
                self.take(&mut taken).await
            } else if let Ok(turn) = timeout(KEPT_IDLE, self.take(&mut taken)).await {
                turn
            } else {
                kept = None;
                continue;
            };
            if taken.is_empty() {
                return;
            }
            self.commit(&mut kept, taken, Some(turn)).await;
        }
    }

    /// Takes what is waiting, or a share of it; nothing if nothing will come any more. Loses nothing when it is dropped.
    async fn take(&self, taken: &mut Vec<Pending>) -> MutexGuard<'_, mpsc::Receiver<Pending>> {
        let mut waiting = self.waiting.lock().await;
        let share = share(waiting.len());
        waiting.recv_many(taken, share).await;
        waiting
    }

    async fn commit(&self, kept: &mut Kept, taken: Vec<Pending>, turn: Turn<'_>) {
        let (reports, answers): (Vec<CallReport>, Vec<_>) = taken
            .into_iter()
            .map(|pending| (pending.report, pending.answer))
            .unzip();
        let results = match self.apply(kept, &reports, turn).await {
            Ok(ingested) => ingested.into_iter().map(Ok).collect(),
            Err(error @ store::Error::Unavailable(_)) => unavailable(&reports, &error),
            Err(error) if reports.len() == 1 => vec![Err(error.into())],
            Err(_) => self.apply_each(kept, &reports).await,
        };
        for (answer, result) in answers.into_iter().zip(results) {
            // The client may have hung up; its report is in all the same.
            drop(answer.send(result));
        }
    }

    /// One transaction each: whichever report made the batch fail, fails alone.
    async fn apply_each(
        &self,
        kept: &mut Kept,
        reports: &[CallReport],
    ) -> Vec<Result<Ingested, IngestError>> {
        let mut results = Vec::with_capacity(reports.len());
        for report in reports {
            let one = self.apply(kept, std::slice::from_ref(report), None).await;
            results.push(
                one.map_err(IngestError::from)
                    .and_then(|ingested| ingested.first().copied().ok_or(IngestError::Busy)),
            );
        }
        results
    }

    async fn apply(
        &self,
        kept: &mut Kept,
        reports: &[CallReport],
        turn: Turn<'_>,
    ) -> Result<Vec<Ingested>, store::Error> {
        let connection = kept.take();
        // Whatever ends this early takes the connection along: the pool sees to it that it is sound.
        let (applied, connection) = store::within(async {
            let mut connection = match connection {
                Some(connection) => connection,
                None => self.db.acquire().await?,
            };
            let applied = transact(&mut connection, reports, turn).await?;
            Ok::<_, store::Error>((applied, connection))
        })
        .await?;
        *kept = Some(connection);
        if applied.woken {
            self.wake.wake();
        }
        self.metrics.ingest_batch(reports.len());
        Ok(applied.ingested)
    }
}

/// How many of those that wait make a batch.
fn share(waiting: usize) -> usize {
    (waiting / 2).clamp(BATCH_WHOLE, BATCH_MAX)
}

/// Applies reports in one transaction, commits, and wakes the workers: what a service without batches would do.
pub async fn apply(
    db: &PgPool,
    wake: &Wake,
    reports: &[CallReport],
) -> Result<Vec<Ingested>, store::Error> {
    let applied = store::within(async {
        let mut connection = db.acquire().await?;
        transact(&mut connection, reports, None).await
    })
    .await?;
    if applied.woken {
        wake.wake();
    }
    Ok(applied.ingested)
}

/// One transaction: everything that the reports come to, and the commit.
async fn transact(
    conn: &mut PgConnection,
    reports: &[CallReport],
    turn: Turn<'_>,
) -> Result<Applied, store::Error> {
    let mut tx = conn.begin().await?;
    let statements = batch::apply(&mut tx, reports);
    let applied = in_turn(turn, statements).await?;
    tx.commit().await?;
    Ok(applied)
}

/// Does the work, and hands the turn on after it, or after [`TURN_MAX`] if it takes longer.
async fn in_turn<T>(turn: Turn<'_>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    if let Ok(done) = timeout(TURN_MAX, &mut work).await {
        return done;
    }
    drop(turn);
    work.await
}

fn outcome(result: &Result<Ingested, IngestError>) -> &'static str {
    match result {
        Ok(Ingested::Recorded(_)) => "recorded",
        Ok(Ingested::Duplicate(_)) => "duplicate",
        Ok(Ingested::Erased) => "erased",
        Err(IngestError::Busy) => "busy",
        Err(IngestError::Unavailable(_)) => "unavailable",
        Err(IngestError::Refused(_)) => "refused",
    }
}

/// The same news for everyone who waited.
fn unavailable(reports: &[CallReport], error: &store::Error) -> Vec<Result<Ingested, IngestError>> {
    tracing::warn!(reports = reports.len(), error = %error, "a batch of reports was not committed");
    reports
        .iter()
        .map(|_| {
            Err(IngestError::Unavailable(store::Error::Unavailable(
                "the batch was not committed".into(),
            )))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn a_batch_is_what_waits_or_half_of_many() {
        let shares = [0, 48, 97, 98, 1000, 1024, 5000].map(share);
        assert_eq!(shares, [48, 48, 48, 49, 500, 512, 512]);
    }
}
