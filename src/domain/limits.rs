//! How long a call may last: what its account, its connection and the call itself say, and when the least of it has passed. Pure.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Serialize, Serializer};

use super::lifecycle::Lifecycle;

/// How long a call may last from its answer: 1..=604800 seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MaxDuration(i32);

/// The number is not a [`MaxDuration`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number of seconds from 1 to {}", MaxDuration::S_MAX)]
pub struct NotMaxDuration;

impl MaxDuration {
    /// The longest, in seconds: a week.
    pub const S_MAX: i32 = 604_800;

    /// A bound of so many seconds.
    pub fn from_seconds(seconds: i32) -> Result<Self, NotMaxDuration> {
        if (1..=Self::S_MAX).contains(&seconds) {
            Ok(Self(seconds))
        } else {
            Err(NotMaxDuration)
        }
    }

    /// In seconds.
    pub fn seconds(self) -> i32 {
        self.0
    }

    fn delta(self) -> TimeDelta {
        TimeDelta::seconds(self.0.into())
    }
}

impl std::str::FromStr for MaxDuration {
    type Err = NotMaxDuration;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse()
            .map_err(|_error| NotMaxDuration)
            .and_then(Self::from_seconds)
    }
}

impl Serialize for MaxDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i32(self.0)
    }
}

/// What a call itself says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallLimits {
    /// How long it may last from its answer.
    pub max_duration: Option<MaxDuration>,
    /// When it is ended, whatever it is doing then.
    pub end_at: Option<DateTime<Utc>>,
}

impl CallLimits {
    /// Whether it says nothing.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// Everything that bounds a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// What the call says.
    pub call: CallLimits,
    /// What its connection says.
    pub connection: Option<MaxDuration>,
    /// What its account says.
    pub account: Option<MaxDuration>,
}

/// Which bound has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// It was to end at this moment.
    EndAt,
    /// It has lasted as long as it may.
    MaxDuration,
}

impl Limit {
    /// The `disconnect_reason` of a call that ends by it.
    pub fn reason(self) -> &'static str {
        match self {
            Self::EndAt => "end_at",
            Self::MaxDuration => "max_duration",
        }
    }
}

/// When a call's time is up, and by which bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// When.
    pub at: DateTime<Utc>,
    /// By which.
    pub limit: Limit,
}

/// How long a call that nobody has answered yet is left alone: an answer that is told late is acted on this much later at most.
const UNANSWERED_LOOK: TimeDelta = TimeDelta::seconds(10);

impl Bounds {
    /// The least of the three.
    pub fn max_duration(self) -> Option<MaxDuration> {
        [self.call.max_duration, self.connection, self.account]
            .into_iter()
            .flatten()
            .min()
    }

    /// When the time of a call that we first heard of at `created_at` is up; nothing while no bound applies. A talk is counted from
    /// its answer; a call that is over has no bounds.
    pub fn due(self, life: &Lifecycle) -> Option<Due> {
        if life.end.is_some() {
            return None;
        }
        let lasted = life.answered_at.zip(self.max_duration());
        let lasted = lasted.and_then(|(from, bound)| from.checked_add_signed(bound.delta()));
        let lasted = lasted.map(|at| Due {
            at,
            limit: Limit::MaxDuration,
        });
        let ends = self.call.end_at.map(|at| Due {
            at,
            limit: Limit::EndAt,
        });
        [lasted, ends].into_iter().flatten().min()
    }

    /// When a call's own limits are to be looked at next. Nothing: it has none.
    pub fn look_at(self, life: &Lifecycle, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let unanswered = life.end.is_none() && life.answered_at.is_none();
        let bound = self.call.max_duration.filter(|_| unanswered);
        let ask_again = bound.map(|bound| now + bound.delta().min(UNANSWERED_LOOK));
        let own = Self {
            connection: None,
            account: None,
            ..self
        };
        let due = own.due(life).map(|due| due.at);
        [ask_again, due].into_iter().flatten().min()
    }

    /// The longest that the provider of a call that is now placed may let it last, as far as we know. The ringing before a talk
    /// makes this more than `end_at` has left, never less.
    pub fn at_creation(self, now: DateTime<Utc>) -> Option<Duration> {
        let bound = self.max_duration().map(MaxDuration::delta);
        let left = self.call.end_at.map(|at| at - now);
        let least = [bound, left].into_iter().flatten().min()?;
        // A provider counts whole seconds, and none takes zero.
        let seconds = u64::try_from(least.num_seconds()).unwrap_or(0);
        Some(Duration::from_secs(seconds.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use proptest::prelude::*;

    use super::{Bounds, CallLimits, Due, Limit, MaxDuration, UNANSWERED_LOOK};
    use crate::domain::{
        lifecycle::Lifecycle,
        report::{Facts, Report, ReportKind},
        state::EndState,
    };

    fn noon() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn after(seconds: i64) -> DateTime<Utc> {
        noon() + TimeDelta::seconds(seconds)
    }

    fn life(kinds: &[ReportKind]) -> Lifecycle {
        let mut life = Lifecycle::default();
        for kind in kinds {
            life.absorb(&Report::new(*kind, noon(), Facts::default()));
        }
        life
    }

    fn seconds(bound: Option<i32>) -> Option<MaxDuration> {
        bound.map(|bound| MaxDuration::from_seconds(bound).unwrap())
    }

    fn bounds(
        call: Option<i32>,
        connection: Option<i32>,
        account: Option<i32>,
        end_at: Option<i64>,
    ) -> Bounds {
        Bounds {
            call: CallLimits {
                max_duration: seconds(call),
                end_at: end_at.map(after),
            },
            connection: seconds(connection),
            account: seconds(account),
        }
    }

    #[test]
    fn a_duration_has_one_second_to_a_week() {
        for (text, valid) in [
            ("1", true),
            ("604800", true),
            ("0", false),
            ("604801", false),
            ("-1", false),
            ("1.5", false),
            ("", false),
        ] {
            assert_eq!(text.parse::<MaxDuration>().is_ok(), valid, "{text}");
        }
    }

    #[test]
    fn the_least_bound_counts_from_the_answer_and_a_moment_counts_always() {
        let talking = life(&[ReportKind::Answered]);
        let ringing = life(&[ReportKind::Ringing]);
        for (bounds, of, due) in [
            (
                bounds(Some(30), Some(20), Some(10), None),
                &talking,
                Some((10, Limit::MaxDuration)),
            ),
            (
                bounds(Some(10), Some(20), None, Some(5)),
                &talking,
                Some((5, Limit::EndAt)),
            ),
            (
                bounds(Some(10), None, None, Some(50)),
                &talking,
                Some((10, Limit::MaxDuration)),
            ),
            (
                bounds(Some(10), None, None, Some(50)),
                &ringing,
                Some((50, Limit::EndAt)),
            ),
            (bounds(Some(10), Some(10), Some(10), None), &ringing, None),
            (bounds(None, None, None, None), &talking, None),
        ] {
            let expected = due.map(|(at, limit)| Due {
                at: after(at),
                limit,
            });
            assert_eq!(bounds.due(of), expected, "{bounds:?}");
        }
        let over = life(&[ReportKind::Answered, ReportKind::Ended(EndState::Completed)]);
        assert_eq!(bounds(Some(1), None, None, Some(1)).due(&over), None);
    }

    proptest! {
        #[test]
        fn a_call_is_looked_at_before_its_own_limits_can_pass(
            call in prop::option::of(1..=604_800_i32), end_at in prop::option::of(-100_i64..1_000_000), now in 0_i64..1000,
            answered: bool,
        ) {
            let own = bounds(call, Some(1), Some(1), end_at);
            let of = if answered { life(&[ReportKind::Answered]) } else { life(&[ReportKind::Ringing]) };
            let look = own.look_at(&of, after(now));
            prop_assert_eq!(look.is_some(), call.is_some() || end_at.is_some());
            if let Some(look) = look {
                prop_assert!(end_at.is_none_or(|end_at| look <= after(end_at)));
                prop_assert!(answered || call.is_none() || look <= after(now) + UNANSWERED_LOOK);
                prop_assert!(!answered || call.is_none_or(|call| look <= after(call.into())));
            }
        }

        #[test]
        fn a_provider_is_given_the_least_and_at_least_a_second(
            call in prop::option::of(1..=604_800_i32), account in prop::option::of(1..=604_800_i32),
            end_at in prop::option::of(-100_i64..1_000_000),
        ) {
            let given = bounds(call, None, account, end_at).at_creation(noon());
            let least = [call.map(i64::from), account.map(i64::from), end_at].into_iter().flatten().min();
            let expected = least.map(|least| u64::try_from(least.max(1)).unwrap());
            prop_assert_eq!(given.map(|given| given.as_secs()), expected);
        }
    }
}
