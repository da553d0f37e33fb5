//! What a change to a call sets in motion, enqueued in the transaction of the change: the analysis, and the webhooks.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::listen::wanted;
use crate::{
    domain::{
        analysis::Trigger,
        call::Call,
        call_object::Beside,
        event::EventType,
        id::{AccountId, CallId},
        lifecycle::Transition,
    },
    jobs::Analyze,
    queue::{self, NewJob},
    store,
    webhooks::emit::{self, Happening},
};

/// A call that has changed.
#[derive(Debug)]
pub struct Change<'a> {
    /// The call as it is now.
    pub call: &'a Call,
    /// What is shown beside it.
    pub beside: &'a Beside,
    /// What is new.
    pub transition: Transition,
    /// Somebody changed what staff or back ends keep.
    pub edited: bool,
}

/// Sets everything in motion. Answers whether jobs were enqueued, so that the caller can wake the workers after its commit.
pub async fn apply(
    conn: &mut PgConnection,
    changes: &[Change<'_>],
    at: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let analyses: Vec<NewJob> = changes
        .iter()
        .filter_map(|change| follow_up(change.call, change.transition))
        .collect();
    queue::store::enqueue(conn, &analyses).await?;
    let amended = changes.iter().filter(|change| change.transition.amended);
    let amended: Vec<&Call> = amended.map(|change| change.call).collect();
    let late = wanted::late(conn, &amended).await?;
    let told = tell(conn, changes, at).await?;
    Ok(!analyses.is_empty() || late || told)
}

/// The analysis of a call that has ended.
pub fn follow_up(call: &Call, transition: Transition) -> Option<NewJob> {
    transition
        .ended
        .then(|| analysis(call.account_id, call.call_id, Trigger::CallEnded))
}

/// Tells those who listen. Answers whether jobs were enqueued.
pub async fn tell(
    conn: &mut PgConnection,
    changes: &[Change<'_>],
    at: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let happenings: Vec<Happening<'_>> = changes
        .iter()
        .flat_map(|change| {
            events(change).into_iter().map(|event| Happening {
                call: change.call,
                beside: change.beside,
                event,
                at,
            })
        })
        .collect();
    Ok(emit::emit(conn, &happenings).await?.deliveries > 0)
}

/// Tells staff systems that a call is another one, of which nobody else is told: how its transcript stands has changed. The caller holds
/// its row. Answers whether somebody is told.
pub async fn tell_staff(
    conn: &mut PgConnection,
    (account_id, call_id): (AccountId, CallId),
    at: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let Some(call) = store::calls::find(&mut *conn, account_id, call_id).await? else {
        return Ok(false);
    };
    let beside = store::calls::beside(&mut *conn, account_id, call_id).await?;
    let changed = Happening {
        call: &call,
        beside: &beside,
        event: EventType::VoiceCallUpdate,
        at,
    };
    Ok(emit::emit(conn, &[changed]).await?.deliveries > 0)
}

/// The job that analyses a call; at most one of a trigger waits.
pub fn analysis(account_id: AccountId, call_id: CallId, trigger: Trigger) -> NewJob {
    NewJob::new(
        account_id,
        &Analyze {
            account_id,
            call_id,
            trigger,
            force: false,
            insights_round: 0,
        },
    )
}

/// The events of a change, in the order in which they are told.
fn events(change: &Change<'_>) -> Vec<EventType> {
    let Transition {
        created,
        started,
        answered,
        ended,
        amended,
    } = change.transition;
    let updated = amended || (change.edited && !ended && !started);
    [
        (started, EventType::CallStarted),
        (answered, EventType::CallAnswered),
        (ended, EventType::CallEnded),
        (updated, EventType::CallUpdated),
        // Whatever has changed, staff systems see another voice call.
        (created, EventType::VoiceCallCreate),
        (!created, EventType::VoiceCallUpdate),
    ]
    .into_iter()
    .filter_map(|(happened, event)| happened.then_some(event))
    .collect()
}
