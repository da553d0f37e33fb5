//! The legs below a call: what it made, what these made, and what belongs to their conversations. They end with it.
//!
//! At most [`LEGS_MAX`] end in the transaction of the request; a job ends the others, and those that show up later.

use sqlx::PgConnection;

use super::{Asking, end_all, is_live};
use crate::{
    calls::Tools,
    domain::{
        call::Call,
        id::{AccountId, CallId},
    },
    jobs::EndLegs,
    queue::{self, Claim, NewJob, Outcome},
    store::{
        self,
        legs::{Belongs, Named},
    },
};

/// How many legs end with a call at once, in the transaction of the request.
pub const LEGS_MAX: usize = 32;

/// How many times as many one attempt of the job ends.
const ROUNDS_MAX: usize = 4;

/// The first [`LEGS_MAX`] live legs below a call, and whether there are more.
pub(super) async fn live(
    conn: &mut PgConnection,
    of: &Call,
) -> Result<(Vec<CallId>, bool), store::Error> {
    let limit = i64::try_from(LEGS_MAX).unwrap_or(i64::MAX);
    let named = Named {
        account_id: of.account_id,
        provider: of.provider.as_str(),
        name: of.provider_call_id.as_str(),
    };
    let mut below = store::legs::live_below(conn, named, limit + 1).await?;
    let more = below.len() > LEGS_MAX;
    below.truncate(LEGS_MAX);
    Ok((below, more))
}

/// Has the legs below an ended call ended by a worker.
pub(super) async fn enqueue(
    conn: &mut PgConnection,
    account_id: AccountId,
    call_id: CallId,
) -> sqlx::Result<()> {
    let job = EndLegs {
        account_id,
        call_id,
    };
    let key = format!("end_legs {account_id} {call_id}");
    let job = NewJob::new(account_id, &job).unique(key);
    queue::store::enqueue(conn, &[job]).await
}

/// Has a leg ended that shows up below a call that was ended here. Answers whether it is one.
pub async fn follow(
    conn: &mut PgConnection,
    named: Named<'_>,
    belongs: Belongs<'_>,
) -> Result<bool, store::Error> {
    let Some(call_id) = store::legs::ended_above(&mut *conn, named, belongs).await? else {
        return Ok(false);
    };
    enqueue(conn, named.account_id, call_id).await?;
    Ok(true)
}

/// Ends the live legs below an ended call. Idempotent: what has ended is no live leg.
pub async fn end_legs(tools: &Tools, _claim: &Claim, job: &EndLegs) -> Outcome {
    for _ in 0..ROUNDS_MAX {
        match store::within(Box::pin(round(tools, job))).await {
            Ok(true) => tools.wake.wake(),
            Ok(false) => {
                tools.wake.wake();
                return Outcome::Done;
            }
            Err(error) => {
                return Outcome::Retry {
                    after: None,
                    error: error.into(),
                };
            }
        }
    }
    Outcome::Retry {
        after: None,
        error: anyhow::anyhow!("there are more legs"),
    }
}

/// Ends some. Answers whether there are more.
async fn round(tools: &Tools, job: &EndLegs) -> Result<bool, store::Error> {
    let mut tx = tools.db.begin().await?;
    let Some(root) = store::calls::find(&mut *tx, job.account_id, job.call_id).await? else {
        return Ok(false);
    };
    if root.life.end.is_none() {
        return Ok(false);
    }
    let (below, more) = live(&mut tx, &root).await?;
    let wanted: Vec<_> = below.into_iter().map(|id| (job.account_id, id)).collect();
    if wanted.is_empty() {
        return Ok(false);
    }
    let locked = store::calls::lock_many(&mut tx, &wanted).await?;
    let legs: Vec<Call> = locked.into_iter().filter(is_live).collect();
    let reason = root.life.disconnect_reason.clone();
    end_all(&mut tx, legs, reason, Asking::InBackground).await?;
    tx.commit().await?;
    Ok(more)
}
