//! Changes a connection that is there: what the account sets of it, its credentials, its end.

use std::time::Duration;

use super::{ConnectError, Means, Trial, Vendor, probe, route, vet_answer, vet_base_url};
use crate::{
    domain::{
        connection::{AnsweredBy, Connection, Credentials},
        id::{AccountId, ConnectionId},
        party::E164,
        report::ProviderName,
        text::Text,
        voice_call::update::Edit,
    },
    store::{self, connections::SealedConnection},
};

/// What is to be changed.
#[derive(Debug, Default)]
pub struct Change {
    /// What the account calls it.
    pub label: Edit<Text<100>>,
    /// What answers the calls that it places.
    pub answered_by: Edit<AnsweredBy>,
    /// How long its calls may last, in seconds.
    pub max_duration_s: Edit<i32>,
    /// The numbers that are routed to it, all of them; they stay if absent.
    pub numbers: Option<Vec<E164>>,
    /// New credentials, with where they are used.
    pub rotation: Option<Rotation>,
}

/// New credentials.
#[derive(Debug)]
pub struct Rotation {
    /// They.
    pub credentials: Credentials,
    /// Where the vendor's API is, if it is elsewhere now.
    pub base_url: Option<String>,
    /// How long what the vendor signed with the former ones is still taken.
    pub overlap: Duration,
    /// Whether they are tried first.
    pub trial: Trial,
}

/// Changes a connection of the account.
pub async fn change(
    means: Means<'_>,
    of: (AccountId, ConnectionId),
    change: Change,
) -> Result<(), ConnectError> {
    let (account_id, connection_id) = of;
    let found = store::connections::find(means.db, account_id, connection_id);
    let known = store::ask(found).await?.ok_or(ConnectError::NotFound)?;
    let vendor = Vendor::named(known.provider()).ok_or(ConnectError::UnknownVendor)?;
    let numbers = change.numbers.as_ref();
    if !vendor.has_numbers() && numbers.is_some_and(|numbers| !numbers.is_empty()) {
        return Err(ConnectError::HasNoNumbers);
    }
    let answered_by = match &change.answered_by {
        Edit::Set(answered_by) => Some(answered_by),
        Edit::Keep | Edit::Clear => None,
    };
    let answer = vet_answer(means.egress, vendor, answered_by).await;
    let rotated = rotated(means, vendor, (&known, change.rotation.as_ref())).await;
    let rotated = match (rotated, answer) {
        (Ok(rotated), Ok(())) => rotated,
        (Err(rotation), Err(answer)) => return Err(ConnectError::Several(vec![rotation, answer])),
        (Err(error), Ok(())) | (Ok(_), Err(error)) => return Err(error),
    };
    store::within(write(means, of, &change, rotated)).await?;
    tracing::info!(account.id = %account_id, connection.id = %connection_id, rotated = change.rotation.is_some(), "a connection was changed");
    Ok(())
}

/// The connection with its new credentials, tried if that is wanted.
async fn rotated(
    means: Means<'_>,
    vendor: Vendor,
    (known, rotation): (&SealedConnection, Option<&Rotation>),
) -> Result<Option<Connection>, ConnectError> {
    let Some(rotation) = rotation else {
        return Ok(None);
    };
    let base_url = rotation.base_url.as_deref();
    let base_url = base_url.unwrap_or_else(|| known.base_url());
    let connection = Connection {
        account_id: known.account_id(),
        connection_id: known.connection_id(),
        provider: ProviderName::parse(vendor.name()).map_err(|_not| ConnectError::UnknownVendor)?,
        base_url: vet_base_url(means.egress, vendor, Some(base_url)).await?,
        credentials: rotation.credentials.clone(),
    };
    if rotation.trial == Trial::First {
        probe::expect_well(means.egress, vendor, &connection).await?;
    }
    Ok(Some(connection))
}

async fn write(
    means: Means<'_>,
    (account_id, connection_id): (AccountId, ConnectionId),
    change: &Change,
    rotated: Option<Connection>,
) -> Result<(), ConnectError> {
    let mut tx = means.db.begin().await?;
    store::accounts::lock(&mut tx, account_id).await?;
    let known = store::connections::lock(&mut tx, account_id, connection_id).await?;
    let known = known.ok_or(ConnectError::NotFound)?;
    let mut settings = known.settings();
    let edit = change.label.clone();
    edit.apply(&mut settings.label, |label| label);
    let edit = change.answered_by.clone();
    edit.apply(&mut settings.answered_by, |answered_by| answered_by);
    let edit = change.max_duration_s.clone();
    edit.apply(&mut settings.max_duration_s, |seconds| seconds);
    store::connections::set(&mut tx, account_id, connection_id, &settings).await?;
    if let Some(numbers) = &change.numbers {
        route::replace(&mut tx, account_id, connection_id, numbers).await?;
    }
    if let (Some(rotation), Some(connection)) = (&change.rotation, rotated) {
        // What cannot be opened verifies nothing: it is replaced without an overlap.
        let former = known.open(means.sealing_key);
        let (former, overlap) = match &former {
            Ok(former) => (&former.credentials, rotation.overlap),
            Err(error) => {
                tracing::warn!(connection.id = %connection_id, error = %error, "the former credentials cannot be opened, and do not verify any more");
                (&connection.credentials, Duration::ZERO)
            }
        };
        let with = (former, overlap);
        store::connections::rotate(&mut tx, means.sealing_key, &connection, with).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Deletes a connection of the account, with its credentials and the routes of its numbers. Calls keep their history. Unless
/// `force` is set, one that is needed stays.
pub async fn remove(
    means: Means<'_>,
    (account_id, connection_id): (AccountId, ConnectionId),
    force: Force,
) -> Result<(), ConnectError> {
    store::within(async {
        let mut tx = means.db.begin().await?;
        // Calls are placed under the same lock: none begins by a connection that goes.
        store::accounts::lock(&mut tx, account_id).await?;
        let known = store::connections::lock(&mut tx, account_id, connection_id).await?;
        known.ok_or(ConnectError::NotFound)?;
        let needed = store::connections::in_use(&mut *tx, account_id, connection_id).await?;
        if force == Force::No && (needed.by_live_calls || needed.by_terminations) {
            return Err(ConnectError::InUse(needed));
        }
        store::connections::delete(&mut tx, account_id, connection_id).await?;
        tx.commit().await?;
        tracing::info!(account.id = %account_id, connection.id = %connection_id, forced = (force == Force::Yes), "a connection was removed");
        Ok(())
    })
    .await
}

/// Whether a connection goes even if it is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Force {
    /// It does: what needs it fails, and says so.
    Yes,
    /// It stays.
    No,
}
