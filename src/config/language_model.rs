//! The settings of the language model that is asked about calls.

use std::time::Duration;

use url::Url;

use super::{Reader, secret, setting};
use crate::{
    analysis::insights::Model,
    llm::{AnswerTokensParameter, Service},
};

/// The service, if one is named.
pub(super) fn language_model(reader: &mut Reader) -> Option<Service> {
    let needs = [
        setting::LLM_MODEL,
        setting::LLM_API_KEY,
        setting::LLM_TEMPERATURE,
    ];
    for (given, missing) in needs
        .map(|given| (given, setting::LLM_URL))
        .into_iter()
        .chain([(setting::LLM_URL, setting::LLM_MODEL)])
    {
        if reader.has(given) && !reader.has(missing) {
            let problem = format!(
                "{}: is required with {}: set it to {}",
                missing.name, given.name, missing.form
            );
            reader.problem(problem);
        }
    }
    let url = reader.optional(setting::LLM_URL, base_url);
    let name = reader.optional(setting::LLM_MODEL, str::parse::<String>);
    let api_key = secret(reader, setting::LLM_API_KEY);
    let timeout = Duration::from_secs(reader.number(setting::LLM_TIMEOUT_S, 1..=300));
    let context_tokens = reader.number(setting::LLM_CONTEXT_TOKENS, 4_096..=2_000_000);
    let answer_tokens = reader.number(setting::LLM_ANSWER_TOKENS, 256..=32_768);
    let answer_tokens_parameter = reader.value(setting::LLM_ANSWER_TOKENS_PARAMETER, parameter);
    let temperature = reader.optional(setting::LLM_TEMPERATURE, temperature);
    if u64::from(answer_tokens) * 4 > u64::from(context_tokens) {
        reader.problem(format!(
            "{}: must be at most a quarter of {}",
            setting::LLM_ANSWER_TOKENS.name,
            setting::LLM_CONTEXT_TOKENS.name
        ));
    }
    Some(Service {
        url: url?,
        api_key,
        model: Model {
            name: name?,
            context_tokens,
            answer_tokens,
        },
        answer_tokens_parameter,
        temperature,
        timeout,
    })
}

/// A URL below which an API is.
fn base_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_error| "it is not a URL")?;
    let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !bare {
        return Err("it has another scheme, no host, or credentials or a fragment");
    }
    Ok(url)
}

fn parameter(text: &str) -> Result<AnswerTokensParameter, &'static str> {
    match text {
        "max_tokens" => Ok(AnswerTokensParameter::MaxTokens),
        "max_completion_tokens" => Ok(AnswerTokensParameter::MaxCompletionTokens),
        _ => Err("it is neither"),
    }
}

fn temperature(text: &str) -> Result<f64, &'static str> {
    let temperature: f64 = text.parse().map_err(|_error| "it is not a number")?;
    if (0.0..=2.0).contains(&temperature) {
        Ok(temperature)
    } else {
        Err("it is not between them")
    }
}
