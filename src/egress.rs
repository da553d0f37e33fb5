//! The one HTTP client: webhooks, providers and rooms go through it.
//!
//! It resolves a name once, vets *every* address and connects only to a vetted one; follows no redirect, takes no proxy
//! from the environment and keeps no cookies; bounds the whole exchange, body included, by one deadline, and what it
//! reads by a cap. [`address`] is the address policy, [`resolve`] the look-up, [`stream`] what is not one request and one
//! answer, [`download`] an answer that memory should not hold.

use std::{error::Error as StdError, io, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use chrono::DateTime;
use http::{HeaderMap, Method, StatusCode, header};
use url::{Host, Url};

use self::{
    address::{AddressPolicy, Refusal},
    resolve::{Lookup, NoAddress, SystemLookup, VettingResolver},
};

pub mod address;
pub mod download;
pub mod resolve;
pub mod stream;

/// How long a connection may take to stand, name look-up and TLS included; the deadline may be shorter.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// How long an unused connection is kept.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// Unused connections that are kept for one host.
const IDLE_PER_HOST_MAX: usize = 8;

/// What we call ourselves.
const USER_AGENT: &str = concat!("onhook/", env!("CARGO_PKG_VERSION"));

/// The client. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Egress {
    client: reqwest::Client,
    resolver: VettingResolver,
}

/// A request to the world outside.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its method.
    pub method: Method,
    /// Where it goes.
    pub url: Url,
    /// Its headers, without `Host` and `Content-Length`.
    pub headers: HeaderMap,
    /// Its body, empty for none.
    pub body: Bytes,
}

/// What an exchange may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// From the look-up of the name to the last byte of the answer.
    pub deadline: Duration,
    /// What is read of the answer's body; it is cut there.
    pub body_bytes_max: usize,
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status; a redirect is an answer like any other.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, up to the cap.
    pub body: Bytes,
    /// The body was longer than the cap.
    pub truncated: bool,
}

/// What a failure came from; only the log sees it.
pub type Cause = Box<dyn StdError + Send + Sync>;

/// Why there is no answer. The text of each variant may be shown to the tenant, its source only to the log.
#[expect(clippy::error_impl_error, reason = "the module says whose error it is")]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// We do not go there.
    #[error(transparent)]
    Refused(Refusal),
    /// The name has no address.
    #[error("the host name cannot be resolved")]
    Dns(#[source] io::Error),
    /// No connection.
    #[error("no connection could be made")]
    Connect(#[source] Cause),
    /// A connection, but no TLS session on it: a certificate that is not valid for the name, mostly.
    #[error("no TLS session could be agreed on")]
    Tls(#[source] Cause),
    /// Not done by the deadline.
    #[error("there was no complete answer in time")]
    TimedOut,
    /// The connection broke before the answer was complete.
    #[error("the connection broke before the answer was complete")]
    Reset(#[source] Cause),
    /// What came is not HTTP, or its head is larger than we read.
    #[error("the answer could not be read as HTTP")]
    Protocol(#[source] Cause),
}

/// The client cannot be built: no store of certificate authorities, mostly.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be built; are CA certificates installed?")]
pub struct BuildError(#[source] reqwest::Error);

impl Egress {
    /// A client that looks names up by the system's resolver.
    pub fn new(policy: AddressPolicy) -> Result<Self, BuildError> {
        Self::with_lookup(policy, Arc::new(SystemLookup::default()))
    }

    /// A client that looks names up by `lookup`.
    pub fn with_lookup(policy: AddressPolicy, lookup: Arc<dyn Lookup>) -> Result<Self, BuildError> {
        let policy = Arc::new(policy);
        let resolver = VettingResolver { policy, lookup };
        let client = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .dns_resolver(resolver.clone())
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .http1_only()
            .connect_timeout(CONNECT_MAX)
            .pool_idle_timeout(IDLE_MAX)
            .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
            .build()
            .map_err(BuildError)?;
        Ok(Self { client, resolver })
    }

    /// Vets a URL that is about to be stored. A name that does not resolve now is accepted: it is vetted again at each
    /// connection.
    pub async fn vet(&self, url: &str) -> Result<Url, Refusal> {
        let url = self.resolver.policy.read(url)?;
        if let Some(Host::Domain(name)) = url.host() {
            match VettingResolver::resolve(&self.resolver, name).await {
                Ok(_) | Err(NoAddress::Unresolved(_)) => {}
                Err(NoAddress::Refused(refusal)) => return Err(refusal),
            }
        }
        Ok(url)
    }

    /// Sends a request and reads the answer.
    pub async fn send(&self, request: Request, limits: Limits) -> Result<Answer, Error> {
        // The HTTP client asks its resolver about names only: an address that stands in the URL is judged here.
        self.resolver
            .policy
            .check(&request.url)
            .map_err(Error::Refused)?;
        let exchange = Box::pin(self.exchange(request, limits.body_bytes_max));
        match tokio::time::timeout(limits.deadline, exchange).await {
            Ok(done) => done.map_err(classify),
            Err(_elapsed) => Err(Error::TimedOut),
        }
    }

    async fn exchange(&self, request: Request, body_max: usize) -> reqwest::Result<Answer> {
        let mut sending = self
            .client
            .request(request.method, request.url)
            .headers(request.headers);
        if !request.body.is_empty() {
            sending = sending.body(request.body);
        }
        read(sending.send().await?, body_max).await
    }
}

/// Reads an answer, up to the cap.
async fn read(mut response: reqwest::Response, body_max: usize) -> reqwest::Result<Answer> {
    let status = response.status();
    let headers = std::mem::take(response.headers_mut());
    let mut body = BytesMut::new();
    let mut truncated = false;
    while let Some(chunk) = response.chunk().await? {
        let room = body_max.saturating_sub(body.len());
        truncated = chunk.len() > room;
        body.extend_from_slice(&chunk.slice(..chunk.len().min(room)));
        if truncated {
            break;
        }
    }
    Ok(Answer {
        status,
        headers,
        body: body.freeze(),
        truncated,
    })
}

impl Answer {
    /// How long it asks us to wait: `Retry-After` in seconds, or as a date against the answer's own `Date`.
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(&self.headers)
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok();
    let wait = text(header::RETRY_AFTER)?.trim();
    if let Ok(seconds) = wait.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text| DateTime::parse_from_rfc2822(text).ok();
    let wait = date(wait)?.signed_duration_since(date(text(header::DATE)?)?);
    Some(wait.to_std().unwrap_or_default())
}

impl Error {
    /// The kind of failure as a stable word, for records and metrics.
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused_address",
            Self::Dns(_) => "dns",
            Self::Connect(_) => "connect",
            Self::Tls(_) => "tls",
            Self::TimedOut => "timed_out",
            Self::Reset(_) => "reset",
            Self::Protocol(_) => "protocol",
        }
    }
}

/// Sorts the client's errors by what they mean; the URL, which may hold a secret, is taken out of them.
fn classify(error: reqwest::Error) -> Error {
    let error = error.without_url();
    if let Some(no_address) = cause::<NoAddress>(&error) {
        return match no_address {
            NoAddress::Refused(refusal) => Error::Refused(*refusal),
            NoAddress::Unresolved(failed) => {
                Error::Dns(io::Error::new(failed.kind(), failed.to_string()))
            }
        };
    }
    if error.is_timeout() {
        return Error::TimedOut;
    }
    let broke = cause::<io::Error>(&error).map(innermost_kind);
    if error.is_connect() {
        return match broke {
            // TCP knows neither of these; rustls reports what it cannot agree on as them.
            Some(io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) => {
                Error::Tls(error.into())
            }
            Some(io::ErrorKind::TimedOut) => Error::TimedOut,
            Some(_) | None => Error::Connect(error.into()),
        };
    }
    let incomplete = cause::<hyper::Error>(&error).is_some_and(|error| {
        error.is_incomplete_message() || error.is_closed() || error.is_canceled()
    });
    if incomplete || broke.is_some() {
        Error::Reset(error.into())
    } else {
        Error::Protocol(error.into())
    }
}

/// An I/O error that only carries another hides it from `source`.
fn innermost_kind(error: &io::Error) -> io::ErrorKind {
    let mut error = error;
    while let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
        error = inner;
    }
    error.kind()
}

/// The first cause of a type.
fn cause<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
