//! Which calls a list is to have, as the query string says: for [`super::query`] and the export, which share it.

use chrono::{Days, NaiveDate, NaiveTime};

use super::cursor::ListMark;
use crate::{
    api::{
        error::FieldError,
        extract::{Field, Fields, Lists, Reader, Wrong},
    },
    domain::{
        account::TranscriptAccess,
        call_query::{Bound, CONDITIONS_MAX, Column, Condition, Part, Search, Test, Value},
        id::AccountId,
        state::CallState,
    },
};

/// Parallel lists: one entry of each makes a condition.
const FILTER_COLUMNS: &str = "filter_columns[]";
const FILTER_VALUES: &str = "filter_values[]";
const FILTER_OPERATORS: &str = "filter_operator[]";

/// What makes conditions, whichever list is asked for.
pub(super) const FILTERS: [&str; 3] = [FILTER_COLUMNS, FILTER_VALUES, FILTER_OPERATORS];

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

/// Which calls are wanted.
#[derive(Debug)]
pub(super) struct Wanted {
    /// All of them must hold.
    pub(super) conditions: Vec<Condition>,
    /// Words that stand somewhere.
    pub(super) search: Option<Search>,
}

/// The mark of the list that these parameters ask for.
pub(super) fn mark(account_id: AccountId, fields: &Fields<'_>, lists: &Lists) -> ListMark {
    let once = LIST_PARAMETERS
        .into_iter()
        .filter_map(|name| Some((name, fields.get(name)?.text().ok()?)));
    let often = FILTERS.into_iter().flat_map(|name| {
        lists
            .get(name)
            .iter()
            .map(move |value| (name, value.as_str()))
    });
    ListMark::new(account_id, once.chain(often))
}

/// Reads which calls are wanted.
pub(super) fn wanted(
    reader: &mut Reader<'_, '_>,
    lists: &Lists,
    access: TranscriptAccess,
) -> Wanted {
    let is = |column, value| Condition {
        column,
        test: Test::Is(Value::Id(value)),
    };
    let campaign = reader.optional("campaign_id", Field::uuid);
    let agent = reader.optional("ai_agent_id", Field::uuid);
    let status = reader.optional("status", |field| {
        Ok(Condition {
            column: Column::Status,
            test: Test::States(states(field.text_max::<255>()?.as_str())),
        })
    });
    let search = reader
        .optional("search", Field::text_max::<255>)
        .map(|words| Search::new(words.into_string(), access));
    let (from, until) = days(reader);
    let filtered = filtered(reader, lists);
    if filtered
        .iter()
        .any(|condition| condition.column == Column::Transcript)
    {
        readable(reader, FILTER_COLUMNS, access);
    }
    let conditions = [
        campaign.map(|id| is(Column::Campaign, id)),
        agent.map(|id| is(Column::Agent, id)),
        status,
        from,
        until,
    ];
    Wanted {
        conditions: conditions.into_iter().flatten().chain(filtered).collect(),
        search,
    }
}

/// Refuses to tell by a list what a transcript says to a caller who may not read it as it was said.
pub(super) fn readable(reader: &mut Reader<'_, '_>, field: &str, access: TranscriptAccess) {
    if access == TranscriptAccess::Redacted {
        let told = "must not be transcript: this credential reads transcripts redacted";
        reader.refuse(FieldError::invalid(field, told));
    }
}

/// `start_date` and `end_date`: whole days, both of them included.
fn days(reader: &mut Reader<'_, '_>) -> (Option<Condition>, Option<Condition>) {
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
    let created = |bound, day: NaiveDate| Condition {
        column: Column::Created,
        test: Test::Beyond(bound, Value::Time(day.and_time(NaiveTime::MIN).and_utc())),
    };
    let next = end.and_then(|day| day.checked_add_days(Days::new(1)));
    (
        start.map(|day| created(Bound::From, day)),
        next.map(|day| created(Bound::Below, day)),
    )
}

/// The conditions of the parallel lists. Answering as if nothing had been filtered would be worse than not answering, so
/// everything that looks like a filter must be one.
fn filtered(reader: &mut Reader<'_, '_>, lists: &Lists) -> Vec<Condition> {
    let known = FILTERS;
    for name in reader.names().chain(lists.names()) {
        if name.starts_with("filter") && !known.contains(&name) {
            let message = format!("is not a parameter here: write {}", known.join(", "));
            reader.refuse(FieldError::invalid(name, message));
        }
    }
    let [columns, values, operators] = known.map(|name| lists.get(name));
    for (name, entries) in [(FILTER_VALUES, values), (FILTER_OPERATORS, operators)] {
        if entries.len() != columns.len() {
            let message = format!(
                "has {} entries where {FILTER_COLUMNS} has {}: give one for each, in the same order",
                entries.len(),
                columns.len(),
            );
            reader.refuse(FieldError::invalid(name, message));
            return Vec::new();
        }
    }
    if columns.len() > CONDITIONS_MAX {
        let message = format!("must have at most {CONDITIONS_MAX} entries");
        reader.refuse(FieldError::invalid(FILTER_COLUMNS, message));
        return Vec::new();
    }
    let mut conditions = Vec::new();
    for (index, ((column, operator), value)) in
        columns.iter().zip(operators).zip(values).enumerate()
    {
        match Condition::parse(column, operator, value) {
            Ok(condition) => conditions.push(condition),
            Err(errors) => {
                for error in errors {
                    let field = match error.part {
                        Part::Column => format!("filter_columns[{index}]"),
                        Part::Operator => format!("filter_operator[{index}]"),
                        Part::Value => format!("filter_values[{index}]"),
                    };
                    reader.refuse(FieldError::invalid(field, error.message));
                }
            }
        }
    }
    conditions
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
