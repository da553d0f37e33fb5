//! What owners do with endpoints and deliveries: add, enable, remove, resend. The API and the command line share these.

use secrecy::SecretString;
use sqlx::PgPool;

use super::{
    emit,
    signature::{Secret, seal_context},
};
use crate::{
    domain::{
        delivery::DeliveryState,
        endpoint::{ENDPOINTS_MAX, Endpoint, EndpointState, Subscription},
        id::{AccountId, DeliveryId, EndpointId},
    },
    egress::{Egress, address::Refusal},
    queue,
    seal::{OpenError, SealingKey},
    store::{
        self,
        deliveries::{self, Locked},
        endpoints::{self, Inserted, NewEndpoint},
        within,
    },
};

/// An endpoint that somebody wants.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Whose it is to be.
    pub account_id: AccountId,
    /// Its id; if there is an endpoint by it, that one is meant.
    pub endpoint_id: EndpointId,
    /// Where events are to be posted.
    pub url: &'a str,
    /// What it is to be told.
    pub subscription: &'a Subscription,
}

/// An endpoint that was added.
#[derive(Debug)]
pub struct Added {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Its signing secret, which is not shown again.
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
    /// There is no such delivery.
    NotFound,
}

/// Adds an endpoint with a new secret. One that was added by the same id before is answered as it is, with its secret.
pub async fn add(
    db: &PgPool,
    egress: &Egress,
    sealing_key: &SealingKey,
    wanted: Wanted<'_>,
) -> Result<Added, AddError> {
    let Wanted {
        account_id,
        endpoint_id,
        url,
        subscription,
    } = wanted;
    let url = egress.vet(url).await.map_err(AddError::Url)?;
    let secret = Secret::generate();
    let context = seal_context(account_id, endpoint_id);
    let sealed_secret = sealing_key.seal(&context, secret.as_bytes());
    let new = NewEndpoint {
        account_id,
        endpoint_id,
        url: url.as_str(),
        subscription,
        sealed_secret: &sealed_secret,
    };
    let inserted = within::<_, store::Error>(async {
        let mut tx = db.begin().await?;
        let inserted = endpoints::insert(&mut tx, &new).await?;
        tx.commit().await?;
        Ok(inserted)
    });
    match inserted.await? {
        Inserted::New(endpoint) => Ok(Added {
            endpoint,
            secret: secret.to_text(),
        }),
        Inserted::AlreadyThere(endpoint, sealed_secret) => Ok(Added {
            endpoint,
            secret: Secret::from_bytes(sealing_key.open(&context, &sealed_secret)?).to_text(),
        }),
        Inserted::TooMany => Err(AddError::TooMany),
    }
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
            deliveries::discard_unfinished(&mut tx, account_id, endpoint_id).await?;
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
        let Some(Locked {
            thread,
            state,
            job_id,
        }) = deliveries::lock(&mut tx, account_id, delivery_id).await?
        else {
            return Ok(Resent::NotFound);
        };
        let unfinished = match job_id {
            // A job that was given up (the worker died of it, each time) will not bring it to an end.
            Some(job_id) => queue::store::is_live(&mut *tx, job_id).await?,
            None => state == DeliveryState::Waiting,
        };
        if unfinished {
            return Ok(Resent::Unfinished);
        }
        let endpoint = endpoints::find(&mut *tx, account_id, thread.endpoint_id).await?;
        if endpoint.is_none_or(|endpoint| endpoint.state == EndpointState::Disabled) {
            return Ok(Resent::NoEndpoint);
        }
        let job = emit::job(thread, delivery_id);
        deliveries::start(&mut tx, account_id, &[(delivery_id, job.job_id())]).await?;
        queue::store::enqueue(&mut tx, &[job]).await?;
        tx.commit().await?;
        Ok(Resent::Started)
    })
    .await
}
