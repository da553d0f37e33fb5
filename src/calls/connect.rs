//! Connecting an account to a vendor: its credentials are sealed, and its numbers know who hangs up for them.

use sqlx::PgPool;

use crate::{
    domain::{
        connection::{Connection, Credentials},
        id::{AccountId, ConnectionId},
        party::E164,
        report::ProviderName,
    },
    egress::{Egress, address::Refusal},
    providers::Providers,
    rooms::Rooms,
    seal::SealingKey,
    store,
};

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
    /// The numbers whose calls it hangs up.
    pub numbers: Vec<E164>,
}

/// Why a connection was not added.
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
    /// The database did not take it.
    #[error("the connection was not stored")]
    Store(#[from] store::Error),
}

/// Adds a connection. A number that another connection of the account had is this one's from now on.
pub async fn connect(
    db: &PgPool,
    sealing_key: &SealingKey,
    egress: &Egress,
    new: NewConnection,
) -> Result<ConnectionId, ConnectError> {
    let base_url = match (new.base_url, public_base_url(&new.vendor)?) {
        (Some(given), _) => given,
        (None, Some(public)) => public.to_owned(),
        (None, None) => return Err(ConnectError::BaseUrlMissing),
    };
    let base_url = egress.vet(&base_url).await.map_err(ConnectError::BaseUrl)?;
    if base_url.query().is_some() {
        return Err(ConnectError::Query);
    }
    let connection = Connection {
        account_id: new.account_id,
        connection_id: ConnectionId::generate(),
        provider: ProviderName::parse(&new.vendor).map_err(|_not| ConnectError::UnknownVendor)?,
        base_url,
        credentials: new.credentials,
    };
    store::within(insert(db, sealing_key, &connection, &new.numbers)).await?;
    Ok(connection.connection_id)
}

async fn insert(
    db: &PgPool,
    sealing_key: &SealingKey,
    connection: &Connection,
    numbers: &[E164],
) -> Result<(), store::Error> {
    let (account_id, connection_id) = (connection.account_id, connection.connection_id);
    let mut tx = db.begin().await?;
    store::connections::insert(&mut tx, sealing_key, connection).await?;
    for number in numbers {
        store::connections::route_number(&mut tx, account_id, connection_id, number).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Where a vendor's API is for everybody, if it is anywhere.
fn public_base_url(vendor: &str) -> Result<Option<&'static str>, ConnectError> {
    if let Some(provider) = Providers::default().named(vendor) {
        return Ok(Some(provider.public_base_url()));
    }
    match Rooms::default().named(vendor) {
        Some(_) => Ok(None),
        None => Err(ConnectError::UnknownVendor),
    }
}
