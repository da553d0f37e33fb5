//! English words that are counted: those that fill pauses, and those that say no.

const FILLERS: [&str; 7] = ["um", "uh", "uhm", "umm", "er", "erm", "hmm"];
const NEGATIONS: [&str; 9] = [
    "no", "not", "never", "nobody", "none", "nothing", "nowhere", "neither", "cannot",
];

/// Whether a word fills a pause.
pub(super) fn is_filler(word: &str) -> bool {
    word.len() <= 6 && is_one_of(bare(word), &FILLERS)
}

/// Whether a word says no.
pub(super) fn is_negation(word: &str) -> bool {
    let begins = word.bytes().any(|byte| matches!(byte, b'n' | b'N'));
    begins && {
        let word = bare(word);
        is_one_of(word, &NEGATIONS) || word.ends_with("n't") || word.ends_with("n\u{2019}t")
    }
}

fn bare(word: &str) -> &str {
    word.trim_matches(|character: char| character.is_ascii_punctuation())
}

fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|one| one.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::{is_filler, is_negation};

    #[test]
    fn fillers_and_negations_are_found_with_their_punctuation() {
        assert!(["Um,", "uh", "(hmm)"].into_iter().all(is_filler));
        assert!(
            ["No.", "don't", "NEVER", "cannot"]
                .into_iter()
                .all(is_negation)
        );
        assert!(
            !["umbrella", "her", "know", "another"]
                .into_iter()
                .any(|w| is_filler(w) || is_negation(w))
        );
    }
}
