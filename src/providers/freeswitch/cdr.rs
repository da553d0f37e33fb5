//! What `mod_json_cdr` posts when a channel is over: JSON as it is, or in a form's field `cdr`, percent-encoded or in base64.
//!
//! Its content type is not to be relied on: `disable-100-continue` replaces the module's own by curl's. The values of
//! `variables` are percent-encoded unless `encode-values` is off; nothing that is read of them has a percent sign in it.
//! `callflow` has one entry for each time that the call was routed, the last of them the first in time; it is a list in
//! some versions, and a key that is there several times in others.

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use chrono::{DateTime, Utc};
use percent_encoding::percent_decode;
use serde_json::Value;

use crate::{
    domain::{
        party::PartyNumber,
        report::{DURATION_S_MAX, Facts, ProviderCallId, ReportKind},
        text::Text,
    },
    providers::{InboundError, InboundReport, Leg},
};

use super::wire;

/// Reads a record: the call's whole life, one report for each step that it took.
pub(super) fn read(body: &[u8]) -> Result<Vec<InboundReport>, InboundError> {
    let record =
        Record(parse(body).ok_or(InboundError::Malformed("not a record of mod_json_cdr"))?);
    let call = record
        .variable("uuid")
        .and_then(|uuid| ProviderCallId::parse(uuid).ok())
        .ok_or(InboundError::Malformed("the record has no variables.uuid"))?;
    let facts = record.facts();
    let leg = record.leg();
    let report = |what: &str, kind, at, facts| InboundReport {
        call: call.clone(),
        event_id: Some(format!("{} {what}", call.as_str())),
        occurred_at: at,
        kind,
        facts,
        leg: leg.clone(),
    };
    let step =
        |what, kind, at: Option<_>| at.map(|at| report(what, kind, Some(at), Facts::default()));
    let answered = record.time("answer");
    let rang = [record.time("progress"), record.time("progress_media")];
    let rang = rang.into_iter().flatten().min();
    let cause = record.variable("hangup_cause").unwrap_or_default();
    let ended = Facts {
        duration_s: record.seconds("billsec").filter(|_| answered.is_some()),
        disconnect_reason: Text::parse(cause.as_str())
            .ok()
            .filter(|_| !cause.is_empty()),
        ..facts.clone()
    };
    let state = ReportKind::Ended(wire::end_state(&cause, answered.is_some()));
    let begun = record.time("start");
    let begun = begun.map(|at| report("start", ReportKind::Queued, Some(at), facts));
    Ok([
        begun,
        step("progress", ReportKind::Ringing, rang),
        step("answer", ReportKind::Answered, answered),
        Some(report("end", state, record.time("end"), ended)),
    ]
    .into_iter()
    .flatten()
    .collect())
}

fn parse(body: &[u8]) -> Option<Value> {
    let body = body.trim_ascii();
    let Some(field) = body.strip_prefix(b"cdr=") else {
        return serde_json::from_slice(body).ok();
    };
    let plain: Vec<u8> = percent_decode(field).collect();
    if plain.first() == Some(&b'{') {
        return serde_json::from_slice(&plain).ok();
    }
    let unpadded = field.trim_ascii_end();
    let padding = unpadded.iter().rev().take_while(|b| **b == b'=').count();
    let unpadded = unpadded.get(..unpadded.len().checked_sub(padding)?)?;
    serde_json::from_slice(&BASE64_STANDARD_NO_PAD.decode(unpadded).ok()?).ok()
}

struct Record(Value);

impl Record {
    fn variable(&self, name: &str) -> Option<String> {
        let value = self.0.get("variables")?.get(name)?.as_str()?;
        Some(wire::decoded(value)).filter(|value| !value.is_empty())
    }

    /// When a step was taken: in microseconds, or in seconds.
    fn time(&self, step: &str) -> Option<DateTime<Utc>> {
        let exact = self.variable(&format!("{step}_uepoch"));
        if let Some(at) = exact.as_deref().and_then(wire::micros) {
            return Some(at);
        }
        let seconds = self.variable(&format!("{step}_epoch"))?.parse().ok();
        DateTime::from_timestamp(seconds.filter(|seconds| *seconds > 0)?, 0)
    }

    fn seconds(&self, name: &str) -> Option<i32> {
        let seconds = self.variable(name)?.parse().ok()?;
        (0..=DURATION_S_MAX).contains(&seconds).then_some(seconds)
    }

    /// Who was called by whom at first.
    fn profile(&self) -> Option<&Value> {
        let flow = self.0.get("callflow")?;
        let first = flow.as_array().map_or(Some(flow), |flows| flows.last());
        first?.get("caller_profile")
    }

    fn facts(&self) -> Facts {
        let party = |of_profile: &str, variables: [&str; 2]| {
            let told = self.profile().and_then(|profile| profile.get(of_profile));
            let told = told.and_then(Value::as_str).map(str::to_owned);
            let mut variables = variables.iter().filter_map(|name| self.variable(name));
            let number = told.filter(|number| !number.is_empty());
            PartyNumber::parse(number.or_else(|| variables.next())?).ok()
        };
        Facts {
            direction: self
                .variable("direction")
                .as_deref()
                .and_then(wire::direction),
            from: party(
                "caller_id_number",
                ["sip_from_user", "origination_caller_id_number"],
            ),
            to: party("destination_number", ["sip_req_user", "sip_to_user"]),
            ..Facts::default()
        }
    }

    fn leg(&self) -> Leg {
        let by = self.variable("originator").or_else(|| {
            let originator = self.profile()?.get("originator")?;
            let by = originator.get("originator_caller_profiles")?.get(0)?;
            Some(by.get("uuid")?.as_str()?.to_owned())
        });
        Leg {
            parent: by.and_then(|by| ProviderCallId::parse(by).ok()),
            conversation: None,
        }
    }
}
