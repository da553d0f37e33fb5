//! What is left of an erased call: nothing, in no table.

use reqwest::Method;
use serde_json::{Value, json};

use super::scene::{CANARIES, Scene, count, traces};
use crate::receiver::Received;

#[tokio::test]
async fn no_table_has_anything_of_an_erased_call() {
    let scene = Scene::set().await;
    let db = &scene.app.db;
    let call = scene.full_call().await;
    for canary in CANARIES {
        let found = traces(db, canary).await;
        assert!(!found.is_empty(), "{canary} was to be in a table");
    }
    assert_eq!(
        count(
            db,
            "select count(*) from idempotency_keys where sealed_answer is not null"
        )
        .await,
        1
    );
    let waiting = "select count(*) from delivery_queue";
    assert!(count(db, waiting).await > 0, "the deaf one has heard it");

    let receipt = scene.erased(json!({"call_id": call})).await;

    for canary in CANARIES {
        let found = traces(db, canary).await;
        assert!(found.is_empty(), "{canary} in {found:?}");
    }
    assert_eq!(count(db, "select count(*) from idempotency_keys").await, 0);
    assert_eq!(count(db, "select count(*) from erasing_calls").await, 0);
    assert_eq!(receipt["state"], "completed", "{receipt}");
    assert_eq!(receipt["calls_erased"], 1);
    let removed = &receipt["removed"];
    for kind in [
        "calls",
        "names",
        "receipts",
        "transcripts",
        "analyses",
        "deliveries",
        "attempts",
        "webhook_payloads",
        "numbers",
        "kept_answers",
    ] {
        assert!(removed[kind].as_i64() > Some(0), "{kind} of {receipt}");
    }
    assert!(!receipt.to_string().contains(&call), "{receipt}");
    // All that still names it is what tells of its erasure.
    let named = traces(db, &call).await;
    assert!(
        named
            .iter()
            .all(|table| table.starts_with("events") || table.starts_with("deliver")),
        "{named:?}"
    );
}

#[tokio::test]
async fn who_asks_for_it_is_told_that_a_call_was_erased_and_nothing_else() {
    let scene = Scene::set().await;
    let call = scene.full_call().await;
    assert!(scene.auditor.received().is_empty());
    let before = scene.told.received().len();
    let deaf = scene.deaf.received().len();
    let receipt = scene.erased(json!({"call_id": call})).await;
    scene.app.make_jobs_due().await;
    scene.app.run_jobs().await;

    let told: Vec<Value> = scene
        .auditor
        .received()
        .iter()
        .map(Received::json)
        .collect();
    let [told] = told.as_slice() else {
        panic!("{told:?}");
    };
    let expected = json!({
        "type": "call.erased", "timestamp": told["timestamp"],
        "data": {"call_id": call, "erasure_id": receipt["id"]},
    });
    assert_eq!(*told, expected);
    assert_eq!(scene.told.received().len(), before, "it did not name it");
    assert_eq!(
        scene.deaf.received().len(),
        deaf,
        "what was queued is cancelled"
    );
    assert_eq!(
        count(&scene.app.db, "select count(*) from delivery_queue").await,
        0
    );
}

#[tokio::test]
async fn a_deleted_call_is_erased_too() {
    let scene = Scene::set().await;
    let call = scene.full_call().await;
    let (status, _) = scene
        .ask(Method::DELETE, &format!("/v1/calls/{call}"), Value::Null)
        .await;
    assert_eq!(status, 200);
    let receipt = scene.erased(json!({"call_id": call})).await;
    assert_eq!(receipt["calls_erased"], 1);
    assert!(traces(&scene.app.db, "canary-").await.is_empty());
}

#[tokio::test]
async fn the_same_erasure_asked_for_again_is_the_same() {
    let scene = Scene::set().await;
    let call = scene.full_call().await;
    let first = scene.erase(json!({"call_id": call})).await;
    assert_eq!(scene.erase(json!({"call_id": call})).await, first);
    assert_eq!(scene.app.jobs("erase").await, 1);
    scene.app.run_jobs().await;
    let receipt = scene.erasure(&first).await;
    // The call is not known any more; its erasure is.
    assert_eq!(scene.erase(json!({"call_id": call})).await, first);
    scene.app.run_jobs().await;
    assert_eq!(scene.erasure(&first).await, receipt);

    let number = json!({"phone_number": "+14155550177"});
    let first = scene.erase(number.clone()).await;
    let spelled = json!({"phone_number": "+1 (415) 555-0177"});
    assert_eq!(scene.erase(spelled).await, first);
    scene.app.run_jobs().await;
    // There may be calls again.
    assert_ne!(scene.erase(number).await, first);
}
