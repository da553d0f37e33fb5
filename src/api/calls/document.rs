//! The requests of the calls surface as `openapi.yaml` shows them. Their handlers read them field by field.

use chrono::NaiveDate;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

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
    /// `created_at updated_at started_at ended_at call_duration call_to call_from call_status`
    #[param(default = "created_at", nullable = false)]
    pub sort_column: Option<String>,
    /// `asc` or `desc`
    #[param(default = "desc", nullable = false)]
    pub order: Option<String>,
    /// `next_cursor` of the page before: pages on in constant time. Instead of `page`.
    #[param(nullable = false)]
    pub cursor: Option<String>,
}
