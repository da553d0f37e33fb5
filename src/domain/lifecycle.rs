//! The state machine of a call: what a report does to what we know. Pure.
//!
//! Every fact is a register that keeps what was learned *earliest*, ties broken by value, and every time is a minimum.
//! So the order in which reports arrive does not matter, and a repetition changes nothing. The end is the exception that
//! the world sees: the first end that *arrives* stays, because it has been told to others; only two ends of the same
//! instant are decided by their order in [`EndState`]. A hang-up that does not say how the call ended stands back: it is
//! read anew when an answer is heard of, and gives way to an end that says how. An end that nobody told, because the call was
//! lost, gives way to every end that somebody tells.

use std::ops::Not;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    party::{Email, PartyNumber},
    reconcile::LOST,
    report::{Facts, Report, ReportKind},
    state::{CallState, Direction, EndSource, EndState},
    text::Text,
};

/// When each fact was learned, in microseconds since the epoch: what makes merging independent of order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LearnedAt {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    direction: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    duration: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recording: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disconnect_reason: Option<i64>,
    /// The end that is kept came as a hang-up, which does not say how the call ended.
    #[serde(default, skip_serializing_if = "Not::not")]
    end_unsaid: bool,
    /// How the end that is kept became known, if nobody reported it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end_source: Option<EndSource>,
}

/// When something was learned that somebody has removed since: before every report.
const REMOVED: i64 = i64::MIN;

/// When something was learned that nobody told: after every report.
const GUESSED: i64 = i64::MAX;

/// The end of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// How it ended.
    pub state: EndState,
    /// When.
    pub at: DateTime<Utc>,
}

/// What reports have told us of a call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lifecycle {
    /// When it was first known to wait in a queue.
    pub queued_at: Option<DateTime<Utc>>,
    /// When it was first known to ring.
    pub ringing_at: Option<DateTime<Utc>>,
    /// When it was first known to be answered.
    pub answered_at: Option<DateTime<Utc>>,
    /// The end that stays.
    pub end: Option<End>,
    /// Who called whom.
    pub direction: Option<Direction>,
    /// The caller.
    pub from: Option<PartyNumber>,
    /// The callee.
    pub to: Option<PartyNumber>,
    /// The callee's e-mail address.
    pub email: Option<Email>,
    /// Talk time as reported, in seconds.
    pub duration_s: Option<i32>,
    /// Where the recording is.
    pub recording_url: Option<Text<2048>>,
    /// Why it ended, in words.
    pub disconnect_reason: Option<Text<512>>,
    /// When the above were learned.
    pub learned_at: LearnedAt,
}

/// What changed between two states of one call, as the rest of the world is told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Transition {
    /// The call is new, live or over.
    pub created: bool,
    /// The call is new and live.
    pub started: bool,
    /// A live call was answered.
    pub answered: bool,
    /// The call has ended.
    pub ended: bool,
    /// An ended call learned something more.
    pub amended: bool,
}

impl Transition {
    /// What is new in `after`; `before` is absent for a call that was not known.
    pub fn between(before: Option<&Lifecycle>, after: &Lifecycle) -> Self {
        let was_ended = before.is_some_and(|b| b.end.is_some());
        let was_answered = before.is_some_and(|b| b.answered_at.is_some());
        let live = after.end.is_none();
        Self {
            created: before.is_none(),
            started: before.is_none() && live,
            answered: live && !was_answered && after.answered_at.is_some(),
            ended: !was_ended && !live,
            amended: was_ended && before.is_some_and(|b| b != after),
        }
    }
}

impl Lifecycle {
    /// Where the call stands.
    pub fn state(&self) -> CallState {
        match (self.end, self.answered_at, self.ringing_at) {
            (Some(end), ..) => end.state.into(),
            (None, Some(_), _) => CallState::InProgress,
            (None, None, Some(_)) => CallState::Ringing,
            (None, None, None) => CallState::Queued,
        }
    }

    /// Whether somebody, or something, took the call.
    pub fn was_answered(&self) -> bool {
        self.answered_at.is_some() || self.end.is_some_and(|end| end.state == EndState::Completed)
    }

    /// Whether the report comes too late to change the state.
    pub fn is_late(&self, report: &Report) -> bool {
        let unsaid = self.learned_at.end_unsaid;
        let lost = self.is_lost();
        self.end.is_some()
            && match report.kind() {
                ReportKind::Queued | ReportKind::Ringing => true,
                ReportKind::HungUp(_) => !lost,
                ReportKind::Answered => !unsaid || self.answered_at.is_some(),
                ReportKind::Ended(_) => !unsaid && !lost,
                ReportKind::Recording => false,
            }
    }

    /// Takes in a report. A report that says nothing new changes nothing.
    pub fn absorb(&mut self, report: &Report) {
        let at = report.at();
        match report.kind() {
            ReportKind::Queued => earliest(&mut self.queued_at, at),
            ReportKind::Ringing => earliest(&mut self.ringing_at, at),
            ReportKind::Answered => earliest(&mut self.answered_at, at),
            ReportKind::Ended(state) => self.absorb_end(End { state, at }, false),
            ReportKind::HungUp(unanswered) => {
                let state = unanswered;
                self.absorb_end(End { state, at }, true);
            }
            ReportKind::Recording => {}
        }
        self.read_hang_up();
        let facts = report.facts();
        let learned = &mut self.learned_at;
        let micros = at.timestamp_micros();
        learn(
            &mut self.direction,
            &mut learned.direction,
            facts.direction.as_ref(),
            micros,
        );
        learn(
            &mut self.from,
            &mut learned.from,
            facts.from.as_ref(),
            micros,
        );
        learn(&mut self.to, &mut learned.to, facts.to.as_ref(), micros);
        learn(
            &mut self.email,
            &mut learned.email,
            facts.email.as_ref(),
            micros,
        );
        learn(
            &mut self.duration_s,
            &mut learned.duration,
            facts.duration_s.as_ref(),
            micros,
        );
        learn(
            &mut self.recording_url,
            &mut learned.recording,
            facts.recording_url.as_ref(),
            micros,
        );
        let reason = facts.disconnect_reason.as_ref();
        learn(
            &mut self.disconnect_reason,
            &mut learned.disconnect_reason,
            reason,
            micros,
        );
    }

    /// Takes in what the provider told when it was asked, because nobody had reported it.
    pub fn reconcile(&mut self, told: &Report) {
        let was_live = self.end.is_none();
        self.absorb(told);
        if was_live && self.end.is_some() {
            self.learned_at.end_source = Some(EndSource::Reconciled);
        }
    }

    /// Closes a live call that nobody knows any more. What is told of its end later stands in its place.
    pub fn give_up(&mut self, end: End) {
        if self.end.is_some() {
            return;
        }
        self.end = Some(end);
        self.learned_at.end_unsaid = false;
        self.learned_at.end_source = Some(EndSource::Lost);
        if self.disconnect_reason.is_none() {
            self.disconnect_reason = Text::parse(LOST).ok();
            self.learned_at.disconnect_reason = Some(GUESSED);
        }
    }

    /// How the end became known, if nobody reported it.
    pub fn end_source(&self) -> Option<EndSource> {
        self.learned_at.end_source
    }

    /// Sets what a person has stated: no report changes it any more.
    pub fn settle(&mut self, stated: Facts) {
        let learned = &mut self.learned_at;
        state(
            &mut self.direction,
            &mut learned.direction,
            stated.direction,
        );
        state(&mut self.from, &mut learned.from, stated.from);
        state(&mut self.to, &mut learned.to, stated.to);
        state(&mut self.email, &mut learned.email, stated.email);
        state(
            &mut self.duration_s,
            &mut learned.duration,
            stated.duration_s,
        );
        state(
            &mut self.recording_url,
            &mut learned.recording,
            stated.recording_url,
        );
        state(
            &mut self.disconnect_reason,
            &mut learned.disconnect_reason,
            stated.disconnect_reason,
        );
    }

    /// Forgets the talk time: the next report that knows one fills it in.
    pub fn forget_duration(&mut self) {
        self.duration_s = None;
        self.learned_at.duration = None;
    }

    /// Removes the recording, for good: no report brings it back.
    pub fn remove_recording(&mut self) {
        self.recording_url = None;
        self.learned_at.recording = Some(REMOVED);
    }

    /// Seconds from the first ring, or the first we heard, to the answer or the end.
    pub fn ring_s(&self) -> Option<i64> {
        let from = self.ringing_at.or(self.queued_at)?;
        let until = earlier(self.answered_at, self.end.map(|end| end.at))?;
        Some((until - from).num_seconds().max(0))
    }

    /// Seconds of talk: as reported, else from the answer to the end. Ring time is never talk time.
    pub fn talk_s(&self) -> Option<i64> {
        if let Some(reported) = self.duration_s {
            return Some(reported.into());
        }
        let end = self.end?;
        let talk = self
            .answered_at
            .map_or(0, |answered| (end.at - answered).num_seconds());
        Some(talk.max(0))
    }

    /// Seconds from the first we heard to the end.
    pub fn total_s(&self) -> Option<i64> {
        let end = self.end?;
        let first = [self.queued_at, self.ringing_at, self.answered_at]
            .into_iter()
            .flatten()
            .min();
        let heard = first.map_or(0, |first| (end.at - first).num_seconds().max(0));
        Some(heard.max(self.talk_s().unwrap_or(0)))
    }

    fn absorb_end(&mut self, new: End, unsaid: bool) {
        if self.is_lost() {
            self.end = None;
            // The reason was part of the guess.
            if self.learned_at.disconnect_reason == Some(GUESSED) {
                self.disconnect_reason = None;
                self.learned_at.disconnect_reason = None;
            }
        }
        let keep = match self.end {
            None => false,
            Some(_) if self.learned_at.end_unsaid != unsaid => unsaid,
            Some(kept) => kept.at != new.at || kept.state <= new.state,
        };
        if !keep {
            self.end = Some(new);
            self.learned_at.end_unsaid = unsaid;
            self.learned_at.end_source = None;
        }
    }

    fn is_lost(&self) -> bool {
        self.learned_at.end_source == Some(EndSource::Lost)
    }

    /// A hang-up completes a call that was answered, whichever of the two was heard of first.
    fn read_hang_up(&mut self) {
        if let Some(end) = &mut self.end
            && self.learned_at.end_unsaid
            && self.answered_at.is_some()
        {
            end.state = EndState::Completed;
        }
    }
}

fn earliest(slot: &mut Option<DateTime<Utc>>, at: DateTime<Utc>) {
    if slot.is_none_or(|kept| at < kept) {
        *slot = Some(at);
    }
}

fn earlier(a: Option<DateTime<Utc>>, b: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    [a, b].into_iter().flatten().min()
}

fn state<T>(slot: &mut Option<T>, learned: &mut Option<i64>, value: Option<T>) {
    if value.is_some() {
        *slot = value;
        *learned = None;
    }
}

fn learn<T: Ord + Clone>(
    slot: &mut Option<T>,
    learned: &mut Option<i64>,
    value: Option<&T>,
    at: i64,
) {
    let Some(value) = value else { return };
    let keep = match (slot.as_ref(), *learned) {
        (Some(kept), Some(kept_at)) => (kept_at, kept) <= (at, value),
        // A value that staff set has no time of learning, and what was removed has a time but no value: both stay.
        (Some(_), None) | (None, Some(_)) => true,
        (None, None) => false,
    };
    if !keep {
        *slot = Some(value.clone());
        *learned = Some(at);
    }
}
