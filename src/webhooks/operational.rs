//! Events for whoever runs the service: told to endpoints that name them, and to no other.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::{
    domain::{
        endpoint::DisabledReason,
        event::EventType,
        id::{AccountId, CallId, DeliveryId, EndpointId, ErasureId, EventId},
    },
    store::{
        self,
        delivery_queue::{self, NewDelivery},
        delivery_results::Result as Written,
        endpoints::{self, Listener},
        events::{self, Event},
    },
};

/// Something that whoever runs the service may want to know.
#[derive(Debug)]
pub struct Notice {
    /// Whose it is.
    pub account_id: AccountId,
    /// What happened.
    pub event: EventType,
    /// To which call, if to one.
    pub call_id: Option<CallId>,
    /// What is said of it.
    pub data: Value,
    /// The endpoint that it is about, and that is not told of it.
    pub about: Option<EndpointId>,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    event: EventType,
    timestamp: DateTime<Utc>,
    data: &'a Value,
}

/// Tells endpoints that name the types. Answers whether anybody is told: wake the engine after the commit.
pub async fn tell(conn: &mut PgConnection, notices: &[Notice]) -> sqlx::Result<bool> {
    if notices.is_empty() {
        return Ok(false);
    }
    let mut accounts: Vec<_> = notices.iter().map(|n| n.account_id.uuid()).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let mut by_account: BTreeMap<AccountId, Vec<Listener>> = BTreeMap::new();
    for listener in endpoints::listeners(&mut *conn, &accounts).await? {
        let of_account = by_account.entry(listener.account_id).or_default();
        of_account.push(listener);
    }
    if by_account.is_empty() {
        return Ok(false);
    }
    let at = store::now(&mut *conn).await?;
    let (mut told, mut new) = (Vec::new(), Vec::new());
    for notice in notices {
        let event_id = EventId::generate();
        let body = Body {
            event: notice.event,
            timestamp: at,
            data: &notice.data,
        };
        let body = serde_json::to_string(&body).expect("a notice is plain data");
        let before = new.len();
        let listeners = by_account.get(&notice.account_id).into_iter().flatten();
        let listeners = listeners.filter(|listener| {
            listener.subscription.wants(notice.event) && Some(listener.endpoint_id) != notice.about
        });
        new.extend(listeners.map(|listener| NewDelivery {
            delivery_id: DeliveryId::generate(),
            account_id: notice.account_id,
            endpoint_id: listener.endpoint_id,
            event_id,
            call_id: notice.call_id,
            event_type: notice.event,
            size: body.len(),
            endpoint_state: listener.state,
        }));
        if new.len() > before {
            told.push(Event {
                account_id: notice.account_id,
                event_id,
                call_id: notice.call_id,
                event_type: notice.event,
                occurred_at: at,
                body,
            });
        }
    }
    if told.is_empty() {
        return Ok(false);
    }
    events::insert(conn, told).await?;
    Ok(delivery_queue::insert(conn, new).await? > 0)
}

/// Tells that an endpoint was disabled, and why.
pub async fn endpoint_disabled(
    conn: &mut PgConnection,
    (account_id, endpoint_id): (AccountId, EndpointId),
    reason: DisabledReason,
) -> sqlx::Result<bool> {
    let notice = Notice {
        account_id,
        event: EventType::EndpointDisabled,
        call_id: None,
        data: json!({ "endpoint_id": endpoint_id, "reason": reason }),
        about: Some(endpoint_id),
    };
    tell(conn, &[notice]).await
}

/// Tells that calls were erased: their ids, and nothing else, for nothing else is left.
pub async fn calls_erased(
    conn: &mut PgConnection,
    (account_id, erasure_id): (AccountId, ErasureId),
    calls: &[CallId],
) -> sqlx::Result<bool> {
    let notices = calls.iter().map(|call_id| Notice {
        account_id,
        event: EventType::CallErased,
        call_id: Some(*call_id),
        data: json!({ "call_id": call_id, "erasure_id": erasure_id }),
        about: None,
    });
    let notices: Vec<_> = notices.collect();
    tell(conn, &notices).await
}

/// Tells which deliveries were given up. That an operational event was not delivered is told to nobody: it would go on for ever.
pub async fn deliveries_exhausted(
    conn: &mut PgConnection,
    dead: &[&Written],
) -> sqlx::Result<bool> {
    let notices = dead
        .iter()
        .filter(|written| !written.due.event_type.is_operational())
        .map(|written| {
            let due = &written.due;
            let last = written.attempt.as_ref().map(|(attempt, _)| attempt);
            Notice {
                account_id: due.account_id,
                event: EventType::DeliveryExhausted,
                call_id: due.call_id,
                data: json!({
                    "delivery_id": due.delivery_id,
                    "endpoint_id": due.endpoint_id,
                    "event_id": due.event_id,
                    "event_type": due.event_type,
                    "call_id": due.call_id,
                    "attempts_made": due.attempts + 1,
                    "last_outcome": last.map(|attempt| attempt.outcome),
                    "last_response_status": last.and_then(|attempt| attempt.response_status),
                }),
                about: Some(due.endpoint_id),
            }
        });
    let notices: Vec<_> = notices.collect();
    tell(conn, &notices).await
}
