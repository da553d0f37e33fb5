//! What the engine asks of the database, each in one go: nothing here waits for an endpoint.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    domain::{
        delivery::{AttemptOutcome, DeliveryState},
        endpoint::DisabledReason,
        event::EventType,
        id::{AccountId, CallId, EndpointId, EventId},
    },
    store::{
        self,
        delivery_queue::{self, Due, Wanted},
        delivery_results::{self, Result as Written, Settlement},
        endpoint_targets::{self, Target, Which},
        endpoints,
        lanes::{self, Lane, Standing},
        within,
    },
    webhooks::operational,
};

/// Endpoints that are taken at once.
const TAKEN_MAX: i64 = 256;

/// Deliveries that are let go at once with the ends they waited for; the rest is found by reading.
const FOLLOWERS_MAX: i64 = 1024;

/// An endpoint at which every attempt has failed for so long is disabled.
pub const FAILING_MAX: Duration = Duration::from_hours(5 * 24);

/// Why an endpoint is disabled here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It answered 410.
    Gone,
    /// Every attempt of [`FAILING_MAX`] has failed.
    Failing,
}

impl Why {
    /// As the endpoint shows it.
    fn reason(self) -> DisabledReason {
        match self {
            Self::Gone => DisabledReason::Gone,
            Self::Failing => DisabledReason::Failing,
        }
    }

    /// What becomes of what was on its way: what an endpoint that may come back has missed is a dead letter.
    fn state(self) -> DeliveryState {
        match self {
            Self::Gone => DeliveryState::Discarded,
            Self::Failing => DeliveryState::Dead,
        }
    }
}

/// Renews the lease, or begins one. False: it was over.
pub(super) async fn lease(db: PgPool, holder: Uuid, begun: bool) -> Result<bool, store::Error> {
    within(async {
        if begun {
            return Ok(lanes::renew(&db, holder).await?);
        }
        lanes::enter(&mut *db.acquire().await?, holder).await?;
        Ok(true)
    })
    .await
}

/// What is due, and where nobody delivers it.
pub(super) async fn look(db: PgPool, holder: Uuid) -> Result<Vec<Lane>, store::Error> {
    store::ask(lanes::take(&db, holder, TAKEN_MAX)).await
}

/// What was read of some endpoints.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) wanted: Vec<Wanted>,
    pub(super) due: Vec<Due>,
    /// None: it is to be told nothing.
    pub(super) targets: Vec<(EndpointId, Target)>,
    pub(super) took: Duration,
}

/// What is due at endpoints, and where they are.
pub(super) async fn read(
    db: PgPool,
    accounts: Vec<AccountId>,
    wanted: Vec<Wanted>,
) -> Result<Read, store::Error> {
    within(async {
        let mut conn = db.acquire().await?;
        let begun = Instant::now();
        let due = delivery_queue::due(&mut *conn, &wanted).await?;
        let took = begun.elapsed();
        let asked: Vec<_> = accounts
            .into_iter()
            .zip(&wanted)
            .map(|(account, wanted)| (account, wanted.endpoint_id))
            .collect();
        // After the deliveries: an endpoint that was disabled in between is not told of them.
        let targets = endpoint_targets::load(&mut *conn, &asked, Which::Enabled).await?;
        Ok(Read {
            wanted,
            due,
            targets,
            took,
        })
    })
    .await
}

/// What is to be sent, and what time it is.
pub(super) async fn load(
    db: PgPool,
    due: Vec<Due>,
) -> (
    Vec<Due>,
    Result<(DateTime<Utc>, Vec<(EventId, String)>), store::Error>,
) {
    let loaded = within(async {
        let mut conn = db.acquire().await?;
        Ok(delivery_queue::bodies(&mut conn, &due).await?)
    })
    .await;
    (due, loaded)
}

/// What is to be written down together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) results: Vec<Written>,
    pub(super) standings: Vec<Standing>,
    /// Endpoints with deliveries that are told nothing.
    pub(super) silent: Vec<(AccountId, EndpointId)>,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.results.is_empty() && self.standings.is_empty() && self.silent.is_empty()
    }
}

/// What came of writing down.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// What waited for ends that are over now.
    pub(super) followers: Vec<Due>,
    /// Operational events were emitted, or more is left to discard.
    pub(super) more: bool,
}

/// Attempts, deliveries, endpoints and whatever follows, in one transaction for all.
pub(super) async fn write(db: PgPool, batch: Batch) -> (Batch, Result<Outcome, store::Error>) {
    let written = within(write_down(&db, &batch)).await;
    (batch, written)
}

async fn write_down(db: &PgPool, batch: &Batch) -> Result<Outcome, store::Error> {
    let mut tx = db.begin().await?;
    let mut outcome = Outcome::default();
    // An endpoint's row before those of its deliveries, as everywhere.
    let failing = lanes::stand(&mut tx, &batch.standings, FAILING_MAX).await?;
    let gone = batch.results.iter().filter(|result| is_gone(result));
    let gone = gone.map(|result| (result.due.account_id, result.due.endpoint_id));
    let ends = gone.map(|key| (key, Why::Gone));
    let ends = ends.chain(failing.into_iter().map(|key| (key, Why::Failing)));
    let mut disabled = Vec::new();
    for ((account_id, endpoint_id), by) in ends {
        if endpoints::disable(&mut tx, account_id, endpoint_id, by.reason()).await? {
            tracing::warn!(endpoint.id = %endpoint_id, account.id = %account_id, by = ?by, "endpoint disabled");
            disabled.push((account_id, endpoint_id, by));
        }
    }
    let over: Vec<_> = batch
        .results
        .iter()
        .filter(|result| !matches!(result.settlement, Settlement::Postponed { .. }))
        .collect();
    let later: Vec<_> = batch
        .results
        .iter()
        .filter(|result| matches!(result.settlement, Settlement::Postponed { .. }))
        .collect();
    let finished = delivery_results::finish(&mut tx, &over).await?;
    delivery_results::postpone(&mut tx, &later).await?;
    for (account_id, endpoint_id, by) in &disabled {
        delivery_queue::end_all(&mut tx, *account_id, *endpoint_id, by.state()).await?;
        outcome.more |=
            operational::endpoint_disabled(&mut tx, (*account_id, *endpoint_id), by.reason())
                .await?;
    }
    for (account_id, endpoint_id) in &batch.silent {
        let ended =
            delivery_queue::end_all(&mut tx, *account_id, *endpoint_id, DeliveryState::Discarded);
        outcome.more |= ended.await? > 0;
    }
    let dead: Vec<_> = over
        .iter()
        .filter(|result| {
            result.settlement == Settlement::Dead && finished.contains(&result.due.delivery_id)
        })
        .copied()
        .collect();
    outcome.more |= operational::deliveries_exhausted(&mut tx, &dead).await?;
    let ended: Vec<(EndpointId, CallId)> = over
        .iter()
        .filter(|result| result.due.event_type == EventType::CallEnded)
        .filter_map(|result| Some((result.due.endpoint_id, result.due.call_id?)))
        .collect();
    if !ended.is_empty() {
        outcome.followers = delivery_queue::followers(&mut tx, &ended, FOLLOWERS_MAX).await?;
    }
    tx.commit().await?;
    Ok(outcome)
}

/// Whether the endpoint said that it is gone for good.
pub(super) fn is_gone(result: &Written) -> bool {
    let attempt = result.attempt.as_ref();
    attempt.is_some_and(|(attempt, _)| attempt.outcome == AttemptOutcome::Gone)
}

/// Gives endpoints back at which nothing is due.
pub(super) async fn give_back(
    db: PgPool,
    holder: Uuid,
    endpoints: Vec<EndpointId>,
) -> Result<(), store::Error> {
    store::ask(lanes::give_back(&db, holder, &endpoints)).await
}

/// Ends the lease.
pub(super) async fn leave(db: &PgPool, holder: Uuid) -> Result<(), store::Error> {
    store::ask(lanes::leave(db, holder)).await
}
