//! Durable call-ends per second: onhook, the same request with a transaction of its own, and pgbench on the same SQL, in
//! one run on one private server with durable settings. `cargo bench --bench ingest`; the figures stand in
//! docs/performance.md.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "a measurement that cannot go on has failed, and prints what it measured"
)]

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use onhook::{
    embedded::{Cluster, Durability, Settings},
    store::pool,
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

#[path = "ingest/baseline.rs"]
mod baseline;
#[path = "ingest/load.rs"]
mod load;

const WARM_UP: Duration = Duration::from_secs(2);
const TIME: Duration = Duration::from_secs(10);
/// More log than one subject writes; a checkpoint keeps about as many files as there were since the one before.
const WAL_FILES: usize = 60;
const CLIENTS: [usize; 2] = [16, 128];

/// One service under load, as a process of its own.
struct Subject {
    name: &'static str,
    command: Command,
}

fn main() {
    if let Ok(url) = baseline::asked() {
        return baseline::serve(&url);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let data_dir = tempfile::tempdir().unwrap();
    let settings = Settings {
        data_dir: data_dir.path().to_owned(),
        postgres_bin: None,
        durability: Durability::Durable,
    };
    let cluster = Cluster::start(settings).await.expect("a private server");
    println!("| subject | clients | call-ends/s | p50 | p99 | resident memory |");
    println!("|---|---|---|---|---|---|");
    let mut rates = Vec::new();
    for (number, name) in [
        "onhook",
        "onhook, jobs running",
        "one transaction per request",
    ]
    .into_iter()
    .enumerate()
    {
        used(&cluster).await;
        let url = fresh(&cluster, number).await;
        rates.push((
            name,
            subject(Subject {
                name,
                command: command(name, &url),
            })
            .await,
        ));
    }
    let own = rates[0].1.clone();
    pgbench(&cluster).await;
    for (name, other) in &rates[1..] {
        for (clients, (own, other)) in CLIENTS.iter().zip(own.iter().zip(other)) {
            println!("onhook / {name} at {clients} clients: {:.2}", own / other);
        }
    }
    cluster.stop().await;
}

/// Makes the server one that has run for a while: its log is written into files that it has used before. On a new server
/// every 16 MB of log begin with making a file of that size, which all clients wait for; see docs/performance.md.
async fn used(cluster: &Cluster) {
    let mut connection = PgConnection::connect(&cluster.url()).await.unwrap();
    for _ in 0..WAL_FILES {
        sqlx::raw_sql(
            "select pg_logical_emit_message(false, 'bench', 'a record'); select pg_switch_wal()",
        )
        .execute(&mut connection)
        .await
        .unwrap();
    }
    sqlx::raw_sql("checkpoint")
        .execute(&mut connection)
        .await
        .unwrap();
}

/// A migrated database on the server, with an open default account.
async fn fresh(cluster: &Cluster, number: usize) -> String {
    let name = format!("bench_{number}");
    let mut connection = PgConnection::connect(&cluster.url()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("create database {name}")))
        .execute(&mut connection)
        .await
        .unwrap();
    pool::migrate(&cluster.connect_options().database(&name))
        .await
        .unwrap();
    let mut connection = PgConnection::connect_with(&cluster.connect_options().database(&name))
        .await
        .unwrap();
    sqlx::raw_sql(
        "insert into accounts (account_id, name, business_uid, voip)
         values ('00000000-0000-0000-0000-000000000001', 'default', 'default', 'open')",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    let mut url = url::Url::parse(&cluster.url()).unwrap();
    url.set_path(&name);
    url.into()
}

fn command(name: &str, url: &str) -> Command {
    let mut command = if name.starts_with("onhook") {
        let mut command = Command::new(env!("CARGO_BIN_EXE_onhook"));
        command.args([
            "serve",
            "--role",
            if name == "onhook" { "api" } else { "all" },
        ]);
        command
    } else {
        Command::new(std::env::current_exe().unwrap())
    };
    command
        .env_clear()
        .env("DATABASE_URL", url)
        .env("ONHOOK_SECRET_KEY", "a".repeat(64))
        .env("ONHOOK_LOG", "warn");
    command.env("ONHOOK_CONNECTIONS_PER_IP", "0");
    if !name.starts_with("onhook") {
        command.env("ONHOOK_BENCH_BASELINE", "1");
    }
    command.stdout(Stdio::null());
    command
}

/// Loads a service with each number of clients; answers the rates.
async fn subject(mut subject: Subject) -> Vec<f64> {
    let address = free_address();
    let mut child = subject
        .command
        .env("ONHOOK_LISTEN", address.to_string())
        .spawn()
        .unwrap();
    wait_for(address).await;
    load::run(address, 16, WARM_UP).await;
    let mut rates = Vec::new();
    for clients in CLIENTS {
        let measured = load::run(address, clients, TIME).await;
        println!(
            "| {} | {clients} | {:.0} | {:.1} ms | {:.1} ms | {} MB |",
            subject.name,
            measured.per_second,
            measured.p50.as_secs_f64() * 1e3,
            measured.p99.as_secs_f64() * 1e3,
            resident_mb(&child),
        );
        rates.push(measured.per_second);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    rates
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

async fn wait_for(address: SocketAddr) {
    for _ in 0..500 {
        if tokio::net::TcpStream::connect(address).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the service does not listen");
}

/// The most memory that the process has had resident so far.
fn resident_mb(child: &Child) -> String {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.map_or_else(|| "?".to_owned(), |kib| (kib / 1024).to_string())
}

/// The same SQL without any service: what this server can do, one transaction each.
async fn pgbench(cluster: &Cluster) {
    fresh(cluster, 9).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/ingest/pgbench.sql");
    let socket = cluster.socket_dir().to_owned();
    let user = cluster.connect_options().get_username().to_owned();
    for clients in CLIENTS {
        // The server grants a hundred connections; a service shares a few of them among its clients.
        let clients = clients.min(90);
        let output = Command::new("pgbench")
            .args([
                "-n",
                "-M",
                "prepared",
                "-j",
                "2",
                "-T",
                "10",
                "-c",
                &clients.to_string(),
                "-U",
                &user,
                "-h",
            ])
            .arg(&socket)
            .arg("-f")
            .arg(&script)
            .arg("bench_9")
            .output();
        match output {
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                let tps = text
                    .lines()
                    .find(|line| line.starts_with("tps"))
                    .unwrap_or("no figure");
                let latency = text
                    .lines()
                    .find(|line| line.starts_with("latency average"))
                    .unwrap_or("");
                println!("| pgbench | {clients} | {tps} | {latency} | | |");
            }
            Err(error) => println!("| pgbench | {clients} | not run: {error} | | | |"),
        }
    }
}
