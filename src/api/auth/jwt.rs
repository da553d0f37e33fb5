//! JSON Web Tokens of one configured issuer.
//!
//! The algorithm comes from the configuration and never from the token; `kid`, `jku`, `x5u` and a key inside the token are
//! ignored, because there is only one key to choose from. Times are compared with the host's clock, not with Postgres':
//! they were set by another system's clock anyway, and the leeway is for that.

use aws_lc_rs::signature::{self, ParsedPublicKey};
use jsonwebtoken::{DecodingKey, Validation, errors::ErrorKind};
use serde::Deserialize;

use crate::domain::{
    account::{KeyKind, TranscriptAccess},
    text::Text,
};

/// A longer token is not looked at.
pub(super) const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// How far the issuer's clock may be off.
const LEEWAY_S: u64 = 60;

/// The algorithms that may be configured. Each is the only one of its kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256 and a shared secret.
    Hs256,
    /// RSA PKCS#1 v1.5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

/// A key that fits its algorithm.
#[derive(Debug)]
pub struct Key {
    algorithm: Algorithm,
    decoding: DecodingKey,
}

/// Why a key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A PEM where a shared secret is due: whoever has the public key could then sign.
    #[error("it is a PEM key, which HS256 does not take")]
    PemAsSecret,
    /// A shared secret shorter than the hash.
    #[error("it is shorter than 32 bytes")]
    Short,
    /// A private key, which has no business here.
    #[error("it is a private key: give the public one")]
    Private,
    /// Not a public key of the algorithm in PEM.
    #[error("it is not a public key for this algorithm")]
    Unfit,
}

/// Verifies tokens: one key, one algorithm, one issuer, one audience.
#[derive(Debug, Clone)]
pub struct Verifier {
    decoding: DecodingKey,
    validation: Validation,
}

/// What a token says about its bearer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Claims {
    /// The account's name or id.
    pub account: Text<63>,
    /// What the token is for.
    pub kind: KeyKind,
    /// The staff member behind it.
    #[serde(default)]
    pub staff_uid: Option<Text<255>>,
    /// The client whose calls are all that it may read; counts for the kind `client` only.
    #[serde(default)]
    pub client_uid: Option<Text<255>>,
    /// What the bearer reads of what was said on calls: `raw` or `redacted`; without it, what the account says.
    #[serde(default)]
    pub transcripts: Option<TranscriptAccess>,
    // Checked by `Validation`, which would take a list here: RFC 7519 says one string.
    #[serde(rename = "iss")]
    _issuer: Text<1024>,
}

/// Why a token was refused; for the log and the counter, never for the bearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Not a compact JWS, too long, or with a header that must be understood and is not.
    Malformed,
    /// Not signed by the issuer with the configured algorithm.
    Untrusted,
    /// Its time is over, or has not begun.
    OutOfTime,
    /// A required claim is missing, or not what it must be.
    Claims,
}

impl Algorithm {
    /// Reads its registered name.
    pub fn parse(name: &str) -> Result<Self, &'static str> {
        match name {
            "HS256" => Ok(Self::Hs256),
            "RS256" => Ok(Self::Rs256),
            "ES256" => Ok(Self::Es256),
            "EdDSA" => Ok(Self::EdDsa),
            _ => Err("it is none of them"),
        }
    }

    fn registered(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Hs256 => jsonwebtoken::Algorithm::HS256,
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        }
    }
}

impl Key {
    /// Reads a key and checks that it is one of the algorithm, so that a wrong one stops the start and not every caller.
    pub fn parse(algorithm: Algorithm, text: &str) -> Result<Self, KeyError> {
        let pem = text.as_bytes();
        if text.contains("PRIVATE KEY-----") {
            return Err(KeyError::Private);
        }
        let decoding = match algorithm {
            Algorithm::Hs256 if text.contains("-----BEGIN") => return Err(KeyError::PemAsSecret),
            Algorithm::Hs256 if pem.len() < 32 => return Err(KeyError::Short),
            Algorithm::Hs256 => DecodingKey::from_secret(pem),
            Algorithm::Rs256 => public(
                DecodingKey::from_rsa_pem(pem),
                &signature::RSA_PKCS1_2048_8192_SHA256,
            )?,
            Algorithm::Es256 => public(
                DecodingKey::from_ec_pem(pem),
                &signature::ECDSA_P256_SHA256_FIXED,
            )?,
            Algorithm::EdDsa => public(DecodingKey::from_ed_pem(pem), &signature::ED25519)?,
        };
        Ok(Self {
            algorithm,
            decoding,
        })
    }
}

/// The PEM reader does not look at curve and size; the verifier does, here rather than at the first token.
fn public(
    read: jsonwebtoken::errors::Result<DecodingKey>,
    algorithm: &'static dyn signature::VerificationAlgorithm,
) -> Result<DecodingKey, KeyError> {
    let unfit = |_error: jsonwebtoken::errors::Error| KeyError::Unfit;
    let decoding = read.map_err(unfit)?;
    ParsedPublicKey::new(algorithm, decoding.try_get_as_bytes().map_err(unfit)?)
        .map_err(|_rejected| KeyError::Unfit)?;
    Ok(decoding)
}

impl Verifier {
    /// A verifier of one issuer's tokens for one audience.
    pub fn new(key: Key, issuer: &str, audience: &str) -> Self {
        let mut validation = Validation::new(key.algorithm.registered());
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_S;
        Self {
            decoding: key.decoding,
            validation,
        }
    }

    /// What the token says, if it is one to be trusted now.
    pub fn verify(&self, token: &str) -> Result<Claims, Refusal> {
        if token.len() > TOKEN_BYTES_MAX || !is_compact(token) {
            return Err(Refusal::Malformed);
        }
        let header =
            jsonwebtoken::decode_header(token).map_err(|_unreadable| Refusal::Malformed)?;
        // We understand no extension, so a token that must not be read without one must not be read.
        if header.crit.is_some() || header.zip.is_some() || header.enc.is_some() {
            return Err(Refusal::Malformed);
        }
        jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation)
            .map(|token| token.claims)
            .map_err(|error| match error.kind() {
                ErrorKind::ExpiredSignature | ErrorKind::ImmatureSignature => Refusal::OutOfTime,
                ErrorKind::MissingRequiredClaim(_)
                | ErrorKind::InvalidClaimFormat(_)
                | ErrorKind::InvalidIssuer
                | ErrorKind::InvalidAudience
                | ErrorKind::Json(_) => Refusal::Claims,
                _ => Refusal::Untrusted,
            })
    }
}

/// Three parts of unpadded base64url. The decoder's idea of padding is its own; ours is that one token has one spelling.
fn is_compact(token: &str) -> bool {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts.as_slice() else {
        return false;
    };
    [header, payload, signature].into_iter().all(|part| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    })
}
