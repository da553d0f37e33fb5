//! Where somebody speaks on one channel: the detector of the crate `earshot`, then pauses bridged and clicks dropped.

use std::fmt;

use earshot::Detector;

use super::{RATE, ms};
use crate::domain::sound::VoiceSpan;

/// Samples of one verdict: 16 ms at [`RATE`].
const FRAME: usize = 256;
/// A verdict looks back over three frames: it goes on for two after the voice has ended.
const TAIL_MS: u32 = 32;
/// From this score a frame is voice.
const VOICE: f32 = 0.5;
/// A pause up to this is part of what is said.
const PAUSE_MS_MAX: u32 = 800;
/// What is shorter is not speech.
const SPEECH_MS_MIN: u32 = 150;

/// Says of each frame of 16 ms at 16 kHz, samples from -1 to 1, how much of a voice it is: 0 to 1.
pub trait VoiceDetector: Send + fmt::Debug {
    /// The score of the next frame.
    fn score(&mut self, frame: &[f32]) -> f32;
}

/// The detector that is used.
struct Earshot(Box<Detector>);

impl fmt::Debug for Earshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Earshot")
    }
}

impl VoiceDetector for Earshot {
    fn score(&mut self, frame: &[f32]) -> f32 {
        self.0.predict_f32(frame)
    }
}

/// Listens to one channel as it comes.
#[derive(Debug)]
pub struct VoiceActivity {
    detector: Box<dyn VoiceDetector>,
    /// Samples that do not make a frame yet.
    rest: Vec<f32>,
    /// Frames heard.
    frames: u64,
    spans: Vec<VoiceSpan>,
}

impl Default for VoiceActivity {
    fn default() -> Self {
        Self::with(Box::new(Earshot(Detector::default_boxed())))
    }
}

impl VoiceActivity {
    /// With a detector.
    pub fn with(detector: Box<dyn VoiceDetector>) -> Self {
        Self {
            detector,
            rest: Vec::with_capacity(FRAME),
            frames: 0,
            spans: Vec::new(),
        }
    }

    /// Hears what comes next: samples at [`RATE`], from -1 to 1.
    pub fn hear(&mut self, samples: &[f32]) {
        let mut samples = samples;
        if !self.rest.is_empty() {
            let missing = FRAME - self.rest.len();
            let (fill, others) = samples.split_at_checked(missing).unwrap_or((samples, &[]));
            self.rest.extend_from_slice(fill);
            samples = others;
            if self.rest.len() < FRAME {
                return;
            }
            let frame = std::mem::take(&mut self.rest);
            self.judge(&frame);
        }
        let frames = samples.chunks_exact(FRAME);
        self.rest = frames.remainder().to_vec();
        for frame in frames {
            self.judge(frame);
        }
    }

    fn judge(&mut self, frame: &[f32]) {
        let begin_ms = offset(self.frames);
        self.frames += 1;
        if self.detector.score(frame) < VOICE {
            return;
        }
        let end_ms = offset(self.frames);
        match self.spans.last_mut() {
            Some(last) if begin_ms - last.end_ms <= PAUSE_MS_MAX => last.end_ms = end_ms,
            Some(_) | None => self.spans.push(VoiceSpan { begin_ms, end_ms }),
        }
    }

    /// Where somebody spoke: in order of time, with pauses of more than 0.8 s between them, none shorter than 0.15 s.
    pub fn finish(mut self) -> Vec<VoiceSpan> {
        for span in &mut self.spans {
            span.end_ms = span.end_ms.saturating_sub(TAIL_MS).max(span.begin_ms);
        }
        self.spans.retain(|span| span.length_ms() >= SPEECH_MS_MIN);
        self.spans
    }
}

/// Where a frame begins.
fn offset(frames: u64) -> u32 {
    let samples = frames.saturating_mul(256);
    u32::try_from(ms(samples, RATE)).unwrap_or(u32::MAX)
}
