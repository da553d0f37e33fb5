//! Ogg with Opus: symphonia takes the pages apart, `opus-decoder` (RFC 8251, no unsafe code) decodes, at the rate that is needed.
//!
//! A packet that cannot be decoded is silence of its length. A second stream after the first (a chained file) is not read.

use std::{io::Read, ops::ControlFlow};

use opus_decoder::OpusDecoder;
use symphonia::{
    core::{
        audio::Channels,
        codecs::audio::well_known::CODEC_ID_OPUS,
        errors::Error,
        formats::{FormatOptions, FormatReader as _, TrackType},
        io::{MediaSourceStream, MediaSourceStreamOptions, ReadOnlySource},
        packet::Packet,
    },
    default::formats::OggReader,
};

use super::{
    RATE, Unreadable,
    decode::{Block, Decoded, Format, Sink, check},
    mpeg::is_end,
};
use crate::domain::sound::Codec;

/// Opus counts time at this rate, whatever it was made from.
const OPUS_RATE: u32 = 48_000;
/// Samples of Opus's clock for each decoded one.
const PER_SAMPLE: u64 = 3;
/// The longest packet: 120 ms.
const PACKET_FRAMES_MAX: usize = 1_920;
const PACKET_FRAMES_MAX_U64: u64 = 1_920;
/// What may be missing in one place: ten minutes. More is a clock that jumps, not a hole.
const GAP_FRAMES_MAX: u64 = 600 * 16_000;

/// Decodes an Ogg file.
pub(super) fn decode(
    reader: impl Read + Send + Sync,
    sink: &mut Sink<'_>,
) -> Result<Decoded, Unreadable> {
    let source = Box::new(ReadOnlySource::new(reader));
    let stream = MediaSourceStream::new(source, MediaSourceStreamOptions::default());
    let mut demuxer = OggReader::try_new(stream, FormatOptions::default()).map_err(beginning)?;
    let track = demuxer
        .default_track(TrackType::Audio)
        .ok_or(Unreadable::UnsupportedCodec("an Ogg file without Opus"))?;
    let parameters = track.codec_params.as_ref().and_then(|known| known.audio());
    let parameters = parameters
        .filter(|audio| audio.codec == CODEC_ID_OPUS)
        .ok_or(Unreadable::UnsupportedCodec("an Ogg file without Opus"))?;
    let channels = parameters.channels.as_ref().map_or(0, Channels::count);
    check(OPUS_RATE, channels)?;
    let (track_id, skip) = (track.id, u64::from(track.delay.unwrap_or(0)) / PER_SAMPLE);
    let mut opus = Opus::new(channels, skip)?;
    let mut damaged = false;
    loop {
        sink.go_on()?;
        let packet = match demuxer.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) | Err(Error::ResetRequired) => break,
            Err(error) => {
                damaged |= !is_end(&error);
                break;
            }
        };
        if packet.track_id != track_id {
            continue;
        }
        if opus.bridge(&packet, sink)?.is_break() || opus.hear(&packet, sink)?.is_break() {
            break;
        }
    }
    if sink.frames == 0 {
        return Err(Unreadable::Empty);
    }
    Ok(Decoded {
        format: opus.format,
        frames: sink.frames,
        damaged: damaged || opus.damaged,
    })
}

struct Opus {
    format: Format,
    decoder: OpusDecoder,
    interleaved: Vec<i16>,
    block: Block,
    /// Samples at the start that only warm the decoder up.
    skip: u64,
    /// Where the next packet belongs, by Opus's clock.
    expected: Option<i64>,
    damaged: bool,
}

impl Opus {
    fn new(channels: usize, skip: u64) -> Result<Self, Unreadable> {
        let decoder = OpusDecoder::new(RATE, channels)
            .map_err(|_error| Unreadable::UnsupportedCodec("a kind of Opus"))?;
        Ok(Self {
            format: Format {
                codec: Codec::Opus,
                file_rate: OPUS_RATE,
                rate: RATE,
                channels,
            },
            decoder,
            interleaved: vec![0; PACKET_FRAMES_MAX * channels],
            block: vec![Vec::with_capacity(PACKET_FRAMES_MAX); channels],
            skip,
            expected: None,
            damaged: false,
        })
    }

    /// Pages that are missing are silence, so that what follows keeps its place.
    fn bridge(
        &mut self,
        packet: &Packet,
        sink: &mut Sink<'_>,
    ) -> Result<ControlFlow<()>, Unreadable> {
        let begins = packet.pts.get();
        let missing = self.expected.map_or(0, |expected| begins - expected);
        let length = i64::try_from(packet.block_dur().get()).unwrap_or(0);
        self.expected = Some(begins.saturating_add(length));
        let mut missing = u64::try_from(missing).unwrap_or(0) / PER_SAMPLE;
        if missing <= PACKET_FRAMES_MAX_U64 || missing > GAP_FRAMES_MAX {
            return Ok(ControlFlow::Continue(()));
        }
        self.damaged = true;
        let silence = vec![vec![0.0; PACKET_FRAMES_MAX]; self.format.channels];
        while missing >= PACKET_FRAMES_MAX_U64 {
            missing -= PACKET_FRAMES_MAX_U64;
            if sink.hear(&self.format, &silence)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn hear(
        &mut self,
        packet: &Packet,
        sink: &mut Sink<'_>,
    ) -> Result<ControlFlow<()>, Unreadable> {
        let decoded = match &*packet.data {
            [] => Ok(0),
            data => self.decoder.decode(data, &mut self.interleaved, false),
        };
        let frames = decoded.unwrap_or_else(|_error| {
            self.damaged = true;
            self.interleaved.fill(0);
            usize::try_from(packet.dur.get() / PER_SAMPLE).unwrap_or(0)
        });
        let frames = frames.min(PACKET_FRAMES_MAX);
        let whole = u64::try_from(frames).unwrap_or(0);
        let begin = self.skip.min(whole);
        self.skip -= begin;
        let end = whole.saturating_sub(packet.trim_end.get() / PER_SAMPLE);
        let count = usize::try_from(end.saturating_sub(begin)).unwrap_or(0);
        let begin = usize::try_from(begin).unwrap_or(0);
        let channels = self.format.channels;
        for (number, channel) in self.block.iter_mut().enumerate() {
            channel.clear();
            let own = self.interleaved.iter().skip(begin * channels + number);
            let own = own.step_by(channels).take(count);
            channel.extend(own.map(|sample| f32::from(*sample) / 32_768.0));
        }
        sink.hear(&self.format, &self.block)
    }
}

/// What an error means before anything was decoded.
fn beginning(error: Error) -> Unreadable {
    match error {
        Error::Unsupported(_) => Unreadable::UnsupportedCodec("an Ogg file without Opus"),
        Error::IoError(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
            Unreadable::Io(error)
        }
        _ => Unreadable::Damaged("no stream that can be read"),
    }
}
