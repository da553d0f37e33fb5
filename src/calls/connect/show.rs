//! Connections as their account is shown them.

use super::{Means, Vendor};
use crate::{
    domain::{
        connection::{AnsweredBy, CONNECTIONS_MAX},
        connection_object::ConnectionObject,
        id::{AccountId, ConnectionId},
    },
    seal::SealingKey,
    store::{
        self,
        connections::{self, SealedConnection},
        numbers,
    },
};

/// A connection of the account, if there is such a one. `public_url` is the URL by which the world reaches us.
pub async fn one(
    means: Means<'_>,
    public_url: &str,
    (account_id, connection_id): (AccountId, ConnectionId),
) -> Result<Option<ConnectionObject>, store::Error> {
    store::within(async {
        let found = connections::find(means.db, account_id, connection_id).await?;
        let numbers = numbers::of_connections(means.db, account_id, &[connection_id]).await?;
        let numbers = numbers.into_values().flatten().collect();
        Ok(found.map(|found| object(&found, numbers, (means.sealing_key, public_url))))
    })
    .await
}

/// The account's connections, newest first: all of them.
pub async fn all(
    means: Means<'_>,
    public_url: &str,
    account_id: AccountId,
) -> Result<Vec<ConnectionObject>, store::Error> {
    store::within(async {
        let listed = connections::list(means.db, account_id, CONNECTIONS_MAX).await?;
        let ids: Vec<_> = listed.iter().map(SealedConnection::connection_id).collect();
        let mut numbers = numbers::of_connections(means.db, account_id, &ids).await?;
        let with = (means.sealing_key, public_url);
        let objects = listed.iter().map(|one| {
            let numbers = numbers.remove(&one.connection_id()).unwrap_or_default();
            object(one, numbers, with)
        });
        Ok(objects.collect())
    })
    .await
}

fn object(
    connection: &SealedConnection,
    numbers: Vec<String>,
    (key, public_url): (&SealingKey, &str),
) -> ConnectionObject {
    let (answer_url, answer_application) = match connection.answered_by() {
        Some(AnsweredBy::Url(url)) => (Some(url.to_string()), None),
        Some(AnsweredBy::Application(application)) => (None, Some(application.into_string())),
        None => (None, None),
    };
    ConnectionObject {
        id: connection.connection_id(),
        provider: connection.provider().to_owned(),
        label: connection.label().map(str::to_owned),
        base_url: connection.base_url().to_owned(),
        numbers,
        status_callback_url: callback_url(connection, key, public_url),
        answer_url,
        answer_application,
        max_duration: connection.max_duration_s(),
        former_credentials_until: connection.former_until(),
        created_at: connection.created_at(),
        updated_at: connection.updated_at(),
    }
}

/// What to give the vendor as its status callback, ready to paste. Nothing for a vendor that posts nothing, and while all that it
/// posts would be refused, for there is nothing to verify it with.
fn callback_url(
    connection: &SealedConnection,
    key: &SealingKey,
    public_url: &str,
) -> Option<String> {
    let vendor = Vendor::named(connection.provider())?;
    let opened = connection.open(key).ok()?;
    vendor.is_heard(&opened.credentials).then(|| {
        let (name, id) = (vendor.name(), connection.connection_id());
        let overrides = vendor.profile().callback_overrides;
        format!("{public_url}/inbound/{name}/{id}{overrides}")
    })
}
