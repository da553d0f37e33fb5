//! A walk through all calls of an account, oldest first, in stretches of so many calls each, whichever of them are wanted.
//!
//! Unlike a page of a list a stretch costs the same however rare the wanted calls are, so that a walk always gets on: what
//! is on no index is not searched for, it is passed by. Only conditions on `created_at` bound what is read.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, Postgres, QueryBuilder, Row as _};

use super::condition;
use crate::domain::{
    call_query::{Column, Condition, Search},
    id::{AccountId, CallId},
};

/// A call's place in a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// When the call was first heard of.
    pub created_at: DateTime<Utc>,
    /// Which call.
    pub call_id: CallId,
}

/// Which calls are wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// All of them must hold.
    pub conditions: Vec<Condition>,
    /// Words that stand somewhere, whatever the case.
    pub search: Option<Search>,
    /// First heard of before this.
    pub before: DateTime<Utc>,
}

/// What was found on a stretch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// The wanted calls, in order.
    pub found: Vec<Found>,
    /// Where it ended; nothing if there was no call any more.
    pub end: Option<Mark>,
}

/// A wanted call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Which.
    pub call_id: CallId,
    /// The size of what was said on it, in bytes: by far the largest part of a call.
    pub transcript_bytes: i32,
}

/// Where a call stands, a deleted one too; nothing if the account has no such call.
pub async fn mark(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    call_id: CallId,
) -> sqlx::Result<Option<Mark>> {
    let created_at = sqlx::query_scalar!(
        "select created_at from calls where account_id = $1 and call_id = $2",
        account_id.uuid(),
        call_id.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(created_at.map(|created_at| Mark {
        created_at,
        call_id,
    }))
}

/// The next stretch after a place.
pub async fn stretch(
    conn: &mut PgConnection,
    account_id: AccountId,
    wanted: &Wanted,
    after: Option<Mark>,
    calls_max: i64,
) -> sqlx::Result<Stretch> {
    let mut sql = statement(account_id, wanted, after, calls_max, "");
    let rows = sql.build().persistent(false).fetch_all(conn).await?;
    let mut stretch = Stretch {
        found: Vec::new(),
        end: None,
    };
    for row in rows {
        let call_id = row.try_get("call_id")?;
        if let Some(transcript_bytes) = row.try_get("transcript_bytes")? {
            stretch.found.push(Found {
                call_id,
                transcript_bytes,
            });
        }
        stretch.end = Some(Mark {
            created_at: row.try_get("created_at")?,
            call_id,
        });
    }
    Ok(stretch)
}

/// How the database would find a stretch, as `EXPLAIN (format json)` has it.
pub async fn plan(
    conn: &mut PgConnection,
    account_id: AccountId,
    wanted: &Wanted,
    after: Option<Mark>,
    calls_max: i64,
) -> sqlx::Result<serde_json::Value> {
    let explain = "explain (format json) ";
    let mut sql = statement(account_id, wanted, after, calls_max, explain);
    let plan = sql.build_query_scalar().persistent(false);
    plan.fetch_one(conn).await
}

/// Every call on the stretch, with a size where it is wanted. The length of a text is known without reading the text.
fn statement(
    account_id: AccountId,
    wanted: &Wanted,
    after: Option<Mark>,
    calls_max: i64,
    before: &'static str,
) -> QueryBuilder<Postgres> {
    let (on_the_way, wished): (Vec<_>, Vec<_>) = wanted
        .conditions
        .iter()
        .partition(|condition| condition.column == Column::Created);
    let mut sql = QueryBuilder::new(before);
    sql.push(
        "select call_id, created_at, case when wanted then coalesce(
           (select octet_length(text) from transcripts where transcripts.account_id = calls.account_id
              and transcripts.call_id = calls.call_id order by revision desc limit 1), 0) end as transcript_bytes
         from (select account_id, call_id, created_at, coalesce(true",
    );
    for condition in wished {
        sql.push(" and (");
        condition::push(&mut sql, account_id, condition);
        sql.push(")");
    }
    if let Some(search) = &wanted.search {
        sql.push(" and ");
        condition::push_search(&mut sql, search);
    }
    sql.push(", false) as wanted from (select * from calls where account_id = ");
    sql.push_bind(account_id.uuid());
    sql.push(" and deleted_at is null and created_at < ")
        .push_bind(wanted.before);
    for condition in on_the_way {
        sql.push(" and (");
        condition::push(&mut sql, account_id, condition);
        sql.push(")");
    }
    if let Some(after) = after {
        sql.push(" and (created_at, call_id) > (")
            .push_bind(after.created_at);
        sql.push(", ").push_bind(after.call_id.uuid()).push(")");
    }
    sql.push(" order by created_at, call_id limit ")
        .push_bind(calls_max);
    sql.push(") as calls) as calls order by created_at, call_id");
    sql
}
