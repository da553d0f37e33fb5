//! What is counted of what is removed.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

/// The counters of what is removed.
#[derive(Debug, Default)]
pub(super) struct Erasures {
    rows: Family<Labels, Counter>,
    completed: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    cause: &'static str,
    kind: &'static str,
}

impl Erasures {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let counters = Self::default();
        registry.register(
            "rows_purged",
            "Rows that were removed, by cause (erasure, retention) and kind",
            counters.rows.clone(),
        );
        registry.register(
            "erasures_completed",
            "Erasures that were completed",
            counters.completed.clone(),
        );
        counters
    }

    pub(super) fn purged(&self, cause: &'static str, kind: &'static str, rows: u64) {
        if rows > 0 {
            self.rows
                .get_or_create(&Labels { cause, kind })
                .inc_by(rows);
        }
    }

    pub(super) fn completed(&self) {
        self.completed.inc();
    }
}
