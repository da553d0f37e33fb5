//! `Idempotency-Key`: a write that may be sent again has its effect once, and its answer again.
//!
//! A handler that makes something takes [`Once`], verifies and parses as ever, and then lets [`Once::perform`] do the work. Only
//! from there on is a key used: what was refused before may be corrected under the same key. The work is given the id of what
//! it is to make. A request whose process died in the middle of it is worked on again under the same id, and the work must
//! then find what is there: so the effect is marked in its own transaction, by its own primary key.
//!
//! Answers are kept for a day, sealed: they hold signing secrets and the numbers of people, and are read once or never.

use std::time::Duration;

use aws_lc_rs::digest;
use axum::{
    body::{Body, to_bytes},
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, request::Parts},
    response::Response,
};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tracing::Instrument as _;
use uuid::Uuid;

use super::{
    error::{Code, Error, FieldError, Place, problem::Occasion},
    guard,
    state::ApiState,
};
use crate::{
    domain::account::{Caller, Principal},
    store::{
        self,
        idempotency::{self, Claim, Claimed, Sha256, Wanted},
    },
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The longest key, in bytes.
const KEY_BYTES_MAX: usize = 255;

/// How long the work of one request may take.
const WORK_MAX: Duration = Duration::from_secs(45);

/// How long a request is its process's own: longer than its work may take.
const LEASE: Duration = Duration::from_mins(1);

/// After how many seconds a request that is being worked on may be asked for again.
const RETRY_AFTER_S: u32 = 1;

/// What a request is made again by: its key, if it has one.
#[derive(Debug)]
pub struct Once {
    key: Option<HeaderValue>,
    occasion: Occasion,
}

/// The head of a kept answer; its body follows.
#[derive(Serialize, Deserialize)]
struct Head {
    status: u16,
    headers: Vec<(String, String)>,
}

impl<S: Send + Sync> FromRequestParts<S> for Once {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        Ok(Self {
            key: key(&parts.headers)?,
            occasion: Occasion::of_parts(parts),
        })
    }
}

fn key(headers: &HeaderMap) -> Result<Option<HeaderValue>, Error> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(key) = values.next() else {
        return Ok(None);
    };
    let bytes = key.as_bytes();
    let plain = (1..=KEY_BYTES_MAX).contains(&bytes.len())
        && bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
    if values.next().is_some() || !plain {
        let message =
            format!("must be there once, with 1 to {KEY_BYTES_MAX} printable ASCII characters");
        let wrong = FieldError::invalid("Idempotency-Key", message);
        return Err(Error::fields(Code::InvalidInput, vec![wrong]).at(Place::Header));
    }
    Ok(Some(key.clone()))
}

/// The first of two equal requests has not been answered yet.
pub(super) fn in_progress() -> Error {
    let told = "the same request is being worked on; try again";
    Error::new(Code::InProgress, told).retry_after(RETRY_AFTER_S)
}

/// The key stands for another request.
pub(super) fn key_reused() -> Error {
    let told = "the Idempotency-Key was used for another request";
    Error::new(Code::KeyReused, told)
}

impl Once {
    /// Does the work, unless the same request was answered before: then that answer is given again.
    ///
    /// `work` is given the id of what it is to make, and must find what is there under that id: it is called again with it if
    /// a process has died of it. Its answer is kept but for 5xx, after which the same request goes on, and 422, after which a
    /// corrected one may. The work goes on to its end even if the client has gone.
    pub async fn perform<W>(
        self,
        state: &ApiState,
        caller: &Caller,
        body: &[u8],
        work: impl FnOnce(Uuid) -> W,
    ) -> Result<Response, Error>
    where
        W: Future<Output = Result<Response, Error>> + Send + 'static,
    {
        let Some(key) = &self.key else {
            return work(Uuid::now_v7()).await;
        };
        let wanted = self.wanted(caller, key, body);
        let claimed = store::within::<_, store::Error>(async {
            let mut conn = state.db.acquire().await?;
            Ok(idempotency::claim(&mut conn, &wanted, LEASE).await?)
        });
        let claim = match claimed.await? {
            Claimed::Ours(claim) => claim,
            Claimed::Answered(sealed) => return replay(state, &wanted, &sealed),
            Claimed::InProgress => return Err(in_progress()),
            Claimed::Other => return Err(key_reused()),
        };
        let (tell, told) = oneshot::channel();
        let (state, work) = (state.clone(), work(claim.resource_id));
        let supervisor = state.supervisor.clone();
        let errand = async move {
            let done = tokio::time::timeout(WORK_MAX, work).await;
            let done = done.unwrap_or_else(|_elapsed| {
                Err(Error::new(
                    Code::Unavailable,
                    "it takes too long; try again",
                ))
            });
            // Nobody listens if the client has gone.
            drop(tell.send(self.settle(&state, &claim, done).await));
        };
        supervisor.spawn_once("idempotent request", errand.in_current_span());
        told.await.map_err(|_panicked| Error::internal())?
    }

    /// What is to be looked for: names and fingerprints are of parts that cannot run into each other.
    fn wanted(&self, caller: &Caller, key: &HeaderValue, body: &[u8]) -> Wanted {
        let who = match caller.principal() {
            Principal::Key(key_id) => format!("key {key_id}"),
            Principal::Token {
                account_id,
                kind,
                staff_uid,
            } => format!("token {account_id} {} {staff_uid:?}", kind.as_str()),
        };
        let name = [
            who.as_bytes(),
            self.occasion.method().as_str().as_bytes(),
            self.occasion.uri().path().as_bytes(),
            key.as_bytes(),
        ];
        let query = self.occasion.uri().query().unwrap_or_default();
        Wanted {
            account_id: caller.account_id,
            name: sha256(&name),
            fingerprint: sha256(&[query.as_bytes(), body]),
        }
    }

    /// Keeps what is to be answered, and answers it.
    async fn settle(
        &self,
        state: &ApiState,
        claim: &Claim,
        done: Result<Response, Error>,
    ) -> Result<Response, Error> {
        let answer = match done {
            Ok(answer) => answer,
            Err(error) if error.code() == Code::Unprocessable => {
                note(store::ask(idempotency::forget(&state.db, claim)).await);
                return Err(error);
            }
            Err(error) if error.code().status().is_server_error() => {
                note(store::ask(idempotency::release(&state.db, claim)).await);
                return Err(error);
            }
            // In the words of its surface, as it will be given again.
            Err(error) => guard::told(&self.occasion, error),
        };
        let (parts, body) = answer.into_parts();
        let body = to_bytes(body, usize::MAX)
            .await
            .map_err(|error| Error::internal().caused_by(error))?;
        let head = Head {
            status: parts.status.as_u16(),
            headers: parts
                .headers
                .iter()
                .filter_map(|(name, value)| {
                    Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
                })
                .collect(),
        };
        let mut kept = serde_json::to_vec(&head).unwrap_or_default();
        kept.push(b'\n');
        kept.extend_from_slice(&body);
        let sealed = state
            .sealing_key
            .seal(&idempotency::context(&claim.name), &kept);
        // The effect is committed; without its answer the same request will find it.
        note(store::ask(idempotency::answer(&state.db, claim, &sealed)).await);
        Ok(Response::from_parts(parts, Body::from(body)))
    }
}

/// The kept answer, once more.
fn replay(state: &ApiState, wanted: &Wanted, sealed: &[u8]) -> Result<Response, Error> {
    let unreadable = || Error::new(Code::Internal, "the kept answer cannot be read");
    let kept = state
        .sealing_key
        .open(&idempotency::context(&wanted.name), sealed)
        .map_err(|error| unreadable().caused_by(error))?;
    let mut halves = kept.splitn(2, |byte| *byte == b'\n');
    let (head, body) = (halves.next(), halves.next());
    let head: Head = serde_json::from_slice(head.unwrap_or_default())
        .map_err(|error| unreadable().caused_by(error))?;
    let mut answer = Response::new(Body::from(body.unwrap_or_default().to_vec()));
    *answer.status_mut() =
        StatusCode::from_u16(head.status).map_err(|error| unreadable().caused_by(error))?;
    let headers = head.headers.into_iter().filter_map(|(name, value)| {
        Some((
            HeaderName::try_from(name).ok()?,
            HeaderValue::try_from(value).ok()?,
        ))
    });
    answer.headers_mut().extend(headers);
    answer
        .headers_mut()
        .insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(answer)
}

/// Of parts, each with its length before it.
fn sha256(parts: &[&[u8]]) -> Sha256 {
    let mut whole = digest::Context::new(&digest::SHA256);
    for part in parts {
        whole.update(format!("{}:", part.len()).as_bytes());
        whole.update(part);
    }
    let digest = whole.finish();
    digest
        .as_ref()
        .try_into()
        .expect("a SHA-256 digest has 32 bytes")
}

fn note<T>(kept: Result<T, store::Error>) {
    if let Err(error) = kept {
        tracing::warn!(error = %error, "the answer to a request with an Idempotency-Key was not kept");
    }
}
