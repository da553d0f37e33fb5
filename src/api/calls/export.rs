//! `GET /v1/calls/export`: all calls that a list would have, as one file that is written while it is read.
//!
//! A native route, though its path lies among the calls surface's: its errors are problem documents. The rows come from
//! [`crate::calls::export`], the bytes from [`crate::domain::call_export`], and [`body`] hands them over.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Version, header},
    response::Response,
};
use utoipa::IntoResponses;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::asked::{self, FILTERS};
use crate::{
    api::{
        auth::require,
        error::{Code, Error, FieldError, Problem},
        extract::{Field, Fields, Lists, QueryLists, Reader},
        redact,
        state::ApiState,
    },
    calls::export::{BeginError, Export, Order},
    domain::{
        account::{Caller, Scope, TranscriptAccess},
        call_export::Format,
        id::AccountId,
    },
};

mod accept;
mod body;
mod document;
mod turns;

pub use accept::not_acceptable;
use body::ExportBody;
use document::{ExportQuery, example};
pub use turns::{EXPORTS_MAX, Exports};

/// After how many seconds to ask again when too many exports are running.
const RETRY_AFTER_S: u32 = 10;

/// What may be asked for, besides [`FILTERS`].
const PARAMETERS: [&str; 8] = [
    "campaign_id",
    "ai_agent_id",
    "status",
    "search",
    "start_date",
    "end_date",
    "after",
    "format",
];

/// The route, with its whole path: there is none at `/calls/export`, where `export` would be an id.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(export_calls))
}

/// How an export may be refused. Once it has begun it is cut off instead.
#[derive(Debug, IntoResponses)]
pub enum Refusals {
    /// Parameters are wrong, and all of them are named; or the request was made with HTTP/1.0
    #[response(status = 400, content_type = "application/problem+json")]
    Invalid(Problem),
    /// No credential, or one that is not valid
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(Problem),
    /// A valid credential that may not do this
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Problem),
    /// `Accept` takes neither NDJSON nor CSV, and `format` was not given
    #[response(status = 406, content_type = "application/problem+json")]
    NotAcceptable(Problem),
    /// More requests than this credential may make, or more exports than its account may; `Retry-After` says when to try again
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(Problem),
    /// Our fault
    #[response(status = 500, content_type = "application/problem+json")]
    Internal(Problem),
    /// The database is away: try again
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}

/// Export calls
///
/// All calls that the filters let pass, oldest first, as one stream: a Call object a line (NDJSON) or a row (CSV, the columns being
/// the fields of the Call object in its order). A stream that was cut off has no end: HTTP clients report that as an error. Go on
/// with `after`, the `id` of the last complete row. Calls that are younger than ten seconds are left for the next export, so that
/// going on misses none.
#[utoipa::path(
    get, path = "/v1/calls/export", tag = "calls",
    params(ExportQuery),
    responses(
        (status = 200, description = "The calls; `Content-Disposition` suggests a file name", content(
            (String = "application/x-ndjson", example = json!(example(Format::Ndjson))),
            (String = "text/csv", example = json!(example(Format::CsvSafe))),
        )),
        Refusals
    ),
    security(("bearer" = []))
)]
async fn export_calls(
    State(state): State<ApiState>,
    caller: Caller,
    version: Version,
    headers: HeaderMap,
    asked: Result<QueryLists, Error>,
) -> Result<Response, Error> {
    require(&caller, Scope::ReadCalls)?;
    let QueryLists(fields, lists) = asked?;
    let access = redact::access(&state.db, &caller).await?;
    let (order, format) = parse((caller.account_id, access), fields, &lists)?;
    let format = match format {
        Some(format) => format,
        None => accept::format(&headers)?,
    };
    if version < Version::HTTP_11 {
        let told = "an export needs HTTP/1.1: over HTTP/1.0 nobody could see that it was cut off";
        return Err(Error::new(Code::InvalidInput, told));
    }
    let turn = state.exports.enter(caller.account_id).ok_or_else(|| {
        let told = format!(
            "{EXPORTS_MAX} exports of the account are running; wait for one of them to end"
        );
        state.metrics.request_limited("exports");
        Error::new(Code::RateLimited, told).retry_after(RETRY_AFTER_S)
    })?;
    let export = Export::begin(state.db.clone(), order).await?;
    let body = ExportBody::begin(export, format, turn, &state).await?;
    Ok(answer(format, Body::new(body)))
}

fn answer(format: Format, body: Body) -> Response {
    let (media, disposition) = match format {
        Format::Ndjson => (
            "application/x-ndjson",
            "attachment; filename=\"calls.ndjson\"",
        ),
        Format::Csv | Format::CsvSafe => (
            "text/csv; charset=utf-8; header=present",
            "attachment; filename=\"calls.csv\"",
        ),
    };
    let mut answer = Response::new(body);
    for (name, value) in [
        (header::CONTENT_TYPE, media),
        (header::CONTENT_DISPOSITION, disposition),
    ] {
        answer
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// Reads what a query string asks for, as the command line writes it, too.
pub fn order(account_id: AccountId, query: &str) -> Result<Order, Error> {
    let QueryLists(fields, lists) = QueryLists::parse(query)?;
    let whose = (account_id, TranscriptAccess::Raw);
    parse(whose, fields, &lists).map(|(order, _)| order)
}

fn parse(
    (account_id, access): (AccountId, TranscriptAccess),
    fields: Fields<'_>,
    lists: &Lists,
) -> Result<(Order, Option<Format>), Error> {
    let fields = fields.without_empty();
    let mut reader = Reader::new(&fields);
    // A filter that is not understood would export everything.
    reader.only(&PARAMETERS);
    for name in lists.names().filter(|name| !FILTERS.contains(name)) {
        let message = format!(
            "is not known here; there is {}, {}",
            PARAMETERS.join(", "),
            FILTERS.join(", ")
        );
        reader.refuse(FieldError::invalid(name, message));
    }
    let format = reader.optional("format", |field| field.one_of(&Format::WORDS));
    let after = reader.optional("after", Field::uuid);
    let wanted = asked::wanted(&mut reader, lists, access);
    let order = Order {
        account_id,
        conditions: wanted.conditions,
        search: wanted.search,
        after,
        transcripts: access,
    };
    reader.finish(Some((order, format)))
}

impl From<BeginError> for Error {
    fn from(error: BeginError) -> Self {
        match error {
            BeginError::UnknownCall(_) => {
                let wrong = FieldError::invalid("after", "is no call of the account");
                Self::fields(Code::InvalidInput, vec![wrong])
            }
            BeginError::Store(error) => error.into(),
        }
    }
}
