//! What delivers: one task that owns some endpoints and does nothing but decide, beside tasks that send and tasks that ask the database.
//!
//! * An endpoint belongs to one process at a time ([`crate::store::lanes`]), so nothing is written to take a delivery on: it is read, sent, and
//!   written down. Order, window, rate and circuit of an endpoint are plain memory of its owner; what must outlive it is a row.
//! * Whoever has something to send gets one slot after the other in turn, up to its own window: a slow endpoint has no more than its window, and
//!   all slow ones together no more than half of the slots.
//! * What was answered is written down together, as much as came while the last was being written: one commit for many. The delivery's row is
//!   the fence (see [`crate::store::delivery_queue`]): a process that was thought dead sends twice at worst, and changes nothing.
//! * No transaction is open while something is sent. Killed between the answer and the commit, the event is sent again: at least once.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::{
    lane::Lane,
    work::{Batch, Outcome, Read},
};
use super::deliver::{Deliverer, Sent};
use crate::{
    domain::id::{EndpointId, EventId},
    store::{self, delivery_queue::Due, endpoint_targets::Target, lanes},
};

mod back;
mod lane;
pub mod work;

/// Requests to one endpoint at once, unless it sets a bound of its own.
const ENDPOINT_SLOTS: usize = 10;

/// How often the engine looks around when nothing calls it: circuits that may be tried again, rates, idle endpoints.
const TICK: Duration = Duration::from_millis(250);

/// The longest time without a look for endpoints at which something is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The shortest.
const LOOK_SOONEST: Duration = Duration::from_millis(10);

/// How often the lease is renewed.
const RENEW_EVERY: Duration = Duration::from_secs(1);

/// How long the database is left alone after it failed.
const PAUSE: Duration = Duration::from_millis(500);

/// Endpoints that are read at once.
const READ_MAX: usize = 64;

/// Deliveries that are loaded at once.
const LOAD_MAX: usize = 64;

/// Loads at once.
const LOADS_MAX: usize = 2;

/// Results that are written down at once.
const WRITE_MAX: usize = 512;

/// Results that wait to be written down; nothing is sent while there are more.
const UNWRITTEN_MAX: usize = 2048;

/// Bodies that are in memory at once, in bytes; one that is larger goes alone.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// How much is done at once.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Requests to all endpoints.
    pub slots: usize,
    /// Requests to one endpoint that sets no bound of its own.
    pub endpoint_slots: usize,
}

/// Delivers.
#[derive(Debug)]
pub struct Engine {
    deliverer: Deliverer,
    limits: Limits,
    holder: Uuid,
    /// Until when the lease is good; none: it has not begun.
    held_until: Option<Instant>,
    lanes: BTreeMap<EndpointId, Lane>,
    /// The endpoint that was read last.
    read_last: Option<EndpointId>,
    /// Endpoints with something ready, in turn.
    ring: VecDeque<EndpointId>,
    tasks: JoinSet<Done>,
    busy: Busy,
    out: Out,
    batch: Batch,
    look_wanted: bool,
    look_after: Instant,
    renew_after: Instant,
    pause_until: Instant,
}

/// What is being asked of the database.
#[derive(Debug, Default)]
struct Busy {
    leasing: bool,
    looking: bool,
    reading: bool,
    writing: bool,
    loads: usize,
}

/// What has been taken to be sent and is not back.
#[derive(Debug, Default)]
struct Out {
    requests: usize,
    bytes: usize,
    slow: usize,
}

/// Something to be sent.
#[derive(Debug)]
struct Item {
    due: Due,
    target: Arc<Target>,
    slow: bool,
}

/// What is sent, and what time it is.
type Bodies = (DateTime<Utc>, Vec<(EventId, String)>);

/// A task's end.
#[derive(Debug)]
enum Done {
    Leased(Instant, Uuid, Result<bool, store::Error>),
    Looked(Instant, Uuid, Result<Vec<lanes::Lane>, store::Error>),
    Read(Result<Read, store::Error>),
    Loaded(Vec<Item>, Result<Bodies, store::Error>),
    Sent(Box<Sent>, usize, bool),
    Written(Batch, Result<Outcome, store::Error>),
    GivenBack,
}

impl Limits {
    /// So many requests altogether, ten to one endpoint.
    pub fn of(slots: usize) -> Self {
        Self {
            slots,
            endpoint_slots: ENDPOINT_SLOTS.min(slots),
        }
    }
}

impl Engine {
    /// An engine that is not yet running.
    pub fn new(deliverer: Deliverer, limits: Limits) -> Self {
        let now = Instant::now();
        Self {
            deliverer,
            limits,
            holder: Uuid::now_v7(),
            held_until: None,
            lanes: BTreeMap::new(),
            read_last: None,
            ring: VecDeque::new(),
            tasks: JoinSet::new(),
            busy: Busy::default(),
            out: Out::default(),
            batch: Batch::default(),
            look_wanted: true,
            look_after: now,
            renew_after: now,
            pause_until: now,
        }
    }

    /// Delivers until told to stop; then waits for what is out, for so long at most, and writes it down.
    pub async fn run(mut self, stop: CancellationToken, drain_max: Duration) {
        let wake = self.deliverer.wake.clone();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(done) = self.tasks.join_next() => self.take(done),
                () = wake.deliveries() => self.called(),
                _ = tick.tick() => self.ticked(),
            }
            while let Some(done) = self.tasks.try_join_next() {
                self.take(done);
            }
            self.step(Instant::now());
        }
        if tokio::time::timeout(drain_max, self.drain()).await.is_err() {
            tracing::warn!(
                requests = self.out.requests,
                "webhook requests were cut off; they are made again"
            );
        }
        if work::leave(&self.deliverer.db, self.holder).await.is_err() {
            tracing::warn!("could not give endpoints back; the lease will run out");
        }
    }

    /// Delivers everything that is due until nothing is, once; for tests and whoever drives it by hand.
    pub async fn run_due(mut self) {
        loop {
            self.look_wanted = true;
            self.look_after = Instant::now();
            let mut found = false;
            loop {
                self.step(Instant::now());
                found |= self.out.requests > 0 || !self.batch.is_empty();
                match self.tasks.join_next().await {
                    Some(done) => self.take(done),
                    None if self.waits_for_a_rate() => tokio::time::sleep(TICK).await,
                    None => break,
                }
                found |= !self.batch.is_empty();
            }
            if !found {
                break;
            }
        }
        let _left = work::leave(&self.deliverer.db, self.holder).await;
    }

    /// Whether something is ready that only its endpoint's rate keeps back.
    fn waits_for_a_rate(&self) -> bool {
        let now = Instant::now();
        let mut ready = self.lanes.values().filter(|lane| lane.is_ready());
        ready.any(|lane| lane.circuit.open_for(now).is_none())
    }

    async fn drain(&mut self) {
        self.held_until = None;
        loop {
            self.write();
            let unwritten = self.busy.writing || !self.batch.is_empty();
            if self.out.requests == 0 && !unwritten {
                return;
            }
            match self.tasks.join_next().await {
                Some(done) => self.take(done),
                // What could not be written is tried again after the pause.
                None => tokio::time::sleep(TICK).await,
            }
        }
    }

    /// Something was enqueued, here or elsewhere.
    fn called(&mut self) {
        self.look_wanted = true;
        // With more endpoints than that, looking finds out which.
        if self.lanes.len() <= READ_MAX {
            for lane in self.lanes.values_mut() {
                lane.call();
            }
        }
    }

    fn ticked(&mut self) {
        let now = Instant::now();
        if now >= self.look_after + LOOK_EVERY {
            self.look_wanted = true;
        }
    }

    /// Does whatever can be done now.
    fn step(&mut self, now: Instant) {
        if now >= self.pause_until {
            self.renew(now);
            if self.holds(now) {
                self.look(now);
                self.read(now);
                self.send(now);
                self.give_back(now);
            }
        }
        self.write();
    }

    /// Whether what this process holds is its own, for long enough to begin something.
    fn holds(&self, now: Instant) -> bool {
        self.held_until.is_some_and(|until| now < until)
    }

    fn renew(&mut self, now: Instant) {
        if self.busy.leasing || now < self.renew_after {
            return;
        }
        let begun = self.held_until.is_some();
        self.busy.leasing = true;
        let (db, holder) = (self.deliverer.db.clone(), self.holder);
        self.tasks
            .spawn(async move { Done::Leased(now, holder, work::lease(db, holder, begun).await) });
    }

    fn look(&mut self, now: Instant) {
        if !self.look_wanted || self.busy.looking || now < self.look_after {
            return;
        }
        self.look_wanted = false;
        self.busy.looking = true;
        let (db, holder) = (self.deliverer.db.clone(), self.holder);
        self.tasks
            .spawn(async move { Done::Looked(now, holder, work::look(db, holder).await) });
    }

    fn read(&mut self, now: Instant) {
        if self.busy.reading || self.batch.results.len() > UNWRITTEN_MAX {
            return;
        }
        let mut accounts = Vec::new();
        let mut wanted = Vec::new();
        // Round and round, so that many that have much do not hide the others.
        let last = self.read_last;
        let mut lanes: Vec<_> = self.lanes.values_mut().collect();
        let begin = lanes.partition_point(|lane| Some(lane.endpoint_id) <= last);
        lanes.rotate_left(begin);
        for lane in lanes {
            if wanted.len() >= READ_MAX {
                break;
            }
            if let Some(wants) = lane.wants(now) {
                accounts.push(lane.account_id);
                wanted.push(wants);
            }
        }
        let Some(last) = wanted.last() else {
            return;
        };
        self.read_last = Some(last.endpoint_id);
        self.busy.reading = true;
        let db = self.deliverer.db.clone();
        self.tasks
            .spawn(async move { Done::Read(work::read(db, accounts, wanted).await) });
    }

    /// Hands out slots in turn, and loads what is to be sent in them.
    fn send(&mut self, now: Instant) {
        while self.busy.loads < LOADS_MAX && self.batch.results.len() <= UNWRITTEN_MAX {
            let items = self.pick(now);
            if items.is_empty() {
                return;
            }
            self.busy.loads += 1;
            let db = self.deliverer.db.clone();
            self.tasks.spawn(async move {
                let due = items.iter().map(|item| item.due.clone()).collect();
                let (_due, loaded) = work::load(db, due).await;
                Done::Loaded(items, loaded)
            });
        }
    }

    /// An endpoint with something ready gets its turns.
    fn take_turns(&mut self, endpoint_id: EndpointId) {
        let lane = self.lanes.get_mut(&endpoint_id);
        if let Some(lane) = lane.filter(|lane| lane.is_ready() && !lane.in_turn) {
            lane.in_turn = true;
            self.ring.push_back(endpoint_id);
        }
    }

    fn pick(&mut self, now: Instant) -> Vec<Item> {
        let mut items = Vec::new();
        // As many without a pick as there are endpoints: there is none to be had.
        let mut passed = 0;
        while items.len() < LOAD_MAX && passed < self.ring.len() {
            if self.out.requests >= self.limits.slots {
                break;
            }
            let Some(endpoint_id) = self.ring.pop_front() else {
                break;
            };
            let Some(lane) = self.lanes.get_mut(&endpoint_id) else {
                continue;
            };
            if !lane.is_ready() {
                lane.in_turn = false;
                continue;
            }
            self.ring.push_back(endpoint_id);
            let slow = lane.is_slow();
            let fits = lane
                .next_size(now)
                .is_some_and(|size| self.out.requests == 0 || self.out.bytes + size <= BYTES_MAX);
            if !fits || (slow && 2 * self.out.slow >= self.limits.slots) {
                passed += 1;
                continue;
            }
            passed = 0;
            if let Some((due, target)) = lane.pop() {
                self.out.requests += 1;
                self.out.bytes += usize::try_from(due.size).unwrap_or(0);
                self.out.slow += usize::from(slow);
                items.push(Item { due, target, slow });
            }
        }
        items
    }

    fn write(&mut self) {
        if self.busy.writing || self.batch.is_empty() || Instant::now() < self.pause_until {
            return;
        }
        self.busy.writing = true;
        let mut batch = std::mem::take(&mut self.batch);
        let rest = batch.results.len().saturating_sub(WRITE_MAX);
        self.batch.results = batch.results.split_off(batch.results.len() - rest);
        let db = self.deliverer.db.clone();
        self.tasks.spawn(async move {
            let (batch, written) = work::write(db, batch).await;
            Done::Written(batch, written)
        });
    }

    fn give_back(&mut self, now: Instant) {
        let idle: Vec<_> = self
            .lanes
            .iter()
            .filter(|(_, lane)| lane.is_idle(now))
            .map(|(id, _)| *id)
            .collect();
        if idle.is_empty() || self.busy.reading || self.busy.looking {
            return;
        }
        for endpoint_id in &idle {
            self.lanes.remove(endpoint_id);
        }
        let (db, holder) = (self.deliverer.db.clone(), self.holder);
        self.tasks.spawn(async move {
            if work::give_back(db, holder, idle).await.is_err() {
                tracing::warn!("could not give idle endpoints back; they stay with this process");
            }
            Done::GivenBack
        });
    }
}
