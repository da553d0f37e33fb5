//! Legs: which call was made by which, and which belong together. Each leg is a call of its own, with a record of its own.
//!
//! Outside the statement that takes reports in: written after the commit of a leg's first report, and only for providers that
//! tell of such a thing.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};

use crate::domain::{
    id::{AccountId, CallId},
    state::CallState,
};

/// How many legs of one conversation, the newest first, and how many legs in all are looked at.
pub const LOOKED_AT_MAX: i64 = 1000;

/// A call at its provider.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// Whose it is.
    pub account_id: AccountId,
    /// The provider.
    pub provider: &'a str,
    /// The provider's name for it.
    pub name: &'a str,
}

/// How a leg belongs to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Belongs<'a> {
    /// The name of the leg that made it.
    pub parent: Option<&'a str>,
    /// What all legs of its conversation share.
    pub conversation: Option<&'a str>,
}

/// A leg as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// The provider's name for it.
    pub name: String,
    /// The call that it is, if anybody has reported that.
    pub call_id: Option<CallId>,
    /// Where that stands.
    pub state: Option<CallState>,
    /// The name of the leg that made it.
    pub parent: Option<String>,
    /// What all legs of its conversation share.
    pub conversation: Option<String>,
    /// When we first heard of it.
    pub first_seen_at: DateTime<Utc>,
}

/// Whether all of this is known of a leg. Most of its events say nothing new, and writing even nothing would cost a commit.
pub async fn is_known(
    db: impl PgExecutor<'_>,
    leg: Named<'_>,
    belongs: Belongs<'_>,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (
             select from legs where account_id = $1 and provider = $2 and name = $3
               and (parent is not null or $4) and (conversation is not null or $5)
           ) as "known!""#,
        leg.account_id.uuid(),
        leg.provider,
        leg.name,
        belongs.parent.is_none(),
        belongs.conversation.is_none(),
    )
    .fetch_one(db)
    .await
}

/// Keeps how a leg belongs to others; what is known stays. Answers whether that says anything new.
pub async fn note(
    conn: &mut PgConnection,
    leg: Named<'_>,
    belongs: Belongs<'_>,
) -> sqlx::Result<bool> {
    let new = sqlx::query!(
        "insert into legs (account_id, provider, name, parent, conversation)
         values ($1, $2, $3, $4, $5)
         on conflict (account_id, provider, name) do update set
           parent = coalesce(legs.parent, excluded.parent),
           conversation = coalesce(legs.conversation, excluded.conversation)
         where (legs.parent is null and excluded.parent is not null)
            or (legs.conversation is null and excluded.conversation is not null)",
        leg.account_id.uuid(),
        leg.provider,
        leg.name,
        belongs.parent,
        belongs.conversation,
    )
    .execute(conn)
    .await?;
    Ok(new.rows_affected() == 1)
}

/// The live calls that belong to a call: those made by it, those made by these, and those of their conversations. At most `limit`.
pub async fn live_below(
    db: impl PgExecutor<'_>,
    of: Named<'_>,
    limit: i64,
) -> sqlx::Result<Vec<CallId>> {
    sqlx::query_scalar!(
        r#"with recursive node (is_leg, key) as (
             select true, $3::text
             union
             select next.is_leg, next.key
             from node cross join lateral (
               (select true as is_leg, name as key from legs
                where node.is_leg and account_id = $1 and provider = $2 and parent = node.key limit $5)
               union all
               (select false, conversation from legs
                where node.is_leg and account_id = $1 and provider = $2 and name = node.key and conversation is not null)
               union all
               (select true, name from legs
                where not node.is_leg and account_id = $1 and provider = $2 and conversation = node.key
                order by first_seen_at desc, name limit $5)
             ) as next
           ), looked_at as materialized (
             select is_leg, key from node limit $5
           )
           select calls.call_id as "call_id: CallId"
           from looked_at
           cross join lateral (
             select call_id from call_names
             where account_id = $1 and namespace = 'call' and name = looked_at.key
             limit 1
           ) as named
           join calls on calls.account_id = $1 and calls.call_id = named.call_id
           where looked_at.is_leg and looked_at.key <> $3 and calls.provider = $2 and calls.deleted_at is null
             and calls.state in ('queued', 'ringing', 'in_progress')
           order by calls.call_id
           limit $4"#,
        of.account_id.uuid(),
        of.provider,
        of.name,
        limit,
        LOOKED_AT_MAX,
    )
    .fetch_all(db)
    .await
}

/// How a leg belongs to others, if anything is known, and the legs that belong to it: as in [`live_below`], but also those that are
/// over. At most `limit`, the first first.
pub async fn around(
    conn: &mut PgConnection,
    of: Named<'_>,
    limit: i64,
) -> sqlx::Result<(Option<Leg>, Vec<Leg>)> {
    let legs = sqlx::query_as!(
        Leg,
        r#"with recursive node (is_leg, key) as (
             select true, $3::text
             union
             select next.is_leg, next.key
             from node cross join lateral (
               (select true as is_leg, name as key from legs
                where node.is_leg and account_id = $1 and provider = $2 and parent = node.key limit $5)
               union all
               (select false, conversation from legs
                where node.is_leg and account_id = $1 and provider = $2 and name = node.key and conversation is not null)
               union all
               (select true, name from legs
                where not node.is_leg and account_id = $1 and provider = $2 and conversation = node.key
                order by first_seen_at desc, name limit $5)
             ) as next
           ), looked_at as materialized (
             select is_leg, key from node limit $5
           )
           select legs.name as "name!", named.call_id as "call_id?: CallId", calls.state as "state?: CallState", legs.parent,
                  legs.conversation, legs.first_seen_at as "first_seen_at!"
           from looked_at
           join legs on legs.account_id = $1 and legs.provider = $2 and legs.name = looked_at.key
           left join lateral (
             select call_id from call_names
             where account_id = $1 and namespace = 'call' and name = looked_at.key
             limit 1
           ) as named on true
           left join calls on calls.account_id = $1 and calls.call_id = named.call_id and calls.deleted_at is null
           where looked_at.is_leg
           order by legs.name = $3 desc, legs.first_seen_at, legs.name
           limit $4"#,
        of.account_id.uuid(),
        of.provider,
        of.name,
        limit.saturating_add(1),
        LOOKED_AT_MAX,
    )
    .fetch_all(conn)
    .await?;
    let (own, mut others): (Vec<Leg>, Vec<Leg>) =
        legs.into_iter().partition(|leg| leg.name == of.name);
    others.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok((own.into_iter().next(), others))
}

/// The first leg of a conversation.
pub async fn first_of(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    provider: &str,
    conversation: &str,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "select name from legs where account_id = $1 and provider = $2 and conversation = $3
         order by first_seen_at, name limit 1",
        account_id.uuid(),
        provider,
        conversation,
    )
    .fetch_optional(db)
    .await
}

/// A call that was ended here and to which the leg belongs: its parent, or another leg of its conversation that was ended a moment
/// ago. Conversations may go on for days, under one name.
pub async fn ended_above(
    db: impl PgExecutor<'_>,
    leg: Named<'_>,
    belongs: Belongs<'_>,
) -> sqlx::Result<Option<CallId>> {
    sqlx::query_scalar!(
        r#"select terminations.call_id as "call_id: CallId"
           from (
             select $4::text as name, true as is_parent where $4 is not null
             union all
             (select name, false from legs
              where account_id = $1 and provider = $2 and conversation = $5 and name <> $3
              order by first_seen_at desc, name limit $6)
           ) as above
           join call_names on call_names.account_id = $1 and call_names.namespace = 'call' and call_names.name = above.name
           join terminations on terminations.account_id = $1 and terminations.call_id = call_names.call_id
                            and terminations.part = 'provider'
           where above.is_parent or terminations.requested_at > now() - interval '2 minutes'
           limit 1"#,
        leg.account_id.uuid(),
        leg.provider,
        leg.name,
        belongs.parent,
        belongs.conversation,
        LOOKED_AT_MAX,
    )
    .fetch_optional(db)
    .await
}
