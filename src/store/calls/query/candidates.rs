//! The calls that words can be found in.
//!
//! An index over the grams of a text knows which calls have the words, but not in which order; the index of an order does
//! not know the words. So first the calls with the words are counted. If they are few, all of them are looked at, and
//! sorted. If they are many, the list is walked in its order, and soon there are enough of them.
//!
//! Words of fewer than three characters have no grams: for them the list is walked, however many calls have them.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::{CallQuery, condition, expression::Expression};
use crate::{
    domain::{
        call_query::{Column, Side, Test},
        id::AccountId,
    },
    store::calls::total::COUNTED_MAX,
};

/// Grams have so many characters.
const GRAM_CHARS: usize = 3;

/// The calls that may be on the list, as far as its words tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Candidates {
    /// Any of the account's.
    All,
    /// These at most.
    These(Vec<Uuid>),
    /// Many: more than are counted.
    Many,
}

/// Words that a list asks for.
#[derive(Debug, Clone, Copy)]
struct Needle<'q> {
    columns: &'q [Column],
    words: &'q str,
}

/// The candidates for a list: by the first of its words that few calls have.
pub(super) async fn find(
    conn: &mut PgConnection,
    account_id: AccountId,
    query: &CallQuery,
) -> sqlx::Result<Candidates> {
    let mut found = Candidates::All;
    for needle in needles(query) {
        let mut sql = statement(account_id, needle, "");
        let places: Vec<(i32, Uuid)> = sql
            .build_query_as()
            .persistent(false)
            .fetch_all(&mut *conn)
            .await?;
        if let Some(ids) = few(&places) {
            return Ok(Candidates::These(ids));
        }
        found = Candidates::Many;
    }
    Ok(found)
}

/// How the database would find them.
pub(super) async fn plans(
    conn: &mut PgConnection,
    account_id: AccountId,
    query: &CallQuery,
) -> sqlx::Result<Vec<serde_json::Value>> {
    let mut plans = Vec::new();
    for needle in needles(query) {
        let mut sql = statement(account_id, needle, "explain (format json) ");
        let plan = sql.build_query_scalar().persistent(false);
        plans.push(plan.fetch_one(&mut *conn).await?);
    }
    Ok(plans)
}

/// What a list looks for, the longest words first: they are likely to be the rarest.
fn needles(query: &CallQuery) -> Vec<Needle<'_>> {
    let of_conditions = query.conditions.iter().filter_map(|asked| {
        let columns: &[Column] = match asked.column {
            Column::To => &[Column::To],
            Column::From => &[Column::From],
            Column::Notes => &[Column::Notes],
            Column::Feedback => &[Column::Feedback],
            Column::Transcript => &[Column::Transcript],
            _ => return None,
        };
        match (&asked.test, asked.column) {
            // The order of numbers leads to how they begin.
            (Test::Has(Side::Start, _), Column::To | Column::From) => None,
            (Test::Has(_, words), _) => Some(Needle { columns, words }),
            (_, _) => None,
        }
    });
    let search = query.search.iter().map(|search| Needle {
        columns: search.columns,
        words: &search.words,
    });
    let mut needles: Vec<Needle<'_>> = of_conditions
        .chain(search)
        .filter(|needle| needle.words.chars().count() >= GRAM_CHARS)
        .collect();
    needles.sort_by_key(|needle| std::cmp::Reverse(needle.words.len()));
    needles
}

/// The calls of these places, if they are few, and if these are all places.
fn few(places: &[(i32, Uuid)]) -> Option<Vec<Uuid>> {
    let few = |count: usize| i64::try_from(count).is_ok_and(|count| count <= COUNTED_MAX);
    let mut by_column: BTreeMap<i32, usize> = BTreeMap::new();
    for (column, _) in places {
        *by_column.entry(*column).or_default() += 1;
    }
    let ids: BTreeSet<Uuid> = places.iter().map(|(_, call_id)| *call_id).collect();
    (few(ids.len()) && by_column.into_values().all(few)).then(|| ids.into_iter().collect())
}

/// Where the words stand: in which of the columns, of which call, more than once where a call has several transcripts. Of a
/// column with too many places, some.
fn statement(
    account_id: AccountId,
    needle: Needle<'_>,
    before: &'static str,
) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(before);
    for (number, column) in needle.columns.iter().enumerate() {
        sql.push(if number == 0 { "(" } else { " union all (" });
        sql.push(format_args!("select {number}, call_id from "));
        push_column(&mut sql, account_id, *column, needle.words);
        sql.push(" limit ").push_bind(COUNTED_MAX + 1).push(")");
    }
    sql
}

fn push_column(
    sql: &mut QueryBuilder<Postgres>,
    account_id: AccountId,
    column: Column,
    words: &str,
) {
    match column {
        Column::To => return push_number(sql, account_id, (column, true), words),
        Column::From => return push_number(sql, account_id, (column, false), words),
        Column::Notes | Column::Feedback => {
            // As the index `calls_words` has it.
            sql.push("calls where (notes is not null or call_feedback is not null) and ");
            sql.push("search_grams(account_id, coalesce(notes, '') || e'\n' || coalesce(call_feedback, ''))");
        }
        _ => {
            sql.push("transcripts where search_grams(account_id, text)");
        }
    }
    push_grams(sql, account_id, words);
    let text = match column {
        Column::Notes => "notes",
        Column::Feedback => "call_feedback",
        _ => "text",
    };
    sql.push(" and ").push(text).push(" ilike ");
    sql.push_bind(condition::pattern(Side::Anywhere, words));
}

/// By the numbers that have the words in them. A number may be kept that no call has any more.
fn push_number(
    sql: &mut QueryBuilder<Postgres>,
    account_id: AccountId,
    (column, called): (Column, bool),
    words: &str,
) {
    sql.push("(select number from call_numbers where search_grams(account_id, number)");
    push_grams(sql, account_id, words);
    sql.push(" and called = ").push_bind(called);
    sql.push(" and number ilike ");
    sql.push_bind(condition::pattern(Side::Anywhere, words));
    sql.push(") as known cross join lateral (select call_id from calls where account_id = ");
    sql.push_bind(account_id.uuid());
    sql.push(" and ").push(Expression::of(column).text());
    // The limit keeps this what it is, number by number: as soon as there are enough calls, no more numbers are read.
    sql.push(" = known.number limit ")
        .push_bind(COUNTED_MAX + 1);
    sql.push(") as called");
}

/// Has all grams of the words, in the account.
fn push_grams(sql: &mut QueryBuilder<Postgres>, account_id: AccountId, words: &str) {
    sql.push(" @> search_grams(").push_bind(account_id.uuid());
    sql.push(", ").push_bind(words.to_owned());
    sql.push(") and account_id = ").push_bind(account_id.uuid());
}
