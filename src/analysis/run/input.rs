//! The hash of everything that goes into an analysis: the SHA-256 of its JSON, by which revisions are known.
//!
//! Nearly all of that JSON is what was said. Utterances are written here and not by serde, which looks at every byte of every
//! key again: to write them took longer than to hash them. A test holds them equal.

use serde::Serialize;

use super::{Material, analyzers};
use crate::{
    analysis::{call_metrics::CallFacts, digest::sha256, insights::Told},
    domain::{
        analysis::{Analyzer, PrivacySettings, SCHEMA_VERSION, Settings, TranscriptSource},
        recording::Reading,
        transcript::{Language, SpeakerRole, Times, Utterance},
    },
};

/// What is hashed beside the utterances, and of an utterance beside its text, in bytes: about so much.
const CALL_BYTES: usize = 2_048;
const UTTERANCE_BYTES: usize = 80;

/// The hash of everything that goes into an analysis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputHash([u8; 32]);

impl InputHash {
    /// The hash.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What stands before the utterances.
#[derive(Serialize)]
struct Before<'a> {
    schema_version: u16,
    analyzers: [Analyzer; 6],
    facts: &'a CallFacts,
    transcript_source: Option<TranscriptSource>,
    language: Option<&'a Language>,
}

/// What stands behind them.
#[derive(Serialize)]
struct Behind<'a> {
    settings: Settings,
    insights: &'a Told,
    timed: Option<bool>,
    reading: Option<&'a Reading>,
}

impl Material {
    /// The hash of the material and of the analysers' versions.
    pub fn hash(&self) -> InputHash {
        InputHash(sha256(&self.json()))
    }

    /// One object of both, with the utterances between them.
    fn json(&self) -> Vec<u8> {
        let transcript = self.transcript.as_ref();
        let utterances = transcript.map(|(_, transcript)| transcript.utterances());
        let said = utterances.unwrap_or_default().iter();
        let said_bytes: usize = said
            .map(|said| said.text.as_str().len() + UTTERANCE_BYTES)
            .sum();
        let mut json = Vec::with_capacity(CALL_BYTES + said_bytes);
        let before = Before {
            schema_version: SCHEMA_VERSION,
            analyzers: [
                analyzers::CALL_EVENTS,
                analyzers::TIMING,
                analyzers::sentiment(self.settings.sentiment.profile),
                analyzers::PII,
                analyzers::CONTENT,
                analyzers::LANGUAGE,
            ],
            facts: &self.facts,
            transcript_source: transcript.map(|(source, _)| *source),
            language: transcript.and_then(|(_, transcript)| transcript.language()),
        };
        write(&mut json, &before);
        json.pop();
        json.extend_from_slice(br#","utterances":"#);
        match utterances {
            Some(utterances) => write_utterances(&mut json, utterances),
            None => json.extend_from_slice(b"null"),
        }
        let opening = json.len();
        let behind = Behind {
            // Who may see what does not change what is made.
            settings: Settings {
                privacy: PrivacySettings::default(),
                ..self.settings.clone()
            },
            insights: &self.insights,
            timed: transcript.map(|(_, transcript)| transcript.times() == Times::Given),
            reading: self.reading.as_ref(),
        };
        write(&mut json, &behind);
        if let Some(brace) = json.get_mut(opening) {
            *brace = b',';
        }
        json
    }
}

fn write(json: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(json, value).expect("facts and utterances are plain data");
}

fn write_utterances(json: &mut Vec<u8>, utterances: &[Utterance]) {
    let mut before = b'[';
    for utterance in utterances {
        json.push(before);
        write_utterance(json, utterance);
        before = b',';
    }
    if utterances.is_empty() {
        json.push(b'[');
    }
    json.push(b']');
}

fn write_utterance(json: &mut Vec<u8>, utterance: &Utterance) {
    let Utterance {
        speaker,
        participant_id,
        text,
        begin_ms,
        end_ms,
        confidence,
        words,
    } = utterance;
    json.extend_from_slice(match speaker {
        SpeakerRole::Agent => br#"{"speaker":"agent","#,
        SpeakerRole::Customer => br#"{"speaker":"customer","#,
        SpeakerRole::System => br#"{"speaker":"system","#,
        SpeakerRole::Unknown => br#"{"speaker":"unknown","#,
    });
    if let Some(id) = participant_id {
        json.extend_from_slice(br#""participant_id":"#);
        write(json, id);
        json.push(b',');
    }
    json.extend_from_slice(br#""text":"#);
    write_text(json, text.as_str());
    json.extend_from_slice(br#","begin_ms":"#);
    write(json, begin_ms);
    json.extend_from_slice(br#","end_ms":"#);
    write(json, end_ms);
    if let Some(confidence) = confidence {
        json.extend_from_slice(br#","confidence":"#);
        write(json, confidence);
    }
    if !words.is_empty() {
        json.extend_from_slice(br#","words":"#);
        write(json, words);
    }
    json.push(b'}');
}

/// A text as it is, between quotation marks; by serde, if there is something in it to escape.
fn write_text(json: &mut Vec<u8>, text: &str) {
    let is_escaped = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    // All of it, without stopping: sixteen bytes at a time.
    let any_escaped = text.bytes().fold(false, |any, byte| any | is_escaped(byte));
    if any_escaped {
        return write(json, &text);
    }
    json.push(b'"');
    json.extend_from_slice(text.as_bytes());
    json.push(b'"');
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json, to_vec};

    use super::{Utterance, write_utterances};

    #[test]
    fn utterances_are_written_as_serde_writes_them() {
        let controls: String = (1..=0x20).map(char::from).collect();
        let texts = [
            "",
            "How can I help you?",
            "\"Quoted\", C:\\back, and \u{7f}\u{80}\u{2028}d\u{e9}j\u{e0} \u{1f600}",
            controls.as_str(),
        ];
        let word = json!({"text": "a \"word\"", "begin_ms": 1, "end_ms": 2, "confidence": 0.1});
        let mut utterances = Vec::new();
        for (text, speaker) in texts
            .into_iter()
            .zip(["agent", "customer", "system", "unknown"])
        {
            let plain =
                json!({"speaker": speaker, "text": text, "begin_ms": 0, "end_ms": u32::MAX});
            let mut full = plain.clone();
            full["participant_id"] = json!("\"4\"");
            full["confidence"] = json!(0.3);
            full["words"] = json!([word, {"text": text, "begin_ms": 0, "end_ms": 0}]);
            utterances.extend([plain, full]);
        }
        let utterances: Vec<Utterance> = from_value(json!(utterances)).unwrap();
        for some in [&utterances[..], &utterances[..1], &[]] {
            let mut written = Vec::new();
            write_utterances(&mut written, some);
            assert_eq!(written, to_vec(some).unwrap());
        }
    }
}
