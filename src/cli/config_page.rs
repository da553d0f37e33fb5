//! `onhook config`: what can be configured, and whether what is configured can be used.

use std::process::ExitCode;

use super::{EXIT_CONFIG, complain, print_page};
use crate::config::{Config, setting};

/// What to print.
#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub(super) enum Command {
    /// Names everything that is wrong with the settings; changes nothing
    Check,
    /// Prints docs/configuration.md
    Docs,
    /// Prints .env.example
    Example,
}

impl Command {
    /// Prints it.
    pub(super) fn run(self) -> ExitCode {
        let text = match self {
            Self::Check => match Config::from_environment() {
                Ok(_) => "the settings can be used".to_owned(),
                Err(problems) => {
                    complain(&problems);
                    return ExitCode::from(EXIT_CONFIG);
                }
            },
            Self::Docs => setting::markdown(),
            Self::Example => setting::env_example(),
        };
        print_page(&text)
    }
}
