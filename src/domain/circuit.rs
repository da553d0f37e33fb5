//! How hard an endpoint is tried: how many requests at once, and not at all while it is away. Pure: time and randomness come in.
//!
//! An endpoint that is away costs one request now and then, not one for every event, and its events' schedules are not spent meanwhile. One
//! that comes back is not flooded: its window begins at one request and doubles with each that was filled.

use std::time::{Duration, Instant};

/// So many requests in a row that the endpoint was away for open the circuit.
pub const MISSES_MAX: u32 = 5;

/// For how long the circuit opens the first time; it doubles.
const OPEN_FIRST: Duration = Duration::from_secs(10);

/// For how long it opens at most, before jitter.
pub const OPEN_MAX: Duration = Duration::from_mins(10);

/// The longest `Retry-After` that keeps a circuit open.
pub const PAUSE_MAX: Duration = Duration::from_hours(1);

/// What an answer says about the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It took the event.
    Took,
    /// It is there, and did not want this event.
    Refused,
    /// It is away, or overloaded: no answer, 429, 502, 503 or 504. It may have said for how long.
    Away {
        /// Its `Retry-After`.
        pause: Option<Duration>,
    },
}

/// Whether requests go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Closed,
    Open { until: Instant },
    Probing,
}

/// One endpoint's circuit and window.
#[derive(Debug, Clone)]
pub struct Circuit {
    phase: Phase,
    misses: u32,
    opens: u32,
    window: usize,
    window_max: usize,
    /// Successes since the window last grew.
    filled: usize,
}

/// What changed, and is to be remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The circuit opens for so long.
    Opened {
        /// How long.
        wait: Duration,
    },
    /// It closes.
    Closed,
}

impl Circuit {
    /// A circuit whose endpoint takes up to `window_max` requests at once. One that has opened before and was not closed since probes.
    pub fn new(window_max: usize, opens: u32, probing: bool) -> Self {
        Self {
            phase: if probing {
                Phase::Probing
            } else {
                Phase::Closed
            },
            misses: 0,
            opens,
            window: if probing { 1 } else { window_max },
            window_max,
            filled: 0,
        }
    }

    /// Sets how many requests at once the endpoint takes at most.
    pub fn set_window_max(&mut self, window_max: usize) {
        if self.window == self.window_max {
            self.window = window_max;
        }
        self.window_max = window_max;
        self.window = self.window.min(window_max).max(1);
    }

    /// How many more requests may go out beside those that are out.
    pub fn room(&mut self, out: usize, now: Instant) -> usize {
        if let Phase::Open { until } = self.phase
            && until <= now
        {
            self.phase = Phase::Probing;
            self.window = 1;
        }
        match self.phase {
            Phase::Open { .. } => 0,
            Phase::Probing => 1_usize.saturating_sub(out),
            Phase::Closed => self.window.saturating_sub(out),
        }
    }

    /// How often in a row it has opened.
    pub fn opens(&self) -> u32 {
        self.opens
    }

    /// For how long it is still open.
    pub fn open_for(&self, now: Instant) -> Option<Duration> {
        match self.phase {
            Phase::Open { until } => Some(until.saturating_duration_since(now)),
            Phase::Closed | Phase::Probing => None,
        }
    }

    /// Takes what an answer says. `unit` is a random number from 0 up to but not including 1.
    pub fn hear(&mut self, sign: Sign, now: Instant, unit: f64) -> Option<Change> {
        match sign {
            Sign::Took | Sign::Refused => self.there(sign == Sign::Took),
            Sign::Away { pause } => self.away(pause, now, unit),
        }
    }

    fn there(&mut self, took: bool) -> Option<Change> {
        self.misses = 0;
        if took {
            self.filled += 1;
            if self.filled >= self.window {
                self.filled = 0;
                self.window = (self.window * 2).min(self.window_max);
            }
        }
        // An answer that was on its way when the circuit opened does not close it: only the probe's does.
        if self.phase != Phase::Probing {
            return None;
        }
        self.phase = Phase::Closed;
        self.opens = 0;
        Some(Change::Closed)
    }

    fn away(&mut self, pause: Option<Duration>, now: Instant, unit: f64) -> Option<Change> {
        self.misses = self.misses.saturating_add(1);
        self.filled = 0;
        self.window = (self.window / 2).max(1);
        if matches!(self.phase, Phase::Open { .. }) {
            return None;
        }
        let pause = pause.filter(|pause| !pause.is_zero());
        if self.phase == Phase::Closed && self.misses < MISSES_MAX && pause.is_none() {
            return None;
        }
        let doubled = OPEN_FIRST * 2_u32.pow(self.opens.min(10));
        let wait = doubled.min(OPEN_MAX).mul_f64(0.8 + 0.4 * unit);
        // Whoever says when to come back is taken at its word.
        let wait = match (pause, self.misses < MISSES_MAX && self.opens == 0) {
            (Some(pause), true) => pause.min(PAUSE_MAX),
            (Some(pause), false) => wait.max(pause.min(PAUSE_MAX)),
            (None, _) => wait,
        };
        self.opens = self.opens.saturating_add(1);
        self.phase = Phase::Open { until: now + wait };
        Some(Change::Opened { wait })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::{Change, Circuit, MISSES_MAX, OPEN_MAX, PAUSE_MAX, Sign};

    const AWAY: Sign = Sign::Away { pause: None };

    fn opened(circuit: &mut Circuit, now: Instant) -> Duration {
        for _ in 1..MISSES_MAX {
            assert_eq!(circuit.hear(AWAY, now, 0.5), None);
        }
        match circuit.hear(AWAY, now, 0.5) {
            Some(Change::Opened { wait }) => wait,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn so_many_misses_in_a_row_open_it_and_one_probe_closes_it() {
        let now = Instant::now();
        let mut circuit = Circuit::new(8, 0, false);
        assert_eq!(circuit.room(3, now), 5);
        let wait = opened(&mut circuit, now);
        assert_eq!(wait, Duration::from_secs(10));
        assert_eq!(circuit.room(0, now), 0);
        let then = now + wait;
        assert_eq!((circuit.room(0, then), circuit.room(1, then)), (1, 0));
        assert_eq!(circuit.hear(Sign::Took, then, 0.5), Some(Change::Closed));
        // It is not flooded.
        assert_eq!(circuit.room(0, then), 2);
    }

    #[test]
    fn a_probe_that_fails_opens_it_for_twice_as_long_up_to_a_bound() {
        let mut now = Instant::now();
        let mut circuit = Circuit::new(8, 0, false);
        let mut wait = opened(&mut circuit, now);
        for _ in 0..10 {
            now += wait;
            assert_eq!(circuit.room(0, now), 1);
            let Some(Change::Opened { wait: next }) = circuit.hear(AWAY, now, 0.5) else {
                panic!("it did not open");
            };
            assert_eq!(next, (wait * 2).min(OPEN_MAX));
            wait = next;
        }
        assert_eq!(wait, OPEN_MAX);
    }

    #[test]
    fn whoever_says_when_to_come_back_is_taken_at_its_word() {
        let now = Instant::now();
        let asked = Duration::from_secs(90);
        let mut circuit = Circuit::new(8, 0, false);
        let heard = circuit.hear(Sign::Away { pause: Some(asked) }, now, 0.5);
        assert_eq!(heard, Some(Change::Opened { wait: asked }));
        let mut circuit = Circuit::new(8, 0, false);
        let day = Duration::from_hours(24);
        let heard = circuit.hear(Sign::Away { pause: Some(day) }, now, 0.5);
        assert_eq!(heard, Some(Change::Opened { wait: PAUSE_MAX }));
    }

    #[test]
    fn an_endpoint_that_refuses_is_there() {
        let now = Instant::now();
        let mut circuit = Circuit::new(8, 0, false);
        for _ in 0..3 * MISSES_MAX {
            assert_eq!(circuit.hear(AWAY, now, 0.5), None);
            assert_eq!(circuit.hear(Sign::Refused, now, 0.5), None);
        }
        assert!(circuit.room(0, now) >= 1);
    }

    #[test]
    fn it_drains_faster_and_faster() {
        let now = Instant::now();
        let mut circuit = Circuit::new(8, 3, true);
        let mut rooms = Vec::new();
        for _ in 0..16 {
            rooms.push(circuit.room(0, now));
            circuit.hear(Sign::Took, now, 0.5);
        }
        assert!(rooms.starts_with(&[1, 2, 2, 4, 4, 4, 4, 8]), "{rooms:?}");
    }

    proptest! {
        #[test]
        fn the_window_stays_in_its_bounds(signs in prop::collection::vec(0_u8..4, 0..200), most in 1_usize..100) {
            let mut now = Instant::now();
            let mut circuit = Circuit::new(most, 0, false);
            for sign in signs {
                let sign = match sign {
                    0 => Sign::Took,
                    1 => Sign::Refused,
                    2 => AWAY,
                    _ => Sign::Away { pause: Some(Duration::from_secs(7)) },
                };
                circuit.hear(sign, now, 0.99);
                prop_assert!(circuit.room(0, now) <= most);
                if let Some(wait) = circuit.open_for(now) {
                    prop_assert!(wait <= PAUSE_MAX);
                    now += wait;
                }
                prop_assert!(circuit.room(0, now) >= 1);
            }
        }
    }
}
