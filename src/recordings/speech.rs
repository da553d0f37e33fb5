//! Asks a speech-to-text service what is said in a piece of sound. Two interfaces are known: [`openai`] and [`deepgram`].
//!
//! The operator names the service, so it may be on this machine or in a private network. The bytes are always uploaded, also to services that
//! would fetch a URL themselves: so a recording is fetched once, by us, within the bounds that hold for it.

use std::{sync::Arc, time::Duration};

use anyhow::anyhow;
use http::StatusCode;
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use super::{Again, Failure};
use crate::{
    domain::{analysis::FailReason, recording::TranscriptionMethod},
    egress::{Answer, Egress, Limits, Request},
};

mod deepgram;
mod heard;
mod openai;

pub use heard::{Heard, HeardSegment, HeardWord};

/// Requests for one piece, the first included.
const ATTEMPTS_MAX: u32 = 3;
/// The longest wait between them; who asks for more is asked again by a later attempt of the job.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// The first wait; it doubles.
const WAIT_FIRST: Duration = Duration::from_millis(500);
/// The longest answer that is read: five minutes of words have a hundredth of that.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A service, as the operator has configured it.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its interface.
    pub method: TranscriptionMethod,
    /// The base of its URLs, such as `https://api.openai.com/v1`.
    pub url: Url,
    /// What it knows us by.
    pub api_key: Option<SecretString>,
    /// The model to ask for.
    pub model: String,
    /// How long one request may take.
    pub timeout: Duration,
}

/// Whether one or several people may speak in a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speakers {
    /// One: it is one channel of several.
    One,
    /// Nobody knows: it is all of a recording.
    Any,
}

/// Asks the service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Speech {
    service: Arc<Service>,
    egress: Egress,
    formats: openai::Formats,
}

impl Speech {
    /// Asks this service through this client.
    pub fn new(service: Service, egress: Egress) -> Self {
        Self {
            formats: openai::Formats::for_model(&service.model),
            service: Arc::new(service),
            egress,
        }
    }

    /// The service.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// What is said in a piece: a WAV file. A few attempts are made; waits between them are short.
    pub async fn hear(&self, wav: &[u8], speakers: Speakers) -> Result<Heard, Failure> {
        let mut wait = WAIT_FIRST;
        for _ in 1..ATTEMPTS_MAX {
            match self.ask(wav, speakers).await {
                Err(Failure {
                    again: Again::Later { after },
                    ..
                }) if after.is_none_or(|after| after <= WAIT_MAX) => {
                    tokio::time::sleep(after.unwrap_or(wait)).await;
                    wait *= 2;
                }
                answered => return answered,
            }
        }
        self.ask(wav, speakers).await
    }

    async fn ask(&self, wav: &[u8], speakers: Speakers) -> Result<Heard, Failure> {
        match self.service.method {
            TranscriptionMethod::Openai => openai::ask(self, wav).await,
            TranscriptionMethod::Deepgram => deepgram::ask(self, wav, speakers).await,
        }
    }

    /// One request; answers what it was answered, if that may be an answer.
    async fn send(&self, request: Request) -> Result<Answer, Failure> {
        let limits = Limits {
            deadline: self.service.timeout,
            body_bytes_max: ANSWER_BYTES_MAX,
        };
        let sent = self.egress.send(request, limits).await;
        let answer =
            sent.map_err(|error| Failure::later(FailReason::SpeechToTextUnavailable, error))?;
        match answer.status.as_u16() {
            408 | 409 | 425 | 429 | 500.. => Err(Failure::after(
                FailReason::SpeechToTextUnavailable,
                answer.retry_after(),
                status(answer.status),
            )),
            _ => Ok(answer),
        }
    }
}

fn status(status: StatusCode) -> anyhow::Error {
    anyhow!("the speech-to-text service answered {}", status.as_u16())
}

/// The service does not take what we sent.
fn refused(answer: &Answer) -> Failure {
    Failure::never(FailReason::SpeechToTextRefused, status(answer.status))
}

/// The JSON of an answer. One that is cut or no JSON may be better the next time.
fn json(answer: &Answer) -> Result<Value, Failure> {
    let unreadable = |cause| Failure::later(FailReason::SpeechToTextUnreadable, cause);
    if answer.truncated {
        return Err(unreadable(anyhow!("an answer of more than 8 MiB")));
    }
    serde_json::from_slice(&answer.body).map_err(|error| {
        // The error may quote what is said.
        unreadable(anyhow!(
            "an answer that is no JSON, from line {} on",
            error.line()
        ))
    })
}

/// A URL below the base.
fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    let whole = format!("{}/{path}", base.path().trim_end_matches('/'));
    url.set_path(&whole);
    url
}
