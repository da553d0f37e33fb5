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
    error::{Code, Error, FieldError},
    extract::{Json, Path},
    native::{BodyRefusals, NoSuch, Refusals},
    state::ApiState,
};
use crate::{
    calls::transcribe::{self, TakeError},
    domain::{
        account::{Caller, Scope},
        analysis::TranscriptSource,
        id::{CallId, TranscriptId},
        transcript::{BODY_BYTES_MAX, Language, Utterance, draft::Draft},
    },
    store::{self, transcripts::Kept},
};

/// The routes, with their whole paths.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(put_transcript, get_transcript))
}

/// What a transcript's body has. It is read as [`Draft`], which names every fault.
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
    /// In order of time.
    utterances: Vec<Utterance>,
}

/// Give a call its transcript
///
/// Before or after its end; the newest transcript counts. After the end the call is analysed again two seconds later. The
/// newest transcript again, in whatever order, changes nothing. At most 4 MiB.
#[utoipa::path(
    put, path = "/v1/calls/{id}/transcript", tag = "analysis",
    params(("id" = uuid::Uuid, Path, description = "The call's id")),
    request_body = TranscriptBody,
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
    body: Result<Json<Draft, BODY_BYTES_MAX>, Error>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageCalls)?;
    let Json(draft) = body?;
    let transcript = draft.parse().map_err(|faults| {
        let fields = faults.into_iter().map(FieldError::from).collect();
        Error::fields(Code::Unprocessable, fields)
    })?;
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
    let (language, utterances) = transcript.into_parts();
    let shown = TranscriptShown {
        call_id,
        transcript_id: head.transcript_id,
        source,
        language,
        created_at: head.created_at,
        utterances,
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
