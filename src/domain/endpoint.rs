//! A webhook endpoint: where an account wants to be told, and of what.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id::{AccountId, EndpointId};

pub mod headers;
pub mod subscription;

use subscription::Subscription;

/// How many endpoints an account may have: every event is one delivery to each.
pub const ENDPOINTS_MAX: i64 = 50;

/// How long a rotated key signs beside the new one at most, in seconds: a week.
pub const OVERLAP_S_MAX: i32 = 604_800;

/// How long it does unless somebody says otherwise: a day.
pub const OVERLAP_S_DEFAULT: i32 = 86_400;

/// The most requests a second that an endpoint may be bounded by.
pub const MAX_PER_SECOND_MAX: i32 = 1_000;

/// The most requests at once that an endpoint may be bounded by.
pub const MAX_CONCURRENCY_MAX: i32 = 100;

/// How many keys of a scheme may sign at once: each is another entry in the header of every webhook.
pub const SIGNING_KEYS_MAX: i64 = 5;

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

/// Why an endpoint is told nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "endpoint_disabled_reason", rename_all = "snake_case")]
pub enum DisabledReason {
    /// Somebody disabled it.
    Manual,
    /// It answered 410 Gone.
    Gone,
    /// It has failed for days.
    Failing,
}

/// How an endpoint is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "endpoint_kind", rename_all = "snake_case")]
pub enum EndpointKind {
    /// By our events.
    Standard,
    /// As a subscription of `/platform/v1/webhooks` is.
    Platform,
}

/// How webhooks are signed, by the names of Standard Webhooks.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    sqlx::Type,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "signature_scheme", rename_all = "snake_case")]
pub enum Scheme {
    /// HMAC-SHA256 with a secret that both sides know.
    V1,
    /// ed25519 with a key that is ours alone.
    V1a,
}

impl Scheme {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V1a => "v1a",
        }
    }
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
    /// How its webhooks are signed, in this order.
    pub signatures: Vec<Scheme>,
    /// What receivers verify `v1a` with, as the specification writes it: `whpk_` and the key.
    pub public_key: Option<String>,
    /// How it is told.
    pub kind: EndpointKind,
    /// The names of the headers of its own.
    pub header_names: Vec<String>,
    /// The kind of its credential: `bearer` or `basic`.
    pub authorization_type: Option<String>,
    /// How many requests it takes in a second, at most; none: as many as the service makes.
    pub max_per_second: Option<i32>,
    /// How many requests it takes at once, at most; none: as many as the service makes.
    pub max_concurrency: Option<i32>,
    /// Whether it is told anything.
    pub state: EndpointState,
    /// Why not, if not.
    pub disabled_reason: Option<DisabledReason>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}
