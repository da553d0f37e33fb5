//! What is set of an endpoint: its URL, what it is told, how it is signed, its own headers, its bounds; and whether it is told anything.

use sqlx::PgPool;
use url::Url;

use super::signature::headers_context;
use crate::{
    domain::{
        delivery::DeliveryState,
        endpoint::{
            DisabledReason, Endpoint, EndpointKind, Scheme,
            headers::{Authorization, HeadersChange, HeadersFault, OwnHeaders},
            subscription::Subscription,
        },
        id::{AccountId, EndpointId},
        voice_call::update::Edit,
    },
    egress::{Egress, address::Refusal},
    seal::{OpenError, SealingKey},
    store::{self, delivery_queue, endpoints, lanes, within},
};

/// What is set of a new endpoint.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where events are posted.
    pub url: String,
    /// How it came to be.
    pub kind: EndpointKind,
    /// What it is told.
    pub subscription: Subscription,
    /// How its webhooks are signed.
    pub signatures: Vec<Scheme>,
    /// The headers of its own and its credential.
    pub headers: HeadersChange,
    /// How many requests it takes in a second, at most.
    pub max_per_second: Option<i32>,
    /// How many requests it takes at once, at most.
    pub max_concurrency: Option<i32>,
}

impl Settings {
    /// An endpoint at this URL, everything else as it is unless somebody says otherwise.
    pub fn to(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            kind: EndpointKind::Standard,
            subscription: Subscription::default(),
            signatures: vec![Scheme::V1],
            headers: HeadersChange::default(),
            max_per_second: None,
            max_concurrency: None,
        }
    }
}

/// What is to be changed of an endpoint. What is not said stays.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Where events are posted.
    pub url: Option<String>,
    /// What it is told.
    pub subscription: Option<Subscription>,
    /// How its webhooks are signed.
    pub signatures: Option<Vec<Scheme>>,
    /// The headers of its own and its credential.
    pub headers: HeadersChange,
    /// How many requests it takes in a second, at most.
    pub max_per_second: Edit<i32>,
    /// How many requests it takes at once, at most.
    pub max_concurrency: Edit<i32>,
}

/// Why an endpoint was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// We do not go to its URL.
    #[error("{0}")]
    Url(#[source] Refusal),
    /// The URL leads to another server, and these would go there without having been given for it.
    #[error("it leads to another server: give {} again, or null", .0.join(", "))]
    Elsewhere(Vec<String>),
    /// Its own headers cannot be.
    #[error(transparent)]
    Headers(#[from] HeadersFault),
    /// Its own headers cannot be opened any more.
    #[error("the endpoint's headers cannot be opened")]
    Secret(#[from] OpenError),
    /// The database did not take it.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<sqlx::Error> for ChangeError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// What changing an endpoint needs.
#[derive(Debug, Clone, Copy)]
pub struct Means<'a> {
    /// The database.
    pub db: &'a PgPool,
    /// Vets URLs.
    pub egress: &'a Egress,
    /// Seals and opens.
    pub sealing_key: &'a SealingKey,
}

/// The headers of an endpoint's own as they are kept.
pub(super) struct Sealed {
    pub(super) names: Vec<String>,
    pub(super) authorization_type: Option<&'static str>,
    pub(super) bytes: Option<Vec<u8>>,
}

/// Seals the headers of an endpoint's own.
pub(super) fn sealed(
    sealing_key: &SealingKey,
    (account_id, endpoint_id): (AccountId, EndpointId),
    own: &OwnHeaders,
) -> Sealed {
    let context = headers_context(account_id, endpoint_id);
    let bytes = own.to_bytes();
    Sealed {
        names: own.names(),
        authorization_type: own.authorization().map(Authorization::kind),
        bytes: bytes.map(|bytes| sealing_key.seal(&context, &bytes)),
    }
}

/// Changes an endpoint. False: there is none.
pub async fn change(
    with: Means<'_>,
    (account_id, endpoint_id): (AccountId, EndpointId),
    change: Change,
) -> Result<bool, ChangeError> {
    let url = match &change.url {
        Some(url) => Some(with.egress.vet(url).await.map_err(ChangeError::Url)?),
        None => None,
    };
    within::<_, ChangeError>(async {
        let mut tx = with.db.begin().await?;
        if !endpoints::lock(&mut tx, account_id, endpoint_id).await? {
            return Ok(false);
        }
        let Some(there) = endpoints::find(&mut *tx, account_id, endpoint_id).await? else {
            return Ok(false);
        };
        let kept = endpoints::sealed_headers(&mut *tx, account_id, endpoint_id).await?;
        let (mut own, kept) = (OwnHeaders::default(), kept.as_deref());
        let moved = url.as_ref().is_some_and(|url| leads_elsewhere(&there, url));
        let rewritten = moved || change.headers != HeadersChange::default();
        let replaced = change.headers.clear && change.headers.authorization != Edit::Keep;
        // What is not looked at need not open, nor what is replaced as a whole.
        if rewritten && !replaced {
            own = open(with.sealing_key, (account_id, endpoint_id), kept)?;
        }
        let left = own.change(change.headers.clone())?;
        if moved && !left.is_empty() {
            return Err(ChangeError::Elsewhere(left));
        }
        let new = rewritten.then(|| sealed(with.sealing_key, (account_id, endpoint_id), &own));
        let written = written(&there, &change, url.as_ref(), (new.as_ref(), kept));
        endpoints::set(&mut tx, (account_id, endpoint_id), &written).await?;
        tx.commit().await?;
        Ok(true)
    })
    .await
}

/// The endpoint as it is to be; its headers are the new ones, or those that were kept.
fn written<'a>(
    there: &'a Endpoint,
    change: &'a Change,
    url: Option<&'a Url>,
    (new, kept): (Option<&'a Sealed>, Option<&'a [u8]>),
) -> endpoints::Settings<'a> {
    let edited = |edit: &Edit<i32>, was: Option<i32>| match edit {
        Edit::Keep => was,
        Edit::Clear => None,
        Edit::Set(to) => Some(*to),
    };
    let mut written = endpoints::Settings {
        url: url.map_or(there.url.as_str(), Url::as_str),
        subscription: change.subscription.as_ref().unwrap_or(&there.subscription),
        signatures: change.signatures.as_ref().unwrap_or(&there.signatures),
        header_names: &there.header_names,
        authorization_type: there.authorization_type.as_deref(),
        sealed_headers: kept,
        max_per_second: edited(&change.max_per_second, there.max_per_second),
        max_concurrency: edited(&change.max_concurrency, there.max_concurrency),
    };
    if let Some(new) = new {
        written.header_names = &new.names;
        written.authorization_type = new.authorization_type;
        written.sealed_headers = new.bytes.as_deref();
    }
    written
}

/// Whether it is another server than the one that has been given the endpoint's headers.
fn leads_elsewhere(there: &Endpoint, url: &Url) -> bool {
    Url::parse(&there.url).map_or(true, |was| was.origin() != url.origin())
}

fn open(
    sealing_key: &SealingKey,
    (account_id, endpoint_id): (AccountId, EndpointId),
    sealed: Option<&[u8]>,
) -> Result<OwnHeaders, OpenError> {
    let Some(sealed) = sealed else {
        return Ok(OwnHeaders::default());
    };
    let bytes = sealing_key.open(&headers_context(account_id, endpoint_id), sealed)?;
    OwnHeaders::from_bytes(&bytes).ok_or(OpenError::Altered)
}

/// Disables an endpoint and discards what is on its way to it. False: there is none.
pub async fn disable(
    db: &PgPool,
    account_id: AccountId,
    endpoint_id: EndpointId,
) -> Result<bool, store::Error> {
    within(async {
        let mut tx = db.begin().await?;
        if !endpoints::lock(&mut tx, account_id, endpoint_id).await? {
            return Ok(false);
        }
        let reason = DisabledReason::Manual;
        if endpoints::disable(&mut tx, account_id, endpoint_id, reason).await? {
            let state = DeliveryState::Discarded;
            delivery_queue::end_all(&mut tx, account_id, endpoint_id, state).await?;
        }
        tx.commit().await?;
        Ok(true)
    })
    .await
}

/// Enables an endpoint again: it is told what happens from now on, and its failures are forgotten. False: there is none.
pub async fn enable(
    db: &PgPool,
    account_id: AccountId,
    endpoint_id: EndpointId,
) -> Result<bool, store::Error> {
    within(async {
        let mut tx = db.begin().await?;
        let there = endpoints::lock(&mut tx, account_id, endpoint_id).await?;
        endpoints::enable(&mut tx, account_id, endpoint_id).await?;
        lanes::forget(&mut *tx, account_id, endpoint_id).await?;
        tx.commit().await?;
        Ok(there)
    })
    .await
}
