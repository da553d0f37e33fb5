//! Everything of a number or an address, in one account, however it is written.

use onhook::domain::account::VoipMode;
use reqwest::Method;
use serde_json::json;

use super::scene::{CANARIES, Scene, ask, count, end_of, full_call, rows_of, traces};

#[tokio::test]
async fn every_call_of_a_number_goes_and_those_of_others_stay() {
    let scene = Scene::set().await;
    let db = &scene.app.db;
    let neighbour = scene.app.account("neighbour", VoipMode::Key).await;
    full_call(&scene.app, &neighbour).await;
    scene.full_call().await;
    for (name, from, to) in [
        ("called", "+14155550111", "+1 415-555-9876"),
        ("calling", "tel:+14155559876", "+14155550111"),
        ("other", "+14155550111", "+14155556789"),
    ] {
        let (status, _) = scene
            .ask(
                Method::POST,
                "/api/v1/voip/call-end",
                end_of(name, from, to),
            )
            .await;
        assert_eq!(status, 200);
    }
    scene.app.run_jobs().await;
    let theirs = rows_of(db, &neighbour).await;
    let receipt = scene.erased(json!({"phone_number": "+14155559876"})).await;
    assert_eq!(receipt["calls_looked_at"], 4, "{receipt}");
    assert_eq!(receipt["calls_erased"], 3);
    assert_eq!(receipt["subject"]["type"], "phone_number");
    assert!(!receipt.to_string().contains("5559876"), "{receipt}");

    let ours: Vec<String> = rows_of(db, &scene.account).await;
    let called = |text: &str| ours.iter().filter(|row| row.contains(text)).count();
    assert_eq!(called("5559876") + called("555-9876"), 0, "{ours:#?}");
    assert!(called("4155556789") > 0, "the other call has it");
    let left = scene
        .ask(Method::GET, "/calls/query?per_page=10", json!(null))
        .await;
    assert_eq!(left.1["meta"]["total"], 1, "{}", left.1);
    // A number that another call has is still found.
    let (_, found) = scene
        .ask(Method::GET, "/calls/query?search=55556789", json!(null))
        .await;
    assert_eq!(found["meta"]["total"], 1, "{found}");
    assert_eq!(rows_of(db, &neighbour).await, theirs);
    for canary in CANARIES {
        assert!(!traces(db, canary).await.is_empty(), "{canary} is theirs");
    }
    let (_, their_own) = ask(
        &scene.app,
        &neighbour,
        Method::GET,
        "/v1/erasures",
        json!(null),
    )
    .await;
    assert_eq!(their_own["data"], json!([]));
}

#[tokio::test]
async fn every_call_of_an_address_goes() {
    let scene = Scene::set().await;
    for call in 0..60 {
        let mut end = end_of(&format!("c-{call}"), "+14155550101", "+14155550102");
        if call % 2 == 0 {
            end["email"] = json!("Canary-MAIL@example.com");
        }
        if call == 7 {
            end["email"] = json!("somebody-else@example.com");
        }
        let (status, _) = scene.ask(Method::POST, "/api/v1/voip/call-end", end).await;
        assert_eq!(status, 200);
    }
    let receipt = scene
        .erased(json!({"email": "CANARY-mail@Example.com"}))
        .await;
    assert_eq!(receipt["calls_erased"], 59, "{receipt}");
    assert_eq!(receipt["removed"]["receipts"], 59);
    let db = &scene.app.db;
    assert_eq!(count(db, "select count(*) from calls").await, 1);
    assert_eq!(count(db, "select count(*) from receipts").await, 1);
    let told = scene.auditor.received();
    assert_eq!(told.len(), 59, "each is told of");
    let (_, list) = scene
        .ask(Method::GET, "/v1/erasures?limit=1", json!(null))
        .await;
    assert_eq!(list["data"], json!([receipt]));
    assert_eq!(list["next_cursor"], json!(null));
}
