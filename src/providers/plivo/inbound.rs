//! What a verified callback tells: that a call rings, how it ended, that a recording is there.
//!
//! Plivo tells the answer URL alone, which is not ours, that somebody answered. The callback at the end has the time, and is
//! two reports then.

use chrono::{DateTime, Utc};

use crate::{
    domain::{
        report::{Facts, ProviderCallId, ReportKind},
        state::EndState,
        text::Text,
    },
    providers::{InboundError, InboundReport, Leg},
};

use super::{
    signature::Form,
    wire::{self, Moment},
};

/// Reads a callback. Nothing, if it says only what we do not know or need.
pub(super) fn read(
    form: &Form,
    received_at: DateTime<Utc>,
) -> Result<Vec<InboundReport>, InboundError> {
    let call_uuid = form.get("CallUUID").unwrap_or_default();
    let call = ProviderCallId::parse(call_uuid)
        .map_err(|_error| InboundError::Malformed("CallUUID is missing or too long"))?;
    if let Some(url) = form.get("RecordUrl") {
        return Ok(vec![recording(form, call, url)]);
    }
    let status = form
        .get("CallStatus")
        .ok_or(InboundError::Malformed("CallStatus is missing"))?;
    let Some(kind) = wire::kind(status) else {
        tracing::info!(call.status = status, "a call status that is not known");
        return Ok(Vec::new());
    };
    let event = form.get("Event").unwrap_or_default();
    let told = InboundReport {
        event_id: Some(format!("{} {event} {status}", call.as_str())),
        call,
        occurred_at: None,
        kind: said(form, kind),
        facts: facts(form),
        leg: leg(form),
    };
    Ok(match kind {
        ReportKind::Ended(_) => ended(form, told, received_at),
        ReportKind::Queued
        | ReportKind::Ringing
        | ReportKind::Answered
        | ReportKind::HungUp(_)
        | ReportKind::Recording => vec![told],
    })
}

/// The end, after the answer if there was one.
fn ended(form: &Form, told: InboundReport, received_at: DateTime<Utc>) -> Vec<InboundReport> {
    let moment = |name| form.get(name).and_then(Moment::parse);
    let (answer, end) = (moment("AnswerTime"), moment("EndTime"));
    let answered_at = match (answer, end) {
        (Some(Moment::Known(at)), _) => Some(at),
        // Of a zone that we do not know, but how long it was talked is known.
        (Some(Moment::Local(answer)), Some(Moment::Local(end))) if answer <= end => {
            received_at.checked_sub_signed(end - answer)
        }
        (Some(Moment::Local(_)) | None, _) => None,
    };
    let answered = answered_at.map(|at| InboundReport {
        event_id: Some(format!("{} answered", told.call.as_str())),
        occurred_at: Some(at),
        kind: ReportKind::Answered,
        facts: Facts {
            duration_s: None,
            disconnect_reason: None,
            ..told.facts.clone()
        },
        ..told.clone()
    });
    let end = InboundReport {
        occurred_at: end.and_then(Moment::known),
        ..told
    };
    answered.into_iter().chain([end]).collect()
}

fn recording(form: &Form, call: ProviderCallId, url: &str) -> InboundReport {
    let recording = form.get("RecordingID").unwrap_or(url);
    InboundReport {
        event_id: Some(format!("{recording} recorded")),
        call,
        occurred_at: None,
        kind: ReportKind::Recording,
        facts: Facts {
            recording_url: Text::parse(url).ok(),
            ..Facts::default()
        },
        leg: Leg::default(),
    }
}

/// What a status truly says of the end.
fn said(form: &Form, kind: ReportKind) -> ReportKind {
    let is = |name, value| form.get(name) == Some(value);
    match kind {
        // A callee who rejects a call is busy, whatever Plivo calls it.
        ReportKind::Ended(EndState::Failed) if is("HangupCause", "CALL_REJECTED") => {
            ReportKind::Ended(EndState::Busy)
        }
        // Of a call that came in, Plivo says this in any case; of one that was answered, when.
        ReportKind::Ended(EndState::Completed)
            if is("Direction", "inbound") && form.get("AnswerTime").is_none() =>
        {
            ReportKind::HungUp(EndState::NoAnswer)
        }
        kind => kind,
    }
}

fn facts(form: &Form) -> Facts {
    let party = |name| form.get(name).and_then(wire::party);
    let cause = form.get("HangupCauseName").or(form.get("HangupCause"));
    Facts {
        direction: form.get("Direction").and_then(wire::direction),
        from: party("From"),
        to: party("To"),
        // Of one that was answered, the time that was talked; else 0.
        duration_s: form.get("Duration").and_then(wire::seconds),
        disconnect_reason: wire::disconnect_reason(cause, form.get("HangupSource")),
        ..Facts::default()
    }
}

/// A leg that a `<Dial>` made names the one that dialled, and the request that made that one.
fn leg(form: &Form) -> Leg {
    let id = |name| form.get(name).and_then(wire::id);
    let own = form.get("CallUUID").and_then(wire::id);
    let first = id("ParentCallUUID").or_else(|| id("ALegUUID"));
    Leg {
        parent: first.filter(|first| own.as_ref() != Some(first)),
        conversation: id("RequestUUID").or_else(|| id("ALegRequestUUID")),
    }
}
