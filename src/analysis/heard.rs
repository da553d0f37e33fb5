//! What was said, without personal data and in lower case, as words: what phrases are looked for in.

use std::borrow::Cow;

use super::privacy::{PiiSpan, mask, of_turn};
use crate::domain::transcript::{SpeakerRole, Utterance};

/// An utterance, masked.
#[derive(Debug, Clone)]
pub struct Masked<'t> {
    /// The utterance.
    pub utterance: &'t Utterance,
    /// What is said in it, personal data masked.
    pub text: Cow<'t, str>,
    /// The same in lower case.
    pub lowered: String,
}

/// An utterance as words.
#[derive(Debug, Clone)]
pub struct Heard<'m> {
    /// The utterance.
    pub utterance: &'m Utterance,
    /// What is said in it, personal data masked.
    pub text: &'m str,
    /// The words in lower case, without punctuation. What is masked is no word.
    pub words: Vec<Spoken<'m>>,
}

/// A word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spoken<'m> {
    /// The word.
    pub word: &'m str,
    /// Whether nothing but a space stands between it and the word before.
    pub joins: bool,
}

impl Heard<'_> {
    /// Whether somebody in this role says it.
    pub fn is_by(&self, role: SpeakerRole) -> bool {
        self.utterance.speaker == role
    }
}

/// Masks utterances.
pub fn masked<'t>(utterances: &'t [Utterance], spans: &[PiiSpan]) -> Vec<Masked<'t>> {
    let masked = utterances.iter().enumerate().map(|(turn, utterance)| {
        let text = mask(utterance.text.as_str(), of_turn(spans, turn));
        let lowered = if text.is_ascii() {
            text.to_ascii_lowercase()
        } else {
            text.to_lowercase()
        };
        Masked {
            utterance,
            text,
            lowered,
        }
    });
    masked.collect()
}

/// Splits what is masked into words.
pub fn heard<'m>(masked: &'m [Masked<'_>]) -> Vec<Heard<'m>> {
    let heard = masked.iter().map(|masked| Heard {
        utterance: masked.utterance,
        text: &masked.text,
        words: words(&masked.lowered),
    });
    heard.collect()
}

/// The words of a text in lower case: letters and digits, with an apostrophe or a hyphen between two of them.
pub fn words(lowered: &str) -> Vec<Spoken<'_>> {
    let mut words = Vec::with_capacity(lowered.len() / 5 + 1);
    let mut open = false;
    for part in lowered.split(' ') {
        let bare = part.trim_matches(is_mark);
        if bare.is_empty() || is_masked(part) {
            open &= part.is_empty();
            continue;
        }
        let mut joins = open && !part.starts_with(is_mark);
        if bare
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'\'' | b'-'))
        {
            words.push(Spoken { word: bare, joins });
        } else {
            for word in bare.split(is_break).filter(|word| !word.is_empty()) {
                words.push(Spoken { word, joins });
                joins = false;
            }
        }
        open = !part.ends_with(is_mark);
    }
    words
}

fn is_break(character: char) -> bool {
    is_mark(character) && !matches!(character, '\'' | '-' | '\u{2019}')
}

fn is_masked(part: &str) -> bool {
    part.starts_with('[') && part.contains(']')
}

fn is_mark(character: char) -> bool {
    !character.is_alphanumeric()
}
