//! Which words have a value in the account's calls.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::read::Object;

/// Words of an account's own, at most.
pub const WORDS_MAX: usize = 500;
/// Characters of one of them, at most.
pub const WORD_CHARS_MAX: usize = 40;
/// The strongest value of a word.
const VALUE_MAX: f64 = 4.0;

/// Which lexicon scores the account's calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SentimentProfile {
    /// VADER's without the words of service talk.
    #[default]
    Call,
    /// VADER's as it is.
    Plain,
}

/// What an account wants of sentiment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct SentimentSettings {
    /// Which lexicon.
    pub profile: SentimentProfile,
    /// Words, in lower case and without white space, and their value from -4 to 4 instead of the lexicon's; null: none. At most
    /// 500, of at most 40 characters.
    pub words: BTreeMap<String, Option<f64>>,
}

/// The text is no profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be `call` or `plain`")]
pub struct NotProfile;

impl std::str::FromStr for SentimentProfile {
    type Err = NotProfile;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "call" => Ok(Self::Call),
            "plain" => Ok(Self::Plain),
            _ => Err(NotProfile),
        }
    }
}

impl SentimentSettings {
    /// Reads the part of a body.
    pub(super) fn read(object: &mut Object<'_>) -> Self {
        object.only(&["profile", "words"]);
        Self {
            profile: object.word("profile").unwrap_or_default(),
            words: words(object),
        }
    }
}

fn words(object: &mut Object<'_>) -> BTreeMap<String, Option<f64>> {
    let Some(value) = object.value("words").cloned() else {
        return BTreeMap::new();
    };
    let Some(given) = value.as_object().filter(|given| given.len() <= WORDS_MAX) else {
        object.refuse(
            "words",
            format!("must be an object of at most {WORDS_MAX} words"),
        );
        return BTreeMap::new();
    };
    let mut words = BTreeMap::new();
    for (word, value) in given {
        let field = format!("words.{word}");
        let plain = (1..=WORD_CHARS_MAX).contains(&word.chars().count())
            && !word.chars().any(|c| c.is_whitespace() || c.is_control())
            && *word == word.to_lowercase();
        let score = value.as_f64().filter(|score| score.abs() <= VALUE_MAX);
        if !plain {
            let told = format!(
                "a word has 1 to {WORD_CHARS_MAX} characters, in lower case, without white space"
            );
            object.refuse(&field, told);
        } else if score.is_none() && !value.is_null() {
            object.refuse(&field, "must be a number from -4 to 4, or null");
        } else {
            words.insert(word.clone(), score);
        }
    }
    words
}
