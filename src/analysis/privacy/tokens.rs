//! One pass over what was said: words and numbers with their places, in bytes.

use std::cell::OnceCell;

use super::vocabulary::{self, Known, Spoken, Topic};

/// A stretch of letters and digits. An apostrophe between two letters belongs to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'t> {
    /// Its place in the text.
    pub(super) begin: usize,
    pub(super) end: usize,
    /// As it stands.
    pub(super) text: &'t str,
    pub(super) shape: Shape,
    pub(super) known: Known,
}

/// What a token is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Digits,
    Letters,
    Mixed,
}

/// What the tokens of a text have that a detector may want.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Traits {
    pub(super) numbers: bool,
    pub(super) at: bool,
    pub(super) mixed: bool,
    pub(super) birth: bool,
    pub(super) street: bool,
    pub(super) introduces: bool,
    pub(super) upper: bool,
    pub(super) spelled: bool,
    pub(super) iban: bool,
}

/// What one participant said at a time.
#[derive(Debug)]
pub(super) struct Said<'t> {
    pub(super) text: &'t str,
    pub(super) by: &'t str,
    pub(super) tokens: Vec<Token<'t>>,
    pub(super) traits: Traits,
    last_topic: OnceCell<Option<Topic>>,
}

impl<'t> Said<'t> {
    pub(super) fn new(by: &'t str, text: &'t str) -> Self {
        let mut traits = Traits {
            at: text.contains('@'),
            ..Traits::default()
        };
        let mut tokens = Vec::with_capacity(text.len() / 5 + 1);
        let mut lowered = String::new();
        let mut rest = text;
        let mut at = 0;
        while let Some((skipped, length)) = next(rest) {
            let begin = at + skipped;
            let end = begin + length;
            let word = text.get(begin..end).unwrap_or_default();
            let token = Token::new((begin, end), word, &mut lowered);
            traits.note(&token);
            tokens.push(token);
            rest = text.get(end..).unwrap_or_default();
            at = end;
        }
        Self {
            text,
            by,
            tokens,
            traits,
            last_topic: OnceCell::new(),
        }
    }

    pub(super) fn token(&self, at: usize) -> Option<&Token<'t>> {
        self.tokens.get(at)
    }

    /// What stands between a token and the one before it; before the first, what the text begins with.
    pub(super) fn gap(&self, at: usize) -> &'t str {
        let from = at.checked_sub(1).and_then(|before| self.tokens.get(before));
        let from = from.map_or(0, |before| before.end);
        let until = self.tokens.get(at).map_or(self.text.len(), |t| t.begin);
        self.text.get(from..until).unwrap_or_default()
    }

    /// The topic that a token is, alone or with the words before it.
    pub(super) fn topic(&self, at: usize) -> Option<Topic> {
        let token = self.token(at)?;
        if !token.known.is_topical {
            return token.known.topic;
        }
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
        let first = at.saturating_sub(tokens_max);
        (first..at).rev().find_map(|before| self.topic(before))
    }

    /// The last topic of all.
    pub(super) fn last_topic(&self) -> Option<Topic> {
        let all = self.tokens.len();
        *self.last_topic.get_or_init(|| self.topic_before(all, all))
    }
}

impl<'t> Token<'t> {
    fn new((begin, end): (usize, usize), text: &'t str, lowered: &mut String) -> Self {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        let shape = if digits == 0 {
            Shape::Letters
        } else if digits == text.len() {
            Shape::Digits
        } else {
            Shape::Mixed
        };
        let known = if shape == Shape::Letters && text.is_ascii() {
            if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
                lowered.clear();
                lowered.push_str(text);
                lowered.make_ascii_lowercase();
                vocabulary::look_up(lowered)
            } else {
                vocabulary::look_up(text)
            }
        } else {
            None
        };
        Self {
            begin,
            end,
            text,
            shape,
            known: known.unwrap_or_default(),
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

impl Traits {
    fn note(&mut self, token: &Token<'_>) {
        let known = &token.known;
        self.numbers |= match known.number {
            None => token.shape == Shape::Digits,
            Some(Spoken::Times(_)) => false,
            Some(_) => true,
        };
        self.mixed |= token.shape == Shape::Mixed;
        self.at |= known.sign == Some(vocabulary::Sign::At);
        self.birth |= known.topic == Some(Topic::Birth);
        self.iban |= known.topic == Some(Topic::Iban);
        self.street |= known.is_street;
        self.spelled |= token.is_letter();
        let is_upper = token
            .text
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_uppercase());
        self.upper |= is_upper;
        self.introduces |= known.introduces;
    }
}

/// The next token: how much stands before it, and how long it is.
fn next(text: &str) -> Option<(usize, usize)> {
    let skipped = begin(text)?;
    let word = text.get(skipped..)?;
    let ascii = word.bytes().position(|byte| !byte.is_ascii_alphanumeric());
    let from = ascii.unwrap_or(word.len());
    let mut rest = word.get(from..)?.char_indices();
    while let Some((at, character)) = rest.next() {
        if character.is_alphanumeric() {
            continue;
        }
        let apostrophe = matches!(character, '\'' | '\u{2019}');
        if apostrophe && rest.as_str().starts_with(char::is_alphabetic) {
            continue;
        }
        return Some((skipped, from + at));
    }

    Some((skipped, word.len()))
}

/// Where the first letter or digit stands.
fn begin(text: &str) -> Option<usize> {
    let at = text
        .bytes()
        .position(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())?;
    let rest = text.get(at..)?;
    rest.find(char::is_alphanumeric).map(|more| at + more)
}
