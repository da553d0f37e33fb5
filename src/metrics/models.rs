//! What is counted of asking a language model.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

use super::OutcomeLabels;
use crate::domain::analysis::insights::Usage;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

/// Requests, tokens and what came of them.
#[derive(Debug, Default)]
pub(super) struct Models {
    requests: Family<OutcomeLabels, Counter>,
    tokens: Family<KindLabels, Counter>,
    insights: Family<OutcomeLabels, Counter>,
}

impl Models {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let models = Self::default();
        registry.register(
            "llm_requests",
            "Requests to the language model, by outcome",
            models.requests.clone(),
        );
        registry.register(
            "llm_tokens",
            "Tokens that the language model charged for, by kind",
            models.tokens.clone(),
        );
        registry.register(
            "insights",
            "Calls about which the language model was asked, by what came of it",
            models.insights.clone(),
        );
        models
    }

    pub(super) fn request(&self, outcome: &'static str) {
        self.requests
            .get_or_create(&OutcomeLabels { outcome })
            .inc();
    }

    pub(super) fn tokens(&self, usage: &Usage) {
        for (kind, tokens) in [
            ("prompt", usage.prompt_tokens),
            ("completion", usage.completion_tokens),
        ] {
            let counter = self.tokens.get_or_create(&KindLabels { kind });
            counter.inc_by(tokens.unwrap_or(0));
        }
    }

    pub(super) fn insights(&self, outcome: &'static str) {
        self.insights
            .get_or_create(&OutcomeLabels { outcome })
            .inc();
    }
}
