//! Reports that come while a call is erased: each is erased with it, or finds its tombstone.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use onhook::{
    calls::{
        Tools,
        ingest::{self, Ingested},
    },
    domain::{
        party::PartyNumber,
        report::{CallReport, Facts, ProviderCallId, ProviderName, ReportKind},
        state::EndState,
    },
};
use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use super::scene::{Scene, count, end_of, traces};
use crate::deadline::eventually;

const CALLS: usize = 30;

fn report(scene: &Scene, call: usize, number: usize) -> CallReport {
    let kinds = [
        ReportKind::Ringing,
        ReportKind::Answered,
        ReportKind::Ended(EndState::Completed),
        ReportKind::Ended(EndState::Busy),
    ];
    CallReport {
        account_id: scene.account.id,
        source: "voip",
        provider: ProviderName::voip(),
        connection_id: None,
        name: ProviderCallId::parse(format!("canary-call-id-{call:02}")).unwrap(),
        event_id: Some(format!("{call}-{number}")),
        occurred_at: None,
        kind: kinds[number % kinds.len()],
        facts: Facts {
            from: Some(PartyNumber::parse("+14155559876").unwrap()),
            ..Facts::default()
        },
    }
}

/// What became of reports, and whether there are enough of them.
#[derive(Clone, Default)]
struct Counts {
    recorded: Arc<AtomicUsize>,
    erased: Arc<AtomicUsize>,
    done: Arc<AtomicBool>,
}

async fn keep_reporting(tools: Tools, reports: Vec<Vec<CallReport>>, counts: Counts) {
    for batch in reports.iter().cycle() {
        if counts.done.load(Ordering::Relaxed) {
            return;
        }
        // One that is told that the database has no time for it comes again.
        let Ok(taken) = ingest::apply(&tools.db, &tools.wake, batch).await else {
            continue;
        };
        for ingested in taken {
            match ingested {
                Ingested::Recorded(_) => counts.recorded.fetch_add(1, Ordering::Relaxed),
                Ingested::Erased => counts.erased.fetch_add(1, Ordering::Relaxed),
                Ingested::Duplicate(_) => 0,
            };
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reports_that_race_with_an_erasure_leave_nothing() {
    let scene = Scene::set().await;
    let db = scene.app.db.clone();
    for call in 0..CALLS {
        let end = end_of(
            &format!("canary-call-id-{call:02}"),
            "+14155559876",
            "+14155556789",
        );
        let (status, _) = scene.ask(Method::POST, "/api/v1/voip/call-end", end).await;
        assert_eq!(status, 200);
    }
    let counts = Counts::default();
    let mut reporters = JoinSet::new();
    for reporter in 0..4 {
        let reports = (0..400).map(|round| {
            let calls = (0..CALLS).filter(move |call| (call + round) % 3 == 0);
            calls
                .map(|call| report(&scene, call, reporter * 10_000 + round))
                .collect()
        });
        let (tools, reports) = (scene.app.tools().clone(), reports.collect());
        reporters.spawn(keep_reporting(tools, reports, counts.clone()));
    }
    let some = |counter: &AtomicUsize| (counter.load(Ordering::Relaxed) > 200).then_some(());
    eventually(Duration::from_secs(30), "reports are taken", async || {
        some(&counts.recorded)
    })
    .await;
    let erasure = scene.erase(json!({"phone_number": "+14155559876"})).await;
    scene.app.run_jobs().await;
    eventually(
        Duration::from_secs(30),
        "reports come too late",
        async || some(&counts.erased),
    )
    .await;
    counts.done.store(true, Ordering::Relaxed);
    reporters.join_all().await;
    scene.app.run_jobs().await;

    let receipt = scene.erasure(&erasure).await;
    assert_eq!(receipt["calls_erased"], CALLS, "{receipt}");
    let found = traces(&db, "canary-").await;
    assert!(found.is_empty(), "{found:?}");
    for table in [
        "calls",
        "receipts",
        "call_names",
        "call_numbers",
        "analyses",
    ] {
        let account = scene.account.id.to_string();
        let left = traces(&db, &account).await;
        assert!(left.iter().all(|found| found != table), "{table}: {left:?}");
    }
    assert_eq!(
        count(
            &db,
            "select count(*) from erased_names where digest is not null"
        )
        .await,
        60
    );
}

/// The one moment that a snapshot could miss: the report has begun when the erasure commits, and writes the name that it has freed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_that_waits_for_the_erasure_to_commit_sees_its_tombstone() {
    let scene = Scene::set().await;
    let db = scene.app.db.clone();
    let end = end_of("canary-call-id", "+14155559876", "+14155556789");
    let (status, _) = scene.ask(Method::POST, "/api/v1/voip/call-end", end).await;
    assert_eq!(status, 200);
    let call: onhook::domain::id::CallId = sqlx::query_scalar("select call_id from calls")
        .fetch_one(&db)
        .await
        .unwrap();
    scene.erase(json!({"call_id": call.to_string()})).await;
    let of: (onhook::domain::id::AccountId, onhook::domain::id::ErasureId) =
        sqlx::query_as("select account_id, erasure_id from erasures")
            .fetch_one(&db)
            .await
            .unwrap();
    let mut erasing = db.begin().await.unwrap();
    onhook::store::erasure::calls::take(&mut erasing, of, &[call])
        .await
        .unwrap();
    let late = report(&scene, 0, 2);
    let name = ProviderCallId::parse("canary-call-id".to_owned()).unwrap();
    let late = CallReport { name, ..late };
    let tools = scene.app.tools().clone();
    let mut reporting = JoinSet::new();
    reporting.spawn(async move { ingest::apply(&tools.db, &tools.wake, &[late]).await });
    let waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%call_names%'";
    eventually(
        Duration::from_secs(10),
        "the report waits for the name",
        async || (count(&db, waits).await > 0).then_some(()),
    )
    .await;
    erasing.commit().await.unwrap();
    let taken = reporting.join_all().await.remove(0).unwrap();
    assert_eq!(taken, [Ingested::Erased]);
    scene.app.run_jobs().await;
    let found = traces(&db, "canary-").await;
    assert!(found.is_empty(), "{found:?}");
}
