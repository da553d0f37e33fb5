//! `onhook serve`: the service, until a signal or a fault.

use tokio_util::sync::CancellationToken;

use super::{print, signals::Signals, welcome};
use crate::{
    app::{App, Role},
    config::Config,
};

/// How to serve.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  onhook serve
  ONHOOK_LISTEN=0.0.0.0:8080 onhook serve --role api
      One of several replicas on one DATABASE_URL that answer requests; the jobs are done by those with `--role worker`.")]
pub(super) struct Args {
    /// What this process does
    #[arg(long, value_enum, default_value = "all")]
    role: Role,
}

/// Serves until told to stop. The first signal lets work in flight finish, the second does not.
pub(super) async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    let mut signals = Signals::new()?;
    let stop = CancellationToken::new();
    let twice = async {
        signals.next().await;
        stop.cancel();
        signals.next().await;
    };
    let serving = async {
        let app = App::start(config.clone(), args.role).await?;
        if app.is_first_start() {
            print(&welcome::text(&config))?;
        }
        Ok(app.run(stop.cancelled()).await?)
    };
    tokio::select! {
        done = Box::pin(serving) => done,
        () = twice => anyhow::bail!("stopped at once by a second signal; what was in flight is left to the next start"),
    }
}
