//! What the documented objects show of an analysis in fields of their own: the Call object's `agent_task_status`,
//! `agent_task_feedback`, `agent_post_call_outcomes`, and the voice call's `call_summary`.
//!
//! They are kept with the call, so that lists sort and filter by them. What somebody has set stays: an analysis fills only what is
//! empty or what its predecessor had filled. `analysis_sentiment` nobody can set; it is the newest analysis' own.

use serde_json::{Value, json};

use crate::domain::{call::Call, campaign::OBJECT_BYTES_MAX};

/// The most characters that staff may give a summary, and back ends a feedback.
const TEXT_CHARS_MAX: usize = 10_000;

/// The fields as one analysis fills them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Flat {
    agent_task_status: Option<String>,
    agent_task_feedback: Option<String>,
    agent_post_call_outcomes: Option<Value>,
    call_summary: Option<String>,
}

impl Flat {
    /// Reads an analysis as it is stored; none fills nothing.
    pub fn of(analysis: Option<&Value>) -> Self {
        let Some(analysis) = analysis else {
            return Self::default();
        };
        let made = |section: &str, field: &str| {
            let section = analysis.get(section)?;
            let is_made = section
                .get("status")
                .is_some_and(|status| status == "completed");
            section
                .get(field)
                .filter(|value| is_made && !value.is_null())
        };
        let text = |section, field| Some(made(section, field)?.as_str()?.to_owned());
        let successful = made("success_evaluation", "value").and_then(Value::as_bool);
        let level = analysis.get("analysis_level");
        let spoken = level.is_some_and(|level| level != "call_events");
        let summary = text("insights", "summary");
        let summary = summary.or_else(|| text("summary", "text").filter(|_| spoken));
        Self {
            agent_task_status: successful.map(|successful| {
                let status = if successful { "completed" } else { "failed" };
                status.to_owned()
            }),
            agent_task_feedback: text("success_evaluation", "reason").and_then(bounded),
            agent_post_call_outcomes: made("insights", "outcome").map(|outcome| {
                json!({
                    "outcome": outcome,
                    "call_reason": made("insights", "call_reason"),
                    "topics": made("insights", "topics"),
                    "data": made("structured_data", "value"),
                })
            }),
            call_summary: summary.and_then(bounded),
        }
        .within_bounds()
    }

    fn within_bounds(mut self) -> Self {
        let fits = |outcomes: &Value| outcomes.to_string().len() <= OBJECT_BYTES_MAX;
        self.agent_post_call_outcomes = self.agent_post_call_outcomes.filter(fits);
        self
    }

    /// Fills what nobody else has set since `before`, the analysis before this one; true if that changes the call.
    pub fn fill(self, before: Self, call: &mut Call) -> bool {
        let campaign = &mut call.campaign;
        let filled = [
            replace(
                &mut campaign.agent_task_status,
                (before.agent_task_status, self.agent_task_status),
            ),
            replace(
                &mut campaign.agent_task_feedback,
                (before.agent_task_feedback, self.agent_task_feedback),
            ),
            replace(
                &mut campaign.agent_post_call_outcomes,
                (
                    before.agent_post_call_outcomes,
                    self.agent_post_call_outcomes,
                ),
            ),
            replace(
                &mut call.staff.call_summary,
                (before.call_summary, self.call_summary),
            ),
        ];
        filled.contains(&true)
    }
}

fn bounded(text: String) -> Option<String> {
    let text: String = text.chars().take(TEXT_CHARS_MAX).collect();
    Some(text).filter(|text| !text.is_empty())
}

fn replace<T: PartialEq>(field: &mut Option<T>, (before, after): (Option<T>, Option<T>)) -> bool {
    let is_ours = field.is_none() || *field == before;
    let changes = is_ours && *field != after;
    if changes {
        *field = after;
    }
    changes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Flat, replace};

    #[test]
    fn what_somebody_has_set_stays() {
        let mut field = Some("by staff");
        assert!(!replace(&mut field, (Some("made"), Some("made again"))));
        assert_eq!(field, Some("by staff"));
    }

    #[test]
    fn what_an_analysis_had_filled_is_filled_anew_or_emptied() {
        let mut field = None;
        assert!(replace(&mut field, (None, Some("made"))));
        assert!(!replace(&mut field, (Some("made"), Some("made"))));
        assert!(replace(&mut field, (Some("made"), Some("made again"))));
        assert!(replace(&mut field, (Some("made again"), None)));
        assert_eq!(field, None);
    }

    #[test]
    fn the_fields_are_those_of_the_sections() {
        let analysis = json!({
            "analysis_level": "llm",
            "summary": {"status": "completed", "method": "template", "text": "Facts."},
            "insights": {
                "status": "completed", "summary": "The refund was promised.", "outcome": "resolved", "call_reason": "A double charge.",
                "topics": ["refund"],
            },
            "success_evaluation": {"status": "completed", "value": true, "reason": "The customer thanked."},
            "structured_data": {"status": "completed", "value": {"plan": "gold"}},
        });
        let flat = Flat::of(Some(&analysis));
        assert_eq!(flat.agent_task_status.as_deref(), Some("completed"));
        assert_eq!(
            flat.agent_task_feedback.as_deref(),
            Some("The customer thanked.")
        );
        assert_eq!(
            flat.call_summary.as_deref(),
            Some("The refund was promised.")
        );
        assert_eq!(
            flat.agent_post_call_outcomes,
            Some(json!({
                "outcome": "resolved", "call_reason": "A double charge.", "topics": ["refund"], "data": {"plan": "gold"},
            }))
        );
    }

    #[test]
    fn nothing_is_filled_in_where_nothing_was_said_and_no_object_is_too_large() {
        let skipped = json!({
            "analysis_level": "call_events",
            "summary": {"status": "completed", "method": "template", "text": "Facts."},
            "insights": {"status": "skipped", "reason": "NOT_CONFIGURED"},
            "success_evaluation": {"status": "skipped", "reason": "NOT_CONFIGURED"},
        });
        assert_eq!(Flat::of(Some(&skipped)), Flat::default());
        let large = json!({"insights": {"status": "completed", "outcome": "other", "topics": ["x".repeat(64 * 1024)]}});
        assert_eq!(Flat::of(Some(&large)), Flat::default());
        let long = json!({"insights": {"status": "completed", "summary": "ä".repeat(10_001)}});
        let summary = Flat::of(Some(&long)).call_summary.unwrap();
        assert_eq!(summary.chars().count(), 10_000);
    }
}
