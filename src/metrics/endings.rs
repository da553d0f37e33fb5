//! What is counted of calls that end here: parts that are given up, limits, and what asking about silent calls came to.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

use super::{LimitLabels, OutcomeLabels, PartLabels, StateLabels};

/// What is counted of calls that end here.
#[derive(Debug, Default)]
pub(super) struct Endings {
    pub(super) terminations_failed: Family<PartLabels, Counter>,
    pub(super) limits_passed: Family<LimitLabels, Counter>,
    pub(super) reconciliations: Family<OutcomeLabels, Counter>,
    pub(super) calls_reconciled: Family<StateLabels, Counter>,
    pub(super) reconcile_lag: Gauge<f64, AtomicU64>,
    pub(super) parked_reports: Family<OutcomeLabels, Counter>,
}

impl Endings {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "terminations_failed",
            "Parts of calls' endings that were given up",
            self.terminations_failed.clone(),
        );
        registry.register(
            "limits_passed",
            "Calls that were ended because their time was up, by what bounds them",
            self.limits_passed.clone(),
        );
        registry.register(
            "reconciliations",
            "Checks of calls that were silent for too long, by what came of asking",
            self.reconciliations.clone(),
        );
        registry.register(
            "calls_reconciled",
            "Calls that were closed though nobody had reported their end, by how they ended",
            self.calls_reconciled.clone(),
        );
        registry.register_with_unit(
            "reconcile_lag",
            "For how long the first check that is due has waited; the leader's process knows",
            Unit::Seconds,
            self.reconcile_lag.clone(),
        );
        registry.register(
            "parked_reports",
            "Reports that came before their call, by what became of them",
            self.parked_reports.clone(),
        );
    }
}
