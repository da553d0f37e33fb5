//! A transcript as a body has it, and the way from there to a [`Transcript`]: every fault is collected, by field.

use std::collections::BTreeSet;

use serde::{Deserialize, de::MapAccess};

use super::{
    Language, NotLanguage, OFFSET_MS_MAX, PARTICIPANTS_MAX, SpeakerRole, Transcript,
    UTTERANCES_MAX, Utterance, WORDS_MAX, Word,
    loose::{Composite, Items, Loose, fields},
};
use crate::domain::{
    fault::Fault,
    text::{Text, TextError},
};

/// A body, read but not judged.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Draft(Loose<TranscriptFields>);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TranscriptFields {
    language: Loose,
    utterances: Loose<Items<Loose<UtteranceFields>, UTTERANCES_MAX>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct UtteranceFields {
    speaker: Loose,
    participant_id: Loose,
    text: Loose,
    begin_ms: Loose,
    end_ms: Loose,
    confidence: Loose,
    words: Loose<Items<Loose<WordFields>, WORDS_MAX>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WordFields {
    text: Loose,
    begin_ms: Loose,
    end_ms: Loose,
    confidence: Loose,
}

impl Composite for TranscriptFields {
    fn object<'de, A: MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
        fields(object)
    }
}

impl Composite for UtteranceFields {
    fn object<'de, A: MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
        fields(object)
    }
}

impl Composite for WordFields {
    fn object<'de, A: MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
        fields(object)
    }
}

impl Draft {
    /// Judges the body. Either a transcript, or everything that is wrong with it.
    pub fn parse(self) -> Result<Transcript, Vec<Fault>> {
        let mut faults = Faults::default();
        let Loose::Of(body) = self.0 else {
            faults.invalid("body", "must be an object with `utterances`");
            return Err(faults.0);
        };
        let language = faults.language(body.language);
        let utterances = faults.utterances(body.utterances);
        if faults.0.is_empty() {
            Ok(Transcript::of_checked(language, utterances))
        } else {
            Err(faults.0)
        }
    }
}

/// The faults found so far.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// All of them.
    pub(super) fn into_inner(self) -> Vec<Fault> {
        self.0
    }

    /// The text, if it is one that a transcript can have.
    pub(super) fn filled<const MAX: usize>(
        &mut self,
        field: String,
        text: &str,
    ) -> Option<Text<MAX>> {
        match filled(text) {
            Ok(text) => Some(text),
            Err(refusal) => {
                self.add(field, refusal.code, refusal.message);
                None
            }
        }
    }

    pub(super) fn add(
        &mut self,
        field: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) {
        self.0.push(Fault {
            field: field.into(),
            code,
            message: message.into(),
        });
    }

    pub(super) fn invalid(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.add(field, "invalid", message);
    }

    pub(super) fn missing(&mut self, field: impl Into<String>) {
        self.add(field, "missing", "is required");
    }

    fn language(&mut self, value: Loose) -> Option<Language> {
        self.optional("language", value, |tag| {
            tag.parse().map_err(|error: NotLanguage| error.to_string())
        })
    }

    fn utterances(
        &mut self,
        list: Loose<Items<Loose<UtteranceFields>, UTTERANCES_MAX>>,
    ) -> Vec<Utterance> {
        let Some(drafts) = self.list("utterances", list) else {
            return Vec::new();
        };
        if drafts.is_empty() {
            self.invalid("utterances", "must have at least one utterance");
        }
        let mut participants = BTreeSet::new();
        let mut utterances = Vec::with_capacity(drafts.len());
        for (index, draft) in drafts.into_iter().enumerate() {
            let path = format!("utterances[{index}]");
            let Some(utterance) = self.utterance(&path, draft) else {
                continue;
            };
            let is_new = participants.insert(utterance.participant().to_owned());
            if is_new && participants.len() > PARTICIPANTS_MAX {
                let message =
                    format!("is one too many: at most {PARTICIPANTS_MAX} different participants");
                self.invalid(format!("{path}.participant_id"), message);
            }
            utterances.push(utterance);
        }
        utterances
    }

    fn utterance(&mut self, path: &str, draft: Loose<UtteranceFields>) -> Option<Utterance> {
        let Loose::Of(draft) = draft else {
            self.invalid(
                path,
                "must be an object with speaker, text, begin_ms and end_ms",
            );
            return None;
        };
        let speaker = self.speaker(format!("{path}.speaker"), draft.speaker);
        let participant_id = self.participant_id(path, draft.participant_id, speaker);
        let text = self.text(format!("{path}.text"), draft.text);
        let span = self.span(path, draft.begin_ms, draft.end_ms);
        let confidence = self.confidence(format!("{path}.confidence"), draft.confidence);
        let words = self.words(path, draft.words);
        let (begin_ms, end_ms) = span?;
        Some(Utterance {
            speaker: speaker?,
            participant_id,
            text: text?,
            begin_ms,
            end_ms,
            confidence,
            words,
        })
    }

    fn speaker(&mut self, field: String, value: Loose) -> Option<SpeakerRole> {
        if matches!(value, Loose::Absent) {
            self.missing(field);
            return None;
        }
        self.optional(field, value, |word| {
            SpeakerRole::of_name(word)
                .ok_or_else(|| "must be `agent`, `customer`, `system` or `unknown`".to_owned())
        })
    }

    fn participant_id(
        &mut self,
        path: &str,
        value: Loose,
        speaker: Option<SpeakerRole>,
    ) -> Option<Text<64>> {
        self.optional(format!("{path}.participant_id"), value, |id| {
            let is_role = SpeakerRole::of_name(id).is_some();
            match speaker {
                Some(SpeakerRole::Unknown) if is_role => {
                    Err("must not be the name of a role: give the role as `speaker`".to_owned())
                }
                Some(_) | None => filled(id).map_err(|refusal| refusal.message),
            }
        })
    }

    /// Stops at the first word that is wrong: one utterance makes a bounded number of faults, whatever is in it.
    fn words(&mut self, path: &str, list: Loose<Items<Loose<WordFields>, WORDS_MAX>>) -> Vec<Word> {
        if matches!(list, Loose::Absent) {
            return Vec::new();
        }
        let drafts = self.list(format!("{path}.words"), list).unwrap_or_default();
        let mut words = Vec::with_capacity(drafts.len());
        for (index, draft) in drafts.into_iter().enumerate() {
            match self.word(&format!("{path}.words[{index}]"), draft) {
                Some(word) => words.push(word),
                None => break,
            }
        }
        words
    }

    fn word(&mut self, path: &str, draft: Loose<WordFields>) -> Option<Word> {
        let before = self.0.len();
        let Loose::Of(draft) = draft else {
            self.invalid(path, "must be an object with text, begin_ms and end_ms");
            return None;
        };
        let text = self.text(format!("{path}.text"), draft.text);
        let span = self.span(path, draft.begin_ms, draft.end_ms);
        let confidence = self.confidence(format!("{path}.confidence"), draft.confidence);
        if self.0.len() > before {
            return None;
        }
        let (begin_ms, end_ms) = span?;
        Some(Word {
            text: text?,
            begin_ms,
            end_ms,
            confidence,
        })
    }

    fn span(&mut self, path: &str, begin: Loose, end: Loose) -> Option<(u32, u32)> {
        let begin = self.offset(format!("{path}.begin_ms"), begin);
        let end_field = format!("{path}.end_ms");
        let end = self.offset(end_field.clone(), end);
        let (begin, end) = (begin?, end?);
        if end < begin {
            self.invalid(end_field, format!("must not be before begin_ms ({begin})"));
            return None;
        }
        Some((begin, end))
    }

    fn offset(&mut self, field: String, value: Loose) -> Option<u32> {
        match value {
            Loose::Absent => self.missing(field),
            Loose::Whole(offset) => match u32::try_from(offset) {
                Ok(offset) if offset <= OFFSET_MS_MAX => return Some(offset),
                Ok(_) | Err(_) => {
                    self.invalid(field, format!("must be at most {OFFSET_MS_MAX} (a week)"));
                }
            },
            Loose::Text(_) | Loose::Number(_) | Loose::Of(_) | Loose::Other => {
                let message =
                    format!("must be a whole number of milliseconds from 0 to {OFFSET_MS_MAX}");
                self.invalid(field, message);
            }
        }
        None
    }

    fn confidence(&mut self, field: String, value: Loose) -> Option<f64> {
        match value {
            Loose::Absent => return None,
            Loose::Whole(0) => return Some(0.0),
            Loose::Whole(1) => return Some(1.0),
            Loose::Number(number) if (0.0..=1.0).contains(&number) => return Some(number),
            _ => {}
        }
        self.invalid(field, "must be a number from 0 to 1");
        None
    }

    fn text<const MAX: usize>(&mut self, field: String, value: Loose) -> Option<Text<MAX>> {
        match value {
            Loose::Absent => self.missing(field),
            Loose::Text(text) => match filled(&text) {
                Ok(text) => return Some(text),
                Err(refusal) => self.add(field, refusal.code, refusal.message),
            },
            _ => self.invalid(field, "must be a string"),
        }
        None
    }

    fn optional<T>(
        &mut self,
        field: impl Into<String>,
        value: Loose,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let read = match value {
            Loose::Absent => return None,
            Loose::Text(text) => read(&text),
            _ => Err("must be a string".to_owned()),
        };
        match read {
            Ok(read) => Some(read),
            Err(message) => {
                self.invalid(field, message);
                None
            }
        }
    }

    fn list<T, const MAX: usize>(
        &mut self,
        field: impl Into<String>,
        list: Loose<Items<T, MAX>>,
    ) -> Option<Vec<T>> {
        match list {
            Loose::Of(items) if items.too_many => {
                self.add(field, "too_long", format!("must have at most {MAX} items"));
            }
            Loose::Of(items) => return Some(items.kept),
            Loose::Absent => self.missing(field),
            Loose::Text(_) | Loose::Whole(_) | Loose::Number(_) | Loose::Other => {
                self.invalid(field, "must be an array");
            }
        }
        None
    }
}

/// Why a text was refused.
struct Refusal {
    code: &'static str,
    message: String,
}

/// A text with something in it.
fn filled<const MAX: usize>(text: &str) -> Result<Text<MAX>, Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal {
            code: "invalid",
            message: "must not be empty".to_owned(),
        });
    }
    Text::parse(text).map_err(|error| Refusal {
        code: match error {
            TextError::Nul => "invalid",
            TextError::TooLong { .. } => "too_long",
        },
        message: error.to_string(),
    })
}
