//! Which connection has a number: it hangs up the number's calls, and places calls from it.

use sqlx::PgConnection;

use super::{ConnectError, Means, Vendor};
use crate::{
    domain::{
        connection::NUMBERS_MAX,
        id::{AccountId, ConnectionId},
        party::E164,
    },
    store::{self, numbers},
};

/// Routes a number to a connection of the account, instead of any other.
pub async fn route(
    means: Means<'_>,
    (account_id, connection_id): (AccountId, ConnectionId),
    number: &E164,
) -> Result<(), ConnectError> {
    store::within(async {
        let mut tx = means.db.begin().await?;
        store::accounts::lock(&mut tx, account_id).await?;
        let found = store::connections::find(&mut *tx, account_id, connection_id).await?;
        let vendor = found.and_then(|found| Vendor::named(found.provider()));
        if !vendor.ok_or(ConnectError::NotFound)?.has_numbers() {
            return Err(ConnectError::HasNoNumbers);
        }
        if !numbers::route(&mut tx, account_id, connection_id, number).await? {
            return Err(ConnectError::TooManyNumbers);
        }
        tx.commit().await?;
        tracing::info!(account.id = %account_id, connection.id = %connection_id, "a number was routed");
        Ok(())
    })
    .await
}

/// Takes a number from whatever connection it is routed to. False: it was routed to none.
pub async fn unroute(
    means: Means<'_>,
    account_id: AccountId,
    number: &E164,
) -> Result<bool, store::Error> {
    store::within(async {
        let mut conn = means.db.acquire().await?;
        let taken = numbers::unroute(&mut conn, account_id, number).await?;
        if taken {
            tracing::info!(account.id = %account_id, "a number is not routed any more");
        }
        Ok(taken)
    })
    .await
}

/// Routes exactly these numbers to a connection; the caller holds the account's lock.
pub(super) async fn replace(
    conn: &mut PgConnection,
    account_id: AccountId,
    connection_id: ConnectionId,
    numbers: &[E164],
) -> Result<(), ConnectError> {
    let fits = i64::try_from(numbers.len()).is_ok_and(|count| count <= NUMBERS_MAX);
    if !fits {
        return Err(ConnectError::TooManyNumbers);
    }
    Ok(numbers::route_all(conn, account_id, connection_id, numbers).await?)
}
