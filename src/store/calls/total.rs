//! How many calls a list has, whoever asked for it: counted, as long as that is quick.

use sqlx::{PgConnection, Postgres, QueryBuilder};

/// Totals are counted so far; beyond, they are estimated.
pub const COUNTED_MAX: i64 = 10_000;

/// How many calls a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    /// So many.
    Exactly(i64),
    /// About so many by the database's statistics, and more than [`COUNTED_MAX`].
    About(i64),
}

/// How many calls pass a condition, which `push_where` writes.
pub(in crate::store) async fn total(
    conn: &mut PgConnection,
    push_where: impl Fn(&mut QueryBuilder<Postgres>),
) -> sqlx::Result<Total> {
    let mut sql = QueryBuilder::new("select count(*) from (select from calls ");
    push_where(&mut sql);
    sql.push(" limit ").push_bind(COUNTED_MAX + 1);
    sql.push(") as counted");
    // Planned with its values: which index is best depends on them.
    let count = sql.build_query_scalar().persistent(false);
    let counted: i64 = count.fetch_one(&mut *conn).await?;
    if counted <= COUNTED_MAX {
        return Ok(Total::Exactly(counted));
    }
    estimate(conn, push_where).await
}

/// About how many calls pass a condition of which it is known that they are too many to count.
pub(in crate::store) async fn estimate(
    conn: &mut PgConnection,
    push_where: impl Fn(&mut QueryBuilder<Postgres>),
) -> sqlx::Result<Total> {
    let mut sql = QueryBuilder::new("explain (format json) select from calls ");
    push_where(&mut sql);
    let explain = sql.build_query_scalar().persistent(false);
    let plan: serde_json::Value = explain.fetch_one(conn).await?;
    let estimate = plan
        .pointer("/0/Plan/Plan Rows")
        .and_then(serde_json::Value::as_i64);
    Ok(Total::About(estimate.unwrap_or(0).max(COUNTED_MAX + 1)))
}
