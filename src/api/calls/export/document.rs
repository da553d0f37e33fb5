//! The parameters of an export as `openapi.yaml` shows them, and what one looks like.

use chrono::NaiveDate;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::domain::call_export::Format;

/// A row as NDJSON has it.
const ROW: &str = concat!(
    r#"{"id":"550e8400-e29b-41d4-a716-446655440000","call_sid":"CA12345678904567890","#,
    r#""company_id":"0190f5fe-7c00-7a00-8000-000000000009","campaign_id":null,"#,
    r#""ai_agent_id":"00000000-0000-0000-0000-000000000000","contact_id":null,"call_provider":"voip","#,
    r#""call_from":"+1234567890","call_to":"+1789451230","call_duration":10,"call_status":"completed","#,
    r#""call_direction":"inbound","is_test":false,"call_rating":0,"call_feedback":null,"record_url":null,"#,
    r#""transcript":null,"transcript_object":null,"transcript_language":null,"cost":0.0125,"price_unit":"USD","#,
    r#""latency":0,"disconnect_reason":"Customer hung up, \"busy\"","analysis_sentiment":"","agent_task_status":"","#,
    r#""agent_task_feedback":"","metadata":{"plan":"pro"},"agent_dynamic_variables":null,"#,
    r#""agent_post_call_outcomes":null,"notes":"=1+1","created_at":"2026-03-01T12:00:00Z","#,
    r#""updated_at":"2026-03-01T12:00:15Z","deleted_at":null,"started_at":"2026-03-01T12:00:05Z","#,
    r#""ended_at":"2026-03-01T12:00:15Z","retry_at":null,"workspace_id":"default","ringing_at":"2026-03-01T12:00:00Z","#,
    r#""from_e164":"+1234567890","to_e164":"+1789451230","ring_duration":5,"total_duration":15,"placement":null,"#,
    r#""terminations":[],"analysis":null}"#
);

/// An export of one call.
pub(super) fn example(format: Format) -> String {
    let mut rows = format.head().into_bytes();
    let written = format.write_line(ROW.as_bytes(), &mut rows);
    written.expect("the row is JSON");
    String::from_utf8(rows).expect("JSON is UTF-8")
}

/// Which calls, and how. An empty parameter says nothing; one that is not among these is refused.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the document's description of a query that is read field by field"
)]
pub(super) struct ExportQuery {
    /// `ndjson`, `csv` (RFC 4180, cells as they are) or `csv-safe` (for spreadsheets: a cell that would begin a formula has an
    /// apostrophe in front). Instead of `Accept`, and stronger.
    #[param(default = "ndjson", nullable = false)]
    format: Option<String>,
    /// The `id` of the last complete row that is there already: only what comes after it is written.
    #[param(nullable = false)]
    after: Option<Uuid>,
    /// Placed for this campaign.
    #[param(nullable = false)]
    campaign_id: Option<Uuid>,
    /// Handled by this agent.
    #[param(nullable = false)]
    ai_agent_id: Option<Uuid>,
    /// Part of the call status, whatever the case.
    #[param(example = "complet", max_length = 255, nullable = false)]
    status: Option<String>,
    /// Stands in the callee's number, the notes, the feedback or the transcript.
    #[param(max_length = 255, nullable = false)]
    search: Option<String>,
    /// First heard of on this day (UTC) or later. Bounds what is read, too.
    #[param(nullable = false)]
    start_date: Option<NaiveDate>,
    /// First heard of on this day (UTC) or before. Bounds what is read, too.
    #[param(nullable = false)]
    end_date: Option<NaiveDate>,
    /// Columns to filter by, as in `GET /calls/query`.
    #[param(rename = "filter_columns[]", example = json!(["call_duration", "disconnect_reason"]), max_items = 20, nullable = false)]
    filter_columns: Option<Vec<String>>,
    /// For each of them the value.
    #[param(rename = "filter_values[]", example = json!(["60", "customer"]), max_items = 20, nullable = false)]
    filter_values: Option<Vec<String>>,
    /// For each of them the operator.
    #[param(rename = "filter_operator[]", example = json!(["gte", "contains"]), max_items = 20, nullable = false)]
    filter_operator: Option<Vec<String>>,
}
