//! `chat/completions` as it is asked and answered. Only the fields that we read.

use std::time::Duration;

use anyhow::anyhow;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Again, AnswerTokensParameter, Failure, Reply, Service, Strictness};
use crate::{
    analysis::insights::Prompt,
    domain::analysis::{FailReason, insights::Usage},
    egress::{Answer, Request},
};

/// The name of the schema; servers want one.
const SCHEMA_NAME: &str = "call_analysis";
/// What is kept of what the model calls itself.
const MODEL_CHARS_MAX: usize = 200;

#[derive(Debug, Deserialize)]
struct Completion {
    #[serde(default)]
    model: Option<String>,
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Tokens>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    message: Message,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Tokens {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
}

/// The body of a request.
pub(super) fn request(
    service: &Service,
    prompt: &Prompt,
    schema: &Value,
    strictness: Strictness,
) -> Value {
    let prompt = match strictness {
        Strictness::Schema => prompt.clone(),
        Strictness::Json | Strictness::Prompt => prompt.clone().with_schema(schema),
    };
    let bound = match service.answer_tokens_parameter {
        AnswerTokensParameter::MaxTokens => "max_tokens",
        AnswerTokensParameter::MaxCompletionTokens => "max_completion_tokens",
    };
    let format = match strictness {
        Strictness::Schema => Some(json!({
            "type": "json_schema",
            "json_schema": {"name": SCHEMA_NAME, "strict": true, "schema": schema},
        })),
        Strictness::Json => Some(json!({"type": "json_object"})),
        Strictness::Prompt => None,
    };
    let fields = [
        ("model", Some(json!(service.model.name))),
        ("messages", Some(json!(prompt.0))),
        (bound, Some(json!(service.model.answer_tokens))),
        (
            "temperature",
            service.temperature.map(|temperature| json!(temperature)),
        ),
        ("response_format", format),
    ];
    let fields = fields.into_iter();
    fields
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

/// The request that carries a body.
pub(super) fn http(service: &Service, body: &Value) -> anyhow::Result<Request> {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if let Some(key) = &service.api_key {
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", key.expose_secret()))
            .map_err(|_error| anyhow!("the key cannot stand in a header"))?;
        bearer.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, bearer);
    }
    let mut url = service.url.clone();
    let path = format!("{}/chat/completions", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(Request {
        method: Method::POST,
        url,
        headers,
        body: serde_json::to_vec(body)?.into(),
    })
}

/// Whether the server did not understand how it was to be made to keep to the schema.
pub(super) fn is_about_the_format(answer: &Answer) -> bool {
    let told = String::from_utf8_lossy(&answer.body);
    let refused = matches!(
        answer.status,
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY
    );
    refused
        && ["response_format", "json_schema", "json_object"]
            .iter()
            .any(|word| told.contains(word))
}

/// Whether another attempt may help: what the server says itself counts before what its status says.
pub(super) fn may_be_tried_again(answer: &Answer) -> bool {
    let says = answer
        .headers
        .get("x-should-retry")
        .map(HeaderValue::as_bytes);
    match says {
        Some(b"true") => !answer.status.is_success(),
        Some(b"false") => false,
        _ => matches!(answer.status.as_u16(), 408 | 409 | 429 | 500..),
    }
}

/// How long the server wants us to wait.
pub(super) fn put_off(answer: &Answer) -> Option<Duration> {
    let ms = answer.headers.get("retry-after-ms");
    let ms = ms.and_then(|ms| ms.to_str().ok()?.trim().parse::<f64>().ok());
    let exact = ms.and_then(|ms| Duration::try_from_secs_f64(ms / 1000.0).ok());
    exact.or_else(|| answer.retry_after())
}

/// Reads an answer that succeeded.
pub(super) fn read(answer: &Answer, asked: &str) -> Result<Reply, Failure> {
    if answer.truncated {
        return Err(invalid("an answer of more than 1 MiB"));
    }
    let completion: Completion = serde_json::from_slice(&answer.body).map_err(|error| {
        // The error may quote what was said.
        invalid(&format!(
            "an answer that is no completion, from column {} on",
            error.column()
        ))
    })?;
    let model = completion.model.filter(|model| !model.trim().is_empty());
    let model = model.as_deref().unwrap_or(asked);
    let Some(choice) = completion.choices.into_iter().next() else {
        return Err(invalid("an answer without choices"));
    };
    if choice
        .message
        .refusal
        .is_some_and(|refusal| !refusal.is_empty())
    {
        return Err(never(FailReason::ModelRefused, "the model refused"));
    }
    match choice.finish_reason.as_deref() {
        Some("content_filter") => {
            return Err(never(FailReason::ModelRefused, "a filter took the answer"));
        }
        Some("length") => return Err(never(FailReason::ModelAnswerCut, "the answer was cut")),
        _ => {}
    }
    let text = choice.message.content.unwrap_or_default();
    let tokens = completion.usage;
    Ok(Reply {
        text,
        model: model
            .chars()
            .filter(|character| !character.is_control())
            .take(MODEL_CHARS_MAX)
            .collect(),
        usage: Usage {
            requests: 1,
            prompt_tokens: tokens.as_ref().and_then(|tokens| tokens.prompt_tokens),
            completion_tokens: tokens.and_then(|tokens| tokens.completion_tokens),
        },
    })
}

/// Something else answered, or a server that is not well.
fn invalid(what: &str) -> Failure {
    Failure {
        reason: FailReason::ModelAnswerInvalid,
        again: Again::Later { after: None },
        cause: anyhow!("{what}"),
    }
}

fn never(reason: FailReason, what: &str) -> Failure {
    Failure {
        reason,
        again: Again::Never,
        cause: anyhow!("{what}"),
    }
}
