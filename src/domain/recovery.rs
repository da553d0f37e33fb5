//! A recovery: what an endpoint has missed since a moment, sent again, and how far that is.

use chrono::{DateTime, Utc};

use super::{
    delivery::DeliveryState,
    id::{AccountId, EndpointId, RecoveryId},
};

/// What is to be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// Told at this moment or later.
    pub since: DateTime<Utc>,
    /// Told before this moment.
    pub until: DateTime<Utc>,
    /// Deliveries that have ended so; none of those that are on their way.
    pub states: Vec<DeliveryState>,
    /// Also events of calls that the endpoint subscribes to and that were never on their way to it.
    pub missing: bool,
}

/// How far a recovery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "recovery_stage", rename_all = "snake_case")]
pub enum Stage {
    /// Deliveries are made of events that have none to the endpoint.
    Making,
    /// Deliveries that are over begin anew.
    Resending,
    /// All of them are on their way.
    Completed,
    /// The endpoint was disabled or deleted meanwhile.
    Failed,
}

impl Stage {
    /// Whether there is more to do.
    pub fn is_running(self) -> bool {
        match self {
            Self::Making | Self::Resending => true,
            Self::Completed | Self::Failed => false,
        }
    }
}

/// What was done so far, or in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Events and deliveries that were looked at.
    pub looked_at: i64,
    /// Deliveries that were made of events that had none.
    pub made: i64,
    /// Deliveries that were put back at the beginning of a schedule.
    pub resent: i64,
    /// Deliveries that could not be, since what they tell is not kept any more.
    pub skipped: i64,
}

/// A recovery as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// Whose it is.
    pub account_id: AccountId,
    /// Its id.
    pub recovery_id: RecoveryId,
    /// To whom.
    pub endpoint_id: EndpointId,
    /// What is sent again.
    pub missed: Missed,
    /// How far it is.
    pub stage: Stage,
    /// The last event or delivery that was looked at in this stage.
    pub place: Option<uuid::Uuid>,
    /// What was done so far.
    pub counts: Counts,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it came to its end.
    pub finished_at: Option<DateTime<Utc>>,
}
