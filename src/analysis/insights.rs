//! What a language model is asked about a call, and what its answer may be. Pure: `crate::llm` does the asking,
//! `calls::insights` decides when.
//!
//! The caller speaks into the prompt. So: the transcript stands in a user message, between tags that nobody on the call could
//! know, with every angle bracket in it escaped; the model has no tools; its answer is read by a schema alone, and turns that it
//! cites must be there. That bounds what an instruction in the transcript can do; it does not make it impossible.

use serde::Serialize;
use serde_json::Value;

use super::digest::json_sha256;
use crate::domain::{
    analysis::{
        FailReason, Outcome, OutcomeMethod, OutcomeValue, Section, SkipReason,
        insights::{Answered, Insights, LlmMethod, StructuredData, SuccessEvaluation},
        settings::insights::InsightSettings,
    },
    transcript::{Language, Utterance},
};

mod answer;
mod injection;
mod prompt;
mod schema;
mod window;

pub use answer::{Wrong, judge};
pub use prompt::{Message, Prompt, Role, Tag};
pub use schema::schema;
pub use window::{Turn, Window};

/// Rises when the prompt or the schema changes so that answers can differ.
pub const PROMPT_VERSION: &str = "1";

/// What an analysis knows of a model's answer.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// The server has no model.
    #[default]
    NotConfigured,
    /// The account does not want one to be asked.
    Disabled,
    /// It answered.
    Answered(Box<Answered>),
    /// It was asked, and there is no answer.
    Failed(FailReason),
}

/// The model, as far as it decides what is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// How many tokens it reads and writes at once.
    pub context_tokens: u32,
    /// How many tokens it may write.
    pub answer_tokens: u32,
}

/// A question: equal conversations, wishes and models make the same one.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// What was said, as far as the model can read it.
    pub window: Window,
    /// The schema of the answer.
    pub schema: Value,
    /// How many turns the conversation has.
    pub turns: usize,
    /// Something in it reads like an instruction to a model.
    pub suspected_injection: bool,
    /// What it is kept under.
    pub key: [u8; 32],
}

/// What is to be asked about utterances from which personal data was taken.
pub fn question(
    redacted: &[Utterance],
    language: Option<&Language>,
    settings: &InsightSettings,
    model: &Model,
) -> Question {
    let turns = window::turns(redacted);
    let schema = schema(settings.custom_schema());
    let room = prompt::room(model, &schema);
    Question {
        key: key(&turns, language, &schema, model),
        suspected_injection: turns.iter().any(|turn| injection::is_suspected(&turn.text)),
        turns: turns.len(),
        window: window::window(turns, room),
        schema,
    }
}

fn key(turns: &[Turn], language: Option<&Language>, schema: &Value, model: &Model) -> [u8; 32] {
    #[derive(Serialize)]
    struct Asked<'a> {
        prompt_version: &'static str,
        model: &'a Model,
        schema: &'a Value,
        language: Option<&'a Language>,
        turns: &'a [Turn],
    }
    json_sha256(&Asked {
        prompt_version: PROMPT_VERSION,
        model,
        schema,
        language,
        turns,
    })
}

/// The outcome by the rules, or what the model says where they do not say.
pub fn outcome(rules: Outcome, told: &Told) -> Outcome {
    match told {
        Told::Answered(answered) if rules.value == OutcomeValue::Unknown => Outcome {
            value: answered.answer.outcome.value(),
            method: OutcomeMethod::Llm,
            confidence: None,
        },
        _ => rules,
    }
}

/// The sections that a model's answer makes.
#[derive(Debug, Clone, PartialEq)]
pub struct Sections {
    /// What it says.
    pub insights: Section<Insights>,
    /// Whether the call was a success.
    pub success_evaluation: Section<SuccessEvaluation>,
    /// The account's own fields.
    pub structured_data: Section<StructuredData>,
}

impl Sections {
    /// Makes them of what is known about a call.
    pub fn of_call(has_transcript: bool, told: &Told, settings: &InsightSettings) -> Self {
        if has_transcript {
            Self::of(told, settings)
        } else {
            Self::skipped(SkipReason::NoTranscript)
        }
    }

    /// None of them, for a reason.
    pub fn skipped(reason: SkipReason) -> Self {
        Self {
            insights: Section::Skipped { reason },
            success_evaluation: Section::Skipped { reason },
            structured_data: Section::Skipped { reason },
        }
    }

    /// All of them, failed.
    pub fn failed(reason: FailReason) -> Self {
        Self {
            insights: Section::Failed { reason },
            success_evaluation: Section::Failed { reason },
            structured_data: Section::Failed { reason },
        }
    }

    fn of(told: &Told, settings: &InsightSettings) -> Self {
        let asks_own_fields = settings.custom_schema().is_some();
        let no_fields = || Section::Skipped {
            reason: SkipReason::NotConfigured,
        };
        match told {
            Told::NotConfigured => Self::skipped(SkipReason::NotConfigured),
            Told::Disabled => Self::skipped(SkipReason::Disabled),
            Told::Failed(reason) if asks_own_fields => Self::failed(*reason),
            Told::Failed(reason) => Self {
                structured_data: no_fields(),
                ..Self::failed(*reason)
            },
            Told::Answered(answered) => Self::answered(answered, no_fields),
        }
    }

    fn answered(answered: &Answered, no_fields: impl Fn() -> Section<StructuredData>) -> Self {
        let answer = answered.answer.clone();
        let method = LlmMethod::Llm;
        Self {
            structured_data: answer.custom.map_or_else(no_fields, |value| {
                Section::Completed(StructuredData { method, value })
            }),
            success_evaluation: Section::Completed(SuccessEvaluation {
                method,
                value: answer.call_successful,
                reason: answer.success_reason,
            }),
            insights: Section::Completed(Insights {
                method,
                model: answered.model.clone(),
                prompt_version: answered.prompt_version.clone(),
                usage: answered.usage,
                truncated: answered.truncated,
                suspected_injection: answered.suspected_injection,
                summary: answer.summary,
                call_reason: answer.call_reason,
                outcome: answer.outcome,
                customer_sentiment: answer.customer_sentiment,
                topics: answer.topics,
                action_items: answer.action_items,
                in_voicemail: answer.in_voicemail,
            }),
        }
    }
}
