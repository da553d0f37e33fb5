//! Reads the recording of an ended call: fetched, listened to, written down if the account wants that; then the call is analysed again.
//!
//! Nothing is fetched for an account that has not asked for it. A reading is kept under the hash of its place and of how it is read, so
//! the job does nothing where there is one: run twice, it reads once. What a recording that is not there yet, or a server that is
//! down, leaves open is tried again for about an hour; then the reason is kept, and told by the analysis.
//!
//! No transaction is open meanwhile. What was heard is kept under the call's lock, with the transcript, the events and the next analysis in
//! one transaction; a transcript that a client has given by then stays the newest.

use std::time::Duration;

use anyhow::anyhow;
use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;
use sqlx::PgConnection;
use url::Url;
use uuid::Uuid;

use super::{
    Tools, effects,
    transcribe::{self, SETTLE},
};
use crate::{
    analysis::recording::VOICE_ACTIVITY,
    domain::{
        analysis::{
            Section, SectionState, SkipReason, TranscriptSource, Trigger,
            settings::recordings::{AgentChannel, RecordingSettings},
        },
        call::Call,
        id::{AccountId, CallId},
        recording::{Reading, fetchable},
        transcript::Transcript,
    },
    jobs::ReadRecording,
    queue::{self, Claim, Lane, NewJob, Outcome},
    recordings::{
        Again, Failure,
        read::{Read, Write, Written},
    },
    store::{self, analysis_settings, recordings, transcripts},
};

/// Recordings are slow and large: few are read at once, so that other work is not kept waiting.
const LANE: Lane = Lane(Uuid::from_u128(0x0190_0000_0000_7000_8000_7265_6164_696e));

/// How long after each attempt the next one comes: about an hour in all.
const DELAYS: [Duration; 9] = [
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_mins(1),
    Duration::from_mins(2),
    Duration::from_mins(5),
    Duration::from_mins(10),
    Duration::from_mins(15),
    Duration::from_mins(15),
    Duration::from_mins(15),
];

/// A server's `Retry-After` is honoured up to this.
const RETRY_AFTER_MAX: Duration = Duration::from_mins(15);

/// A recording that is to be read, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    url: Url,
    settings: RecordingSettings,
    /// What its reading is kept under.
    pub key: [u8; 32],
}

impl Wanted {
    /// What is to be read of a call; `None`: nothing.
    pub fn of(call: &Call, settings: &RecordingSettings) -> Option<Self> {
        #[derive(Serialize)]
        struct Key<'a> {
            version: &'static str,
            url: &'a str,
            transcribe: bool,
            /// It gives the speakers of a transcript their roles.
            agent_channel: Option<AgentChannel>,
        }
        if !settings.fetch || call.life.end.is_none() || call.deleted_at.is_some() {
            return None;
        }
        let url = fetchable(call.life.recording_url.as_ref()?.as_str())?;
        let key = Key {
            version: VOICE_ACTIVITY.version,
            url: url.as_str(),
            transcribe: settings.transcribe,
            agent_channel: settings.agent_channel.filter(|_| settings.transcribe),
        };
        let bytes = serde_json::to_vec(&key).expect("a key is plain data");
        let key = digest(&SHA256, &bytes);
        let key = key.as_ref().try_into().expect("SHA-256 has 32 bytes");
        Some(Self {
            key,
            settings: *settings,
            url,
        })
    }

    /// Whether there is something to be read still: nothing was, or there was no speech-to-text service when it was.
    pub fn is_unread(reading: Option<&Reading>, tools: &Tools) -> bool {
        let unwritten = Section::Skipped {
            reason: SkipReason::NotConfigured,
        };
        reading.is_none_or(|reading| {
            reading.transcription == unwritten && tools.recordings.speech().is_some()
        })
    }
}

/// The job that reads a call's recording; at most one of a call is there.
pub fn job(account_id: AccountId, call_id: CallId) -> NewJob {
    NewJob::new(
        account_id,
        &ReadRecording {
            account_id,
            call_id,
        },
    )
    .in_lane(LANE)
    .unique(format!("read-recording/{call_id}"))
}

/// Has the recordings of calls read of which more became known after their end, where their accounts want that. Answers whether
/// jobs were enqueued.
pub async fn late(conn: &mut PgConnection, amended: &[&Call]) -> sqlx::Result<bool> {
    let with: Vec<&&Call> = amended
        .iter()
        .filter(|call| call.life.end.is_some())
        .filter(|call| {
            let url = call.life.recording_url.as_ref();
            url.is_some_and(|url| fetchable(url.as_str()).is_some())
        })
        .collect();
    if with.is_empty() {
        return Ok(false);
    }
    let accounts: Vec<AccountId> = with.iter().map(|call| call.account_id).collect();
    let fetching = analysis_settings::fetching(&mut *conn, &accounts).await?;
    let jobs: Vec<NewJob> = with
        .iter()
        .filter(|call| fetching.contains(&call.account_id))
        .map(|call| job(call.account_id, call.call_id))
        .collect();
    queue::store::enqueue(conn, &jobs).await?;
    Ok(!jobs.is_empty())
}

/// One attempt.
pub async fn run(tools: &Tools, claim: &Claim, job: &ReadRecording) -> Outcome {
    match attempt(tools, claim, job).await {
        Ok(Done::Kept) => {
            tools.wake.wake();
            Outcome::Finished
        }
        Ok(Done::Nothing) => Outcome::Done,
        Ok(Done::Later { after, error }) => Outcome::Retry {
            after: Some(after),
            error,
        },
        Err(error) => Outcome::Retry {
            after: None,
            error: error.into(),
        },
    }
}

/// What became of an attempt.
enum Done {
    /// A reading was kept; the job is finished.
    Kept,
    /// There is nothing to read, or it was read.
    Nothing,
    /// It may go better later.
    Later {
        after: Duration,
        error: anyhow::Error,
    },
}

/// What is to be read, as the database has it.
struct Gathered {
    wanted: Wanted,
    write: Write,
}

async fn attempt(tools: &Tools, claim: &Claim, job: &ReadRecording) -> Result<Done, store::Error> {
    let gathered = store::within(async {
        let mut conn = tools.db.acquire().await?;
        gather(tools, &mut conn, job).await
    });
    let Some(Gathered { wanted, write }) = gathered.await? else {
        return Ok(Done::Nothing);
    };
    let reading = Box::pin(tools.recordings.read(&wanted.url, &wanted.settings, write));
    let kept = match outcome(reading.await, tools, claim) {
        Ok(kept) => kept,
        Err(failure) => {
            log(job, claim, &failure, "a recording is read again later");
            return Ok(Done::Later {
                after: delay(claim, &failure),
                error: anyhow!("{failure}"),
            });
        }
    };
    log_failures(job, &kept);
    store::within(Box::pin(keep(tools, (claim, job), &wanted, kept))).await
}

async fn gather(
    tools: &Tools,
    conn: &mut PgConnection,
    job: &ReadRecording,
) -> Result<Option<Gathered>, store::Error> {
    let names = (job.account_id, job.call_id);
    let Some(call) = store::calls::find(&mut *conn, names.0, names.1).await? else {
        return Ok(None);
    };
    let settings = analysis_settings::find(&mut *conn, job.account_id).await?;
    let settings = settings.settings.recordings;
    let Some(wanted) = Wanted::of(&call, &settings) else {
        return Ok(None);
    };
    let reading = recordings::find(&mut *conn, names, &wanted.key).await?;
    if !Wanted::is_unread(reading.as_ref(), tools) {
        return Ok(None);
    }
    let write = if !settings.transcribe {
        Write::Not(SkipReason::Disabled)
    } else if transcripts::given_by_caller(&mut *conn, names.0, names.1).await? {
        Write::Not(SkipReason::TranscriptGiven)
    } else {
        Write::Down
    };
    Ok(Some(Gathered { wanted, write }))
}

/// What is kept of a recording.
struct Kept {
    reading: Reading,
    transcript: Option<Transcript>,
    failures: Vec<Failure>,
}

/// What is to be kept, unless it may go better later.
fn outcome(read: Result<Read, Failure>, tools: &Tools, claim: &Claim) -> Result<Kept, Failure> {
    let gives_up = |failure: &Failure| claim.is_last() || failure.again == Again::Never;
    let kept = match read {
        Err(failure) if gives_up(&failure) => Kept {
            reading: Reading {
                sound: Section::Failed {
                    reason: failure.reason,
                },
                transcription: Section::Failed {
                    reason: failure.reason,
                },
            },
            transcript: None,
            failures: vec![failure],
        },
        Err(failure) => {
            tools.metrics.recording_read("retried");
            return Err(failure);
        }
        Ok(Read { sound, written }) => {
            let (transcription, transcript, failures) = match written {
                Ok(Written::Done(transcription, transcript)) => (
                    Section::Completed(transcription),
                    Some(transcript),
                    Vec::new(),
                ),
                Ok(Written::Skipped(reason)) => (Section::Skipped { reason }, None, Vec::new()),
                Err(failure) if gives_up(&failure) => (
                    Section::Failed {
                        reason: failure.reason,
                    },
                    None,
                    vec![failure],
                ),
                Err(failure) => {
                    tools.metrics.recording_read("retried");
                    return Err(failure);
                }
            };
            Kept {
                reading: Reading {
                    sound: Section::Completed(sound),
                    transcription,
                },
                transcript,
                failures,
            }
        }
    };
    let (sound, transcription) = (&kept.reading.sound, &kept.reading.transcription);
    tools.metrics.recording_read(word(sound.state()));
    tools.metrics.recording_written(word(transcription.state()));
    Ok(kept)
}

fn word(state: SectionState) -> &'static str {
    match state {
        SectionState::Completed => "completed",
        SectionState::Skipped => "skipped",
        SectionState::Failed => "failed",
    }
}

fn delay(claim: &Claim, failure: &Failure) -> Duration {
    let index = usize::try_from(claim.attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    let scheduled = DELAYS
        .get(index)
        .or(DELAYS.last())
        .copied()
        .unwrap_or_default();
    match failure.again {
        Again::Later { after: Some(asked) } => scheduled.max(asked.min(RETRY_AFTER_MAX)),
        Again::Later { after: None } | Again::Never => scheduled,
    }
}

fn log_failures(job: &ReadRecording, kept: &Kept) {
    for failure in &kept.failures {
        tracing::warn!(
            call.id = %job.call_id, reason = ?failure.reason, error = format!("{:#}", failure.cause),
            "a recording, or what is said in it, cannot be read"
        );
    }
}

fn log(job: &ReadRecording, claim: &Claim, failure: &Failure, message: &'static str) {
    tracing::info!(
        call.id = %job.call_id, reason = ?failure.reason, attempt = claim.attempt,
        error = format!("{:#}", failure.cause), "{message}"
    );
}

/// Keeps what was heard, tells of the transcript, has the call analysed again and finishes the job; or does none of it.
async fn keep(
    tools: &Tools,
    (claim, job): (&Claim, &ReadRecording),
    wanted: &Wanted,
    mut kept: Kept,
) -> Result<Done, store::Error> {
    let names = (job.account_id, job.call_id);
    let mut tx = tools.db.begin().await?;
    let Some(call) = store::calls::lock(&mut tx, names.0, names.1).await? else {
        return Ok(Done::Nothing);
    };
    if kept.transcript.is_some() && transcripts::given_by_caller(&mut *tx, names.0, names.1).await?
    {
        kept.transcript = None;
        kept.reading.transcription = Section::Skipped {
            reason: SkipReason::TranscriptGiven,
        };
    }
    let reading = (&kept.reading, claim.attempt);
    if !recordings::insert(&mut tx, names, &wanted.key, reading).await? {
        return Ok(Done::Nothing);
    }
    if let Some(transcript) = &kept.transcript {
        let source = TranscriptSource::SpeechToText;
        transcribe::keep(&mut tx, &call, source, transcript).await?;
    }
    let at = store::now(&mut tx).await?;
    let analysis = effects::analysis(names.0, names.1, Trigger::RecordingAvailable)
        .unique(format!("analyze-recording/{}", job.call_id))
        .at(at + SETTLE);
    queue::store::enqueue(&mut tx, &[analysis]).await?;
    if !queue::store::finish(&mut tx, claim).await? {
        return Ok(Done::Nothing);
    }
    tx.commit().await?;
    Ok(Done::Kept)
}
