//! A connection as its account is shown it: never its credentials.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::id::ConnectionId;

/// A connection, without its credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ConnectionObject {
    /// Its id.
    pub id: ConnectionId,
    /// The vendor.
    pub provider: String,
    /// What the account calls it.
    pub label: Option<String>,
    /// Where the vendor's API is.
    pub base_url: String,
    /// The numbers whose calls it hangs up, and from which it places calls, in E.164.
    pub numbers: Vec<String>,
    /// What to give the vendor as its status callback, with the retries that it makes only on demand; null for a vendor that posts
    /// nothing, and while there is nothing that its posts could be verified with.
    pub status_callback_url: Option<String>,
    /// What the provider fetches when somebody takes a call that was placed by it.
    pub answer_url: Option<String>,
    /// The provider's application that answers instead.
    pub answer_application: Option<String>,
    /// How long a call by it may last, in seconds; null: it sets no limit of its own.
    pub max_duration: Option<i32>,
    /// Until when callbacks that are signed with the credentials before the last rotation are taken; null: they are not.
    pub former_credentials_until: Option<DateTime<Utc>>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}
