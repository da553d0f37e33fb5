//! Tombstones: what erased calls were called. How a report that comes late meets one stands at
//! [`crate::store::calls::names::resolve_or_claim`].
//!
//! Two tables keep what a call is called without a call: legs, and reports that wait for their call. Nothing there stands in
//! the way of one another, so whoever writes to them holds the account's lock together with others ([`hold`]), and an erasure
//! alone ([`hold_alone`]), each before anything else of its transaction. So either the erasure finds what was written, or the
//! writer finds the tombstone. Reports of calls do not take this lock.

use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::Of;
use crate::{
    domain::id::{AccountId, CallId},
    store::calls::names::TELEPHONY,
};

/// Keeps erasures of the account out until the transaction ends.
pub async fn hold(conn: &mut PgConnection, account_id: AccountId) -> sqlx::Result<()> {
    sqlx::query!(
        "select pg_advisory_xact_lock_shared(hashtextextended('onhook names ' || $1::text, 0))",
        account_id.to_string()
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

/// Keeps everybody out who writes names without calls, until the transaction ends.
pub async fn hold_alone(conn: &mut PgConnection, account_id: AccountId) -> sqlx::Result<()> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('onhook names ' || $1::text, 0))",
        account_id.to_string()
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

/// Which of these are what telephony called calls that were erased.
pub async fn erased(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    names: &[&str],
) -> sqlx::Result<Vec<String>> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let accounts = vec![account_id.uuid(); names.len()];
    let namespaces = vec![TELEPHONY.to_owned(); names.len()];
    sqlx::query_scalar!(
        r#"select name as "name!" from erased_among($1, $2, $3)"#,
        &accounts,
        &namespaces,
        &names
    )
    .fetch_all(db)
    .await
}

/// Takes their names away from calls that are locked, and leaves tombstones. Names that no column of the call has are left for
/// [`sweep`]; until then they lead to a call that is gone.
pub(super) async fn bury(
    conn: &mut PgConnection,
    account_id: AccountId,
    names: &[(CallId, String)],
) -> sqlx::Result<u64> {
    let calls: Vec<Uuid> = names.iter().map(|(call_id, _)| call_id.uuid()).collect();
    let words: Vec<String> = names.iter().map(|(_, name)| name.clone()).collect();
    let gone = sqlx::query_scalar!(
        r#"with recursive space (namespace) as (
             (select namespace from call_names where account_id = $1 order by namespace limit 1)
             union all
             select (select names.namespace from call_names as names
                     where names.account_id = $1 and names.namespace > space.namespace order by names.namespace limit 1)
             from space where space.namespace is not null
           ), candidate as (
             select distinct call_id, name from unnest($2::uuid[], $3::text[]) as candidate (call_id, name)
           ), gone as (
             delete from call_names using space, candidate
             where call_names.account_id = $1 and call_names.namespace = space.namespace
               and call_names.name = candidate.name and call_names.call_id = candidate.call_id
             returning call_names.namespace, call_names.name
           ), stones as (
             insert into erased_names (account_id, digest)
             select $1, call_name_digest($1, namespace, name) from gone
             union
             select $1, call_name_digest($1, $4, name) from candidate
             on conflict (account_id, digest) do update set erased_at = now()
           )
           select count(*) as "gone!" from gone"#,
        account_id.uuid(),
        &calls,
        &words,
        TELEPHONY
    )
    .fetch_one(conn)
    .await?;
    Ok(u64::try_from(gone).unwrap_or_default())
}

/// Leaves tombstones of conversations that have no leg any more: reports may name a conversation alone.
pub(super) async fn bury_conversations(
    conn: &mut PgConnection,
    account_id: AccountId,
    conversations: &[String],
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into erased_names (account_id, digest)
         select distinct $1::uuid, call_name_digest($1, $3, conversation) from unnest($2::text[]) as gone (conversation)
         where not exists (select from legs where legs.account_id = $1 and legs.conversation = gone.conversation)
         on conflict (account_id, digest) do update set erased_at = now()",
        account_id.uuid(),
        conversations,
        TELEPHONY
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Where a sweep is: the namespace and the name.
pub type Place = (String, String);

/// Looks through some of the account's names for those of calls of an erasure that no column told, and takes them away with a
/// tombstone. Answers how many were taken, and where to go on; no place at the end.
pub async fn sweep(
    conn: &mut PgConnection,
    of: Of,
    after: &Place,
    limit: i64,
) -> sqlx::Result<(u64, Option<Place>)> {
    let row = sqlx::query!(
        r#"with page as materialized (
             select namespace, name, call_id from call_names
             where account_id = $1 and (namespace, name) > ($3, $4) order by namespace, name limit $5
           ), gone as (
             delete from call_names using page, erasing_calls as erasing
             where erasing.account_id = $1 and erasing.erasure_id = $2 and erasing.call_id = page.call_id
               and call_names.account_id = $1 and call_names.namespace = page.namespace and call_names.name = page.name
             returning call_names.namespace, call_names.name
           ), stones as (
             insert into erased_names (account_id, digest)
             select $1, call_name_digest($1, namespace, name) from gone
             on conflict (account_id, digest) do update set erased_at = now()
           )
           select (select count(*) from gone) as "gone!", (select count(*) from page) as "looked_at!",
                  (select namespace from page order by namespace desc, name desc limit 1) as namespace,
                  (select name from page order by namespace desc, name desc limit 1) as name"#,
        of.0.uuid(),
        of.1.uuid(),
        after.0,
        after.1,
        limit
    )
    .fetch_one(conn)
    .await?;
    let next = row
        .namespace
        .zip(row.name)
        .filter(|_| row.looked_at == limit);
    Ok((u64::try_from(row.gone).unwrap_or_default(), next))
}

/// Drops tombstones that are older than `days`, at most `limit`; answers how many.
pub async fn drop_old(db: impl PgExecutor<'_>, days: i32, limit: i64) -> sqlx::Result<u64> {
    let gone = sqlx::query!(
        "delete from erased_names where (account_id, digest) in
           (select account_id, digest from erased_names where erased_at < now() - make_interval(days => $1)
            order by erased_at limit $2 for update skip locked)",
        days,
        limit
    )
    .execute(db)
    .await?;
    Ok(gone.rows_affected())
}
