//! What was said, split into words once, for every section that reads words: where each stands, what it is written with, and what
//! [`known`] has of it.
//!
//! A word is a stretch of letters and digits; an apostrophe between two letters belongs to it. A part is what stands between white
//! space: nearly always a word, with or without punctuation. Sections that see words another way (phrases take hyphens along) put
//! them together of these.

pub mod known;
mod parts;
mod short;
mod split;
mod traits;

pub use known::Known;
pub use parts::{Marked, Part, Parts, bare};
pub use traits::Traits;

use split::{split_any, split_ascii};

/// Texts as words.
#[derive(Debug)]
pub struct Split<'t> {
    places: Vec<Place<'t>>,
    lowered: String,
    words: Vec<Word>,
    marked: Vec<Marked>,
}

/// A text, and where what was made of it begins.
#[derive(Debug)]
struct Place<'t> {
    text: &'t str,
    lowered: usize,
    words: usize,
    marked: usize,
    seen: Seen,
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
    /// Those of its parts that are not just a word.
    marked: &'s [Marked],
    /// What else was seen.
    pub seen: Seen,
}

/// What is seen of a text while it is split.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    /// What its white space is.
    pub spaces: Spaces,
    /// What its words have.
    pub traits: Traits,
    /// How many question marks it has.
    pub questions: usize,
    /// How many exclamation marks.
    pub exclamations: usize,
    /// The byte after the last mark that closes a sentence; 0 if there is none.
    pub closed: usize,
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

/// What stands between the parts of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spaces {
    /// ASCII's space alone, and the text is ASCII, without other control characters that anybody takes for white space.
    #[default]
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
    /// Either.
    pub const APOSTROPHE_OR_OTHER: Self = Self(8 | 16);
    /// There are so many different ones.
    const KINDS: u8 = 32;

    /// What a byte is; nothing where a word of ASCII ends.
    fn of(byte: u8) -> Self {
        let small = Self::SMALL.only_if(byte.is_ascii_lowercase());
        let capital = Self::CAPITAL.only_if(byte.is_ascii_uppercase());
        let digit = Self::DIGIT.only_if(byte.is_ascii_digit());
        let other = Self::OTHER.only_if(!byte.is_ascii());
        small.and(capital).and(digit).and(other)
    }

    /// What a text is.
    pub fn of_text(text: &str) -> Self {
        text.bytes()
            .fold(Self::default(), |all, byte| all.and(Self::of(byte)))
    }

    /// Whether there is such a character in it.
    pub fn has(self, what: Self) -> bool {
        self.0 & what.0 != 0
    }

    fn add(&mut self, what: Self) {
        self.0 |= what.0;
    }

    fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn only_if(self, holds: bool) -> Self {
        Self(self.0 * u8::from(holds))
    }
}

/// Texts in lower case, one after the other with a space between them, and so many at the end that a word can be read with what
/// stands behind it.
#[derive(Debug)]
struct Joined {
    lowered: String,
    /// What each byte was [`short::written`] with.
    written: Vec<u8>,
    /// Where the text begins that is split.
    from: usize,
}

impl Joined {
    fn of<'t>(texts: impl Iterator<Item = &'t str>, bytes: usize) -> Self {
        let mut text = String::with_capacity(bytes + short::BYTES);
        for one in texts {
            text.push_str(one);
            text.push(' ');
        }
        text.extend(std::iter::repeat_n(' ', short::BYTES));
        let written = text.bytes().map(short::written).collect();
        text.make_ascii_lowercase();
        Self {
            lowered: text,
            written,
            from: 0,
        }
    }
}

impl<'t> Split<'t> {
    /// Splits texts.
    pub fn of(texts: impl Iterator<Item = &'t str> + Clone) -> Self {
        let bytes = texts.clone().map(|text| text.len() + 1).sum();
        let mut joined = Joined::of(texts.clone(), bytes);
        let mut split = Self {
            places: Vec::with_capacity(texts.size_hint().0),
            lowered: String::new(),
            words: Vec::with_capacity(bytes / 4),
            marked: Vec::with_capacity(bytes / 16),
        };
        for text in texts {
            let (words, marked) = (split.words.len(), split.marked.len());
            let made = (&mut split.words, &mut split.marked);
            let seen = if text.is_ascii() {
                split_ascii(text, &joined, made)
            } else {
                split_any(text, &joined, made)
            };
            split.places.push(Place {
                text,
                lowered: joined.from,
                words,
                marked,
                seen,
            });
            joined.from += text.len() + 1;
        }
        split.lowered = joined.lowered;
        split
    }

    /// Every text.
    pub fn texts(&self) -> impl Iterator<Item = Words<'_>> + Clone {
        let ends = self.places.iter().skip(1);
        let ends = ends.map(|next| (next.words, next.marked));
        let ends = ends.chain([(self.words.len(), self.marked.len())]);
        self.places
            .iter()
            .zip(ends)
            .map(|(place, (words, marked))| {
                let lowered = place.lowered..place.lowered + place.text.len();
                Words {
                    text: place.text,
                    lowered: self.lowered.get(lowered).unwrap_or_default(),
                    words: self.words.get(place.words..words).unwrap_or_default(),
                    marked: self.marked.get(place.marked..marked).unwrap_or_default(),
                    seen: place.seen,
                }
            })
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
}

#[cfg(test)]
mod tests {
    use super::{Split, Words};

    #[test]
    fn words_have_their_places_and_parts_their_words() {
        let texts = [
            " I'd say: \"O'Neil\"\t- 2nd-best, 90's :) ",
            "",
            "d\u{e9}j\u{e0} vu\u{2019}s",
        ];
        let split = Split::of(texts.into_iter());
        let said: Vec<Words<'_>> = split.texts().collect();
        let words = |at: usize| {
            let text = said[at];
            text.words
                .iter()
                .map(|word| text.shown(word))
                .collect::<Vec<_>>()
        };
        assert_eq!(words(0), ["I'd", "say", "O'Neil", "2nd", "best", "90's"]);
        assert_eq!(words(1), [""; 0]);
        assert_eq!(words(2), ["d\u{e9}j\u{e0}", "vu\u{2019}s"]);
        let text = said[0];
        let parts = text.parts();
        let parts = parts.map(|part| (text.part(part), text.in_part(part).len()));
        let parts: Vec<(&str, usize)> = parts.collect();
        assert_eq!(text.count_parts(), parts.len());
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
