//! Turns worth reading: what the customer wants, what annoyed them most, what they were promised.

use std::sync::LazyLock;

use super::{heard::Heard, key_phrases::is_greeting, phrases::Phrases, words::Traits};
use crate::domain::{
    analysis::content::{Highlight, HighlightKind, Highlights, RulesMethod},
    transcript::SpeakerRole,
};

/// So much of a turn is quoted.
pub const TEXT_CHARS_MAX: usize = 500;
/// Who wants something says so many words, and so many that are not common.
const WORDS_MIN: usize = 4;
const TELLING_WORDS_MIN: usize = 1;

const SAID: [&str; 28] = [
    "i will",
    "i'll",
    "we will",
    "we'll",
    "i have issued",
    "i've issued",
    "i have sent",
    "i've sent",
    "i have processed",
    "i've processed",
    "i have scheduled",
    "i've scheduled",
    "i have booked",
    "i've booked",
    "i have cancelled",
    "i've cancelled",
    "i have refunded",
    "i've refunded",
    "i have opened",
    "i've opened",
    "i am going to",
    "i'm going to",
    "we are going to",
    "we're going to",
    "you will receive",
    "you'll receive",
    "you will get",
    "you'll get",
];

static PROMISES: LazyLock<Phrases<()>> =
    LazyLock::new(|| Phrases::new(SAID.into_iter().map(|phrase| (phrase, ()))));

/// The words with which these phrases begin.
pub(super) fn openings() -> impl Iterator<Item = &'static str> {
    SAID.into_iter()
        .filter_map(|phrase| phrase.split(' ').next())
}

/// Makes the section. `compounds` has the sentiment of each turn, where it was made.
pub fn highlights(heard: &[Heard<'_>], compounds: Option<&[f64]>) -> Highlights {
    let highlight = |kind, turn: usize| {
        let text = quoted(&heard.get(turn)?.text);
        Some(Highlight { kind, turn, text })
    };
    let found = [
        (HighlightKind::Issue, issue(heard)),
        (
            HighlightKind::MostNegative,
            compounds.and_then(|compounds| most_negative(heard, compounds)),
        ),
        (HighlightKind::Commitment, commitment(heard)),
    ];
    let items = found
        .into_iter()
        .filter_map(|(kind, turn)| highlight(kind, turn?));
    Highlights {
        method: RulesMethod::Rules,
        items: items.collect(),
    }
}

/// A text, cut off where it is too long.
fn quoted(text: &str) -> String {
    if text.len() <= TEXT_CHARS_MAX {
        return text.to_owned();
    }
    text.chars().take(TEXT_CHARS_MAX).collect()
}

fn issue(heard: &[Heard<'_>]) -> Option<usize> {
    heard.iter().position(|said| {
        let (mut words, mut telling) = (0, 0);
        if said.is_by(SpeakerRole::Customer) {
            said.each(|word, _| {
                words += 1;
                telling += usize::from(!word.known.traits.has(Traits::COMMON));
            });
        }
        words >= WORDS_MIN && telling >= TELLING_WORDS_MIN
    })
}

fn most_negative(heard: &[Heard<'_>], compounds: &[f64]) -> Option<usize> {
    let mut worst: Option<(usize, f64)> = None;
    for (turn, (said, compound)) in heard.iter().zip(compounds).enumerate() {
        let is_worse = worst.is_none_or(|(_, least)| *compound < least);
        if said.is_by(SpeakerRole::Customer) && *compound <= -0.05 && is_worse {
            worst = Some((turn, *compound));
        }
    }
    worst.map(|(turn, _)| turn)
}

fn commitment(heard: &[Heard<'_>]) -> Option<usize> {
    heard.iter().rposition(|said| {
        let mut promises = false;
        if said.is_by(SpeakerRole::Agent) && said.may_have(Traits::OPENING) {
            PROMISES.find_opened(&said.words(), |()| promises = true);
        }
        promises && !is_greeting(said)
    })
}
