//! The embedded default: it survives the end of either side, has one owner, and cannot be reached from outside.

use std::{
    fs,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use onhook::embedded::{Cluster, Durability, Error, Settings};
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::{
    cluster::{fresh_database, settings},
    deadline::eventually,
};

/// Longer than anything here takes; what has not come by then does not come.
const DEADLINE: Duration = Duration::from_mins(1);

/// Tells the helper process which cluster to own.
const OWN: &str = "ONHOOK_TESTS_OWN";

#[tokio::test]
async fn every_test_has_a_migrated_database_of_its_own() {
    let (one, other) = tokio::join!(fresh_database(), fresh_database());
    assert_ne!(one.url(), other.url());
    for database in [one, other] {
        assert_eq!(
            ask::<i64>(&database.options(), "select count(*) from accounts").await,
            0
        );
    }
}

#[tokio::test]
async fn a_server_that_is_killed_comes_back_with_every_row() {
    let settings = settings("server-killed", Durability::Durable);
    let cluster = Cluster::start(settings.clone()).await.unwrap();
    let options = cluster.connect_options();
    write_row(&options).await;

    let killed = server_pid(&settings).unwrap();
    kill("KILL", killed).await;
    eventually(DEADLINE, "another server answers", async || {
        let another = server_pid(&settings).is_some_and(|pid| pid != killed);
        (another && connects(&options).await).then_some(())
    })
    .await;
    assert_eq!(rows(&options).await, 1);
    cluster.stop().await;
}

#[tokio::test]
async fn a_server_does_not_outlive_an_owner_that_is_killed() {
    let settings = settings("owner-killed", Durability::Durable);
    let mut owner = owner_process(&settings).await;
    let orphan = server_pid(&settings).unwrap();
    assert!(is_running(orphan).await);
    owner.kill().await.unwrap();
    eventually(DEADLINE, "the server is gone", async || {
        (!is_running(orphan).await).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_next_start_after_a_kill_works_at_once_with_every_row() {
    let settings = settings("started-again", Durability::Durable);
    for rows_before in 0..3 {
        let mut owner = owner_process(&settings).await;
        let cluster = Cluster::attach(settings.clone()).await.unwrap();
        assert_eq!(rows(&cluster.connect_options()).await, rows_before);
        write_row(&cluster.connect_options()).await;
        owner.kill().await.unwrap();
    }
    let cluster = Cluster::start(settings).await.unwrap();
    assert_eq!(rows(&cluster.connect_options()).await, 3);
    cluster.stop().await;
}

#[tokio::test]
async fn everything_killed_at_once_is_no_obstacle() {
    let settings = settings("all-killed", Durability::Durable);
    let mut owner = owner_process(&settings).await;
    let cluster = Cluster::attach(settings.clone()).await.unwrap();
    write_row(&cluster.connect_options()).await;
    kill("KILL", server_pid(&settings).unwrap()).await;
    owner.kill().await.unwrap();

    let cluster = Cluster::start(settings).await.unwrap();
    assert_eq!(rows(&cluster.connect_options()).await, 1);
    cluster.stop().await;
}

#[tokio::test]
async fn a_pid_file_that_names_a_stranger_is_no_obstacle() {
    let settings = settings("stale-pid", Durability::ForTests);
    let cluster = Cluster::start(settings.clone()).await.unwrap();
    let server = server_pid(&settings).unwrap();
    let pid_file = fs::read_to_string(pid_file(&settings)).unwrap();
    cluster.stop().await;

    let mut stranger = Command::new("sleep")
        .arg("1000")
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let number = stranger.id().unwrap().to_string();
    let stale = pid_file.replacen(&server.to_string(), &number, 1);
    fs::write(self::pid_file(&settings), &stale).unwrap();
    fs::write(settings.data_dir.join("run/.s.PGSQL.5432.lock"), &stale).unwrap();
    let cluster = Cluster::start(settings).await.unwrap();
    cluster.stop().await;
    assert!(
        stranger.try_wait().unwrap().is_none(),
        "the stranger was left alone"
    );
}

#[tokio::test]
async fn a_second_service_is_refused_and_told_which_directory_is_taken() {
    let settings = settings("two-owners", Durability::ForTests);
    let first = Cluster::start(settings.clone()).await.unwrap();
    let refused = Cluster::start(settings.clone()).await.unwrap_err();
    assert!(matches!(refused, Error::InUse { .. }), "{refused:?}");
    let said = refused.to_string();
    let data_dir = settings.data_dir.canonicalize().unwrap();
    assert!(said.contains(&*data_dir.to_string_lossy()), "{said}");
    assert!(
        said.contains(&format!("a service, process {}", std::process::id())),
        "{said}"
    );

    first.stop().await;
    Cluster::start(settings).await.unwrap().stop().await;
}

#[tokio::test]
async fn a_command_uses_the_server_of_the_service_and_leaves_it_running() {
    let settings = settings("attach", Durability::ForTests);
    let service = Cluster::start(settings.clone()).await.unwrap();
    let command = Cluster::attach(settings.clone()).await.unwrap();
    write_row(&command.connect_options()).await;
    command.stop().await;
    assert_eq!(rows(&service.connect_options()).await, 1);
    service.stop().await;
}

#[tokio::test]
async fn a_command_without_a_service_has_the_server_for_its_own_duration() {
    let settings = settings("alone", Durability::ForTests);
    let command = Cluster::attach(settings.clone()).await.unwrap();
    write_row(&command.connect_options()).await;
    // Another one waits for its turn: were it to share the server, it would lose it with the first.
    let (other, ()) = tokio::join!(Cluster::attach(settings.clone()), command.stop());
    let other = other.unwrap();
    assert_eq!(rows(&other.connect_options()).await, 1);
    other.stop().await;
    assert_eq!(server_pid(&settings), None);
}

#[tokio::test]
async fn the_server_is_durable_and_nobody_else_can_reach_it() {
    let settings = settings("private", Durability::Durable);
    let cluster = Cluster::start(settings).await.unwrap();
    let options = cluster.connect_options();
    for (question, wanted) in [
        ("show listen_addresses", ""),
        ("show fsync", "on"),
        ("show synchronous_commit", "on"),
        ("show full_page_writes", "on"),
        ("show data_checksums", "on"),
        ("show server_encoding", "UTF8"),
        ("show timezone", "UTC"),
        (
            "select datcollate::text from pg_database where datname = 'onhook'",
            "C",
        ),
    ] {
        assert_eq!(
            ask::<String>(&options, question).await,
            wanted,
            "{question}"
        );
    }
    let socket_dir = fs::metadata(cluster.socket_dir()).unwrap();
    assert_eq!(socket_dir.permissions().mode() & 0o777, 0o700);
    cluster.stop().await;
}

#[tokio::test]
async fn a_path_that_is_too_long_for_a_socket_is_no_obstacle_and_no_strangers_chance() {
    let mut settings = settings("long", Durability::ForTests);
    settings.data_dir = settings.data_dir.join("x".repeat(120));
    let service = Cluster::start(settings.clone()).await.unwrap();
    assert!(service.socket_dir().starts_with("/tmp/"));
    let command = Cluster::attach(settings.clone()).await.unwrap();
    write_row(&command.connect_options()).await;
    assert_eq!(rows(&service.connect_options()).await, 1);
    let socket_dir = service.socket_dir().to_owned();
    service.stop().await;

    // Only root can make it somebody else's.
    if chown(&socket_dir, Some(12345), None).is_ok() {
        let refused = Cluster::start(settings).await.unwrap_err();
        assert!(matches!(refused, Error::File { .. }), "{refused:?}");
    }
    fs::remove_dir_all(socket_dir).unwrap();
}

#[tokio::test]
async fn a_cluster_that_was_not_finished_is_made_anew() {
    let settings = settings("unfinished", Durability::ForTests);
    let half = settings.data_dir.join("cluster.new");
    fs::create_dir_all(&half).unwrap();
    fs::write(half.join("PG_VERSION"), "15\n").unwrap();
    Cluster::start(settings).await.unwrap().stop().await;
    assert!(!half.exists());
}

#[tokio::test]
async fn below_a_directory_that_only_we_can_enter_it_works_or_says_why_not() {
    let mut settings = settings("closed", Durability::ForTests);
    fs::DirBuilder::new()
        .mode(0o700)
        .create(&settings.data_dir)
        .unwrap();
    settings.data_dir = settings.data_dir.join("data");
    match Cluster::start(settings).await {
        Ok(cluster) => {
            write_row(&cluster.connect_options()).await;
            cluster.stop().await;
        }
        // We are root, and the system has no user namespaces.
        Err(Error::NoIdentity(unusable)) => assert!(
            unusable.to_string().contains("ONHOOK_DATA_DIR"),
            "{unusable}"
        ),
        Err(other) => panic!("{other}"),
    }
}

/// Not a test: what [`owner_process`] runs, until it is killed.
#[tokio::test]
#[ignore = "other tests run it in a process of its own"]
async fn helper_that_owns_a_cluster() {
    #[expect(clippy::disallowed_methods, reason = "how it is told what to own")]
    let Ok(data_dir) = std::env::var(OWN) else {
        return;
    };
    let settings = Settings {
        data_dir: data_dir.into(),
        ..settings("", Durability::Durable)
    };
    let _cluster = Cluster::start(settings).await.unwrap();
    println!("{OWN}");
    std::future::pending::<()>().await;
}

/// A process that owns the cluster as a service does.
async fn owner_process(settings: &Settings) -> Child {
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "embedded::helper_that_owns_a_cluster",
            "--ignored",
            "--nocapture",
        ])
        .env(OWN, &settings.data_dir)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut said = BufReader::new(owner.stdout.take().unwrap()).lines();
    let started = async {
        while let Some(line) = said.next_line().await.unwrap() {
            if line.contains(OWN) {
                return;
            }
        }
        panic!("the owner ended before it had a cluster");
    };
    timeout(DEADLINE, started).await.expect("the owner starts");
    owner
}

fn pid_file(settings: &Settings) -> PathBuf {
    settings.data_dir.join("cluster/postmaster.pid")
}

/// What the cluster's pid file says.
pub(crate) fn server_pid(settings: &Settings) -> Option<u32> {
    fs::read_to_string(pid_file(settings))
        .ok()?
        .lines()
        .next()?
        .parse()
        .ok()
}

/// Sends a signal to a process.
pub(crate) async fn kill(signal: &str, pid: u32) {
    let status = Command::new("sh")
        .args(["-c", &format!("kill -{signal} {pid}")])
        .status()
        .await
        .unwrap();
    assert!(status.success());
}

async fn is_running(pid: u32) -> bool {
    let answer = Command::new("sh")
        .args(["-c", &format!("kill -0 {pid}")])
        .stderr(Stdio::null())
        .status()
        .await;
    answer.unwrap().success() && !is_zombie(pid)
}

/// Its new parent may not have noticed yet.
fn is_zombie(pid: u32) -> bool {
    fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"))
        .is_ok_and(|stat| stat.contains(") Z "))
}

async fn connects(options: &PgConnectOptions) -> bool {
    PgConnection::connect_with(options).await.is_ok()
}

async fn write_row(options: &PgConnectOptions) {
    let mut connection = PgConnection::connect_with(options).await.unwrap();
    sqlx::raw_sql("create table if not exists kept (kept int); insert into kept values (1)")
        .execute(&mut connection)
        .await
        .unwrap();
}

async fn rows(options: &PgConnectOptions) -> i64 {
    if ask::<bool>(options, "select to_regclass('kept') is null").await {
        return 0;
    }
    ask(options, "select count(*) from kept").await
}

async fn ask<T>(options: &PgConnectOptions, question: &'static str) -> T
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
{
    let mut connection = PgConnection::connect_with(options).await.unwrap();
    sqlx::query_scalar(question)
        .fetch_one(&mut connection)
        .await
        .unwrap()
}
