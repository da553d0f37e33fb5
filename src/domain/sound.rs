//! What was heard in a recording: how it is coded, how long it is, and where on each channel somebody speaks.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a recording is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    /// Plain samples, whole numbers or floats.
    Pcm,
    /// G.711 µ-law.
    MuLaw,
    /// G.711 A-law.
    ALaw,
    /// MPEG audio layer III.
    Mp3,
    /// Opus.
    Opus,
}

/// A stretch in which somebody speaks, in milliseconds from the start of the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u32, u32)", into = "(u32, u32)")]
pub struct VoiceSpan {
    /// Where it begins.
    pub begin_ms: u32,
    /// Where it ends, after it begins.
    pub end_ms: u32,
}

impl From<(u32, u32)> for VoiceSpan {
    fn from((begin_ms, end_ms): (u32, u32)) -> Self {
        Self { begin_ms, end_ms }
    }
}

impl From<VoiceSpan> for (u32, u32) {
    fn from(span: VoiceSpan) -> Self {
        (span.begin_ms, span.end_ms)
    }
}

impl VoiceSpan {
    /// How long it is.
    pub fn length_ms(self) -> u32 {
        self.end_ms.saturating_sub(self.begin_ms)
    }
}

/// What was heard in a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sound {
    /// How it is coded.
    pub codec: Codec,
    /// Samples a second, as the file has them.
    pub sample_rate_hz: u32,
    /// How long it is.
    pub duration_ms: u32,
    /// How many bytes it has.
    pub bytes: u64,
    /// The hash of its bytes, in hex.
    pub sha256: String,
    /// The file ends where its header says that more follows, or parts of it could not be decoded and count as silence.
    pub damaged: bool,
    /// On each channel, in order of time and apart from each other, where somebody speaks.
    pub voices: Vec<Vec<VoiceSpan>>,
}
