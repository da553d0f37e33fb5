//! What was said as those see it who look for personal data: words and numbers with their places, in bytes.

use std::cell::OnceCell;

use super::vocabulary::{Kinds, Known, Topic};
use crate::analysis::words::{Traits, Word, Words, Written};

/// A stretch of letters and digits. An apostrophe between two letters belongs to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'t> {
    /// Its place in the text.
    pub(super) begin: usize,
    pub(super) end: usize,
    /// As it stands.
    pub(super) text: &'t str,
    pub(super) shape: Shape,
    pub(super) known: &'static Known,
}

/// What a token is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Digits,
    Letters,
    Mixed,
}

/// What one participant said at a time.
#[derive(Debug)]
pub(super) struct Said<'t> {
    pub(super) text: &'t str,
    pub(super) by: &'t str,
    pub(super) traits: Traits,
    words: Words<'t>,
    last_topic: OnceCell<Option<Topic>>,
}

impl<'t> Said<'t> {
    pub(super) fn new(by: &'t str, words: Words<'t>) -> Self {
        Self {
            text: words.text,
            by,
            traits: words.seen.traits,
            words,
            last_topic: OnceCell::new(),
        }
    }

    /// How many tokens there are.
    pub(super) fn len(&self) -> usize {
        self.words.words.len()
    }

    pub(super) fn token(&self, at: usize) -> Option<Token<'t>> {
        let word = self.words.words.get(at)?;
        Some(Token::new(self.words, word))
    }

    /// The tokens from one on.
    pub(super) fn tokens(&self, from: usize) -> impl Iterator<Item = Token<'t>> {
        let words = self.words.words.iter().skip(from);
        words.map(|word| Token::new(self.words, word))
    }

    /// Whether a token says a number, or part of one.
    pub(super) fn is_number(&self, at: usize) -> bool {
        let word = self.words.words.get(at);
        word.is_some_and(|word| {
            word.written == Written::DIGIT || word.known.privacy.number.is_some()
        })
    }

    /// A token as a word.
    #[inline]
    pub(super) fn word(&self, at: usize) -> Option<&'t Word> {
        self.words.words.get(at)
    }

    /// What is known of a token.
    fn known(&self, at: usize) -> Option<&'static Known> {
        self.words.words.get(at).map(|word| &word.known.privacy)
    }

    /// What stands between a token and the one before it; before the first, what the text begins with.
    pub(super) fn gap(&self, at: usize) -> &'t str {
        let words = self.words.words;
        let from = at.checked_sub(1).and_then(|before| words.get(before));
        let from = from.map_or(0, |before| before.end);
        let until = words.get(at).map_or(self.text.len(), |word| word.begin);
        self.text.get(from..until).unwrap_or_default()
    }

    /// The topic that a token is, alone or with the words before it.
    pub(super) fn topic(&self, at: usize) -> Option<Topic> {
        let known = self.known(at)?;
        if !known.is(Kinds::TOPICAL) {
            return known.topic;
        }
        let token = self.token(at)?;
        let before = at.checked_sub(1).and_then(|before| self.token(before));
        let before = before.map(|before| before.text).unwrap_or_default();
        let is = |word: &str| token.text.eq_ignore_ascii_case(word);
        let follows = |words: &[&str]| words.iter().any(|word| before.eq_ignore_ascii_case(word));
        if is("code") {
            return if follows(&["security", "digit", "verification", "card"]) {
                Some(Topic::Cvv)
            } else if follows(&["area"]) {
                Some(Topic::Phone)
            } else if follows(&["pin"]) {
                Some(Topic::Pin)
            } else if follows(&["sort"]) {
                Some(Topic::Routing)
            } else {
                Some(Topic::Business)
            };
        }
        if is("me") && follows(&["call", "text", "ring"]) {
            return Some(Topic::Phone);
        }
        if is("security") && follows(&["social"]) {
            return Some(Topic::Ssn);
        }
        token.known.topic
    }

    /// The last topic before a token, at most so many tokens before it.
    pub(super) fn topic_before(&self, at: usize, tokens_max: usize) -> Option<Topic> {
        if !self.traits.has(Traits::TOPIC) {
            return None;
        }
        let first = at.saturating_sub(tokens_max);
        (first..at).rev().find_map(|before| self.topic(before))
    }

    /// The last topic of all.
    pub(super) fn last_topic(&self) -> Option<Topic> {
        let all = self.len();
        *self.last_topic.get_or_init(|| self.topic_before(all, all))
    }
}

impl<'t> Token<'t> {
    fn new(words: Words<'t>, word: &Word) -> Self {
        Self {
            begin: word.begin,
            end: word.end,
            text: words.shown(word),
            shape: if !word.written.has(Written::DIGIT) {
                Shape::Letters
            } else if word.written == Written::DIGIT {
                Shape::Digits
            } else {
                Shape::Mixed
            },
            known: &word.known.privacy,
        }
    }

    pub(super) fn is(&self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word)
    }

    /// Whether it says a number, or part of one.
    pub(super) fn is_number(&self) -> bool {
        self.shape == Shape::Digits || self.known.number.is_some()
    }

    pub(super) fn is_capitalised(&self) -> bool {
        self.shape == Shape::Letters && self.text.chars().next().is_some_and(char::is_uppercase)
    }

    pub(super) fn is_letter(&self) -> bool {
        self.shape == Shape::Letters && self.text.len() == 1
    }
}
