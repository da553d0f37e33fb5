//! MP3, by symphonia. An ID3 tag before it is passed over unread: it may be as large as its writer liked.

use std::io::{Read, Seek, SeekFrom};

use symphonia::{
    core::{
        codecs::audio::{AudioDecoder as _, AudioDecoderOptions, well_known::CODEC_ID_MP3},
        errors::Error,
        formats::{FormatOptions, FormatReader as _, TrackType},
        io::{MediaSourceStream, MediaSourceStreamOptions, ReadOnlySource},
    },
    default::{codecs::MpaDecoder, formats::MpaReader},
};

use super::{
    Unreadable,
    decode::{Block, Decoded, Format, Sink, check, read_up_to},
    wav::unit,
};
use crate::domain::sound::Codec;

/// Tags in a row; more than one is odd already.
const TAGS_MAX: usize = 8;

/// Decodes an MP3 file.
pub(super) fn decode(
    mut reader: impl Read + Seek + Send + Sync,
    sink: &mut Sink<'_>,
) -> Result<Decoded, Unreadable> {
    skip_tags(&mut reader)?;
    let source = Box::new(ReadOnlySource::new(reader));
    let stream = MediaSourceStream::new(source, MediaSourceStreamOptions::default());
    let mut demuxer = MpaReader::try_new(stream, FormatOptions::default()).map_err(beginning)?;
    let track = demuxer.default_track(TrackType::Audio);
    let parameters = track
        .and_then(|track| track.codec_params.as_ref()?.audio().cloned())
        .ok_or(Unreadable::Damaged("no track"))?;
    if parameters.codec != CODEC_ID_MP3 {
        return Err(Unreadable::UnsupportedCodec("MPEG layer I or II"));
    }
    let options = AudioDecoderOptions::default();
    let mut decoder = MpaDecoder::try_new(&parameters, &options).map_err(beginning)?;
    let mut state = State {
        format: None,
        block: Vec::new(),
        damaged: false,
    };
    loop {
        sink.go_on()?;
        let packet = match demuxer.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => break,
            Err(error) => {
                state.damaged |= !is_end(&error);
                break;
            }
        };
        let flow = match decoder.decode(&packet) {
            Ok(buffer) => {
                let (rate, channels) = (buffer.spec().rate(), buffer.num_planes());
                buffer.copy_to_vecs_planar(&mut state.block);
                state.take(rate, channels, sink)?
            }
            Err(Error::DecodeError(_) | Error::IoError(_)) => state.lost(packet.dur.get(), sink)?,
            Err(_) => return Err(Unreadable::Damaged("a frame that cannot be decoded")),
        };
        if flow.is_break() {
            break;
        }
    }
    let format = state.format.filter(|_| sink.frames > 0);
    Ok(Decoded {
        format: format.ok_or(Unreadable::Empty)?,
        frames: sink.frames,
        damaged: state.damaged,
    })
}

/// What is known so far.
struct State {
    format: Option<Format>,
    block: Block,
    damaged: bool,
}

impl State {
    fn take(
        &mut self,
        rate: u32,
        channels: usize,
        sink: &mut Sink<'_>,
    ) -> Result<std::ops::ControlFlow<()>, Unreadable> {
        let format = if let Some(format) = self.format {
            format
        } else {
            check(rate, channels)?;
            *self.format.insert(Format {
                codec: Codec::Mp3,
                file_rate: rate,
                rate,
                channels,
            })
        };
        if (format.rate, format.channels) != (rate, channels) {
            return Err(Unreadable::Damaged("its format changes on the way"));
        }
        for channel in &mut self.block {
            for sample in channel.iter_mut() {
                *sample = unit(*sample);
            }
        }
        sink.hear(&format, &self.block)
    }

    /// A frame that cannot be decoded is silence of its length, so that what follows keeps its place.
    fn lost(
        &mut self,
        frames: u64,
        sink: &mut Sink<'_>,
    ) -> Result<std::ops::ControlFlow<()>, Unreadable> {
        self.damaged = true;
        let Some(format) = self.format else {
            return Ok(std::ops::ControlFlow::Continue(()));
        };
        let frames = usize::try_from(frames.min(u64::from(format.rate))).unwrap_or(0);
        sink.hear(&format, &vec![vec![0.0; frames]; format.channels])
    }
}

/// Passes over tags before the sound (`ID3`, version 2); their length has seven bits a byte.
fn skip_tags(reader: &mut (impl Read + Seek)) -> Result<(), Unreadable> {
    let mut at = 0;
    for _ in 0..TAGS_MAX {
        reader.seek(SeekFrom::Start(at))?;
        let mut head = [0; 10];
        let read = read_up_to(reader, &mut head)?;
        let [b'I', b'D', b'3', _, _, flags, a, b, c, d] = head else {
            break;
        };
        if read < head.len() {
            return Err(Unreadable::Damaged("it ends in a tag"));
        }
        let length = [a, b, c, d]
            .into_iter()
            .fold(0_u64, |length, byte| length << 7 | u64::from(byte & 0x7f));
        let footer = if flags & 0x10 == 0 { 0 } else { 10 };
        at += 10 + length + footer;
    }
    reader.seek(SeekFrom::Start(at))?;
    Ok(())
}

/// What an error means before anything was decoded.
fn beginning(error: Error) -> Unreadable {
    match error {
        Error::Unsupported(_) => Unreadable::UnsupportedCodec("a kind of MP3"),
        error if is_end(&error) => Unreadable::Empty,
        Error::IoError(error) => Unreadable::Io(error),
        _ => Unreadable::Damaged("no frame that can be decoded"),
    }
}

/// Whether the file has ended.
pub(super) fn is_end(error: &Error) -> bool {
    matches!(error, Error::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof)
}
