//! What was said on a call, as somebody gave it: utterances in order of time, within bounds that are stated here.
//!
//! [`draft`] reads our own JSON, [`plain`] lines of text, [`mod@format`] what other platforms write; each names everything that is
//! wrong, and nothing else makes a [`Transcript`]. Metrics of it are in `analysis`, the JSON of those in [`super::analysis`].

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::text::Text;

pub mod draft;
pub mod format;
mod loose;
pub mod plain;
mod shown;
mod tree;

pub use shown::ShownUtterance;

/// The most utterances in one transcript.
pub const UTTERANCES_MAX: usize = 10_000;
/// The most characters in one utterance.
pub const TEXT_CHARS_MAX: usize = 10_000;
/// The most timed words in one utterance.
pub const WORDS_MAX: usize = 2_000;
/// The most different participants in one transcript.
pub const PARTICIPANTS_MAX: usize = 32;
/// The latest offset from the start of the conversation: a week.
pub const OFFSET_MS_MAX: u32 = 604_800_000;
/// The largest body that carries a transcript.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Who speaks.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SpeakerRole {
    /// Somebody, or something, that speaks for the account.
    Agent,
    /// The other party.
    Customer,
    /// Announcements and menus.
    System,
    /// It is not known.
    Unknown,
}

impl SpeakerRole {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Agent, Self::Customer, Self::System, Self::Unknown];

    /// The role as JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Customer => "customer",
            Self::System => "system",
            Self::Unknown => "unknown",
        }
    }

    /// The role of a name, as JSON has it.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// The text is not a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be `agent`, `customer`, `system` or `unknown`")]
pub struct NotRole;

impl FromStr for SpeakerRole {
    type Err = NotRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|role| role.as_str() == text);
        named.ok_or(NotRole)
    }
}

/// A language (BCP 47 syntax), such as `en` or `pt-BR`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String)]
pub struct Language(String);

/// The text is not a language tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a BCP 47 language tag, such as `en` or `pt-BR`")]
pub struct NotLanguage;

impl Language {
    /// The tag as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether its primary language is `code`, whatever the region.
    pub fn is(&self, code: &str) -> bool {
        self.0
            .split('-')
            .next()
            .is_some_and(|primary| primary.eq_ignore_ascii_case(code))
    }
}

impl FromStr for Language {
    type Err = NotLanguage;

    fn from_str(tag: &str) -> Result<Self, Self::Err> {
        let mut subtags = tag.split('-');
        let primary = subtags.next().is_some_and(|subtag| {
            (2..=8).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_alphabetic())
        });
        let others = subtags.all(|subtag| {
            (1..=8).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_alphanumeric())
        });
        if primary && others && tag.len() <= 35 {
            Ok(Self(tag.to_owned()))
        } else {
            Err(NotLanguage)
        }
    }
}

impl TryFrom<String> for Language {
    type Error = NotLanguage;

    fn try_from(tag: String) -> Result<Self, Self::Error> {
        tag.parse()
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.0
    }
}

/// A word and when it was said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Word {
    /// The word.
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    pub text: Text<200>,
    /// Where it begins, in milliseconds from the start of the conversation.
    #[schema(maximum = 604_800_000)]
    pub begin_ms: u32,
    /// Where it ends.
    #[schema(maximum = 604_800_000)]
    pub end_ms: u32,
    /// How sure its source is, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub confidence: Option<f64>,
}

/// Something that one participant said without a break.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Utterance {
    /// Who speaks.
    pub speaker: SpeakerRole,
    /// The source's name for the speaker. Speakers of role `unknown` are told apart by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64)]
    pub participant_id: Option<Text<64>>,
    /// What is said.
    #[schema(value_type = String, min_length = 1, max_length = 10_000)]
    pub text: Text<TEXT_CHARS_MAX>,
    /// Where it begins, in milliseconds from the start of the conversation.
    #[schema(maximum = 604_800_000)]
    pub begin_ms: u32,
    /// Where it ends, not before it begins.
    #[schema(maximum = 604_800_000)]
    pub end_ms: u32,
    /// How sure its source is, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub confidence: Option<f64>,
    /// Its words, where the source has times for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 2_000)]
    pub words: Vec<Word>,
}

impl Utterance {
    /// The name under which metrics count this speaker: the role, or who it is where the role is not known.
    pub fn participant(&self) -> &str {
        match (self.speaker, &self.participant_id) {
            (SpeakerRole::Unknown, Some(id)) => id.as_str(),
            (role, _) => role.as_str(),
        }
    }

    /// The utterance without any time.
    fn without_times(self) -> Self {
        Self {
            begin_ms: 0,
            end_ms: 0,
            words: Vec::new(),
            ..self
        }
    }
}

/// Whether a transcript says when its utterances were said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// Each has its times.
    Given,
    /// None has: they are in the order in which they were said, and their times are 0.
    Absent,
}

/// Between 1 and [`UTTERANCES_MAX`] utterances, in order of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    language: Option<Language>,
    utterances: Vec<Utterance>,
    times: Times,
}

impl Transcript {
    /// Puts utterances that were checked before in order. Two utterances with the same times are ordered by speaker and
    /// text, so that the order in which they were given does not matter.
    pub(crate) fn of_checked(language: Option<Language>, mut utterances: Vec<Utterance>) -> Self {
        utterances.sort_by(|a, b| {
            (a.begin_ms, a.end_ms, a.participant(), &a.text).cmp(&(
                b.begin_ms,
                b.end_ms,
                b.participant(),
                &b.text,
            ))
        });
        Self {
            language,
            utterances,
            times: Times::Given,
        }
    }

    /// A transcript of utterances that were checked before and have no times, in the order in which they were said.
    pub(crate) fn untimed(language: Option<Language>, utterances: Vec<Utterance>) -> Self {
        Self {
            language,
            utterances: utterances
                .into_iter()
                .map(Utterance::without_times)
                .collect(),
            times: Times::Absent,
        }
    }

    /// Whether it says when its utterances were said. Nothing may be counted from their times if not.
    pub fn times(&self) -> Times {
        self.times
    }

    /// Its language, if the giver said.
    pub fn language(&self) -> Option<&Language> {
        self.language.as_ref()
    }

    /// The utterances, in order of time.
    pub fn utterances(&self) -> &[Utterance] {
        &self.utterances
    }

    /// The same with other texts: `change` gives as many utterances in the same order, with the same times and speakers.
    #[must_use]
    pub fn with_texts(self, change: impl FnOnce(&[Utterance]) -> Vec<Utterance>) -> Self {
        Self {
            utterances: change(&self.utterances),
            ..self
        }
    }

    /// What it is made of.
    pub fn into_parts(self) -> (Option<Language>, Vec<Utterance>) {
        (self.language, self.utterances)
    }

    /// The utterances as plain lines, `agent: …`, for people and for search.
    pub fn lines(&self) -> String {
        let lines: Vec<String> = self
            .utterances
            .iter()
            .map(|utterance| format!("{}: {}", utterance.participant(), utterance.text.as_str()))
            .collect();
        lines.join("\n")
    }
}
