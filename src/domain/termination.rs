//! What ending a call asked of others, part by part, and how it went. On the record, so that nobody has to guess.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id::ConnectionId;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "termination_part", rename_all = "snake_case")]
pub enum TerminationPart {
    /// The leg at the telephony provider.
    Provider,
    /// The media room.
    Room,
}

impl TerminationPart {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Room => "room",
        }
    }
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "termination_state", rename_all = "snake_case")]
pub enum TerminationState {
    /// Asked for, not yet confirmed; tried again in the background.
    Pending,
    /// Confirmed.
    Done,
    /// It was over before we asked.
    AlreadyOver,
    /// The other side does not know it, which is as good as over.
    NotFound,
    /// There was nobody to ask; `detail` says why.
    Skipped,
    /// Given up; `detail` says why.
    Failed,
}

/// One part of ending a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Termination {
    /// What was asked for.
    pub part: TerminationPart,
    /// How it stands.
    pub state: TerminationState,
    /// The connection that was asked.
    pub connection_id: Option<ConnectionId>,
    /// Why it was skipped or failed, or is not done yet.
    pub detail: Option<String>,
    /// Requests made so far.
    pub attempts: i32,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When this last changed.
    pub updated_at: DateTime<Utc>,
}
