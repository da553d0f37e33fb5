//! English words that are counted: those that fill pauses, and those that say no.

use super::questions::questions;
use crate::analysis::{
    number::count,
    words::{Traits, Words, Written},
};

pub(in crate::analysis) const FILLERS: [&str; 7] = ["um", "uh", "uhm", "umm", "er", "erm", "hmm"];
pub(in crate::analysis) const NEGATIONS: [&str; 9] = [
    "no", "not", "never", "nobody", "none", "nothing", "nowhere", "neither", "cannot",
];
/// A filler with more around it is none.
const FILLER_BYTES_MAX: usize = 6;

/// What is counted in a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// What stands between white space.
    pub(super) words: u64,
    /// What is asked.
    pub(super) questions: u64,
    /// Those that fill a pause.
    pub(super) fillers: u64,
    /// Those that say no.
    pub(super) negations: u64,
}

impl Counts {
    /// Adds what is counted in another.
    pub(super) fn add(&mut self, other: Self) {
        self.words += other.words;
        self.questions += other.questions;
        self.fillers += other.fillers;
        self.negations += other.negations;
    }
}

/// Counts in a text.
pub(super) fn counts(said: Words<'_>) -> Counts {
    let mut counts = Counts {
        words: count(said.count_parts()),
        questions: questions(said),
        ..Counts::default()
    };
    let counted = Traits::FILLER.and(Traits::NEGATION);
    if !said.seen.traits.has(counted.and(Traits::APOSTROPHE)) {
        return counts;
    }
    for part in said.parts() {
        match said.in_part(part) {
            [] => {}
            [word] if !word.written.has(Written::APOSTROPHE_OR_OTHER) => {
                let traits = word.known.traits;
                if traits.has(counted) && said.is_part(word, part) {
                    let (begin, end) = part.place();
                    let is_bare = end - begin <= FILLER_BYTES_MAX;
                    counts.fillers += u64::from(traits.has(Traits::FILLER) && is_bare);
                    counts.negations += u64::from(traits.has(Traits::NEGATION));
                }
            }
            _ => counts.negations += u64::from(is_short_not(said.part(part))),
        }
    }
    counts
}

/// "don't".
fn is_short_not(part: &str) -> bool {
    let bare = part.trim_matches(|character: char| character.is_ascii_punctuation());
    bare.ends_with("n't") || bare.ends_with("n\u{2019}t")
}

#[cfg(test)]
mod tests {
    use super::{Counts, counts};
    use crate::analysis::words::Split;

    #[test]
    fn fillers_and_negations_are_found_with_their_punctuation() {
        let counted = |text: &str| {
            let split = Split::of(std::iter::once(text));
            counts(split.texts().next().unwrap())
        };
        let of = |words, fillers, negations| Counts {
            words,
            questions: 0,
            fillers,
            negations,
        };
        assert_eq!(counted("Um, uh (hmm) [[um]] [[[um]]]"), of(5, 4, 0));
        assert_eq!(
            counted("No. don't NEVER cannot \"didn\u{2019}t\""),
            of(5, 0, 5)
        );
        assert_eq!(
            counted("umbrella her know another DON'T no-one -"),
            of(7, 0, 0)
        );
    }
}
