//! Our VADER against Python's: vectors that Python made, and `vader-parity`, which was checked against Python, on made-up texts.
//! `tests/sentiment/run` compares with Python itself on thousands of sentences that people have judged.

use std::collections::BTreeMap;

use onhook::analysis::sentiment::vader::{Profile, SERVICE_WORDS, Vader};
use proptest::prelude::*;
use vader_parity::SentimentIntensityAnalyzer;

use crate::analysis_pure::fixture;

const LEXICON: &str = include_str!("../../src/analysis/sentiment/vader/data/vader_lexicon.txt");

fn plain() -> Vader {
    Vader::new(Profile::Plain, BTreeMap::new())
}

fn call() -> Vader {
    Vader::new(Profile::Call, BTreeMap::new())
}

/// Numbers to the last bit; the two zeros are one.
fn bits(scores: &[f64]) -> Vec<u64> {
    scores.iter().map(|score| (score + 0.0).to_bits()).collect()
}

fn four(vader: &Vader, text: &str) -> Vec<u64> {
    let scores = vader.scores(text);
    let alone = vader.compound(text);
    assert_eq!(bits(&[scores.compound]), bits(&[alone]), "{text:?}");
    bits(&[
        scores.negative,
        scores.neutral,
        scores.positive,
        scores.compound,
    ])
}

#[test]
fn sentences_have_the_scores_of_pythons_vader() {
    let vectors = fixture("vader_vectors.tsv");
    let mut compared = 0;
    for line in vectors.lines().skip(1) {
        let columns: Vec<&str> = line.splitn(5, '\t').collect();
        let expected: Vec<f64> = columns[..4].iter().map(|c| c.parse().unwrap()).collect();
        let text: String = serde_json::from_str(columns[4]).unwrap();
        assert_eq!(four(&plain(), &text), bits(&expected), "{text}");
        compared += 1;
    }
    assert!(compared >= 300, "{compared} sentences");
}

/// Words of the lexicon, words that rules ask for, and what tokenizers stumble over.
fn words() -> impl Strategy<Value = String> {
    const RULED: &str = "no or nor kind of so this never without doubt least at very but the shit bomb bad ass bus stop yeah \
        right kiss death to die for beating heart just enough sort really NOT don't isn't DIDN'T hardly less more kinda uber";
    const ODD: [&str; 17] = [
        ":)", ":(", "!", "!!!!!", "?", "??", "????", "...", "😀", "🔛", "é", "ß", "Σας", "Ǆ",
        "o'clock", "N'T", "dog",
    ];
    let lexicon: Vec<&str> = LEXICON
        .lines()
        .filter_map(|line| line.split('\t').next())
        .collect();
    let ruled: Vec<&str> = RULED.split_whitespace().collect();
    let word = prop_oneof![
        4 => prop::sample::select(lexicon),
        5 => prop::sample::select(ruled),
        1 => prop::sample::select(ODD.to_vec()),
    ];
    (word, 0..8_u8).prop_map(|(word, dress)| match dress {
        0 => word.to_uppercase(),
        1 => format!("{word}!"),
        2 => format!("\"{word}\","),
        3 => format!("{word}??"),
        _ => word.to_owned(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn any_text_has_the_scores_of_the_oracle(
        words in prop::collection::vec(words(), 0..14),
        space in prop::sample::select(vec![" ", " ", "  ", "\t", "\n", "\u{1c}", "\u{a0}"]),
    ) {
        let text = words.join(space);
        let oracle = SentimentIntensityAnalyzer::new_shared().polarity_scores(&text);
        let expected = bits(&[oracle.neg, oracle.neu, oracle.pos, oracle.compound]);
        prop_assert_eq!(four(&plain(), &text), expected, "{:?}", text);
    }

    #[test]
    fn no_text_brings_it_down(text in any::<String>()) {
        let compound = call().compound(&text);
        prop_assert!((-1.0..=1.0).contains(&compound));
    }
}

/// An oracle for all cases: reading its lexicon takes longer than a case.
trait Shared {
    fn new_shared() -> &'static Self;
}

impl Shared for SentimentIntensityAnalyzer {
    fn new_shared() -> &'static Self {
        static ORACLE: std::sync::LazyLock<SentimentIntensityAnalyzer> =
            std::sync::LazyLock::new(SentimentIntensityAnalyzer::new);
        &ORACLE
    }
}

#[test]
fn the_words_of_service_talk_have_no_value_in_calls() {
    assert_eq!(SERVICE_WORDS.split(' ').count(), 66);
    for word in SERVICE_WORDS.split(' ') {
        assert!(call().compound(word).abs() < 1e-9, "{word}");
        assert!(plain().compound(word).abs() > 0.01, "{word}");
    }
    for (text, label) in [
        ("How can I help you today?", 0),
        ("Yes please, the order number is on the card.", 0),
        ("No, that was going to be it.", 0),
        ("This is terrible service.", -1),
        ("Thank you so much for fixing it quickly.", 1),
    ] {
        let compound = call().compound(text);
        let expected = match label {
            -1 => compound <= -0.05,
            1 => compound >= 0.05,
            _ => compound.abs() < 1e-9,
        };
        assert!(expected, "{text}: {compound}");
    }
    // "no" has no value, and still turns round what follows.
    assert!(call().compound("no good") < 0.0);
}

#[test]
fn an_account_gives_words_a_value_of_its_own() {
    let own = BTreeMap::from([
        ("broken".to_owned(), Some(-3.0)),
        ("great".to_owned(), None),
    ]);
    let vader = Vader::new(Profile::Call, own);
    assert!(vader.compound("it arrived broken") < call().compound("it arrived broken"));
    assert!(vader.compound("great").abs() < 1e-9);
    assert!(vader.compound("Broken!") < vader.compound("broken"));
}

#[test]
fn the_word_lists_are_the_authors() {
    let emojis = include_str!("../../src/analysis/sentiment/vader/data/emoji_utf8_lexicon.txt");
    let sha256 = |text: &str| {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        hex::encode(digest)
    };
    assert_eq!(
        sha256(LEXICON),
        "1ec9c6e9ee19aade328f8beb393a6afa71a5bb3acf7d3cc22d4ef568df374bf5"
    );
    assert_eq!(
        sha256(emojis),
        "b8d54223ae1ce22a3e12c1f745316b71678c328eb5f5d3063a842f37cfbe2823"
    );
}
