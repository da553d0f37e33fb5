//! The row of a call, and the call that it is.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::{
    call::{Call, CampaignNotes, Room, StaffNotes},
    id::ConnectionId,
    lifecycle::{End, LearnedAt, Lifecycle},
    money::Money,
    party::PartyNumber,
    placement::PlacementState,
    report::{ProviderCallId, ProviderName},
    state::{CallState, Direction, VoiceCallStatus},
    text::Text,
};

/// A row of `calls`.
#[derive(Debug)]
pub(super) struct CallRow {
    pub(super) account_id: Uuid,
    pub(super) call_id: Uuid,
    pub(super) provider: String,
    pub(super) provider_call_id: String,
    pub(super) connection_id: Option<Uuid>,
    pub(super) state: CallState,
    pub(super) direction: Option<Direction>,
    pub(super) from_number: Option<String>,
    pub(super) to_number: Option<String>,
    pub(super) from_e164: Option<String>,
    pub(super) to_e164: Option<String>,
    pub(super) email: Option<String>,
    pub(super) queued_at: Option<DateTime<Utc>>,
    pub(super) ringing_at: Option<DateTime<Utc>>,
    pub(super) answered_at: Option<DateTime<Utc>>,
    pub(super) ended_at: Option<DateTime<Utc>>,
    pub(super) duration_s: Option<i32>,
    pub(super) recording_url: Option<String>,
    pub(super) disconnect_reason: Option<String>,
    pub(super) learned_at: Json<LearnedAt>,
    pub(super) room_connection_id: Option<Uuid>,
    pub(super) room_name: Option<String>,
    pub(super) source_id: Option<String>,
    pub(super) staff_uid: Option<String>,
    pub(super) client_uid: Option<String>,
    pub(super) voice_call_status: Option<VoiceCallStatus>,
    pub(super) rate: Option<Decimal>,
    pub(super) price: Option<Decimal>,
    pub(super) call_summary: Option<String>,
    pub(super) external_app_url: Option<String>,
    pub(super) external_app_name: Option<String>,
    pub(super) external_uuid: Option<String>,
    pub(super) recording_id: Option<String>,
    pub(super) recording_played: bool,
    pub(super) recording_size_bytes: Option<i32>,
    pub(super) handled_by_staff_uid: Option<String>,
    pub(super) handled_at: Option<DateTime<Utc>>,
    pub(super) campaign_id: Option<Uuid>,
    pub(super) ai_agent_id: Option<Uuid>,
    pub(super) contact_id: Option<Uuid>,
    pub(super) workspace_id: String,
    pub(super) is_test: bool,
    pub(super) call_rating: Option<i16>,
    pub(super) call_feedback: Option<String>,
    pub(super) notes: Option<String>,
    pub(super) metadata: Option<serde_json::Value>,
    pub(super) agent_dynamic_variables: Option<serde_json::Value>,
    pub(super) cost: Option<Decimal>,
    pub(super) price_unit: Option<String>,
    pub(super) latency: Option<i32>,
    pub(super) agent_task_status: Option<String>,
    pub(super) agent_task_feedback: Option<String>,
    pub(super) agent_post_call_outcomes: Option<serde_json::Value>,
    pub(super) retry_at: Option<DateTime<Utc>>,
    pub(super) placement: Option<PlacementState>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    pub(super) deleted_at: Option<DateTime<Utc>>,
    pub(super) version: i64,
}

impl TryFrom<CallRow> for Call {
    type Error = sqlx::Error;

    fn try_from(row: CallRow) -> Result<Self, sqlx::Error> {
        let life = life(&row)?;
        let staff = staff(&row);
        let room = match (row.room_connection_id, row.room_name) {
            (Some(connection), Some(name)) => Some(Room {
                connection_id: connection.into(),
                name,
            }),
            (None, _) | (_, None) => None,
        };
        Ok(Self {
            account_id: row.account_id.into(),
            call_id: row.call_id.into(),
            provider: ProviderName::parse(&row.provider).map_err(decode)?,
            provider_call_id: ProviderCallId::parse(row.provider_call_id).map_err(decode)?,
            connection_id: row.connection_id.map(ConnectionId::from),
            life,
            room,
            staff,
            campaign: CampaignNotes {
                campaign_id: row.campaign_id,
                ai_agent_id: row.ai_agent_id,
                contact_id: row.contact_id,
                workspace_id: row.workspace_id,
                is_test: row.is_test,
                call_rating: row.call_rating,
                call_feedback: row.call_feedback,
                notes: row.notes,
                metadata: row.metadata,
                agent_dynamic_variables: row.agent_dynamic_variables,
                cost: row.cost.map(Money::from),
                price_unit: row.price_unit,
                latency_ms: row.latency,
                agent_task_status: row.agent_task_status,
                agent_task_feedback: row.agent_task_feedback,
                agent_post_call_outcomes: row.agent_post_call_outcomes,
                retry_at: row.retry_at,
                placement: row.placement,
            },
            created_at: row.created_at,
            updated_at: row.updated_at,
            deleted_at: row.deleted_at,
            version: row.version,
        })
    }
}

fn life(row: &CallRow) -> Result<Lifecycle, sqlx::Error> {
    let end = match (row.state.ended(), row.ended_at) {
        (Some(state), Some(at)) => Some(End { state, at }),
        (None, _) | (_, None) => None,
    };
    let number = |raw: &Option<String>, e164: &Option<String>| {
        raw.clone()
            .map(|raw| PartyNumber::kept(raw, e164.as_deref()))
            .transpose()
            .map_err(decode)
    };
    Ok(Lifecycle {
        queued_at: row.queued_at,
        ringing_at: row.ringing_at,
        answered_at: row.answered_at,
        end,
        direction: row.direction,
        from: number(&row.from_number, &row.from_e164)?,
        to: number(&row.to_number, &row.to_e164)?,
        email: row
            .email
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(decode)?,
        duration_s: row.duration_s,
        recording_url: row
            .recording_url
            .clone()
            .map(Text::parse)
            .transpose()
            .map_err(decode)?,
        disconnect_reason: row
            .disconnect_reason
            .clone()
            .map(Text::parse)
            .transpose()
            .map_err(decode)?,
        learned_at: row.learned_at.0.clone(),
    })
}

fn staff(row: &CallRow) -> StaffNotes {
    StaffNotes {
        status: row.voice_call_status,
        source_id: row.source_id.clone(),
        staff_uid: row.staff_uid.clone(),
        client_uid: row.client_uid.clone(),
        rate: row.rate.map(Money::from),
        price: row.price.map(Money::from),
        call_summary: row.call_summary.clone(),
        external_app_url: row.external_app_url.clone(),
        external_app_name: row.external_app_name.clone(),
        external_uuid: row.external_uuid.clone(),
        recording_id: row.recording_id.clone(),
        recording_played: row.recording_played,
        recording_size_bytes: row.recording_size_bytes,
        handled_by_staff_uid: row.handled_by_staff_uid.clone(),
        handled_at: row.handled_at,
    }
}

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}
