//! What owners do with endpoints and deliveries: add, enable, remove, resend. The API and the command line share these.

use secrecy::SecretString;
use sqlx::PgPool;

use super::{
    keys::{self, present_secret},
    settings::{self, Settings},
};
use crate::{
    domain::{
        delivery::DeliveryState,
        endpoint::{
            ENDPOINTS_MAX, Endpoint, EndpointState, Scheme,
            headers::{HeadersFault, OwnHeaders},
        },
        id::{AccountId, DeliveryId, EndpointId},
    },
    egress::{Egress, address::Refusal},
    seal::{OpenError, SealingKey},
    store::{
        self, deliveries, delivery_queue, endpoint_keys,
        endpoints::{self, Inserted},
        lanes, within,
    },
};

/// An endpoint that somebody wants to add.
#[derive(Debug)]
pub struct Wanted {
    /// In which account.
    pub account_id: AccountId,
    /// Its id; if there is an endpoint by it, that one is meant.
    pub endpoint_id: EndpointId,
    /// What is set of it.
    pub settings: Settings,
}

/// An endpoint that was added.
#[derive(Debug)]
pub struct Added {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Its `v1` secret, which is not shown again.
    pub secret: SecretString,
}

/// Why an endpoint was not added.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// We do not go to that URL.
    #[error(transparent)]
    Url(Refusal),
    /// The account has as many as it may have.
    #[error("an account may have at most {ENDPOINTS_MAX} endpoints")]
    TooMany,
    /// Its own headers cannot be.
    #[error(transparent)]
    Headers(#[from] HeadersFault),
    /// It was added before, and its secret cannot be opened any more.
    #[error("the endpoint's secret cannot be opened")]
    Secret(#[from] OpenError),
    /// The database did not take it.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What came of asking for a resend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resent {
    /// It is on its way again, at the beginning of a new schedule.
    Started,
    /// It has not come to an end: it is on its way already, or waits.
    Unfinished,
    /// Its endpoint is disabled or deleted.
    NoEndpoint,
    /// What is sent is not kept any more.
    NoBody,
    /// There is no such delivery.
    NotFound,
}

/// Adds an endpoint with a new secret. One that was added by the same id before, and a subscription of the platform that is there, is
/// answered as it is, with its secret.
pub async fn add(
    db: &PgPool,
    egress: &Egress,
    sealing_key: &SealingKey,
    wanted: Wanted,
) -> Result<Added, AddError> {
    let Wanted {
        account_id,
        endpoint_id,
        settings,
    } = wanted;
    let url = egress.vet(&settings.url).await.map_err(AddError::Url)?;
    let of = (account_id, endpoint_id);
    let mut own = OwnHeaders::default();
    own.change(settings.headers)?;
    let own = settings::sealed(sealing_key, of, &own);
    let new = endpoints::Settings {
        url: url.as_str(),
        subscription: &settings.subscription,
        signatures: &settings.signatures,
        header_names: &own.names,
        authorization_type: own.authorization_type,
        sealed_headers: own.bytes.as_deref(),
        max_per_second: settings.max_per_second,
        max_concurrency: settings.max_concurrency,
    };
    // Both, so that how it is signed can be changed without showing a secret again.
    let made = [Scheme::V1, Scheme::V1a].map(|scheme| keys::fresh(sealing_key, of, scheme));
    let added = within::<_, store::Error>(async {
        let mut tx = db.begin().await?;
        let endpoint_id = match endpoints::insert(&mut tx, of, (settings.kind, &new)).await? {
            Inserted::New => {
                for (key, _) in &made {
                    endpoint_keys::add(&mut tx, of, key, 0).await?;
                }
                endpoint_id
            }
            Inserted::AlreadyThere(endpoint_id) => endpoint_id,
            Inserted::TooMany => return Ok(None),
        };
        let endpoint = endpoints::find(&mut *tx, account_id, endpoint_id).await?;
        let kept = endpoint_keys::list(&mut *tx, account_id, endpoint_id).await?;
        tx.commit().await?;
        Ok(endpoint.map(|endpoint| (endpoint, kept)))
    });
    let Some((endpoint, kept)) = added.await? else {
        return Err(AddError::TooMany);
    };
    let secret = present_secret(sealing_key, (account_id, endpoint.endpoint_id), &kept)?;
    Ok(Added { endpoint, secret })
}

/// Deletes an endpoint and discards what is on its way to it. False: there is none.
pub async fn remove(
    db: &PgPool,
    account_id: AccountId,
    endpoint_id: EndpointId,
) -> Result<bool, store::Error> {
    within(async {
        let mut tx = db.begin().await?;
        let deleted = endpoints::delete(&mut tx, account_id, endpoint_id).await?;
        if deleted {
            lanes::remove(&mut *tx, account_id, endpoint_id).await?;
            delivery_queue::end_all(&mut tx, account_id, endpoint_id, DeliveryState::Discarded)
                .await?;
        }
        tx.commit().await?;
        Ok(deleted)
    })
    .await
}

/// Sends a delivery that has come to an end once more, with a new schedule. The caller wakes the workers if it started.
pub async fn resend(
    db: &PgPool,
    account_id: AccountId,
    delivery_id: DeliveryId,
) -> Result<Resent, store::Error> {
    within(async {
        let mut tx = db.begin().await?;
        let over = deliveries::lock_over(&mut tx, account_id, delivery_id).await?;
        let Some(endpoint_id) = over else {
            let there = deliveries::find(&mut *tx, account_id, delivery_id).await?;
            return Ok(there.map_or(Resent::NotFound, |_on_its_way| Resent::Unfinished));
        };
        let endpoint = endpoints::find(&mut *tx, account_id, endpoint_id).await?;
        if endpoint.is_none_or(|endpoint| endpoint.state == EndpointState::Disabled) {
            return Ok(Resent::NoEndpoint);
        }
        if delivery_queue::start_again(&mut tx, account_id, &[delivery_id]).await? == 0 {
            return Ok(Resent::NoBody);
        }
        tx.commit().await?;
        Ok(Resent::Started)
    })
    .await
}
