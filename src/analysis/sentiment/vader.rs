//! VADER 3.3.2 (Hutto and Gilbert, 2014): a lexicon and rules, digit for digit what Python's vaderSentiment gives.
//!
//! The rules are those of `vaderSentiment.py`, its oddities included; the crate `vader-parity`, which was checked against
//! it, is the oracle of our tests. The two word lists in `data/` are the authors', byte for byte, under the MIT licence that
//! stands beside them.
//!
//! [`Profile::Call`] differs from Python in one thing: the words in [`lexicon::SERVICE_WORDS`] have no value, because service
//! talk is full of them where nobody feels anything ("how can I help", "yes please", "order number"). "no" still negates.

use std::collections::BTreeMap;

use crate::analysis::words::{Split, Words};
use rules::Rules;

pub(in crate::analysis) mod lexicon;
mod rules;
mod text;

pub use lexicon::SERVICE_WORDS;

/// Which words have a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// All of VADER's.
    Plain,
    /// All but service words: `call-en-1`.
    Call,
}

/// The four scores of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scores {
    /// The negative part of the words, 0 to 1.
    pub negative: f64,
    /// The neutral part.
    pub neutral: f64,
    /// The positive part.
    pub positive: f64,
    /// All of it in a number, -1 to 1.
    pub compound: f64,
}

/// A profile, and words whose value an account has changed.
#[derive(Debug, Clone)]
pub struct Vader {
    profile: Profile,
    own: BTreeMap<String, Option<f64>>,
}

impl Vader {
    /// Scores by a profile. `own` has words in lower case, as they stand between white space without punctuation, and their
    /// value from -4 to 4; none takes a word out of the lexicon.
    pub fn new(profile: Profile, own: BTreeMap<String, Option<f64>>) -> Self {
        Self { profile, own }
    }

    /// The scores of a text, rounded as Python's are. The time is linear in its length, but for a text with "but": square, as
    /// Python's is, in the number of its words.
    pub fn scores(&self, text: &str) -> Scores {
        let plain = text::prepared(text);
        let split = Split::of(std::iter::once(plain.as_ref()));
        let mut rules = Rules::new(self);
        let scores = split.texts().next().map(|said| rules.scores(said));
        scores.expect("a text was split")
    }

    /// The compound score alone, -1 to 1.
    pub fn compound(&self, text: &str) -> f64 {
        let split = Split::of(std::iter::once(text));
        let compounds = self.compounds(split.texts());
        compounds.first().copied().unwrap_or_default()
    }

    /// The compound score of each of these texts.
    pub fn compounds<'s>(&self, texts: impl Iterator<Item = Words<'s>>) -> Vec<f64> {
        let mut rules = Rules::new(self);
        texts.map(|said| rules.compound(said)).collect()
    }
}
