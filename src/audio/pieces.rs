//! One channel in pieces that a speech-to-text service takes: WAV, one channel, 16 kHz, five minutes at most.
//!
//! A piece begins and ends at a pause; only speech that goes on for longer is cut in the middle. Where nobody speaks for long before or
//! after, nothing is sent: it costs, and services invent words for silence. So what is in memory, and what is uploaded at once, is
//! bounded whatever the recording's length.

use std::{fs::File, ops::ControlFlow};

use super::{
    DURATION_MAX_S, RATE, Resampler, Unreadable,
    decode::{Stop, decode},
    wav,
};
use crate::domain::sound::VoiceSpan;

/// The longest piece: 9.6 MB.
pub const PIECE_MAX_MS: u32 = 300_000;
/// What is kept of the silence around speech.
const MARGIN_MS: u32 = 300;
/// After a silence of this length a new piece begins.
const SILENCE_MS_MAX: u32 = 15_000;

/// A stretch of a channel, in milliseconds from the start of the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Where it begins.
    pub begin_ms: u32,
    /// Where it ends.
    pub end_ms: u32,
}

/// The pieces of a channel on which somebody speaks at these times, in order and apart from each other.
pub fn plan(voices: &[VoiceSpan], duration_ms: u32) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for span in voices {
        let end_ms = span.end_ms.saturating_add(MARGIN_MS).min(duration_ms);
        let begin_ms = span.begin_ms.saturating_sub(MARGIN_MS).min(end_ms);
        match pieces.last_mut() {
            Some(last)
                if begin_ms.saturating_sub(last.end_ms) <= SILENCE_MS_MAX
                    && end_ms - last.begin_ms <= PIECE_MAX_MS =>
            {
                last.end_ms = end_ms;
            }
            last => {
                let from = last.map_or(0, |last| last.end_ms);
                let mut begin_ms = begin_ms.max(from);
                while end_ms.saturating_sub(begin_ms) > PIECE_MAX_MS {
                    let cut = begin_ms + PIECE_MAX_MS;
                    pieces.push(Piece {
                        begin_ms,
                        end_ms: cut,
                    });
                    begin_ms = cut;
                }
                if begin_ms < end_ms {
                    pieces.push(Piece { begin_ms, end_ms });
                }
            }
        }
    }
    pieces
}

/// Cuts the pieces out of a channel, in order; each is handed over as a WAV file as soon as it is whole. Blocks.
pub fn cut(
    (file, stop): (&File, &Stop),
    channel: usize,
    pieces: &[Piece],
    emit: &mut dyn FnMut(Piece, Vec<u8>) -> ControlFlow<()>,
) -> Result<(), Unreadable> {
    let mut cutter = Cutter {
        pieces: pieces.iter().copied(),
        current: None,
        at: 0,
        samples: Vec::new(),
    };
    cutter.current = cutter.pieces.next();
    let (mut resampler, mut heard) = (None, Vec::new());
    decode(file, (stop, DURATION_MAX_S), &mut |format, block| {
        let resampler = resampler.get_or_insert_with(|| Resampler::new(format.rate, RATE));
        heard.clear();
        if let Some(samples) = block.get(channel) {
            resampler.push(samples, &mut heard);
        }
        cutter.hear(&heard, emit)
    })?;
    heard.clear();
    if let Some(resampler) = &mut resampler {
        resampler.finish(&mut heard);
    }
    if cutter.hear(&heard, emit).is_continue() {
        cutter.end(emit);
    }
    Ok(())
}

struct Cutter<I> {
    pieces: I,
    current: Option<Piece>,
    /// The next sample's place.
    at: u64,
    samples: Vec<i16>,
}

impl<I: Iterator<Item = Piece>> Cutter<I> {
    fn hear(
        &mut self,
        heard: &[f32],
        emit: &mut dyn FnMut(Piece, Vec<u8>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for sample in heard {
            let Some(piece) = self.current else {
                return ControlFlow::Break(());
            };
            if self.at >= place(piece.begin_ms) {
                self.samples.push(whole(*sample));
            }
            self.at += 1;
            if self.at >= place(piece.end_ms) {
                let samples = std::mem::take(&mut self.samples);
                self.current = self.pieces.next();
                if emit(piece, wav::write(&samples)).is_break() {
                    self.current = None;
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// The last piece ends with the recording, a few samples early perhaps.
    fn end(&mut self, emit: &mut dyn FnMut(Piece, Vec<u8>) -> ControlFlow<()>) {
        if let Some(piece) = self.current.filter(|_| !self.samples.is_empty()) {
            // Nothing comes after it that could be stopped.
            let _last = emit(piece, wav::write(&self.samples));
        }
    }
}

fn place(offset_ms: u32) -> u64 {
    u64::from(offset_ms) * u64::from(RATE) / 1_000
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "a float cast to a whole number is rounded and saturates"
)]
fn whole(sample: f32) -> i16 {
    (sample * 32_767.0).round() as i16
}
