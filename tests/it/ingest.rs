//! Reports on their way in, several batchers at once: as many replicas would take them.

use std::{pin::pin, time::Duration};

use onhook::{
    calls::ingest::{self, Batcher, Ingest, IngestError, Ingested},
    domain::{
        id::{AccountId, CallId},
        party::PartyNumber,
        report::{CallReport, Facts, ProviderCallId, ProviderName, ReportKind},
        state::EndState,
        text::Text,
    },
    metrics::Metrics,
    queue::runner::Wake,
    store::{self, pool},
    supervisor::{Shutdown, Supervisor},
};
use sqlx::PgPool;
use tokio::task::JoinSet;

use crate::cluster::{Database, fresh_database};

fn batcher(db: &PgPool, waiting_max: usize) -> (Ingest, Batcher) {
    ingest::ingest(db.clone(), Wake::default(), waiting_max, Metrics::new())
}

/// A database, and as many running batchers on it as asked for.
async fn replicas(count: usize) -> (Database, PgPool, Vec<Ingest>, Supervisor) {
    let database = fresh_database().await;
    let db = pool::connect_lazy(database.options(), 10);
    let supervisor = Supervisor::new();
    let ingests = (0..count)
        .map(|_| {
            let (ingest, batcher) = batcher(&db, 10_000);
            for _ in 0..ingest::BATCHERS {
                let batcher = batcher.clone();
                supervisor.spawn("ingest", |_stop| batcher.run());
            }
            ingest
        })
        .collect();
    (database, db, ingests, supervisor)
}

fn report(account_id: AccountId, name: &str, kind: ReportKind) -> CallReport {
    let number = |number| Some(PartyNumber::parse(number).unwrap());
    CallReport {
        account_id,
        source: "voip",
        provider: ProviderName::voip(),
        connection_id: None,
        name: ProviderCallId::parse(name).unwrap(),
        event_id: None,
        occurred_at: None,
        kind,
        facts: Facts {
            from: number("+1234567890"),
            to: number("+1789451230"),
            ..Facts::default()
        },
    }
}

fn call_of(ingested: Ingested) -> CallId {
    match ingested {
        Ingested::Recorded(call_id) | Ingested::Duplicate(call_id) => call_id,
        Ingested::Erased => panic!("nothing was erased"),
    }
}

async fn count(db: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(db).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_reports_on_three_replicas_at_once_make_one_call_each() {
    let (_database, db, ingests, _supervisor) = replicas(3).await;
    let account = AccountId::generate();
    let mut set = JoinSet::new();
    for ingest in ingests {
        for call in 0..40 {
            for kind in [
                ReportKind::Ringing,
                ReportKind::Answered,
                ReportKind::Ended(EndState::Completed),
                ReportKind::Ringing,
            ] {
                let (ingest, report) =
                    (ingest.clone(), report(account, &format!("CA{call}"), kind));
                set.spawn(async move {
                    // As a provider does on 503.
                    loop {
                        match ingest.report(report.clone()).await {
                            Ok(ingested) => return ingested,
                            Err(IngestError::Unavailable(_)) => tokio::task::yield_now().await,
                            Err(error) => panic!("{error}"),
                        }
                    }
                });
            }
        }
    }
    let fresh = set
        .join_all()
        .await
        .into_iter()
        .filter(|ingested| matches!(ingested, Ingested::Recorded(_)))
        .count();
    assert_eq!(fresh, 40 * 3, "each report is new once");
    assert_eq!(
        count(&db, "select count(*) from calls where state = 'completed'").await,
        40
    );
    assert_eq!(count(&db, "select count(*) from calls").await, 40);
    assert_eq!(count(&db, "select count(*) from receipts").await, 40 * 3);
    assert_eq!(
        count(&db, "select count(*) from jobs where kind = 'analyze'").await,
        40
    );
}

#[tokio::test]
async fn a_report_that_cannot_be_stored_fails_alone() {
    let (_database, db, ingests, _supervisor) = replicas(1).await;
    let account = AccountId::generate();
    let mut set = JoinSet::new();
    for call in 0..30 {
        let mut told = report(
            account,
            &format!("CA{call}"),
            ReportKind::Ended(EndState::Completed),
        );
        // No surface lets this through; the table's own check is the last wall.
        told.facts.duration_s = Some(if call == 17 { -1 } else { 10 });
        let ingest = ingests[0].clone();
        set.spawn(async move { (call, ingest.report(told).await) });
    }
    for (call, result) in set.join_all().await {
        match result {
            Ok(_) => assert_ne!(call, 17),
            Err(error) => assert!(
                call == 17 && matches!(error, IngestError::Refused(_)),
                "{call}: {error}"
            ),
        }
    }
    assert_eq!(count(&db, "select count(*) from calls").await, 29);
}

#[tokio::test]
async fn when_too_many_wait_the_next_is_told_at_once() {
    let database = fresh_database().await;
    let db = pool::connect_lazy(database.options(), 2);
    // Nobody serves the channel yet.
    let (ingest, batcher) = batcher(&db, 3);
    let account = AccountId::generate();
    let mut set = JoinSet::new();
    for call in 0..3 {
        let (ingest, report) = (
            ingest.clone(),
            report(account, &format!("CA{call}"), ReportKind::Queued),
        );
        let mut waiting = Box::pin(async move { ingest.report(report).await });
        // Polled once, so that it stands in the channel.
        let polled =
            std::future::poll_fn(|context| std::task::Poll::Ready(waiting.as_mut().poll(context)))
                .await;
        assert!(polled.is_pending());
        set.spawn(waiting);
    }
    let refused = ingest
        .report(report(account, "CA9", ReportKind::Queued))
        .await;
    assert!(matches!(refused, Err(IngestError::Busy)));
    let supervisor = Supervisor::new();
    supervisor.spawn("ingest", |_stop| batcher.run());
    for waited in set.join_all().await {
        waited.unwrap();
    }
    assert_eq!(count(&db, "select count(*) from calls").await, 3);
}

#[tokio::test]
async fn a_call_that_somebody_holds_locked_keeps_the_others_from_nothing() {
    let (_database, db, ingests, _supervisor) = replicas(1).await;
    let account = AccountId::generate();
    let ingest = &ingests[0];
    let begun = ingest
        .report(report(account, "CA1", ReportKind::Ringing))
        .await
        .unwrap();
    let mut holder = db.begin().await.unwrap();
    store::calls::lock(&mut holder, account, call_of(begun))
        .await
        .unwrap();
    let mut held = pin!(ingest.report(report(account, "CA1", ReportKind::Answered)));
    let waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    let others = async {
        while count(&db, waiting).await == 0 {
            tokio::task::yield_now().await;
        }
        ingest
            .report(report(account, "CA2", ReportKind::Ringing))
            .await
    };
    tokio::select! {
        biased;
        _ = &mut held => panic!("the call is locked"),
        other = others => other.unwrap(),
    };
    holder.rollback().await.unwrap();
    held.await.unwrap();
}

#[tokio::test]
async fn what_waits_at_a_stop_is_committed() {
    let database = fresh_database().await;
    let db = pool::connect_lazy(database.options(), 2);
    let (ingest, batcher) = batcher(&db, 3);
    let report = report(AccountId::generate(), "CA1", ReportKind::Queued);
    let mut reported = Box::pin(async move { ingest.report(report).await });
    let polled =
        std::future::poll_fn(|context| std::task::Poll::Ready(reported.as_mut().poll(context)))
            .await;
    assert!(polled.is_pending());
    let supervisor = Supervisor::new();
    supervisor.spawn("ingest", |_stop| batcher.run());
    let (reported, shutdown) = tokio::join!(reported, supervisor.shutdown(Duration::from_secs(10)));
    reported.unwrap();
    assert_eq!(shutdown, Shutdown::Finished);
    assert_eq!(count(&db, "select count(*) from calls").await, 1);
}

#[tokio::test]
async fn a_provider_that_is_known_later_is_kept() {
    let (_database, db, ingests, _supervisor) = replicas(1).await;
    let account = AccountId::generate();
    ingests[0]
        .report(report(account, "CA1", ReportKind::Ringing))
        .await
        .unwrap();
    let mut twilio = report(account, "CA1", ReportKind::Ended(EndState::Busy));
    twilio.provider = ProviderName::parse("twilio").unwrap();
    twilio.source = "twilio";
    twilio.facts.disconnect_reason = Some(Text::parse("busy here").unwrap());
    let ingested = ingests[0].report(twilio).await.unwrap();
    let call = store::calls::find(&db, account, call_of(ingested))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(call.provider.as_str(), "twilio");
    assert_eq!(count(&db, "select count(*) from calls").await, 1);
    let of_another = store::calls::find(&db, AccountId::generate(), call_of(ingested))
        .await
        .unwrap();
    assert_eq!(of_another, None, "another account's call is not found");
}
