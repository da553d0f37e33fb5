//! What is seen of webhooks on their way.

use prometheus_client::{metrics::gauge::Gauge, registry::Registry};

/// What is on its way, and who is in its way.
#[derive(Debug, Default)]
pub(super) struct Webhooks {
    backlog: Gauge,
    circuits_open: Gauge,
    unheld: Gauge,
}

/// What the queue of deliveries looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookGauges {
    /// Deliveries that are not over.
    pub backlog: i64,
    /// Endpoints whose circuits are open.
    pub circuits_open: i64,
    /// Endpoints at which something is due and that no process holds.
    pub unheld: i64,
}

impl Webhooks {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let gauges = Self::default();
        registry.register(
            "webhook_backlog",
            "Deliveries that are not over; counted up to 100000",
            gauges.backlog.clone(),
        );
        registry.register(
            "webhook_circuits_open",
            "Endpoints that are sent nothing for a while, because they are away",
            gauges.circuits_open.clone(),
        );
        registry.register(
            "webhook_endpoints_unheld",
            "Endpoints at which something is due and that no process delivers to",
            gauges.unheld.clone(),
        );
        gauges
    }

    pub(super) fn set(&self, seen: WebhookGauges) {
        self.backlog.set(seen.backlog);
        self.circuits_open.set(seen.circuits_open);
        self.unheld.set(seen.unheld);
    }
}
