//! What a status of the voice-calls surface does to a call, without a database.

use chrono::{DateTime, TimeDelta, Utc};
use onhook::domain::{
    call::Call,
    id::{AccountId, CallId},
    lifecycle::Lifecycle,
    report::{Facts, ProviderCallId, ProviderName, Report, ReportKind},
    state::{CallState, EndState, VoiceCallStatus as Status},
    text::Text,
    voice_call::{
        VoiceCall,
        update::{Edit, InvalidTransition, VoiceCallUpdate},
    },
};

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap() + TimeDelta::seconds(second)
}

fn call(kinds: &[ReportKind]) -> Call {
    let mut life = Lifecycle::default();
    for (second, kind) in (0..).zip(kinds) {
        life.absorb(&Report::new(*kind, at(second), Facts::default()));
    }
    Call {
        life,
        ..Call::unknown(
            AccountId::generate(),
            CallId::generate(),
            ProviderName::voip(),
            ProviderCallId::parse("CA1").unwrap(),
            at(0),
        )
    }
}

fn to(status: Status) -> VoiceCallUpdate {
    VoiceCallUpdate {
        status: Some(status),
        ..VoiceCallUpdate::default()
    }
}

fn shown(call: &Call) -> Status {
    VoiceCall::new(call, "business", None).status
}

#[test]
fn a_status_moves_the_call_as_far_as_it_says() {
    use CallState as S;
    let ringing = &[ReportKind::Ringing][..];
    let answered = &[ReportKind::Ringing, ReportKind::Answered][..];
    for (before, status, duration, state) in [
        (&[][..], Status::IncomingCall, None, S::Ringing),
        (&[ReportKind::Queued], Status::IncomingCall, None, S::Queued),
        (ringing, Status::IncomingCall, None, S::Ringing),
        (ringing, Status::AnsweredByStaff, None, S::InProgress),
        (ringing, Status::AnsweredByStaff, Some(0), S::InProgress),
        (ringing, Status::AnsweredByStaff, Some(9), S::Completed),
        (
            ringing,
            Status::AnsweredByCallsProvider,
            Some(9),
            S::Completed,
        ),
        (answered, Status::AnsweredByStaff, Some(9), S::Completed),
        (ringing, Status::Missed, Some(0), S::NoAnswer),
        (ringing, Status::VoicemailReceived, Some(9), S::Voicemail),
    ] {
        let mut call = call(before);
        let update = VoiceCallUpdate {
            duration_s: duration.map_or(Edit::Keep, Edit::Set),
            ..to(status)
        };
        update.apply(&mut call, None, at(60)).unwrap();
        assert_eq!(
            call.life.state(),
            state,
            "{before:?} {status:?} {duration:?}"
        );
        assert_eq!(shown(&call), status);
        assert_eq!(
            call.life.end.map(|end| end.at),
            state.is_terminal().then(|| at(60))
        );
    }
}

#[test]
fn a_duration_alone_ends_an_answered_call_and_no_other() {
    for (kind, ended) in [(ReportKind::Answered, true), (ReportKind::Ringing, false)] {
        let mut call = call(&[kind]);
        let update = VoiceCallUpdate {
            duration_s: Edit::Set(30),
            ..VoiceCallUpdate::default()
        };
        update.apply(&mut call, None, at(60)).unwrap();
        assert_eq!(call.life.end.is_some(), ended);
        assert_eq!(call.life.duration_s, Some(30));
    }
}

#[test]
fn the_status_only_rises() {
    let mut answered = call(&[ReportKind::Answered]);
    to(Status::AnsweredByStaff)
        .apply(&mut answered, None, at(1))
        .unwrap();
    to(Status::IncomingCall)
        .apply(&mut answered, None, at(2))
        .unwrap();
    assert_eq!(shown(&answered), Status::AnsweredByStaff);
    assert_eq!(answered.life.ringing_at, None);

    for end in [EndState::Completed, EndState::NoAnswer, EndState::Voicemail] {
        let mut ended = call(&[ReportKind::Ended(end)]);
        let refused = to(Status::IncomingCall).apply(&mut ended, None, at(1));
        assert_eq!(refused, Err(InvalidTransition::RingsAgain));
        to(Status::AnsweredByStaff)
            .apply(&mut ended, None, at(2))
            .unwrap();
        assert_eq!(shown(&ended), Status::AnsweredByStaff);
        assert_eq!(ended.life.end.unwrap().at, at(0), "the first end stays");
        assert_eq!(ended.life.state(), end.into());
    }
}

#[test]
fn only_what_was_missed_is_handled_and_we_say_when() {
    for end in [EndState::Completed, EndState::Busy, EndState::Voicemail] {
        let mut call = call(&[ReportKind::Ended(end)]);
        let handled = to(Status::MissedCallHandled).apply(&mut call, Some("s-1"), at(9));
        if end == EndState::Completed {
            assert_eq!(handled, Err(InvalidTransition::NotMissed));
            continue;
        }
        assert_eq!(handled, Ok(()));
        assert_eq!(shown(&call), Status::MissedCallHandled);
        assert_eq!(call.staff.handled_at, Some(at(9)));
        assert_eq!(call.staff.handled_by_staff_uid.as_deref(), Some("s-1"));
        let named = VoiceCallUpdate {
            handled_by_staff_uid: Edit::Set(Text::parse("s-2").unwrap()),
            ..to(Status::MissedCallHandled)
        };
        named.apply(&mut call, Some("s-1"), at(10)).unwrap();
        assert_eq!(call.staff.handled_by_staff_uid.as_deref(), Some("s-2"));
        assert_eq!(call.staff.handled_at, Some(at(9)), "the first time stays");
    }
    let refused =
        to(Status::MissedCallHandled).apply(&mut call(&[ReportKind::Ringing]), None, at(9));
    assert_eq!(refused, Err(InvalidTransition::NotMissed));
}

#[test]
fn what_staff_state_outlives_later_reports() {
    let mut call = call(&[ReportKind::Answered]);
    let update = VoiceCallUpdate {
        from: Some("+14155550148".parse().unwrap()),
        duration_s: Edit::Set(0),
        ..VoiceCallUpdate::default()
    };
    update.apply(&mut call, None, at(5)).unwrap();
    let facts = Facts {
        from: Some(onhook::domain::party::PartyNumber::parse("anonymous").unwrap()),
        duration_s: Some(77),
        ..Facts::default()
    };
    call.life.absorb(&Report::new(
        ReportKind::Ended(EndState::Completed),
        at(1),
        facts,
    ));
    assert_eq!(call.life.from.as_ref().unwrap().raw(), "+14155550148");
    assert_eq!(call.life.duration_s, Some(0));
}
