//! Orders and searches that the vendors' own tests make.

use std::time::Duration;

use onhook::{
    domain::{connection::AnsweredBy, id::CallId, report::ProviderCallId, text::Text},
    providers::{Access, CallOrder, ProviderError, Providers, Search},
};

use crate::provider_double::ProviderDouble;

use super::{
    connection, egress,
    vendor::{Vendor, from, to},
};

/// Where an order has its events told.
pub(super) const CALLBACK: &str = "https://calls.example.com/inbound/x/y?call=z";

/// What differs between orders.
pub(super) struct Ordered {
    pub(super) answered_by: AnsweredBy,
    pub(super) extension: Option<&'static str>,
    pub(super) max_duration: Option<Duration>,
}

impl Ordered {
    /// An order that a URL answers.
    pub(super) fn by_url() -> Self {
        Self {
            answered_by: AnsweredBy::Url("https://agent.example.com/voice".parse().unwrap()),
            extension: None,
            max_duration: None,
        }
    }

    /// An order that the application `APP` answers.
    pub(super) fn by_application() -> Self {
        Self {
            answered_by: AnsweredBy::Application(Text::parse("APP").unwrap()),
            ..Self::by_url()
        }
    }
}

/// Orders a call of a vendor.
pub(super) async fn order(
    vendor: &Vendor,
    double: &ProviderDouble,
    ordered: Ordered,
) -> Result<ProviderCallId, ProviderError> {
    let (egress, connection) = (egress(), connection(vendor, double.base_url()));
    let access = Access {
        egress: &egress,
        connection: &connection,
        deadline: Duration::from_secs(1),
    };
    let order = CallOrder {
        from: &from(),
        to: &to(),
        extension: ordered.extension,
        answered_by: &ordered.answered_by,
        told: &[("call_id", "c1")],
        status_callback: CALLBACK,
        call_id: CallId::generate(),
        max_duration: ordered.max_duration,
    };
    let provider = Providers::default().named(vendor.name).unwrap();
    provider.create(&access, &order).await
}

/// The names of the calls that a vendor may have placed since then.
pub(super) async fn found(vendor: &Vendor, double: &ProviderDouble, since: &str) -> Vec<String> {
    let (egress, connection) = (egress(), connection(vendor, double.base_url()));
    let access = Access {
        egress: &egress,
        connection: &connection,
        deadline: Duration::from_secs(1),
    };
    let search = Search {
        call_id: CallId::generate(),
        from: &from(),
        to: &to(),
        since: since.parse().unwrap(),
    };
    let provider = Providers::default().named(vendor.name).unwrap();
    let found = provider.created_since(&access, &search).await.unwrap();
    found.iter().map(|name| name.as_str().to_owned()).collect()
}
