//! What is made of a call after its end: one immutable revision per input.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why an analysis was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "analysis_trigger", rename_all = "snake_case")]
pub enum Trigger {
    /// The call ended.
    CallEnded,
    /// A transcript came, or a newer one.
    TranscriptUpdated,
    /// A recording came.
    RecordingAvailable,
    /// Somebody asked for it.
    Requested,
}
