//! A webhook endpoint: where an account wants to be told, and of what.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    event::EventType,
    id::{AccountId, EndpointId},
};

/// How many endpoints an account may have: every event is one delivery to each.
pub const ENDPOINTS_MAX: i64 = 50;

/// Whether an endpoint is told anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "endpoint_state", rename_all = "snake_case")]
pub enum EndpointState {
    /// It is told every event it subscribes to.
    Enabled,
    /// It is told nothing until somebody enables it again.
    Disabled,
}

/// A webhook endpoint, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Whose it is.
    pub account_id: AccountId,
    /// Its id; the lane of its deliveries.
    pub endpoint_id: EndpointId,
    /// Where events are posted.
    pub url: String,
    /// What it wants to be told.
    pub subscription: Subscription,
    /// Whether it is told anything.
    pub state: EndpointState,
    /// Why not, if not.
    pub disabled_reason: Option<String>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// What an endpoint wants to be told: some types, each once and in one order, or all that tell how calls go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription(Vec<EventType>);

impl Subscription {
    /// A subscription to these types; to all but operational ones, also those yet to come, if none is named.
    pub fn to(mut types: Vec<EventType>) -> Self {
        types.sort_unstable();
        types.dedup();
        Self(types)
    }

    /// The named types; empty means all but operational ones.
    pub fn types(&self) -> &[EventType] {
        &self.0
    }

    /// Whether events of the type are wanted.
    pub fn wants(&self, event: EventType) -> bool {
        (self.0.is_empty() && !event.is_operational()) || self.0.contains(&event)
    }
}

#[cfg(test)]
mod tests {
    use super::{EventType, Subscription};

    #[test]
    fn naming_no_type_subscribes_to_all_but_operational_ones() {
        for event in EventType::ALL {
            let wanted = Subscription::to(vec![]).wants(event);
            assert_eq!(wanted, !event.is_operational(), "{event}");
            assert!(Subscription::to(vec![event]).wants(event));
        }
        let ended = Subscription::to(vec![EventType::CallEnded, EventType::CallEnded]);
        assert_eq!(ended.types(), [EventType::CallEnded]);
        assert!(ended.wants(EventType::CallEnded) && !ended.wants(EventType::CallUpdated));
    }
}
