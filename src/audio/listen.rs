//! One pass over a recording: how it is coded, how long it is, where on each channel somebody speaks.

use std::{fs::File, ops::ControlFlow};

use super::{
    DURATION_MAX_S, RATE, Resampler, Unreadable, VoiceActivity,
    decode::{Decoded, Stop, decode},
    ms,
};
use crate::domain::sound::VoiceSpan;

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listened {
    /// How it was coded, and how much there was.
    pub decoded: Decoded,
    /// How long it is.
    pub duration_ms: u32,
    /// On each channel, where somebody speaks.
    pub voices: Vec<Vec<VoiceSpan>>,
}

/// One channel: brought to the rate, then heard.
#[derive(Debug)]
struct Ear {
    resampler: Resampler,
    voice: VoiceActivity,
    samples: Vec<f32>,
}

impl Ear {
    fn new(rate: u32) -> Self {
        Self {
            resampler: Resampler::new(rate, RATE),
            voice: VoiceActivity::default(),
            samples: Vec::new(),
        }
    }

    fn hear(&mut self, samples: &[f32]) {
        self.samples.clear();
        self.resampler.push(samples, &mut self.samples);
        self.voice.hear(&self.samples);
    }

    fn finish(mut self) -> Vec<VoiceSpan> {
        self.samples.clear();
        self.resampler.finish(&mut self.samples);
        self.voice.hear(&self.samples);
        self.voice.finish()
    }
}

/// Listens to a recording. Takes seconds for an hour, and blocks meanwhile.
pub fn listen(file: &File, stop: &Stop) -> Result<Listened, Unreadable> {
    let mut ears: Vec<Ear> = Vec::new();
    let decoded = decode(file, (stop, DURATION_MAX_S), &mut |format, block| {
        while ears.len() < block.len() {
            ears.push(Ear::new(format.rate));
        }
        for (ear, samples) in ears.iter_mut().zip(block) {
            ear.hear(samples);
        }
        ControlFlow::Continue(())
    })?;
    let duration_ms = ms(decoded.frames, decoded.format.rate);
    let duration_ms = u32::try_from(duration_ms).unwrap_or(u32::MAX);
    let voices = ears.into_iter().map(|ear| {
        let mut spans = ear.finish();
        // The last frame may be filled up with what the filter adds.
        for span in &mut spans {
            span.end_ms = span.end_ms.min(duration_ms);
        }
        spans.retain(|span| span.length_ms() > 0);
        spans
    });
    Ok(Listened {
        decoded,
        duration_ms,
        voices: voices.collect(),
    })
}
