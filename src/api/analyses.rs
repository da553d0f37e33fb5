//! Analyses: what was made of a call, revision by revision.

use axum::{extract::State, http::StatusCode, response::Response};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer,
    auth::require,
    document::story,
    error::{Code, Error, Problem},
    extract::{Path, QueryFields, Reader},
    native::{NoSuch, Refusals},
    redact,
    state::ApiState,
};
use crate::{
    calls::reanalyze::{self, RequestError, Requested, Services},
    domain::{
        account::{Caller, Scope},
        analysis::{Analysis, TurnSentiment},
        id::{AccountId, CallId},
        transcript::{ShownUtterance, SpeakerRole, Transcript, Utterance},
    },
    store::{self, analyses::Kept},
};

/// Revisions on a page, unless asked otherwise, and at most.
const PAGE: i32 = 20;
const PAGE_MAX: i32 = 100;

/// The routes, with their whole paths.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(get_analysis, request_analysis))
        .routes(routes!(list_analyses))
}

/// An utterance, and how it sounded.
#[derive(Debug, Serialize, ToSchema)]
struct Spoken {
    /// Its place, from 0.
    turn: usize,
    /// Who speaks.
    speaker: SpeakerRole,
    /// The name under which the metrics count the speaker.
    participant: String,
    /// Where it begins; null where the transcript has no times.
    begin_offset_ms: Option<u32>,
    /// Where it ends; null where the transcript has no times.
    end_offset_ms: Option<u32>,
    /// What is said.
    text: String,
    /// How it sounded; null where sentiment was not made.
    sentiment: Option<TurnSentiment>,
}

/// The current analysis, with what it was made of.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::analysis_with_transcript()))]
struct CurrentAnalysis {
    /// The analysis.
    #[serde(flatten)]
    #[schema(value_type = Analysis)]
    result: Value,
    /// The transcript that it was made of, turn by turn; null without one.
    transcript: Option<Vec<Spoken>>,
}

/// Revisions of a call's analysis.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::analyses()))]
struct Analyses {
    /// Newest first.
    #[schema(value_type = Vec<Analysis>)]
    data: Vec<Value>,
    /// What to ask for as `before` to go on; null at the end.
    next_before: Option<i64>,
}

/// Read a call's analysis
///
/// The newest revision, complete. There is one soon after the call's end; 404 until then.
#[utoipa::path(
    get, path = "/v1/calls/{id}/analysis", tag = "analysis",
    params(("id" = uuid::Uuid, Path, description = "The call's id")),
    responses((status = 200, description = "The analysis", body = CurrentAnalysis), NoSuch, Refusals),
    security(("bearer" = []))
)]
async fn get_analysis(
    State(state): State<ApiState>,
    caller: Caller,
    Path(call_id): Path<CallId>,
) -> Result<Response, Error> {
    require(&caller, Scope::ReadCalls)?;
    let access = redact::access(&state.db, &caller).await?;
    let found = store::within(async {
        let mut conn = state.db.acquire().await?;
        find(&mut conn, (caller.account_id, call_id)).await
    });
    let (kept, transcript) = found.await?;
    let transcript = match transcript {
        Some(transcript) => Some(redact::transcript(transcript, access).await),
        None => None,
    };
    let shown = CurrentAnalysis::of(kept, transcript.as_ref());
    Ok(answer::json(StatusCode::OK, &shown))
}

/// List the revisions of a call's analysis
///
/// Newest first, without their transcripts.
#[utoipa::path(
    get, path = "/v1/calls/{id}/analyses", tag = "analysis",
    params(
        ("id" = uuid::Uuid, Path, description = "The call's id"),
        ("limit" = Option<i32>, Query, minimum = 1, maximum = 100, description = "Revisions on a page; 20 unless given"),
        ("before" = Option<i32>, Query, minimum = 1, description = "Only revisions below this one")
    ),
    responses((status = 200, description = "The revisions; none before the call's end", body = Analyses), NoSuch, Refusals),
    security(("bearer" = []))
)]
async fn list_analyses(
    State(state): State<ApiState>,
    caller: Caller,
    Path(call_id): Path<CallId>,
    QueryFields(query): QueryFields,
) -> Result<Response, Error> {
    require(&caller, Scope::ReadCalls)?;
    let mut reader = Reader::new(&query);
    let limit = reader.optional("limit", |field| field.digits(1, PAGE_MAX));
    let before = reader.optional("before", |field| field.digits(1, i32::MAX));
    reader.finish(Some(()))?;
    let limit = i64::from(limit.unwrap_or(PAGE));
    let call = (caller.account_id, call_id);
    let listed = store::within(async {
        let mut conn = state.db.acquire().await?;
        must_exist(&mut conn, caller.account_id, call_id).await?;
        let listed = store::analyses::list(&mut *conn, call, before, limit + 1).await?;
        Ok::<_, Error>(listed)
    });
    Ok(answer::json(
        StatusCode::OK,
        &Analyses::of(listed.await?, limit),
    ))
}

/// How a request for an analysis stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Standing {
    /// The newest revision is what would be made.
    Current,
    /// Another will be made.
    Queued,
}

/// What becomes of a request for an analysis.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::analysis_requested()))]
struct AnalysisRequested {
    /// The call.
    call_id: CallId,
    /// How it stands.
    state: Standing,
    /// The newest revision as of now; the one that was asked for will be above it. Null before the first.
    revision: Option<i32>,
}

/// Have a call analysed again
///
/// A revision of the same input, the account's settings and the analysers' versions among it, is not made twice unless it is forced.
/// The new revision is told as `call.analyzed`. What a language model did not answer is asked again, and a recording that could not be
/// heard or written down is read again; forced, so are those that could. The recording makes one more revision if it says anything else.
#[utoipa::path(
    post, path = "/v1/calls/{id}/analysis", tag = "analysis",
    params(
        ("id" = uuid::Uuid, Path, description = "The call's id"),
        ("force" = Option<bool>, Query, description = "Also if equal input has been analysed by the same analysers; false unless given")
    ),
    responses(
        (status = 200, description = "The newest revision is what would be made", body = AnalysisRequested),
        (status = 202, description = "It will be made, or the recording is read again", body = AnalysisRequested),
        (status = 409, description = "The call is live: it is analysed when it has ended", body = Problem, content_type = "application/problem+json"),
        NoSuch, Refusals
    ),
    security(("bearer" = []))
)]
async fn request_analysis(
    State(state): State<ApiState>,
    caller: Caller,
    Path(call_id): Path<CallId>,
    QueryFields(query): QueryFields,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageCalls)?;
    let mut reader = Reader::new(&query);
    let force = reader.optional("force", |field| {
        field.one_of(&[("true", true), ("false", false)])
    });
    reader.finish(Some(()))?;
    let call = (caller.account_id, call_id);
    let services = Services {
        model: state.model.as_ref(),
        recordings: &state.recordings,
    };
    let requested = reanalyze::request(
        &state.db,
        &state.wake,
        (call, services),
        force.unwrap_or(false),
    )
    .await?;
    let (status, standing, revision) = match requested {
        Requested::Current { revision } => (StatusCode::OK, Standing::Current, Some(revision)),
        Requested::Queued { revision } => (StatusCode::ACCEPTED, Standing::Queued, revision),
    };
    let body = AnalysisRequested {
        call_id,
        state: standing,
        revision,
    };
    Ok(answer::json(status, &body))
}

impl From<RequestError> for Error {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::CallNotFound => Self::not_found("call"),
            RequestError::CallLive => Self::new(
                Code::InvalidTransition,
                "the call is live: it is analysed when it has ended",
            ),
            RequestError::Store(error) => error.into(),
        }
    }
}

async fn find(
    conn: &mut PgConnection,
    (account_id, call_id): (AccountId, CallId),
) -> Result<(Kept, Option<Transcript>), Error> {
    must_exist(&mut *conn, account_id, call_id).await?;
    let newest = store::analyses::newest(&mut *conn, account_id, call_id).await?;
    let newest = newest.ok_or_else(|| Error::not_found("analysis"))?;
    let transcript = match newest.transcript_revision {
        None => None,
        Some(revision) => {
            store::transcripts::find(conn, account_id, call_id, Some(revision)).await?
        }
    };
    Ok((newest, transcript.map(|kept| kept.transcript)))
}

impl CurrentAnalysis {
    fn of(kept: Kept, transcript: Option<&Transcript>) -> Self {
        let compounds = kept.turn_compounds.unwrap_or_default();
        let turns = transcript.map(|transcript| {
            let shown = ShownUtterance::all(transcript);
            let said = transcript.utterances().iter().zip(shown).enumerate();
            said.map(|(turn, said)| Spoken::of(turn, said, compounds.get(turn)))
                .collect()
        });
        Self {
            result: kept.result,
            transcript: turns,
        }
    }
}

async fn must_exist(
    conn: &mut PgConnection,
    account_id: AccountId,
    call_id: CallId,
) -> Result<(), Error> {
    match store::calls::find(conn, account_id, call_id).await? {
        Some(_) => Ok(()),
        None => Err(Error::not_found("call")),
    }
}

impl Spoken {
    fn of(
        turn: usize,
        (said, shown): (&Utterance, ShownUtterance),
        compound: Option<&f64>,
    ) -> Self {
        Self {
            turn,
            speaker: said.speaker,
            participant: said.participant().to_owned(),
            begin_offset_ms: shown.begin_ms,
            end_offset_ms: shown.end_ms,
            text: shown.text.into_string(),
            sentiment: compound.map(|compound| TurnSentiment::of(*compound)),
        }
    }
}

impl Analyses {
    /// A page of what was read, which is one more if there are more.
    fn of(mut listed: Vec<Value>, limit: i64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = listed.len() > limit;
        listed.truncate(limit);
        let last = listed.last().and_then(|last| last.get("revision"));
        Self {
            next_before: last.and_then(Value::as_i64).filter(|_| more),
            data: listed,
        }
    }
}
