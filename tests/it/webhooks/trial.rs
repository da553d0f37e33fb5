//! Endpoints tried out, and paged through.

use reqwest::StatusCode;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::settings::{ENDPOINTS, body, set, set_at};
use crate::receiver::{Receiver, Reply};

#[tokio::test]
async fn a_test_is_signed_and_sent_now_and_says_what_was_answered() {
    let settings = json!({"headers": {"x-tenant": "hush"}, "authorization": {"type": "bearer", "token": "hush"}});
    let receiver = Receiver::scripted(|number, _| Reply::Status([200, 500, 204][number]));
    let at = set_at(receiver, settings).await;
    let tested = at.post("/test").await;
    assert_eq!(
        (&tested["ok"], &tested["outcome"]),
        (&json!(true), &json!("succeeded"))
    );
    assert_eq!(tested["response"]["status"], 200);
    assert!(!tested.to_string().contains("hush"), "{tested}");
    let got = at.receiver.received().pop().unwrap();
    assert_eq!(got.headers["x-tenant"], "hush");
    let secret = at.endpoint["secret"].as_str().unwrap();
    let webhook = Webhook::new(secret).unwrap();
    webhook.verify(&got.body, &got.headers).unwrap();
    assert_eq!(
        tested["request"]["body"],
        String::from_utf8(got.body.clone()).unwrap()
    );
    for name in [
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "content-type",
    ] {
        assert_eq!(
            tested["request"]["headers"][name],
            got.headers[name].to_str().unwrap()
        );
    }
    assert_eq!(tested["request"]["headers"]["authorization"], "********");

    // What came can be explained, though no such event is kept.
    let asked = json!({
        "webhook_id": tested["request"]["headers"]["webhook-id"], "webhook_timestamp": tested["request"]["headers"]["webhook-timestamp"],
        "webhook_signature": tested["request"]["headers"]["webhook-signature"], "body": tested["request"]["body"], "secret": secret,
    });
    let explain = at.app.post(&at.path("/explain-signature"), &at.account.key);
    let explained = body(explain.json(&asked), StatusCode::OK).await;
    assert_eq!(explained["verifies"], true, "{explained}");

    let tested = at.post("/test").await;
    assert_eq!(
        (&tested["ok"], &tested["outcome"]),
        (&json!(false), &json!("server_error"))
    );
    at.post("/disable").await;
    assert_eq!(at.post("/test").await["ok"], true);
    let listed = at.app.get("/v1/deliveries", &at.account.key);
    assert_eq!(body(listed, StatusCode::OK).await["data"], json!([]));
}

#[tokio::test]
async fn a_test_of_an_endpoint_that_is_not_there_says_so() {
    let at = set(json!({})).await;
    sqlx::query("update endpoints set url = 'http://127.0.0.1:9/'")
        .execute(&at.app.db)
        .await
        .unwrap();
    let tested = at.post("/test").await;
    assert_eq!(
        (&tested["outcome"], &tested["response"]),
        (&json!("connect"), &Value::Null)
    );
    sqlx::query("update endpoint_keys set sealed_key = '\\x00'")
        .execute(&at.app.db)
        .await
        .unwrap();
    let tested = at.post("/test").await;
    assert_eq!(tested["outcome"], "secret_unreadable");
    assert_eq!(tested["request"]["headers"], json!({}));
}

#[tokio::test]
async fn endpoints_are_paged_through() {
    let at = set(json!({})).await;
    let mut ids = vec![at.endpoint["id"].clone()];
    for _ in 0..4 {
        let add = at.app.post(ENDPOINTS, &at.account.key);
        let added = body(
            add.json(&json!({"url": at.receiver.url()})),
            StatusCode::CREATED,
        )
        .await;
        ids.push(added["id"].clone());
    }
    let mut seen = Vec::new();
    let mut query = "limit=2".to_owned();
    loop {
        let page = at.app.get(&format!("{ENDPOINTS}?{query}"), &at.account.key);
        let page = body(page, StatusCode::OK).await;
        let data = page["data"].as_array().unwrap();
        assert!((1..=2).contains(&data.len()), "{page}");
        seen.extend(data.iter().map(|endpoint| endpoint["id"].clone()));
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, ids);
    for wrong in ["limit=0", "limit=101", "cursor=x", "page=2"] {
        let page = at.app.get(&format!("{ENDPOINTS}?{wrong}"), &at.account.key);
        body(page, StatusCode::BAD_REQUEST).await;
    }
}
