//! `GET /v3/communication/voice_calls`.

use axum::{extract::State, http::StatusCode, response::Response};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use super::{
    document::VoiceCallQuery,
    envelope::{Refusals, Success, VoiceCallPage},
    parse::{self, DIRECTIONS},
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
        id::CallId,
        text::Text,
    },
    store::{
        self,
        calls::list::{Comparison, Filter, List, Order, SortKey, Start, Total},
    },
};

const SORTS: [(&str, (SortKey, Order)); 4] = [
    ("updated_at:desc", (SortKey::Updated, Order::Descending)),
    ("updated_at:asc", (SortKey::Updated, Order::Ascending)),
    ("created_at:desc", (SortKey::Created, Order::Descending)),
    ("created_at:asc", (SortKey::Created, Order::Ascending)),
];

const COMPARISONS: [(&str, Comparison); 5] = [
    ("eq", Comparison::Equal),
    ("gt", Comparison::Greater),
    ("gte", Comparison::GreaterOrEqual),
    ("lt", Comparison::Less),
    ("lte", Comparison::LessOrEqual),
];

/// List voice calls
///
/// Last changed first unless asked otherwise. Filters are `filter[field]=value` and, for times,
/// `filter[field][gt|gte|lt|lte]=value`; everything that is wrong with them is named at once.
#[utoipa::path(
    get, path = "", tag = "voice_calls",
    params(VoiceCallQuery),
    responses(
        (status = 200, description = "A page of voice calls", body = Success<VoiceCallPage>),
        Refusals
    ),
    security(("bearer" = []))
)]
pub(super) async fn list_voice_calls(
    State(state): State<ApiState>,
    caller: Caller,
    QueryFields(fields): QueryFields,
) -> Result<Response, Error> {
    require(&caller, Scope::ReadVoiceCalls)?;
    let (list, page) = parse_query(&fields)?;
    let page = store::within(load(&state, &caller, &list, page)).await?;
    Ok(answer::json(StatusCode::OK, &Success::new(page)))
}

async fn load(
    state: &ApiState,
    caller: &Caller,
    list: &List,
    page: i64,
) -> Result<VoiceCallPage, store::Error> {
    let account_id = caller.account_id;
    let mut conn = state.db.acquire().await?;
    let places = store::calls::list::places(&mut conn, account_id, list).await?;
    let total = store::calls::list::total(&mut conn, account_id, &list.filters).await?;
    let ids: Vec<CallId> = places.iter().map(|place| place.call_id).collect();
    let calls = store::calls::find_many(&mut *conn, account_id, &ids).await?;
    let keys: Vec<_> = ids.iter().map(|call_id| (account_id, *call_id)).collect();
    let besides = store::calls::beside_many(&mut conn, &keys).await?;
    let voice_calls = calls
        .iter()
        .map(|call| {
            let beside = besides.get(&call.call_id).cloned().unwrap_or_default();
            super::shown(caller, call, &beside)
        })
        .collect();
    Ok(VoiceCallPage {
        voice_calls,
        page,
        per_page: list.limit,
        total_count: match total {
            Total::Exactly(count) | Total::About(count) => count,
        },
        total_count_is_estimate: matches!(total, Total::About(_)),
    })
}

fn parse_query(fields: &Fields<'_>) -> Result<(List, i64), Error> {
    let mut reader = Reader::new(fields);
    let page = reader.optional("page", |field| field.digits(1, 10_000));
    let per_page = reader.optional("per_page", |field| field.digits(1, 100));
    let sort = reader.optional("sort", |field| field.one_of(&SORTS));
    let mut filters = Vec::new();
    for name in fields.names().filter(|name| name.starts_with("filter")) {
        filters.extend(filter(&mut reader, name));
    }
    let page: i64 = page.unwrap_or(1).into();
    let limit = per_page.unwrap_or(25).into();
    let (sort, order) = sort.unwrap_or((SortKey::Updated, Order::Descending));
    let list = List {
        filters,
        sort,
        order,
        start: Start::Offset((page - 1) * limit),
        limit,
    };
    reader.finish(Some((list, page)))
}

/// Reads `filter[field]` or `filter[field][comparison]`.
fn filter(reader: &mut Reader<'_, '_>, name: &str) -> Option<Filter> {
    let inside = name
        .strip_prefix("filter[")
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or_default();
    let (column, word) = inside.split_once("][").unwrap_or((inside, "eq"));
    let comparison = COMPARISONS
        .into_iter()
        .find_map(|(known, comparison)| (known == word).then_some(comparison));
    let text = |field: &Field<'_>| field.text_max::<255>().map(Text::into_string);
    match (column, comparison) {
        ("created_at", Some(comparison)) => {
            let at = reader.optional(name, time)?;
            Some(Filter::Created(comparison, at))
        }
        ("updated_at", Some(comparison)) => {
            let at = reader.optional(name, time)?;
            Some(Filter::Updated(comparison, at))
        }
        ("status", Some(Comparison::Equal)) => {
            reader.optional(name, parse::status).map(Filter::Shown)
        }
        ("direction", Some(Comparison::Equal)) => {
            let direction = reader.optional(name, |field| field.one_of(&DIRECTIONS));
            direction.map(Filter::Direction)
        }
        ("staff_uid", Some(Comparison::Equal)) => reader.optional(name, text).map(Filter::Staff),
        ("client_uid", Some(Comparison::Equal)) => reader.optional(name, text).map(Filter::Client),
        ("source_id", Some(Comparison::Equal)) => reader.optional(name, text).map(Filter::Source),
        (_, _) => {
            reader.refuse(FieldError::invalid(
                name,
                "is no filter: status, direction, staff_uid, client_uid and source_id can be compared with eq, \
                 created_at and updated_at with eq, gt, gte, lt and lte",
            ));
            None
        }
    }
}

/// A time, or the first moment of a day (UTC).
fn time(field: &Field<'_>) -> Result<DateTime<Utc>, Wrong> {
    let text = field.text()?;
    let time = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
    time.or_else(|_| {
        NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .map(|day| day.and_time(NaiveTime::MIN).and_utc())
    })
    .ok()
    .filter(|_| (10..=35).contains(&text.len()))
    .ok_or_else(|| {
        Wrong::invalid("must be a day or a time, such as 2026-03-01 or 2026-03-01T12:00:00Z")
    })
}
