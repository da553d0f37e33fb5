//! What truly happened at the provider.

use std::{collections::BTreeMap, time::SystemTime};

use chrono::{DateTime, Utc};

use crate::domain::state::{Direction, EndState};

/// A step of a call's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It waits to be dialled, or to be taken.
    Queued,
    /// It rings.
    Ringing,
    /// Somebody took it.
    Answered,
    /// It is over.
    Ended(EndState),
}

/// A call as the provider knows it.
#[derive(Debug, Clone)]
pub struct LedgerCall {
    /// The provider's name for it.
    pub id: String,
    /// The caller, in E.164.
    pub from: String,
    /// The callee, in E.164.
    pub to: String,
    /// Seen from the account.
    pub direction: Direction,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it rang.
    pub ringing_at: Option<DateTime<Utc>>,
    /// When it was taken.
    pub answered_at: Option<DateTime<Utc>>,
    /// How and when it ended.
    pub end: Option<(EndState, DateTime<Utc>)>,
    /// When the service had first taken word of its end: a report, or an order to end it that came too late.
    pub told_at: Option<DateTime<Utc>>,
    /// The provider was asked to hang it up this often.
    pub hang_ups: u32,
}

impl LedgerCall {
    /// A call that begins.
    pub fn new(
        id: String,
        (from, to): (&str, &str),
        direction: Direction,
        created_at: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            from: from.to_owned(),
            to: to.to_owned(),
            direction,
            created_at,
            ringing_at: None,
            answered_at: None,
            end: None,
            told_at: None,
            hang_ups: 0,
        }
    }

    /// Whether it is not over.
    pub fn is_live(&self) -> bool {
        self.end.is_none()
    }

    /// Whole seconds of talk; 0 if nobody answered or it goes on.
    pub fn talk_s(&self) -> i64 {
        match (self.answered_at, self.end) {
            (Some(answered), Some((_, end))) => (end - answered).num_seconds().max(0),
            (_, _) => 0,
        }
    }
}

/// What a request to hang up came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HangUpResult {
    /// It is over now.
    Ended,
    /// It was over.
    AlreadyOver,
    /// There is no such call.
    Unknown,
}

/// Every call that there was.
#[derive(Debug, Default)]
pub struct Ledger {
    calls: BTreeMap<String, LedgerCall>,
}

impl Ledger {
    /// What time it is.
    pub fn now(&self) -> DateTime<Utc> {
        SystemTime::now().into()
    }

    /// A call of this name.
    pub fn get(&self, id: &str) -> Option<&LedgerCall> {
        self.calls.get(id)
    }

    /// Every call.
    pub fn all(&self) -> impl Iterator<Item = &LedgerCall> {
        self.calls.values()
    }

    /// Those that are not over.
    pub fn live(&self) -> impl Iterator<Item = &LedgerCall> {
        self.all().filter(|call| call.is_live())
    }

    /// A call begins.
    pub fn begin(&mut self, call: LedgerCall) {
        self.calls.insert(call.id.clone(), call);
    }

    /// A call takes a step, unless it is over. Answers the call as it is then, if it took the step.
    pub fn step(&mut self, id: &str, step: Step) -> Option<LedgerCall> {
        let now = self.now();
        let call = self.calls.get_mut(id).filter(|call| call.is_live())?;
        match step {
            Step::Queued => {}
            Step::Ringing => call.ringing_at = Some(now),
            Step::Answered => call.answered_at = Some(now),
            Step::Ended(state) => call.end = Some((state, now)),
        }
        Some(call.clone())
    }

    /// The service has taken word of a call's end.
    pub fn told(&mut self, id: &str) {
        let now = self.now();
        if let Some(call) = self.calls.get_mut(id) {
            call.told_at.get_or_insert(now);
        }
    }

    /// The provider is asked to hang up: counts the request, ends the call if it is live.
    pub fn hang_up(&mut self, id: &str) -> HangUpResult {
        let now = self.now();
        let Some(call) = self.calls.get_mut(id) else {
            return HangUpResult::Unknown;
        };
        call.hang_ups += 1;
        if !call.is_live() {
            return HangUpResult::AlreadyOver;
        }
        let state = if call.answered_at.is_some() {
            EndState::Completed
        } else {
            EndState::Canceled
        };
        call.end = Some((state, now));
        HangUpResult::Ended
    }
}
