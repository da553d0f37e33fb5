//! What a service heard in a piece, whatever its interface: words or segments with times, or text alone.

use serde_json::Value;

use crate::domain::transcript::Language;

/// What a service heard in a piece.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Heard {
    /// The language, if the service says.
    pub language: Option<Language>,
    /// Words with times; empty where the service gives none.
    pub words: Vec<HeardWord>,
    /// Segments with times; empty where the service gives none.
    pub segments: Vec<HeardSegment>,
    /// Everything as one text.
    pub text: String,
}

/// A word, with times in seconds from the start of the piece.
#[derive(Debug, Clone, PartialEq)]
pub struct HeardWord {
    /// The word.
    pub text: String,
    /// Where it begins.
    pub begin_s: f64,
    /// Where it ends.
    pub end_s: f64,
    /// How sure the service is, 0 to 1.
    pub confidence: Option<f64>,
    /// The service's name of who speaks.
    pub speaker: Option<String>,
}

/// A segment, with times in seconds from the start of the piece.
#[derive(Debug, Clone, PartialEq)]
pub struct HeardSegment {
    /// What is said.
    pub text: String,
    /// Where it begins.
    pub begin_s: f64,
    /// Where it ends.
    pub end_s: f64,
    /// The service's name of who speaks.
    pub speaker: Option<String>,
}

/// A number, also one that is written as text.
pub(super) fn number(value: &Value, name: &str) -> Option<f64> {
    let value = value.get(name)?;
    let number = match value.as_str() {
        Some(text) => text.trim().parse().ok(),
        None => value.as_f64(),
    };
    number.filter(|number: &f64| number.is_finite())
}

/// A text under the first of these names that has one.
pub(super) fn text<'a>(value: &'a Value, names: &[&str]) -> Option<&'a str> {
    let mut texts = names.iter().filter_map(|name| value.get(name)?.as_str());
    texts.next()
}

/// The list under a name; empty if there is none.
pub(super) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    let list = value.get(name).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

/// Who speaks, as a word or a number; a question mark is nobody.
pub(super) fn speaker(value: &Value) -> Option<String> {
    let name = match value.get("speaker")? {
        Value::String(name) => name.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(name).filter(|name| !name.is_empty() && name != "?")
}

/// A language by its code, or by its English name as Whisper gives it.
pub(super) fn language(told: &str) -> Option<Language> {
    let told = told.trim().to_ascii_lowercase();
    let code = match NAMES.into_iter().find(|(name, _)| *name == told) {
        Some((_, code)) => code,
        None if told.split('-').next().is_some_and(|code| code.len() <= 3) => told.as_str(),
        None => return None,
    };
    code.parse().ok()
}

/// The languages that are spoken most on the telephone; another name is no language to us.
const NAMES: [(&str, &str); 30] = [
    ("arabic", "ar"),
    ("bulgarian", "bg"),
    ("chinese", "zh"),
    ("croatian", "hr"),
    ("czech", "cs"),
    ("danish", "da"),
    ("dutch", "nl"),
    ("english", "en"),
    ("finnish", "fi"),
    ("french", "fr"),
    ("german", "de"),
    ("greek", "el"),
    ("hebrew", "he"),
    ("hindi", "hi"),
    ("hungarian", "hu"),
    ("indonesian", "id"),
    ("italian", "it"),
    ("japanese", "ja"),
    ("korean", "ko"),
    ("norwegian", "no"),
    ("polish", "pl"),
    ("portuguese", "pt"),
    ("romanian", "ro"),
    ("russian", "ru"),
    ("spanish", "es"),
    ("swedish", "sv"),
    ("thai", "th"),
    ("turkish", "tr"),
    ("ukrainian", "uk"),
    ("vietnamese", "vi"),
];
