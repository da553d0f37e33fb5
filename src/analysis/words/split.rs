//! Splits a text: word by word where it is ASCII, else character by character.

use super::{
    Joined, Known, Marked, Seen, Spaces, Traits, Word, Written, known,
    parts::bare_place,
    short::{self, Found, Short},
    traits::Sum,
};

/// What is made: words, and the parts that are not just a word.
type Made<'m> = (&'m mut Vec<Word>, &'m mut Vec<Marked>);

/// A part to which more may belong: its first byte, and its first word among those of the text.
#[derive(Clone, Copy)]
struct Open {
    begin: usize,
    first: usize,
}

/// Adds the words and parts of a text that is ASCII.
pub(super) fn split_ascii(text: &str, joined: &Joined, (words, marked): Made<'_>) -> Seen {
    let reader = Reader::new(joined);
    let before = words.len();
    let mut seen = Seen::default();
    let mut sum = Sum::default();
    let mut open = Open { begin: 0, first: 0 };
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        if reader.is_outside(at) {
            match byte {
                // White space as `char` has it.
                b' ' | b'\t'..=b'\r' => {
                    if *byte != b' ' {
                        seen.spaces = Spaces::Any;
                    }
                    if open.begin < at {
                        let of_text = words.get(before..).unwrap_or_default();
                        marked.push(reader.part(open, at, of_text, &mut sum));
                    }
                    open = Open {
                        begin: at + 1,
                        first: words.len() - before,
                    };
                }
                byte => seen.add_mark(*byte, at),
            }
            at += 1;
            continue;
        }
        let found = reader.found(at);
        if let Some((word, behind)) = reader.word(at, found) {
            sum.add(&word, found.begins);
            at = word.end;
            words.push(word);
            // Nearly every part is a word, and a space behind it.
            if behind == b' ' && word.begin == open.begin {
                at += 1;
                open = Open {
                    begin: at,
                    first: open.first + 1,
                };
            }
        } else {
            let word = reader.any_word(at);
            sum.add(&word, found.begins);
            at = word.end;
            words.push(word);
        }
    }
    if open.begin < text.len() {
        let of_text = words.get(before..).unwrap_or_default();
        marked.push(reader.part(open, text.len(), of_text, &mut sum));
    }
    seen.traits.add(sum.traits());
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
    lowered: &'j str,
    /// What each byte is [`short::written`] with.
    written: &'j [u8],
    table: &'static known::Table,
}

impl<'j> Reader<'j> {
    fn new(joined: &'j Joined) -> Self {
        Self {
            lowered: joined.lowered.get(joined.from..).unwrap_or_default(),
            written: joined.written.get(joined.from..).unwrap_or_default(),
            table: known::table(),
        }
    }

    /// Whether a byte is outside of words.
    #[inline]
    fn is_outside(&self, at: usize) -> bool {
        let written = self.written.get(at);
        written.is_none_or(|written| short::is_outside(*written))
    }

    /// The word that begins at a byte, as far as it is short and has no apostrophe.
    #[inline]
    fn found(&self, begin: usize) -> Found {
        let written = self.written.get(begin..begin + short::BYTES);
        let written = written.and_then(<[u8]>::first_chunk);
        written.map_or_else(Found::default, Found::first)
    }

    /// The word that was found at a byte, and the byte behind it; `None` if it may go on.
    #[inline]
    fn word(&self, begin: usize, found: Found) -> Option<(Word, u8)> {
        let lowered = self.lowered.as_bytes().get(begin..begin + short::BYTES)?;
        let lowered = lowered.first_chunk()?;
        let behind = *lowered.get(found.length)?;
        if behind == b'\'' {
            return None;
        }
        let short = Short::first(lowered, found.length)?;
        let word = Word {
            begin,
            end: begin + found.length,
            written: found.written,
            known: self.table.short(short),
        };
        Some((word, behind))
    }

    /// The word that begins at a byte, byte by byte: it may be long, or go on behind an apostrophe.
    #[cold]
    fn any_word(&self, begin: usize) -> Word {
        let rest = self.lowered.as_bytes().get(begin..).unwrap_or_default();
        let each = self.written.get(begin..).unwrap_or_default();
        let mut written = Written::default();
        let mut length = 0;
        for (at, (byte, of)) in rest.iter().zip(each).enumerate() {
            let goes_on = || rest.get(at + 1).is_some_and(u8::is_ascii_alphabetic);
            if !short::is_outside(*of) {
                written.add(Written(*of));
            } else if *byte == b'\'' && goes_on() {
                written.add(Written::APOSTROPHE);
            } else {
                break;
            }
            length = at + 1;
        }
        let end = begin + length;
        Word {
            begin,
            end,
            written,
            known: self.known(begin, end),
        }
    }

    /// The part that ends here, with the words of the text so far; what is known of it, the text has, too.
    fn part(&self, open: Open, end: usize, words: &[Word], sum: &mut Sum) -> Marked {
        let Open { begin, first } = open;
        let made = |written, known| Marked {
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
                let part = self.lowered.get(begin..end).unwrap_or_default();
                let (skipped, bare) = bare_place(part);
                let known = self.known(begin + skipped, begin + skipped + bare);
                sum.add_known(known.traits);
                made(written, known)
            }
        }
    }

    /// What is known of what stands here.
    fn known(&self, begin: usize, end: usize) -> &'static Known {
        let lowered = self.lowered.as_bytes().get(begin..);
        let lowered = lowered.and_then(<[u8]>::first_chunk);
        match lowered.and_then(|lowered| Short::first(lowered, end - begin)) {
            Some(word) => self.table.short(word),
            None => known::look_up(self.lowered.get(begin..end).unwrap_or_default()),
        }
    }
}

/// Adds the words and parts of any text.
pub(super) fn split_any(text: &str, joined: &Joined, (words, marked): Made<'_>) -> Seen {
    let mut seen = Seen::default();
    let mut sum = Sum::default();
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
        sum.add(&word, Written::of(first));
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
            marked.push(Marked {
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
    seen.traits.add(sum.traits());
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
