//! Judges a model's answer: JSON, by the schema, within bounds, of turns that are there.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Question;
use crate::domain::{analysis::insights::Answer, json::without_nul};

/// The longest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// The most topics, and the most action items.
const ITEMS_MAX: usize = 50;
/// What is told of what is wrong, in characters: it may quote the answer.
const WRONG_CHARS_MAX: usize = 500;

/// Why an answer cannot stay, in words for the model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Wrong(String);

impl Wrong {
    fn new(message: impl std::fmt::Display) -> Self {
        let message = message.to_string();
        Self(message.chars().take(WRONG_CHARS_MAX).collect())
    }
}

/// Judges the text of an answer.
pub fn judge(question: &Question, text: &str) -> Result<Answer, Wrong> {
    if text.len() > ANSWER_BYTES_MAX {
        return Err(Wrong::new(format!(
            "it has more than {ANSWER_BYTES_MAX} bytes"
        )));
    }
    let mut value: Value = serde_json::from_str(bare(text))
        .map_err(|error| Wrong::new(format!("it is not JSON: {error}")))?;
    let validator = jsonschema::validator_for(&question.schema)
        .map_err(|error| Wrong::new(format!("the schema cannot be used: {error}")))?;
    if let Some(error) = validator.iter_errors(&value).next() {
        let message = format!("at `{}`: {error}", error.instance_path());
        return Err(Wrong::new(message));
    }
    without_nul(&value).map_err(Wrong::new)?;
    keep_turns_that_are_there(&mut value, question.turns);
    let answer: Answer = serde_json::from_value(value).map_err(Wrong::new)?;
    if answer.topics.len() > ITEMS_MAX || answer.action_items.len() > ITEMS_MAX {
        let message = format!("it has more than {ITEMS_MAX} topics or action items");
        return Err(Wrong::new(message));
    }
    Ok(answer)
}

/// A turn that is cited and not there says nothing; the claim stays, without it.
fn keep_turns_that_are_there(answer: &mut Value, turns: usize) {
    let items = answer.get_mut("action_items").and_then(Value::as_array_mut);
    for item in items.into_iter().flatten() {
        let Some(cited) = item.get_mut("evidence_turns") else {
            continue;
        };
        let there = |turn: &Value| {
            let turn = turn.as_u64().and_then(|turn| usize::try_from(turn).ok());
            turn.filter(|turn| *turn < turns)
        };
        let kept: BTreeSet<usize> = cited
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(there)
            .collect();
        *cited = kept.into_iter().collect();
    }
}

/// The JSON in an answer: some models think aloud first, some put a fence around it.
fn bare(text: &str) -> &str {
    let text = text.trim();
    let text = match text.strip_prefix("<think>") {
        Some(thought) => thought
            .split_once("</think>")
            .map_or(thought, |(_, rest)| rest.trim()),
        None => text,
    };
    let Some(fenced) = text.strip_prefix("```") else {
        return text;
    };
    let inside = fenced.strip_suffix("```").unwrap_or(fenced);
    let inside = inside.strip_prefix("json").unwrap_or(inside);
    inside.trim()
}
