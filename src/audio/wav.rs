//! WAV as telephony writes it: PCM of 8 to 32 bits, floats, µ-law and A-law; and a header for what we send on.
//!
//! Written here because recorders lie: one that streams does not know the lengths when it writes them, and one that was killed
//! never corrects them. A length of nought or of four gigabytes, or one that is more than there is, means "to the end of the
//! file". Nothing is allocated by what a header says.

use std::io::{self, Read, Seek, SeekFrom};

use super::{
    RATE, Unreadable,
    decode::{Decoded, Format, Sink, check, read_up_to},
};
use crate::domain::sound::Codec;

/// Chunks before the samples; a file that has more is not a recording.
const CHUNKS_MAX: usize = 1_000;
/// Samples of a channel in a block.
const BLOCK_FRAMES: usize = 4_096;
/// The longest `fmt ` chunk that is read; the rest of a longer one is passed over.
const FORMAT_BYTES_MAX: usize = 40;

const PCM: u16 = 1;
const FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const EXTENSIBLE: u16 = 0xfffe;

/// How one sample is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Unsigned8,
    /// Signed, little endian, of so many bytes: the two highest say enough of a voice.
    Signed(usize),
    Float32,
    Float64,
    MuLaw,
    ALaw,
}

#[derive(Debug, Clone, Copy)]
struct Layout {
    coding: Coding,
    format: Format,
    /// Bytes of one sample of every channel.
    frame_bytes: usize,
}

/// Decodes a WAV file.
pub(super) fn decode(
    mut reader: impl Read + Seek,
    sink: &mut Sink<'_>,
) -> Result<Decoded, Unreadable> {
    let mut riff = [0; 12];
    reader.read_exact(&mut riff).map_err(cut)?;
    let mut layout = None;
    for _ in 0..CHUNKS_MAX {
        let mut head = [0; 8];
        reader.read_exact(&mut head).map_err(cut)?;
        let [a, b, c, d, l0, l1, l2, l3] = head;
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        match (&[a, b, c, d], layout) {
            (b"fmt ", _) => layout = Some(read_format(&mut reader, length)?),
            (b"data", Some(layout)) => return samples(reader, layout, length, sink),
            (b"data", None) => return Err(Unreadable::Damaged("samples before their format")),
            _ => {
                // Chunks begin at even places.
                let skip = i64::from(length) + i64::from(length % 2);
                reader.seek(SeekFrom::Current(skip))?;
            }
        }
    }
    Err(Unreadable::Damaged("no samples"))
}

fn cut(error: io::Error) -> Unreadable {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        Unreadable::Damaged("it ends before its first sample")
    } else {
        Unreadable::Io(error)
    }
}

fn read_format(reader: &mut (impl Read + Seek), length: u32) -> Result<Layout, Unreadable> {
    let known = usize::try_from(length).map_or(FORMAT_BYTES_MAX, |n| n.min(FORMAT_BYTES_MAX));
    let mut bytes = [0; FORMAT_BYTES_MAX];
    let part = bytes.get_mut(..known).unwrap_or_default();
    reader.read_exact(part).map_err(cut)?;
    let rest = i64::from(length) + i64::from(length % 2) - i64::try_from(known).unwrap_or(0);
    reader.seek(SeekFrom::Current(rest))?;
    let u16_at = |at: usize| match bytes.get(at..at + 2) {
        Some(&[low, high]) => u16::from_le_bytes([low, high]),
        _ => 0,
    };
    let (tag, channels, bits) = (u16_at(0), u16_at(2), u16_at(14));
    let rate = u32::from(u16_at(4)) + (u32::from(u16_at(6)) << 16);
    // An extensible format names itself again in the first two bytes of its sub-format.
    let tag = if tag == EXTENSIBLE { u16_at(24) } else { tag };
    let (coding, codec, sample_bytes) = match (tag, bits) {
        (PCM, 8) => (Coding::Unsigned8, Codec::Pcm, 1),
        (PCM, 16) => (Coding::Signed(2), Codec::Pcm, 2),
        (PCM, 24) => (Coding::Signed(3), Codec::Pcm, 3),
        (PCM, 32) => (Coding::Signed(4), Codec::Pcm, 4),
        (FLOAT, 32) => (Coding::Float32, Codec::Pcm, 4),
        (FLOAT, 64) => (Coding::Float64, Codec::Pcm, 8),
        (MU_LAW, 8) => (Coding::MuLaw, Codec::MuLaw, 1),
        (A_LAW, 8) => (Coding::ALaw, Codec::ALaw, 1),
        (PCM | FLOAT | MU_LAW | A_LAW, _) => {
            return Err(Unreadable::Damaged("an odd number of bits a sample"));
        }
        _ => return Err(Unreadable::UnsupportedCodec("a WAV file's own")),
    };
    let channels = usize::from(channels);
    check(rate, channels)?;
    Ok(Layout {
        coding,
        format: Format {
            codec,
            file_rate: rate,
            rate,
            channels,
        },
        frame_bytes: channels * sample_bytes,
    })
}

fn samples(
    mut reader: impl Read,
    layout: Layout,
    length: u32,
    sink: &mut Sink<'_>,
) -> Result<Decoded, Unreadable> {
    let streamed = length == 0 || length == u32::MAX;
    let mut left = if streamed {
        u64::MAX
    } else {
        u64::from(length)
    };
    let mut bytes = vec![0; layout.frame_bytes * BLOCK_FRAMES];
    let mut block = vec![Vec::with_capacity(BLOCK_FRAMES); layout.format.channels];
    let mut damaged = false;
    loop {
        let wanted = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        let read = read_up_to(&mut reader, bytes.get_mut(..wanted).unwrap_or_default())?;
        left -= u64::try_from(read).unwrap_or(left);
        for channel in &mut block {
            channel.clear();
        }
        let frames = bytes.get(..read).unwrap_or_default();
        for frame in frames.chunks_exact(layout.frame_bytes) {
            let coded = frame.chunks_exact(layout.frame_bytes / layout.format.channels);
            for (channel, sample) in block.iter_mut().zip(coded) {
                channel.push(layout.coding.sample(sample));
            }
        }
        let flow = sink.hear(&layout.format, &block)?;
        if read < wanted {
            // What a streaming recorder said of the length was no promise.
            damaged = !streamed;
        }
        if flow.is_break() || read < wanted || left == 0 {
            break;
        }
    }
    if sink.frames == 0 {
        return Err(Unreadable::Empty);
    }
    Ok(Decoded {
        format: layout.format,
        frames: sink.frames,
        damaged,
    })
}

impl Coding {
    /// One sample, from -1 to 1.
    fn sample(self, bytes: &[u8]) -> f32 {
        let scaled = |value: i16| f32::from(value) / 32_768.0;
        match (self, bytes) {
            (Self::Unsigned8, &[byte]) => (f32::from(byte) - 128.0) / 128.0,
            (Self::Signed(_), &[.., low, high]) => scaled(i16::from_le_bytes([low, high])),
            (Self::Float32, &[a, b, c, d]) => unit(f32::from_le_bytes([a, b, c, d])),
            (Self::Float64, eight) => {
                let eight = <[u8; 8]>::try_from(eight).unwrap_or_default();
                unit(narrow(f64::from_le_bytes(eight)))
            }
            (Self::MuLaw, &[byte]) => scaled(mu_law(byte)),
            (Self::ALaw, &[byte]) => scaled(a_law(byte)),
            _ => 0.0,
        }
    }
}

/// A float as a sample: what is not a number is silence.
pub(super) fn unit(value: f32) -> f32 {
    if value.is_nan() {
        0.0
    } else {
        value.clamp(-1.0, 1.0)
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "a sample has fewer digits than an f32"
)]
pub(super) fn narrow(value: f64) -> f32 {
    value as f32
}

/// G.711 µ-law.
fn mu_law(coded: u8) -> i16 {
    let bits = !coded;
    let magnitude = ((i16::from(bits & 0x0f) << 3) + 0x84) << ((bits & 0x70) >> 4);
    let value = magnitude - 0x84;
    if bits & 0x80 == 0 { value } else { -value }
}

/// G.711 A-law.
fn a_law(coded: u8) -> i16 {
    let bits = coded ^ 0x55;
    let mantissa = i16::from(bits & 0x0f) << 4;
    let value = match (bits & 0x70) >> 4 {
        0 => mantissa + 8,
        segment => (mantissa + 0x108) << (segment - 1),
    };
    if bits & 0x80 == 0 { -value } else { value }
}

/// A WAV file of one channel at [`RATE`], 16 bits a sample.
pub(super) fn write(samples: &[i16]) -> Vec<u8> {
    let bytes = u32::try_from(samples.len() * 2).unwrap_or(u32::MAX - 36);
    let mut file = Vec::with_capacity(samples.len() * 2 + 44);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(bytes + 36).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16_u32.to_le_bytes());
    file.extend_from_slice(&PCM.to_le_bytes());
    file.extend_from_slice(&1_u16.to_le_bytes());
    file.extend_from_slice(&RATE.to_le_bytes());
    file.extend_from_slice(&(RATE * 2).to_le_bytes());
    file.extend_from_slice(&2_u16.to_le_bytes());
    file.extend_from_slice(&16_u16.to_le_bytes());
    file.extend_from_slice(b"data");
    file.extend_from_slice(&bytes.to_le_bytes());
    for sample in samples {
        file.extend_from_slice(&sample.to_le_bytes());
    }
    file
}
