//! A part of an ending that is given up: on the record, and told to those who want to know what needs a person.

use sqlx::PgConnection;

use crate::{
    calls::Tools,
    domain::{
        event::EventType,
        id::{AccountId, CallId},
        termination::TerminationPart,
    },
    store,
    webhooks::emit::{self, Happening},
};

/// How many forsaken parts are given up at a time.
const FORSAKEN_MAX: i64 = 100;

/// What is written down where nobody learned more.
const FORSAKEN: &str =
    "nobody asks any more: the worker was lost, or had no result, at the last attempt";

/// Tells that a part was given up, in the transaction that writes it down. Answers whether jobs were enqueued.
pub(super) async fn tell(
    conn: &mut PgConnection,
    (account_id, call_id): (AccountId, CallId),
) -> Result<bool, store::Error> {
    // Holds the call, so that what is told comes after its end.
    let Some(call) = store::calls::lock(&mut *conn, account_id, call_id).await? else {
        return Ok(false);
    };
    let now = store::now(&mut *conn).await?;
    let beside = store::calls::beside(&mut *conn, account_id, call_id).await?;
    let happening = Happening {
        call: &call,
        beside: &beside,
        event: EventType::TerminationFailed,
        at: now,
    };
    Ok(emit::emit(conn, &[happening]).await?.deliveries > 0)
}

/// Gives up what nobody asks for any more. Answers how many parts.
pub async fn give_up_forsaken(tools: &Tools) -> Result<usize, store::Error> {
    let forsaken = store::terminations::forsaken(&tools.db, FORSAKEN_MAX);
    let forsaken = store::ask(forsaken).await?;
    let mut given_up = 0;
    for of in forsaken {
        given_up += usize::from(store::within(Box::pin(give_up(tools, of))).await?);
    }
    Ok(given_up)
}

async fn give_up(
    tools: &Tools,
    of: (AccountId, CallId, TerminationPart),
) -> Result<bool, store::Error> {
    let (account_id, call_id, part) = of;
    let mut tx = tools.db.begin().await?;
    // The call first, as everybody does who writes both.
    store::calls::lock(&mut tx, account_id, call_id).await?;
    if !store::terminations::give_up(&mut tx, of, FORSAKEN).await? {
        return Ok(false);
    }
    let woken = tell(&mut tx, (account_id, call_id)).await?;
    tx.commit().await?;
    tracing::error!(call.id = %call_id, part = ?part, "a call's ending was given up");
    tools.metrics.termination_failed(part.as_str());
    if woken {
        tools.wake.wake();
    }
    Ok(true)
}
