//! An endpoint's keys: made, rotated, opened. `v1` and `v1a` are there from the beginning; which of them sign is the endpoint's.

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::PgPool;

use super::{
    explain::KnownKey,
    signature::{SigningKey, seal_context},
};
use crate::{
    domain::{
        endpoint::{SIGNING_KEYS_MAX, Scheme},
        id::{AccountId, EndpointId, EndpointKeyId},
    },
    seal::{OpenError, SealingKey},
    store::{
        self,
        endpoint_keys::{self, Key, NewKey},
        endpoints, within,
    },
};

/// A new key, sealed and open.
pub(super) fn fresh(
    sealing_key: &SealingKey,
    (account_id, endpoint_id): (AccountId, EndpointId),
    scheme: Scheme,
) -> (NewKey, SigningKey) {
    let key = SigningKey::generate(scheme);
    let context = seal_context(account_id, endpoint_id);
    let new = NewKey {
        key_id: EndpointKeyId::generate(),
        scheme,
        sealed: sealing_key.seal(&context, key.as_bytes()),
        public: (scheme == Scheme::V1a).then(|| key.verifying().expose_secret().to_owned()),
    };
    (new, key)
}

/// The secret that receivers verify `v1` with.
pub(super) fn present_secret(
    sealing_key: &SealingKey,
    of: (AccountId, EndpointId),
    keys: &[Key],
) -> Result<SecretString, OpenError> {
    let present = keys
        .iter()
        .find(|key| key.scheme == Scheme::V1 && key.expires_at.is_none());
    let key = present.ok_or(OpenError::Altered)?;
    Ok(open(sealing_key, of, key)?.verifying())
}

fn open(
    sealing_key: &SealingKey,
    (account_id, endpoint_id): (AccountId, EndpointId),
    key: &Key,
) -> Result<SigningKey, OpenError> {
    let bytes = sealing_key.open(&seal_context(account_id, endpoint_id), &key.sealed)?;
    SigningKey::from_bytes(key.scheme, bytes).map_err(|_rejected| OpenError::Altered)
}

/// A key that was made, and what receivers verify with: a secret is shown this once.
#[derive(Debug)]
pub struct Rotated {
    /// The endpoint's keys of this scheme, the new one first.
    pub keys: Vec<Key>,
    /// What receivers verify with.
    pub verifying: SecretString,
}

/// A key that somebody wants.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Its id; if there is a key by it, that one is meant.
    pub key_id: EndpointKeyId,
    /// How it signs.
    pub scheme: Scheme,
    /// How long the one before it signs beside it, in seconds. 0: none signs that was made before.
    pub overlap_s: i32,
}

/// Makes the endpoint a new key; the one before it signs beside it for a while. `None`: there is no such endpoint.
pub async fn rotate(
    db: &PgPool,
    sealing_key: &SealingKey,
    of: (AccountId, EndpointId),
    wanted: Wanted,
) -> Result<Option<Rotated>, RotateError> {
    let (mut new, _) = fresh(sealing_key, of, wanted.scheme);
    new.key_id = wanted.key_id;
    let kept = within::<_, RotateError>(async {
        let mut tx = db.begin().await?;
        if !endpoints::lock(&mut tx, of.0, of.1).await? {
            return Ok(None);
        }
        let there = endpoint_keys::list(&mut *tx, of.0, of.1).await?;
        if there.iter().all(|key| key.key_id != wanted.key_id) {
            let signing = endpoint_keys::signing(&mut *tx, of, wanted.scheme).await?;
            if wanted.overlap_s > 0 && signing >= SIGNING_KEYS_MAX {
                return Err(RotateError::TooMany);
            }
            endpoint_keys::add(&mut tx, of, &new, wanted.overlap_s).await?;
        }
        let kept = endpoint_keys::list(&mut *tx, of.0, of.1).await?;
        tx.commit().await?;
        Ok(Some(kept))
    });
    let Some(mut keys) = kept.await? else {
        return Ok(None);
    };
    keys.retain(|key| key.scheme == wanted.scheme);
    keys.sort_by_key(|key| key.key_id != wanted.key_id);
    let own = keys.first().ok_or(OpenError::Altered)?;
    let verifying = open(sealing_key, of, own)?.verifying();
    Ok(Some(Rotated { keys, verifying }))
}

/// Why a key was not made.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// It was made before, and cannot be opened any more.
    #[error("the endpoint's key cannot be opened")]
    Secret(#[from] OpenError),
    /// As many sign as may.
    #[error("{SIGNING_KEYS_MAX} keys of this scheme sign already")]
    TooMany,
    /// The database did not take it.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<sqlx::Error> for RotateError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// The endpoint's keys, open, also those that are over; what does not open is left out.
pub async fn known(
    db: &PgPool,
    sealing_key: &SealingKey,
    of: (AccountId, EndpointId),
) -> Result<Vec<KnownKey>, store::Error> {
    let kept = store::ask(endpoint_keys::list(db, of.0, of.1)).await?;
    let known = kept.iter().filter_map(|kept| {
        let key = open(sealing_key, of, kept).ok()?;
        Some(KnownKey {
            key,
            expires_at: kept.expires_at,
        })
    });
    Ok(known.collect())
}
