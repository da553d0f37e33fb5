//! `kill -9` at random moments under load: what was acknowledged is there, once, and is told.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinSet;

use crate::{
    cluster::{Database, fresh_database},
    deadline::eventually,
    receiver::{Received, Receiver},
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
    let seed = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .subsec_nanos();
    println!("seed {seed}");
    let database = fresh_database().await;
    let receiver = Receiver::start();
    let settings = Settings::on(&database);
    settings.run(&["migrate"]);
    settings.run(&["account", "create", "default", "--voip", "open"]);
    settings.run(&["endpoint", "add", "--account", "default", &receiver.url()]);

    let acknowledged = Acknowledged::default();
    let done = Arc::new(AtomicBool::new(false));
    let mut service = Service::start(&settings).await;
    let mut reporters = JoinSet::new();
    for reporter in 0..REPORTERS {
        let url = service.url("/api/v1/voip/call-end");
        reporters.spawn(report_calls(
            reporter,
            url,
            Arc::clone(&acknowledged),
            Arc::clone(&done),
        ));
    }
    for moment in moments(seed) {
        // Not a wait for something to be ready: the moment of the kill is the point.
        tokio::time::sleep(moment).await;
        service.kill();
        service = Service::start(&settings).await;
    }
    done.store(true, Ordering::Relaxed);
    reporters.join_all().await;

    let acknowledged = acknowledged.lock().unwrap().clone();
    assert!(
        acknowledged.len() > KILLS,
        "the load was too small to mean anything"
    );
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

/// The `CallId`s of which the receiver was told this.
fn told(receiver: &Receiver, event: &str) -> BTreeSet<String> {
    let received = receiver.received();
    let bodies = received
        .iter()
        .map(Received::json)
        .filter(|body| body["type"] == event);
    bodies
        .map(|body| body["data"]["call_sid"].as_str().unwrap().to_owned())
        .collect()
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
