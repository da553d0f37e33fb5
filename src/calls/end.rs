//! Ending a call here: the record first, in one transaction with everything that must follow; then the provider and the
//! room are asked at once, within a bound. What is not confirmed by then goes on in the background.
//!
//! With a call end the live legs below it ([`below`]), each a call of its own with its own record, requests and outcome.
//!
//! The jobs that ask are born claimed by this process, so that no worker starts the same work beside it; if the process
//! dies, their leases run out and a worker takes over. Racing requests meet on the call's row: one does the work.

use std::{collections::BTreeSet, time::Duration};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{
    Tools,
    effects::{self, Change},
};
use crate::{
    domain::{
        call::Call,
        call_object::Beside,
        id::{AccountId, CallId},
        lifecycle::{Lifecycle, Transition},
        report::{Facts, Report, ReportKind},
        state::EndState,
        text::Text,
    },
    queue::Claim,
    store::{self, calls::Reported},
    supervisor::Supervisor,
};

mod ask;
mod below;
mod give_up;
mod parts;

pub use ask::{delete_room, hang_up};
pub use below::{LEGS_MAX, end_legs, follow};
pub use give_up::give_up_forsaken;
pub(super) use parts::connection_of;
pub(super) use parts::hang_up_late;

/// How long the caller waits for the provider and the room.
pub const ASK_MAX: Duration = Duration::from_secs(2);

/// The reason that is recorded when none is given; documented to the letter.
pub const DEFAULT_REASON: &str = "Ended Via API call";

/// What a request to end a call came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndAnswer {
    /// It is over, here and wherever we asked.
    Ended,
    /// It is over here; the provider or the room has not confirmed yet and is asked again.
    EndingAtProvider,
    /// It was over before.
    AlreadyEnded,
    /// There is no such call in the account.
    NotFound,
}

/// Who asks the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asking {
    /// This process, as soon as the record is closed.
    AtOnce,
    /// The workers.
    InBackground,
}

/// Ends a call.
pub async fn end(
    tools: &Tools,
    supervisor: &Supervisor,
    of: (AccountId, CallId),
    reason: Option<Text<512>>,
) -> Result<EndAnswer, store::Error> {
    let reason = reason.or_else(|| Text::parse(DEFAULT_REASON).ok());
    let recorded = store::within(Box::pin(record(tools, of, reason, Asking::AtOnce))).await?;
    let claims = match recorded {
        Recorded::NotFound => return Ok(EndAnswer::NotFound),
        Recorded::AlreadyEnded => return Ok(EndAnswer::AlreadyEnded),
        Recorded::Ended(claims) => claims,
    };
    tools.wake.wake();
    Ok(ask_at_once(tools, supervisor, claims).await)
}

/// Ends a call for a reason of ours; the workers ask the others. False: there is no such call, or it is over.
pub async fn end_later(
    tools: &Tools,
    of: (AccountId, CallId),
    reason: &'static str,
) -> Result<bool, store::Error> {
    let reason = Text::parse(reason).ok();
    let recorded = store::within(Box::pin(record(tools, of, reason, Asking::InBackground))).await?;
    match recorded {
        Recorded::NotFound | Recorded::AlreadyEnded => Ok(false),
        Recorded::Ended(_) => {
            tools.wake.wake();
            Ok(true)
        }
    }
}

/// What the transaction found.
enum Recorded {
    NotFound,
    AlreadyEnded,
    Ended(Vec<Claim>),
}

async fn record(
    tools: &Tools,
    (account_id, call_id): (AccountId, CallId),
    reason: Option<Text<512>>,
    asking: Asking,
) -> Result<Recorded, store::Error> {
    let mut tx = tools.db.begin().await?;
    let Some(root) = store::calls::find(&mut *tx, account_id, call_id).await? else {
        return Ok(Recorded::NotFound);
    };
    if root.life.end.is_some() {
        return Ok(Recorded::AlreadyEnded);
    }
    let (below, more) = below::live(&mut tx, &root).await?;
    // All in one order, as batches of reports lock them, and looked at again under the lock.
    let wanted: BTreeSet<CallId> = below.into_iter().chain([call_id]).collect();
    let wanted: Vec<_> = wanted.into_iter().map(|id| (account_id, id)).collect();
    let locked = store::calls::lock_many(&mut tx, &wanted).await?;
    let live: Vec<Call> = locked.into_iter().filter(is_live).collect();
    if !live.iter().any(|call| call.call_id == call_id) {
        return Ok(Recorded::AlreadyEnded);
    }
    let claims = end_all(&mut tx, live, reason, asking).await?;
    if more {
        below::enqueue(&mut tx, account_id, call_id).await?;
    }
    tx.commit().await?;
    Ok(Recorded::Ended(claims))
}

fn is_live(call: &Call) -> bool {
    call.life.end.is_none() && call.deleted_at.is_none()
}

/// Ends live calls that are locked: their records, what is asked of others, and what follows.
async fn end_all(
    conn: &mut PgConnection,
    live: Vec<Call>,
    reason: Option<Text<512>>,
    asking: Asking,
) -> Result<Vec<Claim>, store::Error> {
    let now = store::now(&mut *conn).await?;
    let ended: Vec<(Lifecycle, Call)> = live
        .into_iter()
        .map(|mut call| {
            let before = call.life.clone();
            hang_up_here(&mut call, now, reason.clone());
            (before, call)
        })
        .collect();
    let calls: Vec<&Call> = ended.iter().map(|(_, call)| call).collect();
    let reported = Reported {
        calls: &calls,
        ..Reported::default()
    };
    store::calls::save_reported(&mut *conn, &reported).await?;
    let mut claims = Vec::new();
    for call in &calls {
        claims.extend(parts::ask_provider(conn, call, asking).await?);
        claims.extend(parts::ask_room(conn, call, asking).await?);
    }
    let keys: Vec<_> = calls.iter().map(|c| (c.account_id, c.call_id)).collect();
    let besides = store::calls::beside_many(&mut *conn, &keys).await?;
    let nothing = Beside::default();
    let changes: Vec<Change<'_>> = ended
        .iter()
        .map(|(before, call)| Change {
            call,
            beside: besides.get(&call.call_id).unwrap_or(&nothing),
            transition: Transition::between(Some(before), &call.life),
            edited: false,
        })
        .collect();
    effects::apply(conn, &changes, now).await?;
    Ok(claims)
}

/// The end, as the state machine takes it: completed if somebody had answered, else canceled.
fn hang_up_here(call: &mut Call, now: DateTime<Utc>, disconnect_reason: Option<Text<512>>) {
    let end = if call.life.was_answered() {
        EndState::Completed
    } else {
        EndState::Canceled
    };
    let facts = Facts {
        disconnect_reason,
        ..Facts::default()
    };
    call.life
        .absorb(&Report::new(ReportKind::Ended(end), now, facts));
}

/// Asks the providers and the rooms beside each other; waits at most [`ASK_MAX`], the asking goes on.
async fn ask_at_once(tools: &Tools, supervisor: &Supervisor, claims: Vec<Claim>) -> EndAnswer {
    let asked = claims.len();
    let (sender, mut confirmed) = tokio::sync::mpsc::channel(asked.max(1));
    for claim in claims {
        let (tools, sender) = (tools.clone(), sender.clone());
        supervisor.spawn_once("end", async move {
            let over = ask::ask(&tools, &claim).await;
            if sender.send(over).await.is_err() {
                tracing::debug!("asked to the end, after the bound had passed");
            }
        });
    }
    drop(sender);
    let all = async {
        let mut over = 0;
        while let Some(confirmed) = confirmed.recv().await {
            over += usize::from(confirmed);
        }
        over
    };
    match tokio::time::timeout(ASK_MAX, all).await {
        Ok(over) if over == asked => EndAnswer::Ended,
        Ok(_) | Err(_) => EndAnswer::EndingAtProvider,
    }
}
