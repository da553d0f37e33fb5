//! The provider and the service, and the way between them.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, ensure};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
};
use bytes::Bytes;
use fastrand::Rng;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::{net::TcpListener, sync::broadcast};
use tokio_util::sync::CancellationToken;

use super::{
    double::{ApiAnswer, ApiRequest, Callback, CallbackTo, Double},
    ledger::{Ledger, LedgerCall, Step},
    script::{Chances, happens},
};
use crate::egress::{self, Answer, Egress, Limits, address::AddressPolicy};

/// How often a callback is sent again that was not taken.
const CALLBACK_RETRIES: u32 = 8;

/// How often a request of a client is made again that the service was too busy for.
const CLIENT_RETRIES: u32 = 8;

/// The longest that the provider takes to answer.
const LATENCY_MAX_MS: u64 = 30;

/// The longest that a callback is on its way: what puts them out of order.
const DETOUR_MAX_MS: u64 = 250;

/// Messages that wait for the slowest of those who listen to a stream; one that lags behind is cut off.
const STREAM_MAX: usize = 4096;

/// What one request may cost.
const LIMITS: Limits = Limits {
    deadline: Duration::from_secs(30),
    body_bytes_max: 16 * 1024 * 1024,
};

/// The service under test, as a client reaches it.
#[derive(Debug)]
pub struct Service {
    /// Where it listens.
    pub address: SocketAddr,
    /// A key of the account.
    pub key: SecretString,
    /// Where the provider posts.
    pub inbound_path: String,
    /// What the provider takes for the service's origin.
    pub public_url: String,
}

/// What was done so far.
#[derive(Debug, Default)]
pub struct Counts {
    /// Callbacks posted, repetitions among them.
    pub callbacks: AtomicU32,
    /// Callbacks that were sent twice.
    pub doubled: AtomicU32,
    /// Ends that were never told.
    pub lost_ends: AtomicU32,
    /// Requests to the provider's API.
    pub requests: AtomicU32,
    /// Of those, answered 503.
    pub refused: AtomicU32,
    /// Of those, carried out with the answer lost.
    pub lost_answers: AtomicU32,
    /// Calls that we were asked to end.
    pub ended_here: AtomicU32,
    /// Steps that a PBX reported, because the provider tells nothing of such.
    pub by_pbx: AtomicU32,
}

/// The provider, the service, and chance.
#[derive(Debug)]
pub struct World {
    double: &'static dyn Double,
    service: Service,
    egress: Egress,
    ledger: Mutex<Ledger>,
    rng: Mutex<Rng>,
    chances: Chances,
    stream: broadcast::Sender<Arc<str>>,
    /// What was done so far.
    pub counts: Counts,
}

impl World {
    /// A world without calls.
    pub fn new(
        double: &'static dyn Double,
        service: Service,
        seed: u64,
        chances: Chances,
    ) -> anyhow::Result<Self> {
        let policy = AddressPolicy::parse("127.0.0.0/8").context("the loopback network")?;
        Ok(Self {
            double,
            service,
            egress: Egress::new(policy)?,
            ledger: Mutex::default(),
            rng: Mutex::new(Rng::with_seed(seed)),
            chances,
            stream: broadcast::Sender::new(STREAM_MAX),
            counts: Counts::default(),
        })
    }

    /// The provider.
    pub fn double(&self) -> &'static dyn Double {
        self.double
    }

    /// What is told on the connections that are held to the provider, if it tells so: each of them is a receiver.
    pub fn stream(&self) -> &broadcast::Sender<Arc<str>> {
        &self.stream
    }

    /// What truly happened.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The service, to be asked as its clients do.
    pub(super) fn service(&self) -> Client<'_> {
        Client {
            service: &self.service,
            egress: &self.egress,
        }
    }

    /// Draws from chance.
    pub(super) fn draw<T>(&self, draw: impl FnOnce(&mut Rng) -> T) -> T {
        draw(&mut self.rng.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn chances(&self) -> &Chances {
        &self.chances
    }

    /// How far it is, in a line.
    pub(super) fn progress(&self, calls: u32) -> String {
        let (begun, live) = {
            let ledger = self.ledger();
            (ledger.all().count(), ledger.live().count())
        };
        format!(
            "{begun} of {calls} calls begun, {live} live at the provider, {} callbacks, {} ended here",
            self.counts.callbacks.load(Ordering::Relaxed),
            self.counts.ended_here.load(Ordering::Relaxed),
        )
    }

    /// Tells the service of a step, late and perhaps twice. True: the provider tells of such a step at all.
    pub(super) async fn tell(&self, call: &LedgerCall, step: Step) -> bool {
        let detour = self.draw(|rng| rng.u64(0..DETOUR_MAX_MS));
        tokio::time::sleep(Duration::from_millis(detour)).await;
        if !self.double.tell(self, call, step).await {
            return false;
        }
        if self.draw(|rng| happens(rng, self.chances.doubled)) {
            self.counts.doubled.fetch_add(1, Ordering::Relaxed);
            let again = self.draw(|rng| rng.u64(0..DETOUR_MAX_MS));
            tokio::time::sleep(Duration::from_millis(again)).await;
            self.double.tell(self, call, step).await;
        }
        true
    }

    /// Posts the callback of a step until it is taken. False: there is none for such a step.
    pub async fn post(&self, call: &LedgerCall, step: Step) -> bool {
        let url = format!("{}{}", self.service.public_url, self.service.inbound_path);
        for attempt in 0..=CALLBACK_RETRIES {
            let to = CallbackTo {
                url: url.clone(),
                now: self.ledger().now(),
                sequence: match step {
                    Step::Queued => 0,
                    Step::Ringing => 1,
                    Step::Answered => 2,
                    Step::Ended(_) => 3,
                },
            };
            let Some(Callback { headers, body }) = self.double.callback(call, step, &to) else {
                return false;
            };
            self.counts.callbacks.fetch_add(1, Ordering::Relaxed);
            let path = self.service.inbound_path.as_str();
            let sent = self.service().send(Method::POST, path, headers, body).await;
            match sent {
                Ok(answer) if answer.status.is_success() => {
                    if let Step::Ended(_) = step {
                        self.ledger().told(&call.id);
                    }
                    return true;
                }
                Ok(answer) => tracing::warn!(status = %answer.status, "a callback was not taken"),
                Err(error) => tracing::warn!(error = %error, "a callback did not arrive"),
            }
            tokio::time::sleep(Duration::from_millis(50 * u64::from(attempt + 1))).await;
        }
        true
    }

    /// Serves the provider's API over HTTP, with what may go wrong on the way.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, stop: CancellationToken) {
        let router = self.router();
        let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = served.await {
            tracing::error!(error = %error, "the double does not serve any more");
        }
    }

    /// The provider's API over HTTP, for a server that has more to it.
    pub fn router(self: &Arc<Self>) -> Router {
        Router::new().fallback(api).with_state(Arc::clone(self))
    }

    /// Whether a request meets a provider that cannot take it now.
    pub fn refuses(&self) -> bool {
        self.counts.requests.fetch_add(1, Ordering::Relaxed);
        let refuses = self.draw(|rng| happens(rng, self.chances.refused));
        self.counts
            .refused
            .fetch_add(u32::from(refuses), Ordering::Relaxed);
        refuses
    }

    /// Whether an answer is lost on its way.
    pub fn loses(&self) -> bool {
        let loses = self.draw(|rng| happens(rng, self.chances.lost_answers));
        self.counts
            .lost_answers
            .fetch_add(u32::from(loses), Ordering::Relaxed);
        loses
    }
}

/// Any request to the provider's API.
async fn api(State(world): State<Arc<World>>, request: Request) -> Response {
    let latency = world.draw(|rng| rng.u64(0..LATENCY_MAX_MS));
    tokio::time::sleep(Duration::from_millis(latency)).await;
    if world.refuses() {
        let mut busy = ApiAnswer::empty(StatusCode::SERVICE_UNAVAILABLE);
        busy.headers
            .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        return response(busy);
    }
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, LIMITS.body_bytes_max).await;
    let request = ApiRequest {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: body.unwrap_or_default(),
    };
    let answer = world.double.answer(&request, &mut world.ledger());
    if world.loses() {
        // It was carried out; a gateway on the way back gave up waiting.
        return response(ApiAnswer::empty(StatusCode::GATEWAY_TIMEOUT));
    }
    response(answer)
}

fn response(answer: ApiAnswer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

/// The service as one of its clients reaches it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client<'a> {
    service: &'a Service,
    egress: &'a Egress,
}

impl Client<'_> {
    /// Makes a request to a path.
    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, egress::Error> {
        let url = format!("http://{}{path}", self.service.address);
        let url = url.parse().map_err(|_invalid| egress::Error::TimedOut)?;
        let request = egress::Request {
            method,
            url,
            headers,
            body,
        };
        self.egress.send(request, LIMITS).await
    }

    /// Makes a request with the account's key; answers the body if it succeeded.
    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let mut headers = HeaderMap::new();
        let bearer = format!("Bearer {}", self.service.key.expose_secret());
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(&bearer)?);
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        let body: Bytes = body.map(|body| body.to_string().into()).unwrap_or_default();
        let mut again = 0;
        let answer = loop {
            let sent = self.send(method.clone(), path, headers.clone(), body.clone());
            let answer = sent.await?;
            if answer.status != StatusCode::SERVICE_UNAVAILABLE || again == CLIENT_RETRIES {
                break answer;
            }
            again += 1;
            tokio::time::sleep(Duration::from_millis(50 * u64::from(again))).await;
        };
        let text = String::from_utf8_lossy(&answer.body);
        ensure!(
            answer.status.is_success(),
            "{path}: {} {text}",
            answer.status
        );
        Ok(serde_json::from_slice(&answer.body)?)
    }

    /// Reports a step as a PBX does whose provider tells nothing of it.
    pub(super) async fn report(&self, call: &LedgerCall, post: &str) -> anyhow::Result<()> {
        let outgoing = call.direction == crate::domain::state::Direction::Outbound;
        let body = serde_json::json!({
            "CallId": call.id, "From": call.from, "To": call.to, "email": "agent@example.com",
            "Direction": if outgoing { "outgoing" } else { "incoming" },
        });
        let path = format!("/api/v1/voip/{post}");
        self.ask(Method::POST, &path, Some(&body)).await.map(drop)
    }

    /// Our id of a call, as soon as the service has read what it was told of it: a stream is not acknowledged as a post is. It may know
    /// more than it was told: of one that is over at the provider, also that, by asking.
    pub(super) async fn known(&self, call: &LedgerCall) -> anyhow::Result<String> {
        const LOOKS: u32 = 300;
        let sid = &call.id;
        let path = format!(
            "/calls/query?filter_columns[]=call_sid&filter_operator[]=eq&filter_values[]={sid}"
        );
        for _ in 0..LOOKS {
            let found = self.ask(Method::GET, &path, None).await?;
            let text = |name| found.pointer(name).and_then(Value::as_str);
            if let Some(id) = text("/data/0/id")
                && (call.answered_at.is_none()
                    || text("/data/0/call_status") == Some("in-progress")
                    || text("/data/0/ended_at").is_some())
            {
                return Ok(id.to_owned());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::bail!("{sid} is not known here as it is there, half a minute after it was told")
    }

    /// Ends a call.
    pub(super) async fn end(&self, call_id: &str) -> anyhow::Result<()> {
        let body = serde_json::json!({ "call_id": call_id });
        self.ask(Method::POST, "/calls/end", Some(&body))
            .await
            .map(drop)
    }

    /// How many calls are live.
    pub(super) async fn live(&self) -> anyhow::Result<u64> {
        let path = "/calls/query?per_page=1&filter_columns[]=ended_at&filter_operator[]=is_null&filter_values[]=true";
        let found = self.ask(Method::GET, path, None).await?;
        let total = found.pointer("/meta/total").and_then(Value::as_u64);
        total.context("the list has no total")
    }

    /// Every record.
    pub(super) async fn records(&self) -> anyhow::Result<Vec<Value>> {
        let mut records = Vec::new();
        let mut path = "/calls/query?per_page=100".to_owned();
        loop {
            let page = self.ask(Method::GET, &path, None).await?;
            let calls = page.get("data").and_then(Value::as_array);
            records.extend(calls.context("the list has no data")?.iter().cloned());
            match page.pointer("/meta/next_cursor").and_then(Value::as_str) {
                Some(cursor) => path = format!("/calls/query?per_page=100&cursor={cursor}"),
                None => return Ok(records),
            }
        }
    }
}
