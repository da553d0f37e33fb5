//! What staff systems may change about a call, and what a new status does to it. Pure.
//!
//! Staff state facts and notes, and they move the call: into an answered status, into a terminal one, or from a missed
//! call to a handled one. What they state stays, whatever reports say later; the state machine itself is
//! [`Lifecycle`](crate::domain::lifecycle::Lifecycle)'s, so the status only rises and the first end stays.

use chrono::{DateTime, Utc};

use crate::domain::{
    call::Call,
    money::Money,
    party::{E164, PartyNumber},
    report::{Facts, ProviderCallId, ProviderName, Report, ReportKind},
    state::{CallState, Direction, EndState, VoiceCallStatus},
    text::Text,
};

/// What to do with a field that may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Edit<T> {
    /// Leave it as it is.
    #[default]
    Keep,
    /// Empty it.
    Clear,
    /// Put this into it.
    Set(T),
}

/// A change to a call by a staff system. What is absent stays as it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct VoiceCallUpdate {
    /// The staff member of the call.
    pub staff_uid: Option<Text<255>>,
    /// The client of the call.
    pub client_uid: Option<Text<255>>,
    /// The caller.
    pub from: Option<E164>,
    /// The callee.
    pub to: Option<E164>,
    /// Who called whom.
    pub direction: Option<Direction>,
    /// Where the call stands.
    pub status: Option<VoiceCallStatus>,
    /// Price per unit.
    pub rate: Option<Money>,
    /// Price of the call.
    pub price: Edit<Money>,
    /// The provider.
    pub provider: Option<ProviderName>,
    /// The provider system's id of the call.
    pub source_id: Option<ProviderCallId>,
    /// Seconds of talk.
    pub duration_s: Edit<i32>,
    /// What the call was about.
    pub call_summary: Edit<Text<10_000>>,
    /// Where more about it is to be found.
    pub external_app_url: Edit<Text<2048>>,
    /// The application that manages the call.
    pub external_app_name: Edit<Text<255>>,
    /// The recording that belongs to it.
    pub recording_id: Edit<Text<255>>,
    /// The external application's id of it.
    pub external_uuid: Option<Text<255>>,
    /// Who followed up.
    pub handled_by_staff_uid: Edit<Text<255>>,
}

/// A status that the call cannot take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTransition {
    /// An ended call does not ring again.
    #[error("an ended call cannot become INCOMING_CALL")]
    RingsAgain,
    /// Only what was missed can be handled.
    #[error("only a MISSED or VOICEMAIL_RECEIVED call can become MISSED_CALL_HANDLED")]
    NotMissed,
}

impl<T> Edit<T> {
    /// Puts the value into it, or empties it if there is none.
    pub fn to(value: Option<T>) -> Self {
        value.map_or(Self::Clear, Self::Set)
    }

    /// Does it to a slot.
    pub fn apply<U>(self, slot: &mut Option<U>, into: impl FnOnce(T) -> U) {
        match self {
            Self::Keep => {}
            Self::Clear => *slot = None,
            Self::Set(value) => *slot = Some(into(value)),
        }
    }
}

/// Whether the call can take the status.
pub fn check_move(call: &Call, status: VoiceCallStatus) -> Result<(), InvalidTransition> {
    let ended = call.life.end.is_some();
    match (status, shown(call)) {
        (VoiceCallStatus::IncomingCall, _) if ended => Err(InvalidTransition::RingsAgain),
        (
            VoiceCallStatus::MissedCallHandled,
            VoiceCallStatus::Missed
            | VoiceCallStatus::VoicemailReceived
            | VoiceCallStatus::MissedCallHandled,
        ) => Ok(()),
        (VoiceCallStatus::MissedCallHandled, _) => Err(InvalidTransition::NotMissed),
        (_, _) => Ok(()),
    }
}

fn shown(call: &Call) -> VoiceCallStatus {
    VoiceCallStatus::shown(call.staff.status, call.life.state())
}

impl VoiceCallUpdate {
    /// Whether it says nothing at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Changes the call. `by` is the staff member who asks, if one does.
    pub fn apply(
        self,
        call: &mut Call,
        by: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), InvalidTransition> {
        if let Some(status) = self.status {
            check_move(call, status)?;
        }
        let (status, before) = (self.status, shown(call));
        let moves = status.is_some() || matches!(self.duration_s, Edit::Set(_));
        let handled_by = self.handled_by_staff_uid.clone();
        self.state_facts(call);
        self.note(call);
        if moves {
            advance(call, status.unwrap_or(before), now);
        }
        if let Some(status) = status {
            set_status(call, status);
        }
        let became_handled = status == Some(VoiceCallStatus::MissedCallHandled)
            && before != VoiceCallStatus::MissedCallHandled;
        handle(call, handled_by, became_handled.then_some(by).flatten());
        if became_handled || call.staff.handled_by_staff_uid.is_some() {
            call.staff.handled_at.get_or_insert(now);
        }
        Ok(())
    }

    fn state_facts(&self, call: &mut Call) {
        // A number that reads the same stays as it was reported.
        let changed = |new: &Option<E164>, old: Option<&PartyNumber>| {
            new.clone()
                .filter(|new| old.and_then(PartyNumber::e164) != Some(new))
                .map(PartyNumber::from)
        };
        let life = &mut call.life;
        let from = changed(&self.from, life.from.as_ref());
        let to = changed(&self.to, life.to.as_ref());
        let duration_s = match self.duration_s {
            Edit::Keep => None,
            Edit::Clear => {
                life.forget_duration();
                None
            }
            Edit::Set(seconds) => Some(seconds),
        };
        life.settle(Facts {
            direction: self.direction,
            from,
            to,
            duration_s,
            ..Facts::default()
        });
    }

    fn note(self, call: &mut Call) {
        let staff = &mut call.staff;
        replace(&mut staff.staff_uid, self.staff_uid.map(Text::into_string));
        replace(
            &mut staff.client_uid,
            self.client_uid.map(Text::into_string),
        );
        replace(&mut staff.rate, self.rate);
        replace(
            &mut staff.source_id,
            self.source_id.map(|id| id.as_str().to_owned()),
        );
        replace(
            &mut staff.external_uuid,
            self.external_uuid.map(Text::into_string),
        );
        self.price.apply(&mut staff.price, |price| price);
        self.call_summary
            .apply(&mut staff.call_summary, Text::into_string);
        self.external_app_url
            .apply(&mut staff.external_app_url, Text::into_string);
        self.external_app_name
            .apply(&mut staff.external_app_name, Text::into_string);
        let recording = staff.recording_id.clone();
        self.recording_id
            .apply(&mut staff.recording_id, Text::into_string);
        if staff.recording_id != recording {
            // It is another one: what was known of the last does not hold.
            staff.recording_played = false;
            staff.recording_size_bytes = None;
        }
        if let Some(provider) = self.provider {
            call.provider = provider;
        }
    }
}

fn replace<T>(slot: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *slot = value;
    }
}

/// Takes the move to the state machine, as a report of what happens now.
fn advance(call: &mut Call, status: VoiceCallStatus, now: DateTime<Utc>) {
    let life = &mut call.life;
    if life.end.is_some() {
        return;
    }
    let talked = life.duration_s.is_some_and(|seconds| seconds > 0);
    let unheard = life.state() == CallState::Queued && life.queued_at.is_none();
    let kind = match status {
        VoiceCallStatus::IncomingCall if unheard => ReportKind::Ringing,
        VoiceCallStatus::IncomingCall => return,
        VoiceCallStatus::AnsweredByStaff | VoiceCallStatus::AnsweredByCallsProvider if talked => {
            ReportKind::Ended(EndState::Completed)
        }
        VoiceCallStatus::AnsweredByStaff | VoiceCallStatus::AnsweredByCallsProvider => {
            ReportKind::Answered
        }
        VoiceCallStatus::Missed | VoiceCallStatus::MissedCallHandled => {
            ReportKind::Ended(EndState::NoAnswer)
        }
        VoiceCallStatus::VoicemailReceived => ReportKind::Ended(EndState::Voicemail),
    };
    life.absorb(&Report::new(kind, now, Facts::default()));
}

fn set_status(call: &mut Call, status: VoiceCallStatus) {
    let lowers =
        status == VoiceCallStatus::IncomingCall && call.life.state() == CallState::InProgress;
    if !lowers {
        call.staff.status = Some(status);
    }
}

/// Keeps who followed up: who was named, else who asked.
fn handle(call: &mut Call, named: Edit<Text<255>>, asked: Option<&str>) {
    let staff = &mut call.staff;
    match named {
        Edit::Set(uid) => staff.handled_by_staff_uid = Some(uid.into_string()),
        Edit::Clear => {
            staff.handled_by_staff_uid = None;
            staff.handled_at = None;
        }
        Edit::Keep => {
            if staff.handled_by_staff_uid.is_none() {
                staff.handled_by_staff_uid = asked.map(str::to_owned);
            }
        }
    }
}
