//! Reading a transcript: what is accepted, and that everything that is wrong is named at once.

use onhook::domain::{
    fault::Fault,
    transcript::{
        OFFSET_MS_MAX, PARTICIPANTS_MAX, TEXT_CHARS_MAX, Transcript, UTTERANCES_MAX, Utterance,
        WORDS_MAX, draft::Draft,
    },
};
use serde_json::{Value, json};

fn parse(body: &Value) -> Result<Transcript, Vec<Fault>> {
    serde_json::from_str::<Draft>(&body.to_string())
        .unwrap()
        .parse()
}

/// The refused fields and their codes, in the order in which they were found.
fn refused(body: &Value) -> Vec<(String, &'static str)> {
    let faults = parse(body).unwrap_err();
    faults.into_iter().map(|f| (f.field, f.code)).collect()
}

fn utterance(changes: Value) -> Value {
    let mut utterance = json!({"speaker": "agent", "text": "Hello.", "begin_ms": 0, "end_ms": 900});
    for (key, value) in changes.as_object().unwrap() {
        utterance[key] = value.clone();
    }
    utterance
}

#[test]
fn a_full_utterance_is_kept_as_given() {
    let mut full = utterance(json!({
        "participant_id": "a-1",
        "confidence": 0.93,
        "words": [{"text": "Hello.", "begin_ms": 0, "end_ms": 900, "confidence": 1}],
    }));
    let transcript = parse(&json!({"language": "en-GB", "utterances": [&full]})).unwrap();
    let mut kept = serde_json::to_value(transcript.utterances()).unwrap();
    assert_eq!(kept[0]["words"][0]["confidence"].take(), json!(1.0));
    full["words"][0]["confidence"].take();
    assert_eq!(kept[0], full);
    assert_eq!(transcript.language().unwrap().as_str(), "en-GB");
    assert_eq!(transcript.lines(), "agent: Hello.");
}

#[test]
fn every_bad_field_of_every_utterance_is_named_at_once() {
    let body = json!({"language": "english!", "utterances": [
        utterance(json!({})),
        utterance(json!({"speaker": "boss", "text": "", "begin_ms": "0", "end_ms": -1})),
        utterance(json!({"begin_ms": 10, "end_ms": 9})),
        {},
        "hello",
        utterance(json!({"text": "a\u{0}b", "confidence": 1.5, "participant_id": ""})),
        utterance(json!({"words": [{"text": "Hi", "begin_ms": 5, "end_ms": 1}, {}]})),
        utterance(json!({"begin_ms": 1.5, "words": 3, "participant_id": 7})),
    ]});
    let expected = [
        ("language", "invalid"),
        ("utterances[1].speaker", "invalid"),
        ("utterances[1].text", "invalid"),
        ("utterances[1].begin_ms", "invalid"),
        ("utterances[1].end_ms", "invalid"),
        ("utterances[2].end_ms", "invalid"),
        ("utterances[3].speaker", "missing"),
        ("utterances[3].text", "missing"),
        ("utterances[3].begin_ms", "missing"),
        ("utterances[3].end_ms", "missing"),
        ("utterances[4]", "invalid"),
        ("utterances[5].participant_id", "invalid"),
        ("utterances[5].text", "invalid"),
        ("utterances[5].confidence", "invalid"),
        ("utterances[6].words[0].end_ms", "invalid"),
        ("utterances[7].participant_id", "invalid"),
        ("utterances[7].begin_ms", "invalid"),
        ("utterances[7].words", "invalid"),
    ]
    .map(|(field, code)| (field.to_owned(), code));
    assert_eq!(refused(&body), expected);
}

#[test]
fn a_body_of_another_shape_is_a_named_fault() {
    for (body, field) in [
        (json!([]), "body"),
        (json!("x"), "body"),
        (json!(null), "body"),
        (json!({}), "utterances"),
        (json!({"utterances": []}), "utterances"),
        (json!({"utterances": {}}), "utterances"),
        (json!({"utterances": true}), "utterances"),
    ] {
        let faults = parse(&body).unwrap_err();
        assert_eq!(faults[0].field, field, "{body}");
        assert_eq!(faults.len(), 1, "{body}");
    }
}

#[test]
fn bounds_hold_and_one_more_is_refused() {
    let text =
        |length: usize| json!({"utterances": [utterance(json!({"text": "é".repeat(length)}))]});
    let count = |n: usize| json!({"utterances": vec![utterance(json!({})); n]});
    let word = json!({"text": "w", "begin_ms": 0, "end_ms": 0});
    let words =
        |n: usize| json!({"utterances": [utterance(json!({"words": vec![word.clone(); n]}))]});
    let offset = |end: u32| json!({"utterances": [utterance(json!({"end_ms": end}))]});
    let people = |n: usize| {
        let said =
            |i: usize| utterance(json!({"speaker": "unknown", "participant_id": format!("{i}")}));
        json!({"utterances": (0..n).map(said).collect::<Vec<_>>()})
    };
    for (most, one_more, field, code) in [
        (
            text(TEXT_CHARS_MAX),
            text(TEXT_CHARS_MAX + 1),
            "utterances[0].text",
            "too_long",
        ),
        (
            count(UTTERANCES_MAX),
            count(UTTERANCES_MAX + 1),
            "utterances",
            "too_long",
        ),
        (
            words(WORDS_MAX),
            words(WORDS_MAX + 1),
            "utterances[0].words",
            "too_long",
        ),
        (
            offset(OFFSET_MS_MAX),
            offset(OFFSET_MS_MAX + 1),
            "utterances[0].end_ms",
            "invalid",
        ),
        (
            people(PARTICIPANTS_MAX),
            people(PARTICIPANTS_MAX + 1),
            "utterances[32].participant_id",
            "invalid",
        ),
    ] {
        assert!(
            parse(&most).is_ok_and(|t| !t.utterances().is_empty()),
            "{field}"
        );
        assert_eq!(refused(&one_more), [(field.to_owned(), code)]);
    }
}

#[test]
fn unknown_speakers_are_told_apart_by_their_id_but_not_taken_for_a_role() {
    let unknown = |id: &str| utterance(json!({"speaker": "unknown", "participant_id": id}));
    let transcript = parse(&json!({"utterances": [unknown("spk_0"), unknown("spk_1")]})).unwrap();
    let names: Vec<&str> = transcript
        .utterances()
        .iter()
        .map(Utterance::participant)
        .collect();
    assert_eq!(names, ["spk_0", "spk_1"]);
    assert_eq!(
        refused(&json!({"utterances": [unknown("customer")]})),
        [("utterances[0].participant_id".to_owned(), "invalid")]
    );
}
