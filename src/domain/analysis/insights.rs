//! What a language model says of a call. It read the redacted transcript, which callers had a say in: nothing in it is a
//! measurement, and nothing may be done because of it that a caller must not be able to bring about.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::OutcomeValue;

/// How a section was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LlmMethod {
    /// By a language model.
    Llm,
}

/// How the customer felt, as the model reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InsightSentiment {
    /// Well.
    Positive,
    /// Neither.
    Neutral,
    /// Badly.
    Negative,
    /// Both.
    Mixed,
    /// It does not show.
    Unknown,
}

/// What came of the call, as the model reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InsightOutcome {
    /// What the customer wanted was done.
    Resolved,
    /// It was not.
    Unresolved,
    /// Somebody will do something about it.
    FollowUp,
    /// Somebody else took the call.
    Transferred,
    /// A machine took it.
    Voicemail,
    /// Nobody talked to anybody.
    NoConversation,
    /// Something else.
    Other,
}

impl InsightOutcome {
    /// The same as a call's outcome.
    pub fn value(self) -> OutcomeValue {
        match self {
            Self::Resolved => OutcomeValue::Resolved,
            Self::Unresolved => OutcomeValue::Unresolved,
            Self::FollowUp => OutcomeValue::FollowUp,
            Self::Transferred => OutcomeValue::Transferred,
            Self::Voicemail => OutcomeValue::Voicemail,
            Self::NoConversation => OutcomeValue::NoConversation,
            Self::Other => OutcomeValue::Other,
        }
    }
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionOwner {
    /// The account's side.
    Agent,
    /// The other.
    Customer,
}

/// Something that somebody is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActionItem {
    /// Who.
    pub owner: ActionOwner,
    /// What.
    pub text: String,
    /// The turns that show it, from 0; turns that are not there were left out.
    pub evidence_turns: Vec<usize>,
}

/// What the model was charged for, as it says: all requests for this call together. Null where it does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// Requests that were answered.
    pub requests: u32,
    /// Tokens that it read.
    pub prompt_tokens: Option<u64>,
    /// Tokens that it wrote.
    pub completion_tokens: Option<u64>,
}

/// A model's answer, judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// What the call was, in a few sentences.
    pub summary: String,
    /// How the customer felt.
    pub customer_sentiment: InsightSentiment,
    /// Why somebody called.
    pub call_reason: String,
    /// What came of it.
    pub outcome: InsightOutcome,
    /// Whether the customer got what they wanted; null where it does not show.
    pub call_successful: Option<bool>,
    /// Why.
    pub success_reason: String,
    /// What was talked about.
    pub topics: Vec<String>,
    /// What somebody is to do.
    pub action_items: Vec<ActionItem>,
    /// Whether the agent's side talked to a machine.
    pub in_voicemail: bool,
    /// The account's own fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<Value>,
}

/// An answer and how it came about, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// The model, as it calls itself.
    pub model: String,
    /// The version of the prompt.
    pub prompt_version: String,
    /// What it was charged for.
    pub usage: Usage,
    /// The middle of the conversation was left out.
    pub truncated: bool,
    /// Something in the conversation reads like an instruction to a model.
    pub suspected_injection: bool,
    /// What it said.
    pub answer: Answer,
}

/// What a language model says of the call.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Insights {
    /// How the section was made.
    pub method: LlmMethod,
    /// The model, as it calls itself.
    pub model: String,
    /// The version of the prompt.
    pub prompt_version: String,
    /// What it was charged for.
    pub usage: Usage,
    /// The conversation is longer than the model's context: it saw its beginning and its end.
    pub truncated: bool,
    /// Something in the conversation reads like an instruction to a model: look twice.
    pub suspected_injection: bool,
    /// What the call was, in a few sentences.
    pub summary: String,
    /// Why somebody called.
    pub call_reason: String,
    /// What came of it.
    pub outcome: InsightOutcome,
    /// How the customer felt. The `sentiment` section counts words instead; both stay, each under its method.
    pub customer_sentiment: InsightSentiment,
    /// What was talked about.
    #[schema(max_items = 50)]
    pub topics: Vec<String>,
    /// What somebody is to do.
    #[schema(max_items = 50)]
    pub action_items: Vec<ActionItem>,
    /// Whether the agent's side talked to a machine.
    pub in_voicemail: bool,
}

/// Whether the call was a success, as a language model reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SuccessEvaluation {
    /// How the section was made.
    pub method: LlmMethod,
    /// Whether the customer got what they wanted; null where it does not show.
    pub value: Option<bool>,
    /// Why.
    pub reason: String,
}

/// The account's own fields, as a language model filled them in.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct StructuredData {
    /// How the section was made.
    pub method: LlmMethod,
    /// The fields, valid by the account's schema.
    #[schema(value_type = Object)]
    pub value: Value,
}
