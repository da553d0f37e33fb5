//! Providers that tell of calls on a connection that we hold to them: each has one listener over all replicas.
//!
//! Whoever has a connection's lease follows it: opens the stream, reports what is live, then what happens, each report
//! committed before the next message is read. A stream that breaks is opened again, later each time. Every few seconds the
//! leases are renewed and the connections read anew, so that one that is added, changed or removed is followed, followed
//! anew or left without a restart. What ended while nobody listened is found out by looking the calls up.
//! `follow` is the part for one connection.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    domain::{
        connection::Connection,
        id::{CallId, ConnectionId},
        report::{CallReport, ProviderName},
    },
    metrics::Metrics,
    providers::{InboundReport, Provider, profile::Callbacks},
    store::{
        self, WAIT_MAX,
        listeners::{self, Listened},
    },
    supervisor::Supervisor,
};

use super::{Tools, ingest::Ingest};
use follow::Follower;

mod follow;

/// How often leases are renewed and connections read anew.
const EVERY: Duration = Duration::from_secs(2);

/// How long a replica may be silent before another listens in its place.
const LEASE: Duration = Duration::from_secs(10);

/// The connections that are listened to; of more, the oldest.
const CONNECTIONS_MAX: i64 = 1000;

/// What listeners work with. A clone is a handle to the same.
#[derive(Debug, Clone)]
pub struct Hearing {
    /// The database, the client, the adapters.
    pub tools: Tools,
    /// Where reports go.
    pub ingest: Ingest,
    /// What is counted.
    pub metrics: Metrics,
    /// Runs a task for each connection.
    pub supervisor: Supervisor,
}

/// A connection that this replica follows.
#[derive(Debug)]
struct Followed {
    version: String,
    stop: CancellationToken,
}

/// Listens to every connection whose lease can be had, until told to stop.
pub async fn run(hearing: Hearing, stop: CancellationToken) {
    let holder = Uuid::now_v7();
    let mut followed = BTreeMap::new();
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = tick.tick() => {}
        }
        if let Err(error) = turn(&hearing, holder, &mut followed).await {
            tracing::warn!(error = %error, "who listens to whom was not seen to; trying again");
        }
    }
    let names: Vec<String> = followed.keys().copied().map(lease).collect();
    for followed in followed.into_values() {
        followed.stop.cancel();
    }
    let resigned = listeners::resign(&hearing.tools.db, &names, holder);
    if !matches!(tokio::time::timeout(WAIT_MAX, resigned).await, Ok(Ok(()))) {
        tracing::warn!("could not give the listeners' leases back; they will run out");
    }
}

/// The call that a report names by our id, if its provider names calls so.
pub fn our_name(provider: &dyn Provider, report: &InboundReport) -> Option<CallId> {
    let ours = provider.names_calls_by_our_id();
    ours.then(|| report.call.as_str().parse().ok()).flatten()
}

/// A provider's report as the account's.
pub fn told(provider: &dyn Provider, connection: &Connection, report: InboundReport) -> CallReport {
    CallReport {
        account_id: connection.account_id,
        source: provider.name(),
        provider: ProviderName::clone(&connection.provider),
        connection_id: Some(connection.connection_id),
        name: report.call,
        event_id: report.event_id,
        occurred_at: report.occurred_at,
        kind: report.kind,
        facts: report.facts,
    }
}

async fn turn(
    hearing: &Hearing,
    holder: Uuid,
    followed: &mut BTreeMap<ConnectionId, Followed>,
) -> Result<(), store::Error> {
    let there = store::within(held(hearing, holder)).await?;
    let ids: BTreeSet<ConnectionId> = there.iter().map(|there| there.connection_id).collect();
    followed.retain(|id, followed| {
        let keep = ids.contains(id);
        if !keep {
            followed.stop.cancel();
        }
        keep
    });
    for listened in there {
        let id = listened.connection_id;
        match followed.get(&id) {
            Some(known) if known.version == listened.version => continue,
            Some(changed) => changed.stop.cancel(),
            None => {}
        }
        let stop = hearing.supervisor.stopping();
        follow(hearing, &listened, stop.clone()).await?;
        let version = listened.version;
        followed.insert(id, Followed { version, stop });
    }
    Ok(())
}

/// The connections that have a stream and whose lease is ours from now on.
async fn held(hearing: &Hearing, holder: Uuid) -> Result<Vec<Listened>, store::Error> {
    let db = &hearing.tools.db;
    let streaming = hearing
        .tools
        .providers
        .all()
        .filter(|provider| matches!(provider.profile().callbacks, Callbacks::Stream { .. }));
    let providers: Vec<String> = streaming
        .map(|provider| provider.name().to_owned())
        .collect();
    let there = listeners::of_providers(db, &providers, CONNECTIONS_MAX).await?;
    let names: Vec<String> = there
        .iter()
        .map(|listened| lease(listened.connection_id))
        .collect();
    let ours = listeners::lead(db, &names, holder, LEASE).await?;
    let ours: BTreeSet<String> = ours.into_iter().collect();
    let held = there.into_iter().zip(&names);
    Ok(held
        .filter_map(|(listened, name)| ours.contains(name).then_some(listened))
        .collect())
}

/// Begins to follow a connection, unless it is gone or cannot be opened: the log says so once, for nothing but a change of
/// the connection changes that.
async fn follow(
    hearing: &Hearing,
    listened: &Listened,
    stop: CancellationToken,
) -> Result<(), store::Error> {
    let tools = &hearing.tools;
    let id = listened.connection_id;
    let found = store::connections::find(&tools.db, listened.account_id, id);
    let Some(sealed) = store::ask(found).await? else {
        return Ok(());
    };
    let Some(provider) = tools.providers.named(sealed.provider()) else {
        return Ok(());
    };
    match sealed.open(&tools.sealing_key) {
        Ok(connection) => {
            let follower = Follower {
                hearing: hearing.clone(),
                provider,
                connection,
                stop,
            };
            hearing.supervisor.spawn_once("hear", follower.run());
        }
        Err(error) => {
            tracing::error!(connection.id = %id, error = %error, "a connection cannot be listened to");
        }
    }
    Ok(())
}

/// The name of a connection's lease.
fn lease(id: ConnectionId) -> String {
    format!("hear {id}")
}
