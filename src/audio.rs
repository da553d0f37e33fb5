//! Recordings as sound: decoded block by block, brought to one rate, listened to for voices, cut into pieces for speech-to-text.
//!
//! Everything here is a plain function over a file or over samples: nothing waits on a network or knows a call. Memory does not grow
//! with the recording: it is read in blocks, and what is kept of it is where the voices are. A recording comes from outside: whatever
//! its header says, what is read is bounded by the file, and what is decoded by [`DURATION_MAX_S`].

pub mod decode;
mod listen;
mod mpeg;
mod ogg;
mod pieces;
mod resample;
mod voice;
mod wav;

pub use listen::{Listened, listen};
pub use pieces::{PIECE_MAX_MS, Piece, cut, plan};
pub use resample::Resampler;
pub use voice::{VoiceActivity, VoiceDetector};

/// The rate at which voices are looked for and pieces are cut, in samples a second.
pub const RATE: u32 = 16_000;

/// The longest recording that is read, in seconds: twelve hours.
pub const DURATION_MAX_S: u32 = 12 * 60 * 60;

/// The most channels that are told apart: one party each.
pub const CHANNELS_MAX: usize = 2;

/// Why nothing can be heard of a recording.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is no audio file that anybody here knows.
    #[error("it is not an audio file")]
    NotAudio,
    /// It is audio, of a kind that is not decoded here.
    #[error("it is audio of a kind that is not decoded: {0}")]
    UnsupportedCodec(&'static str),
    /// It has more channels than parties are told apart.
    #[error("it has {0} channels")]
    TooManyChannels(usize),
    /// It begins like audio and cannot be decoded.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
    /// There is no sound in it.
    #[error("there is no sound in it")]
    Empty,
    /// It is longer than [`DURATION_MAX_S`].
    #[error("it is longer than {} hours", DURATION_MAX_S / 3600)]
    TooLong,
    /// The file could not be read from the disk.
    #[error("the file could not be read")]
    Io(#[from] std::io::Error),
    /// Nobody waits for it any more.
    #[error("reading was stopped")]
    Stopped,
}

/// Samples as milliseconds, rounded down.
fn ms(samples: u64, rate: u32) -> u64 {
    samples.saturating_mul(1_000) / u64::from(rate.max(1))
}
