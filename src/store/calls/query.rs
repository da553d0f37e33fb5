//! Lists of calls as back ends ask for them: any column, any test, in any order. Soft-deleted calls are in none.
//!
//! SQL that is put together at run time: only the pieces below are put together, and every value is bound. It is planned
//! with its values each time, because which index is best depends on them.
//!
//! Words within a text are looked for in two steps, see [`candidates`].

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder, Row as _, Transaction};

use self::{candidates::Candidates, expression::Expression};
use super::total::{self, Total};
use crate::domain::{
    call_query::{Column, Condition, Order, Search},
    id::{AccountId, CallId},
};

mod candidates;
mod condition;
mod expression;
pub mod walk;

/// Ends a statement that reads too much before its caller gives up on it. Compiling a plan takes longer than most lists.
const BEGIN: &str = "begin read only; set local statement_timeout = '4500ms'; set local jit = off";

/// A page of a list of calls.
#[derive(Debug, Clone, PartialEq)]
pub struct CallQuery {
    /// All of them must hold.
    pub conditions: Vec<Condition>,
    /// Words that stand somewhere, whatever the case.
    pub search: Option<Search>,
    /// Sorted by; of two calls that have the same there, the older one is the lesser. Calls that have nothing there come
    /// last, either way.
    pub sort: Column,
    /// Which end first.
    pub order: Order,
    /// From where on.
    pub start: Start,
    /// At most so many calls.
    pub limit: i64,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// After so many calls.
    Offset(i64),
    /// After this place.
    After(Place),
}

/// A call's place in a sorted list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What it is sorted by, as text; absent if it has none.
    pub key: Option<String>,
    /// When it was first heard of.
    pub created_at: DateTime<Utc>,
    /// Which call.
    pub call_id: CallId,
}

/// Whether the calls on all pages are to be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// They are.
    Yes,
    /// They are not.
    No,
}

/// The places on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// In the order of the list.
    pub places: Vec<Place>,
    /// How many there are on all pages, if that was asked for.
    pub total: Option<Total>,
}

/// Begins a transaction for [`list`]: it only reads, and none of its statements takes longer than 4.5 seconds.
pub async fn begin(db: &PgPool) -> sqlx::Result<Transaction<'static, Postgres>> {
    db.begin_with(BEGIN).await
}

/// Whether a statement was ended because it read too much.
pub fn is_too_slow(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(error) if error.code().as_deref() == Some("57014"))
}

/// The places on the page.
pub async fn list(
    conn: &mut PgConnection,
    account_id: AccountId,
    query: &CallQuery,
    counted: Counted,
) -> sqlx::Result<Listed> {
    let candidates = candidates::find(conn, account_id, query).await?;
    let mut sql = page(account_id, query, &candidates, "");
    let rows = sql.build().persistent(false).fetch_all(&mut *conn).await?;
    let place = |row: &sqlx::postgres::PgRow| {
        Ok(Place {
            key: row.try_get("key")?,
            created_at: row.try_get("created_at")?,
            call_id: row.try_get("call_id")?,
        })
    };
    let places = rows.iter().map(place).collect::<sqlx::Result<_>>()?;
    let total = match counted {
        Counted::Yes => Some(total(conn, account_id, query, &candidates).await?),
        Counted::No => None,
    };
    Ok(Listed { places, total })
}

/// How the database would find the page: the statements' plans, as `EXPLAIN (format json)` has them.
pub async fn plans(
    conn: &mut PgConnection,
    account_id: AccountId,
    query: &CallQuery,
) -> sqlx::Result<Vec<serde_json::Value>> {
    let mut plans = candidates::plans(conn, account_id, query).await?;
    let candidates = candidates::find(conn, account_id, query).await?;
    let mut sql = page(account_id, query, &candidates, "explain (format json) ");
    let plan = sql.build_query_scalar().persistent(false);
    plans.push(plan.fetch_one(conn).await?);
    Ok(plans)
}

/// The statement that has the places on the page.
fn page(
    account_id: AccountId,
    query: &CallQuery,
    candidates: &Candidates,
    before: &'static str,
) -> QueryBuilder<Postgres> {
    let sorted = Expression::of(query.sort);
    let key = sorted.key();
    let mut sql = QueryBuilder::new(before);
    sql.push("select (")
        .push(&key)
        .push(")::text as key, created_at, call_id from calls ");
    push_where(&mut sql, account_id, query, candidates);
    if let Start::After(place) = &query.start {
        push_after(&mut sql, &sorted, query.order, place);
    }
    let direction = match query.order {
        Order::Ascending => " asc",
        Order::Descending => " desc",
    };
    sql.push(" order by ");
    if sorted.nullable {
        sql.push("(").push(&key).push(") is null, ");
    }
    sql.push(&key).push(direction);
    if sorted.ties_by_age {
        sql.push(", created_at").push(direction);
    }
    sql.push(", call_id").push(direction);
    sql.push(" limit ").push_bind(query.limit);
    if let Start::Offset(offset) = query.start {
        sql.push(" offset ").push_bind(offset);
    }
    sql
}

/// What comes after a place.
fn push_after(sql: &mut QueryBuilder<Postgres>, sorted: &Expression, order: Order, place: &Place) {
    let key = sorted.key();
    let beyond = match order {
        Order::Ascending => " > ",
        Order::Descending => " < ",
    };
    sql.push(" and (");
    if place.key.is_none() {
        sql.push("(").push(&key).push(") is null and ");
    }
    // Compared as one row, so that an index on these columns leads to the place.
    sql.push("(");
    if place.key.is_some() {
        sql.push(&key).push(", ");
    }
    sql.push(if sorted.ties_by_age {
        "created_at, "
    } else {
        ""
    });
    sql.push("call_id)").push(beyond).push("(");
    if let Some(value) = &place.key {
        sql.push_bind(value.clone());
        sql.push("::text::").push(sorted.sql_type).push(", ");
    }
    if sorted.ties_by_age {
        sql.push_bind(place.created_at).push(", ");
    }
    sql.push_bind(place.call_id.uuid()).push(")");
    if place.key.is_some() && sorted.nullable {
        sql.push(" or (").push(&key).push(") is null");
    }
    sql.push(")");
}

async fn total(
    conn: &mut PgConnection,
    account_id: AccountId,
    query: &CallQuery,
    candidates: &Candidates,
) -> sqlx::Result<Total> {
    let push_where =
        |sql: &mut QueryBuilder<Postgres>| push_where(sql, account_id, query, candidates);
    match candidates {
        // The words alone are in more calls than are counted; which of these are on the list would take too long to see.
        Candidates::Many => total::estimate(conn, push_where).await,
        Candidates::All | Candidates::These(_) => total::total(conn, push_where).await,
    }
}

fn push_where(
    sql: &mut QueryBuilder<Postgres>,
    account_id: AccountId,
    query: &CallQuery,
    candidates: &Candidates,
) {
    sql.push("where account_id = ").push_bind(account_id.uuid());
    sql.push(" and deleted_at is null");
    if let Candidates::These(ids) = candidates {
        sql.push(" and call_id = any(")
            .push_bind(ids.clone())
            .push(")");
    }
    for asked in &query.conditions {
        sql.push(" and ");
        condition::push(sql, account_id, asked);
    }
    if let Some(search) = &query.search {
        sql.push(" and ");
        condition::push_search(sql, search);
    }
}
