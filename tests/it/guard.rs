//! What stands around every route: refusals that no handler makes, and the headers of every answer.

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
    middleware::from_fn_with_state,
    routing::post,
};
use http_body_util::BodyExt as _;
use onhook::{api, metrics::Metrics};
use reqwest::Method;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tower::ServiceExt as _;

use crate::app::TestApp;

/// Sends these bytes and answers what comes back.
async fn raw(app: &TestApp, request: &str) -> String {
    let url = app.url("");
    let mut stream = TcpStream::connect(url.trim_start_matches("http://"))
        .await
        .unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn an_unknown_path_or_method_is_told_in_the_words_of_its_surface() {
    let app = TestApp::boot().await;
    for (method, path, code, pointer, value) in [
        (
            Method::POST,
            "/api/v1/voip/call-lost",
            404,
            "/error/type",
            "ERROR_RECORD_NOT_FOUND",
        ),
        (
            Method::GET,
            "/api/v1/voip/call-end",
            405,
            "/error/type",
            "ERROR_INVALID_INPUT",
        ),
        (Method::GET, "/calls", 405, "/status", "error"),
        (Method::DELETE, "/calls/end", 405, "/status", "error"),
        (
            Method::GET,
            "/v3/communication/nothing",
            404,
            "/errors/0/code",
            "not_found",
        ),
        (
            Method::DELETE,
            "/v3/communication/voice_calls",
            405,
            "/errors/0/code",
            "method_not_allowed",
        ),
        (Method::GET, "/nothing", 404, "/code", "not_found"),
        (Method::POST, "/livez", 405, "/code", "method_not_allowed"),
        (Method::GET, "/calls/query/", 404, "/status", "error"),
        (Method::GET, "//calls/query", 404, "/code", "not_found"),
    ] {
        let answer = app.unchecked(method.clone(), path).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), code, "{method} {path}");
        assert_eq!(
            answer.headers().contains_key("allow"),
            code == 405,
            "{method} {path}"
        );
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body.pointer(pointer).unwrap(), value, "{method} {path}");
    }
}

/// The layers of the service around a route that panics; the service itself has none.
fn panicking() -> Router {
    async fn panics() -> StatusCode {
        panic!("this is what a bug looks like")
    }
    Router::new()
        .route("/calls/end", post(panics))
        .route("/api/v1/voip/call-end", post(panics))
        .route("/v1/events/{id}", post(panics))
        .layer(from_fn_with_state(Metrics::new(), api::around))
}

#[tokio::test]
async fn a_panic_is_answered_and_says_nothing_of_itself() {
    for (path, pointer, value) in [
        ("/calls/end", "/status", "error"),
        ("/api/v1/voip/call-end", "/error/type", "ERROR_SERVER_ERROR"),
        ("/v1/events/1", "/code", "internal"),
    ] {
        let request = Request::post(path).header("host", "a");
        let request = request.body(Body::empty()).unwrap();
        let answer = panicking().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 500);
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body.pointer(pointer).unwrap(), value);
        assert!(!body.to_string().contains("bug"));
    }
}

#[tokio::test]
async fn a_request_names_one_host() {
    let app = TestApp::boot().await;
    for (hosts, status) in [
        ("host: a\r\n", "200"),
        ("", "400"),
        ("host: a\r\nhost: a\r\n", "400"),
    ] {
        let request = format!("GET /livez HTTP/1.1\r\n{hosts}connection: close\r\n\r\n");
        let answer = raw(&app, &request).await;
        assert_eq!(answer.get(9..12), Some(status), "{hosts}");
    }
}

#[tokio::test]
async fn a_long_path_is_refused() {
    let app = TestApp::boot().await;
    for (length, code) in [(2048, 404), (2049, 414)] {
        let path = format!("/{}", "a".repeat(length - 1));
        let answer = app.unchecked(Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), code, "{length}");
    }
}

#[tokio::test]
async fn every_answer_keeps_browsers_and_caches_out() {
    let app = TestApp::boot().await;
    let long = format!("/{}", "a".repeat(3000));
    for path in ["/livez", "/nothing", "/calls/query", "/openapi.yaml", &long] {
        let answer = app.unchecked(Method::GET, path).send().await.unwrap();
        let headers = answer.headers();
        assert_eq!(headers["cache-control"], "no-store", "{path}");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert!(
            headers["content-security-policy"]
                .to_str()
                .unwrap()
                .starts_with("default-src 'none'")
        );
        assert!(headers.contains_key("x-request-id"));
        assert!(!headers.contains_key("access-control-allow-origin"));
        assert!(!headers.contains_key("server"));
    }
}

#[tokio::test]
async fn the_document_is_served_as_committed() {
    let app = TestApp::boot().await;
    let answer = app
        .request(Method::GET, "/openapi.yaml")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["content-type"], "application/yaml");
    assert!(answer.text().await.unwrap() == include_str!("../../openapi.yaml"));
}

#[tokio::test]
async fn the_pages_load_nothing_from_elsewhere() {
    let app = TestApp::boot().await;
    let get = async |path: &str| app.unchecked(Method::GET, path).send().await.unwrap();
    let page = get("/docs/").await;
    assert!(
        page.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .contains("script-src 'self'")
    );
    let html = page.text().await.unwrap();
    let sources: Vec<&str> = html
        .split(['"', '\''])
        .filter(|text| text.starts_with("./") || *text == "index.css")
        .collect();
    assert!(sources.len() >= 4, "{html}");
    for source in sources {
        let path = format!("/docs/{}", source.trim_start_matches("./"));
        assert_eq!(get(&path).await.status(), 200, "{path}");
    }
    assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("//cdn"));
    let script = get("/docs/swagger-initializer.js")
        .await
        .text()
        .await
        .unwrap();
    assert!(
        script.contains("/openapi.yaml") && script.contains("none"),
        "{script}"
    );
    assert!(!script.contains("petstore"), "{script}");
}
