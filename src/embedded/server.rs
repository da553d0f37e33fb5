//! Makes the cluster and keeps its server running, for exactly as long as we run.
//!
//! The server's life hangs on a pipe: a shell holds the other end, and when ours closes, be it by `kill -9`, the shell
//! stops the server. So there is no orphan, and no need for what only one system has.

mod leftover;

use std::{fs, fs::File, io, path::Path, process::ExitStatus, process::Stdio, time::Duration};

use tokio::{
    process::{Child, ChildStdin, Command},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Durability, Error, ROLE,
    binaries::Binaries,
    identity::Identity,
    layout::{self, Layout, failed},
    maintenance, ping,
};
use crate::supervisor::Supervisor;

/// Runs `"$@"` until our end of its standard input closes, then stops it as `pg_ctl stop -m fast` would. More than once,
/// as a server that is just being started does not listen yet.
const GUARD: &str = r#"
exec 3<&0 </dev/null
"$@" 3<&- & server=$!
(read -r _ <&3; while kill -INT $server; do sleep 1; done) 2>/dev/null & watch=$!
exec 3<&-
wait $server; status=$?
kill $watch 2>/dev/null
exit $status
"#;

/// Starts that fail one after the other before we give up, which stops the service.
const FAILURES_MAX: u32 = 8;

const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// How often a server that starts is asked: at first, and when it takes long.
const PING_EVERY: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(500)];

/// How long a fast shutdown may take, its checkpoint included.
const FAST_STOP_WAIT: Duration = Duration::from_secs(30);

/// The server of one cluster.
#[derive(Debug)]
pub(super) struct Server {
    layout: Layout,
    binaries: Binaries,
    identity: Identity,
    durability: Durability,
}

/// How one run of the server ended.
enum Run {
    Asked,
    Exited(Readiness),
}

/// Whether a run got as far as answering.
enum Readiness {
    Reached,
    Never,
}

impl Server {
    pub(super) fn new(
        layout: Layout,
        binaries: Binaries,
        identity: Identity,
        durability: Durability,
    ) -> Self {
        Self {
            layout,
            binaries,
            identity,
            durability,
        }
    }

    /// Makes the cluster, whole or not at all.
    pub(super) async fn initialise(&self) -> Result<(), Error> {
        let (making, cluster) = (self.layout.cluster_in_making(), self.layout.cluster());
        tracing::info!(path = %cluster.display(), major = self.binaries.major(), "making the embedded database");
        match fs::remove_dir_all(&making) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("remove", &making)(error));
            }
            Ok(()) | Err(_) => {}
        }
        self.identity.make_private(&self.layout, &making)?;
        let program = self.binaries.program("initdb");
        let mut initdb = self.identity.command(&program);
        initdb.arg("-D").arg(&making).args([
            "-U",
            ROLE,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-locale",
            "--data-checksums",
        ]);
        match self.durability {
            Durability::Durable => {}
            Durability::ForTests => {
                initdb.arg("--no-sync");
            }
        }
        let done = initdb.output().await.map_err(cannot_run(&program))?;
        if !done.status.success() {
            return Err(Error::Initialise {
                said: String::from_utf8_lossy(&done.stderr).trim().to_owned(),
            });
        }
        fs::rename(&making, &cluster).map_err(failed("move", &making))?;
        let home = self.layout.home();
        File::open(home)
            .and_then(|home| home.sync_all())
            .map_err(failed("sync", home))
    }

    /// Starts the server, and starts it again whenever it ends, until `supervisor` stops. Returns when it answers.
    pub(super) async fn keep_running(
        self,
        supervisor: &Supervisor,
        start_wait: Duration,
    ) -> Result<(), Error> {
        // What is wrong with files is the caller's to know at once.
        self.make_room().await?;
        let layout = self.layout.clone();
        let answering = CancellationToken::new();
        let answered = answering.clone();
        supervisor.spawn("postgres", |stop| self.keep(answering, stop));
        tokio::select! {
            () = answered.cancelled() => Ok(()),
            _ = supervisor.faulted() => Err(layout.server_error("does not start")),
            () = sleep(start_wait) => Err(layout.server_error("did not answer in time")),
        }
    }

    async fn keep(self, answering: CancellationToken, stop: CancellationToken) {
        let mut failures = 0;
        loop {
            match self.run(&answering, &stop).await {
                Ok(Run::Asked) => return,
                Ok(Run::Exited(Readiness::Reached)) => failures = 0,
                Ok(Run::Exited(Readiness::Never)) => failures += 1,
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(error, "PostgreSQL could not be started");
                    failures += 1;
                }
            }
            if failures >= FAILURES_MAX {
                tracing::error!(failures, "PostgreSQL does not start: giving up");
                return;
            }
            let backoff = BACKOFF_MAX.min(BACKOFF_MIN * 2_u32.pow(failures));
            if stop.run_until_cancelled(sleep(backoff)).await.is_none() {
                return;
            }
        }
    }

    /// One life of the server.
    async fn run(
        &self,
        answering: &CancellationToken,
        stop: &CancellationToken,
    ) -> Result<Run, Error> {
        self.make_room().await?;
        let mut guard = self.launch()?;
        // Waiting for a child closes its standard input, so ours is kept apart.
        let lifeline = guard.stdin.take();
        let started = Instant::now();
        tokio::select! {
            () = self.answers() => {}
            status = guard.wait() => return Ok(exited(status, Readiness::Never)),
            () = stop.cancelled() => return self.stop(guard, lifeline).await.map(|()| Run::Asked),
        }
        tracing::info!(took = ?started.elapsed(), "PostgreSQL answers");
        answering.cancel();
        tokio::select! {
            status = guard.wait() => Ok(exited(status, Readiness::Reached)),
            () = stop.cancelled() => self.stop(guard, lifeline).await.map(|()| Run::Asked),
        }
    }

    async fn make_room(&self) -> Result<(), Error> {
        leftover::clear(&self.layout).await?;
        self.identity
            .make_private(&self.layout, self.layout.socket_dir())
    }

    fn launch(&self) -> Result<Child, Error> {
        let log = self.layout.open_log()?;
        let log_too = log
            .try_clone()
            .map_err(failed("open", &self.layout.log()))?;
        let mut guard = self.identity.command(Path::new("/bin/sh"));
        guard
            .args(["-c", GUARD, "sh"])
            .arg(self.binaries.program("postgres"));
        self.arguments(&mut guard);
        guard
            .stdin(Stdio::piped())
            .stdout(log)
            .stderr(log_too)
            // An interrupt from the keyboard is for us: the server is the last to stop.
            .process_group(0)
            .spawn()
            .map_err(cannot_run(Path::new("/bin/sh")))
    }

    fn arguments(&self, postgres: &mut Command) {
        let durability: &[&str] = match self.durability {
            Durability::Durable => &["fsync=on", "synchronous_commit=on", "full_page_writes=on"],
            Durability::ForTests => &[
                "fsync=off",
                "synchronous_commit=off",
                "full_page_writes=off",
                "max_connections=500",
            ],
        };
        let settings = [
            "listen_addresses=",
            "unix_socket_permissions=0700",
            "jit=off",
            "timezone=UTC",
            "log_timezone=UTC",
            // The server's own affairs. What it says of statements, values in it, is for us, not for a file.
            "log_min_messages=log",
            "log_error_verbosity=terse",
            "log_checkpoints=off",
        ];
        postgres
            .arg("-D")
            .arg(self.layout.cluster())
            .arg("-k")
            .arg(self.layout.socket_dir());
        postgres.arg("-p").arg(layout::PORT.to_string());
        for setting in settings.iter().chain(durability) {
            postgres.args(["-c", setting]);
        }
    }

    /// Waits until it does.
    async fn answers(&self) {
        let options = maintenance(&self.layout);
        let started = Instant::now();
        let [least, most] = PING_EVERY;
        while ping(&options).await.is_err() {
            sleep((started.elapsed() / 10).clamp(least, most)).await;
        }
    }

    async fn stop(&self, mut guard: Child, lifeline: Option<ChildStdin>) -> Result<(), Error> {
        drop(lifeline);
        if timeout(FAST_STOP_WAIT, guard.wait()).await.is_err() {
            tracing::warn!("PostgreSQL takes long to stop");
            leftover::clear(&self.layout).await?;
        }
        tracing::info!("PostgreSQL has stopped");
        Ok(())
    }
}

fn exited(status: io::Result<ExitStatus>, readiness: Readiness) -> Run {
    let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
    tracing::warn!(status, "PostgreSQL has ended by itself; starting it again");
    Run::Exited(readiness)
}

fn cannot_run(program: &Path) -> impl FnOnce(io::Error) -> Error {
    let program = program.display().to_string();
    move |source| Error::Program { program, source }
}
