//! What is told of a recording that was read, and which times the metrics are counted from.
//!
//! Times are trusted in this order: those that a client gave with its transcript; where voices were heard on the two channels of the recording;
//! the words of speech-to-text; its segments. Measured in `docs/analysis.md`: segments alone shift talk ratios by tenths.

use super::{
    run::Material,
    timing::{timing_of_split, timing_of_voices},
    words::Words,
};
use crate::domain::{
    analysis::{
        Analyzer, ConversationCharacteristics, Section, SkipReason, TimingSource, TranscriptSource,
    },
    recording::{
        ChannelFindings, HeardMethod, HeardTimes, RecordingFindings, Transcription, participant,
    },
    sound::{Sound, VoiceSpan},
    transcript::{SpeakerRole, Times, Utterance},
};

/// Hears where somebody speaks; its version rises when a recording would be read differently.
pub const VOICE_ACTIVITY: Analyzer = Analyzer {
    name: "voice-activity",
    version: "1",
};

/// What was heard in the recording.
pub fn recording(material: &Material) -> Section<RecordingFindings> {
    let settings = &material.settings.recordings;
    let reason = match &material.reading {
        Some(reading) => {
            return reading.sound.map(|sound| RecordingFindings {
                method: HeardMethod::VoiceActivity,
                codec: sound.codec,
                sample_rate_hz: sound.sample_rate_hz,
                duration_ms: sound.duration_ms,
                bytes: sound.bytes,
                damaged: sound.damaged,
                speech_ms: anybody(sound),
                silence_ms: u64::from(sound.duration_ms).saturating_sub(anybody(sound)),
                channels: sound
                    .voices
                    .iter()
                    .enumerate()
                    .map(|(channel, spans)| ChannelFindings {
                        participant: (sound.voices.len() > 1)
                            .then(|| participant(settings, channel).to_owned()),
                        speech_ms: spans.iter().map(|span| u64::from(span.length_ms())).sum(),
                    })
                    .collect(),
            });
        }
        None if !settings.fetch => SkipReason::Disabled,
        None => SkipReason::NoRecording,
    };
    Section::Skipped { reason }
}

/// How what is said in the recording was written down.
pub fn transcription(material: &Material) -> Section<Transcription> {
    let settings = &material.settings.recordings;
    let reason = match &material.reading {
        Some(reading) => return reading.transcription.clone(),
        None if !settings.transcribe => SkipReason::Disabled,
        None => SkipReason::NoRecording,
    };
    Section::Skipped { reason }
}

/// Time in which somebody speaks, on whatever channel.
fn anybody(sound: &Sound) -> u64 {
    let mut spans: Vec<VoiceSpan> = sound.voices.iter().flatten().copied().collect();
    spans.sort_by_key(|span| span.begin_ms);
    let (mut sum, mut until) = (0, 0);
    for span in spans {
        sum += u64::from(span.end_ms.saturating_sub(span.begin_ms.max(until)));
        until = until.max(span.end_ms);
    }
    sum
}

/// Who talked when, counted from the best times there are. `texts` are those of the transcript.
pub fn conversation(
    material: &Material,
    texts: &[Words<'_>],
) -> (Section<ConversationCharacteristics>, TimingSource) {
    let talk_ms = material.facts.talk_ms();
    let sound = material
        .reading
        .as_ref()
        .and_then(|read| read.sound.completed());
    let voices = sound.and_then(|sound| sound.by_participant(&material.settings.recordings));
    let heard = sound.zip(voices);
    let skipped = |reason| {
        let section = Section::Skipped { reason };
        (section, TimingSource::CallEventsOnly)
    };
    let from_voices = |said| {
        let (sound, voices) = heard.as_ref()?;
        let section = timing_of_voices(voices, sound.duration_ms.into(), said);
        Some((Section::Completed(section), TimingSource::Vad))
    };
    match &material.transcript {
        None => from_voices(None).unwrap_or_else(|| {
            skipped(match sound {
                Some(_) => SkipReason::NoSpeakerSeparation,
                None => SkipReason::NoTranscript,
            })
        }),
        Some((_, said)) if said.times() == Times::Absent => {
            from_voices(Some((said.utterances(), texts)))
                .unwrap_or_else(|| skipped(SkipReason::NoTimes))
        }
        Some((TranscriptSource::Caller, given)) => {
            let section = timing_of_split(given.utterances(), texts, talk_ms);
            (Section::Completed(section), TimingSource::Utterances)
        }
        Some((TranscriptSource::SpeechToText, written)) => {
            let said = written.utterances();
            from_voices(Some((said, texts))).unwrap_or_else(|| {
                let source = match times(material, said) {
                    HeardTimes::Words => TimingSource::Words,
                    HeardTimes::Segments | HeardTimes::None => TimingSource::Segments,
                };
                if !are_separate(said) {
                    return skipped(SkipReason::NoSpeakerSeparation);
                }
                let section = timing_of_split(said, texts, talk_ms);
                (Section::Completed(section), source)
            })
        }
    }
}

/// How finely speech-to-text gave times.
fn times(material: &Material, said: &[Utterance]) -> HeardTimes {
    let reading = material.reading.as_ref();
    match reading.and_then(|reading| reading.transcription.completed()) {
        Some(transcription) => transcription.times,
        // Written down when the account wanted its recordings read in another way.
        None if said.iter().all(|utterance| !utterance.words.is_empty()) => HeardTimes::Words,
        None => HeardTimes::Segments,
    }
}

/// Whether anybody says who speaks.
fn are_separate(said: &[Utterance]) -> bool {
    let named = |utterance: &Utterance| {
        utterance.speaker != SpeakerRole::Unknown || utterance.participant_id.is_some()
    };
    said.iter().any(named)
}
