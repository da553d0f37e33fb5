//! Recordings as they are fetched, listened to and written down: files from outside, speech-to-text services, and what comes of them.
//!
//! [`fetch`] brings a file to a temporary one, through the address policy; [`crate::audio`] hears it; [`speech`] asks a service what is said,
//! piece by piece; [`transcript`] puts the answers together. [`read`] is all of it. Nothing here knows a database.

use std::{fmt, time::Duration};

use crate::{audio::Unreadable, domain::analysis::FailReason};

pub mod fetch;
pub mod read;
pub mod speech;
pub mod transcript;

/// Why a step did not succeed.
#[derive(Debug, thiserror::Error)]
#[error("{reason:?}: {cause:#}")]
pub struct Failure {
    /// What is told if it is not tried again.
    pub reason: FailReason,
    /// Whether it may go better later.
    pub again: Again,
    /// What happened, for the log: without URLs, which may hold secrets, and without words of the call.
    pub cause: anyhow::Error,
}

/// Whether a step may go better later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// It will not.
    Never,
    /// It may.
    Later {
        /// When the other side asked to be tried again.
        after: Option<Duration>,
    },
}

impl Failure {
    /// It will not go better later.
    pub fn never(reason: FailReason, cause: impl Into<anyhow::Error>) -> Self {
        Self {
            reason,
            again: Again::Never,
            cause: cause.into(),
        }
    }

    /// It may go better later.
    pub fn later(reason: FailReason, cause: impl Into<anyhow::Error>) -> Self {
        Self::after(reason, None, cause)
    }

    /// It may go better after a while.
    pub fn after(
        reason: FailReason,
        after: Option<Duration>,
        cause: impl Into<anyhow::Error>,
    ) -> Self {
        Self {
            reason,
            again: Again::Later { after },
            cause: cause.into(),
        }
    }
}

impl From<Unreadable> for Failure {
    fn from(unreadable: Unreadable) -> Self {
        let reason = match &unreadable {
            Unreadable::NotAudio => FailReason::NotAudio,
            Unreadable::UnsupportedCodec(_) => FailReason::UnsupportedCodec,
            Unreadable::TooManyChannels(_) => FailReason::TooManyChannels,
            Unreadable::Damaged(_) => FailReason::RecordingDamaged,
            Unreadable::Empty => FailReason::RecordingEmpty,
            Unreadable::TooLong => FailReason::RecordingTooLong,
            // The disk, not the file: it may go better later.
            Unreadable::Io(_) | Unreadable::Stopped => {
                return Self::later(FailReason::InternalError, unreadable);
            }
        };
        Self::never(reason, unreadable)
    }
}

/// An error of ours that may go better later.
fn internal(cause: impl fmt::Display + fmt::Debug + Send + Sync + 'static) -> Failure {
    Failure::later(FailReason::InternalError, anyhow::Error::msg(cause))
}
