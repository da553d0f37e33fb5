//! One endpoint as the process sees it that delivers to it.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    domain::{
        circuit::Circuit,
        id::{AccountId, DeliveryId, EndpointId},
    },
    store::{
        delivery_queue::{Due, Mark, Wanted},
        endpoint_targets::Target,
        lanes,
    },
};

/// Deliveries of one endpoint that are read ahead, at most.
const READY_MAX: usize = 128;

/// Whoever takes longer than this on average is slow.
const SLOW: Duration = Duration::from_secs(1);

/// How long an endpoint is kept at which nothing is due.
const IDLE_MAX: Duration = Duration::from_secs(5);

/// The shortest time between two readings of an endpoint's backlog from its beginning.
const SWEEP_EVERY: Duration = Duration::from_secs(2);

/// An endpoint whose deliveries are this process's to make.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) account_id: AccountId,
    pub(super) endpoint_id: EndpointId,
    pub(super) circuit: Circuit,
    /// Where it is, and how it is signed; none until that was read, or if it is to be told nothing.
    pub(super) target: Option<Arc<Target>>,
    /// The last attempt failed.
    pub(super) failing: bool,
    /// Requests that are out.
    pub(super) out: usize,
    /// It stands in the ring.
    pub(super) in_turn: bool,
    ready: VecDeque<Due>,
    /// What is ready, out, or not yet written down.
    held: HashSet<DeliveryId>,
    /// What is held only because a reading is under way.
    written: Vec<DeliveryId>,
    after: Option<Mark>,
    /// There may be more to read, since so many calls.
    calls: u64,
    answered: u64,
    swept_at: Option<Instant>,
    sweep_after: Duration,
    busy_at: Instant,
    /// The average of how long it takes, weighted to the newest.
    latency: Duration,
    tokens: Tokens,
}

/// What may be sent in a second.
#[derive(Debug)]
struct Tokens {
    left: f64,
    filled_at: Instant,
}

impl Lane {
    pub(super) fn new(taken: &lanes::Lane, window_max: usize, now: Instant) -> Self {
        let opens = u32::try_from(taken.opens).unwrap_or(0);
        Self {
            account_id: taken.account_id,
            endpoint_id: taken.endpoint_id,
            circuit: Circuit::new(window_max, opens, taken.probing),
            target: None,
            failing: taken.failing,
            out: 0,
            in_turn: false,
            ready: VecDeque::new(),
            held: HashSet::new(),
            written: Vec::new(),
            after: None,
            calls: 1,
            answered: 0,
            swept_at: None,
            sweep_after: SWEEP_EVERY,
            busy_at: now,
            latency: Duration::ZERO,
            tokens: Tokens {
                left: 0.0,
                filled_at: now,
            },
        }
    }

    /// Something may have become due.
    pub(super) fn call(&mut self) {
        self.calls += 1;
    }

    /// Something is due that was not read, perhaps: once in a while the backlog is read from its beginning, for what was committed late.
    pub(super) fn call_all(&mut self, now: Instant) {
        self.calls += 1;
        if self
            .swept_at
            .is_none_or(|at| now.duration_since(at) >= self.sweep_after)
        {
            self.after = None;
        }
    }

    /// What is to be read, if something is.
    pub(super) fn wants(&mut self, now: Instant) -> Option<Wanted> {
        if self.calls == self.answered || self.circuit.open_for(now).is_some() {
            return None;
        }
        let most = (4 * self.circuit.room(0, now)).clamp(1, READY_MAX);
        if 2 * self.ready.len() > most {
            return None;
        }
        if self.after.is_none() {
            self.swept_at = Some(now);
        }
        self.answered = self.calls;
        let limit = most - self.ready.len() + self.held.len();
        Some(Wanted {
            endpoint_id: self.endpoint_id,
            after: self.after,
            limit: i64::try_from(limit).unwrap_or(i64::MAX),
        })
    }

    /// Takes what was read, of so many at most.
    pub(super) fn read(&mut self, found: Vec<Due>, limit: i64, took: Duration, now: Instant) {
        if i64::try_from(found.len()).is_ok_and(|found| found >= limit) {
            self.calls += 1;
        }
        // Where dead rows lie in the way, the beginning is not looked at so often.
        self.sweep_after = SWEEP_EVERY.max(50 * took);
        for due in found {
            self.after = Some(Mark {
                due_at: due.due_at,
                delivery_id: due.delivery_id,
            });
            self.push(due, now);
        }
    }

    /// Makes a delivery ready, unless it is held already.
    pub(super) fn push(&mut self, due: Due, now: Instant) {
        if self.held.insert(due.delivery_id) {
            self.busy_at = now;
            self.ready.push_back(due);
        }
    }

    /// Whether something could be sent, but for the bounds.
    pub(super) fn is_ready(&self) -> bool {
        !self.ready.is_empty() && self.target.is_some()
    }

    /// The size of what would be sent next, if a request may go out now.
    pub(super) fn next_size(&mut self, now: Instant) -> Option<usize> {
        let target = self.target.as_ref()?;
        let due = self.ready.front()?;
        if let Some(rate) = target.max_per_second {
            self.tokens.fill(f64::from(rate), now);
            if self.tokens.left < 1.0 {
                return None;
            }
        }
        (self.circuit.room(self.out, now) > 0).then(|| usize::try_from(due.size).unwrap_or(0))
    }

    /// Takes what is sent next; it counts as out.
    pub(super) fn pop(&mut self) -> Option<(Due, Arc<Target>)> {
        let target = Arc::clone(self.target.as_ref()?);
        let due = self.ready.pop_front()?;
        if target.max_per_second.is_some() {
            self.tokens.left -= 1.0;
        }
        self.out += 1;
        Some((due, target))
    }

    /// What was not sent after all is the next again.
    pub(super) fn unpop(&mut self, due: Due) {
        self.out = self.out.saturating_sub(1);
        self.ready.push_front(due);
    }

    /// A request is back.
    pub(super) fn back(&mut self, took: Duration, now: Instant) {
        self.out = self.out.saturating_sub(1);
        self.latency = (self.latency * 7 + took) / 8;
        self.busy_at = now;
    }

    /// A delivery is written down, and is held no more. A reading that began before may still find it as it was: until that is back, it
    /// stays among what is held.
    pub(super) fn written(&mut self, delivery_id: DeliveryId, reading: bool) {
        if reading {
            self.written.push(delivery_id);
        } else {
            self.held.remove(&delivery_id);
        }
    }

    /// No reading is under way.
    pub(super) fn nothing_is_read(&mut self) {
        for delivery_id in self.written.drain(..) {
            self.held.remove(&delivery_id);
        }
    }

    /// Forgets what is ready: it is read again when it is called.
    pub(super) fn clear(&mut self) {
        for due in self.ready.drain(..) {
            self.held.remove(&due.delivery_id);
        }
        self.after = None;
    }

    /// Whether it keeps slots for long.
    pub(super) fn is_slow(&self) -> bool {
        self.latency > SLOW
    }

    /// Whether there has been nothing to do for some time, so that it may be given back.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        self.held.is_empty()
            && self.calls == self.answered
            && now.duration_since(self.busy_at) > IDLE_MAX
    }

    /// Takes what is known of the endpoint now.
    pub(super) fn aim(&mut self, target: Option<Target>, window_max: usize) {
        if let Some(target) = &target {
            let own = target
                .max_concurrency
                .and_then(|most| usize::try_from(most).ok());
            let most = own.unwrap_or(window_max);
            self.circuit.set_window_max(most);
        } else {
            self.clear();
        }
        self.target = target.map(Arc::new);
    }
}

impl Tokens {
    /// As many as have come since, at most what one second brings.
    fn fill(&mut self, per_second: f64, now: Instant) {
        let since = now.duration_since(self.filled_at).as_secs_f64();
        self.left = (self.left + since * per_second).min(per_second.max(1.0));
        self.filled_at = now;
    }
}
