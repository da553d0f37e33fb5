//! What was said, split into words once, for every section that reads words: where each stands, what it is written with, and what
//! [`known`] has of it.
//!
//! A word is a stretch of letters and digits; an apostrophe between two letters belongs to it. A part is what stands between white
//! space: nearly always a word, with or without punctuation. Sections that see words another way (phrases take hyphens along) put
//! them together of these.

pub mod known;
mod split;

pub use known::Known;

use split::{split_any, split_ascii};

/// Texts as words.
#[derive(Debug)]
pub struct Split<'t> {
    places: Vec<Place<'t>>,
    lowered: String,
    words: Vec<Word>,
    parts: Vec<Part>,
}

/// A text, and where what was made of it begins.
#[derive(Debug)]
struct Place<'t> {
    text: &'t str,
    lowered: usize,
    words: usize,
    parts: usize,
    spaces: Spaces,
}

/// A text as words.
#[derive(Debug, Clone, Copy)]
pub struct Words<'s> {
    /// The text.
    pub text: &'s str,
    /// The text with the letters of ASCII in lower case: the same places in bytes.
    pub lowered: &'s str,
    /// Its words.
    pub words: &'s [Word],
    /// Its parts.
    pub parts: &'s [Part],
    /// What its white space is.
    pub spaces: Spaces,
}

/// A word: its place, in bytes of its text.
#[derive(Debug, Clone, Copy)]
pub struct Word {
    /// Its first byte.
    pub begin: usize,
    /// The byte after its last.
    pub end: usize,
    /// What it is written with.
    pub written: Written,
    /// What is known of it, if it is ASCII.
    pub known: &'static Known,
}

/// A part: its place, in bytes of its text.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Its first byte.
    pub begin: usize,
    /// The byte after its last.
    pub end: usize,
    /// Its first word, among those of the text.
    first: usize,
    /// The word after its last.
    until: usize,
}

/// What stands between the parts of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spaces {
    /// ASCII's space alone, and the text is ASCII, without other control characters that anybody takes for white space.
    Plain,
    /// Other white space, or the text is not ASCII.
    Any,
}

/// What a word is written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written(u8);

impl Written {
    /// A small letter of ASCII.
    pub const SMALL: Self = Self(1);
    /// A capital of ASCII.
    pub const CAPITAL: Self = Self(2);
    /// A digit of ASCII.
    pub const DIGIT: Self = Self(4);
    /// An apostrophe of ASCII.
    pub const APOSTROPHE: Self = Self(8);
    /// Anything that is not ASCII.
    pub const OTHER: Self = Self(16);

    /// By byte: what a word is written with, nothing where a word ends.
    const BYTES: [Self; 256] = bytes();

    fn of(byte: u8) -> Self {
        let known = Self::BYTES.get(usize::from(byte));
        known.copied().unwrap_or_default()
    }

    /// Whether there is such a character in it.
    pub fn has(self, what: Self) -> bool {
        self.0 & what.0 != 0
    }

    fn add(&mut self, what: Self) {
        self.0 |= what.0;
    }
}

#[expect(
    clippy::indexing_slicing,
    reason = "nothing else is const, and the compiler runs it"
)]
const fn bytes() -> [Written; 256] {
    let mut bytes = [Written(0); 256];
    let mut byte = 0;
    while byte < 128 {
        // Both cases of a letter, whose places in ASCII differ by one bit.
        if byte >= 0x61 && byte <= 0x7a {
            bytes[byte] = Written::SMALL;
            bytes[byte - 0x20] = Written::CAPITAL;
        }
        if byte >= 0x30 && byte <= 0x39 {
            bytes[byte] = Written::DIGIT;
        }
        bytes[byte + 128] = Written::OTHER;
        byte += 1;
    }
    bytes
}

impl<'t> Split<'t> {
    /// Splits texts.
    pub fn of(texts: impl Iterator<Item = &'t str> + Clone) -> Self {
        let bytes = texts.clone().map(str::len).sum();
        let mut split = Self {
            places: Vec::with_capacity(texts.size_hint().0),
            lowered: String::with_capacity(bytes),
            words: Vec::with_capacity(bytes / 4),
            parts: Vec::with_capacity(bytes / 4),
        };
        texts.clone().for_each(|text| split.lowered.push_str(text));
        split.lowered.make_ascii_lowercase();
        let mut lowered = 0;
        for text in texts {
            let until = lowered + text.len();
            let small = split.lowered.get(lowered..until).unwrap_or_default();
            let (words, parts) = (split.words.len(), split.parts.len());
            let made = (&mut split.words, &mut split.parts);
            let spaces = if text.is_ascii() {
                split_ascii(text, small, made)
            } else {
                split_any(text, small, made)
            };
            split.places.push(Place {
                text,
                lowered,
                words,
                parts,
                spaces,
            });
            lowered = until;
        }
        split
    }

    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// How many words there are in all texts.
    pub fn words(&self) -> usize {
        self.words.len()
    }

    /// A text, by its place among the texts; an empty one where there is none.
    pub fn text(&self, at: usize) -> Words<'_> {
        let Some(place) = self.places.get(at) else {
            return Words {
                text: "",
                lowered: "",
                words: &[],
                parts: &[],
                spaces: Spaces::Plain,
            };
        };
        let next = self.places.get(at + 1);
        let words = next.map_or(self.words.len(), |next| next.words);
        let parts = next.map_or(self.parts.len(), |next| next.parts);
        let lowered = place.lowered..place.lowered + place.text.len();
        Words {
            text: place.text,
            lowered: self.lowered.get(lowered).unwrap_or_default(),
            words: self.words.get(place.words..words).unwrap_or_default(),
            parts: self.parts.get(place.parts..parts).unwrap_or_default(),
            spaces: place.spaces,
        }
    }

    /// Every text.
    pub fn texts(&self) -> impl Iterator<Item = Words<'_>> + Clone {
        (0..self.places.len()).map(|at| self.text(at))
    }
}

impl<'s> Words<'s> {
    /// A word as it stands.
    pub fn shown(&self, word: &Word) -> &'s str {
        self.text.get(word.begin..word.end).unwrap_or_default()
    }

    /// A word in lower case.
    pub fn small(&self, word: &Word) -> &'s str {
        self.lowered.get(word.begin..word.end).unwrap_or_default()
    }

    /// The words in a part.
    pub fn in_part(&self, part: &Part) -> &'s [Word] {
        self.words.get(part.first..part.until).unwrap_or_default()
    }

    /// A part as it stands.
    pub fn part(&self, part: &Part) -> &'s str {
        self.text.get(part.begin..part.end).unwrap_or_default()
    }

    /// Whether a word is all of a part, but for punctuation of ASCII around it.
    pub fn is_part(&self, word: &Word, part: &Part) -> bool {
        let is_mark = |from, until| {
            let between = self.text.as_bytes().get(from..until);
            between.is_some_and(|bytes| bytes.iter().all(u8::is_ascii_punctuation))
        };
        is_mark(part.begin, word.begin) && is_mark(word.end, part.end)
    }
}

impl Part {
    /// Whether a word is all of it.
    pub fn is(&self, word: &Word) -> bool {
        self.begin == word.begin && self.end == word.end
    }
}

#[cfg(test)]
mod tests {
    use super::Split;

    #[test]
    fn words_have_their_places_and_parts_their_words() {
        let texts = [
            " I'd say: \"O'Neil\"\t- 2nd-best, 90's :) ",
            "",
            "d\u{e9}j\u{e0} vu\u{2019}s",
        ];
        let split = Split::of(texts.into_iter());
        let words = |at| {
            let text = split.text(at);
            text.words
                .iter()
                .map(|word| text.shown(word))
                .collect::<Vec<_>>()
        };
        assert_eq!(words(0), ["I'd", "say", "O'Neil", "2nd", "best", "90's"]);
        assert_eq!(words(1), [""; 0]);
        assert_eq!(words(2), ["d\u{e9}j\u{e0}", "vu\u{2019}s"]);
        let text = split.text(0);
        let parts = text.parts.iter();
        let parts: Vec<(&str, usize)> = parts
            .map(|part| (text.part(part), text.in_part(part).len()))
            .collect();
        let expected = [
            ("I'd", 1),
            ("say:", 1),
            ("\"O'Neil\"", 1),
            ("-", 0),
            ("2nd-best,", 2),
            ("90's", 1),
            (":)", 0),
        ];
        assert_eq!(parts, expected);
    }
}
