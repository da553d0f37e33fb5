//! Questions: every question mark, as in the reference; and, because speech-to-text often writes none, an utterance
//! whose last sentence has no closing mark at all and begins as an English question does.

use crate::analysis::{number::count, words::Words};

const QUESTION_WORDS: [&str; 8] = [
    "what", "which", "who", "whose", "when", "where", "why", "how",
];
const AUXILIARIES: [&str; 20] = [
    "am", "are", "can", "could", "did", "do", "does", "had", "has", "have", "is", "may", "might",
    "must", "shall", "should", "was", "were", "will", "would",
];
const PRONOUNS: [&str; 10] = [
    "i", "you", "he", "she", "it", "we", "they", "there", "this", "that",
];

/// How many questions a text asks.
pub(super) fn questions(said: Words<'_>) -> u64 {
    let unclosed = said.text.get(said.seen.closed..);
    let asks = unclosed.is_some_and(|rest| !rest.is_empty() && begins_as_question(rest));
    count(said.seen.questions) + u64::from(asks)
}

fn begins_as_question(sentence: &str) -> bool {
    let words = sentence.split_whitespace();
    let mut words = words.map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    let is_one = |word: &str, of: &[&str]| of.iter().any(|one| one.eq_ignore_ascii_case(word));
    let Some(first) = words.next() else {
        return false;
    };
    is_one(first, &QUESTION_WORDS)
        || (is_one(first, &AUXILIARIES) && is_one(words.next().unwrap_or_default(), &PRONOUNS))
}

#[cfg(test)]
mod tests {
    use super::questions;
    use crate::analysis::words::Split;

    #[test]
    fn questions_are_found_with_and_without_their_mark() {
        for (text, expected) in [
            ("How can I help you today?", 1),
            ("can you hear me", 1),
            ("okay. what is your order number", 1),
            ("Really?? Are you sure?", 3),
            ("When I called, nobody answered.", 0),
            ("Have a nice day.", 0),
            ("have a nice day", 0),
            ("I see", 0),
            ("", 0),
        ] {
            let split = Split::of(std::iter::once(text));
            let said = split.texts().next().unwrap();
            assert_eq!(questions(said), expected, "{text}");
        }
    }
}
