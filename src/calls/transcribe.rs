//! Takes a transcript of a call, before or after its end.
//!
//! Transcripts are kept as they came and never changed; the newest counts. One that says the same as the newest changes
//! nothing. After the end it asks for another analysis, a moment later, so that several that come together make one.
//!
//! The call's row is locked throughout: `calls::analyze` takes the same lock when it stores, so whichever of the two comes
//! second sees the first.

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sqlx::{PgConnection, PgPool};

use super::effects;
use crate::{
    domain::{
        analysis::{TranscriptSource, Trigger},
        call::Call,
        event::EventType,
        id::{AccountId, CallId, TranscriptId},
        transcript::{Language, Times, Transcript, Utterance},
    },
    queue::{self, runner::Wake},
    store::{
        self,
        transcripts::{self, NewTranscript},
    },
    webhooks::emit::{self, Happening},
};

/// How long after a transcript the analysis waits for the next one.
pub const SETTLE: TimeDelta = TimeDelta::seconds(2);

/// What became of a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// The transcript that is now the newest.
    pub transcript_id: TranscriptId,
    /// When it came.
    pub created_at: DateTime<Utc>,
    /// It is what the newest one says already: nothing was done.
    pub unchanged: bool,
}

/// Why a transcript was not taken.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// The account has no such call.
    #[error("the call is not known")]
    CallNotFound,
    /// The database did not do it, or may not have.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<sqlx::Error> for TakeError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Takes a transcript.
pub async fn take(
    db: &PgPool,
    wake: &Wake,
    (account_id, call_id): (AccountId, CallId),
    transcript: &Transcript,
) -> Result<Taken, TakeError> {
    let content_sha256 = content_sha256(transcript);
    let (taken, jobs) = store::within(async {
        let mut tx = db.begin().await?;
        let call = store::calls::lock(&mut tx, account_id, call_id)
            .await?
            .ok_or(TakeError::CallNotFound)?;
        let newest = transcripts::newest_head(&mut *tx, account_id, call_id).await?;
        if let Some(same) = newest
            .as_ref()
            .filter(|head| head.content_sha256 == content_sha256)
        {
            let taken = Taken {
                transcript_id: same.transcript_id,
                created_at: same.created_at,
                unchanged: true,
            };
            return Ok((taken, false));
        }
        let kept = keep(&mut tx, &call, TranscriptSource::Caller, transcript).await?;
        let analysed = call.life.end.is_some();
        if analysed {
            let trigger = Trigger::TranscriptUpdated;
            let analysis = effects::analysis(account_id, call_id, trigger)
                .unique(format!("analyze-transcript/{call_id}"))
                .at(kept.created_at + SETTLE);
            queue::store::enqueue(&mut tx, &[analysis]).await?;
        }
        let jobs = kept.told || analysed;
        tx.commit().await?;
        let taken = Taken {
            transcript_id: kept.transcript_id,
            created_at: kept.created_at,
            unchanged: false,
        };
        Ok::<_, TakeError>((taken, jobs))
    })
    .await?;
    if jobs {
        wake.wake();
    }
    Ok(taken)
}

/// Whether a transcript says the same as the call's newest.
pub(super) async fn is_newest(
    conn: &mut PgConnection,
    (account_id, call_id): (AccountId, CallId),
    transcript: &Transcript,
) -> sqlx::Result<bool> {
    let newest = transcripts::newest_head(conn, account_id, call_id).await?;
    Ok(newest.is_some_and(|head| head.content_sha256 == content_sha256(transcript)))
}

/// A transcript that was kept.
#[derive(Debug)]
pub(super) struct Kept {
    /// Its id.
    pub transcript_id: TranscriptId,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Somebody is told of it.
    pub told: bool,
}

/// Keeps a transcript of a call that is locked, as the newest, and tells of it.
pub(super) async fn keep(
    conn: &mut PgConnection,
    call: &Call,
    source: TranscriptSource,
    transcript: &Transcript,
) -> sqlx::Result<Kept> {
    let (account_id, call_id) = (call.account_id, call.call_id);
    let newest = transcripts::newest_head(&mut *conn, account_id, call_id).await?;
    let new = NewTranscript {
        revision: newest.map_or(1, |head| head.revision + 1),
        transcript_id: TranscriptId::generate(),
        source,
        transcript,
        content_sha256: &content_sha256(transcript),
    };
    let created_at = transcripts::insert(&mut *conn, account_id, call_id, &new).await?;
    // Whoever shows the call shows that there is a transcript: the call has changed.
    store::calls::save_life(&mut *conn, call).await?;
    let changed = store::calls::find(&mut *conn, account_id, call_id).await?;
    let beside = store::calls::beside(&mut *conn, account_id, call_id).await?;
    let events = [EventType::CallTranscribed, EventType::VoiceCallUpdate];
    let transcribed = events.map(|event| Happening {
        call: changed.as_ref().unwrap_or(call),
        beside: &beside,
        event,
        at: created_at,
    });
    Ok(Kept {
        transcript_id: new.transcript_id,
        created_at,
        told: emit::emit(conn, &transcribed).await?.deliveries > 0,
    })
}

fn content_sha256(transcript: &Transcript) -> Vec<u8> {
    #[derive(Serialize)]
    struct Content<'a> {
        language: Option<&'a Language>,
        utterances: &'a [Utterance],
        /// Only where it is not so: transcripts that were taken before there were others keep their hash.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        untimed: bool,
    }
    let content = Content {
        language: transcript.language(),
        utterances: transcript.utterances(),
        untimed: transcript.times() == Times::Absent,
    };
    let bytes = serde_json::to_vec(&content).expect("utterances are plain data");
    digest(&SHA256, &bytes).as_ref().to_vec()
}
