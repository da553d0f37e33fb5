//! Turns: runs of utterances of one participant, and what lies between them.

use std::collections::BTreeMap;

use super::{Names, Speech};
use crate::{
    analysis::number::{count, whole},
    domain::analysis::conversation::ResponseLatency,
};

/// A run of utterances of one participant.
#[derive(Debug)]
pub(super) struct Run {
    by: usize,
    begin: u64,
    end: u64,
}

/// The runs, in order of time.
pub(super) fn runs(speech: &[Speech]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::with_capacity(speech.len());
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
pub(super) fn counts(runs: &[Run], names: &Names<'_>) -> BTreeMap<String, u64> {
    let mut counts = vec![0; names.0.len()];
    for run in runs {
        if let Some(own) = counts.get_mut(run.by) {
            *own += 1;
        }
    }
    names.named(counts.into_iter())
}

/// Each one's longest.
pub(super) fn longest(runs: &[Run], names: &Names<'_>) -> BTreeMap<String, u64> {
    let mut longest = vec![0; names.0.len()];
    for run in runs {
        if let Some(own) = longest.get_mut(run.by) {
            *own = (run.end - run.begin).max(*own);
        }
    }
    names.named(longest.into_iter())
}

/// How long each one waits before it speaks after another has stopped. Beginning before that is not waiting.
pub(super) fn latency(
    runs: &[Run],
    names: &Names<'_>,
) -> BTreeMap<String, Option<ResponseLatency>> {
    let mut waits: Vec<Vec<u64>> = vec![Vec::new(); names.0.len()];
    for (before, after) in runs.iter().zip(runs.iter().skip(1)) {
        if let Some(wait) = after.begin.checked_sub(before.end)
            && let Some(own) = waits.get_mut(after.by)
        {
            own.push(wait);
        }
    }
    names.named(waits.into_iter().map(summary))
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
