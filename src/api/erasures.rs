//! Native routes that erase what is kept of a call, or of every call of a number or an e-mail address.

use std::collections::BTreeMap;

use axum::{extract::State, http::StatusCode, response::Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer,
    auth::require,
    document::story,
    error::{Error, FieldError, Problem},
    extract::{BODY_BYTES_MAX, Field, Fields, JsonBody, Path, QueryFields, Reader},
    native::{NoSuch, Refusals},
    state::ApiState,
};
use crate::{
    calls::erase::{self, Request, RequestError},
    domain::{
        account::{Caller, Scope},
        erasure::{Erasure, Stage, Subject, SubjectKind},
        id::{CallId, ErasureId},
        party::{Email, PartyNumber},
    },
    store,
};

/// Erasures on a page unless the request says otherwise.
const LIMIT: i64 = 50;

/// The most erasures on a page.
const LIMIT_MAX: i32 = 100;

/// What names a subject, of which a request has one.
const SUBJECTS: [&str; 3] = ["call_id", "phone_number", "email"];

/// The routes of this module.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(request_erasure, list_erasures))
        .routes(routes!(get_erasure))
}

/// What is to be erased: one of these. [`subject`] reads it.
#[derive(ToSchema)]
#[schema(example = json!(story::erasure_body()))]
#[expect(
    dead_code,
    reason = "the document's description of a body that is read field by field"
)]
struct ErasureBody {
    /// One call, also one that was deleted.
    #[schema(required = false)]
    call_id: uuid::Uuid,
    /// Every call from or to this number, however it was written.
    #[schema(required = false, min_length = 1, max_length = 255)]
    phone_number: String,
    /// Every call with this address, in small letters or capitals.
    #[schema(required = false, max_length = 254)]
    email: String,
}

/// What is asked for. Everything that is wrong is named at once.
fn subject(body: &[u8]) -> Result<Subject, Error> {
    let fields = Fields::from_json(body)?;
    let mut reader = Reader::new(&fields);
    reader.only(&SUBJECTS);
    let given: Vec<&str> = SUBJECTS
        .into_iter()
        .filter(|name| reader.has(name))
        .collect();
    let call = reader.optional("call_id", Field::uuid::<CallId>);
    let number = reader.optional("phone_number", |field| {
        Ok(PartyNumber::parse(field.text()?)?)
    });
    let email = reader.optional("email", Field::parse::<Email>);
    if given.is_empty() {
        reader.refuse(FieldError::missing("call_id"));
    }
    for more in given.iter().skip(1) {
        let told = "must not be there beside another: an erasure has one subject";
        reader.refuse(FieldError::invalid(*more, told));
    }
    let subjects = [
        call.map(Subject::Call),
        number.map(Subject::PhoneNumber),
        email.map(Subject::Email),
    ];
    reader.finish(subjects.into_iter().flatten().next())
}

/// How an erasure stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ErasureState {
    /// It is being worked on.
    Running,
    /// Nothing is left of the subject but this receipt.
    Completed,
}

/// What an erasure is about, without saying what.
#[derive(Debug, Serialize, ToSchema)]
struct ErasureSubject {
    /// One call, or those of a number or an address.
    #[serde(rename = "type")]
    kind: SubjectKind,
    /// HMAC-SHA256 of it under a key of the service, as hex: the same for the same subject of the account.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    digest: String,
}

/// An erasure while it is worked on, its receipt afterwards.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::erasure()))]
struct ErasureObject {
    /// Its id.
    id: ErasureId,
    /// What it is about.
    subject: ErasureSubject,
    /// How it stands.
    state: ErasureState,
    /// Calls that were looked at so far: all of the account's, unless the subject is one call.
    calls_looked_at: i64,
    /// Calls that are in no list and no look-up any more.
    calls_found: i64,
    /// Calls of which nothing is left.
    calls_erased: i64,
    /// Rows that were removed so far, by kind.
    removed: BTreeMap<String, i64>,
    /// When it was asked for.
    created_at: DateTime<Utc>,
    /// When it was completed; null until then.
    completed_at: Option<DateTime<Utc>>,
}

/// A page of erasures.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::erasures()))]
struct ErasureList {
    /// Newest first.
    data: Vec<ErasureObject>,
    /// The `cursor` of the next page; null on the last.
    next_cursor: Option<ErasureId>,
}

impl From<Erasure> for ErasureObject {
    fn from(erasure: Erasure) -> Self {
        Self {
            id: erasure.erasure_id,
            subject: ErasureSubject {
                kind: erasure.subject,
                digest: hex::encode(&erasure.subject_digest),
            },
            state: match erasure.stage {
                Stage::Finding | Stage::Purging | Stage::Finishing => ErasureState::Running,
                Stage::Completed => ErasureState::Completed,
            },
            calls_looked_at: erasure.looked_at,
            calls_found: erasure.found,
            calls_erased: erasure.erased,
            removed: erasure.removed,
            created_at: erasure.created_at,
            completed_at: erasure.completed_at,
        }
    }
}

impl From<RequestError> for Error {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::CallNotFound => Self::not_found("call"),
            RequestError::Store(error) => error.into(),
        }
    }
}

/// Erase a call, or everything of a number or an e-mail address
///
/// Removes whatever is kept of these calls, what was told of them and is about to be, and tells `call.erased` to endpoints that name
/// it. Reports that come later are answered as ever, and leave nothing. A live call is erased, too: it goes on at its provider. Asked
/// for again, it is the same erasure as long as it runs; a call that was erased has its receipt. It cannot be undone.
#[utoipa::path(
    post, path = "/v1/erasures", tag = "account",
    request_body = ErasureBody,
    responses(
        (status = 202, description = "It will be done, or was", body = ErasureObject),
        (status = 404, description = "The account has no such call", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body did not arrive in time", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not a media type that this route reads", body = Problem, content_type = "application/problem+json"),
        Refusals
    ),
    security(("bearer" = [])),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX)))
)]
async fn request_erasure(
    State(state): State<ApiState>,
    caller: Caller,
    body: Result<JsonBody, Error>,
) -> Result<Response, Error> {
    require(&caller, Scope::EraseCalls)?;
    let JsonBody(body) = body?;
    let subject = subject(&body)?;
    let request = Request {
        account_id: caller.account_id,
        subject: &subject,
        by: caller.key_id,
    };
    let erasure = erase::request(&state.db, &state.wake, &state.sealing_key, request).await?;
    Ok(answer::json(
        StatusCode::ACCEPTED,
        &ErasureObject::from(erasure),
    ))
}

/// Read an erasure
#[utoipa::path(
    get, path = "/v1/erasures/{id}", tag = "account",
    params(("id" = uuid::Uuid, Path, description = "The erasure's id")),
    responses((status = 200, description = "How far it is, or its receipt", body = ErasureObject), NoSuch, Refusals),
    security(("bearer" = []))
)]
async fn get_erasure(
    State(state): State<ApiState>,
    caller: Caller,
    Path(erasure_id): Path<ErasureId>,
) -> Result<Response, Error> {
    require(&caller, Scope::EraseCalls)?;
    let found = store::erasure::find(&state.db, (caller.account_id, erasure_id));
    let erasure = store::ask(found).await?;
    let erasure = erasure.ok_or_else(|| Error::not_found("erasure"))?;
    Ok(answer::json(StatusCode::OK, &ErasureObject::from(erasure)))
}

/// List erasures
#[utoipa::path(
    get, path = "/v1/erasures", tag = "account",
    params(
        ("cursor" = Option<uuid::Uuid>, Query, description = "The `next_cursor` of the page before"),
        ("limit" = Option<i32>, Query, minimum = 1, maximum = 100, description = "Erasures on a page; 50 unless given")
    ),
    responses((status = 200, description = "A page of them", body = ErasureList), Refusals),
    security(("bearer" = []))
)]
async fn list_erasures(
    State(state): State<ApiState>,
    caller: Caller,
    QueryFields(query): QueryFields,
) -> Result<Response, Error> {
    require(&caller, Scope::EraseCalls)?;
    let mut reader = Reader::new(&query);
    reader.only(&["cursor", "limit"]);
    let before = reader.optional("cursor", Field::uuid::<ErasureId>);
    let limit = reader.optional("limit", |field| field.digits(1, LIMIT_MAX));
    reader.finish(Some(()))?;
    let limit = limit.map_or(LIMIT, i64::from);
    let listed = store::erasure::list(&state.db, caller.account_id, before, limit + 1);
    let mut listed = store::ask(listed).await?;
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = listed.len() > shown;
    listed.truncate(shown);
    let list = ErasureList {
        next_cursor: listed.last().filter(|_| more).map(|last| last.erasure_id),
        data: listed.into_iter().map(ErasureObject::from).collect(),
    };
    Ok(answer::json(StatusCode::OK, &list))
}
