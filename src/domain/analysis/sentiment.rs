//! How it sounded, by the words alone. Lexicon sentiment is not satisfaction: see `docs/analysis.md`.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

/// How the section was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SentimentMethod {
    /// As `vader`, in revisions from before.
    Lexicon,
    /// A lexicon and rules: VADER, as Python's vaderSentiment has it.
    Vader,
    /// The same, the words of service talk having no value: `call-en-1`.
    VaderCall,
}

/// A sentiment in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// 0.05 or more on the scale of -1 to 1.
    Positive,
    /// Between.
    Neutral,
    /// -0.05 or less.
    Negative,
}

/// Where it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trend {
    /// The last quarter is at least one above the first.
    Improving,
    /// Less than one apart.
    Stable,
    /// The last quarter is at least one below the first.
    Declining,
}

/// How it sounded, by participant.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Sentiment {
    /// How the section was made.
    pub method: SentimentMethod,
    /// The scale of every score: `-5..5`.
    pub scale: &'static str,
    /// Words to which the account has given a value of its own.
    #[schema(required = false)]
    pub own_words: usize,
    /// The mean of the four quarters.
    pub overall: BTreeMap<String, f64>,
    /// The overall score in a word.
    pub label: BTreeMap<String, Label>,
    /// The scores over time.
    pub by_period: ByPeriod,
    /// The last quarter less the first.
    pub change: BTreeMap<String, f64>,
    /// The change in a word.
    pub trend: BTreeMap<String, Trend>,
}

/// The scores over time.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ByPeriod {
    /// Four quarters of the time from 0 to the participant's last word.
    pub quarter: BTreeMap<String, Vec<Quarter>>,
}

/// A quarter of a participant's time.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Quarter {
    /// Where it begins.
    pub begin_offset_ms: u64,
    /// Where it ends.
    pub end_offset_ms: u64,
    /// Five times the mean of its utterances' compound scores; 0 without any.
    pub score: f64,
    /// Five times the part of positive utterances less that of negative ones: what Contact Lens calls the score.
    pub score_label: f64,
    /// The utterances that begin in it.
    pub turns: u64,
}

/// The sentiment of one utterance.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct TurnSentiment {
    /// In a word.
    pub label: Label,
    /// VADER's compound score, -1 to 1.
    pub compound: f64,
}

impl TurnSentiment {
    /// The sentiment of a compound score.
    pub fn of(compound: f64) -> Self {
        Self {
            label: Label::of(compound),
            compound,
        }
    }
}

impl Label {
    /// The label of a score on the scale of -1 to 1.
    pub fn of(compound: f64) -> Self {
        if compound >= 0.05 {
            Self::Positive
        } else if compound <= -0.05 {
            Self::Negative
        } else {
            Self::Neutral
        }
    }
}
