//! A call's whole life by the documented requests, as an endpoint is told of it.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::{
    app::TestApp,
    contract::RequestBuilder,
    receiver::{Received, Receiver, Reply},
};

async fn ok(request: RequestBuilder) -> Value {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{status}: {text}");
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn an_endpoint_hears_of_a_call_what_a_reader_would_have_seen() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    // The first attempt at telling the end fails: what follows it has to wait.
    let receiver =
        Receiver::scripted(|number, _| Reply::Status(if number == 2 { 500 } else { 200 }));
    let added = json!({"url": receiver.url()});
    let added = ok(app.post("/v1/webhook-endpoints", &account.key).json(&added)).await;
    let webhook = Webhook::new(added["secret"].as_str().unwrap()).unwrap();

    let report = json!({"CallId": "story-1", "From": "+1234567890", "To": "+1789451230", "Direction": "incoming"});
    for event in ["call-ringing", "call-answered"] {
        let path = format!("/api/v1/voip/{event}");
        ok(app.request(Method::POST, &path).json(&report)).await;
        app.run_jobs().await;
    }
    let call_id = receiver.received()[0].json()["data"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    ok(app
        .post("/calls/end", &account.key)
        .json(&json!({"call_id": call_id})))
    .await;
    ok(app
        .post("/calls/end", &account.key)
        .json(&json!({"call_id": call_id})))
    .await;
    app.run_jobs().await;
    app.make_jobs_due().await;
    app.run_jobs().await;

    let got = receiver.received();
    for request in &got {
        webhook.verify(&request.body, &request.headers).unwrap();
    }
    let types: Vec<_> = got.iter().map(Received::event_type).collect();
    let expected = [
        "call.started",
        "call.answered",
        "call.ended",
        "call.ended",
        "call.analyzed",
    ];
    assert_eq!(types, expected);
    assert_eq!(got[2].body, got[3].body);
    assert_eq!(got[2].header("webhook-id"), got[3].header("webhook-id"));
    assert_eq!(got[1].json()["data"]["call_status"], "in-progress");
    assert_eq!(
        got[3].json()["data"]["disconnect_reason"],
        "Ended Via API call"
    );
    assert_eq!(got[3].json()["data"]["analysis"], Value::Null);

    let read = ok(app.get(&format!("/calls/{call_id}"), &account.key)).await;
    assert_eq!(got[4].json()["data"], read["data"]);
    assert_eq!(read["data"]["analysis"]["status"], "completed");
}

#[tokio::test]
async fn a_reported_end_is_told_once_however_often_it_is_reported() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let receiver = Receiver::start();
    let added = json!({"url": receiver.url(), "event_types": ["call.ended", "call.analyzed"]});
    ok(app.post("/v1/webhook-endpoints", &account.key).json(&added)).await;
    let end = json!({
        "CallId": "story-2", "From": "+1234567890", "To": "+1789451230", "Direction": "incoming",
        "CallStatus": "completed", "Duration": "10"
    });
    for _ in 0..3 {
        let answer = app
            .request(Method::POST, "/api/v1/voip/call-end")
            .json(&end)
            .send();
        assert_eq!(answer.await.unwrap().status(), StatusCode::OK);
        app.run_jobs().await;
    }
    let types: Vec<_> = receiver
        .received()
        .iter()
        .map(Received::event_type)
        .collect();
    assert_eq!(types, ["call.ended", "call.analyzed"]);
}
