//! Webhook deliveries per second to an instant receiver, with memory, log and commits; the same while an old transaction is open; a plain
//! loop that claims one row, sends and updates one row; and the whole chain from call-ends to two webhooks each. One run on one private
//! server with durable settings, sharing the cores with it and with the receiver. `cargo bench --bench webhooks`; the figures stand in
//! docs/performance.md.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "a measurement that cannot go on has failed, and prints what it measured"
)]

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use onhook::{
    domain::id::{AccountId, EndpointId},
    egress::{Egress, address::AddressPolicy},
    embedded::{Cluster, Durability, Settings},
    seal::SealingKey,
    store::pool,
    webhooks::{
        self,
        manage::{self, Wanted},
    },
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};

#[path = "webhooks/chain.rs"]
mod chain;
#[path = "webhooks/plain.rs"]
mod plain;
#[path = "webhooks/receiver.rs"]
mod receiver;

/// Deliveries of each run.
const DELIVERIES: u64 = 60_000;

/// Endpoints that they are spread over.
const ENDPOINTS: usize = 20;

/// More log than one run writes: see the ingest bench.
const WAL_FILES: usize = 60;

const ACCOUNT: &str = "00000000-0000-7000-8000-000000000001";

/// A database under measurement.
struct Bench {
    cluster: Cluster,
    db: PgPool,
    url: String,
}

fn main() {
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
    let mut bench = Bench::new(cluster).await;
    println!(
        "| subject | deliveries/s | log per delivery | commits per delivery | resident memory |"
    );
    println!("|---|---|---|---|---|");
    let engine = bench.engine("engine").await;
    let pinned = bench.pinned().await;
    let plain = bench.plain().await;
    println!("engine / plain loop: {:.2}", engine / plain);
    println!(
        "engine beside an old transaction / engine: {:.2}",
        pinned / engine
    );
    bench.chain().await;
    bench.cluster.stop().await;
}

impl Bench {
    async fn new(cluster: Cluster) -> Self {
        let mut connection = PgConnection::connect(&cluster.url()).await.unwrap();
        for _ in 0..WAL_FILES {
            sqlx::raw_sql(
                "select pg_logical_emit_message(false, 'bench', 'a record'); select pg_switch_wal()",
            )
            .execute(&mut connection)
            .await
            .unwrap();
        }
        sqlx::raw_sql("create database bench")
            .execute(&mut connection)
            .await
            .unwrap();
        let options = cluster.connect_options().database("bench");
        pool::migrate(&options).await.unwrap();
        let mut url = url::Url::parse(&cluster.url()).unwrap();
        url.set_path("bench");
        let db = pool::connect_lazy(options, 30);
        sqlx::query(AssertSqlSafe(format!(
            "insert into accounts (account_id, name, business_uid, voip) values ('{ACCOUNT}', 'default', 'default', 'open')"
        )))
        .execute(&db)
        .await
        .unwrap();
        Self {
            cluster,
            db,
            url: url.into(),
        }
    }

    /// Endpoints at a receiver.
    async fn endpoints(&self, address: SocketAddr, count: usize) {
        let egress = Egress::new(AddressPolicy::parse("127.0.0.0/8").unwrap()).unwrap();
        let sealing_key = SealingKey::parse(&"a".repeat(64).into()).unwrap();
        let account_id: AccountId = ACCOUNT.parse().unwrap();
        for number in 0..count {
            let wanted = Wanted {
                account_id,
                endpoint_id: EndpointId::generate(),
                settings: webhooks::settings::Settings::to(format!("http://{address}/{number}")),
            };
            manage::add(&self.db, &egress, &sealing_key, wanted)
                .await
                .unwrap();
        }
    }

    /// Deliveries that are due, a body of about the size of a call's each.
    async fn fill(&self) {
        let statement = format!(
            "with event as (
               insert into events (account_id, event_id, call_id, type, occurred_at, body)
               select '{ACCOUNT}', (left(uuid_at(now())::text, 14) || '7' || substr(gen_random_uuid()::text, 16))::uuid, gen_random_uuid(),
                      'call.ended', now(), '{{\"type\":\"call.ended\",\"data\":\"' || repeat(md5(n::text), 60) || '\"}}'
               from generate_series(1, {DELIVERIES}) n
               returning event_id, call_id, octet_length(body) as size
             ), endpoint as (
               select endpoint_id, row_number() over () - 1 as place from endpoints
             )
             insert into delivery_queue (endpoint_id, delivery_id, account_id, event_id, call_id, event_type, size)
             select endpoint.endpoint_id, event_id, '{ACCOUNT}', event_id, call_id, 'call.ended', size
             from (select *, (row_number() over ()) % {ENDPOINTS} as place from event) event
             join endpoint on endpoint.place = event.place"
        );
        sqlx::query(AssertSqlSafe(statement))
            .execute(&self.db)
            .await
            .unwrap();
        settle(&self.db, &["delivery_queue", "events"]).await;
    }

    async fn clear(&self) {
        sqlx::raw_sql("truncate events, deliveries, attempts, delivery_queue, endpoint_lanes; delete from endpoint_keys; delete from endpoints")
            .execute(&self.db)
            .await
            .unwrap();
    }

    /// Log that was written, and transactions that were committed.
    async fn spent(&self) -> (i64, i64) {
        // Statistics are told now and then: a second later, all are.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        sqlx::query_as(
            "select (pg_current_wal_lsn() - '0/0')::bigint, xact_commit from pg_stat_database where datname = 'bench'",
        )
        .fetch_one(&self.db)
        .await
        .unwrap()
    }

    async fn engine(&mut self, name: &str) -> f64 {
        self.clear().await;
        let receiver = receiver::start().await;
        self.endpoints(receiver.address, ENDPOINTS).await;
        self.fill().await;
        let before = self.spent().await;
        let mut service = self.serve("worker").await;
        let took = receiver.wait_for(DELIVERIES).await;
        let memory = resident_mb(&service);
        self.over(DELIVERIES as i64).await;
        let after = self.spent().await;
        stop(&mut service);
        row(name, took, before, after, &memory)
    }

    /// The same while a transaction is open that could still read every row there was.
    async fn pinned(&mut self) -> f64 {
        let mut old = PgConnection::connect(&self.url).await.unwrap();
        sqlx::raw_sql("begin isolation level repeatable read; select count(*) from delivery_queue")
            .execute(&mut old)
            .await
            .unwrap();
        // Truncating waits for nobody who only holds a snapshot, but for who has read: by another name.
        sqlx::raw_sql("commit; begin isolation level repeatable read; select txid_current()")
            .execute(&mut old)
            .await
            .unwrap();
        let rate = self.engine("engine, beside an old transaction").await;
        sqlx::raw_sql("rollback").execute(&mut old).await.unwrap();
        rate
    }

    async fn plain(&self) -> f64 {
        let receiver = receiver::start().await;
        plain::fill(&self.db, DELIVERIES / 4).await;
        let before = self.spent().await;
        let sending = plain::run(&self.db, receiver.address, ENDPOINTS);
        let (took, ()) = tokio::join!(receiver.wait_for(DELIVERIES / 4), sending);
        let after = self.spent().await;
        let per = (took.0, DELIVERIES / 4);
        row("plain loop", per, before, after, "")
    }

    /// Waits until all is written down.
    async fn over(&self, count: i64) {
        let until = Instant::now() + Duration::from_secs(30);
        while Instant::now() < until {
            let over: i64 =
                sqlx::query_scalar("select count(*) from deliveries where state = 'succeeded'")
                    .fetch_one(&self.db)
                    .await
                    .unwrap();
            if over >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("not all that was delivered is written down");
    }

    async fn chain(&mut self) {
        self.clear().await;
        let receiver = Arc::new(receiver::start().await);
        self.endpoints(receiver.address, 1).await;
        let mut service = self.serve("all").await;
        chain::run(&receiver, service.1, || resident_mb(&service)).await;
        stop(&mut service);
    }

    async fn serve(&self, role: &str) -> (Child, SocketAddr) {
        let address = free_address();
        let mut child = Command::new(env!("CARGO_BIN_EXE_onhook"))
            .args(["serve", "--role", role])
            .env_clear()
            .env("DATABASE_URL", &self.url)
            .env("ONHOOK_SECRET_KEY", "a".repeat(64))
            .env("ONHOOK_LOG", "warn")
            .env("ONHOOK_EGRESS_ALLOW", "127.0.0.0/8")
            .env("ONHOOK_CONNECTIONS_PER_IP", "0")
            .env("ONHOOK_LISTEN", address.to_string())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        for _ in 0..500 {
            if tokio::net::TcpStream::connect(address).await.is_ok() {
                return (child, address);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        panic!("the service does not listen");
    }
}

/// Leaves nothing of the filling for the run to do.
async fn settle(db: &PgPool, tables: &[&str]) {
    for table in tables {
        let vacuum = AssertSqlSafe(format!("vacuum analyze {table}"));
        sqlx::raw_sql(vacuum).execute(db).await.unwrap();
    }
    sqlx::raw_sql("checkpoint").execute(db).await.unwrap();
}

fn row(
    name: &str,
    (took, count): (Duration, u64),
    before: (i64, i64),
    after: (i64, i64),
    memory: &str,
) -> f64 {
    let per_second = count as f64 / took.as_secs_f64();
    println!(
        "| {name} | {per_second:.0} | {:.0} bytes | {:.3} | {memory} |",
        (after.0 - before.0) as f64 / count as f64,
        (after.1 - before.1) as f64 / count as f64,
    );
    per_second
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

fn stop((child, _): &mut (Child, SocketAddr)) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The most memory that the process has had resident so far.
fn resident_mb((child, _): &(Child, SocketAddr)) -> String {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.map_or_else(|| "?".to_owned(), |kib| format!("{} MB", kib / 1024))
}
