//! The requests of the calls surface as `openapi.yaml` shows them. Their handlers read them field by field.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::domain::state::Direction;

pub mod example;

/// Which call to end, and why.
#[derive(Debug, ToSchema)]
#[schema(example = json!({
    "call_id": "550e8400-e29b-41d4-a716-446655440000", "disconnect_reason": "Customer requested to end call"
}))]
pub struct EndCall {
    /// The call's id.
    pub call_id: Uuid,
    /// Why; `Ended Via API call` unless given.
    #[schema(max_length = 512)]
    pub disconnect_reason: Option<String>,
}

/// What back ends keep of a call. Absent, or `null` in a POST: nothing is said of it.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CallNotes {
    /// The campaign it was placed for.
    #[schema(nullable)]
    pub campaign_id: Option<Uuid>,
    /// The agent that handled it.
    #[schema(nullable)]
    pub ai_agent_id: Option<Uuid>,
    /// The contact that was called.
    #[schema(nullable)]
    pub contact_id: Option<Uuid>,
    /// The workspace; `workspace_id` is the same.
    #[schema(min_length = 1, max_length = 100)]
    pub workspace: Option<String>,
    /// The workspace, as the Call object names it.
    #[schema(min_length = 1, max_length = 100)]
    pub workspace_id: Option<String>,
    /// A call to try things out.
    pub is_test: Option<bool>,
    /// 1 to 5.
    #[schema(minimum = 1, maximum = 5)]
    pub call_rating: Option<i16>,
    /// Feedback in words.
    #[schema(max_length = 10_000)]
    pub call_feedback: Option<String>,
    /// Free notes.
    #[schema(max_length = 10_000)]
    pub notes: Option<String>,
    /// The back end's own data: at most 65,536 bytes as JSON.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<serde_json::Value>,
    /// What the agent was told: at most 65,536 bytes as JSON.
    #[schema(value_type = Option<Object>)]
    pub agent_dynamic_variables: Option<serde_json::Value>,
    /// What was drawn from the call: at most 65,536 bytes as JSON.
    #[schema(value_type = Option<Object>)]
    pub agent_post_call_outcomes: Option<serde_json::Value>,
    /// What the call cost, with at most 12 digits before the point and 6 behind it.
    #[schema(minimum = 0)]
    pub cost: Option<f64>,
    /// Currency of `cost`.
    #[schema(pattern = "^[A-Z]{3}$")]
    pub price_unit: Option<String>,
    /// Network latency in milliseconds.
    #[schema(minimum = 0, maximum = 3_600_000)]
    pub latency: Option<i32>,
    /// Whether the agent's task was done.
    #[schema(max_length = 255)]
    pub agent_task_status: Option<String>,
    /// How the agent did.
    #[schema(max_length = 10_000)]
    pub agent_task_feedback: Option<String>,
    /// When it is tried again.
    pub retry_at: Option<DateTime<Utc>>,
    /// Where the recording is.
    #[schema(min_length = 1, max_length = 2048)]
    pub record_url: Option<String>,
}

/// A change to what is kept of a call: absent fields stay, `null` empties.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({
    "call_rating": 5, "call_feedback": "Friendly and quick", "cost": 0.0135, "price_unit": "USD", "metadata": {"crm": "4711"}
}))]
pub struct PatchCall {
    /// The fields.
    #[serde(flatten)]
    pub notes: CallNotes,
}

/// A call that another system placed.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({
    "call_sid": "CA12345678904567890", "campaign_id": "0190f5fe-7c00-7a00-8000-000000000001",
    "ai_agent_id": "550e8400-e29b-41d4-a716-446655440000", "call_from": "+1234567890", "call_to": "+1789451230",
    "call_direction": "outbound", "workspace": "default", "agent_dynamic_variables": {"customer_name": "Jane"}
}))]
pub struct RecordCall {
    /// What telephony calls it; our own id, unless given.
    #[schema(min_length = 1, max_length = 255)]
    pub call_sid: Option<String>,
    /// The caller, in any form.
    #[schema(min_length = 1, max_length = 255)]
    pub call_from: String,
    /// The callee, in any form.
    #[schema(min_length = 1, max_length = 255)]
    pub call_to: String,
    /// `inbound` or `outbound`; `outbound` unless given.
    pub call_direction: Option<Direction>,
    /// `queued ringing in-progress completed busy no-answer canceled failed voicemail`; `queued` unless given.
    pub call_status: Option<String>,
    /// When it was answered.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended; now, unless given with a status of a call that is over.
    pub ended_at: Option<DateTime<Utc>>,
    /// Seconds of talk.
    #[schema(minimum = 0, maximum = 604_800)]
    pub call_duration: Option<i32>,
    /// The provider's name in lower case.
    #[schema(min_length = 1, max_length = 32, pattern = "^[a-z0-9_-]+$")]
    pub call_provider: Option<String>,
    /// Why it ended.
    #[schema(min_length = 1, max_length = 512)]
    pub disconnect_reason: Option<String>,
    /// The company: that of the credential.
    pub company_id: Option<Uuid>,
    /// For how many seconds from its answer it may last; then it is ended.
    #[schema(minimum = 1, maximum = 604_800)]
    pub max_duration: Option<i32>,
    /// When it is ended if it is live: in the future.
    pub end_at: Option<DateTime<Utc>>,
    /// What back ends keep.
    #[serde(flatten)]
    pub notes: CallNotes,
}

/// A call to be placed.
#[derive(Debug, ToSchema)]
#[schema(example = json!({
    "ai_agent_id": "550e8400-e29b-41d4-a716-446655440000", "call_from": "+1234567890", "call_to": "(123) 456-7890",
    "dynamic_variables": [{"name": "customer_name", "value": "Jane"}], "workspace": "default"
}))]
pub struct MakeCall {
    /// The agent that will handle it.
    pub ai_agent_id: Uuid,
    /// One of the account's numbers: `+1234567890`, `(123) 456-7890`, `123-456-7890`, `123.456.7890`, `123 456 7890`,
    /// `1234567890 ext 123`, `+1 (123) 456-7890`.
    #[schema(max_length = 64)]
    pub call_from: String,
    /// Who is called, in the same forms. An extension is dialled once somebody answers.
    #[schema(max_length = 64)]
    pub call_to: String,
    /// What the agent is told.
    #[schema(max_items = 100)]
    pub dynamic_variables: Option<Vec<DynamicVariable>>,
    /// The workspace.
    #[schema(min_length = 1, max_length = 100, default = "default")]
    pub workspace: Option<String>,
    /// For how many seconds from its answer it may last; then it is ended, by the provider where that can.
    #[schema(minimum = 1, maximum = 604_800)]
    pub max_duration: Option<i32>,
    /// When it is ended if it is live: in the future.
    pub end_at: Option<DateTime<Utc>>,
}

/// Something the agent is told.
#[derive(Debug, ToSchema)]
pub struct DynamicVariable {
    /// Its name, without spaces.
    #[schema(min_length = 1, max_length = 128, pattern = r"^\S+$")]
    pub name: String,
    /// Its value.
    #[schema(min_length = 1, max_length = 4096)]
    pub value: String,
}

/// Which calls, in which order. An empty parameter says nothing.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CallQuery {
    /// Placed for this campaign.
    #[param(nullable = false)]
    pub campaign_id: Option<Uuid>,
    /// Handled by this agent.
    #[param(nullable = false)]
    pub ai_agent_id: Option<Uuid>,
    /// Part of the call status, whatever the case.
    #[param(example = "complet", max_length = 255, nullable = false)]
    pub status: Option<String>,
    /// Stands in the callee's number, the notes, the feedback or the transcript.
    #[param(max_length = 255, nullable = false)]
    pub search: Option<String>,
    /// First heard of on this day (UTC) or later.
    #[param(nullable = false)]
    pub start_date: Option<NaiveDate>,
    /// First heard of on this day (UTC) or before.
    #[param(nullable = false)]
    pub end_date: Option<NaiveDate>,
    /// The page, from 0; for pages beyond 10000 use `cursor`.
    #[param(minimum = 0, maximum = 10_000, default = 0, nullable = false)]
    pub page: Option<i32>,
    /// Calls a page.
    #[param(minimum = 1, maximum = 100, default = 10, nullable = false)]
    pub per_page: Option<i32>,
    /// A field of the Call object, or `name` for `call_to`; docs/lists.md says which have an index. Calls without a value
    /// come last, either way.
    #[param(default = "created_at", example = "created_at", nullable = false)]
    pub sort_column: Option<String>,
    /// `asc` or `desc`
    #[param(default = "desc", nullable = false)]
    pub order: Option<String>,
    /// Columns to filter by, at most 20: those of `sort_column`. All filters must hold.
    #[param(rename = "filter_columns[]", example = json!(["call_duration", "disconnect_reason"]), max_items = 20, nullable = false)]
    pub filter_columns: Option<Vec<String>>,
    /// For each of them the value, of the column's type: text, whole or decimal number, RFC 3339 time or day, UUID, `true`
    /// or `false`, state, direction, JSON. At most 255 characters; for `in` up to 100 such values, parted by commas, or a
    /// JSON array of texts; for `is_null` `true`, `false`, or nothing for `true`.
    #[param(rename = "filter_values[]", example = json!(["60", "customer"]), max_items = 20, nullable = false)]
    pub filter_values: Option<Vec<String>>,
    /// For each of them `eq ne contains starts_with ends_with gt gte lt lte in` or `is_null`. Texts are compared with
    /// their case, and looked for without.
    #[param(rename = "filter_operator[]", example = json!(["gte", "contains"]), max_items = 20, nullable = false)]
    pub filter_operator: Option<Vec<String>>,
    /// `next_cursor` of the page before: pages on in constant time. Instead of `page`.
    #[param(nullable = false)]
    pub cursor: Option<String>,
}
