//! The lists that docs/lists.md recommends, and the index that each of them is found by.

use onhook::{
    domain::call_query::{Column, Condition, Order},
    store::calls::query::{CallQuery, Start},
};
use serde_json::Value;

use super::fill;

/// A list, and what finds it.
#[derive(Debug, Clone)]
pub(crate) struct Recommended {
    /// As a client asks for it.
    pub(crate) name: &'static str,
    pub(crate) query: CallQuery,
    /// Every one of them stands in its plans.
    pub(crate) indexes: &'static [&'static str],
}

/// All of them, for the first account of a generated database.
pub(crate) fn lists() -> Vec<Recommended> {
    [sorts(), of_numbers(), of_others(), of_words()].concat()
}

fn sorts() -> Vec<Recommended> {
    use Column::{Created, From, To, Updated};
    use Order::{Ascending, Descending};
    let sorted = |name, sort, order, indexes| Recommended {
        name,
        query: query(Vec::new(), None, (sort, order)),
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
            &["call_names_pkey", "calls_pkey"],
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
        query: query(
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

/// What a plan scans, as `index` or `sequentially table`.
pub(crate) fn scans(plan: &Value) -> Vec<String> {
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
    found.dedup();
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
        query: query(
            conditions.collect(),
            None,
            (Column::Created, Order::Descending),
        ),
        indexes,
    }
}

fn query(
    conditions: Vec<Condition>,
    search: Option<String>,
    (sort, order): (Column, Order),
) -> CallQuery {
    CallQuery {
        conditions,
        search,
        sort,
        order,
        start: Start::Offset(0),
        limit: 10,
    }
}
