//! From a file to blocks of samples: WAV by [`super::wav`], MP3 by symphonia, Ogg/Opus by symphonia's demultiplexer and a decoder
//! without unsafe code. What a file is, is told by its first bytes, never by its name or by what its server said.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek as _, SeekFrom},
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{CHANNELS_MAX, Unreadable, mpeg, ogg, wav};
use crate::domain::sound::Codec;

/// What a file's rate may be, in samples a second.
pub const RATES: std::ops::RangeInclusive<u32> = 4_000..=192_000;

/// How a recording is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// How.
    pub codec: Codec,
    /// Samples a second and channel, as the file has them.
    pub file_rate: u32,
    /// Samples a second and channel, as they are decoded.
    pub rate: u32,
    /// How many channels, 1 or 2.
    pub channels: usize,
}

/// What was decoded, all in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoded {
    /// How it was coded.
    pub format: Format,
    /// Samples of each channel, at the decoded rate.
    pub frames: u64,
    /// It ends early, or parts of it are replaced with silence.
    pub damaged: bool,
}

/// A block: as many samples of each channel, from -1 to 1.
pub type Block = Vec<Vec<f32>>;

/// Takes blocks as they are decoded; may end it.
pub type Hear<'a> = &'a mut dyn FnMut(&Format, &[Vec<f32>]) -> ControlFlow<()>;

/// Tells a decoder on another thread that nobody waits for it any more.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

/// Stops the decoder when it is dropped.
#[derive(Debug)]
pub struct StopOnDrop(Stop);

impl Stop {
    /// What stops it when dropped.
    pub fn on_drop(&self) -> StopOnDrop {
        StopOnDrop(self.clone())
    }

    /// Whether to stop.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

/// Decodes a file from its start, unless it is longer than so many seconds.
pub fn decode(
    file: &File,
    (stop, seconds_max): (&Stop, u32),
    hear: Hear<'_>,
) -> Result<Decoded, Unreadable> {
    let mut reader = BufReader::with_capacity(64 * 1024, file.try_clone()?);
    reader.seek(SeekFrom::Start(0))?;
    let mut head = [0; 16];
    let read = read_up_to(&mut reader, &mut head)?;
    let kind = Kind::of(head.get(..read).unwrap_or_default());
    reader.seek(SeekFrom::Start(0))?;
    let mut sink = Sink {
        stop,
        seconds_max,
        hear,
        frames: 0,
    };
    match kind? {
        Kind::Wav => wav::decode(reader, &mut sink),
        Kind::Mpeg => mpeg::decode(reader, &mut sink),
        Kind::Ogg => ogg::decode(reader, &mut sink),
    }
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Wav,
    Mpeg,
    Ogg,
}

impl Kind {
    fn of(head: &[u8]) -> Result<Self, Unreadable> {
        let at = |from: usize, magic: &[u8]| {
            head.get(from..from + magic.len())
                .is_some_and(|bytes| bytes == magic)
        };
        if head.is_empty() {
            return Err(Unreadable::Empty);
        }
        if (at(0, b"RIFF") || at(0, b"RF64")) && at(8, b"WAVE") {
            return Ok(Self::Wav);
        }
        if at(0, b"OggS") {
            return Ok(Self::Ogg);
        }
        if at(0, b"ID3") {
            return Ok(Self::Mpeg);
        }
        if let [0xff, second, ..] = head
            && second & 0xe0 == 0xe0
        {
            // The layer's bits: 01 is layer III, 00 is what AAC's own framing has there.
            return match second & 0b110 {
                0b010 => Ok(Self::Mpeg),
                0b000 => Err(Unreadable::UnsupportedCodec("AAC")),
                _ => Err(Unreadable::UnsupportedCodec("MPEG layer I or II")),
            };
        }
        let others: [(usize, &[u8], &'static str); 8] = [
            (4, b"ftyp", "MP4"),
            (0, b"fLaC", "FLAC"),
            (0, &[0x1a, 0x45, 0xdf, 0xa3], "WebM"),
            (0, b"FORM", "AIFF"),
            (0, b"caff", "CAF"),
            (0, b"#!AMR", "AMR"),
            (0, b".snd", "AU"),
            (0, &[0x30, 0x26, 0xb2, 0x75], "ASF"),
        ];
        let known = others.into_iter().find(|(from, magic, _)| at(*from, magic));
        Err(known.map_or(Unreadable::NotAudio, |(_, _, name)| {
            Unreadable::UnsupportedCodec(name)
        }))
    }
}

/// Where blocks go: counts them, and ends what has gone on for too long.
pub(super) struct Sink<'a> {
    stop: &'a Stop,
    seconds_max: u32,
    hear: Hear<'a>,
    pub(super) frames: u64,
}

impl Sink<'_> {
    /// Hands a block on. `Break`: the listener has heard enough.
    pub(super) fn hear(
        &mut self,
        format: &Format,
        block: &[Vec<f32>],
    ) -> Result<ControlFlow<()>, Unreadable> {
        self.go_on()?;
        let frames = block.first().map_or(0, Vec::len);
        self.frames += u64::try_from(frames).unwrap_or(u64::MAX);
        if self.frames > u64::from(format.rate) * u64::from(self.seconds_max) {
            return Err(Unreadable::TooLong);
        }
        if frames == 0 {
            return Ok(ControlFlow::Continue(()));
        }
        Ok((self.hear)(format, block))
    }

    /// An error if nobody waits any more.
    pub(super) fn go_on(&self) -> Result<(), Unreadable> {
        if self.stop.is_stopped() {
            Err(Unreadable::Stopped)
        } else {
            Ok(())
        }
    }
}

/// Refuses what cannot be a recording of a call.
pub(super) fn check(rate: u32, channels: usize) -> Result<(), Unreadable> {
    if !RATES.contains(&rate) {
        return Err(Unreadable::UnsupportedCodec("its sample rate"));
    }
    match channels {
        0 => Err(Unreadable::Damaged("no channels")),
        1..=CHANNELS_MAX => Ok(()),
        more => Err(Unreadable::TooManyChannels(more)),
    }
}

/// Reads until the buffer is full or the file ends.
pub(super) fn read_up_to(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
        match reader.read(room) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
