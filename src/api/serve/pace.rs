//! What a connection is waiting for, and since when. Its parts note their progress; a look now and then tells whether it
//! has become too slow. So a request costs a few time stamps, not a timer.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::HttpLimits;

/// How often to look, at most and at least.
const LOOK_EVERY: [Duration; 2] = [Duration::from_millis(10), Duration::from_secs(1)];

/// How long a connection may idle while others wait for its place.
const IDLE_WAIT_WHEN_FULL: Duration = Duration::from_secs(1);

/// The body of a request stopped coming.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body did not arrive in time")]
pub struct BodyTooSlow;

/// The pace of one connection, shared by its parts.
#[derive(Debug, Clone)]
pub(super) struct Pace(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    reading: Reading,
    /// Since when bytes wait for the client to take them.
    write_blocked: Option<Instant>,
}

/// What we wait for the client to send.
#[derive(Debug, Clone, Copy)]
enum Reading {
    /// A request.
    Idle { since: Instant },
    /// The rest of a head.
    Head { since: Instant },
    /// More of a body.
    Body { since: Instant },
    /// A body that has been given up.
    GivenUpBody,
    /// Nothing: it waits for us.
    Nothing,
}

/// What is to be done about a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Go on.
    InTime,
    /// Close it.
    TooSlow,
    /// Let the handler know by its next read.
    BodyGivenUp,
}

/// Whether others wait for a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum House {
    Roomy,
    Full,
}

impl Pace {
    /// Of a connection that has just been accepted: it is expected to have something to say.
    pub(super) fn new(now: Instant) -> Self {
        Self(Arc::new(Mutex::new(State {
            reading: Reading::Head { since: now },
            write_blocked: None,
        })))
    }

    pub(super) fn bytes_came(&self) {
        let mut state = self.state();
        if let Reading::Idle { .. } = state.reading {
            state.reading = Reading::Head {
                since: Instant::now(),
            };
        }
    }

    pub(super) fn head_came(&self) {
        self.state().reading = Reading::Nothing;
    }

    /// Errs once the body has been given up.
    pub(super) fn body_waits(&self) -> Result<(), BodyTooSlow> {
        let mut state = self.state();
        match state.reading {
            Reading::GivenUpBody => Err(BodyTooSlow),
            Reading::Body { .. } => Ok(()),
            Reading::Idle { .. } | Reading::Head { .. } | Reading::Nothing => {
                state.reading = Reading::Body {
                    since: Instant::now(),
                };
                Ok(())
            }
        }
    }

    pub(super) fn body_came(&self) {
        let mut state = self.state();
        if let Reading::Body { .. } = state.reading {
            state.reading = Reading::Nothing;
        }
    }

    pub(super) fn answered(&self) {
        self.state().reading = Reading::Idle {
            since: Instant::now(),
        };
    }

    pub(super) fn write_waits(&self) {
        let mut state = self.state();
        if state.write_blocked.is_none() {
            state.write_blocked = Some(Instant::now());
        }
    }

    pub(super) fn written(&self) {
        self.state().write_blocked = None;
    }

    pub(super) fn judge(&self, limits: &HttpLimits, house: House) -> Verdict {
        let now = Instant::now();
        let over = |since: Instant, limit: Duration| now.saturating_duration_since(since) > limit;
        let mut state = self.state();
        if state
            .write_blocked
            .is_some_and(|since| over(since, limits.write_wait))
        {
            return Verdict::TooSlow;
        }
        let idle_wait = match house {
            House::Roomy => limits.idle_wait,
            House::Full => limits.idle_wait.min(IDLE_WAIT_WHEN_FULL),
        };
        match state.reading {
            Reading::Idle { since } if over(since, idle_wait) => Verdict::TooSlow,
            Reading::Head { since } if over(since, limits.header_wait) => Verdict::TooSlow,
            Reading::Body { since } if over(since, limits.body_wait) => {
                state.reading = Reading::GivenUpBody;
                Verdict::BodyGivenUp
            }
            Reading::Idle { .. }
            | Reading::Head { .. }
            | Reading::Body { .. }
            | Reading::GivenUpBody
            | Reading::Nothing => Verdict::InTime,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A quarter of the shortest wait.
pub(super) fn look_every(limits: &HttpLimits) -> Duration {
    let [least, most] = LOOK_EVERY;
    let waits = [
        limits.header_wait,
        limits.body_wait,
        limits.write_wait,
        limits.idle_wait,
    ];
    waits
        .into_iter()
        .fold(most, |shortest, wait| shortest.min(wait / 4))
        .max(least)
}
