//! What was said, without personal data and in lower case, as words: what phrases are looked for in.

use std::borrow::Cow;

use super::{
    privacy::{PiiSpan, mask, of_turn},
    words::{Known, Spaces, Split, Words, known::look_up},
};
use crate::domain::transcript::{SpeakerRole, Utterance};

/// An utterance, masked.
#[derive(Debug, Clone)]
pub struct Masked<'t> {
    /// The utterance.
    pub utterance: &'t Utterance,
    /// What is said in it, personal data masked.
    pub text: Cow<'t, str>,
    /// The same in lower case, unless it is what was split.
    lowered: Option<String>,
}

/// An utterance as words.
#[derive(Debug, Clone)]
pub struct Heard<'m> {
    /// The utterance.
    pub utterance: &'m Utterance,
    /// What is said in it, personal data masked.
    pub text: &'m str,
    /// The words in lower case, without punctuation. What is masked is no word.
    pub words: &'m [Spoken<'m>],
}

/// A word: letters and digits, with an apostrophe or a hyphen between two of them.
#[derive(Debug, Clone, Copy)]
pub struct Spoken<'m> {
    /// The word.
    pub word: &'m str,
    /// Whether nothing but a space stands between it and the word before.
    pub joins: bool,
    /// What is known of it.
    pub known: &'static Known,
}

impl Heard<'_> {
    /// Whether somebody in this role says it.
    pub fn is_by(&self, role: SpeakerRole) -> bool {
        self.utterance.speaker == role
    }
}

/// Masks utterances.
pub fn masked<'t>(
    utterances: &'t [Utterance],
    split: &Split<'_>,
    spans: &[PiiSpan],
) -> Vec<Masked<'t>> {
    let said = utterances.iter().zip(split.texts());
    let masked = said.enumerate().map(|(turn, (utterance, said))| {
        let text = mask(utterance.text.as_str(), of_turn(spans, turn));
        let is_split = said.spaces == Spaces::Plain && matches!(text, Cow::Borrowed(_));
        Masked {
            utterance,
            lowered: (!is_split).then(|| text.to_lowercase()),
            text,
        }
    });
    masked.collect()
}

/// What is masked as words, which `spoken` is filled with. `split` has what was said.
pub fn heard<'s, 'm: 's>(
    masked: &'m [Masked<'_>],
    split: &'m Split<'_>,
    spoken: &'s mut Vec<Spoken<'m>>,
) -> Vec<Heard<'s>> {
    let mut ends = Vec::with_capacity(masked.len());
    for (masked, said) in masked.iter().zip(split.texts()) {
        match &masked.lowered {
            Some(lowered) => of_text(lowered, spoken),
            None => of_split(said, spoken),
        }
        ends.push(spoken.len());
    }
    let mut from = 0;
    let heard = masked.iter().zip(ends).map(|(masked, end)| {
        let words = spoken.get(from..end).unwrap_or_default();
        from = end;
        Heard {
            utterance: masked.utterance,
            text: &masked.text,
            words,
        }
    });
    heard.collect()
}

/// The words of a text in lower case.
pub fn words(lowered: &str) -> Vec<Spoken<'_>> {
    let mut words = Vec::new();
    of_text(lowered, &mut words);
    words
}

fn of_split<'m>(said: Words<'m>, spoken: &mut Vec<Spoken<'m>>) {
    // Whether the words before go on.
    let mut open = false;
    for part in said.parts {
        let words = said.in_part(part);
        let (Some(first), Some(last)) = (words.first(), words.last()) else {
            open = false;
            continue;
        };
        if first.begin > part.begin && is_masked(said.part(part)) {
            open = false;
            continue;
        }
        let joins = open && first.begin == part.begin;
        if words.len() == 1 {
            spoken.push(Spoken {
                word: said.small(first),
                joins,
                known: first.known,
            });
        } else {
            let bare = said.lowered.get(first.begin..last.end);
            of_bare(bare.unwrap_or_default(), joins, spoken);
        }
        open = last.end == part.end;
    }
}

fn of_text<'m>(lowered: &'m str, spoken: &mut Vec<Spoken<'m>>) {
    let mut open = false;
    for part in lowered.split(' ') {
        let bare = part.trim_matches(is_mark);
        if bare.is_empty() || is_masked(part) {
            open &= part.is_empty();
            continue;
        }
        of_bare(bare, open && !part.starts_with(is_mark), spoken);
        open = !part.ends_with(is_mark);
    }
}

/// Adds the words of a part without what stands around it.
fn of_bare<'m>(bare: &'m str, mut joins: bool, spoken: &mut Vec<Spoken<'m>>) {
    for word in bare.split(is_break).filter(|word| !word.is_empty()) {
        spoken.push(Spoken {
            word,
            joins,
            known: look_up(word),
        });
        joins = false;
    }
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
