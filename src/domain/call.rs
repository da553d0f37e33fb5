//! The one record of a call, as the store keeps it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    id::{AccountId, CallId, ConnectionId},
    lifecycle::Lifecycle,
    money::Money,
    placement::PlacementState,
    report::{ProviderCallId, ProviderName},
    state::VoiceCallStatus,
};

/// A call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Whose it is.
    pub account_id: AccountId,
    /// Our id of it: `call_id` and `uid`.
    pub call_id: CallId,
    /// The provider, as far as known.
    pub provider: ProviderName,
    /// What telephony calls it: `CallId`, `call_sid`.
    pub provider_call_id: ProviderCallId,
    /// The connection by which it was reported or placed.
    pub connection_id: Option<ConnectionId>,
    /// What reports have told.
    pub life: Lifecycle,
    /// The media room that goes with it.
    pub room: Option<Room>,
    /// What staff systems keep.
    pub staff: StaffNotes,
    /// What back ends keep.
    pub campaign: CampaignNotes,
    /// When we first heard of it.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was deleted.
    pub deleted_at: Option<DateTime<Utc>>,
    /// Rises with every change.
    pub version: i64,
}

impl Call {
    /// A call of which nothing is known but its names.
    pub fn unknown(
        account_id: AccountId,
        call_id: CallId,
        provider: ProviderName,
        provider_call_id: ProviderCallId,
        created_at: DateTime<Utc>,
    ) -> Self {
        Self {
            account_id,
            call_id,
            provider,
            provider_call_id,
            connection_id: None,
            life: Lifecycle::default(),
            room: None,
            staff: StaffNotes::default(),
            campaign: CampaignNotes::default(),
            created_at,
            updated_at: created_at,
            deleted_at: None,
            version: 1,
        }
    }
}

/// A media room and the connection that can delete it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// The connection to the room's server.
    pub connection_id: ConnectionId,
    /// The room's name there.
    pub name: String,
}

/// The fields that only the voice-calls surface writes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StaffNotes {
    /// The status that staff last set.
    pub status: Option<VoiceCallStatus>,
    /// The provider system's id, unique per account and provider; `provider_call_id` where not set.
    pub source_id: Option<String>,
    /// The staff member of the call.
    pub staff_uid: Option<String>,
    /// The client of the call.
    pub client_uid: Option<String>,
    /// Price per unit.
    pub rate: Option<Money>,
    /// Price of the call.
    pub price: Option<Money>,
    /// What the call was about.
    pub call_summary: Option<String>,
    /// Where more about it is to be found.
    pub external_app_url: Option<String>,
    /// The application that manages the call.
    pub external_app_name: Option<String>,
    /// That application's id of it.
    pub external_uuid: Option<String>,
    /// The recording that belongs to it.
    pub recording_id: Option<String>,
    /// Somebody has listened to the recording.
    pub recording_played: bool,
    /// How large the recording is, in bytes.
    pub recording_size_bytes: Option<i32>,
    /// Who followed up.
    pub handled_by_staff_uid: Option<String>,
    /// When.
    pub handled_at: Option<DateTime<Utc>>,
}

/// The fields that only the calls surface writes.
#[derive(Debug, Clone, PartialEq)]
pub struct CampaignNotes {
    /// The campaign it was placed for.
    pub campaign_id: Option<Uuid>,
    /// The agent that handled it.
    pub ai_agent_id: Option<Uuid>,
    /// The contact that was called.
    pub contact_id: Option<Uuid>,
    /// A workspace's name, `default` unless set.
    pub workspace_id: String,
    /// A call to try things out.
    pub is_test: bool,
    /// 1 to 5.
    pub call_rating: Option<i16>,
    /// Feedback in words.
    pub call_feedback: Option<String>,
    /// Free notes.
    pub notes: Option<String>,
    /// The back end's own data.
    pub metadata: Option<serde_json::Value>,
    /// What the agent was told.
    pub agent_dynamic_variables: Option<serde_json::Value>,
    /// What the call cost, in `price_unit`.
    pub cost: Option<Money>,
    /// A currency (ISO 4217).
    pub price_unit: Option<String>,
    /// Network latency in milliseconds.
    pub latency_ms: Option<i32>,
    /// Whether the agent's task was done, in the agent system's words.
    pub agent_task_status: Option<String>,
    /// How the agent did.
    pub agent_task_feedback: Option<String>,
    /// What was drawn from the call.
    pub agent_post_call_outcomes: Option<serde_json::Value>,
    /// When the back end tries it again.
    pub retry_at: Option<DateTime<Utc>>,
    /// How placing it stands, if it was placed here.
    pub placement: Option<PlacementState>,
}

impl Default for CampaignNotes {
    fn default() -> Self {
        Self {
            campaign_id: None,
            ai_agent_id: None,
            contact_id: None,
            workspace_id: "default".to_owned(),
            is_test: false,
            call_rating: None,
            call_feedback: None,
            notes: None,
            metadata: None,
            agent_dynamic_variables: None,
            cost: None,
            price_unit: None,
            latency_ms: None,
            agent_task_status: None,
            agent_task_feedback: None,
            agent_post_call_outcomes: None,
            retry_at: None,
            placement: None,
        }
    }
}
