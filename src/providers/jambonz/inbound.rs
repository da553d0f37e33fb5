//! What a verified callback tells: the status of a call.

use chrono::{DateTime, Utc};

use crate::{
    domain::report::ProviderCallId,
    providers::{InboundError, InboundReport},
};

use super::wire::Call;

/// Reads a callback. Nothing, if it says only what we do not know or need.
pub(super) fn read(
    body: &[u8],
    signed_at: DateTime<Utc>,
) -> Result<Option<InboundReport>, InboundError> {
    let call: Call = serde_json::from_slice(body).map_err(|_error| {
        InboundError::Malformed("the body is not a JSON object with a call_status")
    })?;
    let name = call.sid.clone().unwrap_or_default();
    let name = ProviderCallId::parse(name)
        .map_err(|_error| InboundError::Malformed("call_sid is missing or too long"))?;
    // The same status is sent once, but for early media, which is told again as ringing goes on.
    let event_id = format!("{} {}", name.as_str(), call.status);
    let Some(report) = call.report(&name, Some(signed_at)) else {
        tracing::info!("a call status that is not known");
        return Ok(None);
    };
    Ok(Some(InboundReport {
        event_id: Some(event_id),
        ..report
    }))
}
