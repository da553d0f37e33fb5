//! The whole of an analysis, without a database: levels, outcomes, flags, and what a fault in a section does.

use chrono::{DateTime, TimeDelta, Utc};
use onhook::{
    analysis::{
        call_metrics::CallFacts,
        insights::Told,
        run::{Material, analyse, analyse_with, failed},
    },
    domain::{
        analysis::{Settings, TranscriptSource, TurnSentiment},
        call::Call,
        id::{AccountId, CallId},
        lifecycle::Lifecycle,
        report::{Facts, ProviderCallId, ProviderName, Report, ReportKind},
        state::{Direction, EndState},
        termination::{Termination, TerminationPart, TerminationState},
        transcript::draft::Draft,
    },
};
use serde_json::{Value, json};

use crate::analysis_golden::offered;

fn at(ms: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::milliseconds(1_700_000_000_000 + ms)
}

/// An inbound call of which these things were reported, in milliseconds from its start.
pub(crate) fn call(reports: &[(ReportKind, i64)]) -> Call {
    let mut life = Lifecycle::default();
    for (kind, ms) in reports {
        let facts = Facts {
            direction: Some(Direction::Inbound),
            ..Facts::default()
        };
        life.absorb(&Report::new(*kind, at(*ms), facts));
    }
    Call {
        life,
        ..Call::unknown(
            AccountId::generate(),
            CallId::generate(),
            ProviderName::voip(),
            ProviderCallId::parse("call-1").unwrap(),
            at(0),
        )
    }
}

pub(crate) fn answered(talk_ms: i64) -> Call {
    call(&[
        (ReportKind::Queued, 0),
        (ReportKind::Ringing, 500),
        (ReportKind::Answered, 6_700),
        (ReportKind::Ended(EndState::Completed), 6_700 + talk_ms),
    ])
}

pub(crate) fn material(call: &Call, transcript: Option<Value>) -> Material {
    let transcript = transcript.map(|body| {
        let draft: Draft = serde_json::from_value(body).unwrap();
        (TranscriptSource::Caller, draft.parse().unwrap())
    });
    Material {
        facts: CallFacts::of(call, &[]),
        transcript,
        settings: Settings::default(),
        insights: Told::default(),
        reading: None,
    }
}

pub(crate) fn findings(material: &Material) -> Value {
    serde_json::to_value(analyse(material).findings).unwrap()
}

fn talk(language: Option<&str>) -> Value {
    json!({"language": language, "utterances": [
        {"speaker": "agent", "text": "How can I help you today?", "begin_ms": 500, "end_ms": 5_000},
        {"speaker": "customer", "text": "This is terrible service.", "begin_ms": 17_000, "end_ms": 22_000},
    ]})
}

#[test]
fn a_call_without_transcript_has_its_call_level_section_and_says_why_nothing_else() {
    let found = findings(&material(&answered(58_882), None));
    assert_eq!(found["status"], "completed");
    assert_eq!(found["analysis_level"], "call_events");
    assert_eq!(
        found["call_metrics"],
        json!({
            "status": "completed", "method": "call_events", "setup_ms": 500, "ring_ms": 6_200,
            "talk_duration_ms": 58_882, "total_ms": 65_582, "answered": true, "answered_by": "unknown",
            "disposition": "completed", "ended_by": "unknown", "short_call": false, "abandoned": false,
        })
    );
    let skipped = json!({"status": "skipped", "reason": "NO_TRANSCRIPT"});
    assert_eq!(found["conversation_characteristics"], skipped);
    assert_eq!(found["sentiment"], skipped);
    assert_eq!(
        found["analyzers"],
        json!([{"name": "call-events", "version": "2"}, {"name": "content-rules", "version": "1"}])
    );
    assert_eq!(found["input"]["timing_source"], "call_events_only");
}

#[test]
fn outcomes_follow_the_rules() {
    let unanswered = |end| call(&[(ReportKind::Ringing, 0), (ReportKind::Ended(end), 20_000)]);
    for (call, outcome, abandoned) in [
        (unanswered(EndState::NoAnswer), "no_contact", false),
        (unanswered(EndState::Busy), "no_contact", false),
        (unanswered(EndState::Canceled), "no_contact", true),
        (unanswered(EndState::Voicemail), "voicemail", false),
        (answered(9_999), "short_call", false),
        (answered(10_000), "unknown", false),
    ] {
        let found = findings(&material(&call, None));
        assert_eq!(found["outcome"]["value"], outcome);
        assert_eq!(found["call_metrics"]["abandoned"], abandoned);
    }
}

/// That something was asked of the provider to end the call.
fn asked_to_end() -> Termination {
    Termination {
        part: TerminationPart::Provider,
        state: TerminationState::Skipped,
        connection_id: None,
        detail: None,
        attempts: 0,
        requested_at: at(0),
        updated_at: at(0),
    }
}

#[test]
fn a_call_that_was_ended_here_was_not_abandoned() {
    let call = call(&[
        (ReportKind::Ringing, 0),
        (ReportKind::Ended(EndState::Canceled), 9_000),
    ]);
    let material = Material {
        facts: CallFacts::of(&call, &[asked_to_end()]),
        transcript: None,
        settings: Settings::default(),
        insights: Told::default(),
        reading: None,
    };
    let found = findings(&material);
    assert_eq!(found["call_metrics"]["ended_by"], "api");
    assert_eq!(found["call_metrics"]["abandoned"], false);
}

#[test]
fn a_transcript_gives_every_section_and_the_flags() {
    let found = findings(&material(&answered(30_000), Some(talk(Some("en-US")))));
    assert_eq!(found["status"], "completed");
    assert_eq!(found["analysis_level"], "transcript");
    assert_eq!(found["language_code"], "en-US");
    assert_eq!(found["sentiment"]["label"]["customer"], "negative");
    assert_eq!(found["sentiment"]["method"], "vader_call");
    assert_eq!(
        found["conversation_characteristics"]["total_conversation_duration_ms"],
        30_000
    );
    assert_eq!(
        found["quality_flags"],
        json!(["dead_air", "negative_ending"])
    );
}

#[test]
fn a_transcript_longer_than_the_call_is_kept_whole_and_flagged() {
    let found = findings(&material(&answered(20_000), Some(talk(None))));
    assert_eq!(
        found["conversation_characteristics"]["total_conversation_duration_ms"],
        22_000
    );
    let flags = found["quality_flags"].as_array().unwrap();
    assert!(
        flags.contains(&json!("transcript_exceeds_call")),
        "{flags:?}"
    );
}

#[test]
fn a_language_that_the_lexicon_does_not_know_skips_sentiment_alone() {
    let found = findings(&material(&answered(30_000), Some(talk(Some("de")))));
    assert_eq!(
        found["sentiment"],
        json!({"status": "skipped", "reason": "LANGUAGE_NOT_SUPPORTED"})
    );
    assert_eq!(found["conversation_characteristics"]["status"], "completed");
    assert_eq!(found["status"], "completed");
}

#[test]
fn a_fault_in_one_section_is_that_sections_status() {
    let material = material(&answered(30_000), Some(talk(None)));
    let faulty = analyse_with(&material, &|_text| panic!("a fault, on purpose"));
    let found = serde_json::to_value(&faulty.findings).unwrap();
    assert_eq!(found["status"], "partial");
    assert_eq!(
        found["sentiment"],
        json!({"status": "failed", "reason": "INTERNAL_ERROR"})
    );
    assert_eq!(found["conversation_characteristics"]["status"], "completed");
    assert_eq!(faulty.turn_compounds, None);
    assert_eq!(
        serde_json::to_value(failed(&material)).unwrap()["status"],
        "failed"
    );
}

#[test]
fn equal_input_gives_equal_bytes_and_other_input_another_hash() {
    let (call, other) = (answered(30_000), answered(30_001));
    let first = material(&call, Some(talk(None)));
    let again = material(&call, Some(talk(None)));
    let bytes = |material| serde_json::to_vec(&analyse(material).findings).unwrap();
    assert_eq!(bytes(&first), bytes(&again));
    assert_eq!(first.hash(), again.hash());
    let others = [
        material(&call, None),
        material(&call, Some(talk(Some("en")))),
        material(&other, Some(talk(None))),
    ];
    for other in others {
        assert_ne!(first.hash(), other.hash());
    }
}

/// The analysis that `openapi.yaml` shows is what comes out.
#[test]
fn the_documented_example_is_what_comes_out() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/api/document/story/analysis.json");
    let mut example: Value =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let turns = example["transcript"].as_array().unwrap();
    let said: Vec<Value> = turns
        .iter()
        .map(|turn| {
            json!({
                "speaker": turn["speaker"], "text": turn["text"],
                "begin_ms": turn["begin_offset_ms"], "end_ms": turn["end_offset_ms"],
            })
        })
        .collect();
    let call = call(&[
        (ReportKind::Queued, 0),
        (ReportKind::Answered, 319),
        (ReportKind::Ended(EndState::Completed), 13_248),
    ]);
    let mut material = material(&call, Some(json!({"language": "en", "utterances": said})));
    material.facts = CallFacts::of(&call, &[asked_to_end()]);
    let analysed = analyse(&material);
    let compounds = analysed.turn_compounds.unwrap();
    let found = serde_json::to_value(&analysed.findings).unwrap();
    let shown = example.clone();
    for (name, value) in found.as_object().unwrap() {
        example[name] = value.clone();
    }
    // The hash covers when the call was, which the story does not say.
    example["input"]["input_hash"] = shown["input"]["input_hash"].clone();
    for (turn, compound) in example["transcript"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .zip(compounds)
    {
        turn["sentiment"] = serde_json::to_value(TurnSentiment::of(compound)).unwrap();
    }
    let text = serde_json::to_string_pretty(&example).unwrap();
    let offered = offered("analysis.json", &text);
    assert_eq!(shown, example, "what comes out is in {offered}");
}
