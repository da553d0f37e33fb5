//! A default account with an endpoint, and what tests of analyses do with it.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::{
    app::{TestAccount, TestApp},
    receiver::{Received, Receiver},
};

/// The default account, an endpoint of it, and what came there.
pub(super) struct Scene {
    pub(super) app: TestApp,
    pub(super) account: TestAccount,
    pub(super) receiver: Receiver,
}

impl Scene {
    pub(super) async fn set() -> Self {
        let app = TestApp::boot().await;
        let account = app.default_account().await;
        let receiver = Receiver::start();
        let added = app.post("/v1/webhook-endpoints", &account.key);
        let endpoint = json!({ "url": receiver.url() });
        let added = added.json(&endpoint).send().await.unwrap();
        assert_eq!(added.status(), StatusCode::CREATED);
        Self {
            app,
            account,
            receiver,
        }
    }

    /// Reports a call by the voip surface; its id.
    pub(super) async fn report(&self, name: &str, posts: &[&str]) -> String {
        for post in posts {
            let mut body = json!({
                "CallId": name, "From": "+15550001", "To": "+15550002", "Direction": "incoming",
            });
            if *post == "call-end" {
                body["CallStatus"] = json!("completed");
                body["Duration"] = json!(59);
            }
            let path = format!("/api/v1/voip/{post}");
            let answer = self.app.request(Method::POST, &path).json(&body).send();
            assert_eq!(answer.await.unwrap().status(), StatusCode::OK, "{post}");
        }
        let id = sqlx::query_scalar("select call_id from calls where provider_call_id = $1");
        let id: uuid::Uuid = id.bind(name).fetch_one(&self.app.db).await.unwrap();
        id.to_string()
    }

    pub(super) async fn ended(&self, name: &str) -> String {
        self.report(name, &["call-ringing", "call-answered", "call-end"])
            .await
    }

    pub(super) async fn give(&self, call: &str, transcript: &Value) -> Response {
        let path = format!("/v1/calls/{call}/transcript");
        let put = self.app.put(&path, &self.account.key).json(transcript);
        put.send().await.unwrap()
    }

    pub(super) async fn get(&self, path: &str) -> (StatusCode, Value) {
        let answer = self.app.get(path, &self.account.key).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    pub(super) async fn analysis(&self, call: &str) -> Value {
        let (status, analysis) = self.get(&format!("/v1/calls/{call}/analysis")).await;
        assert_eq!(status, StatusCode::OK, "{analysis}");
        analysis
    }

    /// Runs every job, those that are held back too.
    pub(super) async fn settle(&self) {
        self.app.run_jobs().await;
        self.app.make_jobs_due().await;
        self.app.run_jobs().await;
    }

    /// The analyses that were told of a call, in order.
    pub(super) fn told(&self, call: &str) -> Vec<Value> {
        let events = self.receiver.received();
        let events = events.iter().map(Received::json);
        events
            .filter(|event| event["type"] == "call.analyzed" && event["data"]["id"] == call)
            .map(|event| event["data"]["analysis"].clone())
            .collect()
    }
}
