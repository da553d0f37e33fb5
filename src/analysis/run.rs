//! The whole of an analysis: facts and transcript in, findings out. Equal input gives equal findings.
//!
//! Sections are independent: a fault in one is that section's status, not the end of the others.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{
    call_metrics::{CallFacts, call_metrics},
    insights::{self, Sections, Told},
    outcome::outcome,
    recording::{VOICE_ACTIVITY, conversation, recording, transcription},
    sentiment::scorer,
    summary::{Known, summary},
    words::{Split, Words},
};
use crate::domain::{
    analysis::{
        AnalysisLevel, AnalysisStatus, Analyzer, CallMetrics, FailReason, Findings, Input,
        LanguageSource, Section, SectionState, Settings, Summary, TimingSource, TranscriptSource,
    },
    recording::Reading,
    transcript::{Language, Transcript},
};
use speech::Speech;

mod analyzers;
mod input;
mod speech;

pub use input::InputHash;

/// What an analysis has to go by.
#[derive(Debug, Clone, PartialEq)]
pub struct Material {
    /// The call's record.
    pub facts: CallFacts,
    /// The transcript, if there is one.
    pub transcript: Option<(TranscriptSource, Transcript)>,
    /// What the account wants.
    pub settings: Settings,
    /// What a language model said.
    pub insights: Told,
    /// What was heard in the recording, if it has been read.
    pub reading: Option<Reading>,
}

/// An analysis before it is a revision.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysed {
    /// What was found.
    pub findings: Findings,
    /// The compound score of each utterance of the transcript, where sentiment was made.
    pub turn_compounds: Option<Vec<f64>>,
}

impl Material {
    fn language(&self) -> Option<&Language> {
        let (_, transcript) = self.transcript.as_ref()?;
        transcript.language()
    }
}

/// Makes every section.
pub fn analyse(material: &Material) -> Analysed {
    let scorer = scorer(&material.settings.sentiment);
    analyse_with(material, &|texts| scorer.compounds(texts.iter().copied()))
}

/// Makes every section; `score` gives the compound score of each text.
pub fn analyse_with(material: &Material, score: &dyn Fn(&[Words<'_>]) -> Vec<f64>) -> Analysed {
    let (facts, settings) = (&material.facts, &material.settings);
    let utterances = material.transcript.as_ref();
    let utterances = utterances.map_or(&[][..], |(_, transcript)| transcript.utterances());
    let texts = utterances.iter().map(|said| said.text.as_str());
    let Ok(split) = guarded("words", || Split::of(texts)) else {
        return Analysed {
            findings: failed(material),
            turn_compounds: None,
        };
    };
    let texts: Vec<Words<'_>> = split.texts().collect();
    let call_metrics = Section::from(guarded("call_metrics", || {
        call_metrics(facts, settings.short_call_seconds)
    }));
    let call = call_metrics.completed();
    let timed = guarded("conversation_characteristics", || {
        conversation(material, &texts)
    });
    let (conversation, timing_source) =
        timed.unwrap_or_else(|reason| (Section::Failed { reason }, TimingSource::CallEventsOnly));
    let speech = match &material.transcript {
        None => Speech::none(call, conversation),
        Some((_, transcript)) => {
            let said = (transcript, texts.as_slice());
            Speech::of(material, said, call, conversation, score)
        }
    };
    let told = &material.insights;
    let Sections {
        insights,
        success_evaluation,
        structured_data,
    } = Sections::of_call(material.transcript.is_some(), told, &settings.insights);
    let unmade = failed(material);
    let (language_code, language_source) = speech.language.clone().unzip();
    let findings = Findings {
        language_code,
        language_source,
        outcome: call
            .map(|call| insights::outcome(outcome(call, speech.voicemail.completed()), told)),
        summary: summarised(material, call, &speech),
        insights,
        success_evaluation,
        structured_data,
        call_metrics,
        conversation_characteristics: speech.conversation,
        sentiment: speech.sentiment,
        pii: speech.pii,
        key_phrases: speech.key_phrases,
        highlights: speech.highlights,
        categories: speech.categories,
        voicemail: speech.voicemail,
        quality_flags: speech.quality_flags,
        analysis_level: match (unmade.analysis_level, timing_source) {
            (AnalysisLevel::CallEvents, TimingSource::Vad) => AnalysisLevel::AudioTiming,
            (level, _) => level,
        },
        input: Input {
            timing_source,
            ..unmade.input
        },
        ..unmade
    };
    Analysed {
        findings: judged(findings, material),
        turn_compounds: speech.turn_compounds,
    }
}

fn summarised(
    material: &Material,
    call: Option<&CallMetrics>,
    speech: &Speech,
) -> Section<Summary> {
    let Some(call) = call else {
        let reason = FailReason::InternalError;
        return Section::Failed { reason };
    };
    let known = Known {
        direction: material.facts.direction(),
        call,
        conversation: speech.conversation.completed(),
        sentiment: speech.sentiment.completed(),
        key_phrases: speech.key_phrases.completed(),
        is_voicemail: speech
            .voicemail
            .completed()
            .is_some_and(|made| made.detected),
    };
    Section::from(guarded("summary", || summary(&known)))
}

/// What is told of a call of which nothing could be made.
pub fn failed(material: &Material) -> Findings {
    let source = material.transcript.as_ref().map(|(source, _)| *source);
    let language_code = material.language().cloned();
    let analysis_level = match (source, &material.insights) {
        (Some(_), Told::Answered(_)) => AnalysisLevel::Llm,
        (Some(_), _) => AnalysisLevel::Transcript,
        (None, _) => AnalysisLevel::CallEvents,
    };
    let reason = FailReason::InternalError;
    Findings {
        status: AnalysisStatus::Failed,
        analysis_level,
        language_source: language_code
            .as_ref()
            .and(source)
            .map(LanguageSource::given_by),
        language_code,
        input: Input {
            transcript_source: source,
            timing_source: TimingSource::CallEventsOnly,
            input_hash: format!("sha256:{}", hex::encode(material.hash().as_bytes())),
        },
        analyzers: Vec::new(),
        call_metrics: Section::Failed { reason },
        conversation_characteristics: Section::Failed { reason },
        recording: recording(material),
        transcription: transcription(material),
        sentiment: Section::Failed { reason },
        pii: Section::Failed { reason },
        key_phrases: Section::Failed { reason },
        highlights: Section::Failed { reason },
        categories: Section::Failed { reason },
        voicemail: Section::Failed { reason },
        summary: Section::Failed { reason },
        insights: Section::Failed { reason },
        success_evaluation: Section::Failed { reason },
        structured_data: Section::Failed { reason },
        outcome: None,
        quality_flags: None,
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
fn judged(findings: Findings, material: &Material) -> Findings {
    let f = &findings;
    let states = [
        (analyzers::CALL_EVENTS, f.call_metrics.state()),
        (VOICE_ACTIVITY, f.recording.state()),
        (analyzers::TIMING, f.conversation_characteristics.state()),
        (
            analyzers::sentiment(material.settings.sentiment.profile),
            f.sentiment.state(),
        ),
        (analyzers::PII, f.pii.state()),
        (analyzers::CONTENT, f.key_phrases.state()),
        (analyzers::CONTENT, f.highlights.state()),
        (analyzers::CONTENT, f.categories.state()),
        (analyzers::CONTENT, f.voicemail.state()),
        (analyzers::CONTENT, f.summary.state()),
        (analyzers::INSIGHTS, f.insights.state()),
        (analyzers::INSIGHTS, f.success_evaluation.state()),
        (analyzers::INSIGHTS, f.structured_data.state()),
    ];
    let mut made: Vec<Analyzer> = Vec::new();
    for (analyzer, state) in states {
        if state == SectionState::Completed && !made.contains(&analyzer) {
            made.push(analyzer);
        }
    }
    if f.language_source == Some(LanguageSource::Detected) {
        made.push(analyzers::LANGUAGE);
    }
    let any_failed = f.quality_flags.is_none()
        || f.transcription.state() == SectionState::Failed
        || states
            .iter()
            .any(|(_, state)| *state == SectionState::Failed);
    let status = match (any_failed, made.is_empty()) {
        (false, _) => AnalysisStatus::Completed,
        (true, false) => AnalysisStatus::Partial,
        (true, true) => AnalysisStatus::Failed,
    };
    Findings {
        status,
        analyzers: made,
        ..findings
    }
}
