//! From a happening to deliveries, in the transaction of whatever happened.
//!
//! **Order.** To one endpoint, what comes after a call's end is told after its `call.ended`: such a delivery is not due while that of
//! `call.ended` is on its way to the same endpoint (`store::delivery_queue::due`). Nothing has to be let go, so nothing waits for ever. Who
//! emits holds the call's row, and the end was emitted under it, so whoever sees what follows sees the end, or that it is over. All other
//! deliveries are independent of each other.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{envelope::Envelope, platform::Around, redacted};
use crate::{
    domain::{
        call::Call,
        call_object::{Beside, CallObject},
        event::EventType,
        id::{AccountId, DeliveryId, EventId},
    },
    store::{
        analysis_settings,
        delivery_queue::{self, NewDelivery},
        endpoints::{self, Listener},
        events::{self, Event},
    },
};

/// Something that happened to a call.
#[derive(Debug, Clone, Copy)]
pub struct Happening<'a> {
    /// The call as it now is; the caller's transaction holds its row.
    pub call: &'a Call,
    /// What is known besides.
    pub beside: &'a Beside,
    /// What happened.
    pub event: EventType,
    /// When.
    pub at: DateTime<Utc>,
}

/// What came of emitting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Emitted {
    /// Deliveries that are due: wake the workers after the commit if there are any.
    pub deliveries: usize,
}

/// Tells every subscribed endpoint: events and deliveries, with a fixed number of statements. One that is disabled is told nothing, but what it
/// misses is kept for it.
/// One small query, and nothing else, where nobody listens. Of one call, the happenings stand in the order in which they
/// happened.
pub async fn emit(conn: &mut PgConnection, happenings: &[Happening<'_>]) -> sqlx::Result<Emitted> {
    let accounts: BTreeSet<_> = happenings
        .iter()
        .map(|h| h.call.account_id.uuid())
        .collect();
    if accounts.is_empty() {
        return Ok(Emitted::default());
    }
    let accounts: Vec<_> = accounts.into_iter().collect();
    let listeners = endpoints::listeners(&mut *conn, &accounts).await?;
    let redacting = redacting(conn, happenings, (&accounts, &listeners)).await?;
    let (told, mut new) = fan_out(happenings, listeners, &redacting);
    if told.is_empty() {
        return Ok(Emitted::default());
    }
    let platform = told.iter().map(|told| told.happening);
    let platform: Vec<_> = platform.filter(|h| h.event.is_platform()).collect();
    let around = Around::of(&mut *conn, &platform).await?;
    let mut events = Vec::with_capacity(told.len());
    for told in &told {
        let body = if told.happening.event.is_platform() {
            around.body(told.happening)
        } else if told.redacts {
            told.body(Box::pin(redacted::call(told.call())).await)
        } else {
            told.body(told.call())
        };
        events.push(told.event(body));
    }
    let sizes: BTreeMap<EventId, usize> = events
        .iter()
        .map(|event| (event.event_id, event.body.len()))
        .collect();
    for delivery in &mut new {
        delivery.size = sizes.get(&delivery.event_id).copied().unwrap_or(0);
    }
    events::insert(conn, events).await?;
    let deliveries = delivery_queue::insert(conn, new).await?;
    Ok(Emitted { deliveries })
}

/// The accounts whose webhooks carry redacted transcripts. Asked only if there are transcripts, and somebody to tell.
async fn redacting(
    conn: &mut PgConnection,
    happenings: &[Happening<'_>],
    (accounts, listeners): (&[Uuid], &[Listener]),
) -> sqlx::Result<Vec<AccountId>> {
    let any_said = happenings.iter().any(|h| h.beside.transcript.is_some());
    if listeners.is_empty() || !any_said {
        return Ok(Vec::new());
    }
    analysis_settings::redacting_webhooks(conn, accounts).await
}

/// A happening that somebody is told of.
struct Told<'a> {
    event_id: EventId,
    happening: &'a Happening<'a>,
    redacts: bool,
}

/// What somebody subscribes to, and a delivery to each who does.
fn fan_out<'a>(
    happenings: &'a [Happening<'a>],
    listeners: Vec<Listener>,
    redacting: &[AccountId],
) -> (Vec<Told<'a>>, Vec<NewDelivery>) {
    let mut by_account: BTreeMap<AccountId, Vec<Listener>> = BTreeMap::new();
    for listener in listeners {
        by_account
            .entry(listener.account_id)
            .or_default()
            .push(listener);
    }
    let (mut told, mut new) = (Vec::new(), Vec::new());
    for happening in happenings {
        let call = happening.call;
        let event_id = EventId::generate();
        let before = new.len();
        let subscribed = by_account
            .get(&call.account_id)
            .into_iter()
            .flatten()
            .filter(|listener| listener.subscription.wants(happening.event));
        new.extend(subscribed.map(|listener| NewDelivery {
            delivery_id: DeliveryId::generate(),
            account_id: call.account_id,
            endpoint_id: listener.endpoint_id,
            event_id,
            call_id: Some(call.call_id),
            event_type: happening.event,
            // Known when the body is made.
            size: 0,
            endpoint_state: listener.state,
        }));
        if new.len() > before {
            told.push(Told {
                event_id,
                happening,
                redacts: redacting.contains(&call.account_id),
            });
        }
    }
    (told, new)
}

impl Told<'_> {
    fn call(&self) -> CallObject {
        CallObject::new(self.happening.call, self.happening.beside.clone())
    }

    /// What is told of it in our words.
    fn body(&self, data: CallObject) -> String {
        let envelope = Envelope {
            event_type: self.happening.event,
            timestamp: self.happening.at,
            data,
        };
        envelope.into_body()
    }

    fn event(&self, body: String) -> Event {
        let happening = self.happening;
        Event {
            account_id: happening.call.account_id,
            event_id: self.event_id,
            call_id: Some(happening.call.call_id),
            event_type: happening.event,
            occurred_at: happening.at,
            body,
        }
    }
}
