//! `onhook recover`: sends again what an endpoint has missed, and waits until all of it is on its way.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::{Session, print, reanalyze::moment};
use crate::{
    domain::{
        delivery::DeliveryState,
        id::{EndpointId, RecoveryId},
        recovery::{Recovery, Stage},
    },
    queue::runner::Wake,
    store::{self, endpoints, recoveries},
    webhooks::recover::{self, Request},
};

const EXAMPLES: &str = "\
Examples:
  onhook recover --endpoint 0199c0de-0000-7000-8000-0000000000e1 --since 2026-03-08T20:00:00Z
      Dead letters, and what was discarded while it was disabled.
  onhook recover --endpoint 0199c0de-0000-7000-8000-0000000000e1 --since 2026-03-01 --until 2026-03-02 --states dead
  onhook recover --endpoint 0199c0de-0000-7000-8000-0000000000e1 --since 2026-03-01 --missing
      Also what was told to others before this endpoint was there.

The service does the work; the command waits until all of it is on its way. Stopped, it leaves the work to go on.";

/// For how long nothing may happen before it is said that nobody works.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often it is looked how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Which deliveries.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The endpoint's id
    #[arg(long, value_name = "ID")]
    endpoint: EndpointId,
    /// What was told on this day or at this moment (UTC) or later
    #[arg(long, value_name = "DAY|TIME", value_parser = moment)]
    since: DateTime<Utc>,
    /// What was told before this day or moment; now, if not given
    #[arg(long, value_name = "DAY|TIME", value_parser = moment)]
    until: Option<DateTime<Utc>>,
    /// Deliveries that have ended so, separated by commas: dead, discarded, succeeded
    #[arg(long, value_name = "STATES", value_delimiter = ',', default_value = "dead,discarded", value_parser = over)]
    states: Vec<DeliveryState>,
    /// Also events that were never on their way to the endpoint
    #[arg(long)]
    missing: bool,
}

fn over(word: &str) -> Result<DeliveryState, &'static str> {
    match word {
        "dead" => Ok(DeliveryState::Dead),
        "discarded" => Ok(DeliveryState::Discarded),
        "succeeded" => Ok(DeliveryState::Succeeded),
        _ => Err("must be one of dead, discarded, succeeded"),
    }
}

impl Args {
    /// Does it.
    pub(super) async fn run(self, session: &Session) -> anyhow::Result<()> {
        session.expect_schema().await?;
        let owner = store::ask(endpoints::owner(&session.db, self.endpoint)).await?;
        let asked = Request {
            account_id: owner.context("there is no such endpoint")?,
            recovery_id: RecoveryId::generate(),
            endpoint_id: self.endpoint,
            since: self.since,
            until: self.until,
            states: self.states,
            missing: self.missing,
        };
        let begun = recover::request(&session.db, &Wake::default(), asked).await;
        let recovery = wait(session, begun?).await?;
        print(&receipt(&recovery))?;
        anyhow::ensure!(
            recovery.stage != Stage::Failed,
            "the endpoint was disabled or deleted meanwhile"
        );
        Ok(())
    }
}

/// Until the service has done it.
async fn wait(session: &Session, mut recovery: Recovery) -> anyhow::Result<Recovery> {
    let of = (recovery.account_id, recovery.recovery_id);
    let mut since = Instant::now();
    while recovery.stage.is_running() {
        anyhow::ensure!(
            since.elapsed() < PATIENCE,
            "nothing has happened for a minute: is the service running? What was asked for stays to be done"
        );
        tokio::time::sleep(LOOK_EVERY).await;
        let found = store::ask(recoveries::find(&session.db, of)).await?;
        let found = found.context("the recovery is gone")?;
        if found != recovery {
            since = Instant::now();
            tell(&found);
        }
        recovery = found;
    }
    if io::stderr().is_terminal() {
        drop(writeln!(io::stderr()));
    }
    Ok(recovery)
}

/// How far it is, on standard error.
fn tell(recovery: &Recovery) {
    let counts = recovery.counts;
    let line = format!(
        "{} looked at, {} resent, {} made, {} skipped",
        counts.looked_at, counts.resent, counts.made, counts.skipped
    );
    let told = if io::stderr().is_terminal() {
        write!(io::stderr(), "\r{line:<80}")
    } else {
        writeln!(io::stderr(), "onhook: {line}")
    };
    // Somebody closed it: the work is what counts.
    drop(told);
}

fn receipt(recovery: &Recovery) -> serde_json::Value {
    let counts = recovery.counts;
    json!({
        "recovery_id": recovery.recovery_id,
        "endpoint_id": recovery.endpoint_id,
        "since": recovery.missed.since,
        "until": recovery.missed.until,
        "looked_at": counts.looked_at,
        "resent": counts.resent,
        "made": counts.made,
        "skipped": counts.skipped,
        "created_at": recovery.created_at,
        "finished_at": recovery.finished_at,
    })
}
