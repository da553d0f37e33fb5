//! All of it: the recording is fetched, listened to, and written down if that is wanted.
//!
//! Memory stays bounded whatever the recording: it lies in a temporary file, is decoded in blocks, and of the pieces that are sent there are
//! at most two at a time. Decoding is work for a processor: so many at once, whatever the number of jobs.

use std::{fs::File, ops::ControlFlow, sync::Arc};

use tokio::{
    sync::{Semaphore, mpsc},
    time::Instant,
};
use url::Url;

use super::{
    Failure,
    fetch::{self, Bounds, Fetched},
    internal,
    speech::{Speakers, Speech},
    transcript::{self, HeardPiece},
};
use crate::{
    audio::{self, Listened, Piece, decode::Stop},
    domain::{
        analysis::{FailReason, SkipReason, settings::recordings::RecordingSettings},
        recording::{Transcription, participant},
        sound::Sound,
        transcript::Transcript,
    },
    egress::Egress,
};

/// Recordings that are listened to at once.
const LISTENING_MAX: usize = 2;

/// Reads recordings. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Recordings {
    egress: Egress,
    speech: Option<Speech>,
    bounds: Bounds,
    listening: Arc<Semaphore>,
}

/// What became of a recording that could be heard.
#[derive(Debug)]
pub struct Read {
    /// What was heard.
    pub sound: Sound,
    /// What was written down.
    pub written: Result<Written, Failure>,
}

/// What was written down.
#[derive(Debug)]
pub enum Written {
    /// What is said.
    Done(Transcription, Transcript),
    /// Nothing, for a reason.
    Skipped(SkipReason),
}

/// Whether a recording is to be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// It is.
    Down,
    /// It is not, for a reason.
    Not(SkipReason),
}

impl Recordings {
    /// Fetches through `egress`, within bounds; asks `speech`, if there is one.
    pub fn new(egress: Egress, speech: Option<Speech>, bounds: Bounds) -> Self {
        Self {
            egress,
            speech,
            bounds,
            listening: Arc::new(Semaphore::new(LISTENING_MAX)),
        }
    }

    /// The speech-to-text service, if there is one.
    pub fn speech(&self) -> Option<&Speech> {
        self.speech.as_ref()
    }

    /// Reads the recording at a URL. What is not written down by the deadline is a failure of that alone: what was heard stays.
    pub async fn read(
        &self,
        url: &Url,
        settings: &RecordingSettings,
        write: Write,
        deadline: Instant,
    ) -> Result<Read, Failure> {
        let fetched = fetch::fetch(&self.egress, url, self.bounds).await?;
        let Fetched {
            file,
            bytes,
            sha256,
        } = fetched;
        let file = Arc::new(file);
        let listened = self.listen(Arc::clone(&file)).await?;
        let written = match (write, &self.speech) {
            (Write::Not(reason), _) => Ok(Written::Skipped(reason)),
            (Write::Down, None) => Ok(Written::Skipped(SkipReason::NotConfigured)),
            (Write::Down, Some(speech)) => {
                let writing = write_down(speech, &file, &listened, settings);
                let written = tokio::time::timeout_at(deadline, writing).await;
                written.unwrap_or_else(|elapsed| {
                    let reason = FailReason::SpeechToTextUnavailable;
                    Err(Failure::later(reason, elapsed))
                })
            }
        };
        let format = listened.decoded.format;
        Ok(Read {
            sound: Sound {
                codec: format.codec,
                sample_rate_hz: format.file_rate,
                duration_ms: listened.duration_ms,
                bytes,
                sha256,
                damaged: listened.decoded.damaged,
                voices: listened.voices,
            },
            written,
        })
    }

    async fn listen(&self, file: Arc<File>) -> Result<Listened, Failure> {
        let turn = Arc::clone(&self.listening);
        let turn = turn.acquire_owned().await.map_err(internal)?;
        let stop = Stop::default();
        let _stopped = stop.on_drop();
        let listening = tokio::task::spawn_blocking(move || {
            // Held by the thread: when nobody waits any more, it is the thread that ends a moment later.
            let _turn = turn;
            audio::listen(&file, &stop)
        });
        Ok(listening.await.map_err(panicked)??)
    }
}

/// A decoder that panics will do so again: the file is to blame, and the fault is ours.
fn panicked(error: tokio::task::JoinError) -> Failure {
    Failure::never(FailReason::RecordingDamaged, error)
}

async fn write_down(
    speech: &Speech,
    file: &Arc<File>,
    listened: &Listened,
    settings: &RecordingSettings,
) -> Result<Written, Failure> {
    let speakers = if listened.voices.len() > 1 {
        Speakers::One
    } else {
        Speakers::Any
    };
    let mut heard = Vec::new();
    for (channel, voices) in listened.voices.iter().enumerate() {
        let name = (speakers == Speakers::One).then(|| participant(settings, channel));
        let pieces = audio::plan(voices, listened.duration_ms);
        let mut cuts = Cuts::start(Arc::clone(file), channel, pieces);
        while let Some((piece, wav)) = cuts.pieces.recv().await {
            heard.push(HeardPiece {
                piece,
                participant: name,
                heard: speech.hear(&wav, speakers).await?,
            });
        }
        cuts.finish().await?;
    }
    let requests = u32::try_from(heard.len()).unwrap_or(u32::MAX);
    let sent = heard
        .iter()
        .map(|heard| heard.piece.end_ms - heard.piece.begin_ms);
    let audio_ms = sent.map(u64::from).sum();
    let assembled = transcript::assemble(&heard)?;
    let service = speech.service();
    Ok(match assembled.transcript {
        None => Written::Skipped(SkipReason::NoSpeech),
        Some(transcript) => Written::Done(
            Transcription {
                method: service.method,
                model: service.model.clone(),
                times: assembled.times,
                audio_ms,
                requests,
            },
            transcript,
        ),
    })
}

/// Pieces as a thread cuts them; it waits for whoever takes them, and stops when nobody does.
struct Cuts {
    pieces: mpsc::Receiver<(Piece, Vec<u8>)>,
    thread: tokio::task::JoinHandle<Result<(), audio::Unreadable>>,
    _stopped: audio::decode::StopOnDrop,
}

impl Cuts {
    fn start(file: Arc<File>, channel: usize, plan: Vec<Piece>) -> Self {
        let (send, pieces) = mpsc::channel(1);
        let stop = Stop::default();
        let stopped = stop.on_drop();
        let thread = tokio::task::spawn_blocking(move || {
            if plan.is_empty() {
                return Ok(());
            }
            audio::cut((&file, &stop), channel, &plan, &mut |piece, wav| match send
                .blocking_send((piece, wav))
            {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            })
        });
        Self {
            pieces,
            thread,
            _stopped: stopped,
        }
    }

    async fn finish(self) -> Result<(), Failure> {
        Ok(self.thread.await.map_err(panicked)??)
    }
}
