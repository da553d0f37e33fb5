//! Questions: every question mark, as in the reference; and, because speech-to-text often writes none, an utterance
//! whose last sentence has no closing mark at all and begins as an English question does.

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
pub(super) fn questions(text: &str) -> u64 {
    let marked = super::count(text.bytes().filter(|byte| *byte == b'?').count());
    let closed = text
        .bytes()
        .rposition(|byte| matches!(byte, b'.' | b'!' | b'?'));
    let unclosed = text.get(closed.map_or(0, |at| at + 1)..);
    marked + u64::from(unclosed.is_some_and(begins_as_question))
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
            assert_eq!(questions(text), expected, "{text}");
        }
    }
}
