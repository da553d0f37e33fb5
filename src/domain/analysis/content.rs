//! What the words of a conversation are about. All text in it is taken from the redacted transcript.

use serde::Serialize;
use utoipa::ToSchema;

use super::conversation::Span;

/// How a section was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RulesMethod {
    /// By the rules of `docs/analysis.md`.
    Rules,
}

/// The words that are said most, or early, or by the customer.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct KeyPhrases {
    /// How the section was made.
    pub method: RulesMethod,
    /// The ten most telling ones, the most telling first.
    #[schema(max_items = 10)]
    pub items: Vec<KeyPhrase>,
}

/// Some words that follow each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct KeyPhrase {
    /// The words, in lower case.
    pub text: String,
    /// How often they are said.
    pub count: u64,
    /// The turns in which they are said, the first ten of them.
    #[schema(max_items = 10)]
    pub turns: Vec<usize>,
}

/// What a highlight is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HighlightKind {
    /// What the customer first says that has something in it.
    Issue,
    /// What the customer says most negatively.
    MostNegative,
    /// What an agent promises last.
    Commitment,
}

/// A turn worth reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Highlight {
    /// Why.
    pub kind: HighlightKind,
    /// The turn, from 0.
    pub turn: usize,
    /// What is said in it, the first 500 characters.
    #[schema(max_length = 500)]
    pub text: String,
}

/// Turns worth reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Highlights {
    /// How the section was made.
    pub method: RulesMethod,
    /// At most one of a kind.
    #[schema(max_items = 3)]
    pub items: Vec<Highlight>,
}

/// The account's categories that the call is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Categories {
    /// How the section was made.
    pub method: RulesMethod,
    /// In the order of the account's settings.
    #[schema(max_items = 100)]
    pub items: Vec<Category>,
}

/// A category that the call is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Category {
    /// Its name.
    pub name: String,
    /// Where its phrases are said, the first hundred utterances; none where it is in because nobody said them.
    #[schema(max_items = 100)]
    pub points_of_interest: Vec<PointOfInterest>,
}

/// An utterance in which a phrase is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PointOfInterest {
    /// The turn, from 0.
    pub turn: usize,
    /// The phrase, as the account wrote it.
    pub phrase: String,
    /// When.
    #[serde(flatten)]
    pub span: Span,
}

/// Whether the far party is a machine that takes messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Voicemail {
    /// How the section was made.
    pub method: RulesMethod,
    /// Whether it is.
    pub detected: bool,
    /// The turn that says so; null where telephony does, or nothing.
    pub turn: Option<usize>,
}

/// How a summary was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SummaryMethod {
    /// From the other sections, by a template: facts, no judgement.
    Template,
}

/// The call in a few sentences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Summary {
    /// How it was made.
    pub method: SummaryMethod,
    /// The sentences, in English.
    pub text: String,
}
