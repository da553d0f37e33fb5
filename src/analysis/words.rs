//! What was said, split into words once, for every section that reads words: where each stands, what it is written with, and what
//! [`known`] has of it.
//!
//! A word is a stretch of letters and digits; an apostrophe between two letters belongs to it. A part is what stands between white
//! space: nearly always a word, with or without punctuation. Sections that see words another way (phrases take hyphens along) put
//! them together of these.

pub mod known;
mod short;
mod split;
mod traits;

pub use known::Known;
pub use traits::Traits;

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
    /// Its parts.
    pub parts: &'s [Part],
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
    /// What its words are written with.
    pub written: Written,
    /// What is known of it without the punctuation around it, if the text is plain.
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

    fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn only_if(self, holds: bool) -> Self {
        Self(self.0 * u8::from(holds))
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

/// Texts, one after the other with a space between them, and so many at the end that a word can be read with what stands
/// behind it.
#[derive(Debug)]
struct Joined {
    text: String,
    /// The same with the letters of ASCII in lower case.
    lowered: String,
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
        Self {
            lowered: text.to_ascii_lowercase(),
            text,
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
            parts: Vec::with_capacity(bytes / 4),
        };
        for text in texts {
            let (words, parts) = (split.words.len(), split.parts.len());
            let made = (&mut split.words, &mut split.parts);
            let seen = if text.is_ascii() {
                split_ascii(text, &joined, made)
            } else {
                split_any(text, &joined, made)
            };
            split.places.push(Place {
                text,
                lowered: joined.from,
                words,
                parts,
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
        let ends = ends.map(|next| (next.words, next.parts));
        let ends = ends.chain([(self.words.len(), self.parts.len())]);
        self.places.iter().zip(ends).map(|(place, (words, parts))| {
            let lowered = place.lowered..place.lowered + place.text.len();
            Words {
                text: place.text,
                lowered: self.lowered.get(lowered).unwrap_or_default(),
                words: self.words.get(place.words..words).unwrap_or_default(),
                parts: self.parts.get(place.parts..parts).unwrap_or_default(),
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

    /// The words in a part.
    pub fn in_part(&self, part: &Part) -> &'s [Word] {
        self.words.get(part.first..part.until).unwrap_or_default()
    }

    /// A part as it stands.
    pub fn part(&self, part: &Part) -> &'s str {
        self.text.get(part.begin..part.end).unwrap_or_default()
    }

    /// A part in lower case.
    pub fn small_part(&self, part: &Part) -> &'s str {
        self.lowered.get(part.begin..part.end).unwrap_or_default()
    }

    /// Whether the only word of a part is all of it, but for punctuation of ASCII around it.
    pub fn is_part(&self, word: &Word, part: &Part) -> bool {
        if self.seen.spaces == Spaces::Plain {
            return true;
        }
        let is_mark = |from, until| {
            let between = self.text.as_bytes().get(from..until);
            between.is_some_and(|bytes| bytes.iter().all(u8::is_ascii_punctuation))
        };
        is_mark(part.begin, word.begin) && is_mark(word.end, part.end)
    }
}

impl Word {
    /// What a text has that has this word, which begins with this byte.
    fn traits(&self, first: u8) -> Traits {
        let mut traits = self.known.traits;
        let is_letter = self.end - self.begin == 1;
        if self.written == Written::SMALL && !is_letter {
            return traits;
        }
        if self.written == Written::DIGIT {
            traits.add(Traits::NUMBER);
        } else if self.written.has(Written::DIGIT) {
            traits.add(Traits::MIXED);
        } else {
            traits.add(Traits::SPELLED.only_if(is_letter));
        }
        let has_apostrophe = self.written.has(Written::APOSTROPHE_OR_OTHER);
        traits.add(Traits::APOSTROPHE.only_if(has_apostrophe));
        traits.and(Traits::UPPER.only_if(first.is_ascii_uppercase()))
    }
}

impl Part {
    /// Whether a word is all of it.
    pub fn is(&self, word: &Word) -> bool {
        self.begin == word.begin && self.end == word.end
    }
}

/// A part without the punctuation around it, if more than two characters are left: so `:)` stays.
pub fn bare(part: &str) -> &str {
    let is_mark = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_punctuation);
    let bytes = part.as_bytes();
    if bytes.len() > 2 && !is_mark(bytes.first()) && !is_mark(bytes.last()) {
        return part;
    }
    let bare = part.trim_matches(|character: char| character.is_ascii_punctuation());
    if bare.len() <= 2 || (!bare.is_ascii() && bare.chars().count() <= 2) {
        part
    } else {
        bare
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
