//! The provider's own id of a call that was placed here becomes the call's, by whichever way it is learned first.

use sqlx::{PgConnection, PgPool};

use crate::{
    calls::end,
    domain::{
        call::Call,
        id::{AccountId, CallId, ConnectionId},
        placement::PlacementState,
        report::ProviderCallId,
    },
    queue::runner::Wake,
    store::{
        self,
        calls::names::{self, CallName},
    },
};

/// Takes the provider's id from an event that names our call. An id that comes by another connection than the call was
/// placed by, or for a call that was not placed here or has its id, says nothing.
pub async fn bind(
    db: &PgPool,
    wake: &Wake,
    (account_id, call_id): (AccountId, CallId),
    connection_id: ConnectionId,
    name: &ProviderCallId,
) -> Result<(), store::Error> {
    store::within(async {
        let is_open = |call: &Call| {
            call.connection_id == Some(connection_id)
                && matches!(
                    call.campaign.placement,
                    Some(PlacementState::Asking | PlacementState::Failed)
                )
        };
        // Most events find the id known: they need no lock.
        let known = store::calls::find(db, account_id, call_id).await?;
        if !known.as_ref().is_some_and(is_open) {
            return Ok(());
        }
        let mut tx = db.begin().await?;
        let call = store::calls::lock(&mut tx, account_id, call_id).await?;
        let Some(mut call) = call.filter(is_open) else {
            return Ok(());
        };
        let woken = placed(&mut tx, &mut call, name).await?;
        tx.commit().await?;
        if woken {
            wake.wake();
        }
        Ok(())
    })
    .await
}

/// Writes down that the provider has the call, under this id. A call that was given up and is there all the same is hung up:
/// its record has ended, so nobody else would. Answers whether a job was enqueued.
pub(super) async fn placed(
    conn: &mut PgConnection,
    call: &mut Call,
    name: &ProviderCallId,
) -> Result<bool, store::Error> {
    let given_up = call.campaign.placement == Some(PlacementState::Failed);
    let named = CallName::telephony(call.account_id, name.as_str());
    let claims = [(named.clone(), call.call_id)];
    if names::claim(conn, &claims).await?.is_empty() {
        let (_, owners) = names::resolve_now(&mut *conn, std::slice::from_ref(&named)).await?;
        if owners.get(&named) != Some(&call.call_id) {
            tracing::warn!(call.id = %call.call_id, "the provider's id of a placed call is another call's");
        }
    }
    call.provider_call_id = name.clone();
    call.campaign.placement = Some(PlacementState::Placed);
    store::calls::save(conn, call).await?;
    if !given_up {
        return Ok(false);
    }
    tracing::warn!(call.id = %call.call_id, "a call that was given up is at the provider: hanging up");
    end::hang_up_late(conn, call).await?;
    Ok(true)
}
