//! Splits a text: byte by byte where it is ASCII, else character by character.

use super::{Part, Spaces, Word, Written, known};

/// What is made: words, and parts.
type Made<'m> = (&'m mut Vec<Word>, &'m mut Vec<Part>);

/// Adds the words and parts of a text that is ASCII; `lowered` is the same in lower case.
pub(super) fn split_ascii(text: &str, lowered: &str, (words, parts): Made<'_>) -> Spaces {
    let bytes = text.as_bytes();
    let of_text = words.len();
    let mut spaces = Spaces::Plain;
    // Where a part begins, and with which word.
    let (mut begin, mut first) = (0, 0);
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if Written::of(*byte) != Written::default() {
            let (end, written) = word(bytes, at);
            words.push(Word {
                begin: at,
                end,
                written,
                known: known::look_up(lowered.get(at..end).unwrap_or_default()),
            });
            at = end;
            continue;
        }
        // White space as `char` has it.
        if matches!(byte, b' ' | b'\t'..=b'\r') {
            if *byte != b' ' {
                spaces = Spaces::Any;
            }
            let until = words.len() - of_text;
            if begin < at {
                parts.push(Part {
                    begin,
                    end: at,
                    first,
                    until,
                });
            }
            (begin, first) = (at + 1, until);
        } else if byte.is_ascii_control() {
            spaces = Spaces::Any;
        }
        at += 1;
    }
    if begin < at {
        let until = words.len() - of_text;
        parts.push(Part {
            begin,
            end: at,
            first,
            until,
        });
    }
    spaces
}

/// The end of the word that begins at a byte, and what it is written with.
fn word(bytes: &[u8], begin: usize) -> (usize, Written) {
    let mut written = Written::default();
    let mut at = begin;
    while let Some(byte) = bytes.get(at) {
        let of = Written::of(*byte);
        if of != Written::default() {
            written.add(of);
        } else if *byte == b'\'' && bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic) {
            written.add(Written::APOSTROPHE);
        } else {
            break;
        }
        at += 1;
    }
    (at, written)
}

/// Adds the words and parts of any text.
pub(super) fn split_any(text: &str, lowered: &str, (words, parts): Made<'_>) -> Spaces {
    let of_text = words.len();
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
            written,
            known,
        });
        at = end;
    }
    let words = words.get(of_text..).unwrap_or_default();
    let (mut begin, mut first) = (0, 0);
    for part in text.split(char::is_whitespace) {
        let end = begin + part.len();
        let until = words.partition_point(|word| word.begin < end);
        if !part.is_empty() {
            parts.push(Part {
                begin,
                end,
                first,
                until,
            });
        }
        let space = text.get(end..).and_then(|rest| rest.chars().next());
        (begin, first) = (end + space.map_or(0, char::len_utf8), until);
    }
    Spaces::Any
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
