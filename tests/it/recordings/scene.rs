//! An account that may have asked for its recordings, and calls that end with one.

use std::{fs, path::PathBuf};

use super::*;
use crate::app::{TestAccount, TestApp};

pub(super) struct Scene {
    pub(super) app: TestApp,
    pub(super) account: TestAccount,
    pub(super) receiver: Receiver,
}

impl Scene {
    pub(super) async fn set(settings: &[(&str, &str)]) -> Self {
        let app = TestApp::boot_with(settings).await;
        let account = app.account("heard", VoipMode::Key).await;
        let receiver = Receiver::start();
        let endpoint = json!({ "url": receiver.url() });
        let added = app
            .post("/v1/webhook-endpoints", &account.key)
            .json(&endpoint);
        assert_eq!(added.send().await.unwrap().status(), StatusCode::CREATED);
        Self {
            app,
            account,
            receiver,
        }
    }

    pub(super) async fn put_settings(&self, body: &Value) -> (StatusCode, Value) {
        let put = self.app.put("/v1/analysis-settings", &self.account.key);
        let answer = put.json(body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    /// Says what the account wants of its recordings.
    pub(super) async fn wants(&self, recordings: &Value) {
        let (status, answer) = self
            .put_settings(&json!({ "recordings": recordings }))
            .await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }

    /// A call that has ended, with a recording if the place is not empty; its id.
    pub(super) async fn ended(&self, name: &str, recording: &str) -> String {
        let mut body = json!({
            "CallId": name, "From": "+15550001", "To": "+15550002", "Direction": "incoming",
        });
        for post in ["call-ringing", "call-answered", "call-end"] {
            if post == "call-end" {
                body["CallStatus"] = json!("completed");
                body["Duration"] = json!(59);
                if !recording.is_empty() {
                    body["RecordingUrl"] = json!(recording);
                }
            }
            let answer = self
                .app
                .post(&format!("/api/v1/voip/{post}"), &self.account.key);
            let status = answer.json(&body).send().await.unwrap().status();
            assert_eq!(status, StatusCode::OK, "{post}");
        }
        let id = sqlx::query_scalar("select call_id from calls where provider_call_id = $1");
        let id: uuid::Uuid = id.bind(name).fetch_one(&self.app.db).await.unwrap();
        id.to_string()
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

    pub(super) async fn transcript(&self, call: &str) -> Value {
        let (status, transcript) = self.get(&format!("/v1/calls/{call}/transcript")).await;
        assert_eq!(status, StatusCode::OK, "{transcript}");
        transcript
    }

    /// All revisions, newest first.
    pub(super) async fn revisions(&self, call: &str) -> Vec<Value> {
        let (status, list) = self.get(&format!("/v1/calls/{call}/analyses")).await;
        assert_eq!(status, StatusCode::OK, "{list}");
        list["data"].as_array().unwrap().clone()
    }

    /// The revisions that were told of, in order.
    pub(super) fn told(&self, call: &str) -> Vec<u64> {
        let events = self.receiver.received();
        let events = events.iter().map(Received::json);
        events
            .filter(|event| event["type"] == "call.analyzed" && event["data"]["id"] == call)
            .map(|event| event["data"]["analysis"]["revision"].as_u64().unwrap())
            .collect()
    }

    /// Runs every job, those that are held back too, three times over: analysed, read, analysed again.
    pub(super) async fn settle(&self) {
        for _ in 0..3 {
            self.app.run_jobs().await;
            self.app.make_jobs_due().await;
        }
        self.app.run_jobs().await;
    }

    /// Has the job that reads run on its last attempt, if it has not been done.
    pub(super) async fn give_up(&self) {
        let last = "update jobs set attempt = attempts_max - 1, run_at = now() where kind = 'read_recording'";
        assert_eq!(
            sqlx::query(last)
                .execute(&self.app.db)
                .await
                .unwrap()
                .rows_affected(),
            1
        );
        self.settle().await;
    }

    /// Runs the job once more, as after a crash between two steps.
    pub(super) async fn read_again(&self, call: &str) {
        let again = "insert into jobs (job_id, kind, account_id, args, attempts_max)
                     values (gen_random_uuid(), 'read_recording', $1, $2, 10)";
        let args = json!({"account_id": self.account.id, "call_id": call});
        let again = sqlx::query(again).bind(self.account.id.uuid()).bind(args);
        again.execute(&self.app.db).await.unwrap();
        self.settle().await;
        assert_eq!(self.app.jobs("read_recording").await, 0);
    }
}

pub(super) fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/analysis");
    fs::read(path.join(name)).unwrap()
}

/// A server's answer with a file.
pub(super) fn audio(body: Vec<u8>) -> Reply {
    Reply::Answer {
        status: 200,
        headers: vec![
            ("content-type", "audio/x-wav".to_owned()),
            ("etag", "\"one\"".to_owned()),
        ],
        body,
    }
}

/// How far a number is from the truth, in percent of it.
pub(super) fn percent_off(found: &Value, truth: u32) -> f64 {
    let truth = f64::from(truth);
    100.0 * (found.as_f64().unwrap() - truth).abs() / truth
}
