//! The only place that spawns: whatever runs in the background is known by name, told to stop, and waited for.
//!
//! Two stops. The soft one asks: each task gets a token and ends when it has finished what it holds. The hard one,
//! after a grace period, drops what is left: leases make that somebody else's work. A task that ends without having
//! been asked is a fault, and a service that has lost a part stops as a whole rather than limp on.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long dropped tasks may take to be gone: they are dropped at their next await.
const DROP_WAIT: Duration = Duration::from_secs(1);

/// Owns the background tasks of one service. A clone is a handle to the same tasks.
#[derive(Debug, Clone)]
pub struct Supervisor {
    hard: CancellationToken,
    soft: CancellationToken,
    tasks: TaskTracker,
    first_fault: Arc<OnceLock<Fault>>,
    faulted: CancellationToken,
}

/// A supervised task ended without having been asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the task `{task}` {ended} without having been asked to stop")]
pub struct Fault {
    /// The name it was spawned under.
    pub task: &'static str,
    /// In which way.
    pub ended: Ended,
}

/// How a task came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Its future completed.
    Returned,
    /// It panicked.
    Panicked,
}

/// How a shutdown went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// Every task finished within the grace period.
    Finished,
    /// Some had to be dropped.
    Dropped {
        /// How many.
        tasks: usize,
    },
}

impl Supervisor {
    /// A supervisor without tasks.
    pub fn new() -> Self {
        let hard = CancellationToken::new();
        Self {
            soft: hard.child_token(),
            hard,
            tasks: TaskTracker::new(),
            first_fault: Arc::default(),
            faulted: CancellationToken::new(),
        }
    }

    /// Runs a task that lasts as long as the service: it may end only after `stop` was cancelled.
    pub fn spawn<Work>(&self, name: &'static str, work: impl FnOnce(CancellationToken) -> Work)
    where
        Work: Future<Output = ()> + Send + 'static,
    {
        let watch = Watch {
            name,
            lasts: Lasts::UntilStopped,
            supervisor: self.clone(),
        };
        self.track(watch, work(self.soft.child_token()));
    }

    /// Runs bounded work to its own end: shutdown waits for it, its end is no fault.
    pub fn spawn_once(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let watch = Watch {
            name,
            lasts: Lasts::UntilDone,
            supervisor: self.clone(),
        };
        self.track(watch, work);
    }

    /// Waits for the first fault; for ever while all is well.
    pub async fn faulted(&self) -> Fault {
        loop {
            self.faulted.cancelled().await;
            if let Some(fault) = self.first_fault.get() {
                return *fault;
            }
        }
    }

    /// Cancelled as soon as tasks have been asked to stop.
    pub fn stopping(&self) -> CancellationToken {
        self.soft.child_token()
    }

    /// Asks every task to stop, waits up to `grace`, then drops the rest.
    pub async fn shutdown(&self, grace: Duration) -> Shutdown {
        self.soft.cancel();
        self.tasks.close();
        if tokio::time::timeout(grace, self.tasks.wait()).await.is_ok() {
            return Shutdown::Finished;
        }
        let tasks = self.tasks.len();
        self.hard.cancel();
        if tokio::time::timeout(DROP_WAIT, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                tasks = self.tasks.len(),
                "tasks that block could not be dropped"
            );
        }
        Shutdown::Dropped { tasks }
    }

    fn track(&self, watch: Watch, work: impl Future<Output = ()> + Send + 'static) {
        let hard = self.hard.clone();
        self.tasks.spawn(async move {
            // Held across the work, so that a panic drops it too.
            let _watch = watch;
            hard.run_until_cancelled(work).await;
        });
    }

    fn report(&self, fault: Fault) {
        tracing::error!(task = fault.task, "{fault}");
        if self.first_fault.set(fault).is_ok() {
            self.faulted.cancel();
        }
    }
}

impl Default for Supervisor {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Returned => "returned",
            Self::Panicked => "panicked",
        })
    }
}

/// Sees a task's end, whichever way it comes.
struct Watch {
    name: &'static str,
    lasts: Lasts,
    supervisor: Supervisor,
}

enum Lasts {
    UntilStopped,
    UntilDone,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let ended = if std::thread::panicking() {
            Ended::Panicked
        } else {
            Ended::Returned
        };
        let fault = Fault {
            task: self.name,
            ended,
        };
        match (&self.lasts, ended) {
            (Lasts::UntilStopped, _) if !self.supervisor.soft.is_cancelled() => {
                self.supervisor.report(fault);
            }
            (Lasts::UntilStopped | Lasts::UntilDone, Ended::Panicked) => {
                tracing::error!(task = self.name, "a task panicked");
            }
            (Lasts::UntilStopped | Lasts::UntilDone, Ended::Returned) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_task_is_asked_to_stop_and_waited_for() {
        let supervisor = Supervisor::new();
        let (done, finished) = tokio::sync::oneshot::channel();
        supervisor.spawn("polite", |stop| async move {
            stop.cancelled().await;
            tokio::task::yield_now().await;
            done.send(()).expect("the test is listening");
        });
        assert_eq!(supervisor.shutdown(LONG).await, Shutdown::Finished);
        finished.await.expect("it ran to its end");
    }

    #[tokio::test]
    async fn a_task_that_does_not_listen_is_dropped_after_the_grace_period() {
        let supervisor = Supervisor::new();
        supervisor.spawn("deaf", |_| std::future::pending());
        assert_eq!(
            supervisor.shutdown(Duration::ZERO).await,
            Shutdown::Dropped { tasks: 1 }
        );
    }

    #[tokio::test]
    async fn a_task_that_returns_unasked_is_a_fault() {
        let supervisor = Supervisor::new();
        supervisor.spawn("quitter", |_| async {});
        let fault = tokio::time::timeout(LONG, supervisor.faulted())
            .await
            .expect("a fault");
        assert_eq!(
            fault.to_string(),
            "the task `quitter` returned without having been asked to stop"
        );
    }

    #[tokio::test]
    async fn a_task_that_panics_is_a_fault() {
        let supervisor = Supervisor::new();
        supervisor.spawn("clumsy", |_| async { panic!("on purpose") });
        let fault = tokio::time::timeout(LONG, supervisor.faulted())
            .await
            .expect("a fault");
        assert_eq!(
            fault,
            Fault {
                task: "clumsy",
                ended: Ended::Panicked
            }
        );
    }

    #[tokio::test]
    async fn work_that_is_done_is_no_fault_and_shutdown_waits_for_it() {
        let supervisor = Supervisor::new();
        let (go, wait) = tokio::sync::oneshot::channel::<()>();
        supervisor.spawn_once("errand", async {
            wait.await.expect("the test lets it go");
        });
        let (shutdown, ()) = tokio::join!(supervisor.shutdown(LONG), async {
            go.send(()).expect("it is waiting");
        });
        assert_eq!(shutdown, Shutdown::Finished);
        assert!(supervisor.first_fault.get().is_none());
    }
}
