//! What the engine does with what comes back: from the database, and from endpoints.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use tokio::task::JoinError;
use uuid::Uuid;

use super::{
    Bodies, Busy, Done, Engine, Item, LOOK_EVERY, LOOK_SOONEST, Out, PAUSE, RENEW_EVERY,
    lane::Lane,
    work::{self, Batch, Outcome, Read},
};
use crate::{
    domain::{
        circuit::{Change, Circuit},
        id::{EndpointId, EventId},
    },
    queue::runner::random_unit,
    store::{
        self,
        delivery_queue::Due,
        delivery_results::{Result as Written, Settlement},
        endpoint_targets::Target,
        lanes::{self, LEASE, Standing},
    },
    webhooks::deliver::{self, Sent},
};

impl Engine {
    pub(super) fn take(&mut self, done: Result<Done, JoinError>) {
        let now = Instant::now();
        match done {
            Ok(Done::Leased(asked, holder, leased)) => self.leased(asked, holder, leased),
            Ok(Done::Looked(asked, holder, looked)) => self.looked(asked, holder, looked, now),
            Ok(Done::Read(read)) => self.have_read(read, now),
            Ok(Done::Loaded(items, loaded)) => self.loaded(items, loaded, now),
            Ok(Done::Sent(sent, size, slow)) => self.sent(*sent, size, slow, now),
            Ok(Done::Written(batch, written)) => self.written(batch, written, now),
            Ok(Done::GivenBack) => {}
            Err(error) => {
                if error.is_panic() {
                    tracing::error!("a task of the webhook engine panicked; starting over");
                }
                self.tasks.abort_all();
                self.out = Out::default();
                self.busy = Busy::default();
                self.start_over();
            }
        }
    }

    /// Everything that was held may be somebody else's: begins anew under another name. What is out comes back and is written down if it
    /// still may be.
    fn start_over(&mut self) {
        self.holder = Uuid::now_v7();
        self.held_until = None;
        self.renew_after = Instant::now();
        self.lanes.clear();
        self.ring.clear();
        self.look_wanted = true;
    }

    fn failed(&mut self, error: &store::Error, what: &'static str) {
        tracing::warn!(error = %error, what, "webhooks wait for the database");
        self.pause_until = Instant::now() + PAUSE;
    }

    fn leased(&mut self, asked: Instant, holder: Uuid, leased: Result<bool, store::Error>) {
        self.busy.leasing = false;
        if holder != self.holder {
            return;
        }
        self.renew_after = asked + RENEW_EVERY;
        match leased {
            Ok(true) => self.held_until = Some(asked + LEASE),
            Ok(false) => {
                tracing::warn!("the lease on endpoints was over; starting over");
                self.start_over();
            }
            Err(error) => {
                self.failed(&error, "lease");
                if !self.holds(Instant::now()) {
                    self.start_over();
                }
            }
        }
    }

    fn looked(
        &mut self,
        asked: Instant,
        holder: Uuid,
        looked: Result<Vec<lanes::Lane>, store::Error>,
        now: Instant,
    ) {
        self.busy.looking = false;
        // Where a look is dear, it is not taken so often.
        let cost = now.duration_since(asked);
        self.look_after = now + (20 * cost).clamp(LOOK_SOONEST, LOOK_EVERY);
        if holder != self.holder {
            return;
        }
        let found = match looked {
            Ok(found) => found,
            Err(error) => {
                self.look_wanted = true;
                return self.failed(&error, "look");
            }
        };
        let settled = !self.busy.writing && self.batch.is_empty();
        for lane in found {
            let most = self.limits.endpoint_slots;
            let known = self.lanes.entry(lane.endpoint_id);
            let known = known.or_insert_with(|| Lane::new(&lane, most, now));
            // Enabled by its owner, who knows better.
            if settled && lane.opens == 0 && known.circuit.opens() > 0 {
                known.circuit = Circuit::new(most, 0, false);
            }
            known.call_all(now);
        }
    }

    fn have_read(&mut self, read: Result<Read, store::Error>, now: Instant) {
        self.busy.reading = false;
        let read = match read {
            Ok(read) => read,
            Err(error) => {
                for lane in self.lanes.values_mut() {
                    lane.nothing_is_read();
                    lane.call();
                }
                return self.failed(&error, "read");
            }
        };
        let mut due: BTreeMap<EndpointId, Vec<Due>> = BTreeMap::new();
        for each in read.due {
            due.entry(each.endpoint_id).or_default().push(each);
        }
        let mut targets: BTreeMap<EndpointId, Target> = read.targets.into_iter().collect();
        for wanted in read.wanted {
            let Some(lane) = self.lanes.get_mut(&wanted.endpoint_id) else {
                continue;
            };
            let target = targets.remove(&wanted.endpoint_id);
            let found = due.remove(&wanted.endpoint_id).unwrap_or_default();
            if target.is_none() && !found.is_empty() {
                self.batch.silent.push((lane.account_id, lane.endpoint_id));
            }
            let told = target.is_some();
            lane.aim(target, self.limits.endpoint_slots);
            if !told {
                continue;
            }
            lane.read(found, wanted.limit, read.took, now);
            self.take_turns(wanted.endpoint_id);
        }
        for lane in self.lanes.values_mut() {
            lane.nothing_is_read();
        }
    }

    fn loaded(&mut self, items: Vec<Item>, loaded: Result<Bodies, store::Error>, now: Instant) {
        self.busy.loads = self.busy.loads.saturating_sub(1);
        let (time, bodies) = match loaded {
            Ok(loaded) if self.holds(now) => loaded,
            other => {
                if let Err(error) = other {
                    self.failed(&error, "load");
                }
                for item in items.into_iter().rev() {
                    self.back(usize::try_from(item.due.size).unwrap_or(0), item.slow);
                    let endpoint_id = item.due.endpoint_id;
                    if let Some(lane) = self.lanes.get_mut(&endpoint_id) {
                        lane.unpop(item.due);
                        self.take_turns(endpoint_id);
                    }
                }
                return;
            }
        };
        let bodies: HashMap<EventId, String> = bodies.into_iter().collect();
        for Item { due, target, slow } in items {
            let size = usize::try_from(due.size).unwrap_or(0);
            let Some(body) = bodies.get(&due.event_id).cloned() else {
                // Erased, or dropped by retention.
                self.back(size, slow);
                if let Some(lane) = self.lanes.get_mut(&due.endpoint_id) {
                    lane.back(Duration::ZERO, now);
                }
                self.batch.results.push(Written {
                    due,
                    attempt: None,
                    settlement: Settlement::Discarded,
                });
                continue;
            };
            let deliverer = self.deliverer.clone();
            self.tasks.spawn(async move {
                let sent = deliver::send(&deliverer, due, &target, (body, time)).await;
                Done::Sent(Box::new(sent), size, slow)
            });
        }
    }

    fn back(&mut self, size: usize, slow: bool) {
        self.out.requests = self.out.requests.saturating_sub(1);
        self.out.bytes = self.out.bytes.saturating_sub(size);
        self.out.slow = self.out.slow.saturating_sub(usize::from(slow));
    }

    fn sent(&mut self, sent: Sent, size: usize, slow: bool, now: Instant) {
        self.back(size, slow);
        let Sent { result, sign, took } = sent;
        if let Some(lane) = self.lanes.get_mut(&result.due.endpoint_id) {
            lane.back(took, now);
            if work::is_gone(&result) {
                lane.aim(None, self.limits.endpoint_slots);
            }
            let change = lane.circuit.hear(sign, now, random_unit());
            if let Some(Change::Opened { wait }) = change {
                tracing::info!(endpoint.id = %lane.endpoint_id, wait_s = wait.as_secs(), "endpoint is away; its circuit is open");
                lane.clear();
                lane.call();
            }
            let failing = result.settlement != Settlement::Succeeded;
            if change.is_some() || failing || lane.failing {
                lane.failing = failing;
                self.batch
                    .standings
                    .retain(|s| s.endpoint_id != lane.endpoint_id);
                self.batch.standings.push(standing(lane, now));
            }
        }
        self.batch.results.push(result);
    }

    fn written(&mut self, batch: Batch, written: Result<Outcome, store::Error>, now: Instant) {
        self.busy.writing = false;
        let outcome = match written {
            Ok(outcome) => outcome,
            Err(error) => {
                self.failed(&error, "write");
                let newer = std::mem::replace(&mut self.batch, batch);
                self.batch.results.extend(newer.results);
                self.batch.standings.retain(|old| {
                    newer
                        .standings
                        .iter()
                        .all(|new| new.endpoint_id != old.endpoint_id)
                });
                self.batch.standings.extend(newer.standings);
                self.batch.silent.extend(newer.silent);
                return;
            }
        };
        for result in batch.results {
            if let Some(lane) = self.lanes.get_mut(&result.due.endpoint_id) {
                lane.written(result.due.delivery_id, self.busy.reading);
            }
        }
        for due in outcome.followers {
            let endpoint_id = due.endpoint_id;
            if let Some(lane) = self.lanes.get_mut(&endpoint_id)
                && lane.circuit.open_for(now).is_none()
            {
                lane.push(due, now);
                self.take_turns(endpoint_id);
            }
        }
        if outcome.more {
            self.called();
        }
    }
}

/// How an endpoint does, to be remembered.
fn standing(lane: &Lane, now: Instant) -> Standing {
    Standing {
        account_id: lane.account_id,
        endpoint_id: lane.endpoint_id,
        open_for: lane.circuit.open_for(now),
        opens: i32::try_from(lane.circuit.opens()).unwrap_or(i32::MAX),
        failing: lane.failing,
    }
}
