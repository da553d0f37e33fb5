//! Tries a connection: asks its vendor for something cheap that only valid credentials are given.

use std::time::{Duration, Instant};

use super::{ConnectError, Means, Vendor};
use crate::{
    domain::{
        connection::Connection,
        id::{AccountId, ConnectionId},
    },
    egress::Egress,
    providers::{Access, ProviderError},
    store,
};

/// How long the vendor may take to answer.
pub const PROBE_MAX: Duration = Duration::from_secs(10);

/// What trying a connection came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// In one word.
    pub outcome: Outcome,
    /// In words, for whoever has to do something about it.
    pub detail: String,
    /// How long it took.
    pub took: Duration,
}

/// What trying a connection came to, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The vendor accepts it.
    Ok,
    /// It does not accept the credentials.
    Unauthorized,
    /// It gave no answer.
    Unreachable,
    /// It asks us to come back later.
    Throttled,
    /// It failed by itself.
    Failing,
    /// It will not do what it was asked.
    Refused,
    /// Whoever answered is not the vendor, or not at this base URL.
    Garbled,
    /// The credentials cannot be opened with the configured key.
    Sealed,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 8] = [
        Self::Ok,
        Self::Unauthorized,
        Self::Unreachable,
        Self::Throttled,
        Self::Failing,
        Self::Refused,
        Self::Garbled,
        Self::Sealed,
    ];

    /// The word, stable for scripts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unauthorized => "unauthorized",
            Self::Unreachable => "unreachable",
            Self::Throttled => "throttled",
            Self::Failing => "failing",
            Self::Refused => "refused",
            Self::Garbled => "garbled",
            Self::Sealed => "sealed",
        }
    }
}

/// Tries a connection of the account.
pub async fn probe(
    means: Means<'_>,
    (account_id, connection_id): (AccountId, ConnectionId),
) -> Result<Probed, ConnectError> {
    let found = store::connections::find(means.db, account_id, connection_id);
    let sealed = store::ask(found).await?.ok_or(ConnectError::NotFound)?;
    let vendor = Vendor::named(sealed.provider()).ok_or(ConnectError::UnknownVendor)?;
    match sealed.open(means.sealing_key) {
        Ok(connection) => Ok(ask(means.egress, vendor, &connection).await),
        Err(error) => {
            tracing::error!(connection.id = %connection_id, error = %error, "a connection cannot be used");
            Ok(Probed {
                outcome: Outcome::Sealed,
                detail: "the credentials cannot be opened with the configured key".to_owned(),
                took: Duration::ZERO,
            })
        }
    }
}

/// Tries credentials that are to be kept; an error unless the vendor accepts them.
pub(super) async fn expect_well(
    egress: &Egress,
    vendor: Vendor,
    connection: &Connection,
) -> Result<(), ConnectError> {
    let probed = ask(egress, vendor, connection).await;
    match probed.outcome {
        Outcome::Ok => Ok(()),
        _ => Err(ConnectError::Tried(probed)),
    }
}

async fn ask(egress: &Egress, vendor: Vendor, connection: &Connection) -> Probed {
    let access = Access {
        egress,
        connection,
        deadline: PROBE_MAX,
    };
    let started = Instant::now();
    let answer = vendor.probe(&access).await;
    let title = vendor.profile().title;
    let (outcome, detail) = match answer {
        Ok(()) => (Outcome::Ok, format!("{title} accepts the credentials")),
        Err(error) => (outcome(&error), format!("{title} {}", said(&error))),
    };
    let probed = Probed {
        outcome,
        detail,
        took: started.elapsed(),
    };
    tracing::info!(
        connection.id = %connection.connection_id, outcome = outcome.as_str(), "a connection was tried"
    );
    probed
}

fn outcome(error: &ProviderError) -> Outcome {
    match error {
        ProviderError::Refused { .. } => Outcome::Refused,
        ProviderError::Unauthorized { .. } => Outcome::Unauthorized,
        ProviderError::Throttled { .. } => Outcome::Throttled,
        ProviderError::Unreachable(_) => Outcome::Unreachable,
        ProviderError::Failing { .. } => Outcome::Failing,
        ProviderError::Garbled { .. } => Outcome::Garbled,
    }
}

/// The error as what the vendor did.
fn said(error: &ProviderError) -> String {
    match error {
        ProviderError::Unauthorized { status } => {
            format!("does not accept the credentials ({status})")
        }
        other => other.to_string(),
    }
}
