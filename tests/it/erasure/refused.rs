//! What an erasure is not asked for with, and by whom.

use onhook::domain::account::{KeyKind, VoipMode};
use reqwest::Method;
use serde_json::json;

use super::scene::Scene;

#[tokio::test]
async fn an_erasure_has_one_subject_and_everything_wrong_with_it_is_named() {
    let scene = Scene::set().await;
    for (body, named) in [
        (json!({}), vec!["#/call_id"]),
        (json!({"call_id": null}), vec!["#/call_id"]),
        (json!({"call_id": "x"}), vec!["#/call_id"]),
        (json!({"phone_number": " "}), vec!["#/phone_number"]),
        (
            json!({"phone_number": "1".repeat(256)}),
            vec!["#/phone_number"],
        ),
        (json!({"phone_number": 1}), vec!["#/phone_number"]),
        (json!({"email": "nobody"}), vec!["#/email"]),
        (
            json!({"phone_number": "+14155550100", "email": "a@example.com"}),
            vec!["#/email"],
        ),
        (
            json!({"call_id": "x", "email": "y", "name": "z"}),
            vec!["#/name", "#/call_id", "#/email", "#/email"],
        ),
    ] {
        let (status, told) = scene.ask(Method::POST, "/v1/erasures", body.clone()).await;
        assert_eq!(status, 400, "{body}: {told}");
        let pointers: Vec<&str> = told["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["pointer"].as_str().unwrap())
            .collect();
        assert_eq!(pointers, named, "{body}: {told}");
    }
    let longest = json!({"phone_number": "1".repeat(255)});
    let (status, _) = scene.ask(Method::POST, "/v1/erasures", longest).await;
    assert_eq!(status, 202);
}

#[tokio::test]
async fn only_who_may_erase_does() {
    let scene = Scene::set().await;
    let call = scene.full_call().await;
    for kind in [
        KeyKind::Staff,
        KeyKind::Directory,
        KeyKind::Client,
        KeyKind::Ingest,
    ] {
        let key = scene.app.key(scene.account.id, kind).await;
        let post = scene.app.post("/v1/erasures", &key);
        let answer = post.json(&json!({"call_id": call})).send().await.unwrap();
        assert_eq!(answer.status(), 403, "{kind:?}");
    }
    let stranger = scene.app.account("stranger", VoipMode::Key).await;
    let post = scene.app.post("/v1/erasures", &stranger.key);
    let answer = post.json(&json!({"call_id": call})).send().await.unwrap();
    assert_eq!(answer.status(), 404, "another account's call");
    let operator = scene.app.key(scene.account.id, KeyKind::Operator).await;
    let post = scene.app.post("/v1/erasures", &operator);
    let answer = post.json(&json!({"call_id": call})).send().await.unwrap();
    assert_eq!(answer.status(), 202);
}
