//! Whether a request comes from jambonz: `Jambonz-Signature: t=<unix seconds>,v1=<hex>` over the time and the body.

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::ExposeSecret as _;

use crate::{
    domain::connection::Credentials,
    providers::{InboundError, InboundRequest},
};

const SIGNATURE: &str = "jambonz-signature";

/// How far the time of a signature may be from ours, both ways.
const AGE_MAX: TimeDelta = TimeDelta::seconds(300);

/// How many signatures of one header are tried: one for each secret that is valid.
const SIGNATURES_MAX: usize = 8;

/// Verifies a request and answers when it was signed, which is when it was sent.
pub(super) fn verified(
    request: &InboundRequest<'_>,
    credentials: &Credentials,
) -> Result<DateTime<Utc>, InboundError> {
    let unverified = InboundError::Unverified;
    let secret = credentials.signing_secret.as_ref().ok_or(unverified)?;
    let header = request.header(SIGNATURE).ok_or(unverified)?;
    let parts = || {
        header
            .split(',')
            .filter_map(|part| part.trim().split_once('='))
    };
    let mut times = parts().filter(|(name, _)| *name == "t");
    let (Some((_, time)), None) = (times.next(), times.next()) else {
        return Err(unverified);
    };
    let signed_at = time
        .parse()
        .ok()
        .and_then(|s| DateTime::from_timestamp(s, 0));
    let signed_at = signed_at.ok_or(unverified)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    let signed = [time.as_bytes(), b".", request.body].concat();
    let expected = hmac::sign(&key, &signed);
    let genuine = parts()
        .filter(|(name, _)| *name == "v1")
        .take(SIGNATURES_MAX)
        .filter_map(|(_, signature)| hex::decode(signature).ok())
        .any(|signature| verify_slices_are_equal(expected.as_ref(), &signature).is_ok());
    let fresh = (request.received_at - signed_at).abs() <= AGE_MAX;
    let said = request.is("application/json");
    if genuine && fresh && said {
        Ok(signed_at)
    } else {
        Err(unverified)
    }
}
