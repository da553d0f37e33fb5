//! Writing one call with everything, and what staff and back ends keep of it. What reports tell is in `reported`.

use sqlx::PgConnection;

use super::reported::save_life;
use crate::domain::{
    call::Call,
    id::{AccountId, CallId},
    money::Money,
};

/// Saves everything of a call that is new or was locked, and counts the change.
pub async fn save(conn: &mut PgConnection, call: &Call) -> sqlx::Result<()> {
    save_life(conn, call).await?;
    save_notes(conn, call).await
}

/// Saves what staff and back ends keep; does not count as a change by itself.
async fn save_notes(conn: &mut PgConnection, call: &Call) -> sqlx::Result<()> {
    let (staff, campaign) = (&call.staff, &call.campaign);
    sqlx::query!(
        "update calls set room_connection_id = $3, room_name = $4, source_id = $5, staff_uid = $6, client_uid = $7,
            voice_call_status = $8, rate = $9, price = $10, call_summary = $11, external_app_url = $12,
            external_app_name = $13, external_uuid = $14, recording_id = $15, handled_by_staff_uid = $16,
            handled_at = $17, campaign_id = $18, ai_agent_id = $19, contact_id = $20, workspace_id = $21,
            is_test = $22, call_rating = $23, call_feedback = $24, notes = $25, metadata = $26,
            agent_dynamic_variables = $27, deleted_at = $28, cost = $29, price_unit = $30, latency = $31,
            agent_task_status = $32, agent_task_feedback = $33, agent_post_call_outcomes = $34, retry_at = $35,
            placement = $36, recording_played = $37, recording_size_bytes = $38
         where account_id = $1 and call_id = $2",
        call.account_id.uuid(),
        call.call_id.uuid(),
        call.room.as_ref().map(|room| room.connection_id.uuid()),
        call.room.as_ref().map(|room| room.name.as_str()),
        staff.source_id.as_deref(),
        staff.staff_uid.as_deref(),
        staff.client_uid.as_deref(),
        staff.status as _,
        staff.rate.map(Money::decimal),
        staff.price.map(Money::decimal),
        staff.call_summary.as_deref(),
        staff.external_app_url.as_deref(),
        staff.external_app_name.as_deref(),
        staff.external_uuid.as_deref(),
        staff.recording_id.as_deref(),
        staff.handled_by_staff_uid.as_deref(),
        staff.handled_at,
        campaign.campaign_id,
        campaign.ai_agent_id,
        campaign.contact_id,
        campaign.workspace_id,
        campaign.is_test,
        campaign.call_rating,
        campaign.call_feedback.as_deref(),
        campaign.notes.as_deref(),
        campaign.metadata,
        campaign.agent_dynamic_variables,
        call.deleted_at,
        campaign.cost.map(Money::decimal),
        campaign.price_unit.as_deref(),
        campaign.latency_ms,
        campaign.agent_task_status.as_deref(),
        campaign.agent_task_feedback.as_deref(),
        campaign.agent_post_call_outcomes,
        campaign.retry_at,
        campaign.placement as _,
        staff.recording_played,
        staff.recording_size_bytes
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps the customer's sentiment of a call that was locked, for lists; does not count as a change by itself.
pub async fn note_sentiment(
    conn: &mut PgConnection,
    account_id: AccountId,
    call_id: CallId,
    label: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update calls set analysis_sentiment = $3
         where account_id = $1 and call_id = $2 and analysis_sentiment is distinct from $3",
        account_id.uuid(),
        call_id.uuid(),
        label
    )
    .execute(conn)
    .await?;
    Ok(())
}
