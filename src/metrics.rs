//! What is counted, for Prometheus. One registry an app, no globals: tests run many apps in one process. Used by every band.
//!
//! Labels come from closed sets only: literals of the code, route templates, statuses. Never an account, a number or a URL.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::{Family, MetricConstructor},
        gauge::Gauge,
        histogram::Histogram,
    },
    registry::{Registry, Unit},
};

use crate::domain::analysis::insights::Usage;

mod endings;
mod erasures;
mod models;
mod recordings;
mod streams;
mod webhooks;

use endings::Endings;
use erasures::Erasures;
use models::Models;
use recordings::Recordings;
pub use streams::Connected;
use streams::Streams;
pub use webhooks::WebhookGauges;
use webhooks::Webhooks;

/// Upper bounds of the buckets for durations, in seconds.
const SECONDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// Upper bounds of the buckets for the reports of one commit.
const BATCH: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// The counters of one app. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    requests: Family<RequestLabels, Histogram, Buckets>,
    reports: Family<ReportLabels, Counter>,
    batches: Histogram,
    jobs: Family<JobLabels, Counter>,
    webhook_attempts: Family<OutcomeLabels, Counter>,
    authentications_refused: Family<ReasonLabels, Counter>,
    requests_limited: Family<LimitLabels, Counter>,
    recordings: Recordings,
    exports: Family<OutcomeLabels, Counter>,
    calls_exported: Counter,
    endings: Endings,
    erasures: Erasures,
    streams: Streams,
    models: Models,
    webhooks: Webhooks,
    queue: Family<StateLabels, Gauge>,
    oldest_due: Gauge<f64, AtomicU64>,
}

/// What the queue looks like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QueueGauges {
    /// Jobs that wait, also those that are not due yet.
    pub available: i64,
    /// Jobs that somebody works on.
    pub running: i64,
    /// Jobs that were given up.
    pub dead: i64,
    /// For how many seconds the oldest due job has waited.
    pub oldest_due_s: f64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReportLabels {
    source: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobLabels {
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabels {
    limit: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PartLabels {
    part: &'static str,
}

#[derive(Debug, Clone)]
struct Buckets;

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(SECONDS)
    }
}

impl Metrics {
    /// Counters at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("onhook");
        let inner = Inner {
            requests: Family::new_with_constructor(Buckets),
            reports: Family::default(),
            batches: Histogram::new(BATCH),
            jobs: Family::default(),
            webhook_attempts: Family::default(),
            authentications_refused: Family::default(),
            requests_limited: Family::default(),
            recordings: Recordings::registered(&mut registry),
            exports: Family::default(),
            calls_exported: Counter::default(),
            endings: Endings::default(),
            erasures: Erasures::registered(&mut registry),
            streams: Streams::registered(&mut registry),
            models: Models::registered(&mut registry),
            webhooks: Webhooks::registered(&mut registry),
            queue: Family::default(),
            oldest_due: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register_with_unit(
            "http_request_duration",
            "Time to answer a request, by route template",
            Unit::Seconds,
            inner.requests.clone(),
        );
        registry.register(
            "reports",
            "Call reports taken in, by source and outcome",
            inner.reports.clone(),
        );
        registry.register(
            "ingest_batch_size",
            "Reports of one commit",
            inner.batches.clone(),
        );
        registry.register(
            "jobs_finished",
            "Attempts at durable work, by kind and outcome",
            inner.jobs.clone(),
        );
        registry.register(
            "webhook_attempts",
            "Attempts to deliver a webhook, by outcome",
            inner.webhook_attempts.clone(),
        );
        registry.register(
            "authentications_refused",
            "Requests whose caller was not believed, by reason",
            inner.authentications_refused.clone(),
        );
        registry.register(
            "requests_limited",
            "Requests that were one too many, by what was counted",
            inner.requests_limited.clone(),
        );
        registry.register(
            "exports",
            "Exports that ended, by outcome",
            inner.exports.clone(),
        );
        registry.register(
            "calls_exported",
            "Calls that exports handed over",
            inner.calls_exported.clone(),
        );
        inner.endings.register(&mut registry);
        register_queue(&mut registry, &inner);
        Self(Arc::new(Inner { registry, ..inner }))
    }

    /// A request was answered. `route` is a template of the router, never a path.
    pub fn request_answered(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        self.0
            .requests
            .get_or_create(&RequestLabels {
                method,
                route: route.to_owned(),
                status,
            })
            .observe(took.as_secs_f64());
    }

    /// A report was taken in, or not.
    pub fn report(&self, source: &'static str, outcome: &'static str) {
        self.0
            .reports
            .get_or_create(&ReportLabels { source, outcome })
            .inc();
    }

    /// This many reports were committed together.
    pub fn ingest_batch(&self, reports: usize) {
        let reports = u32::try_from(reports).unwrap_or(u32::MAX);
        self.0.batches.observe(f64::from(reports));
    }

    /// An attempt at a job ended.
    pub fn job_finished(&self, kind: &'static str, outcome: &'static str) {
        self.0
            .jobs
            .get_or_create(&JobLabels { kind, outcome })
            .inc();
    }

    /// An attempt at a webhook delivery ended.
    pub fn webhook_attempted(&self, outcome: &'static str) {
        self.0
            .webhook_attempts
            .get_or_create(&OutcomeLabels { outcome })
            .inc();
    }

    /// A caller was not believed.
    pub fn authentication_refused(&self, reason: &'static str) {
        self.0
            .authentications_refused
            .get_or_create(&ReasonLabels { reason })
            .inc();
    }

    /// A request was refused for being one too many.
    pub fn request_limited(&self, limit: &'static str) {
        self.0
            .requests_limited
            .get_or_create(&LimitLabels { limit })
            .inc();
    }

    /// A recording was read, or not: `completed`, `failed`, or `retried` later.
    pub fn recording_read(&self, outcome: &'static str) {
        self.0.recordings.read(outcome);
    }

    /// A recording was written down, or not: `completed`, `skipped` or `failed`.
    pub fn recording_written(&self, outcome: &'static str) {
        self.0.recordings.written(outcome);
    }

    /// An export came to its end.
    pub fn export_ended(&self, outcome: &'static str) {
        self.0
            .exports
            .get_or_create(&OutcomeLabels { outcome })
            .inc();
    }

    /// An export handed over this many calls.
    pub fn calls_exported(&self, calls: usize) {
        let calls = u64::try_from(calls).unwrap_or(u64::MAX);
        self.0.calls_exported.inc_by(calls);
    }

    /// A part of a call's ending was given up.
    pub fn termination_failed(&self, part: &'static str) {
        self.0
            .endings
            .terminations_failed
            .get_or_create(&PartLabels { part })
            .inc();
    }

    /// A call was ended because its time was up.
    pub fn limit_passed(&self, limit: &'static str) {
        self.0
            .endings
            .limits_passed
            .get_or_create(&LimitLabels { limit })
            .inc();
    }

    /// A call that was silent for too long was checked.
    pub fn reconciliation(&self, outcome: &'static str) {
        self.0
            .endings
            .reconciliations
            .get_or_create(&OutcomeLabels { outcome })
            .inc();
    }

    /// A call was closed whose end nobody had reported.
    pub fn call_reconciled(&self, state: &'static str) {
        self.0
            .endings
            .calls_reconciled
            .get_or_create(&StateLabels { state })
            .inc();
    }

    /// The first check that is due has waited for this long.
    pub fn reconcile_lag(&self, seconds: f64) {
        self.0.endings.reconcile_lag.set(seconds);
    }

    /// Reports that came before their call were parked, taken up or dropped.
    pub fn parked_reports(&self, outcome: &'static str, count: u64) {
        self.0
            .endings
            .parked_reports
            .get_or_create(&OutcomeLabels { outcome })
            .inc_by(count);
    }

    /// So many rows were removed: `cause` is `erasure` or `retention`.
    pub fn rows_purged(&self, cause: &'static str, kind: &'static str, rows: u64) {
        self.0.erasures.purged(cause, kind, rows);
    }

    /// An erasure was completed.
    pub fn erasure_completed(&self) {
        self.0.erasures.completed();
    }

    /// A provider's stream is open, until what this answers is dropped.
    pub fn stream_connected(&self, provider: &'static str) -> Connected {
        self.0.streams.connected(provider)
    }

    /// A provider's stream broke, or could not be opened.
    pub fn stream_broke(&self, provider: &'static str) {
        self.0.streams.broke(provider);
    }

    /// A message came on a provider's stream: it told `reports` or `nothing`, or was `unreadable`.
    pub fn stream_message(&self, provider: &'static str, told: &'static str) {
        self.0.streams.message(provider, told);
    }

    /// A request to the language model ended.
    pub fn llm_request(&self, outcome: &'static str) {
        self.0.models.request(outcome);
    }

    /// The language model charged for these tokens.
    pub fn llm_tokens(&self, usage: &Usage) {
        self.0.models.tokens(usage);
    }

    /// The language model was asked about a call: `answered`, or why there is no answer.
    pub fn insights(&self, outcome: &'static str) {
        self.0.models.insights(outcome);
    }

    /// The queue looks like this.
    pub fn queue(&self, queue: QueueGauges) {
        for (state, jobs) in [
            ("available", queue.available),
            ("running", queue.running),
            ("dead", queue.dead),
        ] {
            self.0.queue.get_or_create(&StateLabels { state }).set(jobs);
        }
        self.0.oldest_due.set(queue.oldest_due_s);
    }

    /// The queue of deliveries looks like this.
    pub fn webhooks(&self, seen: WebhookGauges) {
        self.0.webhooks.set(seen);
    }

    /// Everything, in the `OpenMetrics` text format.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.0.registry).expect("writing to a String cannot fail");
        text
    }
}

/// What is seen of the queue.
fn register_queue(registry: &mut Registry, inner: &Inner) {
    registry.register("queue_jobs", "Jobs, by state", inner.queue.clone());
    registry.register_with_unit(
        "queue_oldest_due",
        "For how long the oldest due job has waited",
        Unit::Seconds,
        inner.oldest_due.clone(),
    );
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
