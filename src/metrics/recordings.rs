//! What is counted of recordings.

use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

use super::OutcomeLabels;

/// The counters of recordings.
#[derive(Debug, Default)]
pub(super) struct Recordings {
    read: Family<OutcomeLabels, Counter>,
    written: Family<OutcomeLabels, Counter>,
}

impl Recordings {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let counters = Self::default();
        registry.register(
            "recordings_read",
            "Attempts to read a recording, by outcome",
            counters.read.clone(),
        );
        registry.register(
            "recordings_written",
            "Recordings that were read, by whether they were written down",
            counters.written.clone(),
        );
        counters
    }

    pub(super) fn read(&self, outcome: &'static str) {
        self.read.get_or_create(&OutcomeLabels { outcome }).inc();
    }

    pub(super) fn written(&self, outcome: &'static str) {
        self.written.get_or_create(&OutcomeLabels { outcome }).inc();
    }
}
