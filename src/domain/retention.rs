//! For how long what is kept is kept: days, by kind.

use std::str::FromStr;

use serde::Serialize;
use utoipa::ToSchema;

use super::voice_call::update::Edit;

/// The longest time, in days: a hundred years.
pub const DAYS_MAX: i32 = 36_500;

/// A number of days, from 1 to [`DAYS_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = i32)]
pub struct Days(i32);

/// Not a number of days that something is kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number of days from 1 to {DAYS_MAX}")]
pub struct NotDays;

impl Days {
    /// So many.
    pub fn new(days: i32) -> Result<Self, NotDays> {
        if (1..=DAYS_MAX).contains(&days) {
            Ok(Self(days))
        } else {
            Err(NotDays)
        }
    }

    /// How many.
    pub fn days(self) -> i32 {
        self.0
    }
}

impl FromStr for Days {
    type Err = NotDays;

    fn from_str(text: &str) -> Result<Self, NotDays> {
        text.parse().map_err(|_wrong| NotDays).and_then(Self::new)
    }
}

/// For how many days each kind is kept. Null: nobody has said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
#[schema(as = RetentionWindows)]
pub struct Windows {
    /// What was told: the bodies of events.
    pub payload_days: Option<Days>,
    /// To whom: deliveries that are over, and attempts with what was answered.
    pub attempt_days: Option<Days>,
    /// Reports as they came.
    pub receipt_days: Option<Days>,
    /// What was said, and what was made of the words.
    pub transcript_days: Option<Days>,
    /// Where recordings are.
    pub recording_days: Option<Days>,
    /// Calls, with everything.
    pub call_days: Option<Days>,
}

/// What is to be changed. What is not said stays; what is cleared is as the server says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// The bodies of events.
    pub payload_days: Edit<Days>,
    /// Deliveries and attempts.
    pub attempt_days: Edit<Days>,
    /// Reports.
    pub receipt_days: Edit<Days>,
    /// Transcripts.
    pub transcript_days: Edit<Days>,
    /// Where recordings are.
    pub recording_days: Edit<Days>,
    /// Calls.
    pub call_days: Edit<Days>,
}

impl Windows {
    /// The names of the kinds.
    pub const FIELDS: [&str; 6] = [
        "payload_days",
        "attempt_days",
        "receipt_days",
        "transcript_days",
        "recording_days",
        "call_days",
    ];

    /// These after a change.
    #[must_use]
    pub fn changed(self, change: Change) -> Self {
        Self {
            payload_days: edited(self.payload_days, change.payload_days),
            attempt_days: edited(self.attempt_days, change.attempt_days),
            receipt_days: edited(self.receipt_days, change.receipt_days),
            transcript_days: edited(self.transcript_days, change.transcript_days),
            recording_days: edited(self.recording_days, change.recording_days),
            call_days: edited(self.call_days, change.call_days),
        }
    }

    /// These, and where they say nothing the others.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            payload_days: self.payload_days.or(others.payload_days),
            attempt_days: self.attempt_days.or(others.attempt_days),
            receipt_days: self.receipt_days.or(others.receipt_days),
            transcript_days: self.transcript_days.or(others.transcript_days),
            recording_days: self.recording_days.or(others.recording_days),
            call_days: self.call_days.or(others.call_days),
        }
    }

    /// What follows of them: nothing is kept longer than what it shows. A body shows the call with its transcript and where its recording is, a
    /// report where the recording is; and a body is found by its deliveries.
    #[must_use]
    pub fn effective(self) -> Self {
        let transcript_days = shortest([self.transcript_days, self.call_days]);
        let recording_days = shortest([self.recording_days, self.call_days]);
        let attempt_days = shortest([self.attempt_days, self.call_days]);
        Self {
            payload_days: shortest([
                shortest([self.payload_days, attempt_days]),
                shortest([transcript_days, recording_days]),
            ]),
            attempt_days,
            receipt_days: shortest([self.receipt_days, recording_days]),
            transcript_days,
            recording_days,
            call_days: self.call_days,
        }
    }
}

fn edited(was: Option<Days>, edit: Edit<Days>) -> Option<Days> {
    match edit {
        Edit::Keep => was,
        Edit::Clear => None,
        Edit::Set(days) => Some(days),
    }
}

/// The shorter of two times; none is for ever.
fn shortest(of: [Option<Days>; 2]) -> Option<Days> {
    of.into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use super::{Days, NotDays, Windows};

    #[test]
    fn days_are_bounded() {
        assert_eq!("36500".parse::<Days>().unwrap().days(), 36_500);
        for wrong in ["0", "36501", "-1", "1.5", "", "x"] {
            assert_eq!(wrong.parse::<Days>(), Err(NotDays), "{wrong}");
        }
    }

    #[test]
    fn nothing_is_kept_longer_than_what_it_shows() {
        let days = |days| Some(Days::new(days).unwrap());
        let said = Windows {
            payload_days: days(30),
            attempt_days: days(90),
            receipt_days: days(90),
            transcript_days: days(7),
            ..Windows::default()
        };
        let own = Windows {
            recording_days: days(60),
            call_days: days(80),
            attempt_days: days(10),
            ..Windows::default()
        };
        let all = own.or(said).effective();
        assert_eq!(all.payload_days, days(7));
        assert_eq!(all.attempt_days, days(10));
        assert_eq!(all.receipt_days, days(60));
        assert_eq!(
            (all.transcript_days, all.recording_days),
            (days(7), days(60))
        );
        assert_eq!(Windows::default().effective(), Windows::default());
    }
}
