//! What was said, without personal data and in lower case, as words: what phrases are looked for in.

use std::borrow::Cow;

use super::{
    privacy::{PiiSpan, mask, of_turn},
    words::{Known, Spaces, Words, Written, known::look_up},
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
    /// What is said around it, in lower case, and its place there: of most words nobody asks how they are written.
    text: &'m str,
    begin: usize,
    end: usize,
    /// Whether nothing but a space stands between it and the word before.
    pub joins: bool,
    /// Whether there is a digit of ASCII in it.
    pub has_digit: bool,
    /// What is known of it.
    pub known: &'static Known,
}

impl<'m> Spoken<'m> {
    /// The word.
    pub fn word(&self) -> &'m str {
        self.text.get(self.begin..self.end).unwrap_or_default()
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> usize {
        self.end - self.begin
    }
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
    texts: &[Words<'_>],
    spans: &[PiiSpan],
) -> Vec<Masked<'t>> {
    let said = utterances.iter().zip(texts);
    let masked = said.enumerate().map(|(turn, (utterance, said))| {
        let text = mask(utterance.text.as_str(), of_turn(spans, turn));
        let is_split = said.seen.spaces == Spaces::Plain && matches!(text, Cow::Borrowed(_));
        Masked {
            utterance,
            lowered: (!is_split).then(|| text.to_lowercase()),
            text,
        }
    });
    masked.collect()
}

/// What is masked as words, which `spoken` is filled with. `texts` are what was said.
pub fn heard<'s, 'm: 's>(
    masked: &'m [Masked<'_>],
    texts: &'m [Words<'m>],
    spoken: &'s mut Vec<Spoken<'m>>,
) -> Vec<Heard<'s>> {
    let mut ends = Vec::with_capacity(masked.len());
    spoken.reserve(texts.iter().map(|said| said.words.len()).sum());
    for (masked, said) in masked.iter().zip(texts) {
        match &masked.lowered {
            Some(lowered) => of_text(lowered, spoken),
            None => of_split(*said, spoken),
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
                text: said.lowered,
                begin: first.begin,
                end: first.end,
                joins,
                has_digit: first.written.has(Written::DIGIT),
                known: first.known,
            });
        } else {
            of_bare(said.lowered, (first.begin, last.end), joins, spoken);
        }
        open = last.end == part.end;
    }
}

fn of_text<'m>(lowered: &'m str, spoken: &mut Vec<Spoken<'m>>) {
    let mut open = false;
    let mut begin = 0;
    for part in lowered.split(' ') {
        let from = begin;
        begin += part.len() + 1;
        let bare = part.trim_start_matches(is_mark);
        let from = from + part.len() - bare.len();
        let bare = bare.trim_end_matches(is_mark);
        if bare.is_empty() || is_masked(part) {
            open &= part.is_empty();
            continue;
        }
        let joins = open && !part.starts_with(is_mark);
        of_bare(lowered, (from, from + bare.len()), joins, spoken);
        open = !part.ends_with(is_mark);
    }
}

/// Adds the words of a part without what stands around it, by its place.
fn of_bare<'m>(
    text: &'m str,
    (mut begin, end): (usize, usize),
    mut joins: bool,
    spoken: &mut Vec<Spoken<'m>>,
) {
    for word in text.get(begin..end).unwrap_or_default().split(is_break) {
        let end = begin + word.len();
        if !word.is_empty() {
            spoken.push(Spoken {
                text,
                begin,
                end,
                joins,
                has_digit: word.bytes().any(|byte| byte.is_ascii_digit()),
                known: look_up(word),
            });
            joins = false;
        }
        let mark = text.get(end..).and_then(|rest| rest.chars().next());
        begin = end + mark.map_or(0, char::len_utf8);
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
