//! Personal data in what is said: what is found, what is not taken for it, and that nothing of it is left where it is masked.

use std::collections::BTreeMap;

use onhook::{
    analysis::privacy::{PiiSpan, detect, detect_in, mask, redacted, section},
    domain::{
        analysis::privacy::EntityType,
        transcript::{Utterance, draft::Draft},
    },
};
use proptest::prelude::*;
use serde_json::json;

use crate::{analysis_pure::fixture, privacy_made};

/// The spans of a text that one participant says.
fn spans(text: &str) -> Vec<PiiSpan> {
    detect_in([("customer", text)].into_iter())
}

fn entity(class: &str) -> EntityType {
    match class {
        "CARD" => EntityType::CreditDebitNumber,
        "CVV" => EntityType::CreditDebitCvv,
        "DOB" => EntityType::DateOfBirth,
        "IBAN" => EntityType::InternationalBankAccountNumber,
        "EMAIL" => EntityType::Email,
        "NAME" => EntityType::Name,
        "ADDRESS" => EntityType::Address,
        "PHONE" => EntityType::Phone,
        "PIN" => EntityType::Pin,
        "SSN" => EntityType::Ssn,
        _ => panic!("no class {class}"),
    }
}

/// Whether the value stands in the text wholly within a span of its type.
fn is_covered(text: &str, value: &str, entity: EntityType) -> bool {
    let begin = text.find(value).unwrap();
    let end = begin + value.len();
    spans(text)
        .iter()
        .any(|span| span.entity == entity && span.begin <= begin && end <= span.end)
}

#[test]
fn the_gold_set_is_found_whole_and_nothing_else_in_it() {
    let mut by_class: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for line in fixture("pii_gold.tsv").lines() {
        let (text, values) = line.split_once('\t').unwrap();
        let values: Vec<&str> = values
            .split('|')
            .filter(|value| !value.is_empty())
            .collect();
        for value in &values {
            let (class, value) = value.split_once(':').unwrap();
            let of_class = by_class.entry(class.to_owned()).or_default();
            of_class.1 += 1;
            of_class.0 += usize::from(is_covered(text, value, entity(class)));
        }
        // The set names no expiry dates: "expiring 09/27".
        let others = spans(text)
            .iter()
            .filter(|span| span.entity != EntityType::CreditDebitExpiry)
            .count();
        assert_eq!(others, values.len(), "{text}");
    }
    for (class, (found, all)) in &by_class {
        println!("{class}: {found} of {all}");
        assert_eq!(found, all, "{class}");
    }
    assert_eq!(by_class.len(), 10);
}

#[test]
fn numbers_are_found_as_they_are_said_in_turns() {
    let lines = fixture("pii_turns.tsv");
    assert!(lines.lines().count() >= 40);
    for line in lines.lines() {
        let (conversation, expected) = line.split_once('\t').unwrap();
        let said: Vec<(&str, &str)> = conversation
            .split(" / ")
            .map(|turn| turn.split_once(": ").unwrap())
            .collect();
        let found: Vec<String> = detect_in(said.iter().copied())
            .iter()
            .map(|span| {
                format!(
                    "{:?}:{}",
                    span.entity,
                    said[span.turn].1.get(span.begin..span.end).unwrap()
                )
            })
            .collect();
        assert_eq!(found.join("|"), expected, "{conversation}");
    }
}

#[test]
fn plain_dialogue_has_no_spans() {
    let lines = fixture("plain_dialogue.txt");
    assert!(lines.lines().count() >= 150);
    for line in lines.lines() {
        assert_eq!(spans(line), [], "{line}");
    }
    // As one conversation, too: no number takes its meaning from another line.
    let as_turns = lines.lines().enumerate().map(|(at, line)| {
        let by = if at % 2 == 0 { "agent" } else { "customer" };
        (by, line)
    });
    let found: Vec<String> = detect_in(as_turns)
        .iter()
        .map(|span| {
            let line = lines.lines().nth(span.turn).unwrap();
            line.get(span.begin..span.end).unwrap().to_owned()
        })
        .collect();
    assert_eq!(found, [""; 0]);
}

#[test]
fn made_up_data_is_found_in_every_form() {
    let mut missed = Vec::new();
    let mut by_form: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for made in privacy_made::set(42) {
        let found = is_covered(&made.text, &made.value, made.entity);
        let of_form = by_form.entry(made.form).or_default();
        of_form.1 += 1;
        of_form.0 += usize::from(found);
        if !found {
            missed.push(format!("{}: {}", made.form, made.text));
        }
    }
    for (form, (found, all)) in &by_form {
        println!("{form}: {found} of {all}");
    }
    let missed_most = missed
        .iter()
        .take(10)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    assert!(missed.is_empty(), "{missed_most}");
}

fn utterance(text: &str, words: &[&str]) -> Utterance {
    let words: Vec<_> = words
        .iter()
        .map(|word| json!({"text": word, "begin_ms": 0, "end_ms": 1}))
        .collect();
    let body = json!({"utterances": [
        {"speaker": "customer", "text": text, "begin_ms": 0, "end_ms": 1000, "words": words},
    ]});
    let draft: Draft = serde_json::from_value(body).unwrap();
    draft.parse().unwrap().utterances()[0].clone()
}

#[test]
fn masked_text_says_what_was_there() {
    let text = "My card is 4111 1111 1111 1111, call 415-555-0132 or ünï@example.com.";
    let masked = mask(text, &spans(text));
    assert_eq!(
        masked,
        "My card is [CREDIT_DEBIT_NUMBER], call [PHONE] or [EMAIL]."
    );
    let shown = redacted(&[utterance(
        "it is four one one one one one one one one one one one one one one one, thanks",
        &[],
    )]);
    assert_eq!(
        shown[0].text.as_str(),
        "it is [CREDIT_DEBIT_NUMBER], thanks"
    );
}

#[test]
fn spans_are_told_in_characters() {
    let said = [utterance("Müller, äh, ja: 415-555-0132.", &[])];
    let found = section(&said, &detect(&said));
    let found = serde_json::to_value(&found).unwrap();
    assert_eq!(found["counts"], json!({"PHONE": 1}));
    assert_eq!(
        found["spans"],
        json!([{"turn": 0, "type": "PHONE", "begin_offset_char": 16, "end_offset_char": 28}])
    );
}

#[test]
fn words_are_masked_with_their_text_and_left_out_where_they_are_not_its() {
    let texts = |utterance: Utterance| -> Vec<String> {
        let words = redacted(&[utterance]).remove(0).words;
        words
            .iter()
            .map(|word| word.text.as_str().to_owned())
            .collect()
    };
    let own = utterance(
        "pin is 4 8 2 1 ok",
        &["pin", "is", "4", "8", "2", "1", "ok"],
    );
    assert_eq!(
        texts(own),
        ["pin", "is", "[PIN]", "[PIN]", "[PIN]", "[PIN]", "ok"]
    );
    let others = utterance("thanks", &["four", "eight", "two", "one"]);
    assert_eq!(texts(others), [""; 0]);
    let hidden = utterance("the card: 4111", &["the", "card", "4111 1111 1111 1111"]);
    assert_eq!(texts(hidden), [""; 0]);
}

#[test]
fn all_are_counted_and_the_first_thousand_listed() {
    let said: Vec<Utterance> = (0..1_001)
        .map(|_| utterance("my phone is 415-555-0132", &[]))
        .collect();
    let found = section(&said, &detect(&said));
    assert_eq!(found.counts[&EntityType::Phone], 1_001);
    assert_eq!(found.spans.len(), 1_000);
}

#[test]
fn a_mask_longer_than_the_text_allows_is_cut_at_its_end() {
    let text = "my pin is 4821 ".repeat(666);
    let shown = redacted(&[utterance(&text, &[])]);
    assert!(shown[0].text.as_str().chars().count() <= 10_000);
    assert!(!shown[0].text.as_str().contains("4821"));
}

proptest! {
    #[test]
    fn spans_stand_in_order_on_the_borders_of_characters(said in prop::collection::vec(any::<String>(), 0..6)) {
        let spans = detect_in(said.iter().map(|text| ("customer", text.as_str())));
        for span in &spans {
            prop_assert!(said[span.turn].get(span.begin..span.end).is_some_and(|text| !text.is_empty()));
        }
        for pair in spans.windows(2) {
            prop_assert!((pair[0].turn, pair[0].end) <= (pair[1].turn, pair[1].begin));
        }
    }

    #[test]
    fn digits_and_words_in_any_order_bring_nothing_down(
        said in prop::collection::vec("((one|two|oh|double|forty|hundred|[0-9]{1,6}|at|dot|com|card|born|may|mm)[ ,.@/-]){0,40}", 0..8)
    ) {
        let turns = said.iter().enumerate().map(|(at, text)| (["a", "b"][at % 2], text.as_str()));
        for span in detect_in(turns) {
            prop_assert!(said[span.turn].get(span.begin..span.end).is_some());
        }
    }
}
