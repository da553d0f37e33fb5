//! API keys: `onhook_<kind>_` and 32 random bytes in base64url. Shown once; what is kept is the SHA-256 and a visible head.
//!
//! 256 random bits need no salt and no stretching, which are for what people choose. The fixed form lets scanners find a leaked
//! key: `onhook_(staff|app|directory|client|ingest|operator)_[A-Za-z0-9_-]{43}`.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};

use super::account::KeyKind;

/// What every key begins with.
const BRAND: &str = "onhook_";

/// How many characters of the random part stay visible: enough to tell keys apart, 208 bits short of one.
const VISIBLE: usize = 8;

/// How long the random part is as text.
const RANDOM_CHARS: usize = 43;

/// The SHA-256 of a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeySha256([u8; 32]);

/// The visible head of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPrefix(String);

/// A key in the right form: ours or not, only the store knows.
#[derive(Clone)]
pub struct ApiKey(SecretString);

impl ApiKey {
    /// Writes a key of these random bytes.
    pub fn new(kind: KeyKind, random: &[u8; 32]) -> Self {
        let random = URL_SAFE_NO_PAD.encode(random);
        Self(format!("{BRAND}{}_{random}", kind.as_str()).into())
    }

    /// Reads a key; nothing if it does not have the form of one.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, random) = text.strip_prefix(BRAND)?.split_once('_')?;
        KeyKind::parse(kind)?;
        let formed = random.len() == RANDOM_CHARS
            && random
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        formed.then(|| Self(text.into()))
    }

    /// Whether a text sets out to be a key.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(BRAND)
    }

    /// What is kept of it.
    pub fn sha256(&self) -> KeySha256 {
        let digest = aws_lc_rs::digest::digest(
            &aws_lc_rs::digest::SHA256,
            self.0.expose_secret().as_bytes(),
        );
        KeySha256(
            digest
                .as_ref()
                .try_into()
                .expect("a SHA-256 digest has 32 bytes"),
        )
    }

    /// Its visible head.
    pub fn prefix(&self) -> KeyPrefix {
        let text = self.0.expose_secret();
        let visible = text.len() - RANDOM_CHARS + VISIBLE;
        KeyPrefix(text.chars().take(visible).collect())
    }

    /// The key itself, to be shown once.
    pub fn into_secret(self) -> SecretString {
        self.0
    }
}

impl KeySha256 {
    /// Its bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

impl KeyPrefix {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ApiKey").field(&self.prefix()).finish()
    }
}

impl fmt::Debug for KeySha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySha256(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::{ApiKey, KeyKind};

    #[test]
    fn a_key_reads_back_and_shows_only_its_head() {
        let key = ApiKey::new(KeyKind::Staff, &[0xfb; 32]);
        let text = "onhook_staff_-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s";
        assert_eq!(key.sha256(), ApiKey::parse(text).unwrap().sha256());
        assert_eq!(key.prefix().as_str(), "onhook_staff_-_v7-_v7");
        assert!(!format!("{key:?}").contains("-_v7-_v7-"));
    }

    #[test]
    fn what_does_not_have_the_form_of_a_key_is_none() {
        let random = "a".repeat(43);
        for text in [
            String::new(),
            "onhook_".to_owned(),
            format!("onhook_root_{random}"),
            format!("onhook_staff_{random}a"),
            format!("onhook_staff_{}", "a".repeat(42)),
            format!("onhook_staff_{}=", "a".repeat(42)),
            format!("ONHOOK_staff_{random}"),
            format!(" onhook_staff_{random}"),
        ] {
            assert!(ApiKey::parse(&text).is_none(), "{text}");
        }
    }
}
