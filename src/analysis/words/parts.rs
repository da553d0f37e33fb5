//! What stands between white space. Nearly every part is a word and nothing else: only the others are kept.

use super::{Known, Spaces, Word, Words, Written};

/// A part of a text.
#[derive(Debug, Clone, Copy)]
pub enum Part<'s> {
    /// A word, and nothing else.
    Word(&'s Word),
    /// Anything else.
    Marked(&'s Marked),
}

/// A part that is not just a word: with punctuation, of several words, or of none. Its place, in bytes of its text.
#[derive(Debug, Clone, Copy)]
pub struct Marked {
    /// Its first byte.
    pub(super) begin: usize,
    /// The byte after its last.
    pub(super) end: usize,
    /// Its first word, among those of the text.
    pub(super) first: usize,
    /// The word after its last.
    pub(super) until: usize,
    /// What its words are written with.
    pub(super) written: Written,
    /// What is known of it without the punctuation around it, if the text is plain.
    pub(super) known: &'static Known,
}

/// The parts of a text, one after the other.
#[derive(Debug, Clone)]
pub struct Parts<'s> {
    words: &'s [Word],
    marked: &'s [Marked],
    /// The word that comes next.
    at: usize,
}

impl<'s> Words<'s> {
    /// Its parts.
    pub fn parts(&self) -> Parts<'s> {
        Parts {
            words: self.words,
            marked: self.marked,
            at: 0,
        }
    }

    /// How many parts it has.
    pub fn count_parts(&self) -> usize {
        let in_others = self.marked.iter().map(|part| part.until - part.first);
        self.words.len() - in_others.sum::<usize>() + self.marked.len()
    }

    /// The words in a part.
    #[inline]
    pub fn in_part(&self, part: Part<'s>) -> &'s [Word] {
        match part {
            Part::Word(word) => std::slice::from_ref(word),
            Part::Marked(part) => self.words.get(part.first..part.until).unwrap_or_default(),
        }
    }

    /// A part as it stands.
    pub fn part(&self, part: Part<'_>) -> &'s str {
        let (begin, end) = part.place();
        self.text.get(begin..end).unwrap_or_default()
    }

    /// A part in lower case.
    pub fn small_part(&self, part: Part<'_>) -> &'s str {
        let (begin, end) = part.place();
        self.lowered.get(begin..end).unwrap_or_default()
    }

    /// Whether the only word of a part is all of it, but for punctuation of ASCII around it.
    pub fn is_part(&self, word: &Word, part: Part<'_>) -> bool {
        if self.seen.spaces == Spaces::Plain {
            return true;
        }
        let is_mark = |from, until| {
            let between = self.text.as_bytes().get(from..until);
            between.is_some_and(|bytes| bytes.iter().all(u8::is_ascii_punctuation))
        };
        let (begin, end) = part.place();
        is_mark(begin, word.begin) && is_mark(word.end, end)
    }
}

impl Part<'_> {
    /// Its first byte, and the byte after its last.
    #[inline]
    pub fn place(self) -> (usize, usize) {
        match self {
            Self::Word(word) => (word.begin, word.end),
            Self::Marked(part) => (part.begin, part.end),
        }
    }

    /// What its words are written with.
    pub fn written(self) -> Written {
        match self {
            Self::Word(word) => word.written,
            Self::Marked(part) => part.written,
        }
    }

    /// What is known of it without the punctuation around it, if the text is plain.
    pub fn known(self) -> &'static Known {
        match self {
            Self::Word(word) => word.known,
            Self::Marked(part) => part.known,
        }
    }
}

impl<'s> Iterator for Parts<'s> {
    type Item = Part<'s>;

    /// A word that is in none of the other parts is a part itself.
    #[inline]
    fn next(&mut self) -> Option<Part<'s>> {
        match self.marked.split_first() {
            Some((part, rest)) if part.first == self.at => {
                self.marked = rest;
                self.at = part.until;
                Some(Part::Marked(part))
            }
            Some(_) | None => {
                let word = self.words.get(self.at)?;
                self.at += 1;
                Some(Part::Word(word))
            }
        }
    }
}

/// A part without the punctuation around it, if more than two characters are left: so `:)` stays.
pub fn bare(part: &str) -> &str {
    let (skipped, length) = bare_place(part);
    part.get(skipped..skipped + length).unwrap_or(part)
}

/// What stands before the bare part, and how long it is, in bytes.
pub(super) fn bare_place(part: &str) -> (usize, usize) {
    let bytes = part.as_bytes();
    let marks = |byte: &&u8| byte.is_ascii_punctuation();
    let before = bytes.iter().take_while(marks).count();
    let rest = bytes.get(before..).unwrap_or_default();
    let behind = rest.iter().rev().take_while(marks).count();
    let length = rest.len() - behind;
    let bare = rest.get(..length).unwrap_or_default();
    let is_long = length > 2 && (bare.is_ascii() || has_three_characters(bare));
    if is_long {
        (before, length)
    } else {
        (0, bytes.len())
    }
}

/// Whether UTF-8 has more than two characters.
fn has_three_characters(bytes: &[u8]) -> bool {
    let begins_one = |byte: &&u8| !matches!(byte, 0x80..0xc0);
    bytes.iter().filter(begins_one).count() > 2
}
