//! Connecting an account to a vendor: its credentials are sealed, and its numbers know who hangs up for them.
//!
//! [`credentials`] reads what an account brings, [`change`] changes, rotates and removes, [`probe`] tries a connection,
//! [`route`] says who has a number, [`show`] what an account sees. The API and the command line share these.

use sqlx::PgPool;
use url::Url;

use super::Tools;
use crate::{
    domain::{
        connection::{AnsweredBy, CONNECTIONS_MAX, Connection, Credentials, NUMBERS_MAX, Settings},
        id::{AccountId, ConnectionId},
        party::E164,
        report::ProviderName,
    },
    egress::{Egress, address::Refusal},
    providers::profile::Transport,
    seal::SealingKey,
    store::{
        self,
        connections::{InUse, Inserted, OpenError},
    },
};

pub mod change;
pub mod credentials;
pub mod probe;
pub mod route;
pub mod show;
mod vendor;

pub use probe::Probed;
pub use vendor::Vendor;

/// A connection to be added.
#[derive(Debug)]
pub struct NewConnection {
    /// Whose it is.
    pub account_id: AccountId,
    /// The vendor: a telephony provider's or a room server's name.
    pub vendor: String,
    /// Where the vendor's API is, if not where everybody's is.
    pub base_url: Option<String>,
    /// Who the account is there.
    pub credentials: Credentials,
    /// The numbers whose calls it hangs up, and from which it places calls.
    pub numbers: Vec<E164>,
    /// What answers the calls that it places.
    pub answered_by: Option<AnsweredBy>,
}

/// What the verbs work with.
#[derive(Debug, Clone, Copy)]
pub struct Means<'a> {
    /// The database.
    pub db: &'a PgPool,
    /// Seals and opens credentials.
    pub sealing_key: &'a SealingKey,
    /// The HTTP client, which knows where it may go.
    pub egress: &'a Egress,
}

impl<'a> From<&'a Tools> for Means<'a> {
    fn from(tools: &'a Tools) -> Self {
        Self {
            db: &tools.db,
            sealing_key: &tools.sealing_key,
            egress: &tools.egress,
        }
    }
}

/// Whether credentials are tried before they are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trial {
    /// What the vendor does not accept is not kept.
    First,
    /// They are kept as they are.
    Skipped,
}

/// Why a connection was not added or changed.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// There is no adapter of this name.
    #[error("there is no vendor of this name")]
    UnknownVendor,
    /// The vendor has no API that is the same for all.
    #[error("this vendor needs a base URL: everybody's is their own")]
    BaseUrlMissing,
    /// We do not go there.
    #[error("the base URL {0}")]
    BaseUrl(#[source] Refusal),
    /// It goes to one place, and a query has none in it.
    #[error("the base URL must not contain a query")]
    Query,
    /// The provider is not sent there.
    #[error("the answer URL {0}")]
    AnswerUrl(#[source] Refusal),
    /// The provider cannot do with it.
    #[error("{0}")]
    Answer(&'static str),
    /// It places no calls.
    #[error("this vendor places no calls")]
    PlacesNone,
    /// It has no numbers.
    #[error("this vendor has no numbers")]
    HasNoNumbers,
    /// There is no such connection in the account.
    #[error("the account has no such connection")]
    NotFound,
    /// The account has as many as it may have.
    #[error("an account may have at most {CONNECTIONS_MAX} connections")]
    TooMany,
    /// The connection would have more numbers than it may have.
    #[error("at most {NUMBERS_MAX} numbers may be routed to a connection")]
    TooManyNumbers,
    /// The vendor does not accept what it was tried with.
    #[error("the vendor was tried, and {}", .0.detail)]
    Tried(Probed),
    /// It is needed.
    #[error("{}", needed(*.0))]
    InUse(InUse),
    /// Its credentials cannot be read.
    #[error("the connection's credentials cannot be opened with the configured key")]
    Sealed(#[source] OpenError),
    /// More than one of these.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Several(Vec<Self>),
    /// The database did not take it.
    #[error("the connection was not stored")]
    Store(#[from] store::Error),
}

impl From<sqlx::Error> for ConnectError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Adds a connection with no more than it needs. A number that another connection of the account had is this one's from now on.
pub async fn connect(
    db: &PgPool,
    sealing_key: &SealingKey,
    egress: &Egress,
    new: NewConnection,
) -> Result<ConnectionId, ConnectError> {
    let means = Means {
        db,
        sealing_key,
        egress,
    };
    let id = ConnectionId::generate();
    let settings = Settings {
        answered_by: new.answered_by.clone(),
        ..Settings::default()
    };
    add(means, id, new, (settings, Trial::Skipped)).await?;
    Ok(id)
}

/// Adds a connection by this id; one that was added by it before stays as it is.
pub async fn add(
    means: Means<'_>,
    connection_id: ConnectionId,
    new: NewConnection,
    (settings, trial): (Settings, Trial),
) -> Result<(), ConnectError> {
    let vendor = Vendor::named(&new.vendor).ok_or(ConnectError::UnknownVendor)?;
    let base_url = vet_base_url(means.egress, vendor, new.base_url.as_deref()).await;
    let answer = vet_answer(means.egress, vendor, settings.answered_by.as_ref()).await;
    let base_url = match (base_url, answer) {
        (Ok(base_url), Ok(())) => base_url,
        (Err(base_url), Err(answer)) => return Err(ConnectError::Several(vec![base_url, answer])),
        (Err(error), Ok(())) | (Ok(_), Err(error)) => return Err(error),
    };
    if !vendor.has_numbers() && !new.numbers.is_empty() {
        return Err(ConnectError::HasNoNumbers);
    }
    let connection = Connection {
        account_id: new.account_id,
        connection_id,
        provider: ProviderName::parse(vendor.name()).map_err(|_not| ConnectError::UnknownVendor)?,
        base_url,
        credentials: new.credentials,
    };
    if trial == Trial::First {
        probe::expect_well(means.egress, vendor, &connection).await?;
    }
    store::within(insert(means, &connection, &settings, &new.numbers)).await?;
    tracing::info!(account.id = %new.account_id, connection.id = %connection_id, provider = vendor.name(), "a connection was added");
    Ok(())
}

async fn insert(
    means: Means<'_>,
    connection: &Connection,
    settings: &Settings,
    numbers: &[E164],
) -> Result<(), ConnectError> {
    let (account_id, connection_id) = (connection.account_id, connection.connection_id);
    let mut tx = means.db.begin().await?;
    store::accounts::lock(&mut tx, account_id).await?;
    let inserted =
        store::connections::insert(&mut tx, means.sealing_key, connection, settings).await?;
    match inserted {
        Inserted::New => {}
        Inserted::AlreadyThere => return Ok(()),
        Inserted::TooMany => return Err(ConnectError::TooMany),
    }
    route::replace(&mut tx, account_id, connection_id, numbers).await?;
    tx.commit().await?;
    Ok(())
}

/// Where the vendor's API is: where everybody's is, unless it was given.
async fn vet_base_url(
    egress: &Egress,
    vendor: Vendor,
    given: Option<&str>,
) -> Result<Url, ConnectError> {
    let base_url = given.or(vendor.profile().base_url);
    let base_url = base_url.ok_or(ConnectError::BaseUrlMissing)?;
    let base_url = match vendor.transport() {
        Transport::Http => egress.vet(&http_url(base_url)).await,
        // FreeSWITCH alone.
        Transport::EventSocket => egress.vet_event_socket(base_url).await,
    };
    let base_url = base_url.map_err(ConnectError::BaseUrl)?;
    match base_url.query() {
        Some(_) => Err(ConnectError::Query),
        None => Ok(base_url),
    }
}

/// The settings of servers that speak WebSocket name that; their API is at the same place.
fn http_url(url: &str) -> String {
    match url.split_once("://") {
        Some(("ws", rest)) => format!("http://{rest}"),
        Some(("wss", rest)) => format!("https://{rest}"),
        Some(_) | None => url.to_owned(),
    }
}

/// The provider fetches the URL, not we; one that we would not fetch is a mistake all the same.
async fn vet_answer(
    egress: &Egress,
    vendor: Vendor,
    answered_by: Option<&AnsweredBy>,
) -> Result<(), ConnectError> {
    let Some(answered_by) = answered_by else {
        return Ok(());
    };
    if !vendor.profile().places {
        return Err(ConnectError::PlacesNone);
    }
    vendor
        .check_answer(answered_by)
        .map_err(ConnectError::Answer)?;
    if let AnsweredBy::Url(url) = answered_by {
        let vetted = egress.vet(url.as_str()).await;
        vetted.map_err(ConnectError::AnswerUrl)?;
    }
    Ok(())
}

fn needed(by: InUse) -> &'static str {
    if by.by_live_calls {
        "calls are live that only this connection can hang up, or whose room only it can delete"
    } else {
        "calls are being ended by this connection"
    }
}
