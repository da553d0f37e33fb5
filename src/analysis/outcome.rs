//! What came of the call, by rules over the call-level section: the first that holds.

use crate::domain::analysis::{
    CallMetrics, Outcome, OutcomeMethod, OutcomeValue, call_metrics::AnsweredBy, content::Voicemail,
};

/// Applies the rules.
pub fn outcome(call: &CallMetrics, voicemail: Option<&Voicemail>) -> Outcome {
    let is_machine = call.answered_by == AnsweredBy::Machine;
    let value = if is_machine || voicemail.is_some_and(|voicemail| voicemail.detected) {
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
