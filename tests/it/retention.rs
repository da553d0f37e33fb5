//! What is old is removed, each kind by its own time; what is young stays, and what is still needed. Time is moved in the rows.

use std::time::SystemTime;

use chrono::{DateTime, TimeDelta, Utc};
use onhook::{
    calls::retain,
    domain::{
        account::VoipMode,
        retention::{Days, Windows},
    },
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::{
    app::{TestAccount, TestApp},
    contract::RequestBuilder,
    receiver::{Receiver, Reply},
};

mod kinds;
mod said;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// A service, an account that is told of its calls, and its receiver.
struct Scene {
    app: TestApp,
    account: TestAccount,
    receiver: Receiver,
}

fn days(days: i32) -> Option<Days> {
    Days::new(days).ok()
}

/// What the server says unless it is told otherwise.
fn server() -> Windows {
    Windows {
        payload_days: days(30),
        attempt_days: days(90),
        receipt_days: days(90),
        ..Windows::default()
    }
}

impl Scene {
    async fn set() -> Self {
        Self::told_by(Receiver::start()).await
    }

    async fn told_by(receiver: Receiver) -> Self {
        let app = TestApp::boot().await;
        let account = app.account("acme", VoipMode::Key).await;
        let scene = Self {
            app,
            account,
            receiver,
        };
        scene.listen(&scene.account).await;
        scene
    }

    /// Adds an endpoint to an account.
    async fn listen(&self, account: &TestAccount) {
        let add = self.app.post("/v1/webhook-endpoints", &account.key);
        let add = add.json(&json!({"url": self.receiver.url()}));
        answer(add, StatusCode::CREATED).await;
    }

    /// A call that is over, as an account reports it; its id.
    async fn ended(&self, account: &TestAccount, name: &str) -> String {
        self.report(account, name, "call-end").await
    }

    async fn report(&self, account: &TestAccount, name: &str, kind: &str) -> String {
        let mut report = json!({
            "CallId": name, "From": "+14155550100", "To": "+14155550101", "Direction": "incoming",
            "RecordingUrl": format!("https://example.com/{name}"),
        });
        if kind == "call-end" {
            report["CallStatus"] = json!("completed");
        }
        let path = format!("/api/v1/voip/{kind}");
        let post = self.app.post(&path, &account.key).json(&report);
        assert_eq!(post.send().await.unwrap().status(), StatusCode::OK);
        let call =
            "select call_id::text from calls where account_id = $1 and provider_call_id = $2";
        sqlx::query_scalar(call)
            .bind(account.id.uuid())
            .bind(name)
            .fetch_one(&self.app.db)
            .await
            .unwrap()
    }

    async fn execute(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        sqlx::raw_sql(sql).execute(&self.app.db).await.unwrap();
    }

    async fn count(&self, rest: &str) -> i64 {
        let sql = AssertSqlSafe(format!("select count(*) from {rest}"));
        let count = sqlx::query_scalar(sql).fetch_one(&self.app.db);
        count.await.unwrap()
    }

    /// Everything that there is becomes so many seconds older.
    async fn age(&self, seconds: i64) {
        let then = DateTime::<Utc>::from(SystemTime::now()) - TimeDelta::seconds(seconds);
        let then = then.to_rfc3339();
        let young = "uuid_at(now() - interval '10 minutes')";
        for (table, ids, times) in [
            (
                "calls",
                &["call_id"][..],
                &["created_at", "updated_at", "ended_at"][..],
            ),
            ("call_names", &["call_id"], &[]),
            ("receipts", &["call_id"], &["received_at"]),
            ("transcripts", &["call_id"], &["created_at"]),
            ("analyses", &["call_id"], &[]),
            ("insights", &["call_id"], &[]),
            ("events", &["call_id", "event_id"], &[]),
            (
                "delivery_queue",
                &["call_id", "event_id", "delivery_id"],
                &[],
            ),
            ("deliveries", &["call_id", "event_id", "delivery_id"], &[]),
            ("attempts", &["delivery_id"], &[]),
        ] {
            let ids = ids.iter().map(|id| {
                format!(
                    "{id} = case when {id} > {young} then (left(uuid_at('{then}')::text, 13) || substr({id}::text, 14))::uuid else {id} end"
                )
            });
            let times = times.iter().map(|time| {
                format!("{time} = case when {time} > now() - interval '10 minutes' then '{then}' else {time} end")
            });
            let set: Vec<String> = ids.chain(times).collect();
            self.execute(&format!("update {table} set {}", set.join(", ")))
                .await;
        }
    }

    /// What the leader does.
    async fn sweep(&self, server: Windows) {
        retain::sweep(self.app.tools(), server).await.unwrap();
    }

    /// What the account says.
    async fn say(&self, account: &TestAccount, said: Value) -> Value {
        let patch = self.app.request(Method::PATCH, "/v1/account/retention");
        let patch = patch.bearer_auth(&account.key).json(&said);
        answer(patch, StatusCode::OK).await
    }

    async fn read(&self, path: &str) -> Value {
        answer(self.app.get(path, &self.account.key), StatusCode::OK).await
    }
}

async fn answer(request: RequestBuilder, status: StatusCode) -> Value {
    let answer = request.send().await.unwrap();
    let got = answer.status();
    let text = answer.text().await.unwrap();
    assert_eq!(got, status, "{text}");
    serde_json::from_str(&text).unwrap_or_default()
}
