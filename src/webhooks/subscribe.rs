//! Subscriptions of the voice-calls surface's platform. Each is an endpoint of the account like any other, of kind `platform`, that names
//! one type: it counts among the account's endpoints, and is listed, signed, tried and delivered to as they are.

use secrecy::SecretString;
use sqlx::PgPool;
use url::Url;

use super::{
    manage::{self, AddError, Wanted},
    settings::{self, Means, Settings},
};
use crate::{
    domain::{
        endpoint::{
            ENDPOINTS_MAX, Endpoint, EndpointKind, EndpointState,
            subscription::{Filter, Subscription},
        },
        event::EventType,
        id::{AccountId, EndpointId},
    },
    store::{
        self,
        endpoints::{self, Sought},
    },
};

/// What subscribing came to.
#[derive(Debug)]
pub enum Subscribed {
    /// It is new: what its webhooks are signed with is not shown again.
    New(Endpoint, SecretString),
    /// It was there.
    Again(Endpoint),
}

/// Which subscriptions are meant: all of these must hold.
#[derive(Debug, Default)]
pub struct Meant {
    /// Those that are told at this URL.
    pub url: Option<String>,
    /// Those that are told of this.
    pub event: Option<EventType>,
    /// The one with this id.
    pub endpoint_id: Option<EndpointId>,
}

/// Subscribes a URL to a type. There is at most one such subscription: one that is there is enabled again if it was disabled.
pub async fn subscribe(
    with: Means<'_>,
    account_id: AccountId,
    (event, url): (EventType, String),
) -> Result<Subscribed, AddError> {
    let endpoint_id = EndpointId::generate();
    let settings = Settings {
        kind: EndpointKind::Platform,
        subscription: Subscription::to(vec![Filter::Type(event)]),
        ..Settings::to(url)
    };
    let wanted = Wanted {
        account_id,
        endpoint_id,
        settings,
    };
    let added = manage::add(with.db, with.egress, with.sealing_key, wanted).await?;
    let mut there = added.endpoint;
    if there.endpoint_id == endpoint_id {
        return Ok(Subscribed::New(there, added.secret));
    }
    if there.state == EndpointState::Disabled {
        settings::enable(with.db, account_id, there.endpoint_id).await?;
        there.state = EndpointState::Enabled;
    }
    Ok(Subscribed::Again(there))
}

/// Removes the subscriptions that are meant, and discards what is on its way to them. Answers which there were.
pub async fn unsubscribe(
    db: &PgPool,
    account_id: AccountId,
    meant: Meant,
) -> Result<Vec<EndpointId>, store::Error> {
    // As it was kept: what cannot be read was not.
    let url = meant
        .url
        .map(|url| Url::parse(&url).map_or(url, String::from));
    let sought = Sought {
        url: url.as_deref(),
        event: meant.event.map(EventType::as_str),
        endpoint_id: meant.endpoint_id,
    };
    let found = store::ask(endpoints::subscriptions(db, account_id, &sought)).await?;
    for endpoint_id in &found {
        manage::remove(db, account_id, *endpoint_id).await?;
    }
    Ok(found)
}

/// The account's subscriptions with what each is told of, oldest first. One whose types were changed to several or to others is left out.
pub async fn list(
    db: &PgPool,
    account_id: AccountId,
) -> Result<Vec<(EventType, Endpoint)>, store::Error> {
    let all = (None, ENDPOINTS_MAX);
    let listed = store::ask(endpoints::list(db, account_id, all)).await?;
    let subscriptions = listed.into_iter().filter_map(|endpoint| {
        let [Filter::Type(event)] = *endpoint.subscription.filters() else {
            return None;
        };
        let is_one = endpoint.kind == EndpointKind::Platform && event.is_platform();
        is_one.then_some((event, endpoint))
    });
    Ok(subscriptions.collect())
}
