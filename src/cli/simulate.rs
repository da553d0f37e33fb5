//! `onhook simulate`: a provider on loopback and this service beside it, on a database that is thrown away.

use std::{
    io::{self, IsTerminal as _, Write as _},
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use clap::builder::PossibleValuesParser;

use super::{Session, print};
use crate::{
    api::limits::RateLimits,
    calls::reconcile,
    config::{Config, Database, DatabaseUrl, Durability, secret_key::SecretKey},
    domain::reconcile::Patience,
    egress::address::AddressPolicy,
    seal::SealingKey,
    simulate::{self, Plan, double::Double, doubles, script::Chances},
    store::pool,
};

/// The database of a simulation: one at a time on a server.
const DATABASE: &str = "onhook_simulation";

/// What the provider takes for the service's origin, and signs.
const PUBLIC_URL: &str = "https://calls.simulated.example";

/// How long silence is borne: seconds, because simulated calls are short.
const PATIENCE: Patience = Patience {
    queued: Duration::from_secs(2),
    ringing: Duration::from_secs(2),
    in_progress: Duration::from_secs(2),
    unknown: Duration::from_secs(3),
    // Long enough for a provider of which every twentieth request fails to be asked about every call.
    lost: Duration::from_mins(2),
    retry: Duration::from_secs(1),
};

/// How to play.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Nothing of the settings' database is touched: the simulation has one of its own beside it, on the same server, and removes it.

Examples:
  onhook simulate --provider twilio --calls 2000
  onhook simulate --provider telnyx --calls 500 --lost-ends 20 --doubled 20 --seed 7
  onhook simulate --provider vonage --callbacks https://calls.example.com/inbound/vonage/…"
)]
pub(super) struct Args {
    /// Which provider to play
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(doubles::ALL.iter().map(|double| double.provider())))]
    provider: String,
    /// How many calls
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    calls: u32,
    /// How many calls are live at once, at most
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1000))]
    at_once: u16,
    /// The same seed makes the same calls
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Ends that the provider never reports, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = Chances::default().lost_ends, value_parser = percent())]
    lost_ends: u8,
    /// Callbacks that come twice, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = Chances::default().doubled, value_parser = percent())]
    doubled: u8,
    /// Calls that are ended here, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = Chances::default().ended_here, value_parser = percent())]
    ended_here: u8,
    /// Requests that the provider answers with 503, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = Chances::default().refused, value_parser = percent())]
    refused: u8,
    /// How long calls may take to be over here once they are over there, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    patience: u64,
    /// Plays nothing: prints what the provider would post to this URL for each step of a call, signed, and the made-up credentials that
    /// it is signed with, as JSON
    #[arg(long, value_name = "URL")]
    callbacks: Option<String>,
}

fn percent() -> clap::builder::RangedI64ValueParser<u8> {
    clap::value_parser!(u8).range(0..=100)
}

impl Args {
    /// Does it. Fails if a record is not the provider's truth.
    pub(super) async fn run(self, config: Config) -> anyhow::Result<ExitCode> {
        if let Some(url) = &self.callbacks {
            print(&simulate::callbacks::signed(self.double()?, url))?;
            return Ok(ExitCode::SUCCESS);
        }
        let session = Session::open(config).await?;
        let played = self.beside(&session).await;
        let dropped = pool::drop_database(&session.options, DATABASE).await;
        session.close().await;
        let code = played?;
        dropped.context("the simulation's database was not removed")?;
        Ok(code)
    }

    fn double(&self) -> anyhow::Result<&'static dyn Double> {
        doubles::named(&self.provider).context("there is no such double")
    }

    async fn beside(&self, session: &Session) -> anyhow::Result<ExitCode> {
        pool::drop_database(&session.options, DATABASE).await?;
        pool::create_database(&session.options, DATABASE).await?;
        let plan = Plan {
            double: self.double()?,
            calls: self.calls,
            at_once: self.at_once.into(),
            seed: self.seed,
            chances: Chances {
                lost_ends: self.lost_ends,
                doubled: self.doubled,
                ended_here: self.ended_here,
                refused: self.refused,
                ..Chances::default()
            },
            patience: Duration::from_secs(self.patience),
        };
        let config = settings(session)?;
        let verdict = Box::pin(simulate::run(plan, config, progress)).await?;
        print(&verdict)?;
        Ok(if verdict.holds() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

/// The settings of the service that is tried: as they are, but for what would lead to others or slow it down.
fn settings(session: &Session) -> anyhow::Result<Config> {
    let options = session.options.clone().database(DATABASE);
    let key = SealingKey::parse(&SealingKey::generate())?;
    Ok(Config {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        public_url: Arc::from(PUBLIC_URL),
        database: Database::Given(DatabaseUrl::new(options)),
        durability: Durability::WeakAllowed,
        secret_key: SecretKey::Given(Arc::new(key)),
        egress_policy: AddressPolicy::parse("127.0.0.0/8")?,
        rate_limits: RateLimits {
            requests_per_key: None,
            reports_per_key: None,
            reports_per_ip: None,
            refusals_per_ip: None,
        },
        connections_per_ip: None,
        reconcile: reconcile::Settings {
            patience: PATIENCE,
            per_second: 1000,
        },
        ..session.config.clone()
    })
}

/// A line of progress on standard error: the same line again on a terminal.
fn progress(line: String) {
    let mut stderr = io::stderr().lock();
    let written = if stderr.is_terminal() {
        write!(stderr, "\r\x1b[2K{line}")
    } else {
        writeln!(stderr, "{line}")
    };
    // There is nowhere else to say that standard error is closed.
    drop(written.and_then(|()| stderr.flush()));
}
