//! A database for each test: a copy of a migrated template, on the server of `DATABASE_URL`, or else on a private
//! cluster that lives as long as the test run.
//!
//! Every test has a runtime of its own, so the cluster and the connection that makes and drops databases live on a
//! thread of their own.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process,
    sync::LazyLock,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use onhook::{
    embedded::{Cluster, Durability, Settings},
    store::pool,
};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions,
};
use tokio::sync::{mpsc, oneshot};
use url::Url;

/// Databases of a run that was cut off are dropped by a later one.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(1);

/// Serialises the making of the template between test runs on one server.
const TEMPLATE_LOCK: i64 = 0x6f6e_686f_6f6b;

/// A migrated database that is this test's alone, dropped with the value.
#[derive(Debug)]
pub(crate) struct Database {
    name: String,
    url: Url,
}

/// Makes one.
pub(crate) async fn fresh_database() -> Database {
    let (reply, made) = oneshot::channel();
    MAKER
        .send(Request::Make(reply))
        .expect("the maker lives as long as the run");
    made.await
        .expect("no test database could be made; the reason stands above")
}

impl Database {
    /// How to connect to it.
    pub(crate) fn options(&self) -> PgConnectOptions {
        PgConnectOptions::from_url(&self.url).unwrap()
    }

    /// The same for another process.
    pub(crate) fn url(&self) -> &str {
        self.url.as_str()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        drop(MAKER.send(Request::Drop(self.name.clone())));
    }
}

enum Request {
    Make(oneshot::Sender<Database>),
    Drop(String),
}

static MAKER: LazyLock<mpsc::UnboundedSender<Request>> = LazyLock::new(|| {
    let (requests, received) = mpsc::unbounded_channel();
    thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(make_databases(received));
    });
    requests
});

async fn make_databases(mut requests: mpsc::UnboundedReceiver<Request>) {
    let (_cluster, server) = server().await;
    let mut connection = PgConnection::connect(server.as_str()).await.unwrap();
    drop_forgotten(&mut connection).await;
    let template = template(&mut connection, &server).await;
    let run = format!("onhook_test_{}_{}", seconds_now(), process::id());
    for number in 0_u32.. {
        match requests.recv().await {
            Some(Request::Make(reply)) => {
                let name = format!("{run}_{number}");
                execute(
                    &mut connection,
                    format!("create database {name} template {template}"),
                )
                .await;
                let url = with_name(&server, &name);
                // A test that has been cancelled drops it again.
                drop(reply.send(Database { name, url }));
            }
            Some(Request::Drop(name)) => {
                execute(
                    &mut connection,
                    format!("drop database if exists {name} with (force)"),
                )
                .await;
            }
            None => return,
        }
    }
}

/// The server to use, and what keeps it alive.
async fn server() -> (Option<Cluster>, Url) {
    if let Some(url) = setting("DATABASE_URL") {
        return (None, Url::parse(&url).expect("DATABASE_URL is a URL"));
    }
    remove_old_directories();
    let cluster = Cluster::start(settings("run", Durability::ForTests)).await;
    let cluster = cluster.expect("a private cluster");
    let url = Url::parse(&cluster.url()).unwrap();
    (Some(cluster), url)
}

/// The settings of a cluster of this run. Nothing is there yet; a later run removes what is left of it.
pub(crate) fn settings(name: &str, durability: Durability) -> Settings {
    Settings {
        data_dir: std::env::temp_dir().join(format!("onhook-tests-{}-{name}", process::id())),
        postgres_bin: setting("ONHOOK_POSTGRES_BIN").map(PathBuf::from),
        durability,
    }
}

#[expect(clippy::disallowed_methods, reason = "the settings of the test run")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Those whose owner is gone. A cluster that is thrown away leaves its directory behind, as its process just ends.
fn remove_old_directories() {
    for directory in entries(&std::env::temp_dir()) {
        let ours = directory
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("onhook-tests-"));
        // Some tests have their data one folder further down.
        let mut owned = entries(&directory)
            .into_iter()
            .chain([directory.clone()])
            .map(|data_dir| data_dir.join("owner.lock"));
        if ours && owned.any(|lock| File::open(lock).is_ok_and(|lock| lock.try_lock().is_ok())) {
            // Somebody else's may not be ours to remove.
            drop(fs::remove_dir_all(directory));
        }
    }
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect()
}

/// A database with the schema, made once per schema.
async fn template(connection: &mut PgConnection, server: &Url) -> String {
    let checksums = pool::migrator()
        .iter()
        .flat_map(|migration| migration.checksum.to_vec())
        .collect::<Vec<u8>>();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &checksums);
    let schema = hex::encode(&digest.as_ref()[..8]);
    let name = format!("onhook_template_{schema}");
    let making = format!("{name}_new");
    execute(
        connection,
        format!("select pg_advisory_lock({TEMPLATE_LOCK})"),
    )
    .await;
    let databases = databases(connection).await;
    if !databases.contains(&name) {
        execute(
            connection,
            format!("drop database if exists {making} with (force)"),
        )
        .await;
        execute(connection, format!("create database {making}")).await;
        let options = PgConnectOptions::from_url(&with_name(server, &making)).unwrap();
        pool::migrate(&options).await.unwrap();
        execute(
            connection,
            format!("alter database {making} rename to {name}"),
        )
        .await;
    }
    execute(
        connection,
        format!("select pg_advisory_unlock({TEMPLATE_LOCK})"),
    )
    .await;
    name
}

async fn drop_forgotten(connection: &mut PgConnection) {
    for name in databases(connection).await {
        let made_at = name
            .strip_prefix("onhook_test_")
            .and_then(|rest| rest.split('_').next()?.parse().ok());
        if made_at.is_some_and(|made_at: u64| made_at + FORGOTTEN_AFTER.as_secs() < seconds_now()) {
            execute(
                connection,
                format!("drop database if exists {name} with (force)"),
            )
            .await;
        }
    }
}

async fn databases(connection: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar("select datname::text from pg_database")
        .fetch_all(connection)
        .await
        .unwrap()
}

async fn execute(connection: &mut PgConnection, statement: String) {
    let done = sqlx::raw_sql(AssertSqlSafe(statement.clone()))
        .execute(connection)
        .await;
    done.expect(&statement);
}

fn with_name(server: &Url, database: &str) -> Url {
    let mut url = server.clone();
    url.set_path(database);
    url
}

fn seconds_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}
