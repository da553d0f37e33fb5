//! What back ends say of a call on the calls surface, as a change to what is kept. Pure.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::{
    call::{Call, CampaignNotes},
    money::Money,
    report::Facts,
    text::Text,
    voice_call::update::Edit,
};

/// The largest JSON object that a back end keeps in one field, in bytes as it is written.
pub const OBJECT_BYTES_MAX: usize = 64 * 1024;

/// What to do with a field that holds a JSON object.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum ObjectEdit {
    /// Leave it as it is.
    #[default]
    Keep,
    /// Empty it.
    Clear,
    /// Put this into it.
    Put(Value),
    /// Merge this into it (RFC 7396): members replace, `null` removes.
    Merge(Value),
}

/// A change to what back ends keep of a call. What is absent stays as it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CampaignUpdate {
    /// The campaign it was placed for.
    pub campaign_id: Edit<Uuid>,
    /// The agent that handled it.
    pub ai_agent_id: Edit<Uuid>,
    /// The contact that was called.
    pub contact_id: Edit<Uuid>,
    /// The workspace.
    pub workspace_id: Option<Text<100>>,
    /// A call to try things out.
    pub is_test: Option<bool>,
    /// 1 to 5.
    pub call_rating: Edit<i16>,
    /// Feedback in words.
    pub call_feedback: Edit<Text<10_000>>,
    /// Free notes.
    pub notes: Edit<Text<10_000>>,
    /// The back end's own data.
    pub metadata: ObjectEdit,
    /// What the agent was told.
    pub agent_dynamic_variables: ObjectEdit,
    /// What was drawn from the call.
    pub agent_post_call_outcomes: ObjectEdit,
    /// What the call cost.
    pub cost: Edit<Money>,
    /// Three capitals.
    pub price_unit: Edit<Text<3>>,
    /// Network latency in milliseconds.
    pub latency_ms: Edit<i32>,
    /// Whether the agent's task was done.
    pub agent_task_status: Edit<Text<255>>,
    /// How the agent did.
    pub agent_task_feedback: Edit<Text<10_000>>,
    /// When it is tried again.
    pub retry_at: Edit<DateTime<Utc>>,
    /// Where the recording is. Stated: no report changes it any more.
    pub record_url: Edit<Text<2048>>,
}

/// What was merged into an object made it too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field} would have more than {OBJECT_BYTES_MAX} bytes")]
pub struct TooLarge {
    /// The field.
    pub field: &'static str,
}

impl CampaignUpdate {
    /// Changes the call.
    pub fn apply(self, call: &mut Call) -> Result<(), TooLarge> {
        match self.record_url.clone() {
            Edit::Keep => {}
            Edit::Clear => call.life.remove_recording(),
            Edit::Set(url) => call.life.settle(Facts {
                recording_url: Some(url),
                ..Facts::default()
            }),
        }
        self.note(&mut call.campaign)
    }

    fn note(self, kept: &mut CampaignNotes) -> Result<(), TooLarge> {
        self.campaign_id.apply(&mut kept.campaign_id, |id| id);
        self.ai_agent_id.apply(&mut kept.ai_agent_id, |id| id);
        self.contact_id.apply(&mut kept.contact_id, |id| id);
        if let Some(workspace) = self.workspace_id {
            kept.workspace_id = workspace.into_string();
        }
        kept.is_test = self.is_test.unwrap_or(kept.is_test);
        self.call_rating
            .apply(&mut kept.call_rating, |rating| rating);
        self.call_feedback
            .apply(&mut kept.call_feedback, Text::into_string);
        self.notes.apply(&mut kept.notes, Text::into_string);
        self.cost.apply(&mut kept.cost, |cost| cost);
        self.price_unit
            .apply(&mut kept.price_unit, Text::into_string);
        self.latency_ms.apply(&mut kept.latency_ms, |ms| ms);
        self.agent_task_status
            .apply(&mut kept.agent_task_status, Text::into_string);
        self.agent_task_feedback
            .apply(&mut kept.agent_task_feedback, Text::into_string);
        self.retry_at.apply(&mut kept.retry_at, |at| at);
        for (field, edit, slot) in [
            ("metadata", self.metadata, &mut kept.metadata),
            (
                "agent_dynamic_variables",
                self.agent_dynamic_variables,
                &mut kept.agent_dynamic_variables,
            ),
            (
                "agent_post_call_outcomes",
                self.agent_post_call_outcomes,
                &mut kept.agent_post_call_outcomes,
            ),
        ] {
            edit.apply(slot);
            let bytes = slot.as_ref().map_or(0, |object| object.to_string().len());
            if bytes > OBJECT_BYTES_MAX {
                return Err(TooLarge { field });
            }
        }
        Ok(())
    }
}

impl ObjectEdit {
    fn apply(self, slot: &mut Option<Value>) {
        match self {
            Self::Keep => {}
            Self::Clear => *slot = None,
            Self::Put(object) => *slot = Some(object),
            Self::Merge(patch) => merge(slot.get_or_insert(Value::Null), patch),
        }
    }
}

/// RFC 7396, section 2. The reader of JSON bounds how deep it goes.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(target) = target else {
        return;
    };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(&name);
        } else {
            merge(target.entry(name).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::merge;

    #[test]
    fn objects_are_merged_as_rfc_7396_says() {
        // The test cases of its appendix A that begin with an object, and one that does not.
        for (target, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": "b"}),
                json!({"b": "c"}),
                json!({"a": "b", "b": "c"}),
            ),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (
                json!({"a": "b", "b": "c"}),
                json!({"a": null}),
                json!({"b": "c"}),
            ),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (
                json!({"e": null}),
                json!({"a": 1}),
                json!({"e": null, "a": 1}),
            ),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
            (json!(["a"]), json!({"a": 1}), json!({"a": 1})),
        ] {
            let mut merged = target.clone();
            merge(&mut merged, patch.clone());
            assert_eq!(merged, result, "{target} and {patch}");
        }
    }
}
