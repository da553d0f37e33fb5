//! The embedded default: with no `DATABASE_URL`, a private PostgreSQL of our own under the data directory.
//!
//! The same engine as in production, on a unix socket that only we can reach, durable, started and stopped with the
//! service. It is found on the machine ([`binaries`]), run as somebody else if we are root ([`identity`]), owned by
//! one process at a time ([`owner`]), and kept running ([`server`]). What lies in the data directory:
//!
//! * `cluster/`: the database, `run/`: its socket, `postgres.log`: what the server says about itself;
//! * `owner.lock`: held by whoever runs the server;
//! * `postgres/`: server binaries, if `./run` had to fetch them.

mod binaries;
mod identity;
mod layout;
mod owner;
mod server;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    ConnectOptions as _, Connection as _, PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
};

use self::{
    binaries::Binaries,
    identity::Identity,
    layout::Layout,
    owner::{Owner, Purpose},
    server::Server,
};
use crate::{
    store,
    supervisor::{Fault, Supervisor},
};

/// The database in the cluster that is ours.
const DATABASE: &str = "onhook";

/// The role that owns it. The socket's directory is what keeps others out.
const ROLE: &str = "onhook";

/// How long a command waits for a service that is just starting its server.
const ATTACH_WAIT: Duration = Duration::from_mins(1);

const ATTACH_PAUSE: Duration = Duration::from_millis(100);

/// How long a start, crash recovery included, may take.
const START_WAIT: Duration = Duration::from_mins(5);

/// How long the server may take to stop before it is made to.
const STOP_WAIT: Duration = Duration::from_secs(45);

/// Where the cluster is and what it promises.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `ONHOOK_DATA_DIR`.
    pub data_dir: PathBuf,
    /// `ONHOOK_POSTGRES_BIN`: the folder that holds `postgres` and `initdb`; looked for if it is not given.
    pub postgres_bin: Option<PathBuf>,
    /// Whether a commit survives a loss of power.
    pub durability: Durability,
}

/// Whether a commit survives a loss of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It does.
    Durable,
    /// It does not, and starts fast: for databases that are thrown away.
    ForTests,
}

/// A running cluster: ours for as long as this lives, or another process's.
#[derive(Debug)]
pub struct Cluster {
    layout: Layout,
    ours: Option<Ours>,
}

/// What a cluster that we run consists of. In the order in which it is given up.
#[derive(Debug)]
struct Ours {
    supervisor: Supervisor,
    _owner: Owner,
}

/// Why there is no embedded database.
#[expect(clippy::error_impl_error, reason = "the module says whose error it is")]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// One data directory has one owner.
    #[error("the data directory {data_dir} is in use by another onhook ({owner}); stop that one, or choose another directory with ONHOOK_DATA_DIR", data_dir = data_dir.display())]
    InUse {
        /// Which directory.
        data_dir: PathBuf,
        /// What its owner said of itself.
        owner: String,
    },
    /// There is no server to run.
    #[error(transparent)]
    NoBinaries(#[from] binaries::Missing),
    /// We are root, and nobody else can run the server.
    #[error(transparent)]
    NoIdentity(#[from] identity::Unusable),
    /// A file operation failed.
    #[error("cannot {action} {path}", path = path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A program of PostgreSQL could not be run.
    #[error("cannot run {program}")]
    Program {
        /// Which one.
        program: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// `initdb` refused.
    #[error("initdb failed: {said}")]
    Initialise {
        /// What it said.
        said: String,
    },
    /// The server does not come up, or does not go away.
    #[error("PostgreSQL {problem}; the end of {log}:\n{said}", log = log.display())]
    Server {
        /// In which way.
        problem: &'static str,
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        said: String,
    },
    /// The server is up but the database in it cannot be reached.
    #[error("the embedded database does not answer")]
    Database(#[from] sqlx::Error),
}

impl Cluster {
    /// Starts the cluster, for as long as the returned value lives. Refuses if another service runs it.
    pub async fn start(settings: Settings) -> Result<Self, Error> {
        let layout = Layout::prepare(&settings.data_dir)?;
        let owner = owner::acquire(&layout, Purpose::Service).await?;
        Self::run(layout, settings, owner).await
    }

    /// For a command: uses the server of the service that runs, or starts it for the duration of the command.
    pub async fn attach(settings: Settings) -> Result<Self, Error> {
        let layout = Layout::prepare(&settings.data_dir)?;
        let started = tokio::time::Instant::now();
        let mut answered = false;
        loop {
            match owner::acquire(&layout, Purpose::Command).await {
                Ok(owner) => return Self::run(layout, settings, owner).await,
                // It answered and is still owned: it was not the last word of one that loses its service.
                Err(Error::InUse { .. }) if answered => return Ok(Self { layout, ours: None }),
                Err(refused @ Error::InUse { .. }) if started.elapsed() > ATTACH_WAIT => {
                    return Err(refused);
                }
                Err(Error::InUse { .. }) => {}
                Err(other) => return Err(other),
            }
            answered = layout.socket_is_private().is_ok() && ping(&options(&layout)).await.is_ok();
            if !answered {
                // The service may be starting its server, or be gone before it had one.
                tokio::time::sleep(ATTACH_PAUSE).await;
            }
        }
    }

    /// How to connect to it.
    pub fn connect_options(&self) -> PgConnectOptions {
        options(&self.layout)
    }

    /// The same as a URL, for programs.
    pub fn url(&self) -> String {
        self.connect_options().to_url_lossy().into()
    }

    /// Where the socket is.
    pub fn socket_dir(&self) -> &Path {
        self.layout.socket_dir()
    }

    /// Waits until the server cannot be kept running; for ever while all is well, or if another process runs it.
    pub async fn faulted(&self) -> Fault {
        match &self.ours {
            Some(ours) => ours.supervisor.faulted().await,
            None => std::future::pending().await,
        }
    }

    /// Stops the server, if it is ours, and waits until it is gone. To be called when nothing needs it any more.
    pub async fn stop(self) {
        if let Some(ours) = &self.ours {
            ours.supervisor.shutdown(STOP_WAIT).await;
        }
    }

    async fn run(layout: Layout, settings: Settings, owner: Owner) -> Result<Self, Error> {
        let made_by = layout.major()?;
        let binaries =
            Binaries::find(settings.postgres_bin.as_deref(), &layout.fetched(), made_by).await?;
        let identity = Identity::choose(&layout, &binaries).await?;
        let server = Server::new(layout.clone(), binaries, identity, settings.durability);
        if made_by.is_none() {
            server.initialise().await?;
        }
        let supervisor = Supervisor::new();
        server.keep_running(&supervisor, START_WAIT).await?;
        let cluster = Self {
            layout,
            ours: Some(Ours {
                supervisor,
                _owner: owner,
            }),
        };
        cluster.make_database().await?;
        Ok(cluster)
    }

    async fn make_database(&self) -> Result<(), Error> {
        let options = self.connect_options();
        match ping(&options).await {
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("3D000") => {
                tracing::info!("making the database");
                Ok(store::pool::create_database(&maintenance(&self.layout), DATABASE).await?)
            }
            other => Ok(other?),
        }
    }
}

fn options(layout: &Layout) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(layout.socket_dir())
        .port(layout::PORT)
        .username(ROLE)
        .database(DATABASE)
        .ssl_mode(PgSslMode::Disable)
}

/// To the database that every cluster has.
fn maintenance(layout: &Layout) -> PgConnectOptions {
    options(layout).database("postgres")
}

/// Whether a server answers there.
async fn ping(options: &PgConnectOptions) -> Result<(), sqlx::Error> {
    const PING_MAX: Duration = Duration::from_secs(2);
    let ping = async {
        let mut connection = PgConnection::connect_with(options).await?;
        connection.ping().await?;
        connection.close().await
    };
    match tokio::time::timeout(PING_MAX, ping).await {
        Ok(answered) => answered,
        Err(_) => Err(sqlx::Error::PoolTimedOut),
    }
}
