//! Endpoints, deliveries and events over HTTP, as their owner sees them.

use onhook::domain::{account::KeyKind, account::VoipMode, event::EventType, id::AccountId};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::fixture::{call_of, emit_in, sole};
use crate::{
    app::{TestAccount, TestApp},
    contract::RequestBuilder,
    receiver::{Receiver, Reply},
};

const ENDPOINTS: &str = "/v1/webhook-endpoints";

async fn body(request: RequestBuilder, status: StatusCode) -> Value {
    let answer = request.send().await.unwrap();
    let got = answer.status();
    let text = answer.text().await.unwrap();
    assert_eq!(got, status, "{text}");
    serde_json::from_str(&text).unwrap()
}

async fn add(app: &TestApp, key: &str, url: &str) -> Value {
    let request = app.post(ENDPOINTS, key).json(&json!({"url": url}));
    body(request, StatusCode::CREATED).await
}

/// Emits events of a new call of the account.
async fn emit(app: &TestApp, account_id: AccountId, events: &[EventType]) {
    let mut tx = app.db.begin().await.unwrap();
    emit_in(&mut tx, &call_of(account_id), events).await;
    tx.commit().await.unwrap();
}

async fn deliveries(app: &TestApp, account: &TestAccount, query: &str) -> Vec<Value> {
    let listed = app.get(&format!("/v1/deliveries?{query}"), &account.key);
    let listed = body(listed, StatusCode::OK).await;
    listed["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_endpoint_is_added_with_a_secret_that_is_shown_once() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let receiver = Receiver::start();
    let wanted =
        json!({"url": receiver.url(), "event_types": ["call.ended", "call.started", "call.ended"]});
    let added = body(
        app.post(ENDPOINTS, &account.key).json(&wanted),
        StatusCode::CREATED,
    )
    .await;
    assert_eq!(added["event_types"], json!(["call.started", "call.ended"]));
    assert_eq!(added["state"], "enabled");
    let secret = added["secret"].as_str().unwrap();

    let path = format!("{ENDPOINTS}/{}", added["id"].as_str().unwrap());
    let read = body(app.get(&path, &account.key), StatusCode::OK).await;
    assert_eq!(read["url"], receiver.url());
    let listed = body(app.get(ENDPOINTS, &account.key), StatusCode::OK).await;
    assert_eq!(listed, json!({"data": [read], "next_cursor": null}));
    assert!(!listed.to_string().contains("whsec_") && read.get("secret").is_none());
    let dump: String = sqlx::query_scalar("select string_agg(k::text, ' ') from endpoint_keys k")
        .fetch_one(&app.db)
        .await
        .unwrap();
    assert!(!dump.contains(secret));

    emit(
        &app,
        account.id,
        &[EventType::CallEnded, EventType::CallAnalyzed],
    )
    .await;
    app.run_jobs().await;
    let got = sole(receiver.received());
    Webhook::new(secret)
        .unwrap()
        .verify(&got.body, &got.headers)
        .unwrap();
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_is_refused_with_its_reason() {
    let app = TestApp::boot().await;
    let key = app.default_account().await.key;
    let long = format!("https://example.com/{}", "x".repeat(2048));
    for url in [
        "http://10.0.0.1/hook",
        "http://[::1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://2852039166/",
        "ftp://example.com/",
        "https://user:pass@example.com/",
        "/hook",
        "",
        &long,
    ] {
        let request = app.post(ENDPOINTS, &key).json(&json!({"url": url}));
        let problem = body(request, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!(problem["errors"][0]["pointer"], "#/url", "{url}: {problem}");
    }
    for (wrong, pointers) in [
        (json!({}), &["#/url"][..]),
        (
            json!({"url": 7, "event_types": "call.ended"}),
            &["#/url", "#/event_types"],
        ),
        (json!({"url": "https://example.com/\u{0}#f"}), &["#/url"]),
        (
            json!({"url": null, "event_types": ["call.ended", "call.exploded", 7]}),
            &["#/url", "#/event_types/1", "#/event_types/2"],
        ),
        (
            json!({"url": "https://example.com/", "events": ["call.ended"]}),
            &["#/events"],
        ),
        (json!([]), &[]),
    ] {
        let request = app.post(ENDPOINTS, &key).json(&wrong);
        let problem = body(request, StatusCode::BAD_REQUEST).await;
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        let named: Vec<&str> = errors
            .iter()
            .map(|error| error["pointer"].as_str().unwrap())
            .collect();
        assert_eq!(named, pointers, "{wrong}: {problem}");
    }
}

#[tokio::test]
async fn the_fifty_first_endpoint_is_refused() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    sqlx::query(
        "insert into endpoints (account_id, endpoint_id, url)
         select $1, gen_random_uuid(), 'https://example.com/' from generate_series(1, 49)",
    )
    .bind(account.id.uuid())
    .execute(&app.db)
    .await
    .unwrap();
    add(&app, &account.key, "http://127.0.0.1/").await;
    let request = app
        .post(ENDPOINTS, &account.key)
        .json(&json!({"url": "http://127.0.0.1/"}));
    let problem = body(request, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(
        problem["detail"],
        "an account may have at most 50 endpoints"
    );
}

#[tokio::test]
async fn a_deleted_endpoint_is_told_nothing_and_its_deliveries_stay() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let receiver = Receiver::start();
    let added = add(&app, &account.key, &receiver.url()).await;
    emit(&app, account.id, &[EventType::CallEnded]).await;
    let path = format!("{ENDPOINTS}/{}", added["id"].as_str().unwrap());
    let delete = || {
        app.request(Method::DELETE, &path)
            .bearer_auth(&account.key)
            .send()
    };
    assert_eq!(delete().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(delete().await.unwrap().status(), StatusCode::NOT_FOUND);
    emit(&app, account.id, &[EventType::CallEnded]).await;
    app.run_jobs().await;
    assert!(receiver.received().is_empty());
    let delivery = sole(deliveries(&app, &account, "").await);
    assert_eq!(delivery["state"], "discarded");
}

#[tokio::test]
async fn an_endpoint_that_was_disabled_is_enabled_and_what_it_missed_is_resent() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let receiver =
        Receiver::scripted(|number, _| Reply::Status(if number == 0 { 410 } else { 200 }));
    let added = add(&app, &account.key, &receiver.url()).await;
    emit(&app, account.id, &[EventType::CallEnded]).await;
    app.run_jobs().await;
    let path = format!("{ENDPOINTS}/{}", added["id"].as_str().unwrap());
    let disabled = body(app.get(&path, &account.key), StatusCode::OK).await;
    assert_eq!(disabled["state"], "disabled");
    assert_eq!(disabled["disabled_reason"], "gone");

    let delivery = sole(deliveries(&app, &account, "state=discarded").await);
    let resend = format!("/v1/deliveries/{}/resend", delivery["id"].as_str().unwrap());
    body(app.post(&resend, &account.key), StatusCode::CONFLICT).await;
    let enabled = body(
        app.post(&format!("{path}/enable"), &account.key),
        StatusCode::OK,
    )
    .await;
    assert_eq!(
        (&enabled["state"], &enabled["disabled_reason"]),
        (&json!("enabled"), &Value::Null)
    );
    let resent = body(app.post(&resend, &account.key), StatusCode::ACCEPTED).await;
    assert_eq!(resent["state"], "pending");
    body(app.post(&resend, &account.key), StatusCode::CONFLICT).await;
    app.run_jobs().await;
    sole(deliveries(&app, &account, "state=succeeded").await);
    assert_eq!(receiver.received().len(), 2);
}

#[tokio::test]
async fn a_delivery_is_read_with_its_attempts_and_its_event_with_the_very_bytes() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let receiver = Receiver::always(Reply::Answer {
        status: 503,
        headers: vec![],
        body: b"no \xff room".to_vec(),
    });
    add(&app, &account.key, &receiver.url()).await;
    emit(&app, account.id, &[EventType::CallEnded]).await;
    for _ in 0..10 {
        app.make_jobs_due().await;
        app.run_jobs().await;
    }
    let dead = sole(deliveries(&app, &account, "state=dead").await);
    assert_eq!(
        (&dead["attempts_made"], &dead["next_attempt_at"]),
        (&json!(10), &Value::Null)
    );
    let path = format!("/v1/deliveries/{}", dead["id"].as_str().unwrap());
    let detail = body(app.get(&path, &account.key), StatusCode::OK).await;
    let attempts = detail["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 10);
    assert_eq!(attempts[0]["attempt"], 10);
    assert_eq!(attempts[0]["outcome"], "server_error");
    assert_eq!(attempts[0]["response_status"], 503);
    assert_eq!(attempts[0]["response_body"], "no \u{fffd} room");

    let event = format!("/v1/events/{}", dead["event_id"].as_str().unwrap());
    let event = body(app.get(&event, &account.key), StatusCode::OK).await;
    let got = receiver.received();
    assert_eq!(event["id"], got[0].header("webhook-id"));
    assert_eq!(event["body"].as_str().unwrap().as_bytes(), got[0].body);
    assert_eq!(event["call_id"], got[0].json()["data"]["id"]);
}

#[tokio::test]
async fn deliveries_are_listed_newest_first_by_filter_and_page() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let receiver = Receiver::start();
    let first = add(&app, &account.key, &receiver.url()).await;
    add(&app, &account.key, &receiver.url()).await;
    for _ in 0..3 {
        emit(&app, account.id, &[EventType::CallEnded]).await;
    }
    let all = deliveries(&app, &account, "").await;
    let ids: Vec<_> = all
        .iter()
        .map(|d| d["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 6);
    assert!(ids.is_sorted_by(|newer, older| newer > older));

    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/deliveries?limit=4{cursor}");
        let page = body(app.get(&path, &account.key), StatusCode::OK).await;
        paged.extend(page["data"].as_array().unwrap().clone());
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(paged, all);

    let endpoint = format!("endpoint_id={}", first["id"].as_str().unwrap());
    assert_eq!(deliveries(&app, &account, &endpoint).await.len(), 3);
    let call = format!(
        "call_id={}&state=pending",
        all[0]["call_id"].as_str().unwrap()
    );
    assert_eq!(deliveries(&app, &account, &call).await.len(), 2);
    assert!(deliveries(&app, &account, "state=dead").await.is_empty());
    for wrong in [
        "limit=0",
        "limit=101",
        "limit=x",
        "state=lost",
        "cursor=1",
        "status=dead",
    ] {
        let path = format!("/v1/deliveries?{wrong}");
        body(app.get(&path, &account.key), StatusCode::BAD_REQUEST).await;
    }
}

#[tokio::test]
async fn nothing_of_this_is_for_strangers_or_for_other_accounts() {
    let app = TestApp::boot().await;
    let owner = app.default_account().await;
    let other = app.account("other", VoipMode::Key).await;
    let staff = app.key(owner.id, KeyKind::Staff).await;
    let receiver = Receiver::always(Reply::Status(410));
    let added = add(&app, &owner.key, &receiver.url()).await;
    emit(&app, owner.id, &[EventType::CallEnded]).await;
    app.run_jobs().await;
    let delivery = sole(deliveries(&app, &owner, "").await);
    let endpoint = format!("{ENDPOINTS}/{}", added["id"].as_str().unwrap());
    let told = format!("/v1/deliveries/{}", delivery["id"].as_str().unwrap());
    let event = format!("/v1/events/{}", delivery["event_id"].as_str().unwrap());
    for (method, path) in [
        (Method::GET, endpoint.clone()),
        (Method::POST, format!("{endpoint}/enable")),
        (Method::DELETE, endpoint.clone()),
        (Method::GET, told.clone()),
        (Method::POST, format!("{told}/resend")),
        (Method::GET, event),
    ] {
        let request = |key: &str| app.request(method.clone(), &path).bearer_auth(key);
        body(app.request(method.clone(), &path), StatusCode::UNAUTHORIZED).await;
        body(request(&staff), StatusCode::FORBIDDEN).await;
        body(request(&other.key), StatusCode::NOT_FOUND).await;
    }
    assert!(deliveries(&app, &other, "").await.is_empty());
    let listed = body(app.get(ENDPOINTS, &other.key), StatusCode::OK).await;
    assert_eq!(listed, json!({"data": [], "next_cursor": null}));
    let still = body(app.get(&endpoint, &owner.key), StatusCode::OK).await;
    assert_eq!(still["state"], "disabled");
}
