//! Ending a call here: the record first, in one transaction with everything that must follow; then the provider and the
//! room are asked at once, within a bound. What is not confirmed by then goes on in the background.
//!
//! The jobs that ask are born claimed by this process, so that no worker starts the same work beside it; if the process
//! dies, their leases run out and a worker takes over. Racing requests meet on the call's row: one does the work.

use std::time::Duration;

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
        id::{AccountId, CallId, ConnectionId},
        lifecycle::Transition,
        party::{E164, PartyNumber},
        report::{Facts, Report, ReportKind},
        state::EndState,
        termination::{TerminationPart, TerminationState},
        text::Text,
    },
    jobs::{DeleteRoom, HangUp},
    queue::{self, Claim, Lane, NewJob},
    store::{self, terminations::NewTermination},
    supervisor::Supervisor,
};

mod ask;

pub use ask::{delete_room, hang_up};

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

/// Ends a call.
pub async fn end(
    tools: &Tools,
    supervisor: &Supervisor,
    (account_id, call_id): (AccountId, CallId),
    reason: Option<Text<512>>,
) -> Result<EndAnswer, store::Error> {
    let recorded = store::within(record(tools, account_id, call_id, reason)).await?;
    let claims = match recorded {
        Recorded::NotFound => return Ok(EndAnswer::NotFound),
        Recorded::AlreadyEnded => return Ok(EndAnswer::AlreadyEnded),
        Recorded::Ended(claims) => claims,
    };
    tools.wake.wake();
    Ok(ask_at_once(tools, supervisor, claims).await)
}

/// What the transaction found.
enum Recorded {
    NotFound,
    AlreadyEnded,
    Ended(Vec<Claim>),
}

async fn record(
    tools: &Tools,
    account_id: AccountId,
    call_id: CallId,
    reason: Option<Text<512>>,
) -> Result<Recorded, store::Error> {
    let mut tx = tools.db.begin().await?;
    let Some(mut call) = store::calls::lock(&mut tx, account_id, call_id).await? else {
        return Ok(Recorded::NotFound);
    };
    if call.life.end.is_some() {
        return Ok(Recorded::AlreadyEnded);
    }
    let now = store::now(&mut tx).await?;
    let before = call.life.clone();
    hang_up_here(&mut call, now, reason);
    store::calls::save_life(&mut tx, &call).await?;
    let claims = [
        ask_provider(&mut tx, &call).await?,
        ask_room(&mut tx, &call).await?,
    ];
    let beside: Beside = store::calls::beside(&mut tx, account_id, call_id).await?;
    let transition = Transition::between(Some(&before), &call.life);
    let change = Change {
        call: &call,
        beside: &beside,
        transition,
        edited: false,
    };
    effects::apply(&mut tx, &[change], now).await?;
    tx.commit().await?;
    Ok(Recorded::Ended(claims.into_iter().flatten().collect()))
}

/// The end, as the state machine takes it: completed if somebody had answered, else canceled.
fn hang_up_here(call: &mut Call, now: DateTime<Utc>, reason: Option<Text<512>>) {
    let end = if call.life.was_answered() {
        EndState::Completed
    } else {
        EndState::Canceled
    };
    let reason = reason.or_else(|| Text::parse(DEFAULT_REASON).ok());
    let facts = Facts {
        disconnect_reason: reason,
        ..Facts::default()
    };
    call.life
        .absorb(&Report::new(ReportKind::Ended(end), now, facts));
}

/// Begins the provider's part. Without a connection there is nobody to ask, and the record says so.
async fn ask_provider(conn: &mut PgConnection, call: &Call) -> Result<Option<Claim>, store::Error> {
    let connection_id = match call.connection_id {
        Some(connection_id) => Some(connection_id),
        None => connection_of_numbers(conn, call).await?,
    };
    let skip = connection_id
        .is_none()
        .then_some("no connection has one of the call's numbers");
    let job = NewJob::new(
        call.account_id,
        &HangUp {
            account_id: call.account_id,
            call_id: call.call_id,
        },
    );
    begin(
        conn,
        call,
        TerminationPart::Provider,
        (connection_id, skip),
        job,
    )
    .await
}

/// Begins the room's part.
async fn ask_room(conn: &mut PgConnection, call: &Call) -> Result<Option<Claim>, store::Error> {
    let connection_id = call.room.as_ref().map(|room| room.connection_id);
    let skip = connection_id.is_none().then_some("the call has no room");
    let job = NewJob::new(
        call.account_id,
        &DeleteRoom {
            account_id: call.account_id,
            call_id: call.call_id,
        },
    );
    begin(
        conn,
        call,
        TerminationPart::Room,
        (connection_id, skip),
        job,
    )
    .await
}

async fn begin(
    conn: &mut PgConnection,
    call: &Call,
    part: TerminationPart,
    (connection_id, skip): (Option<ConnectionId>, Option<&'static str>),
    job: NewJob,
) -> Result<Option<Claim>, store::Error> {
    let state = if skip.is_some() {
        TerminationState::Skipped
    } else {
        TerminationState::Pending
    };
    let new = NewTermination {
        part,
        state,
        connection_id,
        detail: skip,
    };
    store::terminations::begin(conn, call.account_id, call.call_id, &new).await?;
    let Some(connection_id) = connection_id.filter(|_| skip.is_none()) else {
        return Ok(None);
    };
    let job = job.in_lane(Lane(connection_id.uuid()));
    Ok(Some(queue::store::enqueue_claimed(conn, &job).await?))
}

/// Hangs up a call that has ended here and turns out to be live at the provider; a worker does it.
pub(super) async fn hang_up_late(conn: &mut PgConnection, call: &Call) -> Result<(), store::Error> {
    let Some(connection_id) = call.connection_id else {
        return Ok(());
    };
    let new = NewTermination {
        part: TerminationPart::Provider,
        state: TerminationState::Pending,
        connection_id: Some(connection_id),
        detail: None,
    };
    store::terminations::begin(conn, call.account_id, call.call_id, &new).await?;
    let job = HangUp {
        account_id: call.account_id,
        call_id: call.call_id,
    };
    let job = NewJob::new(call.account_id, &job).in_lane(Lane(connection_id.uuid()));
    Ok(queue::store::enqueue(conn, &[job]).await?)
}

/// The connection of whichever of the call's numbers is the account's.
async fn connection_of_numbers(
    conn: &mut PgConnection,
    call: &Call,
) -> Result<Option<ConnectionId>, store::Error> {
    let parties = [&call.life.from, &call.life.to];
    let numbers: Vec<&E164> = parties
        .into_iter()
        .filter_map(|party| party.as_ref().and_then(PartyNumber::e164))
        .collect();
    Ok(store::connections::for_numbers(conn, call.account_id, &numbers).await?)
}

/// Asks the provider and the room beside each other; waits at most [`ASK_MAX`], the asking goes on.
async fn ask_at_once(tools: &Tools, supervisor: &Supervisor, claims: Vec<Claim>) -> EndAnswer {
    let (sender, mut confirmed) = tokio::sync::mpsc::channel(2);
    let asked = claims.len();
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
