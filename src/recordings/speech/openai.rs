//! `POST {base}/audio/transcriptions` as OpenAI has it, and as those answer who follow it: whisper.cpp, vLLM, speaches, LocalAI.
//!
//! What is known of an answer is read, whoever gave it: a duration as text, words within segments, nulls, speakers, or a text alone. A
//! server that does not know the richest form is asked for a plainer one, and that is remembered.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use anyhow::anyhow;
use aws_lc_rs::rand;
use http::{HeaderMap, HeaderValue, Method, header};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::{
    Failure, Heard, HeardSegment, HeardWord, Speech,
    heard::{language, list, number, speaker, text},
    json, refused,
};
use crate::{
    domain::analysis::FailReason,
    egress::{Answer, Request},
};

/// The forms of an answer, richest first.
const FORMATS: [&str; 3] = ["diarized_json", "verbose_json", "json"];

/// Which form the server is asked for.
#[derive(Debug, Clone)]
pub(super) struct Formats(Arc<AtomicU8>);

impl Formats {
    /// The richest that the model may know.
    pub(super) fn for_model(model: &str) -> Self {
        let first = u8::from(!model.contains("diarize"));
        Self(Arc::new(AtomicU8::new(first)))
    }

    fn current(&self) -> (u8, &'static str) {
        let at = self.0.load(Ordering::Relaxed);
        let format = FORMATS.get(usize::from(at)).copied();
        (at, format.unwrap_or("json"))
    }

    /// A plainer one, if there is one.
    fn plainer(&self, than: u8) -> bool {
        let next = than.saturating_add(1);
        let more = usize::from(next) < FORMATS.len();
        if more {
            self.0.store(next, Ordering::Relaxed);
        }
        more
    }
}

/// One request, or two or three if the server does not know the form of the answer.
pub(super) async fn ask(speech: &Speech, wav: &[u8]) -> Result<Heard, Failure> {
    loop {
        let (at, format) = speech.formats.current();
        let answer = speech.send(request(speech, wav, format)?).await?;
        if answer.status.is_success() {
            return read(&json(&answer)?);
        }
        if !(is_about_the_format(&answer) && speech.formats.plainer(at)) {
            return Err(refused(&answer));
        }
    }
}

/// Whether the server does not know the form that was asked for.
fn is_about_the_format(answer: &Answer) -> bool {
    let told = String::from_utf8_lossy(&answer.body);
    matches!(answer.status.as_u16(), 400 | 415 | 422)
        && [
            "response_format",
            "timestamp_granularities",
            "verbose_json",
            "diarized_json",
        ]
        .iter()
        .any(|word| told.contains(word))
}

fn request(speech: &Speech, wav: &[u8], format: &str) -> Result<Request, Failure> {
    let service = speech.service();
    let mut random = [0; 16];
    rand::fill(&mut random).map_err(super::super::internal)?;
    let boundary = format!("onhook-{}", hex::encode(random));
    let mut fields = vec![
        ("model", service.model.as_str()),
        ("response_format", format),
    ];
    match format {
        "verbose_json" => fields.extend([
            ("timestamp_granularities[]", "word"),
            ("timestamp_granularities[]", "segment"),
        ]),
        "diarized_json" => fields.push(("chunking_strategy", "auto")),
        _ => {}
    }
    let mut body = Vec::with_capacity(wav.len() + 1_024);
    for (name, value) in fields {
        let part = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        );
        body.extend_from_slice(part.as_bytes());
    }
    let head = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"piece.wav\"\r\n\
         content-type: audio/wav\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(wav);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    let mut headers = HeaderMap::new();
    let form = format!("multipart/form-data; boundary={boundary}");
    let form = HeaderValue::try_from(form).map_err(super::super::internal)?;
    headers.insert(header::CONTENT_TYPE, form);
    if let Some(key) = &service.api_key {
        let bearer = format!("Bearer {}", key.expose_secret());
        let mut bearer = HeaderValue::try_from(bearer).map_err(super::super::internal)?;
        bearer.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, bearer);
    }
    Ok(Request {
        method: Method::POST,
        url: super::below(&service.url, "audio/transcriptions"),
        headers,
        body: body.into(),
    })
}

/// Reads an answer of any of the forms.
fn read(answer: &Value) -> Result<Heard, Failure> {
    let segments = list(answer, "segments");
    let nested = || segments.iter().flat_map(|segment| list(segment, "words"));
    let mut words: Vec<HeardWord> = list(answer, "words").iter().filter_map(word).collect();
    if words.is_empty() {
        words = joined(nested().filter_map(word));
    }
    let segments: Vec<HeardSegment> = segments.iter().filter_map(segment).collect();
    let whole = text(answer, &["text"]).map(str::to_owned);
    if whole.is_none() && words.is_empty() && segments.is_empty() {
        let cause = anyhow!("an answer without text");
        return Err(Failure::later(FailReason::SpeechToTextUnreadable, cause));
    }
    let text = whole.unwrap_or_else(|| {
        let texts: Vec<&str> = segments.iter().map(|said| said.text.trim()).collect();
        texts.join(" ")
    });
    punctuate(&mut words, &text);
    Ok(Heard {
        language: super::heard::text(answer, &["language"]).and_then(language),
        words,
        segments,
        text,
    })
}

fn word(value: &Value) -> Option<HeardWord> {
    let confidence = ["probability", "confidence", "p"];
    let confidence = confidence.iter().find_map(|name| number(value, name));
    Some(HeardWord {
        text: text(value, &["word", "text"])?.to_owned(),
        begin_s: number(value, "start")?,
        end_s: number(value, "end")?,
        confidence: confidence.filter(|sure| (0.0..=1.0).contains(sure)),
        speaker: speaker(value),
    })
}

fn segment(value: &Value) -> Option<HeardSegment> {
    Some(HeardSegment {
        text: text(value, &["text"])?.to_owned(),
        begin_s: number(value, "start")?,
        end_s: number(value, "end")?,
        speaker: speaker(value),
    })
}

/// whisper.cpp gives pieces of words; a word begins with a space there.
fn joined(pieces: impl Iterator<Item = HeardWord>) -> Vec<HeardWord> {
    let pieces: Vec<HeardWord> = pieces.collect();
    let spaced = pieces
        .iter()
        .skip(1)
        .any(|piece| piece.text.starts_with(' '));
    let mut words: Vec<HeardWord> = Vec::new();
    for piece in pieces {
        // `[_BEG_]`, `[_TT_50]`: marks, not words.
        if piece.text.trim().starts_with("[_") {
            continue;
        }
        match words.last_mut() {
            Some(word) if spaced && !piece.text.starts_with(' ') => {
                word.text.push_str(&piece.text);
                word.end_s = piece.end_s;
            }
            Some(_) | None => words.push(piece),
        }
    }
    words
}

/// Timed words often come without the marks that the text has: taken from it, where both have as many words.
fn punctuate(words: &mut [HeardWord], text: &str) {
    if text.split_whitespace().count() == words.len() {
        for (word, written) in words.iter_mut().zip(text.split_whitespace()) {
            written.clone_into(&mut word.text);
        }
    }
}
