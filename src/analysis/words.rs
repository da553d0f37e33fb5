//! What was said, split into words once, for every section that reads words: where each stands, what it is written with, and what
//! [`known`] has of it.
//!
//! A word is a stretch of letters and digits; an apostrophe between two letters belongs to it. Sections that see words another way
//! (VADER splits at white space, phrases take hyphens along) put them together of these, for nearly always they are the same.

pub mod known;

pub use known::Known;

/// Texts as words.
#[derive(Debug)]
pub struct Split<'t> {
    places: Vec<Place<'t>>,
    lowered: String,
    words: Vec<Word>,
}

/// A text, and where what was made of it begins.
#[derive(Debug)]
struct Place<'t> {
    text: &'t str,
    lowered: usize,
    words: usize,
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
}

/// A word: its place, in bytes of its text.
#[derive(Debug, Clone, Copy)]
pub struct Word {
    /// Its first byte.
    pub begin: usize,
    /// The byte after its last.
    pub end: usize,
    /// Nothing but a space stands between it and the word before it, or the text begins with it.
    pub is_spaced: bool,
    /// What it is written with.
    pub written: Written,
    /// What is known of it, if it is ASCII.
    pub known: &'static Known,
}

/// What a word is written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written(u8);

/// A stretch of a text without white space.
#[derive(Debug, Clone, Copy)]
pub struct Part<'s> {
    /// Its first byte.
    pub begin: usize,
    /// The byte after its last.
    pub end: usize,
    /// The words in it.
    pub words: &'s [Word],
}

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

    fn of(byte: u8) -> Self {
        match byte {
            b'a'..=b'z' => Self::SMALL,
            b'A'..=b'Z' => Self::CAPITAL,
            b'0'..=b'9' => Self::DIGIT,
            128.. => Self::OTHER,
            _ => Self(0),
        }
    }

    /// Whether there is such a character in it.
    pub fn has(self, what: Self) -> bool {
        self.0 & what.0 != 0
    }

    fn add(&mut self, what: Self) {
        self.0 |= what.0;
    }
}

impl<'t> Split<'t> {
    /// Splits texts.
    pub fn of(texts: impl Iterator<Item = &'t str> + Clone) -> Self {
        let bytes = texts.clone().map(str::len).sum();
        let mut lowered = String::with_capacity(bytes);
        texts.clone().for_each(|text| lowered.push_str(text));
        lowered.make_ascii_lowercase();
        let mut words = Vec::with_capacity(bytes / 4);
        let mut from = 0;
        let places = texts.map(|text| {
            let place = Place {
                text,
                lowered: from,
                words: words.len(),
            };
            from += text.len();
            let small = lowered.get(place.lowered..from).unwrap_or_default();
            if text.is_ascii() {
                split_ascii(text, small, &mut words);
            } else {
                split(text, small, &mut words);
            }
            place
        });
        let places = places.collect();
        Self {
            places,
            lowered,
            words,
        }
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
            };
        };
        let until = self.places.get(at + 1);
        let until = until.map_or(self.words.len(), |next| next.words);
        let end = place.lowered + place.text.len();
        Words {
            text: place.text,
            lowered: self.lowered.get(place.lowered..end).unwrap_or_default(),
            words: self.words.get(place.words..until).unwrap_or_default(),
        }
    }

    /// Every text.
    pub fn texts(&self) -> impl Iterator<Item = Words<'_>> + Clone {
        (0..self.places.len()).map(|at| self.text(at))
    }
}

impl<'s> Words<'s> {
    /// The stretches between white space, whatever that is, in their order.
    pub fn parts(self, is_space: impl Fn(char) -> bool, mut found: impl FnMut(Part<'s>)) {
        let (mut begin, mut first, mut at) = (0, 0, 0);
        let mut part = |begin: usize, end: usize, (first, until): (usize, usize)| {
            if end > begin {
                let words = self.words.get(first..until).unwrap_or_default();
                found(Part { begin, end, words });
            }
        };
        for (index, word) in self.words.iter().enumerate() {
            if word.is_spaced {
                part(begin, at, (first, index));
                (begin, first) = (word.begin, index);
            } else {
                let gap = self.text.get(at..word.begin).unwrap_or_default();
                for (space, character) in gap.char_indices().filter(|(_, c)| is_space(*c)) {
                    part(begin, at + space, (first, index));
                    (begin, first) = (at + space + character.len_utf8(), index);
                }
            }
            at = word.end;
        }
        let all = self.words.len();
        let rest = self.text.get(at..).unwrap_or_default();
        for (space, character) in rest.char_indices().filter(|(_, c)| is_space(*c)) {
            part(begin, at + space, (first, all));
            (begin, first) = (at + space + character.len_utf8(), all);
        }
        part(begin, self.text.len(), (first, all));
    }

    /// A word as it stands.
    pub fn shown(&self, word: &Word) -> &'s str {
        self.text.get(word.begin..word.end).unwrap_or_default()
    }

    /// A word in lower case.
    pub fn small(&self, word: &Word) -> &'s str {
        self.lowered.get(word.begin..word.end).unwrap_or_default()
    }
}

impl<'s> Part<'s> {
    /// The word that it is, but for other characters before and after it.
    pub fn word(&self) -> Option<&'s Word> {
        match self.words {
            [word] => Some(word),
            _ => None,
        }
    }

    /// Whether a word is all of it.
    pub fn is(&self, word: &Word) -> bool {
        self.begin == word.begin && self.end == word.end
    }
}

fn split_ascii(text: &str, lowered: &str, words: &mut Vec<Word>) {
    let bytes = text.as_bytes();
    let class = |at: usize| bytes.get(at).map(|byte| Written::of(*byte));
    let (mut before, mut at) = (0, 0);
    loop {
        let begin = at;
        let mut written = Written::default();
        while let Some(class) = class(at) {
            if class != Written::default() {
                written.add(class);
            } else if begin < at
                && bytes.get(at) == Some(&b'\'')
                && bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic)
            {
                written.add(Written::APOSTROPHE);
            } else {
                break;
            }
            at += 1;
        }
        if begin < at {
            let is_spaced = match begin - before {
                0 => true,
                1 => bytes.get(before) == Some(&b' '),
                _ => false,
            };
            let small = lowered.get(begin..at).unwrap_or_default();
            words.push(Word {
                begin,
                end: at,
                is_spaced,
                written,
                known: known::look_up(small),
            });
            before = at;
        }
        if at >= bytes.len() {
            return;
        }
        at += 1;
    }
}

fn split(text: &str, lowered: &str, words: &mut Vec<Word>) {
    let mut at = 0;
    while let Some((skipped, length)) = text.get(at..).and_then(next) {
        let (begin, end) = (at + skipped, at + skipped + length);
        let mut written = Written::default();
        for byte in text.as_bytes().get(begin..end).unwrap_or_default() {
            written.add(match byte {
                b'\'' => Written::APOSTROPHE,
                byte => Written::of(*byte),
            });
        }
        let known = if written.has(Written::OTHER) {
            &known::UNKNOWN
        } else {
            known::look_up(lowered.get(begin..end).unwrap_or_default())
        };
        words.push(Word {
            begin,
            end,
            is_spaced: matches!(text.get(at..begin), Some("" | " ")),
            written,
            known,
        });
        at = end;
    }
}

/// The next word: how much stands before it, and how long it is.
fn next(text: &str) -> Option<(usize, usize)> {
    let skipped = text.find(char::is_alphanumeric)?;
    let word = text.get(skipped..)?;
    let mut rest = word.char_indices();
    while let Some((at, character)) = rest.next() {
        let apostrophe = matches!(character, '\'' | '\u{2019}');
        let goes_on = character.is_alphanumeric()
            || (apostrophe && rest.as_str().starts_with(char::is_alphabetic));
        if !goes_on {
            return Some((skipped, at));
        }
    }
    Some((skipped, word.len()))
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
        let mut parts = Vec::new();
        let text = split.text(0);
        text.parts(char::is_whitespace, |part| {
            parts.push((
                text.text.get(part.begin..part.end).unwrap(),
                part.words.len(),
            ));
        });
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
