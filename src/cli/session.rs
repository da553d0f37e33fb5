//! What a command works with: the database of the settings, also while the service runs on it.

use anyhow::Context as _;
use sqlx::{PgPool, postgres::PgConnectOptions};

use crate::{
    config::{Config, Database},
    embedded::{self, Cluster},
    store::{self, pool, schema},
};

/// A command needs no more.
const CONNECTIONS: u32 = 2;

/// The database, and the settings that led to it.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) config: Config,
    pub(super) options: PgConnectOptions,
    pub(super) db: PgPool,
    cluster: Option<Cluster>,
}

impl Session {
    /// Reaches the database. Starts the private one for the command if no service runs it.
    pub(super) async fn open(config: Config) -> anyhow::Result<Self> {
        let (cluster, options) = match &config.database {
            Database::Given(url) => (None, url.options()),
            Database::Embedded { postgres_bin } => {
                let cluster = Cluster::attach(embedded::Settings {
                    data_dir: config.data_dir.clone(),
                    postgres_bin: postgres_bin.clone(),
                    durability: embedded::Durability::Durable,
                })
                .await?;
                let options = cluster.connect_options();
                (Some(cluster), options)
            }
        };
        Ok(Self {
            db: pool::connect_lazy(options.clone(), CONNECTIONS),
            config,
            options,
            cluster,
        })
    }

    /// Sees to it that the schema is there. A private database is migrated at once; another may belong to replicas of an older
    /// version, so that is somebody's decision.
    pub(super) async fn expect_schema(&self) -> anyhow::Result<()> {
        let found = store::ask(Box::pin(async {
            let mut conn = self.db.acquire().await?;
            schema::look(&mut conn).await
        }))
        .await
        .context("cannot reach the database")?;
        if found.is_current() {
            return Ok(());
        }
        anyhow::ensure!(
            self.cluster.is_some(),
            "the database's schema is not up to date: run `onhook migrate`"
        );
        pool::migrate(&self.options).await?;
        Ok(())
    }

    /// Gives back what was opened; the private server stops if this command had started it.
    pub(super) async fn close(self) {
        self.db.close().await;
        if let Some(cluster) = self.cluster {
            cluster.stop().await;
        }
    }
}

/// Runs a command in a session.
pub(super) async fn with(
    config: Config,
    command: impl AsyncFnOnce(&Session) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let session = Session::open(config).await?;
    let done = command(&session).await;
    session.close().await;
    done
}
