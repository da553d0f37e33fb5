//! The pure analysis: equal to the reference implementation and to Python's vaderSentiment, and the laws that hold for
//! every conversation. `tests/fixtures/analysis/SOURCE.md` says where the expected values come from.

use std::{fs, path::Path};

use onhook::{
    analysis::{sentiment, timing},
    domain::{
        analysis::{
            ConversationCharacteristics,
            settings::{SentimentProfile, SentimentSettings},
        },
        transcript::{Times, Transcript, draft::Draft},
    },
};
use proptest::prelude::*;
use serde_json::{Value, json};

pub(crate) fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/analysis");
    fs::read_to_string(folder.join(name)).unwrap()
}

pub(crate) fn json_fixture(name: &str) -> Value {
    serde_json::from_str(&fixture(name)).unwrap()
}

fn transcript(body: Value) -> Transcript {
    let draft: Draft = serde_json::from_value(body).unwrap();
    draft.parse().unwrap()
}

/// A transcript of `{"p","b","e","text"}`, as the vectors have it.
fn spoken(utterances: &Value) -> Transcript {
    let utterances: Vec<Value> = utterances
        .as_array()
        .unwrap()
        .iter()
        .map(
            |u| json!({"speaker": u["p"], "begin_ms": u["b"], "end_ms": u["e"], "text": u["text"]}),
        )
        .collect();
    transcript(json!({ "utterances": utterances }))
}

/// Every value of `expected` is in `actual`, which may have more.
fn assert_within(expected: &Value, actual: &Value, path: &str) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            for (key, value) in expected {
                let path = format!("{path}.{key}");
                assert_within(value, actual.get(key).unwrap_or(&Value::Null), &path);
            }
        }
        (Value::Array(expected), Value::Array(actual)) => {
            assert_eq!(expected.len(), actual.len(), "{path}");
            for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                assert_within(expected, actual, &format!("{path}[{index}]"));
            }
        }
        (Value::Number(expected), Value::Number(actual)) => {
            assert_eq!(expected.as_f64(), actual.as_f64(), "{path}");
        }
        _ => assert_eq!(expected, actual, "{path}"),
    }
}

/// The fixture call as a transcript.
pub(crate) fn fixture_call() -> Transcript {
    let ms = |seconds: &Value| -> Value {
        let whole = format!("{:.0}", seconds.as_f64().unwrap() * 1000.0);
        whole.parse().unwrap()
    };
    let said = json_fixture("call_truth.json").as_array().unwrap().iter()
        .map(|u| json!({"p": u["speaker"], "b": ms(&u["start"]), "e": ms(&u["end"]), "text": u["text"]}))
        .collect();
    spoken(&Value::Array(said))
}

/// The sentiment of a transcript, as the reference has it.
fn toned(transcript: &Transcript, profile: SentimentProfile) -> Value {
    let settings = SentimentSettings {
        profile,
        ..SentimentSettings::default()
    };
    let scorer = sentiment::scorer(&settings);
    let utterances = transcript.utterances();
    let compounds: Vec<f64> = utterances
        .iter()
        .map(|utterance| scorer.compound(utterance.text.as_str()))
        .collect();
    let tone = sentiment::sentiment((utterances, Times::Given), &compounds, &settings);
    let by_participant = tone.overall.iter().map(|(participant, overall)| {
        let tone = json!({
            "overall": overall,
            "change": tone.change[participant],
            "quarter": tone.by_period.quarter[participant],
        });
        (participant.clone(), tone)
    });
    Value::Object(by_participant.collect())
}

#[test]
fn the_fixture_call_has_the_numbers_of_the_reference() {
    let transcript = fixture_call();
    let timing = timing::timing(transcript.utterances(), Some(58_882));
    let mut expected = json_fixture("call_expected.json");
    let tone = expected
        .as_object_mut()
        .unwrap()
        .remove("sentiment")
        .unwrap();
    assert_within(&expected, &serde_json::to_value(timing).unwrap(), "");
    assert_within(
        &tone,
        &toned(&transcript, SentimentProfile::Call),
        "sentiment",
    );
}

#[test]
fn conversations_have_the_numbers_of_the_reference() {
    for (index, case) in json_fixture("conversations.json")
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
    {
        let transcript = spoken(&case["utterances"]);
        let utterances = transcript.utterances();
        let timing = timing::timing(utterances, case["duration_ms"].as_u64());
        let mut expected = case["expected"].clone();
        let tone = expected
            .as_object_mut()
            .unwrap()
            .remove("sentiment")
            .unwrap();
        assert_within(
            &expected,
            &serde_json::to_value(timing).unwrap(),
            &format!("{index}"),
        );

        let actual = toned(&transcript, SentimentProfile::Plain);
        assert_within(&tone, &actual, &format!("{index}"));
    }
}

#[test]
fn a_conversation_without_length_has_no_rates() {
    let silent = transcript(json!({"utterances": [
        {"speaker": "agent", "text": "mm", "begin_ms": 0, "end_ms": 0},
    ]}));
    let timing = timing::timing(silent.utterances(), None);
    assert_eq!(timing.talk_ratio["agent"], None);
    assert_eq!(timing.talk_percent["agent"], None);
    assert_eq!(timing.talk_speed_wpm["agent"], None);
    assert_eq!(timing.speaker_switches_per_minute, None);
    assert_eq!(timing.response_latency_ms["agent"], None);
    let tone = sentiment::sentiment(
        (silent.utterances(), Times::Given),
        &[0.4],
        &SentimentSettings::default(),
    );
    assert_eq!(tone.by_period.quarter["agent"][0].turns, 1);
}

#[test]
fn every_interruption_counts_and_the_first_thousand_are_listed() {
    let talk = |speaker: &str, begin: usize| json!({"speaker": speaker, "text": "one two three", "begin_ms": begin, "end_ms": 1_000_000});
    let said: Vec<Value> = (0..40)
        .flat_map(|n| [talk("agent", n * 20), talk("customer", n * 20 + 10)])
        .collect();
    let crowded = transcript(json!({ "utterances": said }));
    let cut_in = timing::timing(crowded.utterances(), None).interruptions;
    // Whoever begins later cuts in on everybody of the other side who began before.
    assert_eq!(cut_in.total_count, 40 * 41 / 2 + 39 * 40 / 2);
    assert_eq!(cut_in.instances.len(), 1_000);
}

/// Utterances of up to three participants within ten minutes.
fn conversations() -> impl Strategy<Value = Vec<(usize, u32, u32, &'static str)>> {
    let text = prop::sample::select(vec!["yes", "thank you so much", "no!", "are you sure?"]);
    prop::collection::vec((0..3_usize, 0..600_000_u32, 0..20_000_u32, text), 1..40)
}

fn given(said: &[(usize, u32, u32, &'static str)], shift: u32) -> Transcript {
    let utterances: Vec<Value> = said
        .iter()
        .map(|(who, begin, length, text)| {
            let begin = begin + shift;
            let speaker = ["agent", "customer", "system"][*who];
            json!({"speaker": speaker, "text": text, "begin_ms": begin, "end_ms": begin + length})
        })
        .collect();
    transcript(json!({ "utterances": utterances }))
}

fn timed(said: &[(usize, u32, u32, &'static str)], shift: u32) -> ConversationCharacteristics {
    timing::timing(given(said, shift).utterances(), None)
}

proptest! {
    #[test]
    fn time_is_neither_made_nor_lost(said in conversations()) {
        let timing = timed(&said, 0);
        let duration = timing.total_conversation_duration_ms;
        for talk in timing.talk_time.by_participant.values() {
            prop_assert!(*talk <= duration);
        }
        let somebody = timing.talk_time.total_ms - timing.overlap_ms;
        prop_assert_eq!(somebody + timing.silence_ms, duration);
        prop_assert!(timing.non_talk_time.total_ms <= timing.silence_ms);
    }

    #[test]
    fn the_order_in_which_utterances_are_given_does_not_matter(said in conversations()) {
        let mut reversed = said.clone();
        reversed.reverse();
        prop_assert_eq!(given(&said, 0), given(&reversed, 0));
    }

    #[test]
    fn a_later_start_moves_nothing_but_offsets(said in conversations(), shift in 0..60_000_u32) {
        let (early, late) = (timed(&said, 0), timed(&said, shift));
        prop_assert_eq!(&early.talk_time, &late.talk_time);
        prop_assert_eq!(&early.talk_ratio, &late.talk_ratio);
        prop_assert_eq!(early.overlap_ms, late.overlap_ms);
        prop_assert_eq!(early.silence_ms + u64::from(shift), late.silence_ms);
        prop_assert_eq!(early.interruptions.total_ms, late.interruptions.total_ms);
        prop_assert_eq!(&early.response_latency_ms, &late.response_latency_ms);
        prop_assert_eq!(&early.longest_monologue_ms, &late.longest_monologue_ms);
        prop_assert_eq!(&early.turn_count, &late.turn_count);
    }
}
