//! The call-level section: times and how it ended, from the record alone.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::{
    analysis::call_metrics::{AnsweredBy, CallMetrics, CallMetricsMethod, EndedBy},
    call::Call,
    state::{CallState, Direction},
    termination::Termination,
};

/// What analysis reads of a call's record. Analysis depends on nothing else of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallFacts {
    state: CallState,
    direction: Option<Direction>,
    answered: bool,
    queued_at: Option<DateTime<Utc>>,
    ringing_at: Option<DateTime<Utc>>,
    answered_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    duration_s: Option<i32>,
    ended_by_api: bool,
}

impl CallFacts {
    /// The facts of a call. That something was asked of others to end it is what tells that it was ended here.
    pub fn of(call: &Call, terminations: &[Termination]) -> Self {
        let life = &call.life;
        Self {
            state: life.state(),
            direction: life.direction,
            answered: life.was_answered(),
            queued_at: life.queued_at,
            ringing_at: life.ringing_at,
            answered_at: life.answered_at,
            ended_at: life.end.map(|end| end.at),
            duration_s: life.duration_s,
            ended_by_api: !terminations.is_empty(),
        }
    }

    /// Which way it went, if somebody said.
    pub fn direction(&self) -> Option<Direction> {
        self.direction
    }

    /// Milliseconds of talk: as reported, else from the answer to the end. `None` if neither is known.
    pub fn talk_ms(&self) -> Option<u64> {
        if let Some(seconds) = self.duration_s {
            return Some(u64::try_from(seconds).unwrap_or(0) * 1000);
        }
        if !self.answered && self.state != CallState::Voicemail {
            return Some(0);
        }
        between(self.answered_at, self.ended_at)
    }
}

/// Makes the section. An answered call with less talk than `short_call_seconds` is a short call.
pub fn call_metrics(facts: &CallFacts, short_call_seconds: u16) -> CallMetrics {
    let short_ms = u64::from(short_call_seconds) * 1000;
    let talk_ms = facts.talk_ms();
    let first = [facts.queued_at, facts.ringing_at, facts.answered_at]
        .into_iter()
        .flatten()
        .min();
    let heard_ms = between(first, facts.ended_at).unwrap_or(0);
    let rung_until = [facts.answered_at, facts.ended_at]
        .into_iter()
        .flatten()
        .min();
    CallMetrics {
        method: CallMetricsMethod::CallEvents,
        setup_ms: between(facts.queued_at, facts.ringing_at),
        ring_ms: between(facts.ringing_at, rung_until),
        talk_duration_ms: talk_ms,
        total_ms: heard_ms.max(talk_ms.unwrap_or(0)),
        answered: facts.answered,
        answered_by: if facts.state == CallState::Voicemail {
            AnsweredBy::Machine
        } else {
            AnsweredBy::Unknown
        },
        disposition: facts.state,
        ended_by: if facts.ended_by_api {
            EndedBy::Api
        } else {
            EndedBy::Unknown
        },
        short_call: facts.answered && talk_ms.is_some_and(|talk| talk < short_ms),
        abandoned: facts.direction == Some(Direction::Inbound)
            && facts.state == CallState::Canceled
            && !facts.answered
            && !facts.ended_by_api,
    }
}

/// The time between, 0 if the first is the later one.
fn between(from: Option<DateTime<Utc>>, until: Option<DateTime<Utc>>) -> Option<u64> {
    let elapsed = until? - from?;
    Some(u64::try_from(elapsed.num_milliseconds()).unwrap_or(0))
}
