//! Pages of voice calls. A list yields ids; [`find_many`](crate::store::calls::find_many) has the calls.
//!
//! A page is reached by counting from the list's beginning, so what it costs rises with its number: the document's API
//! has pages and no cursor. `sort=uid:asc&filter[uid][gt]=…` goes on by the primary key instead, at the same cost
//! everywhere.

use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::filter::{Column, Filter};
use crate::{
    domain::{
        call_query::Order,
        id::{AccountId, CallId},
    },
    store::calls::total::{self, Total},
};

/// A page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct List {
    /// All of them must hold.
    pub filters: Vec<Filter>,
    /// Sorted by the first, then by the second; never empty, none twice. Calls without a value come last.
    pub sort: Vec<(Column, Order)>,
    /// After so many calls.
    pub offset: i64,
    /// At most so many.
    pub limit: i64,
}

/// The calls on the page, in order.
pub async fn ids(
    conn: &mut PgConnection,
    account_id: AccountId,
    list: &List,
) -> sqlx::Result<Vec<CallId>> {
    let mut sql = page(account_id, list, "");
    // Planned with its values: which index is best depends on them.
    let page = sql.build_query_scalar().persistent(false);
    page.fetch_all(conn).await
}

/// How the database would find the page: the statement's plan, as `EXPLAIN (format json)` has it.
pub async fn plan(
    conn: &mut PgConnection,
    account_id: AccountId,
    list: &List,
) -> sqlx::Result<serde_json::Value> {
    let mut sql = page(account_id, list, "explain (format json) ");
    let plan = sql.build_query_scalar().persistent(false);
    plan.fetch_one(conn).await
}

/// How many calls there are on all pages.
pub async fn total(
    conn: &mut PgConnection,
    account_id: AccountId,
    filters: &[Filter],
) -> sqlx::Result<Total> {
    total::total(conn, |sql| push_where(sql, account_id, filters)).await
}

fn page(account_id: AccountId, list: &List, before: &'static str) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(before);
    sql.push("select call_id from calls");
    push_where(&mut sql, account_id, &list.filters);
    push_order(&mut sql, &list.sort);
    sql.push(" limit ").push_bind(list.limit);
    sql.push(" offset ").push_bind(list.offset);
    sql
}

fn push_where(sql: &mut QueryBuilder<Postgres>, account_id: AccountId, filters: &[Filter]) {
    sql.push(" where account_id = ")
        .push_bind(account_id.uuid());
    sql.push(" and deleted_at is null");
    for filter in filters {
        sql.push(" and ");
        filter.push(sql, account_id);
    }
}

fn push_order(sql: &mut QueryBuilder<Postgres>, sort: &[(Column, Order)]) {
    let mut separator = " order by ";
    for (column, order) in sort {
        sql.push(separator);
        column.push(sql);
        column.push_collation(sql);
        sql.push(order_sql(*order));
        if column.may_be_absent() {
            sql.push(" nulls last");
        }
        separator = ", ";
    }
    // The id makes the order whole, and stands in the index the way round that the first field does.
    let first = sort.first().map_or(Order::Descending, |(_, order)| *order);
    sql.push(separator).push("call_id").push(order_sql(first));
}

fn order_sql(order: Order) -> &'static str {
    match order {
        Order::Ascending => " asc",
        Order::Descending => " desc",
    }
}
