//! The state machine under every order of arrival: pure, so every permutation can be tried.

use chrono::{DateTime, TimeDelta, Utc};
use onhook::domain::{
    lifecycle::{End, Lifecycle, Transition},
    party::PartyNumber,
    report::{Facts, Report, ReportKind},
    state::{CallState, Direction, EndSource, EndState},
    text::Text,
};
use proptest::prelude::*;

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn report(kind: ReportKind, second: i64, facts: Facts) -> Report {
    Report::new(kind, noon() + TimeDelta::seconds(second), facts)
}

fn absorbed(reports: &[Report]) -> Lifecycle {
    let mut life = Lifecycle::default();
    for report in reports {
        life.absorb(report);
    }
    life
}

/// Every order of the reports (Heap's algorithm).
fn permutations(reports: &[Report]) -> Vec<Vec<Report>> {
    fn heap(items: &mut [Report], count: usize, out: &mut Vec<Vec<Report>>) {
        if count <= 1 {
            return out.push(items.to_vec());
        }
        for index in 0..count {
            heap(items, count - 1, out);
            let swapped = if count.is_multiple_of(2) { index } else { 0 };
            items.swap(swapped, count - 1);
        }
    }
    let mut out = Vec::new();
    heap(&mut reports.to_vec(), reports.len(), &mut out);
    out
}

fn ends() -> impl Strategy<Value = EndState> {
    use EndState::{Busy, Canceled, Completed, Failed, NoAnswer, Voicemail};
    prop::sample::select(vec![Completed, Busy, NoAnswer, Canceled, Failed, Voicemail])
}

fn kinds() -> impl Strategy<Value = ReportKind> {
    prop_oneof![
        Just(ReportKind::Queued),
        Just(ReportKind::Ringing),
        Just(ReportKind::Answered),
        Just(ReportKind::Recording),
        ends().prop_map(ReportKind::Ended),
        ends().prop_map(ReportKind::HungUp),
    ]
}

fn is_end(kind: ReportKind) -> bool {
    matches!(kind, ReportKind::Ended(_) | ReportKind::HungUp(_))
}

fn facts() -> impl Strategy<Value = Facts> {
    let direction = prop::option::of(prop::sample::select(vec![
        Direction::Inbound,
        Direction::Outbound,
    ]));
    let number = || {
        prop::option::of(prop::sample::select(vec![
            "+14155550148",
            "+1234567890",
            "anonymous",
        ]))
    };
    let text = || prop::option::of(prop::sample::select(vec!["a", "b", "string"]));
    (
        direction,
        number(),
        number(),
        prop::option::of(0..30_i32),
        text(),
        text(),
    )
        .prop_map(
            |(direction, from, to, duration_s, recording, reason)| Facts {
                direction,
                from: from.map(|from| PartyNumber::parse(from).unwrap()),
                to: to.map(|to| PartyNumber::parse(to).unwrap()),
                email: None,
                duration_s,
                recording_url: recording.map(|url| Text::parse(url).unwrap()),
                disconnect_reason: reason.map(|reason| Text::parse(reason).unwrap()),
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn equal_time_reports_make_the_same_record_in_every_order(
        told in prop::collection::vec((kinds(), facts()), 1..=4),
        repeated in 0_usize..4,
    ) {
        let mut reports: Vec<Report> = told.into_iter().map(|(kind, facts)| report(kind, 0, facts)).collect();
        reports.push(reports[repeated % reports.len()].clone());
        let first = absorbed(&reports);
        for order in permutations(&reports) {
            prop_assert_eq!(&absorbed(&order), &first);
        }
    }

    #[test]
    fn reports_with_one_end_make_the_same_record_in_every_order(
        before in prop::collection::vec((kinds(), 0_i64..5, facts()), 0..=3),
        (end, how) in (facts(), prop_oneof![ends().prop_map(ReportKind::Ended), ends().prop_map(ReportKind::HungUp)]),
    ) {
        let mut reports: Vec<Report> = before
            .into_iter()
            .filter(|(kind, ..)| !is_end(*kind))
            .map(|(kind, second, facts)| report(kind, second, facts))
            .collect();
        reports.push(report(how, 9, end));
        reports.push(reports[0].clone());
        let first = absorbed(&reports);
        for order in permutations(&reports) {
            prop_assert_eq!(&absorbed(&order), &first);
        }
    }

    #[test]
    fn an_end_that_says_how_outweighs_a_hang_up_in_every_order(
        before in prop::collection::vec((kinds(), 0_i64..5, facts()), 0..=2),
        (end, second) in (ends(), 5_i64..15),
        (unanswered, facts) in (ends(), facts()),
    ) {
        let mut reports: Vec<Report> = before
            .into_iter()
            .filter(|(kind, ..)| !is_end(*kind))
            .map(|(kind, second, facts)| report(kind, second, facts))
            .collect();
        reports.push(report(ReportKind::HungUp(unanswered), 9, facts));
        reports.push(report(ReportKind::Ended(end), second, Facts::default()));
        let first = absorbed(&reports);
        prop_assert_eq!(first.end.unwrap().state, end);
        for order in permutations(&reports) {
            prop_assert_eq!(&absorbed(&order), &first);
        }
    }

    #[test]
    fn the_state_only_rises_and_the_first_end_stays(
        told in prop::collection::vec((kinds(), 0_i64..9, facts()), 1..12),
    ) {
        let mut life = Lifecycle::default();
        let (mut ended, mut said) = (None, None);
        for (second, (kind, at, facts)) in told.into_iter().enumerate() {
            // Strictly later ends, as they come when time passes between them.
            let at = if is_end(kind) { 100 + i64::try_from(second).unwrap() } else { at };
            let before = life.clone();
            let told = report(kind, at, facts);
            life.absorb(&told);
            prop_assert!(life.state().is_terminal() || life.state() >= before.state());
            // A hang-up does not say how the call ended; what does, stays.
            said = said.or(matches!(kind, ReportKind::Ended(_)).then_some(life.end).flatten());
            ended = said.or(ended).or(life.end);
            prop_assert_eq!(life.end.map(|end| end.at), ended.map(|end| end.at));
            prop_assert!(said.is_none() || life.end == said);
            let unanswered = before.end.is_some_and(|end| end.state != EndState::Completed);
            if before.end != life.end && said.is_none() && unanswered {
                prop_assert_eq!(life.state(), CallState::Completed);
            }
            prop_assert_eq!(Transition::between(Some(&before), &life).ended, before.end.is_none() && life.end.is_some());
            let mut again = life.clone();
            again.absorb(&told);
            prop_assert_eq!(&again, &life, "a repetition changed something");
        }
    }
}

/// What becomes known of a call: by reports, by asking its provider, or by nobody.
#[derive(Debug, Clone)]
enum Known {
    Reported(Report),
    Asked(Report),
    Lost(End),
}

fn learned(known: &[Known]) -> Lifecycle {
    let mut life = Lifecycle::default();
    for one in known {
        match one {
            Known::Reported(report) => life.absorb(report),
            Known::Asked(report) => life.reconcile(report),
            Known::Lost(end) => life.give_up(*end),
        }
    }
    life
}

fn every_order<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    if items.len() <= 1 {
        return vec![items.to_vec()];
    }
    let mut orders = Vec::new();
    for first in 0..items.len() {
        let mut rest = items.to_vec();
        let chosen = rest.remove(first);
        for mut order in every_order(&rest) {
            order.insert(0, chosen.clone());
            orders.push(order);
        }
    }
    orders
}

fn lost(second: i64, state: EndState) -> Known {
    Known::Lost(End {
        state,
        at: noon() + TimeDelta::seconds(second),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_guess_leaves_no_trace_beside_an_end_that_somebody_tells(
        before in prop::collection::vec((kinds(), 0_i64..5, facts()), 0..=2),
        end in facts(),
        unsaid: bool,
        guessed in 0_i64..20,
        completed: bool,
    ) {
        let mut told: Vec<Known> = before
            .into_iter()
            .filter(|(kind, ..)| !matches!(kind, ReportKind::Ended(_) | ReportKind::HungUp(_)))
            .map(|(kind, second, facts)| Known::Reported(report(kind, second, facts)))
            .collect();
        let kind = if unsaid { ReportKind::HungUp(EndState::Canceled) } else { ReportKind::Ended(EndState::Completed) };
        told.push(Known::Reported(report(kind, 9, end)));
        let truth = learned(&told);
        told.push(lost(guessed, if completed { EndState::Completed } else { EndState::Failed }));
        for order in every_order(&told) {
            let life = learned(&order);
            prop_assert_eq!(life.end_source(), None);
            prop_assert_eq!(&life, &truth, "{:?}", order);
        }
    }

    #[test]
    fn what_a_provider_tells_when_asked_is_as_good_as_what_it_reports(
        before in prop::collection::vec((kinds(), 0_i64..5, facts()), 0..=3),
        end in facts(),
    ) {
        let mut told: Vec<Known> = before
            .into_iter()
            .filter(|(kind, ..)| !matches!(kind, ReportKind::Ended(_) | ReportKind::HungUp(_)))
            .map(|(kind, second, facts)| Known::Reported(report(kind, second, facts)))
            .collect();
        let over = report(ReportKind::Ended(EndState::Completed), 9, end);
        let ended = learned(&[told.clone(), vec![Known::Reported(over.clone())]].concat());
        // The same, asked for, with the report of it coming before or after.
        told.push(Known::Asked(over.clone()));
        for order in every_order(&told) {
            let mut life = learned(&order);
            prop_assert_eq!(life.end_source(), Some(EndSource::Reconciled));
            life.absorb(&over);
            prop_assert_eq!((life.end, life.state(), life.talk_s()), (ended.end, ended.state(), ended.talk_s()));
            prop_assert_eq!(&life.disconnect_reason, &ended.disconnect_reason);
            prop_assert_eq!(&life.recording_url, &ended.recording_url);
        }
    }

    #[test]
    fn a_lost_call_is_never_opened_and_is_told_of_as_an_amendment_when_its_end_is_heard_of(
        told in prop::collection::vec((kinds(), 0_i64..9, facts()), 1..6),
    ) {
        let mut life = learned(&[lost(3, EndState::Failed)]);
        prop_assert_eq!(life.state(), CallState::Failed);
        for (kind, at, facts) in told {
            let before = life.clone();
            life.absorb(&report(kind, at, facts));
            prop_assert!(life.state().is_terminal());
            let transition = Transition::between(Some(&before), &life);
            prop_assert!(!transition.ended && !transition.started && !transition.answered);
            prop_assert_eq!(transition.amended, before != life);
        }
    }
}

#[test]
fn an_end_is_told_once_and_what_comes_later_is_an_amendment() {
    let ended = absorbed(&[report(
        ReportKind::Ended(EndState::Completed),
        0,
        Facts::default(),
    )]);
    let transition = Transition::between(None, &ended);
    assert_eq!(
        transition,
        Transition {
            created: true,
            ended: true,
            ..Transition::default()
        }
    );

    let mut amended = ended.clone();
    amended.absorb(&report(
        ReportKind::Recording,
        5,
        Facts {
            duration_s: Some(7),
            ..Facts::default()
        },
    ));
    let transition = Transition::between(Some(&ended), &amended);
    assert_eq!(
        transition,
        Transition {
            amended: true,
            ..Transition::default()
        }
    );
    assert_eq!(amended.state(), CallState::Completed);
}

#[test]
fn a_hang_up_completes_a_call_that_was_answered_whichever_is_told_first() {
    let at = |kind, second| report(kind, second, Facts::default());
    let hung_up = || at(ReportKind::HungUp(EndState::NoAnswer), 30);
    let unanswered = absorbed(&[at(ReportKind::Ringing, 0), hung_up()]);
    assert_eq!(unanswered.state(), CallState::NoAnswer);
    let answer = at(ReportKind::Answered, 12);
    assert!(!unanswered.is_late(&answer));
    let answered = absorbed(&[at(ReportKind::Ringing, 0), hung_up(), answer.clone()]);
    assert_eq!(answered.state(), CallState::Completed);
    assert!(answered.is_late(&answer));
    assert_eq!(answered.talk_s(), Some(18));
    assert!(Transition::between(Some(&unanswered), &answered).amended);

    let busy = at(ReportKind::Ended(EndState::Busy), 31);
    assert!(!unanswered.is_late(&busy));
    let busy = absorbed(&[hung_up(), busy, hung_up(), answer.clone()]);
    assert_eq!(busy.state(), CallState::Busy);
    assert!(busy.is_late(&answer));
}

#[test]
fn ring_time_is_never_talk_time() {
    let life = absorbed(&[
        report(ReportKind::Ringing, 0, Facts::default()),
        report(ReportKind::Answered, 12, Facts::default()),
        report(ReportKind::Ended(EndState::Completed), 72, Facts::default()),
    ]);
    assert_eq!(
        (life.ring_s(), life.talk_s(), life.total_s()),
        (Some(12), Some(60), Some(72))
    );

    let unanswered = absorbed(&[
        report(ReportKind::Ringing, 0, Facts::default()),
        report(ReportKind::Ended(EndState::NoAnswer), 30, Facts::default()),
    ]);
    assert_eq!(
        (
            unanswered.ring_s(),
            unanswered.talk_s(),
            unanswered.total_s()
        ),
        (Some(30), Some(0), Some(30))
    );
}
