//! What to do about a call of which nothing has been heard for long: when to ask its provider, and what follows from the answer. Pure.
//!
//! A call that its provider says is live is never ended here. One that the provider does not know is closed after several such
//! answers over some time; one of which nobody can be asked, after a day without a sign of life.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::state::{CallState, EndState};

/// The `disconnect_reason` of a call that is closed because nobody knows it.
pub const LOST: &str = "lost";

/// How many answers in a row must say that there is no such call before that is believed.
pub const UNKNOWNS_MIN: i32 = 3;

/// How soon a connection that could not be asked is asked again, at first, unless somebody is in a hurry.
pub const FIRST_RETRY: Duration = Duration::from_secs(30);

/// The longest until a connection that cannot be asked is asked again.
const RETRY_MAX: Duration = Duration::from_hours(1);

/// How far checks are spread, as a share of the wait: always later, never earlier.
const JITTER: f64 = 0.2;

/// How long silence is borne.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Of a call that waits in a queue.
    pub queued: Duration,
    /// Of one that rings.
    pub ringing: Duration,
    /// Of one that is under way.
    pub in_progress: Duration,
    /// For how long a provider must not know a call before it is closed.
    pub unknown: Duration,
    /// Of a call about which nobody can be asked.
    pub lost: Duration,
    /// How soon a connection that could not be asked is asked again, at first.
    pub retry: Duration,
}

impl Patience {
    /// How long a call in this state may be silent before its provider is asked.
    pub fn with(&self, state: CallState) -> Duration {
        match state {
            CallState::Queued => self.queued,
            CallState::Ringing => self.ringing,
            CallState::InProgress
            | CallState::Completed
            | CallState::Busy
            | CallState::NoAnswer
            | CallState::Canceled
            | CallState::Failed
            | CallState::Voicemail => self.in_progress,
        }
    }

    /// No live call younger than this is silent for too long.
    pub fn least(&self) -> Duration {
        self.queued
            .min(self.ringing)
            .min(self.in_progress)
            .min(self.lost)
    }
}

/// What is known of a live call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silent {
    /// Where it stands.
    pub state: CallState,
    /// When it last gave a sign of life: a report, or its provider's word.
    pub last_sign_at: DateTime<Utc>,
    /// Since when, and how often in a row, its provider has not known it.
    pub unknown: Option<(DateTime<Utc>, i32)>,
    /// How often in a row nobody could be asked.
    pub failures: i32,
}

/// Whom the provider remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// Ended calls, too.
    Kept,
    /// Live calls only: one that it does not know is over, if it ever was.
    LiveOnly,
    /// Nobody knows: the call was reported by somebody else under a name that need not be the provider's.
    Hearsay,
}

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is live, or in a state that nobody has a word for.
    Live,
    /// It is over.
    Over,
    /// There is no such call.
    Unknown(Memory),
    /// No answer, or none that can be used.
    Failed {
        /// Not before, if the provider said so.
        retry_after: Option<Duration>,
    },
    /// There is nobody to ask.
    Nobody,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It stays as it is, and is looked at again after this.
    Wait(Duration),
    /// It has ended, as its provider told.
    Ended,
    /// Nobody knows it: it ended this way, at its last sign of life.
    Lost(EndState),
}

/// Whether the call is silent for too long; if not, when it will be. `unit` is a random number from 0 to 1.
pub fn silent_for_too_long(
    patience: &Patience,
    silent: &Silent,
    now: DateTime<Utc>,
    unit: f64,
) -> Result<(), Duration> {
    let bound = patience.with(silent.state);
    let left = bound.saturating_sub(quiet(silent, now));
    if left.is_zero() {
        Ok(())
    } else {
        Err(jittered(left, unit))
    }
}

/// What follows from an answer. `unit` is a random number from 0 to 1.
pub fn decide(
    patience: &Patience,
    silent: &Silent,
    answer: Answer,
    now: DateTime<Utc>,
    unit: f64,
) -> Verdict {
    match answer {
        Answer::Over => Verdict::Ended,
        Answer::Live => Verdict::Wait(jittered(patience.with(silent.state), unit)),
        Answer::Unknown(Memory::Hearsay) => match given_up(patience, silent, now) {
            Ok(lost) => lost,
            Err(left) => Verdict::Wait(jittered(patience.with(silent.state), unit).min(left)),
        },
        Answer::Unknown(memory) => unknown(patience, silent, memory, now, unit),
        Answer::Failed { retry_after } => match given_up(patience, silent, now) {
            Ok(lost) => lost,
            Err(left) => {
                let own = jittered(retry(patience, silent.failures), unit);
                // Neither sooner than the provider wants, nor later than somebody must decide.
                let wait = retry_after.map_or(own, |asked| own.max(asked.min(RETRY_MAX)));
                Verdict::Wait(wait.min(left))
            }
        },
        Answer::Nobody => match given_up(patience, silent, now) {
            Ok(lost) => lost,
            Err(left) => Verdict::Wait(left),
        },
    }
}

fn unknown(
    patience: &Patience,
    silent: &Silent,
    memory: Memory,
    now: DateTime<Utc>,
    unit: f64,
) -> Verdict {
    let (since, before) = silent.unknown.unwrap_or((now, 0));
    let long = elapsed(since, now) >= patience.unknown;
    if before.saturating_add(1) < UNKNOWNS_MIN || !long {
        // So that the bound of time is reached with the bound of answers.
        let wait = patience.unknown / 2;
        return Verdict::Wait(jittered(wait.max(Duration::from_secs(1)), unit));
    }
    let was_answered = silent.state == CallState::InProgress;
    Verdict::Lost(match memory {
        // It was there, and it is over: that is all such a provider can tell.
        Memory::LiveOnly if was_answered => EndState::Completed,
        Memory::LiveOnly | Memory::Kept | Memory::Hearsay => EndState::Failed,
    })
}

/// The end of a call of which nobody can be asked, or how long until then.
fn given_up(patience: &Patience, silent: &Silent, now: DateTime<Utc>) -> Result<Verdict, Duration> {
    let left = patience.lost.saturating_sub(quiet(silent, now));
    if left.is_zero() {
        Ok(Verdict::Lost(EndState::Failed))
    } else {
        Err(left)
    }
}

fn quiet(silent: &Silent, now: DateTime<Utc>) -> Duration {
    elapsed(silent.last_sign_at, now)
}

fn elapsed(since: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (now - since)
        .max(TimeDelta::zero())
        .to_std()
        .unwrap_or_default()
}

fn retry(patience: &Patience, failures: i32) -> Duration {
    let doublings = u32::try_from(failures.clamp(0, 10)).unwrap_or(0);
    patience
        .retry
        .saturating_mul(2_u32.pow(doublings))
        .min(RETRY_MAX)
}

fn jittered(wait: Duration, unit: f64) -> Duration {
    wait.mul_f64(1.0 + JITTER * unit.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::{DateTime, TimeDelta, Utc};
    use proptest::prelude::*;

    use super::{
        Answer, FIRST_RETRY, JITTER, Memory, Patience, RETRY_MAX, Silent, UNKNOWNS_MIN, Verdict,
        decide, silent_for_too_long,
    };
    use crate::domain::state::{CallState, EndState};

    fn noon() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn secs(seconds: u32) -> Duration {
        Duration::from_secs(seconds.into())
    }

    prop_compose! {
        fn patience()(
            queued in 1..1000_u32, ringing in 1..1000_u32, in_progress in 1..10_000_u32, unknown in 1..10_000_u32,
            lost in 1..100_000_u32,
        ) -> Patience {
            Patience {
                queued: secs(queued), ringing: secs(ringing), in_progress: secs(in_progress), unknown: secs(unknown),
                lost: secs(lost),
                retry: FIRST_RETRY,
            }
        }
    }

    prop_compose! {
        fn silent()(
            state in prop::sample::select(vec![CallState::Queued, CallState::Ringing, CallState::InProgress]),
            quiet in 0_i64..200_000,
            unknown in prop::option::of((0_i64..20_000, 1..10_i32)),
            failures in 0..i32::MAX,
        ) -> Silent {
            Silent {
                state,
                last_sign_at: noon() - TimeDelta::seconds(quiet),
                unknown: unknown.map(|(since, count)| (noon() - TimeDelta::seconds(since), count)),
                failures,
            }
        }
    }

    fn answer() -> impl Strategy<Value = Answer> {
        prop_oneof![
            Just(Answer::Live),
            Just(Answer::Over),
            Just(Answer::Unknown(Memory::Kept)),
            Just(Answer::Unknown(Memory::LiveOnly)),
            Just(Answer::Unknown(Memory::Hearsay)),
            prop::option::of(0..100_000_u32).prop_map(|asked| Answer::Failed {
                retry_after: asked.map(secs)
            }),
            Just(Answer::Nobody),
        ]
    }

    proptest! {
        #[test]
        fn a_call_ends_only_for_a_reason(patience in patience(), silent in silent(), answer in answer(), unit in 0.0..1.0) {
            let quiet = (noon() - silent.last_sign_at).to_std().unwrap();
            let verdict = decide(&patience, &silent, answer, noon(), unit);
            match answer {
                Answer::Live => prop_assert!(matches!(verdict, Verdict::Wait(_)), "a live call was ended"),
                Answer::Over => prop_assert_eq!(verdict, Verdict::Ended),
                Answer::Failed { .. } | Answer::Nobody | Answer::Unknown(Memory::Hearsay) => {
                    let expected = quiet >= patience.lost;
                    prop_assert_eq!(matches!(verdict, Verdict::Lost(EndState::Failed)), expected);
                    prop_assert_eq!(matches!(verdict, Verdict::Wait(_)), !expected);
                }
                Answer::Unknown(memory) => {
                    let enough = silent.unknown.is_some_and(|(since, count)| {
                        count + 1 >= UNKNOWNS_MIN && (noon() - since).to_std().unwrap() >= patience.unknown
                    });
                    let completed = memory == Memory::LiveOnly && silent.state == CallState::InProgress;
                    let end = if completed { EndState::Completed } else { EndState::Failed };
                    match verdict {
                        Verdict::Lost(state) => prop_assert!(enough && state == end),
                        Verdict::Wait(_) => prop_assert!(!enough),
                        Verdict::Ended => prop_assert!(false, "nobody said so"),
                    }
                }
            }
        }

        #[test]
        fn every_wait_has_bounds(patience in patience(), silent in silent(), answer in answer(), unit in 0.0..1.0) {
            if let Verdict::Wait(wait) = decide(&patience, &silent, answer, noon(), unit) {
                let longest = [patience.in_progress, patience.queued, patience.ringing, patience.unknown, patience.lost, RETRY_MAX];
                let longest = longest.into_iter().max().unwrap().mul_f64(1.0 + JITTER) + secs(2);
                prop_assert!(!wait.is_zero() && wait <= longest, "{wait:?}");
            }
        }

        #[test]
        fn whoever_asks_again_and_again_comes_to_an_end(
            patience in patience(), mut silent in silent(), kept: bool, unit in 0.0..1.0,
        ) {
            let memory = if kept { Memory::Kept } else { Memory::LiveOnly };
            let mut now = noon();
            for asked in 0..100 {
                match decide(&patience, &silent, Answer::Unknown(memory), now, unit) {
                    Verdict::Wait(wait) => {
                        let (since, count) = silent.unknown.unwrap_or((now, 0));
                        silent.unknown = Some((since, count + 1));
                        now += wait;
                    }
                    Verdict::Lost(_) => return Ok(()),
                    Verdict::Ended => prop_assert!(false),
                }
                prop_assert!(asked < 10, "asked {asked} times");
            }
        }

        #[test]
        fn nobody_is_asked_before_the_call_was_silent_for_long(patience in patience(), silent in silent(), unit in 0.0..1.0) {
            let quiet = (noon() - silent.last_sign_at).to_std().unwrap();
            match silent_for_too_long(&patience, &silent, noon(), unit) {
                Ok(()) => prop_assert!(quiet >= patience.with(silent.state) && quiet >= patience.least()),
                Err(left) => prop_assert!(quiet < patience.with(silent.state) && quiet + left >= patience.with(silent.state)),
            }
        }
    }
}
