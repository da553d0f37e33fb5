//! What a provider is to the simulation.

use std::{fmt, net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{
    ledger::{Ledger, LedgerCall, Step},
    world::World,
};
use crate::domain::{
    connection::Credentials,
    state::{Direction, EndState},
};

/// A provider played on loopback.
#[async_trait]
pub trait Double: Send + Sync + fmt::Debug {
    /// Its adapter's name.
    fn provider(&self) -> &'static str;

    /// What it accepts, and signs with.
    fn credentials(&self) -> Credentials;

    /// Its name for the call of a number.
    fn call_id(&self, number: u32) -> String;

    /// How a call ends, as far as the provider has words for it: what it cannot tell is no truth of its ledger.
    fn end(&self, _direction: Direction, state: EndState) -> EndState {
        state
    }

    /// Whether it told of a call by itself before the end: else nobody knows whom to ask when that is lost, and it is not.
    fn told_before_its_end(&self, _call: &LedgerCall) -> bool {
        true
    }

    /// What a connection to it has as its base URL.
    fn base_url(&self, address: SocketAddr) -> String {
        format!("http://{address}/")
    }

    /// Answers a request to its API as the provider documents it; asks and changes the ledger.
    fn answer(&self, request: &ApiRequest, ledger: &mut Ledger) -> ApiAnswer;

    /// The callback that it posts for a step of a call, signed; none if it posts nothing for it.
    fn callback(&self, call: &LedgerCall, step: Step, to: &CallbackTo) -> Option<Callback>;

    /// Serves its API until it is told to stop.
    async fn serve(&self, listener: TcpListener, world: Arc<World>, stop: CancellationToken) {
        world.serve(listener, stop).await;
    }

    /// Tells of a step, by its callback unless it has other ways. False: it tells nothing of such a step.
    async fn tell(&self, world: &World, call: &LedgerCall, step: Step) -> bool {
        world.post(call, step).await
    }
}

/// A request to its API.
#[derive(Debug, Clone)]
pub struct ApiRequest {
    /// Its method.
    pub method: Method,
    /// Its path, with the leading slash, as it came.
    pub path: String,
    /// Its query without the question mark; may be empty.
    pub query: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl ApiRequest {
    /// The segments of the path that are not empty.
    pub fn segments(&self) -> Vec<&str> {
        self.path
            .split('/')
            .filter(|part| !part.is_empty())
            .collect()
    }

    /// A header's value; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// Whether it carries these credentials (RFC 7617), the account as the user and the secret as the password.
    pub fn has_basic(&self, credentials: &Credentials) -> bool {
        let pair = format!(
            "{}:{}",
            credentials.account,
            credentials.secret.expose_secret()
        );
        self.header("authorization") == format!("Basic {}", BASE64_STANDARD.encode(pair))
    }
}

/// What it answers.
#[derive(Debug, Clone)]
pub struct ApiAnswer {
    /// The status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl ApiAnswer {
    /// A status without a body.
    pub fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// An answer in JSON.
    pub fn json(status: StatusCode, body: &serde_json::Value) -> Self {
        let mut answer = Self::empty(status);
        let json = HeaderValue::from_static("application/json");
        answer.headers.insert(header::CONTENT_TYPE, json);
        answer.body = body.to_string().into();
        answer
    }
}

/// Where a callback goes.
#[derive(Debug, Clone)]
pub struct CallbackTo {
    /// The URL that the provider was given.
    pub url: String,
    /// What time it is.
    pub now: DateTime<Utc>,
    /// How many steps of the call were before this one.
    pub sequence: u32,
}

/// A callback, to be posted.
#[derive(Debug, Clone)]
pub struct Callback {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Callback {
    /// A callback with these headers; values that are no header values are left out.
    pub fn new(headers: &[(&'static str, &str)], body: impl Into<Bytes>) -> Self {
        let headers = headers.iter().filter_map(|(name, value)| {
            let value = HeaderValue::from_str(value).ok()?;
            Some((HeaderName::from_static(name), value))
        });
        Self {
            headers: headers.collect(),
            body: body.into(),
        }
    }
}
