//! A transcript as those see it who may not read what was said: every span is its type.

use serde_json::{Value, json};

use super::{PiiSpan, detect, mask, of_turn};
use crate::domain::{
    text::Text,
    transcript::{ShownUtterance, TEXT_CHARS_MAX, Utterance, Word},
};

/// The utterances with their spans masked, their words too. Words that are not the text's own are left out: nobody looked at
/// them.
pub fn redacted(utterances: &[Utterance]) -> Vec<Utterance> {
    let spans = detect(utterances);
    let masked = utterances.iter().enumerate().map(|(turn, utterance)| {
        let spans = of_turn(&spans, turn);
        if spans.is_empty() && utterance.words.is_empty() {
            return utterance.clone();
        }
        Utterance {
            text: masked_text(utterance, spans),
            words: words(utterance, spans),
            ..utterance.clone()
        }
    });
    masked.collect()
}

/// Masks a transcript as the Call object shows it, as lines and as utterances. One that cannot be read is taken out.
pub fn redact_shown(text: &mut Option<String>, object: &mut Option<Value>) {
    let shown = object.take().and_then(|mut object| {
        let utterances = object.get_mut("utterances")?.take();
        serde_json::from_value::<Vec<ShownUtterance>>(utterances).ok()
    });
    let Some(mut shown) = shown else {
        *text = None;
        return;
    };
    let utterances: Vec<Utterance> = shown.iter().cloned().map(Utterance::from).collect();
    let masked = redacted(&utterances);
    let lines: Vec<String> = masked
        .iter()
        .map(|said| format!("{}: {}", said.participant(), said.text.as_str()))
        .collect();
    for (shown, masked) in shown.iter_mut().zip(masked) {
        shown.text = masked.text;
        shown.words = masked.words;
    }
    *text = Some(lines.join("\n"));
    *object = Some(json!({ "utterances": shown }));
}

/// A mask may be longer than what it stands for: then the end of the text is cut off, not the mask's protection.
fn masked_text(utterance: &Utterance, spans: &[PiiSpan]) -> Text<TEXT_CHARS_MAX> {
    let masked = mask(utterance.text.as_str(), spans);
    let short: String = masked.chars().take(TEXT_CHARS_MAX).collect();
    Text::parse(short).unwrap_or_else(|_wrong| utterance_mask())
}

fn utterance_mask() -> Text<TEXT_CHARS_MAX> {
    Text::parse("[PII]".to_owned()).expect("five characters are a text")
}

/// The words with those masked that stand in a span; none unless they are the words of the text, one after the other.
fn words(utterance: &Utterance, spans: &[PiiSpan]) -> Vec<Word> {
    let text = utterance.text.as_str();
    let mut at = 0;
    let mut masked = Vec::with_capacity(utterance.words.len());
    for word in &utterance.words {
        let place = text.get(at..).and_then(|rest| {
            let (skipped, _) = rest.split_once(word.text.as_str())?;
            (!skipped.contains(char::is_alphanumeric)).then_some(skipped.len())
        });
        let Some(place) = place else {
            return Vec::new();
        };
        let begin = at + place;
        at = begin + word.text.as_str().len();
        let span = spans
            .iter()
            .find(|span| span.begin < at && begin < span.end);
        masked.push(
            match span.map(|span| Text::parse(span.entity.mask().to_owned())) {
                Some(Ok(text)) => Word {
                    text,
                    ..word.clone()
                },
                Some(Err(_)) => return Vec::new(),
                None => word.clone(),
            },
        );
    }
    masked
}
