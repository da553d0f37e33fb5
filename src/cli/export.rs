//! `onhook export`: all calls of an account as a file, straight from the database, also while the service runs.
//!
//! Rows go to standard output or to a file, which a later run can go on with; what is said about them goes to standard
//! error. The rows are those of `GET /v1/calls/export`, by the same filters: docs/export.md.

use anyhow::Context as _;
use url::form_urlencoded::Serializer;

use super::{Session, signals::Signals};
use crate::{
    access,
    api::calls::export::order,
    calls::export::{Export, Order},
    domain::{
        account::AccountName,
        call_export::Format,
        id::{AccountId, CallId},
    },
};

mod kept;
mod progress;
mod sink;

use progress::Progress;
use sink::{Sink, Written};

const EXAMPLES: &str = "\
Examples:
  onhook export --account acme --output calls.ndjson
  onhook export --account acme --output calls.ndjson --resume
      Goes on where the file ends, now or a month later: what was cut off within a row is written again.
  onhook export --account acme --format csv-safe --start-date 2026-03-01 --end-date 2026-03-31 >march.csv
  onhook export --account acme --status completed --filter call_duration gte 60 | jq -c '{id, call_duration}'

Filters are those of GET /calls/query: docs/lists.md. Calls of the last ten seconds are left for the next export.";

/// What to export, and where to.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The account's name
    #[arg(long, value_name = "NAME")]
    account: AccountName,
    /// How rows are written
    #[arg(long, value_enum, default_value = "ndjson")]
    format: Format,
    /// Write to this file instead of standard output; it must not have anything in it unless --resume is given
    #[arg(long, value_name = "FILE")]
    output: Option<std::path::PathBuf>,
    /// Go on after the last whole row of the file
    #[arg(long, requires = "output", conflicts_with = "after")]
    resume: bool,
    /// Only what comes after this call
    #[arg(long, value_name = "ID")]
    after: Option<CallId>,
    /// Say on standard error how far it is; a terminal is told anyway
    #[arg(long)]
    progress: bool,
    #[command(flatten)]
    filters: Filters,
}

/// Which calls.
#[derive(Debug, clap::Args)]
struct Filters {
    /// Placed for this campaign
    #[arg(long, value_name = "UUID")]
    campaign_id: Option<String>,
    /// Handled by this agent
    #[arg(long, value_name = "UUID")]
    ai_agent_id: Option<String>,
    /// Part of the call status
    #[arg(long, value_name = "WORD")]
    status: Option<String>,
    /// Stands in the callee's number, the notes, the feedback or the transcript
    #[arg(long, value_name = "WORDS")]
    search: Option<String>,
    /// First heard of on this day (UTC) or later
    #[arg(long, value_name = "DAY")]
    start_date: Option<String>,
    /// First heard of on this day (UTC) or before
    #[arg(long, value_name = "DAY")]
    end_date: Option<String>,
    /// A column, an operator and a value, any number of times: docs/lists.md
    #[arg(long, num_args = 3, value_names = ["COLUMN", "OPERATOR", "VALUE"], action = clap::ArgAction::Append)]
    filter: Vec<String>,
}

/// Why an export ended before there was no more.
enum Cut {
    /// Whoever reads it has seen enough.
    Closed,
    /// A signal.
    Stopped,
}

impl Args {
    /// Does it.
    pub(super) async fn run(self, session: &Session) -> anyhow::Result<()> {
        session.expect_schema().await?;
        let account = access::find_account(&session.db, &self.account).await?;
        let mut order = self.order(account.account_id)?;
        let mut signals = Signals::new()?;
        let mut sink = match &self.output {
            Some(path) if self.resume => Sink::resume(path, self.format)?,
            Some(path) => Sink::create(path)?,
            None => Sink::standard_output(),
        };
        order.after = sink.last().or(order.after);
        let export = Export::begin(session.db.clone(), order).await?;
        if sink.is_empty() {
            sink.write_head(self.format.head()).await?;
        }
        let mut progress = Progress::new(self.progress);
        let done = tokio::select! {
            done = self.write(export, &mut sink, &mut progress) => done,
            () = signals.next() => Ok(Some(Cut::Stopped)),
        };
        progress.finish();
        let done = match done {
            Ok(None) => sink.finish().await.map(|()| None),
            cut => cut,
        };
        match done {
            Ok(None | Some(Cut::Closed)) => Ok(()),
            Ok(Some(Cut::Stopped)) => Err(anyhow::anyhow!("stopped; {}", self.how_to_go_on(&sink))),
            Err(error) => Err(error.context(self.how_to_go_on(&sink))),
        }
    }

    async fn write(
        &self,
        mut export: Export,
        sink: &mut Sink,
        progress: &mut Progress,
    ) -> anyhow::Result<Option<Cut>> {
        while let Some(calls) = export.next().await? {
            let Some(last) = calls.last().map(|call| call.id) else {
                continue;
            };
            let mut rows = Vec::new();
            for call in &calls {
                self.format.write(call, &mut rows)?;
            }
            match sink.write(rows, last).await? {
                Written::All => progress.add(calls.len()),
                Written::Closed => return Ok(Some(Cut::Closed)),
            }
        }
        Ok(None)
    }

    /// What is asked for, read as a query string is, so that both mean the same.
    fn order(&self, account_id: AccountId) -> anyhow::Result<Order> {
        let filters = &self.filters;
        let mut query = Serializer::new(String::new());
        for (name, value) in [
            ("campaign_id", &filters.campaign_id),
            ("ai_agent_id", &filters.ai_agent_id),
            ("status", &filters.status),
            ("search", &filters.search),
            ("start_date", &filters.start_date),
            ("end_date", &filters.end_date),
        ] {
            if let Some(value) = value {
                anyhow::ensure!(!value.is_empty(), "{name} must not be empty");
                query.append_pair(name, value);
            }
        }
        for filter in filters.filter.chunks(3) {
            for (name, value) in ["filter_columns[]", "filter_operator[]", "filter_values[]"]
                .into_iter()
                .zip(filter)
            {
                query.append_pair(name, value);
            }
        }
        let order = order(account_id, &query.finish()).context("the filters cannot be used")?;
        Ok(Order {
            after: self.after,
            ..order
        })
    }

    fn how_to_go_on(&self, sink: &Sink) -> String {
        match (&self.output, sink.last().or(self.after)) {
            (Some(_), _) => "the same command with --resume goes on where the file ends".to_owned(),
            (None, Some(last)) => format!("the same command with --after {last} goes on"),
            (None, None) => "the same command begins anew".to_owned(),
        }
    }
}
