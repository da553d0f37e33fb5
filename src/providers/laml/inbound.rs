//! What a verified callback tells: the status of a call, or of its recording.

use crate::{
    domain::{
        report::{Facts, ProviderCallId, ReportKind},
        text::Text,
    },
    providers::{InboundError, InboundReport, Leg},
};

use super::{parameters::Parameters, wire};

/// What a vendor's `Timestamp` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::providers) enum Timestamp {
    /// When what is told happened.
    OfEvent,
    /// Something else.
    OfOther,
}

/// Reads a callback. Nothing, if it says only what we do not know or need.
pub(in crate::providers) fn read(
    form: &Parameters,
    timestamp: Timestamp,
) -> Result<Option<InboundReport>, InboundError> {
    let call_sid = form.get("CallSid").unwrap_or_default();
    let call = ProviderCallId::parse(call_sid)
        .map_err(|_error| InboundError::Malformed("CallSid is missing or too long"))?;
    if let Some(status) = form.get("RecordingStatus") {
        return Ok(recording(form, call, status));
    }
    let status = form
        .get("CallStatus")
        .ok_or(InboundError::Malformed("CallStatus is missing"))?;
    let told = call_status(form, call, status);
    Ok(told.map(|told| InboundReport {
        occurred_at: told.occurred_at.filter(|_| timestamp == Timestamp::OfEvent),
        ..told
    }))
}

fn call_status(form: &Parameters, call: ProviderCallId, status: &str) -> Option<InboundReport> {
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
            disconnect_reason: disconnect_reason(form, kind),
            ..parties(form)
        },
        leg: wire::leg(form.get("ParentCallSid")),
    })
}

fn recording(form: &Parameters, call: ProviderCallId, status: &str) -> Option<InboundReport> {
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

fn parties(form: &Parameters) -> Facts {
    let party = |name| form.get(name).map(str::to_owned).and_then(wire::party);
    Facts {
        direction: form.get("Direction").and_then(wire::direction),
        from: party("From"),
        to: party("To"),
        ..Facts::default()
    }
}

/// Why a call failed, as the network said it. Of one that was talked, the response is 200 and tells nothing.
fn disconnect_reason(form: &Parameters, kind: ReportKind) -> Option<Text<512>> {
    let response = form
        .get("SipResponseCode")
        .or_else(|| form.get("SipResultCode"))?;
    let failed = matches!(kind, ReportKind::Ended(_)) && response != "200";
    failed
        .then(|| Text::parse(format!("SIP {response}")).ok())
        .flatten()
}

fn recording_url(form: &Parameters) -> Option<Text<2048>> {
    Text::parse(form.get("RecordingUrl")?).ok()
}
