//! An export that cannot go on looks like one: its body has no end.

use std::time::Duration;

use onhook::domain::account::VoipMode;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{export, exported, refused, seed};
use crate::{app::TestApp, deadline::eventually};

/// What is answered, byte for byte, until the connection closes.
async fn raw(app: &TestApp, key: &str, version: &str) -> String {
    let address = app.url("");
    let mut stream = TcpStream::connect(address.strip_prefix("http://").unwrap())
        .await
        .unwrap();
    let ask = format!(
        "GET /v1/calls/export {version}\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {key}\r\n\r\n"
    );
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut told = Vec::new();
    // A reset is an end, too.
    drop(stream.read_to_end(&mut told).await);
    String::from_utf8(told).unwrap()
}

/// Makes a call one that cannot be read.
async fn spoil(app: &TestApp, name: &str) {
    sqlx::query("update calls set provider = 'Not A Provider' where provider_call_id = $1")
        .bind(name)
        .execute(&app.db)
        .await
        .unwrap();
}

async fn counted(app: &TestApp, outcome: &str) -> bool {
    let counted = app.metrics().await;
    counted.contains(&format!("onhook_exports_total{{outcome=\"{outcome}\"}} 1"))
}

#[tokio::test]
async fn a_fault_in_the_middle_cuts_the_body_off() {
    let app = TestApp::boot().await;
    let account = app.account("acme", VoipMode::Key).await;
    seed(&app, &account, 450).await;
    let whole = raw(&app, &account.key, "HTTP/1.1").await;
    assert!(whole.ends_with("}\n\r\n0\r\n\r\n"));
    assert!(counted(&app, "complete").await);

    spoil(&app, "CA-333").await;
    let told = raw(&app, &account.key, "HTTP/1.1").await;
    assert!(told.starts_with("HTTP/1.1 200 OK\r\n"), "{told}");
    // Three pages came; the fourth has the fault.
    assert_eq!(told.matches("{\"id\":").count(), 300);
    assert!(!told.contains("\r\n0\r\n"), "it has no end");
    assert!(counted(&app, "cut_off").await);

    // An ordinary client is told, and goes on after the last whole row once the fault is gone.
    let request = app.unchecked(Method::GET, "/v1/calls/export?format=ndjson");
    let mut answer = request.bearer_auth(&account.key).send().await.unwrap();
    let mut came = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => came.extend(chunk),
            Ok(None) => panic!("it looks complete"),
            Err(_cut_off) => break,
        }
    }
    sqlx::query("update calls set provider = 'voip'")
        .execute(&app.db)
        .await
        .unwrap();
    let came = String::from_utf8(came).unwrap();
    let (came, _) = came.rsplit_once('\n').unwrap();
    let last: Value = serde_json::from_str(came.lines().last().unwrap()).unwrap();
    let after = format!("after={}", last["id"].as_str().unwrap());
    let rest = export(&app, &account.key, &after).await;
    assert_eq!(
        format!("{came}\n{rest}"),
        export(&app, &account.key, "").await
    );
}

#[tokio::test]
async fn a_fault_before_the_first_row_has_a_status() {
    let app = TestApp::boot().await;
    let account = app.account("acme", VoipMode::Key).await;
    seed(&app, &account, 10).await;
    spoil(&app, "CA-1").await;
    let problem = refused(&app, &account.key, "").await;
    assert_eq!(problem["code"], "internal");
    // It holds no place any more.
    for _ in 0..3 {
        assert_eq!(refused(&app, &account.key, "").await["status"], 500);
    }
}

#[tokio::test]
async fn http_1_0_which_knows_no_cut_is_refused() {
    let app = TestApp::boot().await;
    let account = app.account("acme", VoipMode::Key).await;
    seed(&app, &account, 1).await;
    let told = raw(&app, &account.key, "HTTP/1.0").await;
    assert!(told.contains(" 400 Bad Request\r\n"), "{told}");
    assert!(told.contains("an export needs HTTP/1.1"), "{told}");
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_export() {
    let app = TestApp::boot().await;
    let account = app.account("acme", VoipMode::Key).await;
    seed(&app, &account, 20_000).await;
    for _ in 0..2 {
        let request = app.unchecked(Method::GET, "/v1/calls/export");
        let mut answer = request.bearer_auth(&account.key).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(answer.chunk().await.unwrap().is_some());
    }
    eventually(
        Duration::from_secs(30),
        "their places are free",
        async || {
            let query = "end_date=2020-01-01";
            let answer = app.get(&format!("/v1/calls/export?{query}"), &account.key);
            let status = answer.send().await.unwrap().status();
            (status == StatusCode::OK).then_some(())
        },
    )
    .await;
    assert_eq!(
        exported(&app, &account.key, "end_date=2020-01-01")
            .await
            .len(),
        0
    );
}

#[tokio::test]
async fn a_stop_does_not_wait_for_an_export() {
    let app = TestApp::boot_with(&[("ONHOOK_SHUTDOWN_GRACE_S", "3600")]).await;
    let account = app.account("acme", VoipMode::Key).await;
    seed(&app, &account, 30_000).await;
    let request = app.unchecked(Method::GET, "/v1/calls/export");
    let mut answer = request.bearer_auth(&account.key).send().await.unwrap();
    assert!(answer.chunk().await.unwrap().is_some());
    let read = async {
        loop {
            match answer.chunk().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("it looks complete"),
                Err(_cut_off) => break,
            }
        }
    };
    let both = async { tokio::join!(app.stop(), read) };
    tokio::time::timeout(Duration::from_mins(1), both)
        .await
        .expect("the stop waits for the export");
}
