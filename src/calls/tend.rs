//! What the leader does now and then, so that no call stays alive and nothing waits for ever: each task by its own clock, and only
//! while this process leads. Two that run at the same time, because a lead changed hands, do no harm.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Tools, end, erase, legs, limits, reconcile, retain};
use crate::{domain::retention::Windows, queue::periodic::Lead, store, webhooks::recover};

/// How often calls whose time is up are looked for.
const LIMITS_EVERY: Duration = Duration::from_secs(1);

/// How often silent calls are looked for.
const RECONCILE_EVERY: Duration = Duration::from_secs(1);

/// How often what is old is looked for.
const FORGET_EVERY: Duration = Duration::from_mins(1);

/// How often the rest is looked after.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Ends calls whose time is up.
pub async fn limits(tools: Tools, lead: Lead, stop: CancellationToken) {
    let work = || async {
        let ended = limits::sweep(&tools).await?;
        if ended > 0 {
            tracing::debug!(calls = ended, "calls had lasted as long as they may");
        }
        Ok(())
    };
    every(LIMITS_EVERY, "limits", lead, stop, work).await;
}

/// Asks about silent calls.
pub async fn silence(
    tools: Tools,
    settings: reconcile::Settings,
    lead: Lead,
    stop: CancellationToken,
) {
    let work = || async {
        let checked = reconcile::sweep(&tools, &settings).await?;
        if checked > 0 {
            tracing::debug!(calls = checked, "silent calls were looked at");
        }
        Ok(())
    };
    every(RECONCILE_EVERY, "silence", lead, stop, work).await;
}

/// Takes up reports whose call has come, drops those whose call never came, gives up endings that nobody asks for any more, and has
/// erasures and recoveries gone on with.
pub async fn upkeep(tools: Tools, lead: Lead, stop: CancellationToken) {
    let work = || async {
        Box::pin(legs::take_up(&tools, None)).await?;
        legs::drop_old(&tools).await?;
        end::give_up_forsaken(&tools).await?;
        erase::look_after(&tools).await?;
        recover::look_after(&tools.db, &tools.wake).await?;
        Ok(())
    };
    every(UPKEEP_EVERY, "upkeep", lead, stop, work).await;
}

/// Forgets what is old: tombstones of erased calls, and what accounts keep no longer.
pub async fn forgetting(
    tools: Tools,
    (tombstone_days, windows): (i32, Windows),
    lead: Lead,
    stop: CancellationToken,
) {
    let work = || async {
        erase::forget(&tools, tombstone_days).await?;
        Box::pin(retain::sweep(&tools, windows)).await
    };
    every(FORGET_EVERY, "forgetting", lead, stop, work).await;
}

/// Does work now and then while this process leads, until told to stop.
async fn every<Work>(
    period: Duration,
    name: &'static str,
    lead: Lead,
    stop: CancellationToken,
    work: impl Fn() -> Work,
) where
    Work: Future<Output = Result<(), store::Error>>,
{
    let mut tick = tokio::time::interval(period);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        if !lead.is_held() {
            continue;
        }
        // What is cut off here is a transaction that did not commit, or a question; both are made again.
        let done = tokio::select! {
            () = stop.cancelled() => return,
            done = work() => done,
        };
        if let Err(error) = done {
            tracing::warn!(task = name, error = %error, "work of the leader was not done; trying again");
        }
    }
}
