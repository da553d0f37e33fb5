//! Says which media room goes with a call, so that ending the call deletes it; [`hear()`] takes what its server tells.

use sqlx::{PgConnection, PgPool};

use crate::{
    domain::{
        call::Room,
        id::{AccountId, CallId, ConnectionId},
    },
    rooms::Rooms,
    store,
};

mod hear;

pub use hear::hear;

/// What naming a call's room came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attached {
    /// It is the call's room.
    Attached,
    /// There is no such call in the account.
    NoCall,
    /// The call is over: nobody would delete the room.
    CallEnded,
    /// There is no such connection in the account, or it is not one to a room server.
    NotARoomServer,
}

/// Makes a room the call's, instead of any other. Naming the same room again changes nothing.
pub async fn attach(
    db: &PgPool,
    servers: Rooms,
    (account_id, call_id): (AccountId, CallId),
    room: Room,
) -> Result<Attached, store::Error> {
    store::within(async {
        let mut tx = db.begin().await?;
        if !is_room_server(servers, &mut tx, account_id, room.connection_id).await? {
            return Ok(Attached::NotARoomServer);
        }
        let Some(mut call) = store::calls::lock(&mut tx, account_id, call_id).await? else {
            return Ok(Attached::NoCall);
        };
        if call.life.end.is_some() {
            return Ok(Attached::CallEnded);
        }
        if call.room.as_ref() != Some(&room) {
            call.room = Some(room);
            store::calls::save(&mut tx, &call).await?;
            tx.commit().await?;
        }
        Ok(Attached::Attached)
    })
    .await
}

async fn is_room_server(
    servers: Rooms,
    conn: &mut PgConnection,
    account_id: AccountId,
    connection_id: ConnectionId,
) -> sqlx::Result<bool> {
    let connection = store::connections::find(conn, account_id, connection_id).await?;
    Ok(connection.is_some_and(|connection| servers.named(connection.provider()).is_some()))
}
