//! The list of an account's numbers (`call_numbers`), of which those go that no call has any more.
//!
//! A report of a number that is in the list writes nothing there. One that is under way while the number is removed may have
//! seen it, and its call is not to be seen yet. So after the removal everybody is waited for who may have ([`newest`],
//! [`is_past`]), and what calls have then is put back ([`put_back`]).

use sqlx::{PgConnection, PgExecutor};

use super::Of;
use crate::domain::id::CallId;

/// The next calls of an erasure behind one, for the pages of this file; none at the end.
pub async fn page(
    db: impl PgExecutor<'_>,
    of: Of,
    after: Option<CallId>,
    limit: i64,
) -> sqlx::Result<Vec<CallId>> {
    sqlx::query_scalar!(
        r#"select call_id as "call_id: CallId" from erasing_calls
           where account_id = $1 and erasure_id = $2 and ($3::uuid is null or call_id > $3) order by call_id limit $4"#,
        of.0.uuid(),
        of.1.uuid(),
        after.map(CallId::uuid),
        limit
    )
    .fetch_all(db)
    .await
}

/// Removes numbers of these calls from the list that no call has; answers how many.
pub async fn remove(conn: &mut PgConnection, of: Of, calls: &[CallId]) -> sqlx::Result<u64> {
    let ids: Vec<_> = calls.iter().map(|call_id| call_id.uuid()).collect();
    let gone = sqlx::query!(
        r#"with told as (
             select true as called, to_number as number from erasing_calls
             where account_id = $1 and erasure_id = $2 and call_id = any($3) and to_number is not null
             union
             select false, from_number from erasing_calls
             where account_id = $1 and erasure_id = $2 and call_id = any($3) and from_number is not null
           )
           delete from call_numbers using told
           where call_numbers.account_id = $1 and call_numbers.number collate "C" = told.number
             and call_numbers.called = told.called
             and case when told.called then not exists (
                   select from calls where calls.account_id = $1 and coalesce(calls.to_number, '') collate "C" = told.number
                 ) else not exists (
                   select from calls where calls.account_id = $1 and coalesce(calls.from_number, '') collate "C" = told.number
                 ) end"#,
        of.0.uuid(),
        of.1.uuid(),
        &ids
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}

/// A transaction's number, newer than that of everybody who may not see what was committed before.
pub async fn newest(conn: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select pg_current_xact_id()::text::bigint as "number!""#)
        .fetch_one(conn)
        .await
}

/// Whether every transaction with a lower number has ended.
pub async fn is_past(db: impl PgExecutor<'_>, number: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select pg_snapshot_xmin(pg_current_snapshot())::text::bigint > $1 as "past!""#,
        number
    )
    .fetch_one(db)
    .await
}

/// Puts numbers of these calls back into the list that other calls have.
pub async fn put_back(conn: &mut PgConnection, of: Of, calls: &[CallId]) -> sqlx::Result<()> {
    let ids: Vec<_> = calls.iter().map(|call_id| call_id.uuid()).collect();
    sqlx::query!(
        r#"with told as (
             select true as called, to_number as number from erasing_calls
             where account_id = $1 and erasure_id = $2 and call_id = any($3) and to_number is not null
             union
             select false, from_number from erasing_calls
             where account_id = $1 and erasure_id = $2 and call_id = any($3) and from_number is not null
           )
           insert into call_numbers (account_id, called, number)
           select $1, told.called, told.number from told
           where case when told.called then exists (
                   select from calls where calls.account_id = $1 and coalesce(calls.to_number, '') collate "C" = told.number
                 ) else exists (
                   select from calls where calls.account_id = $1 and coalesce(calls.from_number, '') collate "C" = told.number
                 ) end
             and not exists (
               select from call_numbers as known
               where known.account_id = $1 and known.number collate "C" = told.number and known.called = told.called
             )"#,
        of.0.uuid(),
        of.1.uuid(),
        &ids
    )
    .execute(conn)
    .await?;
    Ok(())
}
