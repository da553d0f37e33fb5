//! `GET /calls/query`.

use axum::{extract::State, http::StatusCode, response::Response};
use chrono::{Days, NaiveDate, NaiveTime};

use super::{
    cursor::{self, ListMark},
    document::CallQuery,
    envelope::{CallPage, Meta, Refusals, Status},
};
use crate::{
    api::{
        answer,
        auth::require,
        error::{Error, FieldError},
        extract::{Field, Fields, QueryFields, Reader, Wrong},
        state::ApiState,
    },
    domain::{
        account::{Caller, Scope},
        call_object::CallObject,
        id::{AccountId, CallId},
        state::CallState,
        text::Text,
    },
    store::{
        self,
        calls::list::{Comparison, Filter, List, Order, SortKey, Start, Total},
    },
};

/// Deeper pages are for the cursor.
const PAGE_MAX: i32 = 10_000;

const SORT_COLUMNS: [(&str, SortKey); 8] = [
    ("created_at", SortKey::Created),
    ("updated_at", SortKey::Updated),
    ("started_at", SortKey::Started),
    ("ended_at", SortKey::Ended),
    ("call_duration", SortKey::Duration),
    ("call_to", SortKey::To),
    ("call_from", SortKey::From),
    ("call_status", SortKey::Status),
];

const ORDERS: [(&str, Order); 2] = [("asc", Order::Ascending), ("desc", Order::Descending)];

/// What tells one list from another: everything but where in it the page is.
const LIST_PARAMETERS: [&str; 8] = [
    "campaign_id",
    "ai_agent_id",
    "status",
    "search",
    "start_date",
    "end_date",
    "sort_column",
    "order",
];

/// What was asked for.
struct Asked {
    list: List,
    page: i64,
    mark: ListMark,
}

/// List calls
///
/// Newest first unless asked otherwise. Everything that is wrong with the parameters is named at once.
#[utoipa::path(
    get, path = "/query", tag = "calls",
    params(CallQuery),
    responses((status = 200, description = "A page of calls", body = CallPage), Refusals),
    security(("bearer" = []))
)]
pub(super) async fn query_calls(
    State(state): State<ApiState>,
    caller: Caller,
    QueryFields(fields): QueryFields,
) -> Result<Response, Error> {
    require(&caller, Scope::ReadCalls)?;
    let asked = parse(fields, caller.account_id)?;
    let page = store::within(load(&state, caller.account_id, &asked)).await?;
    Ok(answer::json(StatusCode::OK, &page))
}

async fn load(
    state: &ApiState,
    account_id: AccountId,
    asked: &Asked,
) -> Result<CallPage, store::Error> {
    let list = &asked.list;
    let mut conn = state.db.acquire().await?;
    let places = store::calls::list::places(&mut conn, account_id, list).await?;
    let total = match list.start {
        Start::Offset(_) => {
            Some(store::calls::list::total(&mut conn, account_id, &list.filters).await?)
        }
        Start::After(_) => None,
    };
    let ids: Vec<CallId> = places.iter().map(|place| place.call_id).collect();
    let calls = store::calls::find_many(&mut *conn, account_id, &ids).await?;
    let keys: Vec<_> = ids.iter().map(|call_id| (account_id, *call_id)).collect();
    let mut besides = store::calls::beside_many(&mut conn, &keys).await?;
    let data = calls
        .iter()
        .map(|call| CallObject::new(call, besides.remove(&call.call_id).unwrap_or_default()))
        .collect();
    let is_full = i64::try_from(places.len()) == Ok(list.limit);
    let last = places.last().filter(|_| is_full);
    Ok(CallPage {
        status: Status::Ok,
        message: "Calls found",
        data,
        meta: Meta {
            page: total.map(|_| asked.page),
            per_page: list.limit,
            total: total.map(|total| match total {
                Total::Exactly(count) | Total::About(count) => count,
            }),
            total_is_estimate: matches!(total, Some(Total::About(_))),
            next_cursor: last.map(|place| cursor::encode(&asked.mark, place)),
        },
    })
}

fn parse(fields: Fields<'_>, account_id: AccountId) -> Result<Asked, Error> {
    let fields = fields.without_empty();
    let mark = ListMark::new(
        account_id,
        LIST_PARAMETERS
            .into_iter()
            .filter_map(|name| Some((name, fields.get(name)?.text().ok()?))),
    );
    let mut reader = Reader::new(&fields);
    let filters = filters(&mut reader);
    let page = reader.optional("page", |field| field.digits(0, PAGE_MAX));
    let per_page = reader.optional("per_page", |field| field.digits(1, 100));
    let sort = reader.optional("sort_column", |field| field.one_of(&SORT_COLUMNS));
    let order = reader.optional("order", |field| field.one_of(&ORDERS));
    let place = reader.optional("cursor", |field| {
        cursor::decode(&mark, field.text()?)
            .ok_or_else(|| Wrong::invalid("must be the next_cursor of a page of the same list"))
    });
    // Answering as if nothing had been filtered would be worse than not answering.
    for name in fields.names().filter(|name| name.starts_with("filter_")) {
        reader.refuse(FieldError::invalid(name, "is not a parameter here"));
    }
    if reader.has("cursor") && reader.has("page") {
        reader.refuse(FieldError::invalid("page", "cannot be used with cursor"));
    }
    let (page, limit) = (page.unwrap_or(0).into(), per_page.unwrap_or(10).into());
    let list = List {
        filters,
        sort: sort.unwrap_or(SortKey::Created),
        order: order.unwrap_or(Order::Descending),
        start: place.map_or(Start::Offset(page * limit), Start::After),
        limit,
    };
    reader.finish(Some(Asked { list, page, mark }))
}

fn filters(reader: &mut Reader<'_, '_>) -> Vec<Filter> {
    let campaign = reader
        .optional("campaign_id", Field::uuid)
        .map(Filter::Campaign);
    let agent = reader
        .optional("ai_agent_id", Field::uuid)
        .map(Filter::Agent);
    let status = reader.optional("status", |field| {
        Ok(Filter::States(states(field.text_max::<255>()?.as_str())))
    });
    let search = reader
        .optional("search", Field::text_max::<255>)
        .map(Text::into_string)
        .map(Filter::Search);
    let start = reader.optional("start_date", date);
    let end = reader.optional("end_date", date);
    if let (Some(start), Some(end)) = (start, end)
        && end < start
    {
        reader.refuse(FieldError::invalid(
            "end_date",
            "must not be before start_date",
        ));
    }
    let from = start.map(|day| {
        let midnight = day.and_time(NaiveTime::MIN).and_utc();
        Filter::Created(Comparison::GreaterOrEqual, midnight)
    });
    let until = end
        .and_then(|day| day.checked_add_days(Days::new(1)))
        .map(|day| {
            let midnight = day.and_time(NaiveTime::MIN).and_utc();
            Filter::Created(Comparison::Less, midnight)
        });
    [campaign, agent, status, search, from, until]
        .into_iter()
        .flatten()
        .collect()
}

/// The states in whose word the text stands.
fn states(text: &str) -> Vec<CallState> {
    let text = text.to_lowercase();
    CallState::ALL
        .into_iter()
        .filter(|state| state.call_status().contains(&text))
        .collect()
}

fn date(field: &Field<'_>) -> Result<NaiveDate, Wrong> {
    let text = field.text()?;
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .ok()
        .filter(|_| text.len() == 10)
        .ok_or_else(|| Wrong::invalid("must be a day, such as 2026-03-01"))
}
