//! No call stays alive: the leader asks providers about live calls of which nothing has been heard for long, and closes those that
//! are over, or that nobody knows. What follows from an answer is decided in [`crate::domain::reconcile`]; a call that its provider
//! says is live is left alone.
//!
//! What makes a check idempotent: the call is locked and looked at again before anything is written, and a call that has ended is
//! only forgotten.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::task::JoinSet;

use super::{Tools, end::connection_of};
use crate::{
    domain::{
        call::Call,
        connection::Connection,
        id::ConnectionId,
        placement::PlacementState,
        reconcile::{Answer, Memory, Patience, silent_for_too_long},
        report::{ProviderCallId, ReportKind},
    },
    providers::{Access, InboundReport, LookUp, Provider, ProviderError, profile::LookUpKind},
    queue::runner,
    store::{
        self,
        reconciliations::{self, Checked, Remembered},
    },
};

mod conclude;

use conclude::conclude;

/// How long a provider may take to answer.
const REQUEST_MAX: Duration = Duration::from_secs(5);

/// How many calls one sweep takes on.
const TAKEN_MAX: i64 = 500;

/// How many live calls a sweep begins to remember.
const DISCOVERED_MAX: i64 = 1000;

/// For how long a sweep holds what it has taken: longer than it can take.
const HOLD: Duration = Duration::from_mins(2);

/// How many connections are asked beside each other.
const CONNECTIONS_AT_ONCE: usize = 16;

/// How patient the reconciler is, and how much it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How long silence is borne.
    pub patience: Patience,
    /// How many calls a second are asked about by one connection, at least 1.
    pub per_second: usize,
}

/// Checks the calls that are due: of each connection as many as may be asked about in a second. Answers how many were looked at.
pub async fn sweep(tools: &Tools, settings: &Settings) -> Result<usize, store::Error> {
    let taken = store::within(Box::pin(async {
        let mut conn = tools.db.acquire().await?;
        let least = settings.patience.least();
        reconciliations::discover(&mut *conn, least, DISCOVERED_MAX).await?;
        tools
            .metrics
            .reconcile_lag(reconciliations::lag_s(&mut *conn).await?);
        Ok::<_, store::Error>(reconciliations::take_due(&mut *conn, HOLD, TAKEN_MAX).await?)
    }))
    .await?;
    let count = taken.len();
    let mut by_connection: BTreeMap<ConnectionId, VecDeque<Asked>> = BTreeMap::new();
    for remembered in taken {
        if let Some(asked) = prepare(tools, settings, remembered).await? {
            by_connection
                .entry(asked.connection.connection_id)
                .or_default()
                .push_back(asked);
        }
    }
    let mut waiting: VecDeque<_> = by_connection.into_values().collect();
    let mut asking = JoinSet::new();
    loop {
        while asking.len() < CONNECTIONS_AT_ONCE
            && let Some(calls) = waiting.pop_front()
        {
            asking.spawn(ask_all(tools.clone(), *settings, calls));
        }
        match asking.join_next().await {
            None => return Ok(count),
            Some(Ok(done)) => done?,
            Some(Err(cut_off)) => return Err(store::Error::Unavailable(Box::new(cut_off))),
        }
    }
}

/// A call that its provider is to be asked about.
#[derive(Debug)]
struct Asked {
    remembered: Remembered,
    name: ProviderCallId,
    connection: Connection,
    provider: &'static dyn Provider,
    /// It knows the call by this name: it reported it, or has said that it is live.
    is_its_name: bool,
}

/// Whom to ask about a call. Nothing, if it is not silent for too long, or if nobody can be asked: that is dealt with at once.
async fn prepare(
    tools: &Tools,
    settings: &Settings,
    remembered: Remembered,
) -> Result<Option<Asked>, store::Error> {
    let of = (remembered.account_id, remembered.call_id);
    let read = async {
        let mut conn = tools.db.acquire().await?;
        let call = store::calls::find(&mut *conn, of.0, of.1).await?;
        let Some(call) = call.filter(|call| call.life.end.is_none()) else {
            reconciliations::forget(&mut conn, of).await?;
            return Ok::<_, store::Error>(None);
        };
        let silent = conclude::silent(&mut conn, &call, &remembered).await?;
        let now = store::now(&mut conn).await?;
        let unit = runner::random_unit();
        if let Err(left) = silent_for_too_long(&settings.patience, &silent, now, unit) {
            reconciliations::checked(&mut conn, of, Checked::No, left).await?;
            return Ok(None);
        }
        let sealed = match connection_of(&mut conn, &call).await? {
            Some(connection_id) => {
                store::connections::find(&mut *conn, of.0, connection_id).await?
            }
            None => None,
        };
        Ok(Some((call, sealed)))
    };
    let Some((call, sealed)) = store::within(Box::pin(read)).await? else {
        return Ok(None);
    };
    let answer = match sealed.map(|sealed| (sealed.open(&tools.sealing_key), sealed)) {
        None => Answer::Nobody,
        Some((Ok(connection), _)) => match askable(tools, &call, &connection) {
            Some(provider) => {
                return Ok(Some(Asked {
                    is_its_name: call.connection_id.is_some() || remembered.alive_at.is_some(),
                    remembered,
                    name: call.provider_call_id,
                    connection,
                    provider,
                }));
            }
            None => Answer::Nobody,
        },
        Some((Err(error), _)) => {
            tracing::warn!(call.id = %of.1, error = %error, "a silent call cannot be asked about");
            Answer::Failed { retry_after: None }
        }
    };
    conclude(tools, settings, &remembered, answer, None).await?;
    Ok(None)
}

/// The provider, if it can be asked about this call.
fn askable(tools: &Tools, call: &Call, connection: &Connection) -> Option<&'static dyn Provider> {
    // Until the provider has confirmed a call that was placed here, it does not go by a name that the provider knows.
    if call.campaign.placement == Some(PlacementState::Asking) {
        return None;
    }
    let provider = tools.providers.named(connection.provider.as_str())?;
    (provider.profile().look_up != LookUpKind::None).then_some(provider)
}

/// Asks about calls of one connection, one after the other: as many as it is asked about in a second. The others wait for their turn.
/// After a request that was not answered none is made, and the rest is taken for not answered, too.
async fn ask_all(
    tools: Tools,
    settings: Settings,
    mut calls: VecDeque<Asked>,
) -> Result<(), store::Error> {
    let mut failed = None;
    for _ in 0..settings.per_second {
        let Some(asked) = calls.pop_front() else {
            break;
        };
        let (answer, told) = match failed {
            Some(answer) => (answer, None),
            None => ask(&tools, &asked).await,
        };
        if matches!(answer, Answer::Failed { .. }) {
            failed = Some(answer);
        }
        conclude(&tools, &settings, &asked.remembered, answer, told).await?;
    }
    for (place, asked) in calls.into_iter().enumerate() {
        let turn = u64::try_from(place / settings.per_second.max(1)).unwrap_or(u64::MAX);
        let turn = Duration::from_secs(turn.saturating_add(1));
        let of = (asked.remembered.account_id, asked.remembered.call_id);
        store::within(async {
            let mut conn = tools.db.acquire().await?;
            reconciliations::checked(&mut conn, of, Checked::No, turn).await?;
            Ok::<_, store::Error>(())
        })
        .await?;
    }
    Ok(())
}

async fn ask(tools: &Tools, asked: &Asked) -> (Answer, Option<InboundReport>) {
    let access = Access {
        egress: &tools.egress,
        connection: &asked.connection,
        deadline: REQUEST_MAX,
    };
    match asked.provider.look_up(&access, &asked.name).await {
        Ok(LookUp::Known(report)) => {
            let answer = match report.kind {
                ReportKind::Ended(_) | ReportKind::HungUp(_) => Answer::Over,
                ReportKind::Queued
                | ReportKind::Ringing
                | ReportKind::Answered
                | ReportKind::Recording => Answer::Live,
            };
            (answer, Some(*report))
        }
        Ok(LookUp::Unclear) => (Answer::Live, None),
        Ok(LookUp::Unknown) => {
            let memory = match asked.provider.profile().look_up {
                _ if !asked.is_its_name => Memory::Hearsay,
                LookUpKind::LiveOnly => Memory::LiveOnly,
                LookUpKind::Kept | LookUpKind::None => Memory::Kept,
            };
            (Answer::Unknown(memory), None)
        }
        Err(error) => {
            let call_id = asked.remembered.call_id;
            tracing::warn!(call.id = %call_id, error = %error, "a silent call could not be asked about");
            let retry_after = match error {
                ProviderError::Throttled { retry_after } => retry_after,
                ProviderError::Refused { .. }
                | ProviderError::Unauthorized { .. }
                | ProviderError::Unreachable(_)
                | ProviderError::Failing { .. }
                | ProviderError::Garbled { .. } => None,
            };
            (Answer::Failed { retry_after }, None)
        }
    }
}
