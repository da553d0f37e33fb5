//! Connections that are held to providers, on which they tell of calls.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// What is counted of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Streams {
    open: Family<ProviderLabels, Gauge>,
    breaks: Family<ProviderLabels, Counter>,
    messages: Family<MessageLabels, Counter>,
}

/// A stream that is open, until it is dropped.
#[derive(Debug)]
pub struct Connected(Gauge);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProviderLabels {
    provider: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MessageLabels {
    provider: &'static str,
    told: &'static str,
}

impl Streams {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let streams = Self::default();
        registry.register(
            "provider_streams",
            "Connections to providers on which they tell of calls, that are open",
            streams.open.clone(),
        );
        registry.register(
            "provider_stream_breaks",
            "Such connections that broke or could not be opened",
            streams.breaks.clone(),
        );
        registry.register(
            "provider_stream_messages",
            "Messages on such connections, by what they told",
            streams.messages.clone(),
        );
        streams
    }

    pub(super) fn connected(&self, provider: &'static str) -> Connected {
        let gauge = self.open.get_or_create(&ProviderLabels { provider });
        gauge.inc();
        Connected(gauge.clone())
    }

    pub(super) fn broke(&self, provider: &'static str) {
        let labels = ProviderLabels { provider };
        self.breaks.get_or_create(&labels).inc();
    }

    pub(super) fn message(&self, provider: &'static str, told: &'static str) {
        let labels = MessageLabels { provider, told };
        self.messages.get_or_create(&labels).inc();
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.dec();
    }
}
