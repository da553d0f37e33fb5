//! Calls that are placed here: how asking the provider for one stands.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How asking the provider to place a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "placement_state", rename_all = "snake_case")]
pub enum PlacementState {
    /// It is being asked, or has not answered: whether there is a call at the provider is not known yet.
    Asking,
    /// The provider has the call, and its name for it is known.
    Placed,
    /// There is no call at the provider.
    Failed,
}
