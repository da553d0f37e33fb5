//! Finds phrases in what was said: words that follow each other, `*` for any one word.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::{
    heard::{Spoken, words},
    words::Traits,
};

/// Phrases to be found, each with what it stands for.
#[derive(Debug, Clone)]
pub struct Phrases<T> {
    by_first: HashMap<String, Vec<Phrase<T>>, RandomState>,
}

#[derive(Debug, Clone)]
struct Phrase<T> {
    rest: Vec<String>,
    means: T,
}

impl<T: Copy> Phrases<T> {
    /// Prepares phrases. One without a word is never found; a `*` at its beginning says nothing.
    pub fn new<'p>(phrases: impl Iterator<Item = (&'p str, T)>) -> Self {
        let mut by_first: HashMap<String, Vec<Phrase<T>>, RandomState> = HashMap::default();
        for (phrase, means) in phrases {
            let lowered = phrase.to_lowercase().replace('*', " any_one_word ");
            let lowered = lowered.replace("any_one_word", "\u{1}x");
            let mut parts = lowered
                .split_whitespace()
                .flat_map(|part| match part {
                    "\u{1}x" => vec!["*".to_owned()],
                    part => words(part)
                        .iter()
                        .map(|said| said.word().to_owned())
                        .collect(),
                })
                .skip_while(|part| part == "*");
            if let Some(first) = parts.next() {
                let rest = parts.collect();
                by_first
                    .entry(first)
                    .or_default()
                    .push(Phrase { rest, means });
            }
        }
        Self { by_first }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_first.is_empty()
    }

    /// What the phrases stand for that are said, in the order in which they begin.
    pub fn find(&self, said: &[Spoken<'_>], found: impl FnMut(T)) {
        self.find_from(said, |_| true, found);
    }

    /// The same for phrases whose first words are known as such: other words are not looked up.
    pub fn find_opened(&self, said: &[Spoken<'_>], found: impl FnMut(T)) {
        let opens = |spoken: &Spoken<'_>| spoken.known().traits.has(Traits::OPENING);
        self.find_from(said, opens, found);
    }

    fn find_from(
        &self,
        said: &[Spoken<'_>],
        opens: impl Fn(&Spoken<'_>) -> bool,
        mut found: impl FnMut(T),
    ) {
        for (at, spoken) in said.iter().enumerate().filter(|(_, spoken)| opens(spoken)) {
            let Some(phrases) = self.by_first.get(spoken.word()) else {
                continue;
            };
            for phrase in phrases {
                let after = said.get(at + 1..at + 1 + phrase.rest.len());
                let is_said = after.is_some_and(|after| {
                    let mut pairs = after.iter().zip(&phrase.rest);
                    pairs.all(|(spoken, word)| word == "*" || spoken.word() == word)
                });
                if is_said {
                    found(phrase.means);
                }
            }
        }
    }
}
