//! The edge between jobs and verbs: one exhaustive match.

use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::{
    calls::{self, Tools},
    jobs::JobKind,
    metrics::Metrics,
    queue::{Claim, Outcome, runner::Handler},
    webhooks::recover,
};

/// Does every kind of job.
#[derive(Debug)]
pub struct Worker {
    tools: Tools,
    metrics: Metrics,
}

impl Worker {
    /// A worker that counts what it does.
    pub fn new(tools: Tools, metrics: Metrics) -> Self {
        Self { tools, metrics }
    }
}

#[async_trait::async_trait]
impl Handler for Worker {
    async fn handle(&self, claim: &Claim) -> Outcome {
        let tools = &self.tools;
        let Some(kind) = JobKind::parse(&claim.kind) else {
            return unknown(claim);
        };
        match kind {
            JobKind::HangUp => match payload(claim) {
                Ok(job) => calls::end::hang_up(tools, claim, &job).await,
                Err(unreadable) => unreadable,
            },
            JobKind::DeleteRoom => match payload(claim) {
                Ok(job) => calls::end::delete_room(tools, claim, &job).await,
                Err(unreadable) => unreadable,
            },
            JobKind::EndLegs => match payload(claim) {
                Ok(job) => calls::end::end_legs(tools, claim, &job).await,
                Err(unreadable) => unreadable,
            },
            JobKind::PlaceCall => match payload(claim) {
                Ok(job) => Box::pin(calls::place::look(tools, claim, &job)).await,
                Err(unreadable) => unreadable,
            },
            JobKind::Analyze => match payload(claim) {
                Ok(job) => Box::pin(calls::analyze::run(tools, claim, &job)).await,
                Err(unreadable) => unreadable,
            },
            JobKind::Insights => match payload(claim) {
                Ok(job) => Box::pin(calls::insights::run(tools, claim, &job)).await,
                Err(unreadable) => unreadable,
            },
            JobKind::ReadRecording => match payload(claim) {
                Ok(job) => calls::listen::run(tools, claim, &job).await,
                Err(unreadable) => unreadable,
            },
            JobKind::Erase => match payload(claim) {
                Ok(job) => Box::pin(calls::erase::run(tools, claim, &job)).await,
                Err(unreadable) => unreadable,
            },
            JobKind::Recover => match payload(claim) {
                Ok(job) => Box::pin(recover::run(&tools.db, &tools.wake, claim, &job)).await,
                Err(unreadable) => unreadable,
            },
        }
    }

    fn timeout(&self, kind: &str) -> Duration {
        JobKind::parse(kind).map_or(Duration::from_secs(1), JobKind::timeout)
    }

    fn is_slow(&self, kind: &str) -> bool {
        JobKind::parse(kind).is_some_and(JobKind::is_slow)
    }

    fn count(&self, kind: &str, outcome: &'static str) {
        self.metrics.job_finished(
            JobKind::parse(kind).map_or("unknown", JobKind::name),
            outcome,
        );
    }
}

/// A newer binary may have enqueued it: it waits for one, until its attempts are spent.
fn unknown(claim: &Claim) -> Outcome {
    Outcome::Retry {
        after: Some(Duration::from_mins(1)),
        error: anyhow::anyhow!("unknown kind {}", claim.kind),
    }
}

fn payload<J: DeserializeOwned>(claim: &Claim) -> Result<J, Outcome> {
    serde_json::from_value(claim.args.clone()).map_err(|error| Outcome::Dead {
        error: error.into(),
    })
}
