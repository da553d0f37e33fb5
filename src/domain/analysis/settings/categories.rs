//! The account's categories: phrases that put a call into one when they are said, or when they are not.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::read::Object;
use crate::domain::transcript::SpeakerRole;

/// Categories of an account, at most.
pub const CATEGORIES_MAX: usize = 100;
/// Phrases of a category, at most.
pub const PHRASES_MAX: usize = 50;
/// Characters of a phrase, at most.
pub const PHRASE_CHARS_MAX: usize = 100;
/// Characters of a name, at most.
pub const NAME_CHARS_MAX: usize = 64;
/// The longest window, in seconds: a day.
pub const WINDOW_SECONDS_MAX: u32 = 86_400;

/// A category: a call is in it if one of the phrases is said as it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CategoryRule {
    /// What it is called; no two have one name.
    #[schema(min_length = 1, max_length = 64)]
    pub name: String,
    /// Words that follow each other, whatever their case and the punctuation between them. `*` stands for any one word.
    #[schema(min_items = 1, max_items = 50)]
    pub phrases: Vec<String>,
    /// Who has to say it; anybody unless given.
    #[serde(default)]
    pub speaker: Option<SpeakerRole>,
    /// Only in utterances that begin within so many seconds from the start of the conversation.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 86_400)]
    pub first_seconds: Option<u32>,
    /// Only in utterances that begin within so many seconds before its end.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 86_400)]
    pub last_seconds: Option<u32>,
    /// The call is in the category if no phrase is said like this.
    #[serde(default)]
    #[schema(default = false)]
    pub negate: bool,
}

impl CategoryRule {
    /// Whether it is about a part of the conversation's time.
    pub fn asks_for_a_time(&self) -> bool {
        self.first_seconds.is_some() || self.last_seconds.is_some()
    }
}

/// Reads the categories of a body.
pub(super) fn read(object: &mut Object<'_>) -> Vec<CategoryRule> {
    let rules = object
        .objects("categories", CATEGORIES_MAX, |object| Some(rule(object)))
        .unwrap_or_default();
    let mut names = BTreeSet::new();
    for (at, rule) in rules.iter().enumerate() {
        if !names.insert(rule.name.as_str()) {
            object.refuse(
                &format!("categories[{at}].name"),
                "is the name of another category",
            );
        }
    }
    rules
}

fn rule(object: &mut Object<'_>) -> CategoryRule {
    object.only(&[
        "name",
        "phrases",
        "speaker",
        "first_seconds",
        "last_seconds",
        "negate",
    ]);
    let name = object.text("name", NAME_CHARS_MAX);
    if name.is_none() && object.value("name").is_none() {
        object.refuse("name", "is required");
    }
    let phrases = object.texts("phrases", PHRASES_MAX, PHRASE_CHARS_MAX);
    match &phrases {
        Some(phrases) if phrases.is_empty() => object.refuse("phrases", "must have a phrase"),
        Some(phrases) => {
            for (at, phrase) in phrases.iter().enumerate() {
                if !phrase.chars().any(char::is_alphanumeric) {
                    object.refuse(&format!("phrases[{at}]"), "must have a word");
                }
            }
        }
        None if object.value("phrases").is_none() => object.refuse("phrases", "is required"),
        None => {}
    }
    let window = 1..=WINDOW_SECONDS_MAX;
    CategoryRule {
        name: name.unwrap_or_default(),
        phrases: phrases.unwrap_or_default(),
        speaker: object.word("speaker"),
        first_seconds: object.number("first_seconds", window.clone()),
        last_seconds: object.number("last_seconds", window),
        negate: object.flag("negate").unwrap_or(false),
    }
}
