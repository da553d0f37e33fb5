//! Subscriptions that cannot be, in the envelope of the voice-calls surface.

use onhook::domain::{account::KeyKind, endpoint::ENDPOINTS_MAX};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{CREATE, SUBSCRIBE, UNSUBSCRIBE, WEBHOOKS, answer, subscribe, subscription};
use crate::app::TestApp;

/// The fields that a refusal names, with the code of each.
fn named(refusal: &Value) -> Vec<(&str, &str)> {
    assert_eq!(refusal["success"], false, "{refusal}");
    let errors = refusal["errors"].as_array().unwrap().iter();
    let mut named: Vec<_> = errors
        .map(|error| {
            let field = error["field"].as_str().unwrap_or_default();
            (field, error["code"].as_str().unwrap())
        })
        .collect();
    named.sort_unstable();
    named
}

#[tokio::test]
async fn what_cannot_be_subscribed_to_is_refused_with_every_reason() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let url = "http://127.0.0.1:9/hook";
    let missing = [("event", "missing"), ("target_url", "missing")];
    let invalid = [("event", "invalid"), ("target_url", "missing")];
    for (path, body, status, expected) in [
        (SUBSCRIBE, json!({}), 422, &missing[..]),
        (SUBSCRIBE, json!({"event": "client/created"}), 422, &invalid),
        (
            SUBSCRIBE,
            subscription("call.ended", url),
            422,
            &invalid[..1],
        ),
        (
            SUBSCRIBE,
            subscription("voice_call/delete", url),
            422,
            &invalid[..1],
        ),
        (
            SUBSCRIBE,
            json!({"event": CREATE, "target_url": 5}),
            400,
            &[("target_url", "wrong_type")],
        ),
        (
            SUBSCRIBE,
            subscription(CREATE, "/hook"),
            422,
            &[("target_url", "invalid")],
        ),
        (
            SUBSCRIBE,
            subscription(CREATE, "ftp://example.com/"),
            422,
            &[("target_url", "invalid")],
        ),
        (
            SUBSCRIBE,
            subscription(CREATE, "http://10.0.0.1/hook"),
            422,
            &[("target_url", "invalid")],
        ),
        (UNSUBSCRIBE, json!({}), 422, &missing[1..]),
        (
            UNSUBSCRIBE,
            subscription("client.created", url),
            422,
            &invalid[..1],
        ),
        (
            UNSUBSCRIBE,
            json!({"subscription_id": "12345"}),
            422,
            &[("subscription_id", "invalid")],
        ),
    ] {
        let (got, refusal) = answer(app.post(path, &account.key).json(&body)).await;
        assert_eq!(got.as_u16(), status, "{body}: {refusal}");
        assert_eq!(named(&refusal), expected, "{body}");
    }
    let malformed = app.post(SUBSCRIBE, &account.key);
    let malformed = malformed
        .header("content-type", "application/json")
        .body("{");
    let (status, refusal) = answer(malformed).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(named(&refusal), [("", "malformed_body")]);
}

#[tokio::test]
async fn subscriptions_are_among_the_endpoints_that_an_account_may_have() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    for number in 0..ENDPOINTS_MAX {
        subscribe(
            &app,
            &account.key,
            CREATE,
            &format!("http://127.0.0.1:9/{number}"),
        )
        .await;
    }
    let one_more = subscription(CREATE, "http://127.0.0.1:9/more");
    let (status, refusal) = answer(app.post(SUBSCRIBE, &account.key).json(&one_more)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(named(&refusal), [("", "validation_error")]);
    // One that is there needs no room.
    let again = subscription(CREATE, "http://127.0.0.1:9/0");
    let (status, _) = answer(app.post(SUBSCRIBE, &account.key).json(&again)).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn who_writes_voice_calls_subscribes_and_nobody_else() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let wanted = subscription(CREATE, "http://127.0.0.1:9/hook");
    for (kind, allowed) in [
        (KeyKind::Staff, 200),
        (KeyKind::App, 200),
        (KeyKind::Operator, 200),
        (KeyKind::Client, 403),
        (KeyKind::Ingest, 403),
        // A directory that names no business.
        (KeyKind::Directory, 401),
    ] {
        let key = app.key(account.id, kind).await;
        for (method, path) in [
            (Method::POST, SUBSCRIBE),
            (Method::GET, WEBHOOKS),
            (Method::POST, UNSUBSCRIBE),
        ] {
            let request = app.request(method.clone(), path).bearer_auth(&key);
            let request = if method == Method::POST {
                request.json(&wanted)
            } else {
                request
            };
            let (status, body) = answer(request).await;
            let expected = match (path, allowed) {
                (SUBSCRIBE, 200) => 201,
                (_, allowed) => allowed,
            };
            assert_eq!(status.as_u16(), expected, "{kind:?} {path}: {body}");
        }
    }
    let (status, refusal) = answer(app.request(Method::GET, WEBHOOKS)).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(named(&refusal), [("", "unauthorized")]);
}
