//! The composition root: settings become a database, handles, tasks and a listener; nothing else does.
//!
//! Order of a stop: the listener (no new requests, those in flight are answered), the batcher (what waits is
//! committed), the runner (no new claims, held jobs finish), then what is left is cut off and its leases given back.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use sqlx::{PgPool, postgres::PgConnectOptions};
use tokio::net::TcpListener;

use crate::{
    access::{self, AccountRequest, CreateAccountError},
    api::{
        self,
        auth::Authenticator,
        calls::export::Exports,
        health::Health,
        limits::Limits,
        serve::{self, HttpLimits},
        state::ApiState,
    },
    calls::{
        Tools,
        hear::{self, Hearing},
        ingest, tend,
    },
    config::{self, Config, Database},
    domain::account::{AccountName, VoipMode},
    egress::{BuildError, Egress, address::AddressPolicy},
    embedded::{self, Cluster},
    llm::Llm,
    metrics::Metrics,
    providers::Providers,
    queue::{
        periodic,
        runner::{self, Runner, Wake},
    },
    recordings::{read::Recordings, speech::Speech},
    rooms::Rooms,
    store,
    supervisor::{Shutdown, Supervisor},
    webhooks::engine::{self, Engine},
    worker::Worker,
};

/// Jobs of one lane at once: one connection's, recordings, questions to a language model.
const LANE_SLOTS: usize = 8;

/// Lanes of jobs that wait for others for long: recordings, a language model.
const SLOW_LANES: usize = 2;

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Everything.
    All,
    /// Answers requests; leaves the jobs to others.
    Api,
    /// Does the jobs. Listens, too, for health checks and metrics.
    Worker,
}

/// Why the service did not start, or did not stay.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The embedded database.
    #[error(transparent)]
    Embedded(#[from] embedded::Error),
    /// The key that seals secrets.
    #[error(transparent)]
    SecretKey(#[from] config::secret_key::KeyFileError),
    /// The schema.
    #[error("the schema could not be brought up to date")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The database could not be asked at the start.
    #[error("the database could not be asked")]
    Store(#[from] store::Error),
    /// The database may lose what it acknowledges.
    #[error(transparent)]
    Durability(#[from] store::server::Weak),
    /// The HTTP client.
    #[error("the HTTP client could not be built")]
    Egress(#[from] BuildError),
    /// The listener.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The default account.
    #[error("the default account could not be made")]
    DefaultAccount(#[from] CreateAccountError),
    /// A task that should never end has ended.
    #[error("the task {0} has ended by itself")]
    Fault(&'static str),
}

/// A running service.
#[derive(Debug)]
pub struct App {
    address: SocketAddr,
    tools: Tools,
    metrics: Metrics,
    limits: runner::Limits,
    webhook_limits: engine::Limits,
    supervisor: Supervisor,
    cluster: Option<Cluster>,
    grace: Duration,
    first_start: bool,
}

impl App {
    /// Brings everything up: the database first, the listener last.
    pub async fn start(config: Config, role: Role) -> Result<Self, Error> {
        let sealing_key = config.secret_key.read_or_make()?;
        let egress = Egress::new(config.egress_policy.clone())?;
        let (cluster, options) = database(&config).await?;
        store::pool::migrate(&options).await?;
        let db = store::pool::connect_lazy(options, config.database_connections);
        check_durability(&db, &config).await?;
        let first_start = cluster.is_some() && default_account(&db, config.listen).await?;
        let metrics = Metrics::new();
        let (recordings, llm) = services(&config, &egress, &metrics)?;
        let tools = Tools {
            db,
            egress,
            sealing_key,
            providers: Providers::default(),
            recordings,
            rooms: Rooms::default(),
            wake: Wake::default(),
            llm,
            metrics: metrics.clone(),
        };
        // Half of the slots at most: one lane that is slow leaves room for the others.
        let lane_slots = (config.workers / 2).clamp(1, LANE_SLOTS);
        let limits = runner::Limits {
            slots: config.workers,
            lane_slots,
            slow_slots: SLOW_LANES * lane_slots,
        };
        let supervisor = Supervisor::new();
        let listener = listen(config.listen).await?;
        let address = listener.local_addr().map_err(|source| Error::Listen {
            address: config.listen,
            source,
        })?;
        let grace = config.shutdown_grace;
        let app = Self {
            address,
            tools,
            metrics,
            limits,
            webhook_limits: engine::Limits::of(config.webhook_slots),
            supervisor,
            cluster,
            grace,
            first_start,
        };
        app.spawn_tasks(&config, role, listener);
        tracing::info!(address = %app.address, role = ?role, "listening");
        Ok(app)
    }

    /// Stays up until `stop` comes or something faults.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let fault = tokio::select! {
            () = stop => None,
            task = self.faulted() => Some(task),
        };
        tracing::info!("stopping");
        self.stop().await;
        fault.map_or(Ok(()), |task| Err(Error::Fault(task)))
    }

    /// Whether this start was the first on its private database.
    pub fn is_first_start(&self) -> bool {
        self.first_start
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What verbs work with.
    pub fn tools(&self) -> &Tools {
        &self.tools
    }

    /// A runner of this service's jobs, not yet running.
    pub fn runner(&self) -> Runner {
        let worker = Worker::new(self.tools.clone(), self.metrics.clone());
        Runner::new(
            self.tools.db.clone(),
            Arc::new(worker),
            self.tools.wake.clone(),
            self.limits,
        )
    }

    /// What delivers this service's webhooks, not yet running.
    pub fn engine(&self) -> Engine {
        let tools = &self.tools;
        Engine::new(tools.deliverer(), self.webhook_limits)
    }

    /// Waits until a task has ended that never should; answers its name.
    pub async fn faulted(&self) -> &'static str {
        match &self.cluster {
            Some(cluster) => tokio::select! {
                fault = self.supervisor.faulted() => fault.task,
                fault = cluster.faulted() => fault.task,
            },
            None => self.supervisor.faulted().await.task,
        }
    }

    /// Stops, within the grace period.
    pub async fn stop(self) {
        if let Shutdown::Dropped { tasks } = self.supervisor.shutdown(self.grace).await {
            tracing::warn!(
                tasks,
                "the grace period is over; what was left has been cut off"
            );
        }
        self.tools.db.close().await;
        if let Some(cluster) = self.cluster {
            cluster.stop().await;
        }
    }

    fn spawn_tasks(&self, config: &Config, role: Role, listener: TcpListener) {
        let Tools { db, wake, .. } = &self.tools;
        let (ingest, batcher) = ingest::ingest(
            db.clone(),
            wake.clone(),
            config.ingest_queue,
            self.metrics.clone(),
        );
        let hearing = self.hearing(ingest.clone());
        let router = api::router(self.api_state(config, ingest));
        let limits = HttpLimits {
            connections_per_address_max: config.connections_per_ip,
            ..HttpLimits::default()
        };
        self.supervisor.spawn("listener", move |stop| {
            serve::serve(listener, router, limits, stop)
        });
        // Ends when the listener has: what it has taken in is committed.
        for _ in 0..ingest::BATCHERS {
            let batcher = batcher.clone();
            self.supervisor.spawn("ingest", |_stop| batcher.run());
        }
        if role == Role::Api {
            let (db, wake) = (db.clone(), wake.clone());
            self.supervisor
                .spawn("announce", move |stop| runner::announce(db, wake, stop));
            return;
        }
        // What is not done in time is given back before the grace period is over.
        let (runner, drain_max) = (self.runner(), self.grace.mul_f64(0.75));
        self.supervisor
            .spawn("runner", move |stop| runner.run(stop, drain_max));
        let engine = self.engine();
        self.supervisor
            .spawn("webhooks", move |stop| engine.run(stop, drain_max));
        self.spawn_leading(config);
        let (listening, listening_wake) = (db.clone(), wake.clone());
        self.supervisor.spawn("listen", move |stop| {
            runner::listen(listening, listening_wake, stop)
        });
        self.supervisor
            .spawn("hear", move |stop| hear::run(hearing, stop));
    }

    /// What one process of all does.
    fn spawn_leading(&self, config: &Config) {
        let (standing, lead) = periodic::standing();
        let db = self.tools.db.clone();
        self.supervisor
            .spawn("periodic", move |stop| periodic::lead(db, standing, stop));
        let (tools, held) = (self.tools.clone(), lead.clone());
        self.supervisor
            .spawn("limits", move |stop| tend::limits(tools, held, stop));
        let (tools, held, settings) = (self.tools.clone(), lead.clone(), config.reconcile);
        self.supervisor.spawn("silence", move |stop| {
            tend::silence(tools, settings, held, stop)
        });
        let (tools, held) = (self.tools.clone(), lead.clone());
        let kept = (config.tombstone_days, config.retention);
        self.supervisor.spawn("forgetting", move |stop| {
            tend::forgetting(tools, kept, held, stop)
        });
        let tools = self.tools.clone();
        self.supervisor
            .spawn("upkeep", move |stop| tend::upkeep(tools, lead, stop));
    }

    fn hearing(&self, ingest: ingest::Ingest) -> Hearing {
        Hearing {
            tools: self.tools.clone(),
            ingest,
            metrics: self.metrics.clone(),
            supervisor: self.supervisor.clone(),
        }
    }

    fn api_state(&self, config: &Config, ingest: ingest::Ingest) -> ApiState {
        let tools = self.tools.clone();
        let authenticator = Authenticator::new(
            tools.db.clone(),
            config.jwt.clone(),
            config.base_domain.clone(),
            Limits::new(config.rate_limits, self.metrics.clone()),
            self.metrics.clone(),
        );
        let health = Health::new(
            tools.db.clone(),
            self.metrics.clone(),
            self.supervisor.stopping(),
        );
        ApiState::new(api::state::Parts {
            db: tools.db,
            ingest,
            wake: tools.wake,
            authenticator: Arc::new(authenticator),
            health: Arc::new(health),
            sealing_key: tools.sealing_key,
            egress: tools.egress,
            providers: tools.providers,
            recordings: tools.recordings,
            rooms: tools.rooms,
            public_url: Arc::clone(&config.public_url),
            live_calls_max: config.live_calls_max,
            retention: config.retention,
            base_domain: config.base_domain.clone(),
            model: tools.llm.as_ref().map(|llm| llm.model().clone()),
            exports: Exports::new(),
            supervisor: self.supervisor.clone(),
            metrics: self.metrics.clone(),
        })
    }
}

/// The database: somebody else's, or a private one.
async fn database(config: &Config) -> Result<(Option<Cluster>, PgConnectOptions), Error> {
    match &config.database {
        Database::Given(url) => Ok((None, url.options())),
        Database::Embedded { postgres_bin } => {
            let cluster = Cluster::start(embedded::Settings {
                data_dir: config.data_dir.clone(),
                postgres_bin: postgres_bin.clone(),
                durability: embedded::Durability::Durable,
            })
            .await?;
            let options = cluster.connect_options();
            Ok((Some(cluster), options))
        }
    }
}

/// What reads recordings, and the language model. Recordings are fetched by the policy for what accounts say; a service that the
/// operator has named may be anywhere, also on this machine.
fn services(
    config: &Config,
    egress: &Egress,
    metrics: &Metrics,
) -> Result<(Recordings, Option<Llm>), BuildError> {
    if config.speech.is_none() && config.llm.is_none() {
        return Ok((
            Recordings::new(egress.clone(), None, config.recordings),
            None,
        ));
    }
    let open = Egress::new(AddressPolicy::everywhere())?;
    let speech = config.speech.clone();
    let speech = speech.map(|service| Speech::new(service, open.clone()));
    let llm = config.llm.clone();
    let llm = llm.map(|service| Llm::new(service, open, metrics.clone()));
    Ok((
        Recordings::new(egress.clone(), speech, config.recordings),
        llm,
    ))
}

async fn check_durability(db: &PgPool, config: &Config) -> Result<(), Error> {
    let server: store::server::Server =
        store::within(async { Ok::<_, store::Error>(store::server::ask(db).await?) }).await?;
    match (server.durable(), config.durability) {
        (Ok(()), _) => Ok(()),
        (Err(weak), config::Durability::Required) => Err(weak.into()),
        (Err(weak), config::Durability::WeakAllowed) => {
            tracing::warn!(
                setting = weak.setting,
                value = weak.value,
                "the database may lose what it acknowledges"
            );
            Ok(())
        }
    }
}

/// The account of a first start. Open to whoever reaches us where only this machine can, so that the documented request
/// works as it stands. Answers whether it was made now.
async fn default_account(db: &PgPool, listen: SocketAddr) -> Result<bool, Error> {
    let voip = if listen.ip().is_loopback() {
        VoipMode::Open
    } else {
        VoipMode::Key
    };
    let request = AccountRequest {
        name: AccountName::first(),
        voip,
        directory: None,
        business_uid: None,
    };
    match access::create_account(db, request).await {
        Ok(account) => {
            tracing::info!(account.id = %account.account_id, voip = ?voip, "made the account `default`");
            Ok(true)
        }
        Err(CreateAccountError::Taken) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address)
        .await
        .map_err(|source| Error::Listen { address, source })
}
