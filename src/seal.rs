//! Sealed secrets: provider credentials and signing secrets at rest, under keys that are not in the database.
//!
//! AES-256-GCM-SIV, which forgives a repeated nonce, under a random nonce each time. The *context* (table, column and
//! ids of the row) is authenticated with the secret, so that a sealed secret that was moved to another row does not open
//! there. The first bytes say which format and which key it is:
//!
//! ```text
//! 1 byte: format, 1 | 4 bytes: key id | 12 bytes: nonce | sealed secret | 16 bytes: tag
//! ```
//!
//! To rotate, put a new key in front of the old: the first seals, all open.

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    digest, hmac, rand,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use secrecy::{ExposeSecret as _, SecretString};

/// The format that is written.
const FORMAT: u8 = 1;
const KEY_BYTES: usize = 32;
const KEY_ID_BYTES: usize = 4;

type KeyId = [u8; KEY_ID_BYTES];

/// Seals with one key, opens with any of several.
#[derive(Debug)]
pub struct SealingKey {
    newest: Key,
    older: Vec<Key>,
}

#[derive(Debug)]
struct Key {
    id: KeyId,
    aead: RandomizedNonceKey,
    digest: hmac::Key,
}

/// The keys cannot be read. Says which one, never what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "key {position} must be 32 random bytes in base64 or hex, such as `openssl rand -base64 32` prints"
)]
pub struct NotKeys {
    position: usize,
}

/// A sealed secret does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It was sealed with a key that is not among ours.
    #[error("sealed with a key that is not configured")]
    UnknownKey,
    /// It is not what was sealed for this place: changed, cut or moved.
    #[error("not a secret that was sealed for this place")]
    Altered,
}

impl SealingKey {
    /// Reads keys, separated by commas: the first seals, all open.
    pub fn parse(keys: &SecretString) -> Result<Self, NotKeys> {
        let mut parsed = Vec::new();
        for (before, text) in keys.expose_secret().split(',').enumerate() {
            parsed.push(Key::parse(text.trim()).ok_or(NotKeys {
                position: before + 1,
            })?);
        }
        let mut keys = parsed.into_iter();
        let newest = keys.next().ok_or(NotKeys { position: 1 })?;
        let older = keys.collect();
        Ok(Self { newest, older })
    }

    /// A new random key, as [`Self::parse`] reads it.
    pub fn generate() -> SecretString {
        let mut key = [0; KEY_BYTES];
        rand::fill(&mut key).expect("the system has randomness once it has started");
        BASE64_STANDARD.encode(key).into()
    }

    /// Seals a secret for the place that `context` names.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Vec<u8> {
        let Key { id, aead, .. } = &self.newest;
        let mut secret = plain.to_vec();
        let nonce = aead
            .seal_in_place_append_tag(Aad::from(context.as_bytes()), &mut secret)
            .expect("the system has randomness and a secret is far below 64 GiB");
        [&[FORMAT], id.as_slice(), nonce.as_ref(), &secret].concat()
    }

    /// Opens what was sealed for the same place.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (id, nonce, secret) = take_apart(sealed).ok_or(OpenError::Altered)?;
        let mut keys = std::iter::once(&self.newest).chain(&self.older);
        let Key { aead, .. } = keys.find(|key| key.id == id).ok_or(OpenError::UnknownKey)?;
        let mut secret = secret.to_vec();
        let aad = Aad::from(context.as_bytes());
        let opened = aead
            .open_in_place(Nonce::assume_unique_for_key(nonce), aad, &mut secret)
            .map_err(|_unspecified| OpenError::Altered)?;
        Ok(opened.to_vec())
    }

    /// A hash of something that is not to be kept, under the newest key: whoever has only the database cannot try out what it was.
    pub fn digest(&self, context: &str, plain: &[u8]) -> [u8; 32] {
        let mut whole = hmac::Context::with_key(&self.newest.digest);
        whole.update(context.as_bytes());
        whole.update(&[0]);
        whole.update(plain);
        let tag = whole.sign();
        tag.as_ref().try_into().expect("SHA-256 has 32 bytes")
    }

    /// Whether the key that sealed a secret is among ours. The secret's first five bytes suffice.
    pub fn knows(&self, sealed: &[u8]) -> bool {
        let Some((format, rest)) = sealed.split_first() else {
            return false;
        };
        let id = rest.first_chunk::<KEY_ID_BYTES>();
        *format == FORMAT
            && std::iter::once(&self.newest)
                .chain(&self.older)
                .any(|key| Some(&key.id) == id)
    }
}

impl Key {
    fn parse(text: &str) -> Option<Self> {
        let bytes = hex::decode(text)
            .ok()
            .or_else(|| BASE64_STANDARD.decode(text).ok())
            .filter(|bytes| bytes.len() == KEY_BYTES)?;
        let name = [b"onhook sealing key id".as_slice(), &bytes].concat();
        let digest = digest::digest(&digest::SHA256, &name);
        let name = [b"onhook digest key".as_slice(), &bytes].concat();
        let digest_key = digest::digest(&digest::SHA256, &name);
        Some(Self {
            id: *digest.as_ref().first_chunk()?,
            aead: RandomizedNonceKey::new(&AES_256_GCM_SIV, &bytes).ok()?,
            digest: hmac::Key::new(hmac::HMAC_SHA256, digest_key.as_ref()),
        })
    }
}

fn take_apart(sealed: &[u8]) -> Option<(KeyId, [u8; NONCE_LEN], &[u8])> {
    let (format, rest) = sealed.split_first()?;
    let (id, rest) = rest.split_first_chunk()?;
    let (nonce, secret) = rest.split_first_chunk()?;
    (*format == FORMAT).then_some((*id, *nonce, secret))
}

#[cfg(test)]
mod tests {
    use super::{OpenError, SealingKey};

    fn keys(count: u8) -> Vec<String> {
        (1..=count).map(|n| hex::encode([n; 32])).collect()
    }

    fn ring(keys: &[&str]) -> SealingKey {
        SealingKey::parse(&keys.join(",").into()).unwrap()
    }

    #[test]
    fn a_secret_opens_only_where_it_was_sealed_for() {
        let key = SealingKey::parse(&SealingKey::generate()).unwrap();
        let sealed = key.seal("connections/1", b"token");
        assert_eq!(key.open("connections/1", &sealed).unwrap(), b"token");
        assert_eq!(key.open("connections/2", &sealed), Err(OpenError::Altered));
        assert_ne!(sealed, key.seal("connections/1", b"token"));
    }

    #[test]
    fn a_changed_or_cut_secret_does_not_open() {
        let key = ring(&[&keys(1)[0]]);
        let sealed = key.seal("c", b"token");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            key.open("c", &changed).unwrap_err();
            key.open("c", &sealed[..at]).unwrap_err();
        }
        let longer = [sealed.as_slice(), &[0]].concat();
        assert_eq!(key.open("c", &longer), Err(OpenError::Altered));
    }

    #[test]
    fn a_new_key_in_front_opens_what_the_old_one_sealed() {
        let names = keys(2);
        let (old, both, new) = (
            ring(&[&names[0]]),
            ring(&[&names[1], &names[0]]),
            ring(&[&names[1]]),
        );
        let sealed = old.seal("c", b"token");
        assert_eq!(both.open("c", &sealed).unwrap(), b"token");
        assert_eq!(new.open("c", &sealed), Err(OpenError::UnknownKey));
        let resealed = both.seal("c", b"token");
        assert_eq!(new.open("c", &resealed).unwrap(), b"token");
    }

    #[test]
    fn a_key_of_another_length_is_named_by_its_position() {
        let good = keys(1).remove(0);
        let error = SealingKey::parse(&format!("{good}, c2hvcnQ=").into()).unwrap_err();
        assert!(error.to_string().starts_with("key 2 must be"), "{error}");
        SealingKey::parse(&"".into()).unwrap_err();
    }
}
