//! How much a client may do: requests a minute, and bytes a body.

use http_body_util::{BodyExt as _, Full};
use onhook::{
    api::document,
    domain::account::{KeyKind, VoipMode},
};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::{app::TestApp, contract::RequestBuilder};

async fn told(answer: Response) -> Value {
    answer.json().await.unwrap()
}

#[tokio::test]
async fn a_key_s_requests_are_bounded_and_every_answer_says_what_is_left() {
    let app = TestApp::boot_with(&[("ONHOOK_REQUESTS_PER_KEY", "3")]).await;
    let account = app.account("acme", VoipMode::Key).await;
    let other = app.key(account.id, KeyKind::App).await;
    for (path, pointer, word) in [
        ("/calls/query", "/status", "error"),
        (
            "/v3/communication/voice_calls",
            "/errors/0/code",
            "too_many_requests",
        ),
        ("/v1/deliveries", "/code", "rate_limited"),
    ] {
        let key = app.key(account.id, KeyKind::App).await;
        for left in [2, 1, 0] {
            let answer = app.get(path, &key).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
            assert_eq!(
                answer.headers()["ratelimit-policy"],
                "\"requests\";q=3;w=60"
            );
            let full_s = 60 - left * 20;
            let standing = format!("\"requests\";r={left};t={full_s}");
            assert_eq!(answer.headers()["ratelimit"], standing.as_str(), "{path}");
        }
        let refused = app.get(path, &key).send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS, "{path}");
        assert_eq!(refused.headers()["retry-after"], "20");
        assert_eq!(refused.headers()["ratelimit"], "\"requests\";r=0;t=60");
        let refused = told(refused).await;
        assert_eq!(refused.pointer(pointer).unwrap(), word, "{refused}");
        assert!(
            refused.to_string().contains("at most 3 requests a minute"),
            "{refused}"
        );
    }
    let another = app.get("/calls/query", &other).send().await.unwrap();
    assert_eq!(
        another.status(),
        StatusCode::OK,
        "another key, another count"
    );
    let counted = app.metrics().await;
    assert!(counted.contains("onhook_requests_limited_total{limit=\"requests\"} 3"));
}

fn report(app: &TestApp, key: &str, number: usize) -> RequestBuilder {
    let body = json!({"CallId": format!("CA{number}"), "From": "+1", "To": "+2"});
    app.post("/api/v1/voip/call-in-queue", key).json(&body)
}

#[tokio::test]
async fn reports_have_a_bound_of_their_own_and_none_unless_one_is_set() {
    let app = TestApp::boot_with(&[
        ("ONHOOK_REPORTS_PER_KEY", "2"),
        ("ONHOOK_REQUESTS_PER_KEY", "1"),
    ])
    .await;
    let account = app.account("acme", VoipMode::Key).await;
    for number in 0..2 {
        let taken = report(&app, &account.key, number).send().await.unwrap();
        assert_eq!(taken.status(), StatusCode::OK);
        assert_eq!(taken.headers()["ratelimit-policy"], "\"reports\";q=2;w=60");
    }
    let refused = report(&app, &account.key, 2).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["retry-after"], "30");
    let refused = told(refused).await;
    assert_eq!(refused["error"]["code"], 429);
    assert_eq!(
        refused["data"]["message"],
        "at most 2 reports a minute; try again in 30 s"
    );

    let app = TestApp::boot_with(&[("ONHOOK_REQUESTS_PER_KEY", "1")]).await;
    let account = app.account("acme", VoipMode::Key).await;
    for number in 0..50 {
        let taken = report(&app, &account.key, number).send().await.unwrap();
        assert_eq!(taken.status(), StatusCode::OK);
        assert!(!taken.headers().contains_key("ratelimit"));
    }
}

/// An object of exactly so many bytes.
fn padded(bytes: usize) -> Vec<u8> {
    let mut body = vec![b' '; bytes];
    body[0] = b'{';
    body[1] = b'}';
    body
}

/// What is said of a body.
async fn with_body(
    app: &TestApp,
    operation: (&Method, &str),
    key: &str,
    body: reqwest::Body,
) -> (u16, Value) {
    let request = app.request(operation.0.clone(), operation.1);
    let request = request
        .bearer_auth(key)
        .header("content-type", "application/json")
        .body(body);
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (
        status,
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default(),
    )
}

/// Every operation with a body: its method, its path, the limit that the document states.
fn with_limits() -> Vec<(Method, String, usize)> {
    let document = serde_json::to_value(document::whole()).unwrap();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let stated = operation["x-body-bytes-max"].as_u64();
            let has_body = operation["requestBody"].is_object();
            assert_eq!(
                has_body,
                stated.is_some(),
                "{method} {path}: x-body-bytes-max goes with a body"
            );
            if let Some(bytes_max) = stated {
                let method = method.to_uppercase().parse().unwrap();
                found.push((method, path.clone(), usize::try_from(bytes_max).unwrap()));
            }
        }
    }
    found
}

#[test]
fn every_limit_of_a_body_is_in_the_docs() {
    let page = include_str!("../../docs/limits.md");
    let limits = with_limits();
    for (method, path, bytes_max) in &limits {
        let row = format!("| `{method} {path}` | {} KiB |\n", bytes_max / 1024);
        assert!(page.contains(&row), "docs/limits.md lacks the row {row}");
    }
    assert_eq!(
        page.matches(" KiB |\n").count(),
        limits.len(),
        "docs/limits.md has a row too many"
    );
}

fn filled(path: &str) -> String {
    let id = uuid::Uuid::now_v7().to_string();
    let path = path.replace("{provider}", "twilio");
    let parts = path.split('/');
    let filled = parts.map(|part| {
        if part.starts_with('{') {
            id.as_str()
        } else {
            part
        }
    });
    filled.collect::<Vec<_>>().join("/")
}

/// With its length told before, or not.
fn sent(bytes: usize, chunked: bool) -> reqwest::Body {
    let body = padded(bytes);
    if chunked {
        let frames = Full::new(bytes::Bytes::from(body)).map_frame(|frame| frame);
        reqwest::Body::wrap(frames)
    } else {
        body.into()
    }
}

fn is_in_its_envelope(path: &str, told: &Value) -> bool {
    match path {
        path if path.starts_with("/api/v1/voip") => told["error"]["code"] == 413,
        path if path.starts_with("/v3/") || path.starts_with("/platform/") => {
            told["errors"][0]["code"] == "body_too_large"
        }
        path if path.starts_with("/calls") => told["status"] == "error",
        path if path.starts_with("/v1/calls") && path.split('/').count() < 5 => {
            told["status"] == "error"
        }
        _ => told["type"] == "/problems#body_too_large",
    }
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_read_and_one_byte_more_is_not() {
    let app = TestApp::boot().await;
    let account = app.account("acme", VoipMode::Key).await;
    for (method, path, bytes_max) in with_limits() {
        let at = filled(&path);
        let operation = (&method, at.as_str());
        for chunked in [false, true] {
            let said = format!("{method} {path}, chunked: {chunked}");
            let fits = sent(bytes_max, chunked);
            let (status, _) = with_body(&app, operation, &account.key, fits).await;
            assert_ne!(status, 413, "{said}");
            let does_not = sent(bytes_max + 1, chunked);
            let (status, told) = with_body(&app, operation, &account.key, does_not).await;
            assert_eq!(status, 413, "{said}");
            assert!(is_in_its_envelope(&at, &told), "{said}: {told}");
            let limit = format!("at most {bytes_max} bytes");
            assert!(told.to_string().contains(&limit), "{said}: {told}");
        }
    }
}
