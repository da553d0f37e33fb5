//! One request to an endpoint: built and signed for this attempt, sent, and what came of it. Deliveries and tests go through here.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use url::Url;

use super::signature::{SigningKey, headers_context, seal_context, signatures};
use crate::{
    domain::{
        delivery::AttemptOutcome,
        endpoint::headers::OwnHeaders,
        id::{AccountId, EndpointId, EventId},
    },
    egress::{self, Answer, Egress, Limits, Request},
    seal::SealingKey,
    store::endpoint_targets::Target,
};

/// How long an attempt may take, from looking up the name to the last byte of the answer.
pub const DEADLINE: Duration = Duration::from_secs(15);

/// How much of an answer is read and kept.
pub const RESPONSE_BYTES_MAX: usize = 65_536;

/// What is to be sent, and when.
#[derive(Debug)]
pub struct Message {
    /// The event.
    pub event_id: EventId,
    /// The moment of this attempt.
    pub at: DateTime<Utc>,
    /// The bytes that are signed and sent.
    pub body: String,
}

/// What came of a request.
#[derive(Debug)]
pub struct Sent {
    /// In one word.
    pub outcome: AttemptOutcome,
    /// The answer, if one came.
    pub answer: Option<Answer>,
    /// How long it took.
    pub took: Duration,
}

/// The signed request; why there can be none, otherwise.
pub fn build(
    sealing_key: &SealingKey,
    of: (AccountId, EndpointId),
    target: &Target,
    message: Message,
) -> Result<Request, AttemptOutcome> {
    let keys = keys(sealing_key, of, target)?;
    let own = own_headers(sealing_key, of, target.sealed_headers.as_deref())?;
    let url = Url::parse(&target.url).map_err(|_error| AttemptOutcome::RefusedAddress)?;
    let (id, at) = (
        message.event_id.to_string(),
        message.at.timestamp().to_string(),
    );
    let signature = signatures(&keys, &id, &at, &message.body);
    let text = |text: String| {
        HeaderValue::try_from(text).expect("ids, numbers and base64 are printable ASCII")
    };
    let mut headers: HeaderMap = own.to_http();
    // After the account's own, which cannot be any of these, so that ours stand whatever was kept.
    headers.extend([
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (HeaderName::from_static("webhook-id"), text(id)),
        (HeaderName::from_static("webhook-timestamp"), text(at)),
        (
            HeaderName::from_static("webhook-signature"),
            text(signature),
        ),
    ]);
    Ok(Request {
        method: Method::POST,
        url,
        headers,
        body: message.body.into(),
    })
}

/// Sends it, or not if it could not be built.
pub async fn send(egress: &Egress, request: Result<Request, AttemptOutcome>) -> Sent {
    let begun = Instant::now();
    let limits = Limits {
        deadline: DEADLINE,
        body_bytes_max: RESPONSE_BYTES_MAX,
    };
    let (outcome, answer) = match request {
        Err(outcome) => (outcome, None),
        Ok(request) => match egress.send(request, limits).await {
            Err(error) => (outcome_of(&error), None),
            Ok(answer) => {
                let outcome = AttemptOutcome::of_status(answer.status.as_u16());
                (outcome, Some(answer))
            }
        },
    };
    Sent {
        outcome,
        answer,
        took: begun.elapsed(),
    }
}

/// What the request is signed with. Keys that do not open sign nothing, as long as one does.
fn keys(
    sealing_key: &SealingKey,
    (account_id, endpoint_id): (AccountId, EndpointId),
    target: &Target,
) -> Result<Vec<SigningKey>, AttemptOutcome> {
    let context = seal_context(account_id, endpoint_id);
    let opened = target.keys.iter().filter_map(|(scheme, sealed)| {
        let opened = sealing_key.open(&context, sealed);
        let key = opened.map_err(anyhow::Error::new);
        let key = key.and_then(|bytes| Ok(SigningKey::from_bytes(*scheme, bytes)?));
        key.inspect_err(|error| {
            tracing::error!(endpoint.id = %endpoint_id, error = %error, "an endpoint's signing key does not open");
        })
        .ok()
    });
    let opened: Vec<_> = opened.collect();
    if opened.is_empty() {
        return Err(AttemptOutcome::SecretUnreadable);
    }
    Ok(opened)
}

/// The endpoint's own headers and credential. Without them nothing is sent: the receiver would refuse it, or take it for somebody else's.
fn own_headers(
    sealing_key: &SealingKey,
    (account_id, endpoint_id): (AccountId, EndpointId),
    sealed: Option<&[u8]>,
) -> Result<OwnHeaders, AttemptOutcome> {
    let Some(sealed) = sealed else {
        return Ok(OwnHeaders::default());
    };
    let opened = sealing_key.open(&headers_context(account_id, endpoint_id), sealed);
    let headers = opened.ok().and_then(|bytes| OwnHeaders::from_bytes(&bytes));
    headers.ok_or_else(|| {
        tracing::error!(endpoint.id = %endpoint_id, "an endpoint's own headers do not open");
        AttemptOutcome::SecretUnreadable
    })
}

fn outcome_of(error: &egress::Error) -> AttemptOutcome {
    match error {
        egress::Error::Refused(_) => AttemptOutcome::RefusedAddress,
        egress::Error::Dns(_) => AttemptOutcome::Dns,
        egress::Error::Connect(_) => AttemptOutcome::Connect,
        egress::Error::Tls(_) => AttemptOutcome::Tls,
        egress::Error::TimedOut => AttemptOutcome::TimedOut,
        egress::Error::Reset(_) => AttemptOutcome::Reset,
        egress::Error::Protocol(_) => AttemptOutcome::Protocol,
    }
}
