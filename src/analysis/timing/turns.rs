//! Turns: runs of utterances of one participant, and what lies between them.

use std::collections::BTreeMap;

use super::Speech;
use crate::{
    analysis::number::{count, whole},
    domain::analysis::conversation::ResponseLatency,
};

/// A run of utterances of one participant.
#[derive(Debug)]
pub(super) struct Run<'a> {
    by: &'a str,
    begin: u64,
    end: u64,
}

/// The runs, in order of time.
pub(super) fn runs<'a>(speech: &[Speech<'a>]) -> Vec<Run<'a>> {
    let mut runs: Vec<Run<'a>> = Vec::new();
    for said in speech {
        match runs.last_mut() {
            Some(run) if run.by == said.by => run.end = run.end.max(said.end),
            Some(_) | None => runs.push(Run {
                by: said.by,
                begin: said.begin,
                end: said.end,
            }),
        }
    }
    runs
}

/// How many each one has.
pub(super) fn counts(runs: &[Run<'_>]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for run in runs {
        *counts.entry(run.by).or_insert(0) += 1;
    }
    named(counts)
}

/// Each one's longest.
pub(super) fn longest(runs: &[Run<'_>]) -> BTreeMap<String, u64> {
    let mut longest = BTreeMap::new();
    for run in runs {
        let own: &mut u64 = longest.entry(run.by).or_insert(0);
        *own = (*own).max(run.end - run.begin);
    }
    named(longest)
}

fn named(own: BTreeMap<&str, u64>) -> BTreeMap<String, u64> {
    let named = own.into_iter().map(|(by, value)| (by.to_owned(), value));
    named.collect()
}

/// How long each one waits before it speaks after another has stopped. Beginning before that is not waiting.
pub(super) fn latency(runs: &[Run<'_>]) -> BTreeMap<String, Option<ResponseLatency>> {
    let mut waits: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for run in runs {
        waits.entry(run.by).or_default();
    }
    for (before, after) in runs.iter().zip(runs.iter().skip(1)) {
        if let Some(wait) = after.begin.checked_sub(before.end) {
            waits.entry(after.by).or_default().push(wait);
        }
    }
    waits
        .into_iter()
        .map(|(by, waits)| (by.to_owned(), summary(waits)))
        .collect()
}

fn summary(mut waits: Vec<u64>) -> Option<ResponseLatency> {
    waits.sort_unstable();
    Some(ResponseLatency {
        count: count(waits.len()),
        mean: whole(waits.iter().sum(), count(waits.len()))?,
        p50: percentile(&waits, 50)?,
        p90: percentile(&waits, 90)?,
        max: *waits.last()?,
    })
}

/// Nearest rank.
fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}
