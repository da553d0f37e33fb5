//! Reads the recording of an ended call: fetched, listened to, written down if the account wants that; then the call is analysed again.
//!
//! Nothing is fetched for an account that has not asked for it. A reading is kept under the hash of its place and of how it is read, so
//! the job does nothing where there is one: run twice, it reads once. What a recording that is not there yet, or a server that is
//! down, leaves open is tried again for about an hour; then the reason is kept, and told by the analysis.
//!
//! Somebody may ask for it to be read again. What comes of that takes the place of what there is unless it is less: recordings are
//! deleted where they lie, and what was heard in one is not lost for that.
//!
//! No transaction is open meanwhile. What was heard is kept under the call's lock, with the transcript, the events and the next analysis in
//! one transaction; a transcript that a client has given by then stays the newest.

use std::time::Duration;

use anyhow::anyhow;
use sqlx::PgConnection;
use tokio::time::Instant;

pub mod wanted;

use wanted::Wanted;

use super::{
    Tools, effects,
    transcribe::{self, SETTLE},
};
use crate::{
    domain::{
        analysis::{Section, SectionState, SkipReason, TranscriptSource, Trigger},
        recording::Reading,
        transcript::Transcript,
    },
    jobs::ReadRecording,
    queue::{self, Claim, Outcome},
    recordings::{
        Again, Failure,
        read::{Read, Write, Written},
    },
    store::{self, analysis_settings, recordings, transcripts},
};

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

/// How long an attempt may take, so that a minute of the job's time is left to keep what came of it: cut off, nothing would be told.
const READING_MAX: Duration = Duration::from_mins(59);

/// A server's `Retry-After` is honoured up to this.
const RETRY_AFTER_MAX: Duration = Duration::from_mins(15);

/// One attempt.
pub async fn run(tools: &Tools, claim: &Claim, job: &ReadRecording) -> Outcome {
    match attempt(tools, claim, job).await {
        Ok(Done::Kept) => {
            tools.wake.wake();
            Outcome::Finished
        }
        Ok(Done::Nothing) => nothing(tools, claim, job).await,
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

/// There is nothing to do. Whoever was shown that the call is being written down sees another version of it.
async fn nothing(tools: &Tools, claim: &Claim, job: &ReadRecording) -> Outcome {
    if !job.transcribes {
        return Outcome::Done;
    }
    let finished = store::within(async {
        let mut tx = tools.db.begin().await?;
        let call = store::calls::lock(&mut tx, job.account_id, job.call_id).await?;
        if let Some(call) = &call {
            store::calls::save_life(&mut tx, call).await?;
        }
        if !queue::store::finish(&mut tx, claim).await? {
            return Ok(false);
        }
        let at = store::now(&mut tx).await?;
        let told = effects::tell_staff(&mut tx, (job.account_id, job.call_id), at).await?;
        tx.commit().await?;
        Ok::<_, store::Error>(told)
    });
    match finished.await {
        Ok(told) => {
            if told {
                tools.wake.wake();
            }
            Outcome::Finished
        }
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
    let deadline = Instant::now() + READING_MAX;
    let reading = Box::pin(
        tools
            .recordings
            .read(&wanted.url, &wanted.settings, write, deadline),
    );
    let kept = match outcome((reading.await, write), tools, claim) {
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
    if !job.again && !Wanted::is_unread(reading.as_ref(), &tools.recordings) {
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
fn outcome(
    (read, write): (Result<Read, Failure>, Write),
    tools: &Tools,
    claim: &Claim,
) -> Result<Kept, Failure> {
    let gives_up = |failure: &Failure| claim.is_last() || failure.again == Again::Never;
    let kept = match read {
        Err(failure) if gives_up(&failure) => Kept {
            reading: Reading {
                sound: Section::Failed {
                    reason: failure.reason,
                },
                transcription: match (write, tools.recordings.speech()) {
                    (Write::Not(reason), _) => Section::Skipped { reason },
                    (Write::Down, None) => Section::Skipped {
                        reason: SkipReason::NotConfigured,
                    },
                    (Write::Down, Some(_)) => Section::Failed {
                        reason: failure.reason,
                    },
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
    let before = recordings::find(&mut *tx, names, &wanted.key).await?;
    let is_due = job.again || Wanted::is_unread(before.as_ref(), &tools.recordings);
    if !is_due || before.is_some_and(|before| !before.gives_way_to(&kept.reading)) {
        return Ok(Done::Nothing);
    }
    let reading = (&kept.reading, claim.attempt);
    recordings::put(&mut tx, names, &wanted.key, reading).await?;
    let mut unwritten = false;
    match &kept.transcript {
        Some(transcript) if !transcribe::is_newest(&mut tx, names, transcript).await? => {
            let source = TranscriptSource::SpeechToText;
            transcribe::keep(&mut tx, &call, source, transcript).await?;
        }
        // Whoever shows the call shows how its transcript stands: it has changed.
        Some(_) | None if job.transcribes => {
            store::calls::save_life(&mut tx, &call).await?;
            unwritten = true;
        }
        Some(_) | None => {}
    }
    let at = store::now(&mut tx).await?;
    let analysis = effects::analysis(names.0, names.1, Trigger::RecordingAvailable)
        .unique(format!("analyze-recording/{}", job.call_id))
        .at(at + SETTLE);
    queue::store::enqueue(&mut tx, &[analysis]).await?;
    if !queue::store::finish(&mut tx, claim).await? {
        return Ok(Done::Nothing);
    }
    // After the end of the job, for while it is there the call is being written down.
    let told = unwritten && effects::tell_staff(&mut tx, names, at).await?;
    tx.commit().await?;
    if told {
        tools.wake.wake();
    }
    Ok(Done::Kept)
}
