//! Problem documents: complete, and explained where they say.

use onhook::{api::error::Code, domain::account::VoipMode};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::app::TestApp;

/// A native route, its status, its code, and where it says the fault is.
type Case = (
    Method,
    &'static str,
    u16,
    &'static str,
    Option<(&'static str, &'static str)>,
);

const NOTHING: &str = "/v1/webhook-endpoints/00000000-0000-7000-8000-000000000000";

const CASES: [Case; 8] = [
    (Method::GET, NOTHING, 404, "not_found", None),
    (
        Method::GET,
        "/v1/webhook-endpoints/x",
        400,
        "invalid_input",
        Some(("parameter", "id")),
    ),
    (
        Method::GET,
        "/v1/deliveries?limit=0",
        400,
        "invalid_input",
        Some(("parameter", "limit")),
    ),
    (
        Method::GET,
        "/v1/deliveries?state=lost",
        400,
        "invalid_input",
        Some(("parameter", "state")),
    ),
    (
        Method::GET,
        "/v1/deliveries?stat=dead",
        400,
        "invalid_input",
        Some(("parameter", "stat")),
    ),
    (
        Method::POST,
        "/v1/webhook-endpoints",
        400,
        "invalid_input",
        Some(("pointer", "#/url")),
    ),
    (
        Method::PUT,
        "/v1/calls/00000000-0000-7000-8000-000000000000/room",
        400,
        "invalid_input",
        Some(("pointer", "#/connection_id")),
    ),
    (
        Method::GET,
        "/v1/deliveries?limit=1&limit=2",
        400,
        "invalid_input",
        None,
    ),
];

#[tokio::test]
async fn a_problem_has_its_kind_its_occasion_and_every_fault_with_its_place() {
    let app = TestApp::boot().await;
    let account = app.account("acme", VoipMode::Key).await;
    for (method, path, status, code, fault) in CASES {
        let request = app.request(method.clone(), path).bearer_auth(&account.key);
        let request = request.header("x-request-id", "the-first");
        let request = match method {
            Method::GET => request,
            _ => request.json(&serde_json::json!({})),
        };
        let answer = request.send().await.unwrap();
        let at = format!("{method} {path}");
        assert_eq!(answer.status().as_u16(), status, "{at}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        assert_eq!(answer.headers()["x-request-id"], "the-first");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["type"], format!("/problems#{code}"), "{at}");
        assert_eq!(problem["code"], code);
        assert_eq!(problem["status"], status);
        assert_eq!(problem["request_id"], "the-first");
        assert_eq!(problem["instance"], path.split('?').next().unwrap());
        assert!(!problem["title"].as_str().unwrap().is_empty());
        assert!(!problem["detail"].as_str().unwrap().is_empty());
        if let Some((place, name)) = fault {
            assert_eq!(problem["errors"][0][place], name, "{at}: {problem}");
        }
    }
}

#[tokio::test]
async fn every_kind_of_problem_is_explained_where_its_type_leads() {
    let app = TestApp::boot().await;
    let page = app.request(Method::GET, "/problems").send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let page = page.text().await.unwrap();
    assert!(page == include_str!("../../docs/problems.md"));
    for code in Code::ALL {
        let heading = format!("\n## {}\n\n{}", code.as_str(), code.status().as_u16());
        assert_eq!(page.matches(&heading).count(), 1, "{heading}");
    }
    assert_eq!(page.matches("\n## ").count(), Code::ALL.len());
}
