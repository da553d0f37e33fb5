//! What a change to a call sets in motion, enqueued in the transaction of the change: the analysis.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    domain::{
        analysis::Trigger,
        call::Call,
        call_object::Beside,
        id::{AccountId, CallId},
        lifecycle::Transition,
    },
    jobs::Analyze,
    queue::{self, NewJob},
};

/// A call that has changed.
#[derive(Debug)]
pub struct Change<'a> {
    /// The call as it is now.
    pub call: &'a Call,
    /// What is shown beside it.
    pub beside: &'a Beside,
    /// What is new.
    pub transition: Transition,
    /// Somebody changed what staff or back ends keep.
    pub edited: bool,
}

/// Sets everything in motion. Answers whether jobs were enqueued, so that the caller can wake the workers after its commit.
pub async fn apply(
    conn: &mut PgConnection,
    changes: &[Change<'_>],
    _at: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let analyses: Vec<NewJob> = changes
        .iter()
        .filter(|change| change.transition.ended)
        .map(|change| {
            analysis(
                change.call.account_id,
                change.call.call_id,
                Trigger::CallEnded,
            )
        })
        .collect();
    queue::store::enqueue(conn, &analyses).await?;
    Ok(!analyses.is_empty())
}

/// The job that analyses a call; at most one of a trigger waits.
pub fn analysis(account_id: AccountId, call_id: CallId, trigger: Trigger) -> NewJob {
    NewJob::new(
        account_id,
        &Analyze {
            account_id,
            call_id,
            trigger,
        },
    )
}
