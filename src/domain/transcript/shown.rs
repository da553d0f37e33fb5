//! An utterance as it is kept and shown: without its times where the transcript has none.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{SpeakerRole, TEXT_CHARS_MAX, Times, Transcript, Utterance, Word};
use crate::domain::text::Text;

/// Something that one participant said without a break.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ShownUtterance {
    /// Who speaks.
    pub speaker: SpeakerRole,
    /// The source's name for the speaker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64)]
    pub participant_id: Option<Text<64>>,
    /// What is said.
    #[schema(value_type = String, min_length = 1, max_length = 10_000)]
    pub text: Text<TEXT_CHARS_MAX>,
    /// Where it begins, in milliseconds from the start of the conversation; absent where the transcript has no times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 604_800_000)]
    pub begin_ms: Option<u32>,
    /// Where it ends; absent where the transcript has no times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 604_800_000)]
    pub end_ms: Option<u32>,
    /// How sure its source is, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub confidence: Option<f64>,
    /// Its words, where the source has times for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 2_000)]
    pub words: Vec<Word>,
}

impl ShownUtterance {
    /// The utterances of a transcript.
    pub fn all(transcript: &Transcript) -> Vec<Self> {
        let time = |ms| (transcript.times() == Times::Given).then_some(ms);
        let shown = transcript.utterances().iter().map(|said| Self {
            speaker: said.speaker,
            participant_id: said.participant_id.clone(),
            text: said.text.clone(),
            begin_ms: time(said.begin_ms),
            end_ms: time(said.end_ms),
            confidence: said.confidence,
            words: said.words.clone(),
        });
        shown.collect()
    }
}

impl From<ShownUtterance> for Utterance {
    fn from(shown: ShownUtterance) -> Self {
        Self {
            speaker: shown.speaker,
            participant_id: shown.participant_id,
            text: shown.text,
            begin_ms: shown.begin_ms.unwrap_or_default(),
            end_ms: shown.end_ms.unwrap_or_default(),
            confidence: shown.confidence,
            words: shown.words,
        }
    }
}
