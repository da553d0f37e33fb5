//! The settings of recordings, and of the speech-to-text service.

use std::time::Duration;

use http::HeaderValue;
use secrecy::SecretString;

use super::{bare_url, reader::Reader, setting};
use crate::{
    domain::recording::TranscriptionMethod,
    recordings::{fetch::Bounds, speech::Service},
};

/// What fetching a recording may cost.
pub(super) fn bounds(reader: &mut Reader) -> Bounds {
    Bounds {
        bytes_max: reader.number(setting::RECORDING_BYTES_MAX, 1_048_576..=4_294_967_296),
        deadline: Duration::from_secs(reader.number(setting::RECORDING_TIMEOUT_S, 1..=3_000)),
    }
}

/// The speech-to-text service, if one is named.
pub(super) fn speech(reader: &mut Reader) -> Option<Service> {
    let method = reader.value(setting::STT_KIND, method);
    let model = reader.optional(setting::STT_MODEL, model);
    let api_key = reader.optional(setting::STT_API_KEY, key);
    let timeout = Duration::from_secs(reader.number(setting::STT_TIMEOUT_S, 1..=3_000));
    let url = reader.optional(setting::STT_URL, bare_url);
    let others = [setting::STT_API_KEY, setting::STT_MODEL];
    if url.is_none() && !reader.has(setting::STT_URL) {
        for other in others
            .into_iter()
            .filter(|other| reader.has(*other))
            .collect::<Vec<_>>()
        {
            let (name, needed) = (other.name, setting::STT_URL);
            reader.problem(format!("{name}: means nothing without {}", needed.name));
        }
    }
    Some(Service {
        method,
        url: url?,
        api_key,
        model: model.unwrap_or_else(|| {
            let usual = match method {
                TranscriptionMethod::Openai => "whisper-1",
                TranscriptionMethod::Deepgram => "nova-3",
            };
            usual.to_owned()
        }),
        timeout,
    })
}

fn method(text: &str) -> Result<TranscriptionMethod, &'static str> {
    match text {
        "openai" => Ok(TranscriptionMethod::Openai),
        "deepgram" => Ok(TranscriptionMethod::Deepgram),
        _ => Err("it is neither"),
    }
}

fn model(text: &str) -> Result<String, &'static str> {
    let plain = !text.chars().any(char::is_control) && text.chars().count() <= 200;
    plain
        .then(|| text.to_owned())
        .ok_or("it is too long, or has control characters")
}

/// A key that can stand in a header.
fn key(text: &str) -> Result<SecretString, &'static str> {
    let _header = HeaderValue::try_from(text).map_err(|_error| "it cannot stand in a header")?;
    Ok(text.into())
}
