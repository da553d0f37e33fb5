//! Whether a request comes from Telnyx: an Ed25519 signature over its time and its body.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use secrecy::ExposeSecret as _;

use crate::domain::connection::Credentials;

use super::{InboundError, InboundRequest};

const SIGNATURE: &str = "telnyx-signature-ed25519";

/// When it was signed, in seconds since the epoch.
const TIMESTAMP: &str = "telnyx-timestamp";

/// How far that may be from our time, in seconds, either way.
const AGE_S_MAX: u64 = 300;

/// Verifies a request.
pub(super) fn verify(
    request: &InboundRequest<'_>,
    credentials: &Credentials,
) -> Result<(), InboundError> {
    let verified = || {
        let key = credentials.signing_secret.as_ref()?;
        let key = BASE64_STANDARD.decode(key.expose_secret().trim()).ok()?;
        let signature = BASE64_STANDARD.decode(request.header(SIGNATURE)?).ok()?;
        let timestamp = request.header(TIMESTAMP)?;
        let signed_at: i64 = timestamp.parse().ok()?;
        let age = request.received_at.timestamp().checked_sub(signed_at)?;
        if age.unsigned_abs() > AGE_S_MAX {
            return None;
        }
        let mut signed = timestamp.as_bytes().to_vec();
        signed.push(b'|');
        signed.extend_from_slice(request.body);
        let key = UnparsedPublicKey::new(&ED25519, key);
        key.verify(&signed, &signature).ok()
    };
    verified().ok_or(InboundError::Unverified)
}
