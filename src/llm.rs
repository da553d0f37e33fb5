//! Asks a language model: any server that speaks `OpenAI`'s `chat/completions`. The operator names it, so it may be on this machine.
//!
//! It is asked in the strictest way that it understands ([`Strictness`]): what it does not know it refuses with 400, and that is
//! remembered for as long as the process lives. Failures that pass are tried again here as the official client does it, as long as the
//! waits are short; longer ones are for the caller's job. [`wire`] has the shapes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use anyhow::anyhow;
use secrecy::SecretString;
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use crate::{
    analysis::insights::{Model, Prompt},
    domain::analysis::{FailReason, insights::Usage},
    egress::{self, Answer, Egress, Limits},
    metrics::Metrics,
};

mod wire;

/// Requests for one answer, the first included.
const ATTEMPTS_MAX: u32 = 3;
/// The first wait between them; it doubles, less up to a quarter.
const WAIT_FIRST: Duration = Duration::from_millis(500);
/// The longest wait between them; who asks for more is asked again by a later attempt of the job.
const WAIT_MAX: Duration = Duration::from_secs(8);
/// The longest that a server can put us off by asking for it.
const PUT_OFF_MAX: Duration = Duration::from_mins(2);
/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// A service, as the operator has configured it.
#[derive(Debug, Clone)]
pub struct Service {
    /// The base of its URLs, such as `https://api.openai.com/v1`.
    pub url: Url,
    /// What it knows us by.
    pub api_key: Option<SecretString>,
    /// The model, as far as it decides what is asked.
    pub model: Model,
    /// What the parameter is called that bounds the answer.
    pub answer_tokens_parameter: AnswerTokensParameter,
    /// How much the model may stray; not said unless configured, for some refuse it.
    pub temperature: Option<f64>,
    /// How long one request may take.
    pub timeout: Duration,
}

/// What the parameter is called that bounds the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerTokensParameter {
    /// What every server knows, but for newer models at `OpenAI`.
    MaxTokens,
    /// What those want.
    MaxCompletionTokens,
}

/// How the server is made to keep to the schema, strictest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strictness {
    /// By the schema, in `response_format`.
    Schema,
    /// By `response_format` that asks for JSON; the schema is in the prompt.
    Json,
    /// By the prompt alone.
    Prompt,
}

const LADDER: [Strictness; 3] = [Strictness::Schema, Strictness::Json, Strictness::Prompt];

/// Asks the service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Llm {
    service: Arc<Service>,
    egress: Egress,
    rung: Arc<AtomicU8>,
    metrics: Metrics,
}

/// What a model answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The text, not judged.
    pub text: String,
    /// The model, as it calls itself.
    pub model: String,
    /// What it was charged for.
    pub usage: Usage,
}

/// Whether asking again may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// It may.
    Later {
        /// Not before, if the server said so.
        after: Option<Duration>,
    },
    /// Not before somebody changes something.
    Never,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct Failure {
    /// What is told of it.
    pub reason: FailReason,
    /// Whether asking again may help.
    pub again: Again,
    /// What only the log sees. It never quotes a transcript or a key.
    pub cause: anyhow::Error,
}

impl Llm {
    /// Asks this service through this client, which may reach it.
    pub fn new(service: Service, egress: Egress, metrics: Metrics) -> Self {
        Self {
            service: Arc::new(service),
            egress,
            rung: Arc::default(),
            metrics,
        }
    }

    /// The service.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// The model, as far as it decides what is asked.
    pub fn model(&self) -> &Model {
        &self.service.model
    }

    /// Asks, until `deadline` at most.
    pub async fn ask(
        &self,
        prompt: &Prompt,
        schema: &Value,
        deadline: Instant,
    ) -> Result<Reply, Failure> {
        loop {
            let (rung, strictness) = self.strictness();
            let body = wire::request(&self.service, prompt, schema, strictness);
            let answer = self.patiently(&body, deadline).await?;
            if answer.status.is_success() {
                let read = wire::read(&answer, &self.service.model.name);
                if let Ok(reply) = &read {
                    self.metrics.llm_tokens(&reply.usage);
                }
                return read;
            }
            if !(wire::is_about_the_format(&answer) && self.step_down(rung)) {
                return Err(refused(&answer));
            }
        }
    }

    fn strictness(&self) -> (u8, Strictness) {
        let rung = self.rung.load(Ordering::Relaxed);
        let strictness = LADDER.get(usize::from(rung)).copied();
        (rung, strictness.unwrap_or(Strictness::Prompt))
    }

    /// Whether there is a less strict way than this one. Others may have stepped down already: never two steps for one refusal.
    fn step_down(&self, from: u8) -> bool {
        let next = from.saturating_add(1);
        if usize::from(next) >= LADDER.len() {
            return false;
        }
        self.rung.fetch_max(next, Ordering::Relaxed);
        true
    }

    /// One request, and again where that may help and does not take long.
    async fn patiently(&self, body: &Value, deadline: Instant) -> Result<Answer, Failure> {
        let mut wait = WAIT_FIRST;
        for _ in 1..ATTEMPTS_MAX {
            let failure = match self.send(body, deadline).await {
                Err(failure) => failure,
                answered => return answered,
            };
            let Again::Later { after } = failure.again else {
                return Err(failure);
            };
            let pause = after.unwrap_or_else(|| shortened(wait));
            let is_slow = failure.reason == FailReason::ModelTimedOut;
            if is_slow || pause > WAIT_MAX || Instant::now() + pause >= deadline {
                return Err(failure);
            }
            tokio::time::sleep(pause).await;
            wait = (wait * 2).min(WAIT_MAX);
        }
        self.send(body, deadline).await
    }

    async fn send(&self, body: &Value, deadline: Instant) -> Result<Answer, Failure> {
        let left = deadline.saturating_duration_since(Instant::now());
        let limits = Limits {
            deadline: self.service.timeout.min(left),
            body_bytes_max: ANSWER_BYTES_MAX,
        };
        let request = wire::http(&self.service, body).map_err(|cause| Failure {
            reason: FailReason::ModelRejectedRequest,
            again: Again::Never,
            cause,
        })?;
        let sent = self.egress.send(request, limits).await;
        let outcome = match &sent {
            Ok(answer) if answer.status.is_success() => "succeeded",
            Ok(_) => "refused",
            Err(error) => error.outcome(),
        };
        self.metrics.llm_request(outcome);
        let answer = sent.map_err(|error| Failure {
            reason: match error {
                egress::Error::TimedOut => FailReason::ModelTimedOut,
                _ => FailReason::ModelUnavailable,
            },
            again: Again::Later { after: None },
            cause: error.into(),
        })?;
        if wire::may_be_tried_again(&answer) {
            return Err(Failure {
                reason: FailReason::ModelUnavailable,
                again: Again::Later {
                    after: wire::put_off(&answer).map(|wait| wait.min(PUT_OFF_MAX)),
                },
                cause: anyhow!("the language model's server answered {}", answer.status),
            });
        }
        Ok(answer)
    }
}

/// The server does not take what we sent. Its words may quote the transcript: they are not kept.
fn refused(answer: &Answer) -> Failure {
    Failure {
        reason: FailReason::ModelRejectedRequest,
        again: Again::Never,
        cause: anyhow!("the language model's server answered {}", answer.status),
    }
}

/// Up to a quarter less, so that many who were refused together do not come back together.
fn shortened(wait: Duration) -> Duration {
    let mut random = [0_u8; 1];
    // Without randomness the whole wait is as good.
    let part = aws_lc_rs::rand::fill(&mut random).map_or(0, |()| u32::from(random[0]));
    wait.saturating_sub(wait * part / 1024)
}
