//! What the query string of a list says: page, sort and filters. Everything that is wrong with it is named at once. Pure.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use uuid::Uuid;

use super::parse::{self, DIRECTIONS};
use crate::{
    api::{
        error::{Error, FieldError},
        extract::{Field, Fields, Reader, Wrong},
    },
    domain::{call_query::Order, money::Money, report::DURATION_S_MAX, text::Text},
    store::voice_calls::{
        filter::{AmountColumn, Column, Filter, Ordering, Test, TextColumn, TimeColumn},
        list::List,
    },
};

/// The most values after `[in]`.
const VALUES_MAX: usize = 100;

/// The longest text that a field can be compared with.
const TEXT_CHARS_MAX: usize = 2048;

/// Every field that can be filtered and sorted by.
const COLUMNS: [(&str, Column); 22] = [
    ("uid", Column::Uid),
    ("duration", Column::Duration),
    ("created_at", Column::Time(TimeColumn::CreatedAt)),
    ("updated_at", Column::Time(TimeColumn::UpdatedAt)),
    ("status", Column::Status),
    ("direction", Column::Direction),
    ("staff_uid", Column::Text(TextColumn::StaffUid)),
    ("client_uid", Column::Text(TextColumn::ClientUid)),
    ("from_number", Column::Text(TextColumn::FromNumber)),
    ("to_number", Column::Text(TextColumn::ToNumber)),
    ("call_summary", Column::Text(TextColumn::CallSummary)),
    ("external_app_url", Column::Text(TextColumn::ExternalAppUrl)),
    (
        "external_app_name",
        Column::Text(TextColumn::ExternalAppName),
    ),
    ("source_id", Column::Text(TextColumn::SourceId)),
    ("external_uuid", Column::Text(TextColumn::ExternalUuid)),
    (
        "handled_by_staff_uid",
        Column::Text(TextColumn::HandledByStaffUid),
    ),
    ("handled_at", Column::Time(TimeColumn::HandledAt)),
    ("transcript_status", Column::Transcript),
    ("rate", Column::Amount(AmountColumn::Rate)),
    ("price", Column::Amount(AmountColumn::Price)),
    ("provider", Column::Text(TextColumn::Provider)),
    ("recording_id", Column::Text(TextColumn::RecordingId)),
];

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    In,
    Ordered(Ordering),
}

const OPERATORS: [(&str, Operator); 6] = [
    ("eq", Operator::Equal),
    ("gt", Operator::Ordered(Ordering::Greater)),
    ("gte", Operator::Ordered(Ordering::GreaterOrEqual)),
    ("lt", Operator::Ordered(Ordering::Less)),
    ("lte", Operator::Ordered(Ordering::LessOrEqual)),
    ("in", Operator::In),
];

const TRANSCRIPTS: [(&str, &str); 3] = [
    ("IN_PROGRESS", "IN_PROGRESS"),
    ("DONE", "DONE"),
    ("FAILED", "FAILED"),
];

/// Reads the query: the list and the number of its page.
pub fn list(fields: &Fields<'_>) -> Result<(List, i64), Error> {
    let mut reader = Reader::new(fields);
    let page = reader.optional("page", |field| field.digits(1, 10_000));
    let per_page = reader.optional("per_page", |field| field.digits(1, 100));
    let sorted = reader.optional("sort", sort);
    let mut filters = Vec::new();
    for name in fields.names().filter(|name| name.starts_with("filter")) {
        filters.extend(filter(&mut reader, name));
    }
    let page: i64 = page.unwrap_or(1).into();
    let limit = per_page.unwrap_or(25).into();
    let newest = || vec![(Column::Time(TimeColumn::UpdatedAt), Order::Descending)];
    let list = List {
        filters,
        sort: sorted.unwrap_or_else(newest),
        offset: (page - 1) * limit,
        limit,
    };
    reader.finish(Some((list, page)))
}

/// Reads `field:asc,field:desc,…`.
fn sort(field: &Field<'_>) -> Result<Vec<(Column, Order)>, Wrong> {
    let mut sort: Vec<(Column, Order)> = Vec::new();
    for part in field.text()?.split(',') {
        let (name, order) = part.split_once(':').unwrap_or((part, ""));
        let order = match order {
            "asc" => Order::Ascending,
            "desc" => Order::Descending,
            _ => return Err(unsorted()),
        };
        let column = column(name).ok_or_else(unsorted)?;
        if sort.iter().any(|(known, _)| *known == column) {
            return Err(Wrong::invalid("must not name a field twice"));
        }
        sort.push((column, order));
    }
    Ok(sort)
}

fn unsorted() -> Wrong {
    Wrong::invalid(format!(
        "must be field:asc or field:desc, several parted by commas; the fields are {}",
        names()
    ))
}

fn column(name: &str) -> Option<Column> {
    COLUMNS
        .into_iter()
        .find_map(|(known, column)| (known == name).then_some(column))
}

fn names() -> String {
    COLUMNS.map(|(name, _)| name).join(", ")
}

/// Reads `filter[field]` or `filter[field][operator]`.
fn filter(reader: &mut Reader<'_, '_>, name: &str) -> Option<Filter> {
    let inside = name
        .strip_prefix("filter[")
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or_default();
    let (field, word) = inside.split_once("][").unwrap_or((inside, "eq"));
    let Some(column) = column(field) else {
        let message = format!("is no filter: the fields are {}", names());
        reader.refuse(FieldError::invalid(name, message));
        return None;
    };
    let operator = OPERATORS
        .into_iter()
        .find_map(|(known, operator)| (known == word).then_some(operator));
    let Some(operator) = operator else {
        let message = "has no such operator: there are eq, gt, gte, lt, lte and in";
        reader.refuse(FieldError::invalid(name, message));
        return None;
    };
    let mut value = Value {
        reader,
        name,
        operator,
    };
    match column {
        Column::Uid => value.test(uid).map(Filter::Uid),
        Column::Text(column @ (TextColumn::FromNumber | TextColumn::ToNumber)) => {
            value.test(number).map(|test| Filter::Text(column, test))
        }
        Column::Text(column) => value.test(text).map(|test| Filter::Text(column, test)),
        Column::Time(column) => value.test(time).map(|test| Filter::Time(column, test)),
        Column::Amount(column) => value
            .test(|field| field.parse().map(Money::decimal))
            .map(|test| Filter::Amount(column, test)),
        Column::Duration => value
            .test(|field| field.digits(0, DURATION_S_MAX).map(i64::from))
            .map(Filter::Duration),
        Column::Status => value.words(parse::status).map(Filter::Status),
        Column::Direction => value
            .words(|field| field.one_of(&DIRECTIONS))
            .map(Filter::Direction),
        Column::Transcript => value
            .words(|field| field.one_of(&TRANSCRIPTS).map(str::to_owned))
            .map(Filter::Transcript),
    }
}

/// A value of a filter, still to be read.
struct Value<'r, 'f, 'a> {
    reader: &'r mut Reader<'f, 'a>,
    name: &'r str,
    operator: Operator,
}

impl Value<'_, '_, '_> {
    /// Reads it as something that has an order.
    fn test<T>(&mut self, read: impl Fn(&Field<'_>) -> Result<T, Wrong>) -> Option<Test<T>> {
        match self.operator {
            Operator::Equal | Operator::In => self.several(read).map(Test::OneOf),
            Operator::Ordered(ordering) => {
                let one = self.reader.optional(self.name, |field| read(field))?;
                Some(Test::Ordered(ordering, one))
            }
        }
    }

    /// Reads it as words, of which none is more than another.
    fn words<T>(&mut self, read: impl Fn(&Field<'_>) -> Result<T, Wrong>) -> Option<Vec<T>> {
        if matches!(self.operator, Operator::Ordered(_)) {
            let message = "has no order: it can be compared with eq and in";
            self.reader.refuse(FieldError::invalid(self.name, message));
            return None;
        }
        self.several(read)
    }

    fn several<T>(&mut self, read: impl Fn(&Field<'_>) -> Result<T, Wrong>) -> Option<Vec<T>> {
        let several = self.operator == Operator::In;
        self.reader.optional(self.name, |field| {
            if !several {
                return Ok(vec![read(field)?]);
            }
            let values: Vec<&str> = field.text()?.split(',').collect();
            if values.len() > VALUES_MAX {
                let message = format!("must have at most {VALUES_MAX} values");
                return Err(Wrong::invalid(message));
            }
            values
                .into_iter()
                .map(|value| read(&Field::Text(value.into())))
                .collect()
        })
    }
}

fn uid(field: &Field<'_>) -> Result<Uuid, Wrong> {
    field.uuid()
}

fn text(field: &Field<'_>) -> Result<String, Wrong> {
    field.text_max::<TEXT_CHARS_MAX>().map(Text::into_string)
}

/// A number. A `+` that the client has not escaped reads as a blank, with which no number begins.
fn number(field: &Field<'_>) -> Result<String, Wrong> {
    let text = text(field)?;
    Ok(match text.strip_prefix(' ') {
        Some(digits) => format!("+{digits}"),
        None => text,
    })
}

/// A time, or the first moment of a day (UTC).
fn time(field: &Field<'_>) -> Result<DateTime<Utc>, Wrong> {
    let text = field.text()?;
    // An unescaped `+` of an offset reads as a blank.
    let time = DateTime::parse_from_rfc3339(&text.replace(' ', "+")).map(|time| time.to_utc());
    time.ok()
        .or_else(|| day(text).map(first_moment))
        .filter(|_| (10..=35).contains(&text.len()))
        .ok_or_else(|| {
            Wrong::invalid("must be a day or a time, such as 2026-03-01 or 2026-03-01T12:00:00Z")
        })
}

/// The day of `YYYY-MM-DD`.
pub(super) fn day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .ok()
        .filter(|_| text.len() == 10)
}

/// When a day begins (UTC).
pub(super) fn first_moment(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}
