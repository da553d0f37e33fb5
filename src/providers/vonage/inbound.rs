//! What a verified event tells: the status of a call, or a recording.

use crate::domain::{
    report::{Facts, ProviderCallId, ReportKind},
    text::Text,
};

use super::{InboundError, InboundReport, wire::Fields};

/// Reads an event. Nothing, if it says only what we do not know or need: input, transfers, errors in an NCCO.
pub(super) fn read(event: &Fields) -> Result<Option<InboundReport>, InboundError> {
    if event.text("recording_url").is_some() {
        return recording(event).map(Some);
    }
    let Some(status) = event.text("status") else {
        return Ok(None);
    };
    // The events of machine detection call it `call_uuid`.
    let uuid = event.text("uuid").or_else(|| event.text("call_uuid"));
    let call = name(uuid.ok_or(InboundError::Malformed("uuid is missing"))?)?;
    let Some(mut report) = event.report(call) else {
        tracing::info!(call.status = status, "a call status that is not known");
        return Ok(None);
    };
    // The token's own id may change when Vonage tries again.
    let timestamp = event.text("timestamp").unwrap_or_default();
    report.event_id = Some(format!("{} {status} {timestamp}", report.call.as_str()));
    Ok(Some(report))
}

/// It names the conversation alone, not which of its calls: the call that is first in it is meant.
fn recording(event: &Fields) -> Result<InboundReport, InboundError> {
    let call = event
        .text("uuid")
        .or_else(|| event.text("conversation_uuid"))
        .ok_or(InboundError::Malformed("conversation_uuid is missing"))?;
    let url = event.text("recording_url");
    Ok(InboundReport {
        call: name(call)?,
        event_id: event.text("recording_uuid").map(str::to_owned),
        occurred_at: event.time("timestamp"),
        kind: ReportKind::Recording,
        facts: Facts {
            recording_url: url.and_then(|url| Text::parse(url).ok()),
            ..Facts::default()
        },
        leg: event.leg(),
    })
}

fn name(text: &str) -> Result<ProviderCallId, InboundError> {
    ProviderCallId::parse(text)
        .map_err(|_error| InboundError::Malformed("the call's id is too long"))
}
