//! What is to be read of calls, and the job that does it: after the end, when a recording comes late, and when somebody asks for it again.

use serde::Serialize;
use sqlx::PgConnection;
use url::Url;
use uuid::Uuid;

use crate::{
    analysis::{digest::json_sha256, recording::VOICE_ACTIVITY},
    domain::{
        analysis::{
            Section, SkipReason,
            settings::recordings::{AgentChannel, RecordingSettings},
        },
        call::Call,
        id::{AccountId, CallId},
        recording::{Reading, fetchable},
    },
    jobs::ReadRecording,
    queue::{self, Lane, NewJob},
    recordings::read::Recordings,
    store::{self, analysis_settings, recordings, transcripts},
};

/// Recordings are slow and large: few are read at once, so that other work is not kept waiting.
const LANE: Lane = Lane(Uuid::from_u128(0x0190_0000_0000_7000_8000_7265_6164_696e));

/// A recording that is to be read, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Where it is.
    pub(super) url: Url,
    /// What the account wants of it.
    pub(super) settings: RecordingSettings,
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
        Some(Self {
            key: json_sha256(&key),
            settings: *settings,
            url,
        })
    }

    /// Whether there is something to be read still: nothing was, or there was no speech-to-text service when it was.
    pub fn is_unread(reading: Option<&Reading>, recordings: &Recordings) -> bool {
        let unwritten = Section::Skipped {
            reason: SkipReason::NotConfigured,
        };
        reading.is_none_or(|reading| {
            reading.transcription == unwritten && recordings.speech().is_some()
        })
    }
}

/// The job that reads a call's recording; at most one of a call is there. `store::recordings` and the lists of voice calls know its key: while it
/// is there, the call is being written down.
pub fn job(job: &ReadRecording) -> NewJob {
    NewJob::new(job.account_id, job)
        .in_lane(LANE)
        .unique(format!("read-recording/{}", job.call_id))
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
    let wish = |call: &&&Call| {
        let of = fetching.iter().find(|(of, _)| *of == call.account_id);
        of.map(|(_, settings)| *settings)
    };
    let jobs: Vec<NewJob> = with
        .iter()
        .filter_map(|call| {
            let settings = wish(call)?;
            Some(job(&ReadRecording {
                account_id: call.account_id,
                call_id: call.call_id,
                transcribes: settings.transcribe,
                again: false,
            }))
        })
        .collect();
    queue::store::enqueue(conn, &jobs).await?;
    Ok(!jobs.is_empty())
}

/// A call that is going to be written down: whoever shows it shows that, so it has changed. The caller holds its row.
pub async fn begins(conn: &mut PgConnection, call: Call) -> sqlx::Result<Call> {
    store::calls::save_life(&mut *conn, &call).await?;
    let changed = store::calls::find(conn, call.account_id, call.call_id).await?;
    Ok(changed.unwrap_or(call))
}

/// The job that reads a call's recording anew because somebody asks for it: one that was not read, that could not be heard or written
/// down, or that was not written down for want of a service; with `force`, any. `None`: there is nothing to read, or it was read.
pub async fn again(
    conn: &mut PgConnection,
    (account_id, call_id): (AccountId, CallId),
    tools: &Recordings,
    force: bool,
) -> sqlx::Result<Option<NewJob>> {
    let settings = analysis_settings::find(&mut *conn, account_id).await?;
    let settings = settings.settings.recordings;
    if !settings.fetch {
        return Ok(None);
    }
    let Some(call) = store::calls::lock(&mut *conn, account_id, call_id).await? else {
        return Ok(None);
    };
    let Some(wanted) = Wanted::of(&call, &settings) else {
        return Ok(None);
    };
    let reading = recordings::find(&mut *conn, (account_id, call_id), &wanted.key).await?;
    let failed = reading.as_ref().is_some_and(Reading::is_failed);
    if !(force || failed || Wanted::is_unread(reading.as_ref(), tools)) {
        return Ok(None);
    }
    let newest = transcripts::newest_head(&mut *conn, account_id, call_id).await?;
    let read = ReadRecording {
        account_id,
        call_id,
        transcribes: settings.transcribe && newest.is_none() && tools.speech().is_some(),
        again: reading.is_some(),
    };
    if read.transcribes {
        begins(conn, call).await?;
    }
    Ok(Some(job(&read)))
}
