//! `POST {base}/listen` as Deepgram has it. It would fetch a URL itself; we send the bytes, as to any other service.

use anyhow::anyhow;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::{
    Failure, Heard, HeardWord, Speakers, Speech,
    heard::{language, list, number, speaker, text},
    json, refused,
};
use crate::{domain::analysis::FailReason, egress::Request};

/// One request.
pub(super) async fn ask(speech: &Speech, wav: &[u8], speakers: Speakers) -> Result<Heard, Failure> {
    let answer = speech.send(request(speech, wav, speakers)?).await?;
    if !answer.status.is_success() {
        return Err(refused(&answer));
    }
    read(&json(&answer)?)
}

fn request(speech: &Speech, wav: &[u8], speakers: Speakers) -> Result<Request, Failure> {
    let service = speech.service();
    let mut url = super::below(&service.url, "listen");
    {
        let mut query = url.query_pairs_mut();
        query.append_pair("model", &service.model);
        query.append_pair("punctuate", "true");
        query.append_pair("detect_language", "true");
        if speakers == Speakers::Any {
            query.append_pair("diarize", "true");
        }
    }
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("audio/wav"));
    if let Some(key) = &service.api_key {
        let token = format!("Token {}", key.expose_secret());
        let mut token = HeaderValue::try_from(token).map_err(super::super::internal)?;
        token.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, token);
    }
    Ok(Request {
        method: Method::POST,
        url,
        headers,
        body: Bytes::copy_from_slice(wav),
    })
}

fn read(answer: &Value) -> Result<Heard, Failure> {
    let channel = answer
        .get("results")
        .and_then(|results| list(results, "channels").first());
    let best = channel.and_then(|channel| list(channel, "alternatives").first());
    let Some((channel, best)) = channel.zip(best) else {
        let cause = anyhow!("an answer without a transcript");
        return Err(Failure::later(FailReason::SpeechToTextUnreadable, cause));
    };
    let words = list(best, "words").iter().filter_map(|word| {
        Some(HeardWord {
            text: text(word, &["punctuated_word", "word"])?.to_owned(),
            begin_s: number(word, "start")?,
            end_s: number(word, "end")?,
            confidence: number(word, "confidence").filter(|sure| (0.0..=1.0).contains(sure)),
            speaker: speaker(word),
        })
    });
    Ok(Heard {
        language: text(channel, &["detected_language"]).and_then(language),
        words: words.collect(),
        segments: Vec::new(),
        text: text(best, &["transcript"]).unwrap_or_default().to_owned(),
    })
}
