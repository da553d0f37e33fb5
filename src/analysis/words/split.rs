//! Splits a text: byte by byte where it is ASCII, else character by character.

use super::{Joined, Part, Seen, Spaces, Traits, Word, Written, bare, known, short::Found};

/// What is made: words, and parts.
type Made<'m> = (&'m mut Vec<Word>, &'m mut Vec<Part>);

/// A part to which more may belong: its first byte, and its first word among those of the text.
#[derive(Clone, Copy)]
struct Open {
    begin: usize,
    first: usize,
}

/// Adds the words and parts of a text that is ASCII.
pub(super) fn split_ascii(text: &str, joined: &Joined, (words, parts): Made<'_>) -> Seen {
    let reader = Reader::new(joined);
    let of_text = words.len();
    let mut seen = Seen::default();
    let mut open = Open { begin: 0, first: 0 };
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        if Written::of(*byte) != Written::default() {
            let word = reader.word(at);
            at = word.end;
            seen.traits.add(word.traits(*byte));
            words.push(word);
            continue;
        }
        match byte {
            // White space as `char` has it.
            b' ' | b'\t'..=b'\r' => {
                if *byte != b' ' {
                    seen.spaces = Spaces::Any;
                }
                if open.begin < at {
                    let of_text = words.get(of_text..).unwrap_or_default();
                    parts.push(reader.part(open, at, of_text, &mut seen.traits));
                }
                open = Open {
                    begin: at + 1,
                    first: words.len() - of_text,
                };
            }
            byte => seen.add_mark(*byte, at),
        }
        at += 1;
    }
    if open.begin < at {
        let of_text = words.get(of_text..).unwrap_or_default();
        parts.push(reader.part(open, at, of_text, &mut seen.traits));
    }
    seen
}

impl Seen {
    /// Sees a character of ASCII, by its place, that is neither in a word nor white space.
    fn add_mark(&mut self, mark: u8, at: usize) {
        match mark {
            b'.' => self.closed = at + 1,
            b'!' => {
                self.closed = at + 1;
                self.exclamations += 1;
            }
            b'?' => {
                self.closed = at + 1;
                self.questions += 1;
            }
            b'@' => self.traits.add(Traits::AT),
            mark if mark.is_ascii_control() => self.spaces = Spaces::Any,
            _ => {}
        }
    }
}

/// Reads the words of a text that is ASCII; behind it stands a space.
struct Reader<'j> {
    text: &'j [u8],
    lowered: &'j str,
    table: &'static known::Table,
}

impl<'j> Reader<'j> {
    fn new(joined: &'j Joined) -> Self {
        Self {
            text: joined
                .text
                .as_bytes()
                .get(joined.from..)
                .unwrap_or_default(),
            lowered: joined.lowered.get(joined.from..).unwrap_or_default(),
            table: known::table(),
        }
    }

    /// The word that begins at a byte.
    #[inline]
    fn word(&self, begin: usize) -> Word {
        let text = self.text.get(begin..).and_then(<[u8]>::first_chunk);
        let lowered = self.lowered.as_bytes().get(begin..);
        let lowered = lowered.and_then(<[u8]>::first_chunk);
        let found = text.zip(lowered);
        match found.and_then(|(text, lowered)| Found::first(text, lowered)) {
            Some(found) if !found.has_apostrophe => Word {
                begin,
                end: begin + found.length,
                written: found.written,
                known: self.table.short(found.word),
            },
            Some(_) | None => self.any_word(begin),
        }
    }

    /// The part that ends here, with the words of the text so far; what is known of it, the text has, too.
    #[inline]
    fn part(&self, open: Open, end: usize, words: &[Word], traits: &mut Traits) -> Part {
        let Open { begin, first } = open;
        let made = |written, known| Part {
            begin,
            end,
            first,
            until: words.len(),
            written,
            known,
        };
        let of_part = words.get(first..).unwrap_or_default();
        match of_part {
            [word] if word.end - word.begin > 2 || word.end - word.begin == end - begin => {
                made(word.written, word.known)
            }
            of_part => {
                let written = of_part.iter().map(|word| word.written);
                let written = written.fold(Written::default(), Written::and);
                let small = self.lowered.get(begin..end).unwrap_or_default();
                let known = known::look_up(bare(small));
                traits.add(known.traits);
                made(written, known)
            }
        }
    }

    /// The word that begins at a byte, byte by byte: it may be long, or go on behind an apostrophe.
    fn any_word(&self, begin: usize) -> Word {
        let rest = self.text.get(begin..).unwrap_or_default();
        let mut written = Written::default();
        let mut length = 0;
        while let Some(byte) = rest.get(length) {
            let of = Written::of(*byte);
            if of != Written::default() {
                written.add(of);
            } else if *byte == b'\'' && rest.get(length + 1).is_some_and(u8::is_ascii_alphabetic) {
                written.add(Written::APOSTROPHE);
            } else {
                break;
            }
            length += 1;
        }
        let end = begin + length;
        let small = self.lowered.get(begin..end).unwrap_or_default();
        Word {
            begin,
            end,
            written,
            known: known::look_up(small),
        }
    }
}

/// Adds the words and parts of any text.
pub(super) fn split_any(text: &str, joined: &Joined, (words, parts): Made<'_>) -> Seen {
    let mut seen = Seen::default();
    let of_text = words.len();
    let mut at = 0;
    while let Some((skipped, length)) = text.get(at..).and_then(next) {
        let (begin, end) = (at + skipped, at + skipped + length);
        let letters = text.as_bytes().get(begin..end).unwrap_or_default();
        let mut written = Written::default();
        for byte in letters {
            written.add(match byte {
                b'\'' => Written::APOSTROPHE,
                byte => Written::of(*byte),
            });
        }
        let known = if written.has(Written::OTHER) {
            &known::UNKNOWN
        } else {
            let small = joined.lowered.get(joined.from + begin..joined.from + end);
            known::look_up(small.unwrap_or_default())
        };
        let word = Word {
            begin,
            end,
            written,
            known,
        };
        let first = letters.first().copied().unwrap_or_default();
        seen.traits.add(word.traits(first));
        words.push(word);
        at = end;
    }
    let of_text = words.get(of_text..).unwrap_or_default();
    let mut open = Open { begin: 0, first: 0 };
    for part in text.split(char::is_whitespace) {
        let end = open.begin + part.len();
        let until = of_text.partition_point(|word| word.begin < end);
        if !part.is_empty() {
            let own = of_text.get(open.first..until).unwrap_or_default().iter();
            parts.push(Part {
                begin: open.begin,
                end,
                first: open.first,
                until,
                written: own.fold(Written::default(), |all, word| all.and(word.written)),
                known: &known::UNKNOWN,
            });
        }
        let space = text.get(end..).and_then(|rest| rest.chars().next());
        open = Open {
            begin: end + space.map_or(0, char::len_utf8),
            first: until,
        };
    }
    for (at, byte) in text.bytes().enumerate() {
        seen.add_mark(byte, at);
    }
    seen.spaces = Spaces::Any;
    seen
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
