//! Recoveries: what is sent again to an endpoint, how far that is, and the next of it.
//!
//! Every transaction of a recovery begins with [`lock`] and ends with [`step`]: two workers that believe to hold its job do one
//! thing after the other, and what was looked at is not looked at again.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::domain::{
    delivery::DeliveryState,
    event::EventType,
    id::{AccountId, DeliveryId, EndpointId, RecoveryId},
    recovery::{Counts, Missed, Recovery, Stage},
};

/// Which recovery.
pub type Of = (AccountId, RecoveryId);

/// Selects whole recoveries.
macro_rules! select_recoveries {
    ($tail:literal, $($arg:expr),* $(,)?) => {
        sqlx::query_as!(
            Row,
            "select account_id, recovery_id, endpoint_id, since, until, states as \"states: Vec<DeliveryState>\", missing,
                    stage as \"stage: Stage\", place, looked_at, made, resent, skipped, created_at, finished_at
             from recoveries where " + $tail,
            $($arg),*
        )
    };
}

struct Row {
    account_id: Uuid,
    recovery_id: Uuid,
    endpoint_id: Uuid,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    states: Vec<DeliveryState>,
    missing: bool,
    stage: Stage,
    place: Option<Uuid>,
    looked_at: i64,
    made: i64,
    resent: i64,
    skipped: i64,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

impl From<Row> for Recovery {
    fn from(row: Row) -> Self {
        Self {
            account_id: row.account_id.into(),
            recovery_id: row.recovery_id.into(),
            endpoint_id: row.endpoint_id.into(),
            missed: Missed {
                since: row.since,
                until: row.until,
                states: row.states,
                missing: row.missing,
            },
            stage: row.stage,
            place: row.place,
            counts: Counts {
                looked_at: row.looked_at,
                made: row.made,
                resent: row.resent,
                skipped: row.skipped,
            },
            created_at: row.created_at,
            finished_at: row.finished_at,
        }
    }
}

/// Keeps a recovery at its first stage. Nothing is kept if it is there, or if one of the same endpoint runs.
pub async fn insert(
    conn: &mut PgConnection,
    of: Of,
    endpoint_id: EndpointId,
    missed: &Missed,
) -> sqlx::Result<()> {
    let states: Vec<String> = missed
        .states
        .iter()
        .map(|state| state.as_str().to_owned())
        .collect();
    let stage = if missed.missing {
        Stage::Making
    } else {
        Stage::Resending
    };
    sqlx::query!(
        "insert into recoveries (account_id, recovery_id, endpoint_id, since, until, states, missing, stage)
         values ($1, $2, $3, $4, $5, $6::text[]::delivery_state[], $7, $8)
         on conflict do nothing",
        of.0.uuid(),
        of.1.uuid(),
        endpoint_id.uuid(),
        missed.since,
        missed.until,
        &states,
        missed.missing,
        stage as Stage
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A recovery of the account.
pub async fn find(db: impl PgExecutor<'_>, of: Of) -> sqlx::Result<Option<Recovery>> {
    let found = select_recoveries!(
        "account_id = $1 and recovery_id = $2",
        of.0.uuid(),
        of.1.uuid()
    );
    Ok(found.fetch_optional(db).await?.map(Recovery::from))
}

/// The recovery of an endpoint that runs.
pub async fn running(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    endpoint_id: EndpointId,
) -> sqlx::Result<Option<RecoveryId>> {
    sqlx::query_scalar!(
        r#"select recovery_id as "recovery_id: RecoveryId" from recoveries
           where account_id = $1 and endpoint_id = $2 and finished_at is null"#,
        account_id.uuid(),
        endpoint_id.uuid()
    )
    .fetch_optional(db)
    .await
}

/// The account's recoveries, newest first, below one of them.
pub async fn list(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    before: Option<RecoveryId>,
    limit: i64,
) -> sqlx::Result<Vec<Recovery>> {
    let found = select_recoveries!(
        "account_id = $1 and ($2::uuid is null or recovery_id < $2) order by recovery_id desc limit $3",
        account_id.uuid(),
        before.map(RecoveryId::uuid),
        limit
    );
    let found = found.fetch_all(db).await?;
    Ok(found.into_iter().map(Recovery::from).collect())
}

/// Recoveries of all accounts that run, the oldest first: their job may have been given up.
pub async fn open(db: impl PgExecutor<'_>, limit: i64) -> sqlx::Result<Vec<Of>> {
    let rows = sqlx::query!(
        r#"select account_id as "account_id: AccountId", recovery_id as "recovery_id: RecoveryId" from recoveries
           where finished_at is null order by recovery_id limit $1"#,
        limit
    )
    .fetch_all(db)
    .await?;
    let rows = rows.into_iter();
    Ok(rows.map(|row| (row.account_id, row.recovery_id)).collect())
}

/// The recovery, locked until the transaction ends, if it runs.
pub async fn lock(conn: &mut PgConnection, of: Of) -> sqlx::Result<Option<Recovery>> {
    let found = select_recoveries!(
        "account_id = $1 and recovery_id = $2 and finished_at is null for update",
        of.0.uuid(),
        of.1.uuid()
    );
    Ok(found.fetch_optional(conn).await?.map(Recovery::from))
}

/// Whether everybody has ended who began before the recovery was asked for, and may have written of what was missed. Nobody here takes as
/// long as ten seconds; others on the same server may.
pub async fn may_begin(db: impl PgExecutor<'_>, of: Of) -> sqlx::Result<Option<bool>> {
    sqlx::query_scalar!(
        r#"select pg_snapshot_xmin(pg_current_snapshot())::text::bigint > asked_in or created_at < now() - interval '10 seconds' as "may!"
           from recoveries where account_id = $1 and recovery_id = $2"#,
        of.0.uuid(),
        of.1.uuid()
    )
    .fetch_optional(db)
    .await
}

/// What was made of a page of events.
#[derive(Debug, Clone, Copy)]
pub struct Made {
    /// How many events were looked at.
    pub looked_at: i64,
    /// The last of them.
    pub last: Option<Uuid>,
    /// How many deliveries were made.
    pub made: i64,
}

/// Looks at the next events and makes deliveries of those of calls, of these types, that have none to the endpoint. The delivery's id has the
/// event's time, so it stands in the same week and is found by it. The event is locked: whoever erases its call either has it first, or finds
/// the delivery. (No `exists`: it would be planned as a hash of all deliveries.)
pub async fn make(
    conn: &mut PgConnection,
    recovery: &Recovery,
    types: &[EventType],
    limit: i64,
) -> sqlx::Result<Made> {
    let types: Vec<String> = types.iter().map(|t| t.as_str().to_owned()).collect();
    sqlx::query_as!(
        Made,
        r#"with page as materialized (
             select event_id, type, call_id from events
             where account_id = $1 and event_id >= uuid_at($3) and event_id < uuid_at($4) and ($5::uuid is null or event_id > $5)
             order by event_id limit $6
           ), missing as materialized (
             select event.event_id, event.call_id, event.type, event.created_at, octet_length(event.body) as size
             from page join events event on event.account_id = $1 and event.event_id = page.event_id
             where page.call_id is not null and page.type::text = any($7)
               and (select true from delivery_queue queued
                    where queued.call_id = page.call_id and queued.endpoint_id = $2 and queued.event_id = page.event_id limit 1) is null
               and (select true from deliveries over
                    where over.account_id = $1 and over.call_id = page.call_id and over.delivery_id >= uuid_at($3)
                      and over.endpoint_id = $2 and over.event_id = page.event_id limit 1) is null
             for share of event
           ), made as (
             insert into delivery_queue (account_id, delivery_id, event_id, endpoint_id, call_id, event_type, created_at, size)
             select $1, (left(event_id::text, 15) || substr(gen_random_uuid()::text, 16))::uuid, event_id, $2, call_id, type, created_at,
                    size
             from missing order by event_id
             returning delivery_id
           )
           select (select count(*) from page) as "looked_at!", (select event_id from page order by event_id desc limit 1) as last,
                  (select count(*) from made) as "made!""#,
        recovery.account_id.uuid(),
        recovery.endpoint_id.uuid(),
        recovery.missed.since,
        recovery.missed.until,
        recovery.place,
        limit,
        &types
    )
    .fetch_one(conn)
    .await
}

/// Deliveries that were looked at.
#[derive(Debug)]
pub struct Page {
    /// How many.
    pub looked_at: i64,
    /// The last of them.
    pub last: Option<Uuid>,
    /// Those to be sent again, locked until the transaction ends.
    pub wanted: Vec<DeliveryId>,
}

/// Looks at the endpoint's next deliveries that are over. What has ended since the recovery was asked for is not wanted: it may be what this
/// has sent again, or what somebody resent by hand.
pub async fn next(conn: &mut PgConnection, recovery: &Recovery, limit: i64) -> sqlx::Result<Page> {
    let states: Vec<String> = recovery
        .missed
        .states
        .iter()
        .map(|state| state.as_str().to_owned())
        .collect();
    sqlx::query_as!(
        Page,
        r#"with page as materialized (
             select delivery_id, state::text = any($6) and finished_at < $7 as wanted from deliveries
             where account_id = $1 and endpoint_id = $2 and delivery_id >= uuid_at($3) and delivery_id < uuid_at($4)
               and ($5::uuid is null or delivery_id > $5)
             order by delivery_id limit $8
           ), locked as materialized (
             select over.delivery_id from page join deliveries over on over.account_id = $1 and over.delivery_id = page.delivery_id
             where page.wanted order by over.delivery_id for update of over
           )
           select (select count(*) from page) as "looked_at!", (select delivery_id from page order by delivery_id desc limit 1) as last,
                  (select coalesce(array_agg(delivery_id order by delivery_id), '{}') from locked) as "wanted!: Vec<DeliveryId>""#,
        recovery.account_id.uuid(),
        recovery.endpoint_id.uuid(),
        recovery.missed.since,
        recovery.missed.until,
        recovery.place,
        &states,
        recovery.created_at,
        limit
    )
    .fetch_one(conn)
    .await
}

/// Goes on to a stage and a place in it, with what was done. The caller has it locked.
pub async fn step(
    conn: &mut PgConnection,
    of: Of,
    (stage, place): (Stage, Option<Uuid>),
    done: Counts,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update recoveries set stage = $3, place = $4, looked_at = looked_at + $5, made = made + $6, resent = resent + $7,
           skipped = skipped + $8, updated_at = now(),
           finished_at = case when $3::recovery_stage in ('completed', 'failed') then now() end
         where account_id = $1 and recovery_id = $2",
        of.0.uuid(),
        of.1.uuid(),
        stage as Stage,
        place,
        done.looked_at,
        done.made,
        done.resent,
        done.skipped
    )
    .execute(conn)
    .await?;
    Ok(())
}
