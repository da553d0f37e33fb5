//! What came of the call, by rules over the call-level section: the first that holds.

use crate::domain::analysis::{
    CallMetrics, Outcome, OutcomeMethod, OutcomeValue, call_metrics::AnsweredBy,
};

/// Applies the rules.
pub fn outcome(call: &CallMetrics) -> Outcome {
    let value = if call.answered_by == AnsweredBy::Machine {
        OutcomeValue::Voicemail
    } else if !call.answered {
        OutcomeValue::NoContact
    } else if call.short_call {
        OutcomeValue::ShortCall
    } else {
        OutcomeValue::Unknown
    };
    Outcome {
        value,
        method: OutcomeMethod::Rules,
        confidence: None,
    }
}
