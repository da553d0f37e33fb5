//! The parts of a call's ending: its leg at the provider, and its room. Each begins with a row of its own and with the one job that
//! asks, in the transaction that closes the record.

use sqlx::PgConnection;

use super::Asking;
use crate::{
    domain::{
        call::Call,
        id::ConnectionId,
        party::{E164, PartyNumber},
        termination::{TerminationPart, TerminationState},
    },
    jobs::{DeleteRoom, HangUp},
    queue::{self, Claim, Lane, NewJob},
    store::{self, terminations::NewTermination},
};

/// Begins the provider's part. Without a connection there is nobody to ask, and the record says so.
pub(super) async fn ask_provider(
    conn: &mut PgConnection,
    call: &Call,
    asking: Asking,
) -> Result<Option<Claim>, store::Error> {
    let connection_id = connection_of(conn, call).await?;
    let connection_id = connection_id.ok_or("no connection has one of the call's numbers");
    let part = TerminationPart::Provider;
    begin(conn, call, (part, connection_id), hang_up(call), asking).await
}

/// Begins the room's part.
pub(super) async fn ask_room(
    conn: &mut PgConnection,
    call: &Call,
    asking: Asking,
) -> Result<Option<Claim>, store::Error> {
    let connection_id = call.room.as_ref().map(|room| room.connection_id);
    let connection_id = connection_id.ok_or("the call has no room");
    let job = DeleteRoom {
        account_id: call.account_id,
        call_id: call.call_id,
    };
    let job = NewJob::new(call.account_id, &job);
    let part = TerminationPart::Room;
    begin(conn, call, (part, connection_id), job, asking).await
}

/// Hangs up a call that has ended here and turns out to be live at the provider; a worker does it. Nothing, if one is at it.
pub(in crate::calls) async fn hang_up_late(
    conn: &mut PgConnection,
    call: &Call,
) -> Result<(), store::Error> {
    let Some(connection_id) = call.connection_id else {
        return Ok(());
    };
    let part = TerminationPart::Provider;
    let asking = Asking::InBackground;
    begin(conn, call, (part, Ok(connection_id)), hang_up(call), asking).await?;
    Ok(())
}

fn hang_up(call: &Call) -> NewJob {
    let job = HangUp {
        account_id: call.account_id,
        call_id: call.call_id,
    };
    NewJob::new(call.account_id, &job)
}

/// Begins a part with whom to ask, or why there is nobody.
async fn begin(
    conn: &mut PgConnection,
    call: &Call,
    (part, whom): (TerminationPart, Result<ConnectionId, &'static str>),
    job: NewJob,
    asking: Asking,
) -> Result<Option<Claim>, store::Error> {
    let state = match whom {
        Ok(_) => TerminationState::Pending,
        Err(_) => TerminationState::Skipped,
    };
    let new = NewTermination {
        part,
        state,
        connection_id: whom.ok(),
        job_id: whom.is_ok().then(|| job.job_id()),
        detail: whom.err(),
    };
    let begun = store::terminations::begin(&mut *conn, call.account_id, call.call_id, &new).await?;
    let Ok(connection_id) = whom else {
        return Ok(None);
    };
    if !begun {
        return Ok(None);
    }
    let job = job.in_lane(Lane(connection_id.uuid()));
    match asking {
        Asking::AtOnce => Ok(Some(queue::store::enqueue_claimed(conn, &job).await?)),
        Asking::InBackground => {
            queue::store::enqueue(conn, &[job]).await?;
            Ok(None)
        }
    }
}

/// The connection that reported the call, else that of whichever of its numbers is the account's.
pub(in crate::calls) async fn connection_of(
    conn: &mut PgConnection,
    call: &Call,
) -> Result<Option<ConnectionId>, store::Error> {
    if call.connection_id.is_some() {
        return Ok(call.connection_id);
    }
    let parties = [&call.life.from, &call.life.to];
    let numbers: Vec<&E164> = parties
        .into_iter()
        .filter_map(|party| party.as_ref().and_then(PartyNumber::e164))
        .collect();
    Ok(store::connections::for_numbers(conn, call.account_id, &numbers).await?)
}
