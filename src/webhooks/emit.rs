//! From a happening to deliveries and their jobs, in the transaction of whatever happened.
//!
//! **Order.** To one endpoint, what comes after a call's end is told after its `call.ended`: such a delivery is kept as
//! `waiting` while that of `call.ended` is unfinished, and whoever brings the latter to a final state lets the waiting
//! ones go (`release`). All other deliveries are independent of each other.
//!
//! **Why none waits for ever.** [`emit`] reads the unfinished `call.ended` rows `for share` before it inserts waiting
//! ones. Whoever finishes a `call.ended` first updates that row and only then, in a statement of its own (under read
//! committed: with a new snapshot), looks for waiting ones. One of the two comes to the row first:
//! * `emit`: the finisher's update waits for our commit, and its later look sees our waiting rows;
//! * the finisher: our read waits for its commit, sees that the row is no longer pending, and inserts as pending.
//!
//! Two emitters share the lock, and take the rows in one order. That the `call.ended` itself is visible here is the
//! caller's doing: it holds the call's row lock, and the end was emitted under the same lock.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{envelope::Envelope, redacted};
use crate::{
    domain::{
        call::Call,
        call_object::{Beside, CallObject},
        event::EventType,
        id::{AccountId, DeliveryId, EventId},
    },
    jobs::Deliver,
    queue::{self, Lane, NewJob},
    store::{
        analysis_settings,
        deliveries::{self, NewDelivery, Thread},
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
    /// Jobs that were enqueued: wake the workers after the commit if there are any.
    pub jobs: usize,
}

/// Tells every enabled, subscribed endpoint: events, deliveries and their jobs, with a fixed number of statements.
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
    let mut events = Vec::with_capacity(told.len());
    for told in &told {
        events.push(if told.redacts {
            Box::pin(told.redacted_event()).await
        } else {
            told.event(told.call())
        });
    }
    let waiting = waiting(conn, &new).await?;
    let jobs = assign_jobs(&mut new, &waiting);
    events::insert(conn, events).await?;
    deliveries::insert(conn, &new).await?;
    queue::store::enqueue(conn, &jobs).await?;
    Ok(Emitted { jobs: jobs.len() })
}

/// Lets go what waited for this thread's `call.ended`, which the caller has just brought to a final state. Answers how
/// many jobs that made.
pub(super) async fn release(conn: &mut PgConnection, thread: Thread) -> sqlx::Result<usize> {
    let waiting = deliveries::lock_waiting(conn, thread).await?;
    if waiting.is_empty() {
        return Ok(0);
    }
    let (ids, jobs): (Vec<_>, Vec<_>) = waiting
        .into_iter()
        .map(|delivery_id| (delivery_id, job(thread, delivery_id)))
        .unzip();
    let pairs: Vec<_> = ids
        .into_iter()
        .zip(jobs.iter().map(NewJob::job_id))
        .collect();
    deliveries::start(conn, thread.account_id, &pairs).await?;
    queue::store::enqueue(conn, &jobs).await?;
    Ok(jobs.len())
}

/// The job that makes the next attempt at a delivery.
pub(super) fn job(thread: Thread, delivery_id: DeliveryId) -> NewJob {
    let deliver = Deliver {
        account_id: thread.account_id,
        delivery_id,
    };
    NewJob::new(thread.account_id, &deliver).in_lane(Lane(thread.endpoint_id.uuid()))
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
            thread: Thread {
                account_id: call.account_id,
                endpoint_id: listener.endpoint_id,
                call_id: call.call_id,
            },
            event_id,
            event_type: happening.event,
            job_id: None,
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

    fn event(&self, data: CallObject) -> Event {
        let happening = self.happening;
        let envelope = Envelope {
            event_type: happening.event,
            timestamp: happening.at,
            data,
        };
        Event {
            account_id: happening.call.account_id,
            event_id: self.event_id,
            call_id: happening.call.call_id,
            event_type: happening.event,
            occurred_at: happening.at,
            body: envelope.into_body(),
        }
    }

    async fn redacted_event(&self) -> Event {
        self.event(redacted::call(self.call()).await)
    }
}

/// The deliveries that have to wait for a `call.ended`: one on its way, or one earlier among these.
async fn waiting(
    conn: &mut PgConnection,
    new: &[NewDelivery],
) -> sqlx::Result<HashSet<DeliveryId>> {
    let following: BTreeSet<Thread> = new
        .iter()
        .filter(|delivery| delivery.event_type.may_follow_end())
        .map(|delivery| delivery.thread)
        .collect();
    if following.is_empty() {
        return Ok(HashSet::new());
    }
    let following: Vec<_> = following.into_iter().collect();
    let held = deliveries::hold_unfinished_ends(conn, &following).await?;
    let mut ending: HashSet<Thread> = held.into_iter().collect();
    let mut waiting = HashSet::new();
    for delivery in new {
        if delivery.event_type == EventType::CallEnded {
            ending.insert(delivery.thread);
        } else if delivery.event_type.may_follow_end() && ending.contains(&delivery.thread) {
            waiting.insert(delivery.delivery_id);
        }
    }
    Ok(waiting)
}

/// Gives a job to every delivery that does not wait.
fn assign_jobs(new: &mut [NewDelivery], waiting: &HashSet<DeliveryId>) -> Vec<NewJob> {
    new.iter_mut()
        .filter(|delivery| !waiting.contains(&delivery.delivery_id))
        .map(|delivery| {
            let job = job(delivery.thread, delivery.delivery_id);
            delivery.job_id = Some(job.job_id());
            job
        })
        .collect()
}
