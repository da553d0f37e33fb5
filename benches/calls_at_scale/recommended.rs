//! The lists that docs/lists.md recommends, and the index that each of them is found by.

use onhook::{
    domain::{
        account::TranscriptAccess,
        call_query::{Column, Condition, Order, Search},
        id::{AccountId, CallId},
    },
    store::{
        calls::query::{self, CallQuery, Counted, Place, Start},
        voice_calls::{
            filter::{Column as VoiceColumn, Filter, Ordering, Test, TextColumn, TimeColumn},
            list::{self, List},
        },
    },
};
use serde_json::Value;
use sqlx::PgConnection;

use super::fill;

/// Calls on a page.
pub(crate) const PER_PAGE: i64 = 10;

/// A list, and what finds it.
#[derive(Debug, Clone)]
pub(crate) struct Recommended {
    /// As a client asks for it.
    pub(crate) name: &'static str,
    pub(crate) asked: Asked,
    /// Every one of them stands in its plans.
    pub(crate) indexes: &'static [&'static str],
}

/// By which API.
#[derive(Debug, Clone)]
pub(crate) enum Asked {
    /// `GET /calls/query`.
    Calls(CallQuery),
    /// `GET /v3/communication/voice_calls`.
    VoiceCalls(List),
}

impl Asked {
    /// The calls on the page.
    pub(crate) async fn page(&self, conn: &mut PgConnection, account: AccountId) -> Vec<CallId> {
        match self {
            Self::Calls(query) => {
                let listed = query::list(conn, account, query, Counted::No).await;
                let places = listed.unwrap().places;
                places.iter().map(|place| place.call_id).collect()
            }
            Self::VoiceCalls(list) => list::ids(conn, account, list).await.unwrap(),
        }
    }

    /// Makes it the page that begins after so many calls: by cursor, or by uid, where there is one. That is taken from the
    /// call at that place, without walking there.
    pub(crate) async fn go_on(&mut self, conn: &mut PgConnection, account: AccountId, calls: i64) {
        let walked = Some((VoiceColumn::Uid, Order::Ascending));
        match self {
            Self::Calls(query) => {
                let last = CallQuery {
                    start: Start::Offset(calls - 1),
                    limit: 1,
                    ..query.clone()
                };
                let listed = query::list(conn, account, &last, Counted::No).await;
                let place: Option<Place> = listed.unwrap().places.into_iter().next();
                query.start = place.map_or(Start::Offset(0), Start::After);
            }
            Self::VoiceCalls(list) if list.sort.first() == walked.as_ref() => {
                let last = List {
                    offset: calls - 1,
                    limit: 1,
                    ..list.clone()
                };
                let ids = list::ids(conn, account, &last).await.unwrap();
                let after = |id: &CallId| Filter::Uid(Test::Ordered(Ordering::Greater, id.uuid()));
                list.filters.extend(ids.first().map(after));
            }
            Self::VoiceCalls(list) => list.offset = calls,
        }
    }

    /// What the plans of the page scan, as `index` or `sequentially table`.
    pub(crate) async fn scans(&self, conn: &mut PgConnection, account: AccountId) -> Vec<String> {
        let plans = match self {
            Self::Calls(query) => query::plans(conn, account, query).await.unwrap(),
            Self::VoiceCalls(list) => vec![list::plan(conn, account, list).await.unwrap()],
        };
        let mut found: Vec<String> = Vec::new();
        for scan in plans.iter().flat_map(scans) {
            if !found.contains(&scan) {
                found.push(scan);
            }
        }
        found
    }
}

/// All of them, for the first account of a generated database.
pub(crate) fn lists() -> Vec<Recommended> {
    let lists = [
        sorts(),
        of_numbers(),
        of_others(),
        of_words(),
        of_voice_calls(),
        of_staff(),
    ];
    lists.concat()
}

/// The sorts, which are paged through by cursor.
pub(crate) fn sorts() -> Vec<Recommended> {
    use Column::{Created, From, To, Updated};
    use Order::{Ascending, Descending};
    let sorted = |name, sort, order, indexes| Recommended {
        name,
        asked: query(Vec::new(), None, (sort, order)),
        indexes,
    };
    vec![
        sorted("newest first", Created, Descending, &["calls_created"]),
        sorted("`order=asc`", Created, Ascending, &["calls_created"]),
        sorted(
            "`sort_column=updated_at`",
            Updated,
            Descending,
            &["calls_updated"],
        ),
        sorted("`sort_column=call_to`", To, Descending, &["calls_to"]),
        sorted(
            "`sort_column=call_from&order=asc`",
            From,
            Ascending,
            &["calls_from"],
        ),
    ]
}

fn of_numbers() -> Vec<Recommended> {
    let customer = fill::customer(0, 1);
    let pair = format!("{customer},{}", fill::customer(0, 2));
    let (start, end) = customer.split_at(8);
    let middle = customer.trim_start_matches("+1201");
    vec![
        filtered(
            "`call_to eq`",
            &[("call_to", "eq", &customer)],
            &["calls_to"],
        ),
        filtered(
            "`call_from eq`",
            &[("call_from", "eq", &customer)],
            &["calls_from"],
        ),
        filtered("`call_to in`", &[("call_to", "in", &pair)], &["calls_to"]),
        filtered(
            "`call_to starts_with`",
            &[("call_to", "starts_with", start)],
            &["calls_to"],
        ),
        filtered(
            "`call_to contains`",
            &[("call_to", "contains", middle)],
            &["call_numbers_grams", "calls_to"],
        ),
        filtered(
            "`call_from ends_with`",
            &[("call_from", "ends_with", end)],
            &["call_numbers_grams", "calls_from"],
        ),
    ]
}

fn of_others() -> Vec<Recommended> {
    let [campaign, agent, contact] = [1, 2, 3].map(|kind| fill::owner(kind, 0, 1).to_string());
    vec![
        filtered(
            "`start_date`, `end_date`",
            &[
                ("created_at", "gte", "2026-01-01"),
                ("created_at", "lt", "2026-02-01"),
            ],
            &["calls_created"],
        ),
        filtered(
            "`call_sid eq`",
            &[("call_sid", "eq", fill::NAME)],
            &["call_names_pkey", "calls_placed", "calls_pkey"],
        ),
        filtered(
            "`status=in-progress`",
            &[("call_status", "eq", "in-progress")],
            &["calls_live"],
        ),
        filtered(
            "`status=completed`",
            &[("call_status", "eq", "completed")],
            &["calls_created"],
        ),
        filtered(
            "`campaign_id`",
            &[("campaign_id", "eq", &campaign)],
            &["calls_campaign"],
        ),
        filtered(
            "`ai_agent_id`",
            &[("ai_agent_id", "eq", &agent)],
            &["calls_agent"],
        ),
        filtered(
            "`contact_id eq`",
            &[("contact_id", "eq", &contact)],
            &["calls_contact"],
        ),
    ]
}

fn of_words() -> Vec<Recommended> {
    let (rare, common) = (fill::word(7_200), fill::word(0));
    let searched = |name, words| Recommended {
        name,
        asked: query(
            Vec::new(),
            Some(words),
            (Column::Created, Order::Descending),
        ),
        indexes: &["call_numbers_grams", "calls_words", "transcripts_words"],
    };
    vec![
        filtered(
            "`notes contains`",
            &[("notes", "contains", &rare)],
            &["calls_words"],
        ),
        filtered(
            "`transcript contains`",
            &[("transcript", "contains", &rare)],
            &["transcripts_words"],
        ),
        searched("`search`, few calls", rare),
        searched("`search`, many calls", common),
    ]
}

/// Voice calls by age: what follows a uid, at the same cost everywhere.
pub(crate) fn walk() -> Recommended {
    let by_uid = (VoiceColumn::Uid, Order::Ascending);
    voice(
        "`sort=uid:asc`, `filter[uid][gt]`",
        by_uid,
        None,
        &["calls_pkey"],
    )
}

fn of_voice_calls() -> Vec<Recommended> {
    use Order::{Ascending, Descending};
    let changed = |order| (VoiceColumn::Time(TimeColumn::UpdatedAt), order);
    let made = |order| (VoiceColumn::Time(TimeColumn::CreatedAt), order);
    vec![
        voice("voice calls", changed(Descending), None, &["calls_updated"]),
        voice(
            "`sort=updated_at:asc`",
            changed(Ascending),
            None,
            &["calls_updated"],
        ),
        voice(
            "`sort=created_at:desc`",
            made(Descending),
            None,
            &["calls_created"],
        ),
        voice(
            "`sort=created_at:asc`",
            made(Ascending),
            None,
            &["calls_created"],
        ),
        a_month(made(Descending)),
        walk(),
    ]
}

/// The voice calls that were first heard of in one month.
fn a_month(newest: (VoiceColumn, Order)) -> Recommended {
    let begins = |day: &str| format!("{day}T00:00:00Z").parse().unwrap();
    let bound = |ordering, day| {
        let test = Test::Ordered(ordering, begins(day));
        Filter::Time(TimeColumn::CreatedAt, test)
    };
    Recommended {
        name: "`sort=created_at:desc`, `filter[created_at]`",
        asked: Asked::VoiceCalls(List {
            filters: vec![
                bound(Ordering::GreaterOrEqual, "2026-01-01"),
                bound(Ordering::Less, "2026-02-01"),
            ],
            sort: vec![newest],
            offset: 0,
            limit: PER_PAGE,
        }),
        indexes: &["calls_created"],
    }
}

fn of_staff() -> Vec<Recommended> {
    use TextColumn::{ClientUid, RecordingId, SourceId, StaffUid};
    let by = |name, column, text, indexes| {
        let newest = (VoiceColumn::Time(TimeColumn::UpdatedAt), Order::Descending);
        voice(name, newest, Some((column, text)), indexes)
    };
    let sources = &[
        "calls_source",
        "call_names_pkey",
        "calls_placed",
        "calls_pkey",
    ];
    vec![
        by(
            "`filter[client_uid]`",
            ClientUid,
            fill::client(1),
            &["calls_client"],
        ),
        by(
            "`filter[staff_uid]`",
            StaffUid,
            fill::staff(1),
            &["calls_staff"],
        ),
        by("`filter[source_id]`", SourceId, fill::source(1000), sources),
        by(
            "`filter[recording_id]`",
            RecordingId,
            fill::recording(1000),
            &["calls_recording"],
        ),
    ]
}

fn scans(plan: &Value) -> Vec<String> {
    let mut found = Vec::new();
    match plan {
        Value::Object(node) => {
            if let Some(Value::String(index)) = node.get("Index Name") {
                found.push(index.clone());
            }
            if node.get("Node Type").is_some_and(|kind| kind == "Seq Scan") {
                found.push(format!(
                    "sequentially {}",
                    node["Relation Name"].as_str().unwrap_or("?")
                ));
            }
            found.extend(node.values().flat_map(scans));
        }
        Value::Array(nodes) => found.extend(nodes.iter().flat_map(scans)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    found
}

fn filtered(
    name: &'static str,
    conditions: &[(&str, &str, &str)],
    indexes: &'static [&'static str],
) -> Recommended {
    let conditions = conditions
        .iter()
        .map(|(column, operator, value)| Condition::parse(column, operator, value).unwrap());
    Recommended {
        name,
        asked: query(
            conditions.collect(),
            None,
            (Column::Created, Order::Descending),
        ),
        indexes,
    }
}

fn voice(
    name: &'static str,
    sort: (VoiceColumn, Order),
    filter: Option<(TextColumn, String)>,
    indexes: &'static [&'static str],
) -> Recommended {
    let filter = filter.map(|(column, text)| Filter::Text(column, Test::OneOf(vec![text])));
    Recommended {
        name,
        asked: Asked::VoiceCalls(List {
            filters: filter.into_iter().collect(),
            sort: vec![sort],
            offset: 0,
            limit: PER_PAGE,
        }),
        indexes,
    }
}

fn query(
    conditions: Vec<Condition>,
    search: Option<String>,
    (sort, order): (Column, Order),
) -> Asked {
    Asked::Calls(CallQuery {
        conditions,
        search: search.map(|words| Search::new(words, TranscriptAccess::Raw)),
        sort,
        order,
        start: Start::Offset(0),
        limit: PER_PAGE,
    })
}
