//! How far an export is, on standard error: one line that is written over on a terminal, a line now and then elsewhere.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

/// What is told of an export under way.
pub(super) struct Progress {
    way: Way,
    began: Instant,
    told: Option<Instant>,
    calls: usize,
}

/// To whom it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Nobody.
    Silent,
    /// Somebody who looks.
    Terminal,
    /// A log.
    Lines,
}

impl Progress {
    /// Begins now. Is told on a terminal, and elsewhere if it is asked for.
    pub(super) fn new(is_asked_for: bool) -> Self {
        let way = match (io::stderr().is_terminal(), is_asked_for) {
            (true, _) => Way::Terminal,
            (false, true) => Way::Lines,
            (false, false) => Way::Silent,
        };
        Self {
            way,
            began: Instant::now(),
            told: None,
            calls: 0,
        }
    }

    /// So many more calls were written.
    pub(super) fn add(&mut self, calls: usize) {
        self.calls += calls;
        let every = match self.way {
            Way::Silent => return,
            Way::Terminal => Duration::from_millis(200),
            Way::Lines => Duration::from_secs(5),
        };
        if self.told.is_none_or(|told| told.elapsed() >= every) {
            self.told = Some(Instant::now());
            self.tell();
        }
    }

    /// Tells how it was in the end.
    pub(super) fn finish(&self) {
        self.tell();
        if self.way == Way::Terminal {
            // Nothing is left to say if standard error is closed.
            drop(writeln!(io::stderr()));
        }
    }

    fn tell(&self) {
        let took_s = self.began.elapsed().as_secs_f64().max(0.001);
        let calls = u32::try_from(self.calls).unwrap_or(u32::MAX);
        let rate = f64::from(calls) / took_s;
        let line = format!("{calls} calls, {rate:.0} a second");
        let told = match self.way {
            Way::Silent => return,
            Way::Terminal => write!(io::stderr(), "\r{line:<60}"),
            Way::Lines => writeln!(io::stderr(), "onhook: {line}"),
        };
        // Somebody closed it: the rows are what counts.
        drop(told);
    }
}
