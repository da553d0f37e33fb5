//! `GET /calls/query`.

use axum::{extract::State, http::StatusCode, response::Response};

use super::{
    asked,
    cursor::{self, ListMark},
    document::{CallQuery, example},
    envelope::{CallPage, Meta, Refusals, Status},
};
use crate::{
    api::{
        answer,
        auth::require,
        error::{Code, Error, FieldError},
        extract::{Fields, Lists, QueryLists, Reader, Wrong},
        redact,
        state::ApiState,
    },
    domain::{
        account::{Caller, Scope, TranscriptAccess},
        call_query::{Column, Order},
        id::{AccountId, CallId},
    },
    store::{
        self,
        calls::{
            query::{self, CallQuery as List, Counted, Start},
            total::Total,
        },
    },
};

/// Deeper pages are for the cursor.
const PAGE_MAX: i32 = 10_000;

const ORDERS: [(&str, Order); 2] = [("asc", Order::Ascending), ("desc", Order::Descending)];

/// What was asked for.
struct Asked {
    list: List,
    page: i64,
    mark: ListMark,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
enum ListError {
    #[error("the list would have to read too many calls")]
    TooSlow(#[source] sqlx::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// List calls
///
/// Newest first unless asked otherwise. Everything that is wrong with the parameters is named at once.
#[utoipa::path(
    get, path = "/query", tag = "calls",
    params(CallQuery),
    responses((status = 200, description = "A page of calls", body = CallPage,
        example = json!(example::page())), Refusals),
    security(("bearer" = []))
)]
pub(super) async fn query_calls(
    State(state): State<ApiState>,
    caller: Caller,
    QueryLists(fields, lists): QueryLists,
) -> Result<Response, Error> {
    require(&caller, Scope::ReadCalls)?;
    let access = redact::access(&state.db, &caller).await?;
    let asked = parse(fields, &lists, (caller.account_id, access))?;
    let mut page = store::within(load(&state, caller.account_id, &asked)).await?;
    page.data = redact::calls(page.data, access).await;
    Ok(answer::json(StatusCode::OK, &page))
}

async fn load(
    state: &ApiState,
    account_id: AccountId,
    asked: &Asked,
) -> Result<CallPage, ListError> {
    let list = &asked.list;
    let mut tx = query::begin(&state.db).await?;
    let counted = match list.start {
        Start::Offset(_) => Counted::Yes,
        Start::After(_) => Counted::No,
    };
    let listed = query::list(&mut tx, account_id, list, counted).await?;
    let ids: Vec<CallId> = listed.places.iter().map(|place| place.call_id).collect();
    let data = store::calls::shown(&mut tx, account_id, &ids).await?;
    tx.commit().await?;
    let is_full = i64::try_from(ids.len()) == Ok(list.limit);
    let last = listed.places.last().filter(|_| is_full);
    Ok(CallPage {
        status: Status::Ok,
        message: "Calls found",
        data,
        meta: Meta {
            page: listed.total.map(|_| asked.page),
            per_page: list.limit,
            total: listed.total.map(|total| match total {
                Total::Exactly(count) | Total::About(count) => count,
            }),
            total_is_estimate: matches!(listed.total, Some(Total::About(_))),
            next_cursor: last.map(|place| cursor::encode(&asked.mark, place)),
        },
    })
}

fn parse(
    fields: Fields<'_>,
    lists: &Lists,
    (account_id, access): (AccountId, TranscriptAccess),
) -> Result<Asked, Error> {
    let fields = fields.without_empty();
    let mark = asked::mark(account_id, &fields, lists);
    let mut reader = Reader::new(&fields);
    let wanted = asked::wanted(&mut reader, lists, access);
    let page = reader.optional("page", |field| field.digits(0, PAGE_MAX));
    let per_page = reader.optional("per_page", |field| field.digits(1, 100));
    let sort = reader.optional("sort_column", |field| field.one_of(&Column::NAMES));
    if sort == Some(Column::Transcript) {
        asked::readable(&mut reader, "sort_column", access);
    }
    let order = reader.optional("order", |field| field.one_of(&ORDERS));
    let place = reader.optional("cursor", |field| {
        cursor::decode(&mark, field.text()?)
            .ok_or_else(|| Wrong::invalid("must be the next_cursor of a page of the same list"))
    });
    if reader.has("cursor") && reader.has("page") {
        reader.refuse(FieldError::invalid("page", "cannot be used with cursor"));
    }
    let (page, limit) = (page.unwrap_or(0).into(), per_page.unwrap_or(10).into());
    let list = List {
        conditions: wanted.conditions,
        search: wanted.search,
        sort: sort.unwrap_or(Column::Created),
        order: order.unwrap_or(Order::Descending),
        start: place.map_or(Start::Offset(page * limit), Start::After),
        limit,
    };
    reader.finish(Some(Asked { list, page, mark }))
}

impl From<sqlx::Error> for ListError {
    fn from(error: sqlx::Error) -> Self {
        if query::is_too_slow(&error) {
            Self::TooSlow(error)
        } else {
            Self::Store(error.into())
        }
    }
}

impl From<ListError> for Error {
    fn from(error: ListError) -> Self {
        match error {
            ListError::TooSlow(error) => Self::new(
                Code::Unavailable,
                "this list would have to read too many calls: narrow it with start_date and end_date, or sort by \
                 created_at",
            )
            .caused_by(error),
            ListError::Store(error) => error.into(),
        }
    }
}
