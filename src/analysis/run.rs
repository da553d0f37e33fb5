//! The whole of an analysis: facts and transcript in, findings out. Equal input gives equal findings.
//!
//! Sections are independent: a fault in one is that section's status, not the end of the others.

use std::panic::{AssertUnwindSafe, catch_unwind};

use aws_lc_rs::digest;
use serde::Serialize;

use super::{
    call_metrics::{CallFacts, call_metrics},
    outcome::outcome,
    quality,
    sentiment::{is_supported, sentiment},
    timing::timing,
};
use crate::domain::{
    analysis::{
        AnalysisLevel, AnalysisStatus, Analyzer, ConversationCharacteristics, FailReason, Findings,
        Input, LanguageSource, QualityFlag, SCHEMA_VERSION, Section, Sentiment, Settings,
        SkipReason, TimingSource, TranscriptSource,
    },
    transcript::{Language, Times, Transcript, Utterance},
};

/// Makes the call-level section, and the outcome by its rules.
const CALL_EVENTS: Analyzer = Analyzer {
    name: "call-events",
    version: "1",
};
/// Makes the timing section.
const TIMING: Analyzer = Analyzer {
    name: "timing",
    version: "1",
};
/// Makes the sentiment section.
const VADER: Analyzer = Analyzer {
    name: "vader",
    version: "3.3.2",
};

/// What an analysis has to go by.
#[derive(Debug, Clone, PartialEq)]
pub struct Material {
    /// The call's record.
    pub facts: CallFacts,
    /// The transcript, if there is one.
    pub transcript: Option<(TranscriptSource, Transcript)>,
    /// What the account wants.
    pub settings: Settings,
}

/// The hash of everything that goes into an analysis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputHash([u8; 32]);

/// An analysis before it is a revision.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysed {
    /// What was found.
    pub findings: Findings,
    /// The compound score of each utterance of the transcript, where sentiment was made.
    pub turn_compounds: Option<Vec<f64>>,
}

impl InputHash {
    /// The hash.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Material {
    /// The hash of the material and of the analysers' versions.
    pub fn hash(&self) -> InputHash {
        #[derive(Serialize)]
        struct Hashed<'a> {
            schema_version: u16,
            analyzers: [Analyzer; 3],
            facts: &'a CallFacts,
            transcript_source: Option<TranscriptSource>,
            language: Option<&'a Language>,
            utterances: Option<&'a [Utterance]>,
            settings: &'a Settings,
            timed: Option<bool>,
        }
        let transcript = self.transcript.as_ref();
        let hashed = Hashed {
            schema_version: SCHEMA_VERSION,
            analyzers: [CALL_EVENTS, TIMING, VADER],
            facts: &self.facts,
            transcript_source: transcript.map(|(source, _)| *source),
            language: transcript.and_then(|(_, transcript)| transcript.language()),
            utterances: transcript.map(|(_, transcript)| transcript.utterances()),
            settings: &self.settings,
            timed: transcript.map(|(_, transcript)| transcript.times() == Times::Given),
        };
        let bytes = serde_json::to_vec(&hashed).expect("facts and utterances are plain data");
        let mut hash = [0; 32];
        for (byte, digested) in hash
            .iter_mut()
            .zip(digest::digest(&digest::SHA256, &bytes).as_ref())
        {
            *byte = *digested;
        }
        InputHash(hash)
    }

    fn language(&self) -> Option<&Language> {
        let (_, transcript) = self.transcript.as_ref()?;
        transcript.language()
    }
}

/// Makes every section. `score` gives a text's compound score: [`super::sentiment::vader_compound`].
pub fn analyse(material: &Material, score: &dyn Fn(&str) -> f64) -> Analysed {
    let (facts, settings) = (&material.facts, &material.settings);
    let call_metrics = Section::from(guarded("call_metrics", || {
        call_metrics(facts, settings.short_call_seconds)
    }));
    let speech = match &material.transcript {
        None => Speech::none(),
        Some((_, transcript)) => Speech::of(transcript, facts.talk_ms(), score),
    };
    let findings = Findings {
        outcome: call_metrics.completed().map(outcome),
        call_metrics,
        conversation_characteristics: speech.conversation,
        sentiment: speech.sentiment,
        quality_flags: speech.quality_flags,
        ..failed(material)
    };
    Analysed {
        findings: judged(findings),
        turn_compounds: speech.turn_compounds,
    }
}

/// What is told of a call of which nothing could be made.
pub fn failed(material: &Material) -> Findings {
    let source = material.transcript.as_ref().map(|(source, _)| *source);
    let language_code = material.language().cloned();
    let analysis_level = match source {
        Some(_) => AnalysisLevel::Transcript,
        None => AnalysisLevel::CallEvents,
    };
    let times = material.transcript.as_ref().map(|(_, said)| said.times());
    let timing_source = match times {
        Some(Times::Given) => TimingSource::Utterances,
        Some(Times::Absent) | None => TimingSource::CallEventsOnly,
    };
    let reason = FailReason::InternalError;
    Findings {
        status: AnalysisStatus::Failed,
        analysis_level,
        language_source: language_code.as_ref().map(|_| LanguageSource::Caller),
        language_code,
        input: Input {
            transcript_source: source,
            timing_source,
            input_hash: format!("sha256:{}", hex::encode(material.hash().as_bytes())),
        },
        analyzers: Vec::new(),
        call_metrics: Section::Failed { reason },
        conversation_characteristics: Section::Failed { reason },
        sentiment: Section::Failed { reason },
        outcome: None,
        quality_flags: None,
    }
}

/// What is made of a transcript.
struct Speech {
    conversation: Section<ConversationCharacteristics>,
    sentiment: Section<Sentiment>,
    turn_compounds: Option<Vec<f64>>,
    quality_flags: Option<Vec<QualityFlag>>,
}

impl Speech {
    fn none() -> Self {
        let reason = SkipReason::NoTranscript;
        Self {
            conversation: Section::Skipped { reason },
            sentiment: Section::Skipped { reason },
            turn_compounds: None,
            quality_flags: Some(Vec::new()),
        }
    }

    fn of(transcript: &Transcript, talk_ms: Option<u64>, score: &dyn Fn(&str) -> f64) -> Self {
        let utterances = transcript.utterances();
        let conversation = match transcript.times() {
            Times::Given => Section::from(guarded("conversation_characteristics", || {
                timing(utterances, talk_ms)
            })),
            Times::Absent => Section::Skipped {
                reason: SkipReason::NoTimes,
            },
        };
        let (sentiment, turn_compounds) = if is_supported(transcript.language()) {
            let scored = guarded("sentiment", || {
                let texts = utterances.iter().map(|utterance| utterance.text.as_str());
                let compounds: Vec<f64> = texts.map(score).collect();
                (sentiment(utterances, &compounds), compounds)
            });
            match scored {
                Ok((sentiment, compounds)) => (Section::Completed(sentiment), Some(compounds)),
                Err(reason) => (Section::Failed { reason }, None),
            }
        } else {
            let reason = SkipReason::LanguageNotSupported;
            (Section::Skipped { reason }, None)
        };
        let quality_flags = guarded("quality_flags", || {
            let heard = (conversation.completed(), sentiment.completed());
            quality::flags(utterances, talk_ms, heard)
        });
        Self {
            quality_flags: quality_flags.ok(),
            conversation,
            sentiment,
            turn_compounds,
        }
    }
}

/// Makes a section; a panic in it is a fault of ours and the section's status.
fn guarded<T>(section: &'static str, make: impl FnOnce() -> T) -> Result<T, FailReason> {
    catch_unwind(AssertUnwindSafe(make)).map_err(|_panic| {
        tracing::error!(section, "a section of an analysis panicked");
        FailReason::InternalError
    })
}

/// Says how it went, and what made it, from the sections.
fn judged(findings: Findings) -> Findings {
    let (call, conversation, sentiment) = (
        &findings.call_metrics,
        &findings.conversation_characteristics,
        &findings.sentiment,
    );
    let made = [
        (CALL_EVENTS, call.completed().is_some()),
        (TIMING, conversation.completed().is_some()),
        (VADER, sentiment.completed().is_some()),
    ];
    let analyzers: Vec<Analyzer> = made
        .into_iter()
        .filter_map(|(analyzer, made)| made.then_some(analyzer))
        .collect();
    let any_failed = call.has_failed()
        || conversation.has_failed()
        || sentiment.has_failed()
        || findings.quality_flags.is_none();
    let status = match (any_failed, analyzers.is_empty()) {
        (false, _) => AnalysisStatus::Completed,
        (true, false) => AnalysisStatus::Partial,
        (true, true) => AnalysisStatus::Failed,
    };
    Findings {
        status,
        analyzers,
        ..findings
    }
}
