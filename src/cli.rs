//! The command line. Each command is a file; all but `serve` are short-lived and act on the database, also while the service runs.
//!
//! Standard output is for results alone, so that scripts can take them as they are; the log and errors go to standard error.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::{api::document, config::Config, telemetry};

mod account;
mod config_page;
mod connection;
mod doctor;
mod endpoint;
mod erase;
mod export;
mod health;
mod key;
mod migrate;
mod providers;
mod reanalyze;
mod recover;
mod serve;
mod session;
mod signals;
mod simulate;
mod welcome;

use session::Session;

/// What sysexits.h calls a configuration error: a supervisor need not try again.
const EXIT_CONFIG: u8 = 78;

const EXAMPLES: &str = "\
Examples:
  onhook serve
      Starts the service on 127.0.0.1:8080, with a private PostgreSQL in ./data.
  onhook account create acme && onhook key create --account acme --kind app
      Makes an account, and a key for its back end. The key is printed alone, and only this once.
  DATABASE_URL=postgres://… ONHOOK_SECRET_KEY=$(openssl rand -base64 32) onhook serve
      Starts it on a database of yours.

Settings are environment variables: docs/configuration.md, or `onhook config docs`.";

/// Hears of the end of every call, ends live calls, keeps one record of each, and tells who needs to know.
#[derive(Debug, Parser)]
#[command(name = "onhook", version, after_help = EXAMPLES, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Working(Working),
    #[command(flatten)]
    Printing(Printing),
}

/// What works with the settings.
#[derive(Debug, Subcommand)]
enum Working {
    /// Runs the service until it is told to stop (SIGTERM, Ctrl-C)
    Serve(serve::Args),
    /// Brings the database's schema up to date; replicas may do it at the same time
    Migrate,
    /// Makes, changes and lists accounts
    #[command(subcommand)]
    Account(account::Command),
    /// Makes, lists and revokes keys
    #[command(subcommand)]
    Key(key::Command),
    /// Adds and lists connections to telephony providers and room servers
    #[command(subcommand)]
    Connection(connection::Command),
    /// Adds, lists, changes, tests and removes webhook endpoints
    #[command(subcommand)]
    Endpoint(endpoint::Command),
    /// Writes all calls of an account, or those that filters let pass, as NDJSON or CSV
    Export(Box<export::Args>),
    /// Erases what is kept of a call, or of every call of a number or an e-mail address
    Erase(erase::Args),
    /// Sends again what a webhook endpoint has missed
    Recover(recover::Args),
    /// Analyses calls anew whose analysis would say something else today
    Reanalyze(reanalyze::Args),
    /// Says whether database, schema, queue, clock and secret key are as they should be
    Doctor,
    /// Plays a telephony provider on this machine, with lost, doubled and reordered callbacks, and checks every record
    Simulate(simulate::Args),
    /// Asks the service on this machine whether it is ready; for container health checks
    Health,
}

/// What needs none, and no database.
#[derive(Debug, Subcommand)]
enum Printing {
    /// Prints the OpenAPI document of the HTTP surfaces
    Openapi,
    /// Prints what can be connected, and what each provider can do
    Providers,
    /// Prints what can be configured, or checks what is
    #[command(subcommand)]
    Config(config_page::Command),
}

/// Runs the command that the arguments ask for.
pub fn main() -> ExitCode {
    let command = match Cli::parse().command {
        Command::Working(command) => command,
        Command::Printing(Printing::Openapi) => return print_page(&document::yaml()),
        Command::Printing(Printing::Providers) => return print_page(&providers::page()),
        Command::Printing(Printing::Config(command)) => return command.run(),
    };
    let config = match Config::from_environment() {
        Ok(config) => config,
        Err(problems) => {
            complain(&problems);
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    match start(command, config) {
        Ok(code) => code,
        Err(error) => {
            complain(&format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn start(command: Working, config: Config) -> anyhow::Result<ExitCode> {
    let filter = match command {
        // sqlx tells every notice of the server, such as that a table is there already.
        Working::Serve(_) => "info,sqlx=warn",
        // What a command does it says itself; how it reached the database interests nobody.
        _ => "warn",
    };
    telemetry::start(&config.log, filter)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let done = runtime.block_on(Box::pin(run(command, config)));
    // A second signal means now: nothing that is still running is waited for.
    runtime.shutdown_background();
    done
}

async fn run(command: Working, config: Config) -> anyhow::Result<ExitCode> {
    match command {
        Working::Serve(args) => serve::run(args, config).await?,
        Working::Health => return health::run(config.listen).await,
        Working::Migrate => session::with(config, migrate::run).await?,
        Working::Doctor => return doctor::run(config).await,
        Working::Simulate(args) => return Box::pin(args.run(config)).await,
        Working::Account(command) => {
            session::with(config, async |session| command.run(session).await).await?;
        }
        Working::Key(command) => {
            session::with(config, async |session| command.run(session).await).await?;
        }
        Working::Connection(command) => {
            session::with(config, async |session| command.run(session).await).await?;
        }
        Working::Endpoint(command) => {
            session::with(config, async |session| command.run(session).await).await?;
        }
        Working::Export(args) => {
            session::with(config, async |session| args.run(session).await).await?;
        }
        Working::Erase(args) => {
            session::with(config, async |session| args.run(session).await).await?;
        }
        Working::Recover(args) => {
            session::with(config, async |session| args.run(session).await).await?;
        }
        Working::Reanalyze(args) => {
            let model = config.llm.as_ref().map(|service| service.model.clone());
            session::with(config, async |session| args.run(session, model).await).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a result. Whoever closed the pipe has seen enough.
fn print(line: &dyn std::fmt::Display) -> io::Result<()> {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

/// Writes a text that is a result by itself.
fn print_page(text: &str) -> ExitCode {
    match print(&text.trim_end()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// Says on standard error what went wrong.
fn complain(problem: &dyn std::fmt::Display) {
    // There is nowhere else to say that standard error is closed.
    drop(writeln!(io::stderr(), "onhook: {problem}"));
}
