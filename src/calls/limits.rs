//! How long a call may last: set for it, shown, and enforced. The leader looks every second for calls whose time is up and ends each
//! as a request would, for the reason that says which bound it was.

use chrono::{DateTime, Utc};

use super::{Tools, end};
use crate::{
    domain::{
        call::Call,
        id::{AccountId, CallId},
        limits::{Bounds, CallLimits, Due, MaxDuration},
        voice_call::update::Edit,
    },
    store,
};

/// How many calls of a kind are ended at a time; what is left is found a second later.
const AT_ONCE: i64 = 100;

/// A change of what a call says itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitsUpdate {
    /// How long it may last from its answer.
    pub max_duration: Edit<MaxDuration>,
    /// When it is ended.
    pub end_at: Edit<DateTime<Utc>>,
}

/// What bounds a call, and when its time is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limited {
    /// What bounds it.
    pub bounds: Bounds,
    /// When its time is up, as far as that is known now.
    pub due: Option<Due>,
}

/// Why limits were not set.
#[derive(Debug, thiserror::Error)]
pub enum LimitsError {
    /// There is no such call in the account.
    #[error("there is no such call")]
    NotFound,
    /// It is over.
    #[error("the call has ended")]
    CallEnded,
    /// It would have to end before now.
    #[error("end_at is not in the future")]
    InPast,
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<sqlx::Error> for LimitsError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// What bounds a call.
pub async fn show(
    tools: &Tools,
    (account_id, call_id): (AccountId, CallId),
) -> Result<Limited, LimitsError> {
    store::within(Box::pin(async {
        let mut conn = tools.db.acquire().await?;
        let call = store::calls::find(&mut *conn, account_id, call_id).await?;
        let call = call.ok_or(LimitsError::NotFound)?;
        let of = (account_id, call_id);
        let bounds = store::limits::bounds(&mut *conn, of, call.connection_id).await?;
        Ok(limited(bounds, &call))
    }))
    .await
}

/// Changes what a call says itself.
pub async fn set(
    tools: &Tools,
    (account_id, call_id): (AccountId, CallId),
    update: LimitsUpdate,
) -> Result<Limited, LimitsError> {
    store::within(Box::pin(async {
        let of = (account_id, call_id);
        let mut tx = tools.db.begin().await?;
        // Under the call's lock, so that two changes do not undo each other.
        let call = store::calls::lock(&mut tx, account_id, call_id).await?;
        let call = call.ok_or(LimitsError::NotFound)?;
        if call.life.end.is_some() {
            return Err(LimitsError::CallEnded);
        }
        let now = store::now(&mut tx).await?;
        let mut bounds = store::limits::bounds(&mut *tx, of, call.connection_id).await?;
        if matches!(&update.end_at, Edit::Set(at) if *at <= now) {
            return Err(LimitsError::InPast);
        }
        edit(&mut bounds.call.max_duration, update.max_duration);
        edit(&mut bounds.call.end_at, update.end_at);
        let look_at = bounds.look_at(&call.life, now);
        store::limits::set(&mut tx, of, bounds.call, look_at).await?;
        tx.commit().await?;
        Ok(limited(bounds, &call))
    }))
    .await
}

/// Sets what a new call says itself, in the transaction that makes it.
pub(super) async fn begin(
    conn: &mut sqlx::PgConnection,
    call: &Call,
    limits: CallLimits,
    now: DateTime<Utc>,
) -> sqlx::Result<Bounds> {
    let of = (call.account_id, call.call_id);
    let kept = store::limits::bounds(&mut *conn, of, call.connection_id).await?;
    let bounds = Bounds {
        call: limits,
        ..kept
    };
    if !limits.is_empty() && call.life.end.is_none() {
        store::limits::set(conn, of, limits, bounds.look_at(&call.life, now)).await?;
    }
    Ok(bounds)
}

fn edit<T>(kept: &mut Option<T>, edit: Edit<T>) {
    match edit {
        Edit::Keep => {}
        Edit::Clear => *kept = None,
        Edit::Set(value) => *kept = Some(value),
    }
}

fn limited(bounds: Bounds, call: &Call) -> Limited {
    Limited {
        bounds,
        due: bounds.due(&call.life),
    }
}

/// Ends every call whose time is up, within bounds. Answers how many.
pub async fn sweep(tools: &Tools) -> Result<usize, store::Error> {
    let found = store::within(Box::pin(async {
        let mut conn = tools.db.acquire().await?;
        let mut found = store::limits::to_look_at(&mut *conn, AT_ONCE).await?;
        found.extend(store::limits::over_account(&mut *conn, AT_ONCE).await?);
        found.extend(store::limits::over_connection(&mut *conn, AT_ONCE).await?);
        found.sort_unstable();
        found.dedup();
        Ok::<_, store::Error>(found)
    }))
    .await?;
    let mut ended = 0;
    for of in found {
        match look(tools, of).await {
            Ok(was_ended) => ended += usize::from(was_ended),
            // One call that cannot be ended must not keep the others alive.
            Err(error) => {
                tracing::warn!(call.id = %of.1, error = %error, "a call whose time is up was not ended; trying again");
            }
        }
    }
    Ok(ended)
}

/// Looks at a call; ends it if its time is up.
async fn look(tools: &Tools, of: (AccountId, CallId)) -> Result<bool, store::Error> {
    let due = store::within(Box::pin(due_now(tools, of))).await?;
    let Some(due) = due else { return Ok(false) };
    let ended = end::end_later(tools, of, due.limit.reason()).await?;
    if ended {
        tracing::info!(call.id = %of.1, limit = due.limit.reason(), "a call's time was up");
        tools.metrics.limit_passed(due.limit.reason());
    }
    Ok(ended)
}

/// The bound that has passed; if none has, when to look again is written down.
async fn due_now(tools: &Tools, of: (AccountId, CallId)) -> Result<Option<Due>, store::Error> {
    let mut tx = tools.db.begin().await?;
    let call = store::calls::lock(&mut tx, of.0, of.1).await?;
    let live = call.filter(|call| call.life.end.is_none());
    let Some(call) = live else {
        store::limits::remove(&mut tx, of).await?;
        tx.commit().await?;
        return Ok(None);
    };
    let now = store::now(&mut tx).await?;
    let bounds = store::limits::bounds(&mut *tx, of, call.connection_id).await?;
    if let Some(due) = bounds.due(&call.life).filter(|due| due.at <= now) {
        return Ok(Some(due));
    }
    if let Some(at) = bounds.look_at(&call.life, now) {
        store::limits::look_at(&mut tx, of, at).await?;
        tx.commit().await?;
    }
    Ok(None)
}
