//! Signatures by Standard Webhooks over `id.timestamp.body`: `v1` is HMAC-SHA256 with a secret that both sides know, `v1a` ed25519 with a
//! key that is ours alone.

use std::fmt;

use aws_lc_rs::{
    constant_time, hmac, rand,
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use secrecy::SecretString;

use crate::domain::{
    endpoint::Scheme,
    id::{AccountId, EndpointId},
};

/// How many random bytes a secret has; the specification asks for 24 to 64. An ed25519 seed has as many.
const SECRET_BYTES: usize = 32;

/// What one of an endpoint's signatures is made with.
pub enum SigningKey {
    /// `v1`: the secret.
    Hmac(Vec<u8>),
    /// `v1a`: the seed, and what it unfolds to.
    Ed25519(Vec<u8>, Ed25519KeyPair),
}

/// What was sealed is no key of its scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no signing key")]
pub struct NoSigningKey;

impl SigningKey {
    /// A new random key.
    pub fn generate(scheme: Scheme) -> Self {
        let mut bytes = vec![0; SECRET_BYTES];
        rand::fill(&mut bytes).expect("the system has randomness once it has started");
        Self::from_bytes(scheme, bytes).expect("any 32 bytes are a secret and a seed")
    }

    /// A key as it was unsealed.
    pub fn from_bytes(scheme: Scheme, bytes: Vec<u8>) -> Result<Self, NoSigningKey> {
        match scheme {
            Scheme::V1 => Ok(Self::Hmac(bytes)),
            Scheme::V1a => {
                let pair = Ed25519KeyPair::from_seed_unchecked(&bytes);
                Ok(Self::Ed25519(
                    bytes,
                    pair.map_err(|_rejected| NoSigningKey)?,
                ))
            }
        }
    }

    /// How it signs.
    pub fn scheme(&self) -> Scheme {
        match self {
            Self::Hmac(_) => Scheme::V1,
            Self::Ed25519(..) => Scheme::V1a,
        }
    }

    /// The bytes that are sealed.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Hmac(bytes) | Self::Ed25519(bytes, _) => bytes,
        }
    }

    /// What the receiver verifies with, as the specification writes it: `whsec_` and the secret, or `whpk_` and the public key.
    pub fn verifying(&self) -> SecretString {
        match self {
            Self::Hmac(secret) => format!("whsec_{}", BASE64_STANDARD.encode(secret)),
            Self::Ed25519(_, pair) => {
                format!("whpk_{}", BASE64_STANDARD.encode(pair.public_key()))
            }
        }
        .into()
    }

    /// One entry of the `webhook-signature` of a body that is sent as event `id` at `timestamp`, in seconds since the epoch.
    pub fn sign(&self, id: &str, timestamp: &str, body: &str) -> String {
        let content = format!("{id}.{timestamp}.{body}");
        match self {
            Self::Hmac(secret) => format!("v1,{}", hmac_sha256(secret, &content)),
            Self::Ed25519(_, pair) => {
                let signature = pair.sign(content.as_bytes());
                format!("v1a,{}", BASE64_STANDARD.encode(signature))
            }
        }
    }

    /// Whether this is an entry that the key makes.
    pub fn verifies(&self, entry: &str, id: &str, timestamp: &str, body: &str) -> bool {
        match self {
            Self::Hmac(_) => {
                let ours = self.sign(id, timestamp, body);
                constant_time::verify_slices_are_equal(ours.as_bytes(), entry.as_bytes()).is_ok()
            }
            Self::Ed25519(_, pair) => {
                let Some(signature) = entry
                    .strip_prefix("v1a,")
                    .and_then(|signature| BASE64_STANDARD.decode(signature).ok())
                else {
                    return false;
                };
                let content = format!("{id}.{timestamp}.{body}");
                UnparsedPublicKey::new(&ED25519, pair.public_key())
                    .verify(content.as_bytes(), &signature)
                    .is_ok()
            }
        }
    }
}

/// HMAC-SHA256 in base64.
pub(super) fn hmac_sha256(key: &[u8], content: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    BASE64_STANDARD.encode(hmac::sign(&key, content.as_bytes()))
}

/// The whole `webhook-signature`: an entry of each key, separated by spaces.
pub fn signatures(keys: &[SigningKey], id: &str, timestamp: &str, body: &str) -> String {
    let entries: Vec<_> = keys
        .iter()
        .map(|key| key.sign(id, timestamp, body))
        .collect();
    entries.join(" ")
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.scheme().as_str())
    }
}

/// The place for which an endpoint's keys are sealed.
pub fn seal_context(account_id: AccountId, endpoint_id: EndpointId) -> String {
    format!("endpoints/{account_id}/{endpoint_id}")
}

/// The place for which an endpoint's own headers and credential are sealed.
pub fn headers_context(account_id: AccountId, endpoint_id: EndpointId) -> String {
    format!("endpoints/{account_id}/{endpoint_id}/headers")
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    const BODIES: [&str; 3] = [
        "",
        "{}",
        r#"{"type":"call.ended","data":{"notes":"naïve 📞"}}"#,
    ];

    #[test]
    fn the_public_library_makes_the_same_signature_of_the_secret_we_show() {
        let key = SigningKey::generate(Scheme::V1);
        let oracle = standardwebhooks::Webhook::new(key.verifying().expose_secret()).unwrap();
        for body in BODIES {
            let expected = oracle.sign("evt", 1_767_225_600, body.as_bytes());
            assert_eq!(key.sign("evt", "1767225600", body), expected.unwrap());
        }
    }

    #[test]
    fn the_public_key_that_we_show_verifies_what_we_sign() {
        let key = SigningKey::generate(Scheme::V1a);
        let shown = key.verifying();
        let public = shown.expose_secret().strip_prefix("whpk_").unwrap();
        let public = BASE64_STANDARD.decode(public).unwrap();
        for body in BODIES {
            let entry = key.sign("evt", "1767225600", body);
            let signature = BASE64_STANDARD.decode(entry.strip_prefix("v1a,").unwrap());
            let content = format!("evt.1767225600.{body}");
            UnparsedPublicKey::new(&ED25519, &public)
                .verify(content.as_bytes(), &signature.unwrap())
                .unwrap();
            assert!(key.verifies(&entry, "evt", "1767225600", body));
            assert!(!key.verifies(&entry, "evt", "1767225601", body));
        }
    }

    #[test]
    fn a_receiver_with_either_secret_verifies_while_both_sign() {
        let keys = [
            SigningKey::generate(Scheme::V1),
            SigningKey::generate(Scheme::V1a),
            SigningKey::generate(Scheme::V1),
        ];
        let header = signatures(&keys, "evt", "1767225600", "{}");
        let entries: Vec<_> = header.split(' ').collect();
        assert_eq!(entries.len(), 3);
        for (key, entry) in keys.iter().zip(&entries) {
            assert!(key.verifies(entry, "evt", "1767225600", "{}"));
            let others = entries.iter().filter(|other| *other != entry);
            assert!(others.into_iter().all(|other| !key.verifies(
                other,
                "evt",
                "1767225600",
                "{}"
            )));
        }
    }
}
