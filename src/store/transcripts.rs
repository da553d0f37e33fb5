//! Transcripts: immutable, numbered per call, the newest counts.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, types::Json};

use crate::domain::{
    analysis::TranscriptSource,
    id::{AccountId, CallId, TranscriptId},
    transcript::{Language, ShownUtterance, Times, Transcript, Utterance},
};

/// What tells one transcript of a call from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its place among the call's transcripts, from 1.
    pub revision: i32,
    /// Its id.
    pub transcript_id: TranscriptId,
    /// The hash of its content.
    pub content_sha256: Vec<u8>,
    /// When it came.
    pub created_at: DateTime<Utc>,
}

/// A transcript to be kept.
#[derive(Debug)]
pub struct NewTranscript<'a> {
    /// Its place: one above the newest. The caller holds the call's row.
    pub revision: i32,
    /// Its id.
    pub transcript_id: TranscriptId,
    /// Who gave it.
    pub source: TranscriptSource,
    /// What was said.
    pub transcript: &'a Transcript,
    /// The hash of its content.
    pub content_sha256: &'a [u8],
}

/// A transcript as it is kept.
#[derive(Debug, Clone)]
pub struct Kept {
    /// What tells it from another.
    pub head: Head,
    /// Who gave it.
    pub source: TranscriptSource,
    /// What was said.
    pub transcript: Transcript,
}

/// Keeps a transcript; answers when.
pub async fn insert(
    conn: &mut PgConnection,
    account_id: AccountId,
    call_id: CallId,
    new: &NewTranscript<'_>,
) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar!(
        "insert into transcripts
           (account_id, call_id, revision, transcript_id, source, language, utterances, text, content_sha256, timed)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         returning created_at",
        account_id.uuid(),
        call_id.uuid(),
        new.revision,
        new.transcript_id.uuid(),
        new.source as TranscriptSource,
        new.transcript.language().map(Language::as_str),
        Json(ShownUtterance::all(new.transcript)) as Json<Vec<ShownUtterance>>,
        new.transcript.lines(),
        new.content_sha256,
        new.transcript.times() == Times::Given
    )
    .fetch_one(conn)
    .await
}

/// The head of the call's newest transcript.
pub async fn newest_head(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    call_id: CallId,
) -> sqlx::Result<Option<Head>> {
    sqlx::query_as!(
        Head,
        r#"select revision, transcript_id as "transcript_id: TranscriptId", content_sha256, created_at
           from transcripts where account_id = $1 and call_id = $2
           order by revision desc limit 1"#,
        account_id.uuid(),
        call_id.uuid()
    )
    .fetch_optional(db)
    .await
}

/// Whether a client has given a transcript of the call.
pub async fn given_by_caller(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    call_id: CallId,
) -> sqlx::Result<bool> {
    let given = sqlx::query_scalar!(
        r#"select exists (select from transcripts where account_id = $1 and call_id = $2 and source = 'caller') as "given!""#,
        account_id.uuid(),
        call_id.uuid()
    );
    given.fetch_one(db).await
}

/// The call's newest transcript, or the one of a revision.
pub async fn find(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    call_id: CallId,
    revision: Option<i32>,
) -> sqlx::Result<Option<Kept>> {
    let row = sqlx::query!(
        r#"select revision, transcript_id as "transcript_id: TranscriptId", content_sha256, created_at, source, language,
                  timed, utterances as "utterances: Json<Vec<ShownUtterance>>"
           from transcripts where account_id = $1 and call_id = $2 and ($3::int is null or revision = $3)
           order by revision desc limit 1"#,
        account_id.uuid(),
        call_id.uuid(),
        revision
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let language = row.language.map(|tag| tag.parse()).transpose();
    let language = language.map_err(|error: crate::domain::transcript::NotLanguage| {
        sqlx::Error::Decode(Box::new(error))
    })?;
    let utterances: Vec<Utterance> = row.utterances.0.into_iter().map(Utterance::from).collect();
    Ok(Some(Kept {
        head: Head {
            revision: row.revision,
            transcript_id: row.transcript_id,
            content_sha256: row.content_sha256,
            created_at: row.created_at,
        },
        source: row.source,
        transcript: if row.timed {
            Transcript::of_checked(language, utterances)
        } else {
            Transcript::untimed(language, utterances)
        },
    }))
}
