//! What makes the sections, by name and version. A version rises when its output can change, which
//! `tests/it/analysis_golden.rs` sees to.

use crate::{
    analysis::insights::PROMPT_VERSION,
    domain::analysis::{Analyzer, settings::SentimentProfile},
};

/// Makes the call-level section, and the outcome by its rules.
pub(super) const CALL_EVENTS: Analyzer = Analyzer {
    name: "call-events",
    version: "2",
};
/// Makes the timing section.
pub(super) const TIMING: Analyzer = Analyzer {
    name: "timing",
    version: "2",
};
/// Makes the sentiment section, where the account wants it plain.
const VADER: Analyzer = Analyzer {
    name: "vader",
    version: "3.3.2",
};
/// Makes the sentiment section.
const VADER_CALL: Analyzer = Analyzer {
    name: "vader-call-en",
    version: "1",
};
/// Finds personal data.
pub(super) const PII: Analyzer = Analyzer {
    name: "pii-rules",
    version: "1",
};
/// Makes the key phrases, the highlights, the categories and the summary, and hears machines.
pub(super) const CONTENT: Analyzer = Analyzer {
    name: "content-rules",
    version: "1",
};
/// Tells languages.
pub(super) const LANGUAGE: Analyzer = Analyzer {
    name: "whatlang",
    version: "0.18",
};
/// Asks a language model and judges its answer.
pub(super) const INSIGHTS: Analyzer = Analyzer {
    name: "llm-insights",
    version: PROMPT_VERSION,
};

/// What makes the sentiment section.
pub(super) fn sentiment(profile: SentimentProfile) -> Analyzer {
    match profile {
        SentimentProfile::Call => VADER_CALL,
        SentimentProfile::Plain => VADER,
    }
}
