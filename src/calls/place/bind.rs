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
    providers::InboundReport,
    queue::runner::Wake,
    store::{
        self,
        calls::names::{self, CallName},
    },
};

/// Takes the provider's id from an event that names our call. An id that comes by another connection than the call was
/// placed by, or for a call that was not placed here or has its id, says nothing.
///
/// A call that goes by the id of the request that placed it, as Plivo's do until they are dialled, learns its own by the first
/// event that has both.
pub async fn bind(
    db: &PgPool,
    wake: &Wake,
    (account_id, call_id): (AccountId, CallId),
    connection_id: ConnectionId,
    told: &InboundReport,
) -> Result<(), store::Error> {
    let name = &told.call;
    store::within(async {
        let is_open = |call: &Call| {
            let open = match call.campaign.placement {
                Some(PlacementState::Asking | PlacementState::Failed) => true,
                Some(PlacementState::Placed) => {
                    let requested_as = told.leg.conversation.as_ref();
                    requested_as == Some(&call.provider_call_id) && call.provider_call_id != *name
                }
                None => false,
            };
            open && call.connection_id == Some(connection_id)
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

/// Writes down that the provider has the call, under this id. A call whose record has ended meanwhile, because it was given up or
/// somebody ended it, also by the id of its request, which the provider may not have known any more, is hung up unless that is under
/// way. Answers whether a job was enqueued.
pub(super) async fn placed(
    conn: &mut PgConnection,
    call: &mut Call,
    name: &ProviderCallId,
) -> Result<bool, store::Error> {
    let over = call.life.end.is_some();
    let named = CallName::telephony(call.account_id, name.as_str());
    let claims = [(named.clone(), call.call_id)];
    if names::claim(conn, &claims).await?.calls.is_empty() {
        let (_, owners) = names::resolve_now(&mut *conn, std::slice::from_ref(&named)).await?;
        if owners.get(&named) != Some(&call.call_id) {
            tracing::warn!(call.id = %call.call_id, "the provider's id of a placed call is another call's");
        }
    }
    call.provider_call_id = name.clone();
    call.campaign.placement = Some(PlacementState::Placed);
    store::calls::save(conn, call).await?;
    if !over {
        return Ok(false);
    }
    tracing::warn!(call.id = %call.call_id, "a call whose record has ended is at the provider: hanging up");
    end::hang_up_late(conn, call).await?;
    Ok(true)
}
