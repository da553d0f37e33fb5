//! The Call object whole: what is stored of it comes back with its type.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::app::{TestAccount, TestApp};

struct Bench {
    app: TestApp,
    account: TestAccount,
    call: String,
}

impl Bench {
    /// A service with one ended call.
    async fn boot() -> Self {
        let app = TestApp::boot().await;
        let account = app.default_account().await;
        let ended = json!({
            "CallId": "CA1", "From": "+1234567890", "To": "+1789451230", "Direction": "incoming", "CallStatus": "completed",
        });
        let report = app.post("/api/v1/voip/call-end", &account.key).json(&ended);
        assert_eq!(report.send().await.unwrap().status(), StatusCode::OK);
        let call = sqlx::query_scalar("select call_id::text from calls")
            .fetch_one(&app.db)
            .await
            .unwrap();
        Self { app, account, call }
    }

    async fn read(&self) -> Value {
        let get = self
            .app
            .get(&format!("/calls/{}", self.call), &self.account.key);
        get.send().await.unwrap().json::<Value>().await.unwrap()["data"].take()
    }
}

#[tokio::test]
async fn what_nobody_has_said_has_its_type_all_the_same() {
    let call = Bench::boot().await.read().await;
    for (field, expected) in [
        ("cost", json!(0.0)),
        ("price_unit", json!("")),
        ("latency", json!(0)),
        ("agent_task_status", json!("")),
        ("agent_task_feedback", json!("")),
        ("agent_post_call_outcomes", Value::Null),
        ("analysis_sentiment", json!("")),
        ("retry_at", Value::Null),
        ("placement", Value::Null),
    ] {
        assert_eq!(call[field], expected, "{field}");
    }
}

#[tokio::test]
async fn the_customer_s_sentiment_stands_where_lists_find_it() {
    let bench = Bench::boot().await;
    let said = json!({"utterances": [
        {"speaker": "customer", "begin_ms": 0, "end_ms": 900, "text": "This is great, thank you so much, I love it!"},
    ]});
    let path = format!("/v1/calls/{}/transcript", bench.call);
    let put = bench.app.put(&path, &bench.account.key).json(&said);
    assert!(put.send().await.unwrap().status().is_success());
    bench.app.run_jobs().await;
    let column: Option<String> = sqlx::query_scalar("select analysis_sentiment from calls")
        .fetch_one(&bench.app.db)
        .await
        .unwrap();
    assert_eq!(column.as_deref(), Some("positive"));
    assert_eq!(bench.read().await["analysis_sentiment"], "positive");
}
