//! Connecting an account to a vendor: its credentials are sealed, and its numbers know who hangs up for them.

use sqlx::PgPool;
use url::Url;

use crate::{
    domain::{
        connection::{AnsweredBy, Connection, Credentials},
        id::{AccountId, ConnectionId},
        party::E164,
        report::ProviderName,
    },
    egress::{Egress, address::Refusal},
    providers::{Provider, Providers, profile::Transport},
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
    /// The numbers whose calls it hangs up, and from which it places calls.
    pub numbers: Vec<E164>,
    /// What answers the calls that it places.
    pub answered_by: Option<AnsweredBy>,
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
    /// The provider is not sent there.
    #[error("the answer URL {0}")]
    AnswerUrl(#[source] Refusal),
    /// The provider cannot do with it.
    #[error("{0}")]
    Answer(&'static str),
    /// It places no calls.
    #[error("this vendor places no calls")]
    PlacesNone,
    /// There is no such connection in the account.
    #[error("the account has no such connection")]
    NotFound,
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
    let base_url = vet_base_url(egress, &new.vendor, &base_url)
        .await
        .map_err(ConnectError::BaseUrl)?;
    if base_url.query().is_some() {
        return Err(ConnectError::Query);
    }
    vet_answer(egress, &new.vendor, new.answered_by.as_ref()).await?;
    let connection = Connection {
        account_id: new.account_id,
        connection_id: ConnectionId::generate(),
        provider: ProviderName::parse(&new.vendor).map_err(|_not| ConnectError::UnknownVendor)?,
        base_url,
        credentials: new.credentials,
    };
    let (numbers, answered_by) = (&new.numbers, new.answered_by.as_ref());
    store::within(insert(db, sealing_key, &connection, (numbers, answered_by))).await?;
    Ok(connection.connection_id)
}

/// Sets what answers the calls that a connection of the account places; nothing, if absent.
pub async fn answer(
    db: &PgPool,
    egress: &Egress,
    (account_id, connection_id): (AccountId, ConnectionId),
    answered_by: Option<AnsweredBy>,
) -> Result<(), ConnectError> {
    let known = store::connections::find(db, account_id, connection_id);
    let known = store::ask(known).await?.ok_or(ConnectError::NotFound)?;
    vet_answer(egress, known.provider(), answered_by.as_ref()).await?;
    store::within(async {
        let mut conn = db.acquire().await.map_err(store::Error::from)?;
        let set = store::connections::set_answer(
            &mut conn,
            account_id,
            connection_id,
            answered_by.as_ref(),
        );
        if set.await.map_err(store::Error::from)? {
            Ok(())
        } else {
            Err(ConnectError::NotFound)
        }
    })
    .await
}

/// Only FreeSWITCH is reached otherwise than by HTTP.
async fn vet_base_url(egress: &Egress, vendor: &str, base_url: &str) -> Result<Url, Refusal> {
    let provider = Providers::default().named(vendor);
    match provider.map_or(Transport::Http, Provider::transport) {
        Transport::Http => egress.vet(base_url).await,
        Transport::EventSocket => egress.vet_event_socket(base_url).await,
    }
}

/// The provider fetches the URL, not we; one that we would not fetch is a mistake all the same.
async fn vet_answer(
    egress: &Egress,
    vendor: &str,
    answered_by: Option<&AnsweredBy>,
) -> Result<(), ConnectError> {
    let Some(answered_by) = answered_by else {
        return Ok(());
    };
    let provider = Providers::default().named(vendor);
    let provider = provider.ok_or(ConnectError::PlacesNone)?;
    provider
        .check_answer(answered_by)
        .map_err(ConnectError::Answer)?;
    if let AnsweredBy::Url(url) = answered_by {
        let vetted = egress.vet(url.as_str()).await;
        vetted.map_err(ConnectError::AnswerUrl)?;
    }
    Ok(())
}

async fn insert(
    db: &PgPool,
    sealing_key: &SealingKey,
    connection: &Connection,
    (numbers, answered_by): (&[E164], Option<&AnsweredBy>),
) -> Result<(), store::Error> {
    let (account_id, connection_id) = (connection.account_id, connection.connection_id);
    let mut tx = db.begin().await?;
    store::connections::insert(&mut tx, sealing_key, connection).await?;
    store::connections::set_answer(&mut tx, account_id, connection_id, answered_by).await?;
    for number in numbers {
        store::connections::route_number(&mut tx, account_id, connection_id, number).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Where a vendor's API is for everybody, if it is anywhere.
fn public_base_url(vendor: &str) -> Result<Option<&'static str>, ConnectError> {
    if let Some(provider) = Providers::default().named(vendor) {
        return Ok(provider.profile().base_url);
    }
    match Rooms::default().named(vendor) {
        Some(room) => Ok(room.profile().base_url),
        None => Err(ConnectError::UnknownVendor),
    }
}
