//! How many requests a client may make a minute, and the headers that tell it (`RateLimit`, `RateLimit-Policy`, by the IETF's
//! draft), so that it need not find out by being refused.
//!
//! Counted in this process's memory: with several replicas a client may make as many times more. Exact counts would be one more
//! write a request; what has to be exact is kept exact elsewhere. This machine's own address is never bounded: a proxy beside us
//! comes from there, and it is everybody.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    sync::{Arc, OnceLock},
    time::Instant,
};

use axum::{
    extract::{ConnectInfo, Request},
    http::{Extensions, HeaderName, HeaderValue},
    response::Response,
};

use super::{
    error::{Code, Error},
    serve,
};
use crate::{
    domain::account::{Caller, Principal},
    metrics::Metrics,
};

mod buckets;

use buckets::{Buckets, Standing};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What a client may do a minute; what is absent has no bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// Requests with one credential, but for reports.
    pub requests_per_key: Option<NonZeroU32>,
    /// Reports with one credential.
    pub reports_per_key: Option<NonZeroU32>,
    /// Reports without a credential from one client address.
    pub reports_per_ip: Option<NonZeroU32>,
    /// Credentials that are not believed, from one client address.
    pub refusals_per_ip: Option<NonZeroU32>,
}

/// Counts what clients do.
#[derive(Debug)]
pub struct Limits {
    requests: Option<Buckets<Principal>>,
    reports: Option<Buckets<Principal>>,
    open_reports: Option<Buckets<IpAddr>>,
    refusals: Option<Buckets<IpAddr>>,
    metrics: Metrics,
}

/// Where [`tell`] finds what an extractor has counted; an extension of the request.
#[derive(Debug, Clone, Default)]
struct Slot(Arc<OnceLock<Standing>>);

/// The address of the client, if it has bounds: a /64 of IPv6 is one client, and this machine is none.
pub fn client(extensions: &Extensions) -> Option<IpAddr> {
    let ConnectInfo(address) = extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(serve::client(address.ip())).filter(|client| !client.is_loopback())
}

impl Limits {
    /// Nobody has done anything yet.
    pub fn new(limits: RateLimits, metrics: Metrics) -> Self {
        Self {
            requests: limits
                .requests_per_key
                .map(|quota| Buckets::new("requests", quota)),
            reports: limits
                .reports_per_key
                .map(|quota| Buckets::new("reports", quota)),
            open_reports: limits
                .reports_per_ip
                .map(|quota| Buckets::new("reports", quota)),
            refusals: limits
                .refusals_per_ip
                .map(|quota| Buckets::new("refusals", quota)),
            metrics,
        }
    }

    /// Counts a request, unless it is one too many.
    pub fn request(&self, caller: &Caller, extensions: &Extensions) -> Result<(), Error> {
        self.count(self.requests.as_ref(), || caller.principal(), extensions)
    }

    /// Counts a report, unless it is one too many.
    pub fn report(&self, caller: &Caller, extensions: &Extensions) -> Result<(), Error> {
        self.count(self.reports.as_ref(), || caller.principal(), extensions)
    }

    /// Counts a report of nobody in particular, unless it is one too many.
    pub fn open_report(&self, extensions: &Extensions) -> Result<(), Error> {
        match client(extensions) {
            Some(client) => self.count(self.open_reports.as_ref(), || client, extensions),
            None => Ok(()),
        }
    }

    /// Counts a credential that was not believed; an error once there have been too many.
    pub fn refusal(&self, extensions: &Extensions) -> Result<(), Error> {
        match client(extensions) {
            Some(client) => self.count(self.refusals.as_ref(), || client, extensions),
            None => Ok(()),
        }
    }

    /// Whether the client has shown so many bad credentials that the next is not even looked up.
    pub fn is_distrusted(&self, extensions: &Extensions) -> bool {
        let client = client(extensions);
        self.refusals
            .as_ref()
            .zip(client)
            .is_some_and(|(buckets, client)| buckets.is_empty(&client, Instant::now()))
    }

    fn count<K: std::hash::Hash + Eq>(
        &self,
        buckets: Option<&Buckets<K>>,
        key: impl FnOnce() -> K,
        extensions: &Extensions,
    ) -> Result<(), Error> {
        let Some(buckets) = buckets else {
            return Ok(());
        };
        let standing = buckets.take(key(), Instant::now());
        if let Some(Slot(slot)) = extensions.get::<Slot>() {
            // The first that counts a request is the one that is told.
            slot.get_or_init(|| standing);
        }
        let Some(wait_s) = standing.wait_s else {
            return Ok(());
        };
        self.metrics.request_limited(standing.name);
        Err(too_many(standing.quota, standing.name, wait_s))
    }
}

/// A request too many.
pub(super) fn too_many(quota: impl fmt::Display, name: &str, wait_s: u32) -> Error {
    let told = format!("at most {quota} {name} a minute; try again in {wait_s} s");
    Error::new(Code::RateLimited, told).retry_after(wait_s)
}

/// Tells a client how much it may still do.
pub async fn tell<F: Future<Output = Response>>(
    mut request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let slot = Slot::default();
    request.extensions_mut().insert(slot.clone());
    let mut response = next(request).await;
    if let Some(standing) = slot.0.get() {
        for (name, value) in [
            (RATE_LIMIT_POLICY, standing.policy()),
            (RATE_LIMIT, standing.left()),
        ] {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
    }
    response
}
