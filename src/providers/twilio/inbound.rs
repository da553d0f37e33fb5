//! What a verified callback tells: the status of a call, or of its recording.

use crate::{
    domain::{
        report::{Facts, ProviderCallId, ReportKind},
        text::Text,
    },
    providers::Leg,
};

use super::{InboundError, InboundReport, signature::Form, wire};

/// Reads a callback. Nothing, if it says only what we do not know or need.
pub(super) fn read(form: &Form) -> Result<Option<InboundReport>, InboundError> {
    let call_sid = form.get("CallSid").unwrap_or_default();
    let call = ProviderCallId::parse(call_sid)
        .map_err(|_error| InboundError::Malformed("CallSid is missing or too long"))?;
    if let Some(status) = form.get("RecordingStatus") {
        return Ok(recording(form, call, status));
    }
    let status = form
        .get("CallStatus")
        .ok_or(InboundError::Malformed("CallStatus is missing"))?;
    Ok(call_status(form, call, status))
}

fn call_status(form: &Form, call: ProviderCallId, status: &str) -> Option<InboundReport> {
    let Some(kind) = wire::kind(status) else {
        tracing::info!(call.status = status, "a call status that is not known");
        return None;
    };
    // `SequenceNumber` comes with progress events alone; the status callback of a number is sent once.
    let sequence = form.get("SequenceNumber").unwrap_or_default();
    Some(InboundReport {
        event_id: Some(format!("{} {status} {sequence}", call.as_str())),
        call,
        occurred_at: form.get("Timestamp").and_then(wire::time),
        kind,
        facts: Facts {
            // `Duration` is minutes, as billed.
            duration_s: form.get("CallDuration").and_then(wire::seconds),
            recording_url: recording_url(form),
            ..parties(form)
        },
        leg: wire::leg(form.get("ParentCallSid")),
    })
}

fn recording(form: &Form, call: ProviderCallId, status: &str) -> Option<InboundReport> {
    if status != "completed" {
        return None;
    }
    let recording = form.get("RecordingSid").unwrap_or_default();
    Some(InboundReport {
        call,
        event_id: Some(format!("{recording} {status}")),
        // `RecordingStartTime` is when it began, not when it was there.
        occurred_at: None,
        kind: ReportKind::Recording,
        facts: Facts {
            recording_url: recording_url(form),
            ..Facts::default()
        },
        leg: Leg::default(),
    })
}

fn parties(form: &Form) -> Facts {
    let party = |name| form.get(name).map(str::to_owned).and_then(wire::party);
    Facts {
        direction: form.get("Direction").and_then(wire::direction),
        from: party("From"),
        to: party("To"),
        ..Facts::default()
    }
}

fn recording_url(form: &Form) -> Option<Text<2048>> {
    Text::parse(form.get("RecordingUrl")?).ok()
}
