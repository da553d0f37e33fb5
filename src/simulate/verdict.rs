//! Whether every record is what the ledger says.

use std::{
    collections::BTreeMap,
    fmt,
    sync::atomic::{AtomicU32, Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::{ledger::LedgerCall, world::World};
use crate::{
    domain::state::{CallState, EndState},
    providers::{Providers, profile::LookUpKind},
};

/// How far our end of a call may be from the provider's: its times have whole seconds.
const CLOCK: TimeDelta = TimeDelta::seconds(2);

/// What is wrong with a record that may yet be right.
const UNSETTLED: &str = "the hang-up is not settled";

/// The differences that are shown.
const SHOWN_MAX: usize = 20;

/// What came of it.
#[derive(Debug)]
pub struct Verdict {
    provider: &'static str,
    calls: usize,
    counted: Vec<(&'static str, u32)>,
    reconciled: usize,
    differences: Vec<String>,
}

impl Verdict {
    /// Whether no call is live, every record is the provider's truth, and no hang-up was sent beyond its retries.
    pub fn holds(&self) -> bool {
        self.differences.is_empty()
    }

    /// Whether a hang-up is still on its way.
    pub(super) fn is_unsettled(&self) -> bool {
        let mut differences = self.differences.iter();
        differences.any(|difference| difference.ends_with(UNSETTLED))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} calls", self.provider, self.calls)?;
        for (what, count) in &self.counted {
            writeln!(f, "  {count:>8} {what}")?;
        }
        writeln!(
            f,
            "  {:>8} ends were found by asking, or by nobody knowing the call",
            self.reconciled
        )?;
        for difference in self.differences.iter().take(SHOWN_MAX) {
            writeln!(f, "  differs: {difference}")?;
        }
        if self.holds() {
            write!(
                f,
                "no call is live, and every record is the provider's truth"
            )
        } else {
            write!(f, "{} differences", self.differences.len())
        }
    }
}

/// Compares every record with the ledger.
pub(super) async fn judge(world: &World) -> anyhow::Result<Verdict> {
    let double = world.double();
    let records = world.service().records().await?;
    let by_sid: BTreeMap<&str, &Value> = records
        .iter()
        .filter_map(|record| Some((record.get("call_sid")?.as_str()?, record)))
        .collect();
    let provider = Providers::default().named(double.provider());
    let forgets = provider.is_some_and(|p| p.profile().look_up != LookUpKind::Kept);
    // What a PBX reports beside its provider goes by a name of which nobody knows whether it is the provider's.
    let hearsay = world.counts.by_pbx.load(Ordering::Relaxed) > 0;
    let memory = Memory { forgets, hearsay };
    let mut differences = Vec::new();
    if records.len() != by_sid.len() {
        differences.push("two records of one call".to_owned());
    }
    let ledger: Vec<LedgerCall> = world.ledger().all().cloned().collect();
    for call in &ledger {
        match by_sid.get(call.id.as_str()) {
            None => differences.push(format!("{}: no record", call.id)),
            Some(record) => {
                let found = compare(call, record, memory);
                differences.extend(found.map(|why| format!("{}: {why}", call.id)));
            }
        }
    }
    if records.len() != ledger.len() {
        let (here, there) = (records.len(), ledger.len());
        differences.push(format!("{here} records of {there} calls"));
    }
    let counts = &world.counts;
    let count = |what, counter: &AtomicU32| (what, counter.load(Ordering::Relaxed));
    let reconciled = records.iter().filter(|record| is_reconciled(record));
    Ok(Verdict {
        provider: double.provider(),
        calls: ledger.len(),
        counted: vec![
            count("callbacks were posted", &counts.callbacks),
            count("of them were sent twice", &counts.doubled),
            count("ends were never reported", &counts.lost_ends),
            count("calls were ended here", &counts.ended_here),
            count("requests reached the provider", &counts.requests),
            count("of them were answered 503", &counts.refused),
            count("answers were lost", &counts.lost_answers),
            count("steps were reported by the PBX", &counts.by_pbx),
        ],
        reconciled: reconciled.count(),
        differences,
    })
}

/// Nobody reported its end.
fn is_reconciled(record: &Value) -> bool {
    record.get("end_source").is_some_and(Value::is_string)
}

/// What a provider can be asked.
#[derive(Debug, Clone, Copy)]
struct Memory {
    /// It forgets how calls ended.
    forgets: bool,
    /// Whether a name is one of its names is not known.
    hearsay: bool,
}

/// What is wrong with a record.
fn compare(call: &LedgerCall, record: &Value, memory: Memory) -> Option<String> {
    let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default();
    let Some((state, ended_at)) = call.end else {
        return Some("live at the provider".to_owned());
    };
    let status = text("call_status");
    let expected = CallState::from(state).call_status();
    // A provider that forgets cannot be asked how a call ended that nobody had answered, nor of a name that may not be its own.
    let unsaid = status == "failed" && text("disconnect_reason") == "lost"
        || status == "no-answer" && is_reconciled(record);
    let knowable = state == EndState::Completed && !memory.hearsay;
    let lost = memory.forgets && !knowable && unsaid;
    if status != expected && !lost {
        return Some(format!("{expected} at the provider, {status} here"));
    }
    let pending = parts(record).any(|part| matches!(part, "pending" | "failed"));
    if pending {
        return Some(UNSETTLED.to_owned());
    }
    let (hang_ups, attempts) = (call.hang_ups, attempts(record));
    if u64::from(hang_ups) > attempts {
        return Some(format!("{hang_ups} hang-ups in {attempts} attempts"));
    }
    let ended = DateTime::parse_from_rfc3339(text("ended_at")).map(|at| at.to_utc());
    // What is ended here is over here at once, and there when the request got through. What is told without a time happened here
    // when it was told.
    let (begun, told) = if hang_ups == 0 {
        (ended_at, call.told_at.unwrap_or(ended_at))
    } else {
        (call.created_at, DateTime::<Utc>::MAX_UTC)
    };
    let near = |at: DateTime<Utc>| {
        begun - CLOCK <= at && at <= told.max(ended_at) || (at - ended_at).abs() <= CLOCK
    };
    match ended {
        Ok(at) if near(at) || memory.forgets && is_reconciled(record) => None,
        Ok(at) => Some(format!("ended at {ended_at}, here {at}")),
        Err(_) => Some("no time of its end".to_owned()),
    }
}

fn terminations(record: &Value) -> impl Iterator<Item = &Value> {
    let all = record.get("terminations").and_then(Value::as_array);
    all.into_iter().flatten()
}

fn parts(record: &Value) -> impl Iterator<Item = &str> {
    terminations(record).filter_map(|part| part.get("state")?.as_str())
}

/// Requests to the provider that were made for it.
fn attempts(record: &Value) -> u64 {
    terminations(record)
        .filter_map(|part| part.get("attempts")?.as_u64())
        .sum()
}
