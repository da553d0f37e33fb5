//! `onhook reanalyze`: analyses calls anew whose analysis would say something else today.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};
use serde_json::json;

use super::{Session, print};
use crate::{
    access,
    calls::{
        insights::Model,
        reanalyze::{Backfill, Batch, BatchState, Done, LOOK_EVERY, Place},
    },
    domain::{account::AccountName, id::AccountId},
    store::{self, accounts},
};

const EXAMPLES: &str = "\
Examples:
  onhook reanalyze --since 2026-03-01 --dry-run
      Counts the calls of all accounts whose analysis would be another today.
  onhook reanalyze --account acme --since 2026-03-01 --until 2026-04-01
  onhook reanalyze --account acme --since 2026-03-01T08:00:00Z --force
      Also those of which equal input has been analysed by the same analysers.

A revision is made only of what would be another: new settings, a newer analyser. The service does the work, a handful of calls at a
time, behind the work of the day. Stopped, it says where; made again from there it goes on. Every new revision is told as
`call.analyzed`.";

/// For how long work may wait while nobody does any before it is said that nobody works.
const PATIENCE: Duration = Duration::from_mins(3);

/// Which calls.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// First heard of on this day or at this moment (UTC) or later
    #[arg(long, value_name = "DAY|TIME", value_parser = moment)]
    since: DateTime<Utc>,
    /// First heard of before this day or moment; now, if not given
    #[arg(long, value_name = "DAY|TIME", value_parser = moment)]
    until: Option<DateTime<Utc>>,
    /// The account's name; all accounts, if not given
    #[arg(long, value_name = "NAME")]
    account: Option<AccountName>,
    /// Also calls of which nothing else would be said
    #[arg(long)]
    force: bool,
    /// Only count them
    #[arg(long)]
    dry_run: bool,
}

/// A day or a moment.
pub(super) fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(day.and_time(NaiveTime::MIN).and_utc());
    }
    let parsed = DateTime::parse_from_rfc3339(text);
    parsed.map(|at| at.to_utc()).map_err(|_wrong| {
        "must be a day or a time, such as 2026-03-01 or 2026-03-01T08:00:00Z".to_owned()
    })
}

impl Args {
    /// Does it. `model` is the language model that the service asks, if it has one.
    pub(super) async fn run(self, session: &Session, model: Option<Model>) -> anyhow::Result<()> {
        session.expect_schema().await?;
        let mut total = Total::default();
        for (account_id, name) in self.accounts(session).await? {
            let backfill = Backfill {
                account_id,
                since: self.since,
                until: self.until,
                force: self.force,
                model: model.clone(),
            };
            self.account(session, (&backfill, &name), &mut total)
                .await?;
        }
        print(&total.json(self.dry_run))?;
        Ok(())
    }

    async fn accounts(&self, session: &Session) -> anyhow::Result<Vec<(AccountId, String)>> {
        let found = match &self.account {
            Some(name) => vec![access::find_account(&session.db, name).await?],
            None => store::ask(accounts::list(&session.db)).await?,
        };
        Ok(found
            .into_iter()
            .map(|account| (account.account_id, account.name))
            .collect())
    }

    async fn account(
        &self,
        session: &Session,
        (backfill, name): (&Backfill, &str),
        total: &mut Total,
    ) -> anyhow::Result<()> {
        let progress = Progress::begin(name);
        let mut place: Option<Place> = None;
        while let Some(batch) = backfill.next(&session.db, place, self.dry_run).await? {
            place = Some(batch.last);
            total.looked_at += batch.calls;
            total.outdated += batch.outdated();
            if !self.dry_run {
                let done = wait(session, backfill.account_id, &batch).await;
                let done = done.with_context(|| {
                    let (at, _) = batch.last;
                    let at = at.to_rfc3339_opts(SecondsFormat::Micros, true);
                    format!(
                        "stopped in account {name} at calls until {at}: go on with --since {at}"
                    )
                })?;
                total.analysed += done.analysed;
                total.unchanged += done.unchanged;
                total.failed += done.failed;
            }
            progress.tell(total, batch.last.0);
        }
        progress.finish();
        Ok(())
    }
}

/// Until the service has done it.
async fn wait(session: &Session, account_id: AccountId, batch: &Batch) -> anyhow::Result<Done> {
    let mut since = Instant::now();
    loop {
        match batch.state(&session.db, account_id).await? {
            BatchState::Done(done) => return Ok(done),
            BatchState::Left { is_idle: true } => {}
            // A language model may think for minutes, and be asked again after minutes.
            BatchState::Left { is_idle: false } => since = Instant::now(),
        }
        anyhow::ensure!(
            since.elapsed() < PATIENCE,
            "nobody has worked on it for three minutes: is the service running? What is queued stays queued"
        );
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// How it stands.
#[derive(Debug, Default)]
struct Total {
    looked_at: usize,
    outdated: usize,
    analysed: usize,
    unchanged: usize,
    failed: usize,
}

impl Total {
    fn json(&self, dry_run: bool) -> serde_json::Value {
        if dry_run {
            json!({"looked_at": self.looked_at, "outdated": self.outdated})
        } else {
            json!({
                "looked_at": self.looked_at, "outdated": self.outdated, "analysed": self.analysed, "unchanged": self.unchanged,
                "failed": self.failed,
            })
        }
    }
}

/// How far it is, on standard error: one line that is written over on a terminal, a line a batch elsewhere.
struct Progress<'a> {
    account: &'a str,
    is_terminal: bool,
}

impl<'a> Progress<'a> {
    fn begin(account: &'a str) -> Self {
        Self {
            account,
            is_terminal: io::stderr().is_terminal(),
        }
    }

    fn tell(&self, total: &Total, at: DateTime<Utc>) {
        let line = format!(
            "{}: {} calls looked at, {} outdated, {} analysed, {} unchanged, {} failed, now at {}",
            self.account,
            total.looked_at,
            total.outdated,
            total.analysed,
            total.unchanged,
            total.failed,
            at.to_rfc3339_opts(SecondsFormat::Secs, true)
        );
        let told = if self.is_terminal {
            write!(io::stderr(), "\r{line:<125}")
        } else {
            writeln!(io::stderr(), "onhook: {line}")
        };
        // Somebody closed it: the work is what counts.
        drop(told);
    }

    fn finish(&self) {
        if self.is_terminal {
            drop(writeln!(io::stderr()));
        }
    }
}
