//! Whether the far party is a machine that takes messages: telephony says so, or the machine does.

use std::sync::LazyLock;

use super::{heard::Heard, phrases::Phrases};
use crate::domain::{
    analysis::{
        CallMetrics,
        call_metrics::AnsweredBy,
        content::{RulesMethod, Voicemail},
    },
    transcript::SpeakerRole,
};

/// A machine says what it is within so much time.
const WITHIN_MS: u32 = 30_000;
/// With a machine there is no conversation: the speaker changes so often at most.
const SWITCHES_MAX: usize = 1;

const SAID: [&str; 24] = [
    "leave a message",
    "leave your message",
    "leave me a message",
    "leave us a message",
    "after the tone",
    "after the beep",
    "at the tone",
    "at the beep",
    "is not available",
    "are not available",
    "not available to take",
    "unable to take your call",
    "can't take your call",
    "cannot take your call",
    "can't come to the phone",
    "mailbox is full",
    "mailbox full",
    "record your message",
    "forwarded to voicemail",
    "forwarded to voice mail",
    "forwarded to an automated",
    "reached the voicemail",
    "reached the voice mail",
    "voice messaging system",
];

static PHRASES: LazyLock<Phrases<()>> =
    LazyLock::new(|| Phrases::new(SAID.into_iter().map(|phrase| (phrase, ()))));

/// The words with which these phrases begin.
pub(super) fn openings() -> impl Iterator<Item = &'static str> {
    SAID.into_iter()
        .filter_map(|phrase| phrase.split(' ').next())
}

/// Makes the section.
pub fn voicemail(call: Option<&CallMetrics>, heard: &[Heard<'_>]) -> Voicemail {
    let reported = call.is_some_and(|call| call.answered_by == AnsweredBy::Machine);
    let turn = said_by_machine(heard);
    Voicemail {
        method: RulesMethod::Rules,
        detected: reported || turn.is_some(),
        turn,
    }
}

fn said_by_machine(heard: &[Heard<'_>]) -> Option<usize> {
    let speakers = heard.iter().map(|said| said.utterance.participant());
    let next = heard
        .iter()
        .skip(1)
        .map(|said| said.utterance.participant());
    if speakers
        .zip(next)
        .filter(|(one, other)| one != other)
        .count()
        > SWITCHES_MAX
    {
        return None;
    }
    heard
        .iter()
        .take_while(|said| said.utterance.begin_ms < WITHIN_MS)
        .position(|said| {
            let mut is_said = false;
            if !said.is_by(SpeakerRole::Agent) {
                PHRASES.find_opened(&said.words(), |()| is_said = true);
            }
            is_said
        })
}
