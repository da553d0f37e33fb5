//! What was said, without personal data and in lower case, as words: what phrases are looked for in.
//!
//! The words are put together while they are asked for: of most of them nobody wants to know more than that they are common.

use std::borrow::Cow;

use super::{
    privacy::{PiiSpan, mask},
    words::{Known, Part, Spaces, Traits, Word, Words, Written, known::look_up},
};
use crate::domain::transcript::{SpeakerRole, Utterance};

/// An utterance.
#[derive(Debug)]
pub struct Heard<'t> {
    /// The utterance.
    pub utterance: &'t Utterance,
    /// What is said in it, personal data masked.
    pub text: Cow<'t, str>,
    source: Source<'t>,
}

/// What the words are made of.
#[derive(Debug)]
enum Source<'t> {
    /// What was split: nothing is masked.
    Split(&'t Words<'t>),
    /// The masked text in lower case.
    Lowered(String),
}

/// A word: letters and digits, with an apostrophe or a hyphen between two of them. What is masked is no word.
#[derive(Debug, Clone, Copy)]
pub struct Spoken<'h> {
    /// What is said around it, in lower case: of most words nobody asks how they are written.
    text: &'h str,
    word: Word,
}

impl<'h> Spoken<'h> {
    /// The word.
    pub fn word(&self) -> &'h str {
        let Word { begin, end, .. } = self.word;
        self.text.get(begin..end).unwrap_or_default()
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> usize {
        self.word.end - self.word.begin
    }

    /// What is known of it.
    pub fn known(&self) -> &'static Known {
        self.word.known
    }
}

impl Heard<'_> {
    /// Whether somebody in this role says it.
    pub fn is_by(&self, role: SpeakerRole) -> bool {
        self.utterance.speaker == role
    }

    /// Whether a word in it may have one of these traits.
    pub fn may_have(&self, traits: Traits) -> bool {
        match &self.source {
            Source::Split(said) => said.seen.traits.has(traits),
            Source::Lowered(_) => true,
        }
    }

    /// Gives each word, and whether nothing but a space stands between it and the word before.
    #[inline]
    pub fn each(&self, found: impl FnMut(&Word, bool)) {
        match &self.source {
            Source::Split(said) => of_split(said, found),
            Source::Lowered(lowered) => of_text(lowered, found),
        }
    }

    /// A word that was given, with how it is written.
    pub fn spoken(&self, word: &Word) -> Spoken<'_> {
        Spoken {
            text: match &self.source {
                Source::Split(said) => said.lowered,
                Source::Lowered(lowered) => lowered,
            },
            word: *word,
        }
    }

    /// All words.
    pub fn words(&self) -> Vec<Spoken<'_>> {
        let few = match &self.source {
            Source::Split(said) => said.words.len(),
            Source::Lowered(_) => 0,
        };
        let mut words = Vec::with_capacity(few);
        self.each(|word, _| words.push(self.spoken(word)));
        words
    }
}

/// Masks utterances. `texts` are what was said in them, `spans` the personal data, in order of place.
pub fn heard<'t>(
    utterances: &'t [Utterance],
    texts: &'t [Words<'t>],
    mut spans: &[PiiSpan],
) -> Vec<Heard<'t>> {
    let said = utterances.iter().zip(texts);
    let heard = said.enumerate().map(|(turn, (utterance, said))| {
        let own = spans.iter().take_while(|span| span.turn == turn).count();
        let (own, rest) = spans.split_at(own);
        spans = rest;
        let text = mask(utterance.text.as_str(), own);
        let is_split = said.seen.spaces == Spaces::Plain && own.is_empty();
        Heard {
            utterance,
            source: if is_split {
                Source::Split(said)
            } else {
                Source::Lowered(text.to_lowercase())
            },
            text,
        }
    });
    heard.collect()
}

/// The words of a text in lower case.
pub fn words(lowered: &str) -> Vec<Spoken<'_>> {
    let mut words = Vec::new();
    of_text(lowered, |word, _| {
        words.push(Spoken {
            text: lowered,
            word: *word,
        });
    });
    words
}

#[inline]
fn of_split(said: &Words<'_>, mut found: impl FnMut(&Word, bool)) {
    // Whether the words before go on.
    let mut open = false;
    for part in said.parts() {
        if let Part::Word(word) = part {
            found(word, open);
            open = true;
            continue;
        }
        let words = said.in_part(part);
        let (Some(first), Some(last)) = (words.first(), words.last()) else {
            open = false;
            continue;
        };
        let (begin, end) = part.place();
        if first.begin > begin && is_masked(said.part(part)) {
            open = false;
            continue;
        }
        let joins = open && first.begin == begin;
        if words.len() == 1 {
            found(first, joins);
        } else {
            of_bare(said.lowered, (first.begin, last.end), joins, &mut found);
        }
        open = last.end == end;
    }
}

fn of_text(lowered: &str, mut found: impl FnMut(&Word, bool)) {
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
        of_bare(lowered, (from, from + bare.len()), joins, &mut found);
        open = !part.ends_with(is_mark);
    }
}

/// Gives the words of a part without what stands around it, by its place.
fn of_bare(
    text: &str,
    (mut begin, end): (usize, usize),
    mut joins: bool,
    found: &mut dyn FnMut(&Word, bool),
) {
    for shown in text.get(begin..end).unwrap_or_default().split(is_break) {
        let end = begin + shown.len();
        if !shown.is_empty() {
            let word = Word {
                begin,
                end,
                written: Written::of_text(shown),
                known: look_up(shown),
            };
            found(&word, joins);
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
