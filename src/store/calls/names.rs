//! The names a call goes by. A name leads to one call; two surfaces that use the same name meet on it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::domain::{
    id::{AccountId, CallId},
    report::ProviderName,
};

/// The namespace of what telephony calls a call: `CallId`, `call_sid`, a provider's own id.
pub const TELEPHONY: &str = "call";

/// A name of a call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallName {
    /// In whose account.
    pub account_id: AccountId,
    /// Whose word it is: [`TELEPHONY`], or a provider for the voice-calls `source_id`.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl CallName {
    /// What telephony calls it.
    pub fn telephony(account_id: AccountId, name: &str) -> Self {
        Self {
            account_id,
            namespace: TELEPHONY.to_owned(),
            name: name.to_owned(),
        }
    }

    /// What a provider's system calls it on the voice-calls surface.
    pub fn source(account_id: AccountId, provider: &ProviderName, source_id: &str) -> Self {
        Self {
            account_id,
            namespace: provider.as_str().to_owned(),
            name: source_id.to_owned(),
        }
    }
}

/// The calls that go by these names, and the time of the transaction.
pub async fn resolve_now(
    db: impl PgExecutor<'_>,
    names: &[CallName],
) -> sqlx::Result<(DateTime<Utc>, HashMap<CallName, CallId>)> {
    let (accounts, namespaces, words) = columns(names.iter());
    // Lateral and limited: a plain join is planned as a scan of every name there is while the table has no statistics.
    let rows = sqlx::query!(
        r#"select now() as "now!", asked.account_id as "account_id!: AccountId", asked.namespace as "namespace!",
                  asked.name as "name!", known.call_id as "call_id?: CallId"
           from unnest($1::uuid[], $2::text[], $3::text[]) as asked (account_id, namespace, name)
           left join lateral (
             select call_id from call_names
             where call_names.account_id = asked.account_id and call_names.namespace = asked.namespace
               and call_names.name = asked.name
             limit 1
           ) as known on true"#,
        &accounts,
        &namespaces,
        &words
    )
    .fetch_all(db)
    .await?;
    let now = rows
        .first()
        .map(|row| row.now)
        .ok_or(sqlx::Error::RowNotFound)?;
    let known = rows
        .into_iter()
        .filter_map(|row| {
            let name = CallName {
                account_id: row.account_id,
                namespace: row.namespace,
                name: row.name,
            };
            Some((name, row.call_id?))
        })
        .collect();
    Ok((now, known))
}

/// What a name led to when it was claimed.
#[derive(Debug)]
pub struct Claimed {
    /// The name.
    pub name: CallName,
    /// The call it leads to. None: somebody else claimed it while we asked; ask again.
    pub call_id: Option<CallId>,
    /// Whether it was free and is now this call's.
    pub new: bool,
    /// Whether a webhook endpoint of the account is enabled. Here so that nothing else is asked where nobody listens.
    pub listened: bool,
    /// Whether it is an erased call's: it leads to no call, and to none that is yet to come.
    pub erased: bool,
}

/// What became of names that calls were to have.
#[derive(Debug)]
pub struct Granted {
    /// The calls whose name was free and is theirs now.
    pub calls: Vec<CallId>,
    /// Whether one of the names is an erased call's.
    pub erased: bool,
}

/// The calls that go by these names, and the time of the transaction. A name that nobody has goes to the call that stands
/// with it. Names in one order, whoever asks: two replicas that claim the same ones wait, and do not deadlock.
///
/// **A name of an erased call** goes to nobody. An erasure takes names away and leaves their tombstones in one transaction, so
/// a name that is free to us although it was an erased call's was taken away by somebody who has committed: else its index entry
/// would be in our way. `erased_among` is asked after the names are written, and with a snapshot of its own, so it sees that
/// tombstone, which the snapshot of this statement may not. Who comes first is erased with the call; who comes later is refused
/// here. It is one question for all new names of a batch, and none more where nothing was ever erased.
pub async fn resolve_or_claim(
    conn: &mut PgConnection,
    names: &[(CallName, CallId)],
) -> sqlx::Result<(DateTime<Utc>, Vec<Claimed>)> {
    let calls: Vec<Uuid> = names.iter().map(|(_, call)| call.uuid()).collect();
    let (accounts, namespaces, words) = columns(names.iter().map(|(name, _)| name));
    let rows = sqlx::query!(
        r#"with asked as materialized (
             select * from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[])
               as asked (account_id, namespace, name, call_id)
           ), claimed as (
             insert into call_names (account_id, namespace, name, call_id)
             select account_id, namespace, name, call_id from asked
             on conflict do nothing
             returning account_id, namespace, name, call_id
           ), erased as materialized (
             select erased.account_id, erased.namespace, erased.name
             from (select array_agg(account_id) as accounts, array_agg(namespace) as namespaces, array_agg(name) as names
                   from claimed) as new
             cross join lateral erased_among(new.accounts, new.namespaces, new.names) as erased
           ), listened as materialized (
             select distinct account_id from endpoints where account_id = any($1) and state = 'enabled'
           )
           select now() as "now!", asked.account_id as "account_id!: AccountId", asked.namespace as "namespace!",
                  asked.name as "name!", claimed.call_id is not null as "new!",
                  asked.account_id in (select account_id from listened) as "listened!",
                  erased.name is not null as "erased!", coalesce(claimed.call_id, known.call_id) as "call_id: CallId"
           from asked
           left join claimed using (account_id, namespace, name)
           left join erased using (account_id, namespace, name)
           left join lateral (
             select call_id from call_names
             where claimed.call_id is null and call_names.account_id = asked.account_id
               and call_names.namespace = asked.namespace and call_names.name = asked.name
             limit 1
           ) as known on true"#,
        &accounts,
        &namespaces,
        &words,
        &calls
    )
    .fetch_all(&mut *conn)
    .await?;
    let now = rows
        .first()
        .map(|row| row.now)
        .ok_or(sqlx::Error::RowNotFound)?;
    let mut claimed: Vec<Claimed> = rows
        .into_iter()
        .map(|row| Claimed {
            name: CallName {
                account_id: row.account_id,
                namespace: row.namespace,
                name: row.name,
            },
            call_id: row.call_id,
            new: row.new,
            listened: row.listened,
            erased: row.erased,
        })
        .collect();
    for erased in claimed.iter_mut().filter(|claimed| claimed.erased) {
        erased.new = false;
        if let Some(call_id) = erased.call_id.take() {
            release(&mut *conn, &erased.name, call_id).await?;
        }
    }
    Ok((now, claimed))
}

/// Gives names to calls; answers those that were free. A name that is taken keeps its call, and one of an erased call gets none.
pub async fn claim(conn: &mut PgConnection, names: &[(CallName, CallId)]) -> sqlx::Result<Granted> {
    let (_, claimed) = resolve_or_claim(conn, names).await?;
    Ok(Granted {
        erased: claimed.iter().any(|claimed| claimed.erased),
        calls: claimed
            .into_iter()
            .filter(|claimed| claimed.new)
            .filter_map(|claimed| claimed.call_id)
            .collect(),
    })
}

/// Takes a name away from a call.
pub async fn release(
    conn: &mut PgConnection,
    name: &CallName,
    call_id: CallId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from call_names where account_id = $1 and namespace = $2 and name = $3 and call_id = $4",
        name.account_id.uuid(),
        name.namespace,
        name.name,
        call_id.uuid()
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn columns<'a>(
    names: impl Iterator<Item = &'a CallName> + Clone,
) -> (Vec<Uuid>, Vec<String>, Vec<String>) {
    let accounts = names.clone().map(|name| name.account_id.uuid()).collect();
    let namespaces = names.clone().map(|name| name.namespace.clone()).collect();
    let words = names.map(|name| name.name.clone()).collect();
    (accounts, namespaces, words)
}
