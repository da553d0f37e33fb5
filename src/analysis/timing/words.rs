//! English words that are counted: those that fill pauses, and those that say no.

use crate::analysis::words::{Part, Words, Written};

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
    /// Those that fill a pause.
    pub(super) fillers: u64,
    /// Those that say no.
    pub(super) negations: u64,
}

/// Counts the words of a text.
pub(super) fn counts(said: Words<'_>) -> Counts {
    let mut counts = Counts::default();
    said.parts(char::is_whitespace, |part| {
        counts.words += 1;
        counts.fillers += u64::from(is_filler(said, part));
        counts.negations += u64::from(is_negation(said, part));
    });
    counts
}

/// Whether it fills a pause.
fn is_filler(said: Words<'_>, part: Part<'_>) -> bool {
    let word = part.word().filter(|word| word.known.is_filler);
    word.is_some_and(|word| {
        part.end - part.begin <= FILLER_BYTES_MAX && bare(said, part).len() == word.end - word.begin
    })
}

/// Whether it says no.
fn is_negation(said: Words<'_>, part: Part<'_>) -> bool {
    if let Some(word) = part.word() {
        let is_short = word.written.has(Written::APOSTROPHE) || word.written.has(Written::OTHER);
        if !is_short && !word.known.is_negation {
            return false;
        }
        if word.known.is_negation && bare(said, part).len() == word.end - word.begin {
            return true;
        }
    }
    // "don't", and what has more words than one: "know-n't".
    let bare = bare(said, part);
    bare.ends_with("n't") || bare.ends_with("n\u{2019}t")
}

fn bare<'s>(said: Words<'s>, part: Part<'_>) -> &'s str {
    let shown = said.text.get(part.begin..part.end).unwrap_or_default();
    shown.trim_matches(|character: char| character.is_ascii_punctuation())
}

#[cfg(test)]
mod tests {
    use super::{Counts, counts};
    use crate::analysis::words::Split;

    #[test]
    fn fillers_and_negations_are_found_with_their_punctuation() {
        let counted = |text: &str| counts(Split::of(std::iter::once(text)).text(0));
        let of = |words, fillers, negations| Counts {
            words,
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
