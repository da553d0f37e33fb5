//! Transcripts: what was said on a call, given by whoever transcribed it.

use axum::{extract::State, http::StatusCode, response::Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer,
    auth::require,
    document::story,
    error::Error,
    extract::{Path, QueryFields, TextOrJson},
    native::{BodyRefusals, NoSuch, Refusals},
    redact,
    state::ApiState,
};
use crate::{
    calls::transcribe::{self, TakeError},
    domain::{
        account::{Caller, Scope},
        analysis::TranscriptSource,
        id::{CallId, TranscriptId},
        transcript::{BODY_BYTES_MAX, Language, ShownUtterance, Times, Utterance},
    },
    store::{self, transcripts::Kept},
};

mod given;

/// The routes, with their whole paths.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(put_transcript, get_transcript))
}

/// What a transcript's body has. It is read field by field, and every fault is named.
#[derive(ToSchema)]
#[schema(example = json!(story::transcript_body()))]
#[expect(
    dead_code,
    reason = "the document's description of a body that is read by another type"
)]
struct TranscriptBody {
    /// BCP 47. Sentiment is made of English, and of what nobody named.
    #[schema(max_length = 35, pattern = "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")]
    language: Option<String>,
    /// In any order. At most 32 different participants.
    #[schema(min_items = 1, max_items = 10_000)]
    utterances: Vec<Utterance>,
}

/// A transcript that was taken.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::transcript_taken()))]
struct TranscriptTaken {
    /// The call.
    call_id: CallId,
    /// The transcript that is now the newest.
    transcript_id: TranscriptId,
    /// When it came.
    created_at: DateTime<Utc>,
    /// Whether every utterance has its times; if not, nothing is counted from times.
    timed: bool,
}

/// A call's newest transcript.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::transcript()))]
struct TranscriptShown {
    /// The call.
    call_id: CallId,
    /// The transcript.
    transcript_id: TranscriptId,
    /// Who gave it.
    source: TranscriptSource,
    /// BCP 47; null where the giver did not say.
    #[schema(value_type = Option<String>)]
    language: Option<Language>,
    /// When it came.
    created_at: DateTime<Utc>,
    /// Whether the utterances have their times.
    timed: bool,
    /// In the order in which they were said.
    utterances: Vec<ShownUtterance>,
}

/// Give a call its transcript
///
/// Before or after its end; the newest transcript counts. After the end the call is analysed again two seconds later. The
/// newest transcript again, in whatever order, changes nothing. At most 4 MiB.
///
/// Besides the JSON below: plain text, a line an utterance (`agent: …`), as `text/plain`; and with `format` the JSON of other
/// platforms, as they write it. docs/transcripts.md has the grammar and the shapes.
#[utoipa::path(
    put, path = "/v1/calls/{id}/transcript", tag = "analysis",
    params(
        ("id" = uuid::Uuid, Path, description = "The call's id"),
        ("format" = Option<String>, Query, description = "Whose JSON it is: assemblyai, bland, contact_lens, deepgram, \
            elevenlabs, openai, retell, twilio or vapi; ours unless given"),
        ("language" = Option<String>, Query, description = "BCP 47; for text and for other platforms' JSON"),
        ("agent" = Option<String>, Query, description = "What the text or the document calls the agent, where it does not say"),
        ("customer" = Option<String>, Query, description = "What it calls the customer")
    ),
    request_body(content((TranscriptBody = "application/json"), (String = "text/plain", example = json!(story::transcript_text())))),
    responses(
        (status = 200, description = "It is the newest transcript already", body = TranscriptTaken),
        (status = 201, description = "Kept", body = TranscriptTaken),
        NoSuch, Refusals, BodyRefusals
    ),
    security(("bearer" = [])),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX)))
)]
async fn put_transcript(
    State(state): State<ApiState>,
    caller: Caller,
    Path(call_id): Path<CallId>,
    QueryFields(query): QueryFields,
    body: Result<TextOrJson<BODY_BYTES_MAX>, Error>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageCalls)?;
    let TextOrJson(body) = body?;
    let transcript = given::read(&query, body)?;
    let call = (caller.account_id, call_id);
    let taken = transcribe::take(&state.db, &state.wake, call, &transcript).await?;
    let status = if taken.unchanged {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    let body = TranscriptTaken {
        call_id,
        transcript_id: taken.transcript_id,
        created_at: taken.created_at,
        timed: transcript.times() == Times::Given,
    };
    Ok(answer::json(status, &body))
}

/// Read a call's transcript
#[utoipa::path(
    get, path = "/v1/calls/{id}/transcript", tag = "analysis",
    params(("id" = uuid::Uuid, Path, description = "The call's id")),
    responses((status = 200, description = "The newest transcript", body = TranscriptShown), NoSuch, Refusals),
    security(("bearer" = []))
)]
async fn get_transcript(
    State(state): State<ApiState>,
    caller: Caller,
    Path(call_id): Path<CallId>,
) -> Result<Response, Error> {
    require(&caller, Scope::ReadCalls)?;
    let found = store::within(async {
        let mut conn = state.db.acquire().await?;
        if store::calls::find(&mut *conn, caller.account_id, call_id)
            .await?
            .is_none()
        {
            return Err(Error::not_found("call"));
        }
        store::transcripts::find(&mut *conn, caller.account_id, call_id, None)
            .await?
            .ok_or_else(|| Error::not_found("transcript"))
    });
    let Kept {
        head,
        source,
        transcript,
    } = found.await?;
    let access = redact::access(&state.db, &caller).await?;
    let transcript = redact::transcript(transcript, access).await;
    let shown = TranscriptShown {
        call_id,
        transcript_id: head.transcript_id,
        source,
        language: transcript.language().cloned(),
        created_at: head.created_at,
        timed: transcript.times() == Times::Given,
        utterances: ShownUtterance::all(&transcript),
    };
    Ok(answer::json(StatusCode::OK, &shown))
}

impl From<TakeError> for Error {
    fn from(error: TakeError) -> Self {
        match error {
            TakeError::CallNotFound => Self::not_found("call"),
            TakeError::Store(error) => error.into(),
        }
    }
}
