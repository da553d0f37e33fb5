//! From a text to its words, as Python's `SentiText` sees them: split at white space, without the punctuation around, emojis
//! put into words first.
//!
//! Case is Rust's, which is that of a Unicode version at least as new as Python's: they could differ in letters that Unicode
//! got after 2022.

use std::borrow::Cow;

use super::{
    Vader,
    lexicon::{Entry, description},
};
use crate::analysis::words::{Part, Spaces, Words, Written, bare, known::look_up};

/// A word and what is known of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    /// What is known of it, whoever asks.
    pub(super) entry: &'static Entry,
    /// Its value, if it has one for this account.
    pub(super) value: Option<f64>,
    /// Whether it turns round what follows.
    pub(super) negates: bool,
    /// Whether it is in capitals.
    pub(super) is_upper: bool,
}

/// The text with its emojis in words, and with spaces where only Python sees white space; as it is, if it has neither.
pub(super) fn prepared(text: &str) -> Cow<'_, str> {
    let is_plain = |character| description(character).is_none() && !is_separator(character);
    let all_plain = if text.is_ascii() {
        !text.bytes().any(|byte| is_separator(byte.into()))
    } else {
        text.chars().all(is_plain)
    };
    if all_plain {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    let mut after_space = true;
    for character in text.chars() {
        if let Some(description) = description(character) {
            if !after_space {
                plain.push(' ');
            }
            plain.push_str(description);
            after_space = false;
        } else {
            plain.push(if is_separator(character) {
                ' '
            } else {
                character
            });
            after_space = character == ' ';
        }
    }
    plain.into()
}

impl Token {
    /// A part of a text that was prepared.
    #[inline]
    pub(super) fn of(vader: &Vader, said: Words<'_>, part: Part<'_>) -> Self {
        if said.seen.spaces != Spaces::Plain {
            return Self::looked_up(vader, bare(said.part(part)));
        }
        let entry = &part.known().tone;
        let written = part.written();
        let has_nt = || said.small_part(part).contains("n't");
        Self {
            entry,
            value: vader.value(*entry, || bare(said.small_part(part))),
            negates: entry.negates || (written.has(Written::APOSTROPHE) && has_nt()),
            is_upper: written.has(Written::CAPITAL) && !written.has(Written::SMALL),
        }
    }

    fn looked_up(vader: &Vader, word: &str) -> Self {
        let small: Cow<'_, str> = if !word.is_ascii() {
            word.to_lowercase().into()
        } else if word.bytes().any(|byte| byte.is_ascii_uppercase()) {
            word.to_ascii_lowercase().into()
        } else {
            word.into()
        };
        let entry = &look_up(&small).tone;
        Self {
            entry,
            value: vader.value(*entry, || &small),
            // Python looks for it in the word in lower case.
            negates: entry.negates || has_nt(word),
            is_upper: is_upper(word),
        }
    }
}

fn has_nt(word: &str) -> bool {
    word.contains('\'') && word.to_lowercase().contains("n't")
}

/// The four separators of ASCII, which `str.split` takes for white space, too.
fn is_separator(character: char) -> bool {
    matches!(character, '\u{1c}'..='\u{1f}')
}

/// As `str.isupper`: no small letter, no title case, and a capital.
fn is_upper(word: &str) -> bool {
    if word.is_ascii() {
        return word.bytes().any(|byte| byte.is_ascii_uppercase())
            && !word.bytes().any(|byte| byte.is_ascii_lowercase());
    }
    let mut has_capital = false;
    for character in word.chars() {
        if character.is_lowercase() || is_title(character) {
            return false;
        }
        has_capital = has_capital || character.is_uppercase();
    }
    has_capital
}

fn is_title(character: char) -> bool {
    matches!(
        character,
        '\u{1c5}' | '\u{1c8}' | '\u{1cb}' | '\u{1f2}' | '\u{1fbc}' | '\u{1fcc}' | '\u{1ffc}'
            | '\u{1f88}'..='\u{1f8f}' | '\u{1f98}'..='\u{1f9f}' | '\u{1fa8}'..='\u{1faf}'
    )
}
