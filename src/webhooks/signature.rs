//! Signatures by Standard Webhooks: `v1`, HMAC-SHA256 over `id.timestamp.body`.

use std::fmt;

use aws_lc_rs::{hmac, rand};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use secrecy::SecretString;

use crate::domain::id::{AccountId, EndpointId, EventId};

/// How many random bytes a secret has; the specification asks for 24 to 64.
const SECRET_BYTES: usize = 32;

/// An endpoint's signing secret.
pub struct Secret(Vec<u8>);

impl Secret {
    /// A new random secret.
    pub fn generate() -> Self {
        let mut bytes = vec![0; SECRET_BYTES];
        rand::fill(&mut bytes).expect("the system has randomness once it has started");
        Self(bytes)
    }

    /// A secret as it was unsealed.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes that are sealed.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The secret as its owner is shown it, once.
    pub fn to_text(&self) -> SecretString {
        format!("whsec_{}", BASE64_STANDARD.encode(&self.0)).into()
    }

    /// The `webhook-signature` of a body that is sent as event `id` at `timestamp`, in seconds since the epoch.
    pub fn sign(&self, id: EventId, timestamp: i64, body: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let tag = hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
        format!("v1,{}", BASE64_STANDARD.encode(tag))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The place for which an endpoint's secret is sealed.
pub fn seal_context(account_id: AccountId, endpoint_id: EndpointId) -> String {
    format!("endpoints/{account_id}/{endpoint_id}")
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::{EventId, Secret};

    #[test]
    fn the_public_library_makes_the_same_signature_of_the_secret_we_show() {
        let secret = Secret::generate();
        let oracle = standardwebhooks::Webhook::new(secret.to_text().expose_secret()).unwrap();
        let id = EventId::generate();
        for body in [
            "",
            "{}",
            r#"{"type":"call.ended","data":{"notes":"naïve 📞"}}"#,
        ] {
            let expected = oracle.sign(&id.to_string(), 1_767_225_600, body.as_bytes());
            assert_eq!(secret.sign(id, 1_767_225_600, body), expected.unwrap());
        }
    }
}
