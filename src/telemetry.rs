//! The log: one line an event, to standard error, as text for people or JSON for machines.
//!
//! What may be in it is decided where it is written: ids and outcomes, never a body, a number, a transcript or a secret.
//! Panics are logged by place alone, because their messages quote the values that they stumbled over.

use std::{
    io::{self, IsTerminal as _},
    panic,
};

use tracing_subscriber::{
    EnvFilter, Layer as _, fmt,
    layer::SubscriberExt as _,
    util::{SubscriberInitExt as _, TryInitError},
};

use crate::config::{Log, LogFormat};

/// Starts the log of this process, with `filter` unless another one is configured.
pub fn start(log: &Log, filter: &str) -> Result<(), TryInitError> {
    let filter = log.filter.as_deref().unwrap_or(filter);
    let is_terminal = io::stderr().is_terminal();
    let format = log.format.unwrap_or(if is_terminal {
        LogFormat::Text
    } else {
        LogFormat::Json
    });
    // The configuration has read the filter before.
    let filter = EnvFilter::new(filter);
    let layer = fmt::layer().with_writer(io::stderr);
    let layer = match format {
        LogFormat::Text => layer.with_ansi(is_terminal).boxed(),
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(layer)
        .try_init()?;
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string);
        tracing::error!(place, "a task panicked");
    }));
    Ok(())
}
