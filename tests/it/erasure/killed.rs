//! A worker is lost in the middle of an erasure: another goes on, and what is counted is counted once.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool};

use super::scene::{Scene, count, end_of, traces};
use crate::deadline::eventually;

const CALLS: i64 = 120;

/// Runs jobs until the erasure stands as `sql` says, then loses the worker.
async fn lose_the_worker_when(scene: &Scene, sql: &'static str) {
    let stands = eventually(Duration::from_secs(30), sql, async || {
        (count(&scene.app.db, sql).await > 0).then_some(())
    });
    tokio::select! {
        () = scene.app.run_jobs() => panic!("it was to be held up: {sql}"),
        () = stands => {}
    }
    let running = "select count(*) from jobs where kind = 'erase' and state = 'running'";
    assert_eq!(
        count(&scene.app.db, running).await,
        1,
        "its lease is not out"
    );
}

/// What the leader does when the lease is out.
async fn give_back(db: &PgPool) {
    sqlx::query(
        "update jobs set leased_until = now() - interval '1 second' where state = 'running'",
    )
    .execute(db)
    .await
    .unwrap();
    onhook::queue::store::rescue(db).await.unwrap();
}

/// Holds a row against everybody, until it is dropped.
async fn hold(db: &PgPool, row: &str) -> sqlx::Transaction<'static, sqlx::Postgres> {
    let mut tx = db.begin().await.unwrap();
    let held = sqlx::query(AssertSqlSafe(format!("select from {row} for update")));
    assert_eq!(held.fetch_all(&mut *tx).await.unwrap().len(), 1, "{row}");
    tx
}

#[tokio::test]
async fn a_worker_that_is_lost_between_batches_loses_nothing() {
    let scene = Scene::set().await;
    let db = &scene.app.db;
    for call in 0..CALLS {
        let end = end_of(
            &format!("canary-call-id-{call:03}"),
            "+14155559876",
            "+14155556789",
        );
        let (status, _) = scene.ask(Method::POST, "/api/v1/voip/call-end", end).await;
        assert_eq!(status, 200);
    }
    scene.app.run_jobs().await;
    let receipts = count(db, "select count(*) from receipts").await;
    let analyses = count(db, "select count(*) from analyses").await;
    let erasure = scene.erase(json!({"phone_number": "+14155559876"})).await;

    // While calls are taken: two batches are gone, the third waits for a call.
    let held = hold(db, "calls where provider_call_id = 'canary-call-id-110'").await;
    lose_the_worker_when(&scene, "select count(*) from erasures where found = 100").await;
    let half = scene.erasure(&erasure).await;
    assert_eq!(
        (&half["state"], &half["calls_found"]),
        (&json!("running"), &json!(100))
    );
    assert_eq!(count(db, "select count(*) from calls").await, CALLS - 100);
    drop(held);
    give_back(db).await;

    // While the rest of them is purged: the first batch is, the second waits for a receipt.
    let held = hold(
        db,
        "receipts where call_id = (select call_id from receipts order by call_id offset 60 limit 1)",
    )
    .await;
    lose_the_worker_when(&scene, "select count(*) from erasures where erased = 50").await;
    assert_eq!(scene.erasure(&erasure).await["state"], "running");
    drop(held);
    give_back(db).await;

    scene.app.run_jobs().await;
    let receipt = scene.erasure(&erasure).await;
    assert_eq!(receipt["state"], "completed", "{receipt}");
    assert_eq!(receipt["calls_erased"], CALLS);
    let removed = &receipt["removed"];
    assert_eq!(removed["calls"], CALLS);
    assert_eq!(removed["receipts"], receipts);
    assert_eq!(removed["analyses"], analyses);
    let found = traces(db, "canary-").await;
    assert!(found.is_empty(), "{found:?}");
    let told = scene.auditor.received().len();
    assert_eq!(i64::try_from(told).unwrap(), CALLS, "each is told of once");
}

#[tokio::test]
async fn an_erasure_whose_job_was_given_up_is_gone_on_with() {
    let scene = Scene::set().await;
    let call = scene.full_call().await;
    let erasure = scene.erase(json!({"call_id": call})).await;
    sqlx::query("update jobs set state = 'dead' where kind = 'erase'")
        .execute(&scene.app.db)
        .await
        .unwrap();
    onhook::calls::erase::look_after(scene.app.tools())
        .await
        .unwrap();
    scene.app.run_jobs().await;
    assert_eq!(scene.erasure(&erasure).await["state"], "completed");
    // And one that has its job gets no other.
    let other = scene.erase(json!({"email": "a@example.com"})).await;
    onhook::calls::erase::look_after(scene.app.tools())
        .await
        .unwrap();
    let live = "select count(*) from jobs where kind = 'erase' and state = 'available'";
    assert_eq!(count(&scene.app.db, live).await, 1, "{other}");
}
