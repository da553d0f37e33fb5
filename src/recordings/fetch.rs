//! Fetches a recording to a file that is gone when its handle is. Its size, its time and its redirects are bounded; every hop goes through
//! the address policy; a connection that breaks is taken up where it broke, if the file is still the same.

use std::{fs::File, io::SeekFrom, time::Duration};

use anyhow::anyhow;
use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};
use url::Url;

use super::{Failure, internal};
use crate::{
    domain::analysis::FailReason,
    egress::{Egress, Error, Request, download::Incoming},
};

/// How often a connection that broke is taken up again in one attempt.
const RESUMES_MAX: u32 = 5;
/// The most redirects that are followed.
const REDIRECTS_MAX: u32 = 5;
/// How long the head of an answer, or the next part of its body, may take.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// The first wait before a connection is taken up again; it doubles.
const RESUME_FIRST: Duration = Duration::from_millis(200);

/// What fetching may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The most bytes.
    pub bytes_max: u64,
    /// From the first look-up to the last byte.
    pub deadline: Duration,
}

/// A recording that is here.
#[derive(Debug)]
pub struct Fetched {
    /// The file; it has no name.
    pub file: File,
    /// How long it is.
    pub bytes: u64,
    /// The hash of it, in hex.
    pub sha256: String,
}

/// Fetches what is at a URL.
pub async fn fetch(egress: &Egress, url: &Url, bounds: Bounds) -> Result<Fetched, Failure> {
    let fetching = async {
        let file = tokio::task::spawn_blocking(tempfile::tempfile);
        let file = file.await.map_err(internal)?.map_err(internal)?;
        let mut download = Download {
            egress,
            url,
            bytes_max: bounds.bytes_max,
            file: tokio::fs::File::from_std(file),
            received: 0,
            digest: Context::new(&SHA256),
            validator: None,
        };
        download.run().await?;
        download.file.flush().await.map_err(internal)?;
        Ok(Fetched {
            bytes: download.received,
            sha256: hex::encode(download.digest.finish()),
            file: download.file.into_std().await,
        })
    };
    match tokio::time::timeout(bounds.deadline, Box::pin(fetching)).await {
        Ok(fetched) => fetched,
        Err(_elapsed) => Err(Failure::later(
            FailReason::RecordingUnreachable,
            anyhow!("it was not here after {} s", bounds.deadline.as_secs()),
        )),
    }
}

struct Download<'a> {
    egress: &'a Egress,
    url: &'a Url,
    bytes_max: u64,
    file: tokio::fs::File,
    received: u64,
    digest: Context,
    /// What tells whether the file is still the same: its entity tag, or when it was last changed.
    validator: Option<HeaderValue>,
}

/// Why a connection gave no complete file.
enum Broken {
    /// It may be taken up again.
    Off(Error),
    /// It may not.
    Failed(Failure),
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Download<'_> {
    async fn run(&mut self) -> Result<(), Failure> {
        let mut wait = RESUME_FIRST;
        for _ in 0..RESUMES_MAX {
            match self.connection().await {
                Ok(()) => return Ok(()),
                Err(Broken::Failed(failure)) => return Err(failure),
                Err(Broken::Off(error)) => {
                    tracing::debug!(
                        error = %error, received = self.received,
                        "a recording broke off; it is taken up again"
                    );
                }
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        match self.connection().await {
            Ok(()) => Ok(()),
            Err(Broken::Failed(failure)) => Err(failure),
            Err(Broken::Off(error)) => Err(Failure::later(FailReason::RecordingUnreachable, error)),
        }
    }

    /// One connection, redirects followed, to the end of the file or until it breaks.
    async fn connection(&mut self) -> Result<(), Broken> {
        let mut url = self.url.clone();
        for _ in 0..=REDIRECTS_MAX {
            let request = Request {
                method: Method::GET,
                url: url.clone(),
                headers: self.headers(),
                body: Bytes::new(),
            };
            let mut answer = match self.egress.open(request, SILENCE_MAX).await {
                Ok(answer) => answer,
                Err(error @ Error::Refused(_)) => {
                    let reason = FailReason::RecordingAddressRefused;
                    return Err(Failure::never(reason, error).into());
                }
                Err(error) => return Err(Broken::Off(error)),
            };
            if let Some(next) = redirect(&answer, &url)? {
                url = next;
                continue;
            }
            return self.receive(&mut answer).await;
        }
        let reason = FailReason::RecordingRefused;
        Err(Failure::never(reason, anyhow!("more than {REDIRECTS_MAX} redirects")).into())
    }

    /// What is asked for: the whole, or the rest of the same file.
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let accepted = HeaderValue::from_static("audio/*, application/ogg, */*;q=0.5");
        headers.insert(header::ACCEPT, accepted);
        let identity = HeaderValue::from_static("identity");
        headers.insert(header::ACCEPT_ENCODING, identity);
        if let Some(validator) = self.validator.as_ref().filter(|_| self.received > 0) {
            let range = format!("bytes={}-", self.received);
            if let Ok(range) = HeaderValue::try_from(range) {
                headers.insert(header::RANGE, range);
                headers.insert(header::IF_RANGE, validator.clone());
            }
        }
        headers
    }

    async fn receive(&mut self, answer: &mut Incoming) -> Result<(), Broken> {
        match answer.status {
            StatusCode::OK => self.restart().await?,
            StatusCode::PARTIAL_CONTENT if starts_at(&answer.headers) == Some(self.received) => {}
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
                // Not the part that was asked for: from the start, then.
                self.restart().await?;
                return Err(Broken::Off(Error::Protocol("an odd range".into())));
            }
            status => return Err(refused(status, answer).into()),
        }
        check_type(&answer.headers)?;
        let length = number(&answer.headers, header::CONTENT_LENGTH);
        if length.is_some_and(|length| self.received.saturating_add(length) > self.bytes_max) {
            return Err(self.too_large().into());
        }
        self.validator = validator(&answer.headers);
        while let Some(chunk) = answer.chunk(SILENCE_MAX).await.map_err(Broken::Off)? {
            let longer = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
            if self.received.saturating_add(longer) > self.bytes_max {
                return Err(self.too_large().into());
            }
            self.file.write_all(&chunk).await.map_err(internal)?;
            self.digest.update(&chunk);
            self.received += longer;
        }
        Ok(())
    }

    /// Forgets what was received.
    async fn restart(&mut self) -> Result<(), Failure> {
        if self.received > 0 {
            self.file.set_len(0).await.map_err(internal)?;
            self.file.seek(SeekFrom::Start(0)).await.map_err(internal)?;
        }
        (self.received, self.validator) = (0, None);
        self.digest = Context::new(&SHA256);
        Ok(())
    }

    fn too_large(&self) -> Failure {
        let cause = anyhow!("it has more than {} bytes", self.bytes_max);
        Failure::never(FailReason::RecordingTooLarge, cause)
    }
}

/// Where a redirect leads: never from https to http.
fn redirect(answer: &Incoming, from: &Url) -> Result<Option<Url>, Failure> {
    if !matches!(answer.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let refused = |why| Failure::never(FailReason::RecordingRefused, anyhow!("a redirect {why}"));
    let location = answer.headers.get(header::LOCATION);
    let location = location.and_then(|location| location.to_str().ok());
    let location = location.ok_or_else(|| refused("without a place"))?;
    let mut next = from.join(location).map_err(|_error| refused("to no URL"))?;
    next.set_fragment(None);
    if from.scheme() == "https" && next.scheme() != "https" {
        return Err(refused("from https to something else"));
    }
    Ok(Some(next))
}

/// What a status means that is no file.
fn refused(status: StatusCode, answer: &Incoming) -> Failure {
    let cause = anyhow!("the server answered {}", status.as_u16());
    match status.as_u16() {
        401 | 403 | 407 => Failure::never(FailReason::RecordingForbidden, cause),
        // Providers tell where a recording is before it is there.
        202 | 204 | 404 | 425 => {
            Failure::after(FailReason::RecordingNotFound, answer.retry_after(), cause)
        }
        410 => Failure::never(FailReason::RecordingNotFound, cause),
        408 | 429 | 500.. => Failure::after(
            FailReason::RecordingUnreachable,
            answer.retry_after(),
            cause,
        ),
        _ => Failure::never(FailReason::RecordingRefused, cause),
    }
}

/// Refuses what says that it is no audio: a page to sign in, mostly. What says nothing is looked at.
fn check_type(headers: &HeaderMap) -> Result<(), Failure> {
    let not_audio = |why: &str| Failure::never(FailReason::NotAudio, anyhow!("{why}"));
    let coded = headers.get(header::CONTENT_ENCODING);
    if coded.is_some_and(|coding| coding != "identity") {
        return Err(not_audio("it is compressed for transport"));
    }
    let Some(told) = headers.get(header::CONTENT_TYPE) else {
        return Ok(());
    };
    let told = told.to_str().unwrap_or_default().to_ascii_lowercase();
    let told = told.split(';').next().unwrap_or_default().trim();
    let plausible = told.starts_with("audio/")
        || matches!(
            told,
            "" | "application/octet-stream"
                | "binary/octet-stream"
                | "application/ogg"
                | "video/ogg"
                | "application/x-wav"
        );
    if plausible {
        Ok(())
    } else {
        Err(not_audio("its content type is none of audio"))
    }
}

/// What tells whether the file is still the same: a strong entity tag, else when it was last changed.
fn validator(headers: &HeaderMap) -> Option<HeaderValue> {
    let tag = headers.get(header::ETAG);
    let strong = tag.filter(|tag| tag.as_bytes().starts_with(b"\""));
    strong
        .or_else(|| headers.get(header::LAST_MODIFIED))
        .cloned()
}

/// Where the part begins that came: `bytes 100-199/200`.
fn starts_at(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    let range = range.trim().strip_prefix("bytes")?.trim_start();
    range.split('-').next()?.trim().parse().ok()
}

fn number(headers: &HeaderMap, name: header::HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}
