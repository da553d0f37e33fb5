//! What is set of an endpoint: changed, sealed, bounded; endpoints disabled and enabled.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use onhook::domain::event::EventType;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::fixture::{call_of, emit_in};
use crate::{
    app::{TestAccount, TestApp},
    contract::RequestBuilder,
    receiver::{Received, Receiver, Reply},
};

pub(super) const ENDPOINTS: &str = "/v1/webhook-endpoints";

/// An endpoint of the default account.
pub(super) struct Set {
    pub(super) app: TestApp,
    pub(super) account: TestAccount,
    pub(super) receiver: Receiver,
    pub(super) endpoint: Value,
}

pub(super) async fn body(request: RequestBuilder, status: StatusCode) -> Value {
    let answer = request.send().await.unwrap();
    let got = answer.status();
    let text = answer.text().await.unwrap();
    assert_eq!(got, status, "{text}");
    serde_json::from_str(&text).unwrap()
}

pub(super) async fn set(settings: Value) -> Set {
    set_at(Receiver::start(), settings).await
}

pub(super) async fn set_at(receiver: Receiver, settings: Value) -> Set {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let mut wanted = settings;
    wanted["url"] = json!(receiver.url());
    let added = app.post(ENDPOINTS, &account.key).json(&wanted);
    let endpoint = body(added, StatusCode::CREATED).await;
    Set {
        app,
        account,
        receiver,
        endpoint,
    }
}

impl Set {
    pub(super) fn path(&self, rest: &str) -> String {
        let id = self.endpoint["id"].as_str().unwrap();
        format!("{ENDPOINTS}/{id}{rest}")
    }

    async fn patch(&self, patch: Value, status: StatusCode) -> Value {
        let request = self.app.request(Method::PATCH, &self.path(""));
        let request = request.bearer_auth(&self.account.key).json(&patch);
        body(request, status).await
    }

    pub(super) async fn post(&self, rest: &str) -> Value {
        let request = self.app.post(&self.path(rest), &self.account.key);
        body(request, StatusCode::OK).await
    }

    async fn read(&self) -> Value {
        let request = self.app.get(&self.path(""), &self.account.key);
        body(request, StatusCode::OK).await
    }

    /// Tells of a new call, and answers what came.
    async fn told(&self, events: &[EventType]) -> Vec<Received> {
        let mut tx = self.app.db.begin().await.unwrap();
        emit_in(&mut tx, &call_of(self.account.id), events).await;
        tx.commit().await.unwrap();
        self.app.run_jobs().await;
        self.receiver.received()
    }
}

/// The fields that a problem names.
fn pointers(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().unwrap();
    let pointers = errors.iter().map(|error| error["pointer"].as_str());
    pointers.map(Option::unwrap).collect()
}

#[tokio::test]
async fn headers_and_a_credential_go_with_every_webhook_and_are_never_shown() {
    let at = set(json!({
        "headers": {"X-Tenant": "acme hush", "x-api-key": "hush-1"}, "authorization": {"type": "bearer", "token": "hush-2"},
    }))
    .await;
    let shown = json!({"x-api-key": "********", "x-tenant": "********"});
    let read = at.read().await;
    assert_eq!(read["headers"], shown);
    assert_eq!(read["authorization"], json!({"type": "bearer"}));
    let kept: String = sqlx::query_scalar("select string_agg(e::text, ' ') from endpoints e")
        .fetch_one(&at.app.db)
        .await
        .unwrap();
    for text in [at.endpoint.to_string(), read.to_string(), kept] {
        assert!(!text.contains("hush"), "{text}");
    }
    let got = at.told(&[EventType::CallEnded]).await.pop().unwrap();
    assert_eq!(got.headers["x-tenant"], "acme hush");
    assert_eq!(got.headers["x-api-key"], "hush-1");
    assert_eq!(got.headers["authorization"], "Bearer hush-2");
    let secret = at.endpoint["secret"].as_str().unwrap();
    let webhook = Webhook::new(secret).unwrap();
    webhook.verify(&got.body, &got.headers).unwrap();
}

#[tokio::test]
async fn a_patch_sets_what_it_names_takes_away_by_null_and_leaves_the_rest() {
    let at = set(json!({
        "event_types": ["call.ended"], "headers": {"x-a": "1", "x-b": "2"}, "max_per_second": 1_000, "max_concurrency": 100,
    }))
    .await;
    let patched = at
        .patch(
            json!({
                "headers": {"x-a": null, "x-c": "3", "x-b": "********"}, "authorization": {"type": "basic", "username": "u", "password": "p:ä"},
                "event_types": ["call.*", "termination.failed"], "signatures": ["v1a", "v1"], "max_per_second": null,
            }),
            StatusCode::OK,
        )
        .await;
    assert_eq!(
        patched["headers"],
        json!({"x-b": "********", "x-c": "********"})
    );
    assert_eq!(
        patched["event_types"],
        json!(["call.*", "termination.failed"])
    );
    assert_eq!(patched["signatures"], json!(["v1", "v1a"]));
    assert_eq!(patched["max_per_second"], Value::Null);
    assert_eq!(patched["max_concurrency"], 100);
    assert_eq!(patched["url"], at.endpoint["url"]);
    assert_eq!(at.read().await, patched);
    let got = at.told(&[EventType::CallAnswered]).await.pop().unwrap();
    assert_eq!(got.headers["x-b"], "2");
    assert_eq!(got.headers["x-c"], "3");
    assert!(got.headers.get("x-a").is_none());
    let basic = format!("Basic {}", BASE64_STANDARD.encode("u:p:ä"));
    assert_eq!(got.headers["authorization"], basic);

    let cleared = json!({"headers": null, "authorization": null, "event_types": null, "signatures": null, "max_concurrency": null});
    let patched = at.patch(cleared, StatusCode::OK).await;
    assert_eq!(patched["headers"], json!({}));
    assert_eq!(patched["event_types"], json!([]));
    assert_eq!(patched["signatures"], json!(["v1"]));
    for gone in ["authorization", "max_per_second", "max_concurrency"] {
        assert_eq!(patched[gone], Value::Null, "{gone}");
    }
    let got = at.told(&[EventType::CallStarted]).await.pop().unwrap();
    assert!(got.headers.get("authorization").is_none() && got.headers.get("x-b").is_none());
}

#[tokio::test]
async fn what_cannot_be_set_is_refused_and_every_field_of_it_named() {
    let at = set(json!({})).await;
    let long = "x".repeat(4_097);
    for (wrong, named) in [
        (
            json!({
                "headers": {"Host": "a", "content-type": "a", "webhook-id": "a", "authorization": "a", "a b": "c", "x-a": "", "x-b": 7, "x-c": long},
            }),
            &[
                "#/headers/Host",
                "#/headers/a b",
                "#/headers/authorization",
                "#/headers/content-type",
                "#/headers/webhook-id",
                "#/headers/x-a",
                "#/headers/x-b",
                "#/headers/x-c",
            ][..],
        ),
        (
            json!({"headers": {"X-A": "1", "x-a": "2"}}),
            &["#/headers/x-a"],
        ),
        (
            json!({"url": null, "headers": [], "max_per_second": 0, "max_concurrency": 101, "secret": "x"}),
            &[
                "#/secret",
                "#/url",
                "#/headers",
                "#/max_per_second",
                "#/max_concurrency",
            ],
        ),
        (
            json!({"max_per_second": 1_001, "max_concurrency": 0.5, "event_types": ["*", "endpoint.*", 7], "signatures": []}),
            &[
                "#/event_types/1",
                "#/event_types/2",
                "#/signatures",
                "#/max_per_second",
                "#/max_concurrency",
            ],
        ),
        (
            json!({"authorization": {"type": "digest"}}),
            &["#/authorization/type"],
        ),
        (
            json!({"authorization": {"type": "bearer", "username": "u"}}),
            &["#/authorization/username", "#/authorization/token"],
        ),
        (
            json!({"authorization": {"type": "basic", "username": "u:v"}}),
            &["#/authorization/username", "#/authorization/password"],
        ),
        (json!({"authorization": "Bearer x"}), &["#/authorization"]),
        (
            json!({"authorization": {"type": "bearer", "token": long}}),
            &["#/authorization/token"],
        ),
    ] {
        let problem = at.patch(wrong.clone(), StatusCode::BAD_REQUEST).await;
        assert_eq!(pointers(&problem), named, "{wrong}: {problem}");
    }
    // Nothing of it was done.
    assert_eq!(at.read().await["headers"], json!({}));
    let request = at.app.request(Method::PATCH, &at.path(""));
    let request = request.bearer_auth(&at.account.key);
    let request = request.header("content-type", "application/merge-patch+json");
    let changed = request.body(r#"{"max_per_second": 1}"#);
    assert_eq!(body(changed, StatusCode::OK).await["max_per_second"], 1);
}

#[tokio::test]
async fn twenty_headers_of_eight_kibibytes_may_be_and_no_more() {
    let at = set(json!({})).await;
    let many = |count: usize| {
        let names = (0..count).map(|n| (format!("x-{n:02}"), json!("v")));
        json!({"headers": Value::Object(names.collect())})
    };
    at.patch(many(20), StatusCode::OK).await;
    let refused = at.patch(
        json!({"headers": {"x-more": "v"}}),
        StatusCode::UNPROCESSABLE_ENTITY,
    );
    let problem = refused.await;
    assert_eq!(pointers(&problem), ["#/headers"], "{problem}");
    at.patch(json!({"headers": null}), StatusCode::OK).await;
    let sized =
        |last: usize| json!({"headers": {"x-1": "v".repeat(4_096), "x-2": "v".repeat(last)}});
    at.patch(sized(4_090), StatusCode::OK).await;
    at.patch(sized(4_091), StatusCode::UNPROCESSABLE_ENTITY)
        .await;
    let kept = at.patch(
        json!({"headers": {"x-none": "********"}}),
        StatusCode::UNPROCESSABLE_ENTITY,
    );
    assert!(kept.await.to_string().contains("no header x-none"));
}

#[tokio::test]
async fn secrets_do_not_follow_an_endpoint_to_another_server() {
    let at = set(json!({"headers": {"x-a": "1", "x-b": "2"}, "authorization": {"type": "bearer", "token": "t"}})).await;
    let other = Receiver::start();
    let moved = |more: Value| {
        let mut patch = more;
        patch["url"] = json!(other.url());
        patch
    };
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    let problem = at.patch(moved(json!({})), refused).await;
    assert_eq!(pointers(&problem), ["#/url"]);
    assert!(
        problem.to_string().contains("x-a, x-b, authorization"),
        "{problem}"
    );
    let some = moved(json!({"headers": {"x-a": "1", "x-b": "********"}, "authorization": null}));
    let problem = at.patch(some, refused).await;
    assert!(problem.to_string().contains("give x-b again"), "{problem}");
    // On the same server it may be elsewhere.
    let there = at.receiver.url().replace("/hook", "/elsewhere");
    at.patch(json!({"url": there}), StatusCode::OK).await;
    let all = moved(json!({"headers": {"x-a": "9", "x-b": null}, "authorization": null}));
    let patched = at.patch(all, StatusCode::OK).await;
    assert_eq!(patched["headers"], json!({"x-a": "********"}));
    at.told(&[EventType::CallEnded]).await;
    let got = other.received().pop().unwrap();
    assert_eq!(got.headers["x-a"], "9");
    assert!(got.headers.get("authorization").is_none());
}

#[tokio::test]
async fn a_disabled_endpoint_is_told_nothing_until_it_is_enabled() {
    let receiver = Receiver::scripted(|number, _| Reply::Status([200, 410][number]));
    let at = set_at(receiver, json!({})).await;
    let mut tx = at.app.db.begin().await.unwrap();
    emit_in(&mut tx, &call_of(at.account.id), &[EventType::CallEnded]).await;
    tx.commit().await.unwrap();
    let disabled = at.post("/disable").await;
    assert_eq!(disabled["state"], "disabled");
    assert_eq!(disabled["disabled_reason"], "manual");
    assert_eq!(at.post("/disable").await, disabled);
    assert!(at.told(&[EventType::CallEnded]).await.is_empty());
    let listed = at.app.get("/v1/deliveries", &at.account.key);
    let listed = body(listed, StatusCode::OK).await;
    let listed = listed["data"].as_array().unwrap();
    assert_eq!(listed.len(), 2, "what happens meanwhile is kept for it");
    assert!(listed.iter().all(|missed| missed["state"] == "discarded"));

    let enabled = at.post("/enable").await;
    assert_eq!(enabled["state"], "enabled");
    assert_eq!(enabled["disabled_reason"], Value::Null);
    assert_eq!(at.told(&[EventType::CallEnded]).await.len(), 1);
    at.told(&[EventType::CallEnded]).await;
    assert_eq!(at.read().await["disabled_reason"], "gone");
}
