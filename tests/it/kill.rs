//! `kill -9` at random moments under load, of the service and of PostgreSQL: what was acknowledged is there, once, and is told, in order.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use onhook::embedded::{Durability, Settings as Cluster};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinSet;

use crate::{
    cluster::{self, Database, fresh_database},
    deadline::eventually,
    embedded,
    receiver::{Receiver, Reply},
    service::{Service, Settings},
};

/// Connections that report calls.
const REPORTERS: usize = 6;
/// Calls that each reports at most.
const CALLS_EACH: usize = 250;
/// How often the service is killed.
const KILLS: usize = 5;

/// The `CallId`s that were answered with 200.
type Acknowledged = Arc<Mutex<BTreeSet<String>>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9_and_is_told() {
    let database = fresh_database().await;
    let receiver = Receiver::start();
    let settings = Settings::on(&database);
    settings.run(&["migrate"]);
    settings.run(&["account", "create", "default", "--voip", "open"]);
    settings.run(&["endpoint", "add", "--account", "default", &receiver.url()]);

    let mut service = Service::start(&settings).await;
    let seed = seed();
    println!("seed {seed}");
    let load = Load::on(&service);
    for moment in moments(seed) {
        // Not a wait for something to be ready: the moment of the kill is the point.
        tokio::time::sleep(moment).await;
        service.kill();
        service = Service::start(&settings).await;
    }
    let acknowledged = load.stop().await;
    assert_eq!(recorded(&database, &acknowledged).await, acknowledged.len());
    for event in ["call.ended", "call.analyzed"] {
        let what = format!("every {event} has arrived");
        eventually(Duration::from_mins(3), &what, async || {
            acknowledged
                .is_subset(&told(&receiver, event))
                .then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_may_be_killed_too_and_nothing_is_told_out_of_order_or_after_a_410() {
    let cluster = cluster::settings("killed", Durability::Durable);
    let settings = Settings::embedded(&cluster)
        .with("ONHOOK_EGRESS_ALLOW", "127.0.0.0/8")
        .with("ONHOOK_LOG", "error");
    let mut service = Service::start(&settings).await;
    let (receiver, gone) = (
        Receiver::start(),
        Receiver::scripted(|number, _| Reply::Status(if number < 5 { 204 } else { 410 })),
    );
    let key = settings.run(&["key", "create", "--account", "default", "--kind", "app"]);
    for (url, at_once) in [(receiver.url(), 10), (gone.url(), 1)] {
        let add = reqwest::Client::new()
            .post(service.url("/v1/webhook-endpoints"))
            .bearer_auth(&key)
            .json(&json!({"url": url, "max_concurrency": at_once}));
        assert_eq!(add.send().await.unwrap().status(), 201);
    }

    let seed = seed();
    println!("seed {seed}");
    let load = Load::on(&service);
    for (kill, moment) in moments(seed).enumerate() {
        // Not a wait for something to be ready: the moment of the kill is the point.
        tokio::time::sleep(moment).await;
        if kill.is_multiple_of(2) {
            kill_postgres(&cluster, &service).await;
        } else {
            service.kill();
            service = Service::start(&settings).await;
        }
    }
    let acknowledged = load.stop().await;
    for event in ["call.ended", "call.analyzed"] {
        let what = format!("every {event} has arrived");
        eventually(Duration::from_mins(3), &what, async || {
            acknowledged
                .is_subset(&told(&receiver, event))
                .then_some(())
        })
        .await;
    }

    assert_order(&ledger(&receiver));
    // Whoever kills us between the 410 and its commit is told once more.
    let asked = gone.received().len();
    assert!((6..=6 + KILLS).contains(&asked), "{asked}");
    let endpoints = reqwest::Client::new()
        .get(service.url("/v1/webhook-endpoints"))
        .bearer_auth(&key);
    let endpoints: Value = endpoints.send().await.unwrap().json().await.unwrap();
    let reasons: Vec<_> = endpoints["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|endpoint| &endpoint["disabled_reason"])
        .collect();
    assert!(reasons.contains(&&json!("gone")), "{endpoints}");
    let doctor = settings.run(&["doctor"]);
    assert!(!doctor.contains("WRONG"), "{doctor}");
    assert!(service.terminate().await.success());
    std::fs::remove_dir_all(cluster.data_dir).unwrap();
}

/// `kill -9`, and waits until the service has another server.
async fn kill_postgres(cluster: &Cluster, service: &Service) {
    let server = embedded::server_pid(cluster).unwrap();
    embedded::kill("KILL", server).await;
    let another = async || {
        let up = reqwest::get(service.url("/readyz")).await;
        let up = up.is_ok_and(|answer| answer.status().is_success());
        (up && embedded::server_pid(cluster) != Some(server)).then_some(())
    };
    eventually(Duration::from_mins(1), "PostgreSQL is back", another).await;
}

/// Repetitions may come, but no end after its analysis and no analysis before its end.
fn assert_order(ledger: &[(String, String)]) {
    let (mut ended, mut analyzed) = (BTreeSet::new(), BTreeSet::new());
    for (event, call) in ledger {
        match event.as_str() {
            "call.ended" => {
                assert!(!analyzed.contains(call), "{call} ended after its analysis");
                ended.insert(call);
            }
            "call.analyzed" => {
                assert!(ended.contains(call), "{call} analysed before its end");
                analyzed.insert(call);
            }
            _ => {}
        }
    }
}

/// Reports of calls, several at once.
struct Load {
    acknowledged: Acknowledged,
    done: Arc<AtomicBool>,
    reporters: JoinSet<()>,
}

impl Load {
    fn on(service: &Service) -> Self {
        let (acknowledged, done) = (Acknowledged::default(), Arc::new(AtomicBool::new(false)));
        let mut reporters = JoinSet::new();
        for reporter in 0..REPORTERS {
            let url = service.url("/api/v1/voip/call-end");
            let (acknowledged, done) = (Arc::clone(&acknowledged), Arc::clone(&done));
            reporters.spawn(report_calls(reporter, url, acknowledged, done));
        }
        Self {
            acknowledged,
            done,
            reporters,
        }
    }

    /// What was acknowledged.
    async fn stop(self) -> BTreeSet<String> {
        self.done.store(true, Ordering::Relaxed);
        self.reporters.join_all().await;
        let acknowledged = self.acknowledged.lock().unwrap().clone();
        assert!(
            acknowledged.len() > KILLS,
            "the load was too small to mean anything"
        );
        acknowledged
    }
}

/// What a receiver was told, of which `CallId`, as it came.
fn ledger(receiver: &Receiver) -> Vec<(String, String)> {
    let bodies = receiver.received().into_iter().map(|got| got.json());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    bodies
        .map(|body| (text(&body["type"]), text(&body["data"]["call_sid"])))
        .collect()
}

/// The `CallId`s of which the receiver was told this.
fn told(receiver: &Receiver, event: &str) -> BTreeSet<String> {
    let of_event = ledger(receiver)
        .into_iter()
        .filter(|(told, _)| told == event);
    of_event.map(|(_, call)| call).collect()
}

/// Reports calls one after another, as a provider does: what is not answered with 200 is tried again, in half of the
/// cases; the other half is left unknown.
async fn report_calls(
    reporter: usize,
    url: String,
    acknowledged: Acknowledged,
    done: Arc<AtomicBool>,
) {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .build()
        .unwrap();
    for call in 0..CALLS_EACH {
        let id = format!("CA-{reporter}-{call}");
        let body = serde_json::json!({
            "From": "+1234567890", "To": "+1789451230", "CallId": id, "email": "user@example.com",
            "CallStatus": "completed", "RecordingUrl": "string", "Duration": "10", "Direction": "incoming",
        });
        let mut tries = if call.is_multiple_of(2) { 100 } else { 1 };
        while tries > 0 && !done.load(Ordering::Relaxed) {
            let answer = client.post(&url).json(&body).send().await;
            if answer.is_ok_and(|answer| answer.status() == 200) {
                acknowledged.lock().unwrap().insert(id);
                break;
            }
            tries -= 1;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn seed() -> u32 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap().subsec_nanos()
}

/// Five moments, 0.2 to 1.2 seconds apart (a linear congruential generator: the seed is printed).
fn moments(seed: u32) -> impl Iterator<Item = Duration> {
    std::iter::successors(Some(seed), |last| {
        Some(last.wrapping_mul(1_664_525).wrapping_add(1_013_904_223))
    })
    .skip(1)
    .map(|random| Duration::from_millis(200 + u64::from(random >> 16) % 1000))
    .take(KILLS)
}

/// How many of the acknowledged calls stand in the database exactly once.
async fn recorded(database: &Database, acknowledged: &BTreeSet<String>) -> usize {
    let mut connection = PgConnection::connect_with(&database.options())
        .await
        .unwrap();
    let rows: Vec<(String, i64)> =
        sqlx::query_as("select provider_call_id, count(*) from calls group by provider_call_id")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    let counts: BTreeMap<String, i64> = rows.into_iter().collect();
    acknowledged
        .iter()
        .filter(|id| counts.get(*id) == Some(&1))
        .count()
}
