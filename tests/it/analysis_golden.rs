//! The output of every analyser over all fixtures, as it was recorded: it changes with the analyser's version, or not at all.
//!
//! After a version was raised the test writes what there is to be recorded, and says where.

use std::{collections::BTreeMap, fs, io::Write as _, path::Path};

use onhook::{
    audio::{decode::Stop, listen},
    domain::{
        analysis::{
            Section, SkipReason,
            settings::{SentimentProfile, Settings},
        },
        recording::Reading,
        sound::Sound,
    },
};
use serde_json::{Value, json};

use crate::{
    analysis_pure::{fixture, json_fixture},
    analysis_run::{answered, call, findings, material},
};
use onhook::domain::{report::ReportKind, state::EndState};

/// What each analyser makes.
const MAKES: [(&str, &[&str]); 7] = [
    ("call-events", &["call_metrics", "outcome"]),
    ("timing", &["conversation_characteristics", "quality_flags"]),
    ("vader-call-en", &["sentiment"]),
    ("vader", &["sentiment"]),
    ("pii-rules", &["pii"]),
    (
        "content-rules",
        &[
            "key_phrases",
            "highlights",
            "categories",
            "voicemail",
            "summary",
        ],
    ),
    ("whatlang", &["language_code", "language_source"]),
];

/// Utterances of both sides in turn, four seconds each.
fn spoken<'t>(lines: impl Iterator<Item = &'t str>) -> Value {
    let said: Vec<Value> = lines
        .enumerate()
        .map(|(at, text)| {
            let speaker = if at % 2 == 0 { "agent" } else { "customer" };
            json!({"speaker": speaker, "text": text, "begin_ms": at * 4_000, "end_ms": at * 4_000 + 3_500})
        })
        .collect();
    json!({ "utterances": said })
}

/// Every fixture as the body of a transcript.
fn transcripts() -> Vec<Value> {
    let mut bodies = Vec::new();
    for case in json_fixture("conversations.json").as_array().unwrap() {
        let said: Vec<Value> = case["utterances"].as_array().unwrap().iter()
            .map(|u| json!({"speaker": u["p"], "begin_ms": u["b"], "end_ms": u["e"], "text": u["text"]}))
            .collect();
        bodies.push(json!({ "utterances": said }));
    }
    let first = |line: &str| line.split('\t').next().unwrap().to_owned();
    for name in ["pii_gold.tsv", "pii_turns.tsv", "plain_dialogue.txt"] {
        let text = fixture(name);
        let lines: Vec<String> = text.lines().map(first).collect();
        bodies.push(spoken(lines.iter().map(String::as_str)));
    }
    let vectors = fixture("vader_vectors.tsv");
    let texts: Vec<String> = vectors
        .lines()
        .skip(1)
        .map(|line| serde_json::from_str(line.splitn(5, '\t').nth(4).unwrap()).unwrap())
        .filter(|text: &String| !text.trim().is_empty() && !text.contains('\0'))
        .collect();
    bodies.push(spoken(texts.iter().map(String::as_str)));
    bodies
}

/// What was heard in the fixture recordings and what follows from it alone: entries of their own, so that those of transcripts stay.
fn heard() -> BTreeMap<String, (String, Vec<Value>)> {
    let mut heard: BTreeMap<String, (String, Vec<Value>)> = BTreeMap::new();
    for (name, agent_channel) in [
        ("call_dual_8k_ulaw.wav", "first"),
        ("call_dual.mp3", "second"),
        ("call_dual.opus", "first"),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/analysis");
        let bytes = fs::read(path.join(name)).unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let listened = listen(&file, &Stop::default()).unwrap();
        let sound = Sound {
            codec: listened.decoded.format.codec,
            sample_rate_hz: listened.decoded.format.file_rate,
            duration_ms: listened.duration_ms,
            bytes: bytes.len().try_into().unwrap(),
            sha256: String::new(),
            damaged: listened.decoded.damaged,
            voices: listened.voices,
        };
        let spans = serde_json::to_value(&sound.voices).unwrap();
        let mut material = material(&answered(59_000), None);
        let wish = json!({"recordings": {"fetch": true, "agent_channel": agent_channel}});
        material.settings = Settings::read(&wish).unwrap();
        material.reading = Some(Reading {
            sound: Section::Completed(sound),
            transcription: Section::Skipped {
                reason: SkipReason::Disabled,
            },
        });
        let found = findings(&material);
        let version = |of: &str| {
            let made = found["analyzers"].as_array().unwrap();
            let made = made.iter().find(|made| made["name"] == of).unwrap();
            made["version"].as_str().unwrap().to_owned()
        };
        let voices = ("voice-activity", vec![spans, found["recording"].clone()]);
        let timing = [
            found["conversation_characteristics"].clone(),
            found["quality_flags"].clone(),
        ];
        for (of, sections) in [voices, ("timing", timing.to_vec())] {
            let name = if of == "timing" {
                "timing of voices"
            } else {
                of
            };
            let entry = heard.entry(name.to_owned());
            let (_, all) = entry.or_insert((version(of), Vec::new()));
            all.extend(sections);
        }
    }
    heard
}

/// What each analyser made of everything, and its version.
fn made() -> BTreeMap<String, (String, String)> {
    let settings = |profile: &str| {
        let body = json!({
            "sentiment": {"profile": profile, "words": {"broken": -2.5, "great": null}},
            "categories": [
                {"name": "refund", "phrases": ["refund", "money back"]},
                {"name": "no thanks", "phrases": ["thank you"], "speaker": "agent", "negate": true},
                {"name": "early", "phrases": ["how can i *"], "first_seconds": 10},
            ],
        });
        Settings::read(&body).unwrap()
    };
    let missed = call(&[
        (ReportKind::Ringing, 0),
        (ReportKind::Ended(EndState::Busy), 9_000),
    ]);
    let mut materials = vec![material(&missed, None), material(&answered(7_000), None)];
    for body in transcripts() {
        for (language, profile) in [
            (None, SentimentProfile::Call),
            (Some("en"), SentimentProfile::Plain),
            (Some("de"), SentimentProfile::Call),
        ] {
            let mut body = body.clone();
            body["language"] = json!(language);
            let mut material = material(&answered(600_000), Some(body));
            material.settings = settings(if profile == SentimentProfile::Call {
                "call"
            } else {
                "plain"
            });
            materials.push(material);
        }
    }
    let mut made = heard();
    for material in materials {
        let found = findings(&material);
        for analyzer in found["analyzers"].as_array().unwrap() {
            let name = analyzer["name"].as_str().unwrap();
            let (_, sections) = MAKES.iter().find(|(known, _)| *known == name).unwrap();
            let version = analyzer["version"].as_str().unwrap().to_owned();
            let (_, of_analyzer) = made.entry(name.to_owned()).or_insert((version, Vec::new()));
            of_analyzer.extend(sections.iter().map(|section| found[section].clone()));
        }
    }
    let hashed = made.into_iter().map(|(name, (version, sections))| {
        let bytes = serde_json::to_vec(&sections).unwrap();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
        (name, (version, hex::encode(digest)))
    });
    hashed.collect()
}

#[test]
fn output_changes_only_with_the_version_of_its_analyser() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/analysis/golden.json");
    let recorded = fs::read_to_string(&path).unwrap_or_else(|_| "{}".to_owned());
    let recorded: BTreeMap<String, (String, String)> = serde_json::from_str(&recorded).unwrap();
    let made = made();
    let voices = 2;
    assert_eq!(
        made.len(),
        MAKES.len() + voices,
        "every analyser has made something"
    );
    for (name, (version, sha256)) in &made {
        if let Some((known_version, known)) = recorded.get(name) {
            assert!(
                version != known_version || sha256 == known,
                "{name} {version} makes something else than it did: raise its version in src/analysis/run/analyzers.rs"
            );
        }
    }
    let text = serde_json::to_string_pretty(&made).unwrap() + "\n";
    let offered = offered("golden.json", &text);
    assert_eq!(
        made,
        recorded,
        "record the new version: cp {offered} {}",
        path.display()
    );
}

/// Writes a file from which a fixture can be recorded; its path.
pub(crate) fn offered(name: &str, text: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).unwrap();
    path.display().to_string()
}
