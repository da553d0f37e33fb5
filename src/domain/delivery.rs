//! One event on its way to one endpoint, and what each attempt to hand it over came to.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "delivery_state", rename_all = "snake_case")]
pub enum DeliveryState {
    /// The call's `call.ended` has to be told to this endpoint first.
    Waiting,
    /// It is tried, by the schedule.
    Pending,
    /// The endpoint took it.
    Succeeded,
    /// The schedule is spent: a dead letter, until somebody resends it.
    Dead,
    /// The endpoint was disabled or deleted before it took it.
    Discarded,
}

impl DeliveryState {
    /// The name in the database and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Dead => "dead",
            Self::Discarded => "discarded",
        }
    }
}

/// What an attempt came to: a closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "attempt_outcome", rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// Answered 2xx.
    Succeeded,
    /// Answered 3xx; redirects are not followed.
    Redirected,
    /// Answered 410: the endpoint wants no more, and is disabled.
    Gone,
    /// Answered another 4xx.
    ClientError,
    /// Answered 5xx.
    ServerError,
    /// The address policy forbids where the URL points.
    RefusedAddress,
    /// The name could not be resolved.
    Dns,
    /// No connection.
    Connect,
    /// No TLS session.
    Tls,
    /// No complete answer within the deadline.
    TimedOut,
    /// The connection broke before the answer was complete.
    Reset,
    /// What came could not be read as HTTP, or had no status that HTTP knows.
    Protocol,
    /// The signing secret cannot be opened with the keys that are configured here.
    SecretUnreadable,
}

impl AttemptOutcome {
    /// Every outcome.
    pub const ALL: [Self; 13] = [
        Self::Succeeded,
        Self::Redirected,
        Self::Gone,
        Self::ClientError,
        Self::ServerError,
        Self::RefusedAddress,
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::TimedOut,
        Self::Reset,
        Self::Protocol,
        Self::SecretUnreadable,
    ];

    /// What an answer of this status means.
    pub fn of_status(status: u16) -> Self {
        match status {
            200..=299 => Self::Succeeded,
            300..=399 => Self::Redirected,
            410 => Self::Gone,
            400..=499 => Self::ClientError,
            500..=599 => Self::ServerError,
            _ => Self::Protocol,
        }
    }

    /// The word for it, as the database and the API have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Redirected => "redirected",
            Self::Gone => "gone",
            Self::ClientError => "client_error",
            Self::ServerError => "server_error",
            Self::RefusedAddress => "refused_address",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::TimedOut => "timed_out",
            Self::Reset => "reset",
            Self::Protocol => "protocol",
            Self::SecretUnreadable => "secret_unreadable",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::AttemptOutcome;

    #[test]
    fn only_2xx_is_success() {
        for status in 100..1000 {
            let success = AttemptOutcome::of_status(status) == AttemptOutcome::Succeeded;
            assert_eq!(success, (200..300).contains(&status), "{status}");
        }
    }
}
