//! A language model's part of an analysis, as a client sees it: real HTTP against a scripted server that keeps what it was sent.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    app::{TestAccount, TestApp},
    deadline::eventually,
    receiver::{Received, Receiver, Reply},
};

mod again;
mod asked;
mod failing;
mod settings;

/// A service with a model, its default account, and the model's server.
struct Scene {
    app: TestApp,
    account: TestAccount,
    model: Receiver,
}

impl Scene {
    async fn set(script: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::set_with(script, &[]).await
    }

    async fn set_with(
        script: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static,
        settings: &[(&str, &str)],
    ) -> Self {
        let model = Receiver::scripted(script);
        let url = model.url().replace("/hook", "/v1");
        let usual = [
            ("ONHOOK_LLM_URL", url.as_str()),
            ("ONHOOK_LLM_MODEL", "small-1"),
            ("ONHOOK_LLM_API_KEY", "sk-test-key"),
        ];
        let own = |name: &str| settings.iter().any(|(set, _)| *set == name);
        let usual = usual.iter().filter(|(name, _)| !own(name));
        let all: Vec<(&str, &str)> = usual.chain(settings).copied().collect();
        let app = TestApp::boot_with(&all).await;
        let account = app.default_account().await;
        Self {
            app,
            account,
            model,
        }
    }

    /// A call that has ended, with a transcript; its id.
    async fn ended(&self, name: &str, transcript: &Value) -> String {
        let live = json!({"CallId": name, "From": "+15550001", "To": "+15550002", "Direction": "incoming"});
        self.post("call-answered", &live).await;
        let call: uuid::Uuid =
            sqlx::query_scalar("select call_id from calls where provider_call_id = $1")
                .bind(name)
                .fetch_one(&self.app.db)
                .await
                .unwrap();
        self.give(&call.to_string(), transcript).await;
        let mut ended = live;
        ended["CallStatus"] = json!("completed");
        ended["Duration"] = json!(60);
        self.post("call-end", &ended).await;
        call.to_string()
    }

    async fn post(&self, place: &str, body: &Value) {
        let path = format!("/api/v1/voip/{place}");
        let posted = self.app.request(Method::POST, &path).json(body).send();
        assert_eq!(posted.await.unwrap().status(), StatusCode::OK);
    }

    async fn give(&self, call: &str, transcript: &Value) {
        let path = format!("/v1/calls/{call}/transcript");
        let put = self.app.put(&path, &self.account.key).json(transcript);
        assert_eq!(put.send().await.unwrap().status(), StatusCode::CREATED);
    }

    async fn wish(&self, insights: &Value) {
        let put = self.app.put("/v1/analysis-settings", &self.account.key);
        let put = put
            .json(&json!({"insights": insights}))
            .send()
            .await
            .unwrap();
        assert_eq!(
            put.status(),
            StatusCode::OK,
            "{}",
            put.text().await.unwrap()
        );
    }

    /// Runs every job, those that are held back too, and what follows from them.
    async fn settle(&self) {
        for _ in 0..4 {
            self.app.make_jobs_due().await;
            self.app.run_jobs().await;
        }
    }

    async fn analysis(&self, call: &str) -> Value {
        let path = format!("/v1/calls/{call}/analysis");
        let answer = self.app.get(&path, &self.account.key).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.unwrap()
    }

    /// The bodies that the model's server was sent.
    fn sent(&self) -> Vec<Value> {
        self.model.received().iter().map(Received::json).collect()
    }
}

/// A conversation.
fn talk(said: &[(&str, &str)]) -> Value {
    let utterances: Vec<Value> = said
        .iter()
        .zip(0_u32..)
        .map(|((speaker, text), at)| {
            json!({"speaker": speaker, "text": text, "begin_ms": at * 5_000, "end_ms": at * 5_000 + 4_000})
        })
        .collect();
    json!({"language": "en", "utterances": utterances})
}

fn refund() -> Value {
    talk(&[
        ("agent", "Thank you for calling, how can I help?"),
        ("customer", "I was charged twice, that is terrible."),
        ("agent", "I am sorry. I will send the refund today."),
        ("customer", "Great, thank you so much!"),
    ])
}

/// A good answer.
fn answer() -> Value {
    json!({
        "summary": "The customer was charged twice and gets a refund.", "customer_sentiment": "mixed",
        "call_reason": "double charge", "outcome": "follow_up", "call_successful": true,
        "success_reason": "A refund was promised.", "topics": ["billing", "refund"],
        "action_items": [{"owner": "agent", "text": "Send the refund", "evidence_turns": [2, 99, -1, 2]}],
        "in_voicemail": false,
    })
}

/// A completion with this text.
fn completion(text: &str) -> Value {
    json!({
        "id": "c-1", "object": "chat.completion", "created": 1, "model": "small-1-2026",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text, "refusal": null}}],
        "usage": {"prompt_tokens": 500, "completion_tokens": 90, "total_tokens": 590},
    })
}

fn ok(body: &Value) -> Reply {
    status(200, &[], body)
}

fn says(text: &Value) -> Reply {
    ok(&completion(&text.to_string()))
}

fn status(status: u16, headers: &[(&'static str, &str)], body: &Value) -> Reply {
    Reply::Answer {
        status,
        headers: headers
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect(),
        body: body.to_string().into_bytes(),
    }
}

/// The text of a request's messages.
fn prompt(body: &Value) -> String {
    let messages = body["messages"].as_array().unwrap().iter();
    let contents: Vec<&str> = messages
        .map(|message| message["content"].as_str().unwrap())
        .collect();
    contents.join("\n")
}

#[tokio::test]
async fn a_model_s_answer_is_part_of_the_analysis() {
    let scene = Scene::set(|_, _| says(&answer())).await;
    let call = scene.ended("good", &refund()).await;
    scene.settle().await;

    let analysis = scene.analysis(&call).await;
    assert_eq!(analysis["revision"], 1, "the analysis waited for the model");
    assert_eq!(analysis["trigger"], "call_ended");
    assert_eq!(analysis["status"], "completed");
    assert_eq!(analysis["analysis_level"], "llm");
    assert_eq!(
        analysis["insights"],
        json!({
            "status": "completed", "method": "llm", "model": "small-1-2026", "prompt_version": "1",
            "usage": {"requests": 1, "prompt_tokens": 500, "completion_tokens": 90}, "truncated": false,
            "suspected_injection": false, "summary": "The customer was charged twice and gets a refund.",
            "call_reason": "double charge", "outcome": "follow_up", "customer_sentiment": "mixed",
            "topics": ["billing", "refund"], "in_voicemail": false,
            // Turns 99 and -1 are not there.
            "action_items": [{"owner": "agent", "text": "Send the refund", "evidence_turns": [2]}],
        })
    );
    assert_eq!(
        analysis["success_evaluation"],
        json!({"status": "completed", "method": "llm", "value": true, "reason": "A refund was promised."})
    );
    let none = json!({"status": "skipped", "reason": "NOT_CONFIGURED"});
    assert_eq!(analysis["structured_data"], none);
    assert_eq!(analysis["outcome"]["value"], "follow_up");
    assert_eq!(analysis["outcome"]["method"], "llm");
    assert_eq!(analysis["sentiment"]["method"], "vader_call");
    let made = analysis["analyzers"].to_string();
    assert!(made.contains("llm-insights"), "{made}");

    // Asked once, whatever runs again.
    scene.settle().await;
    assert_eq!(scene.sent().len(), 1);
    assert_eq!(scene.app.jobs("insights").await, 0);
}

#[tokio::test]
async fn without_a_model_or_a_wish_the_sections_say_so() {
    let app = TestApp::boot().await;
    let scene = Scene {
        account: app.default_account().await,
        app,
        model: Receiver::start(),
    };
    let call = scene.ended("plain", &refund()).await;
    scene.settle().await;
    let none = json!({"status": "skipped", "reason": "NOT_CONFIGURED"});
    let analysis = scene.analysis(&call).await;
    for section in ["insights", "success_evaluation", "structured_data"] {
        assert_eq!(analysis[section], none, "{section}");
    }
    assert_eq!(analysis["analysis_level"], "transcript");

    let scene = Scene::set(|_, _| says(&answer())).await;
    scene.wish(&json!({"enabled": false})).await;
    let call = scene.ended("unwanted", &refund()).await;
    scene.settle().await;
    assert_eq!(
        scene.analysis(&call).await["insights"]["reason"],
        "DISABLED"
    );
    assert!(scene.sent().is_empty());
}

#[tokio::test]
async fn a_transcript_that_comes_while_the_model_thinks_is_asked_about_next() {
    let scene = Scene::set(|number, _| {
        let mut said = answer();
        said["summary"] = json!(format!("answer {number}"));
        says(&said)
    })
    .await;
    let call = scene
        .ended("changing", &talk(&[("customer", "Hello?")]))
        .await;
    // The analysis finds its question and leaves it to the job; then the transcript changes.
    scene.app.make_jobs_due().await;
    sqlx::query("update jobs set run_at = now() + interval '1 hour' where kind <> 'analyze'")
        .execute(&scene.app.db)
        .await
        .unwrap();
    scene.give(&call, &refund()).await;
    scene.settle().await;
    let analysis = scene.analysis(&call).await;
    assert_eq!(analysis["transcript"].as_array().unwrap().len(), 4);
    let asked = scene.sent();
    let last = prompt(asked.last().unwrap());
    assert!(last.contains("I was charged twice"), "{last}");
    let said = analysis["insights"]["summary"].as_str().unwrap();
    assert_eq!(said, format!("answer {}", asked.len() - 1));
}

#[tokio::test]
async fn a_worker_that_dies_while_the_model_thinks_is_followed_by_another() {
    let scene = Scene::set(|number, _| match number {
        0 => Reply::Drip,
        _ => says(&answer()),
    })
    .await;
    let call = scene.ended("crash", &refund()).await;
    let asked = eventually(Duration::from_secs(20), "the model is asked", async || {
        (!scene.sent().is_empty()).then_some(())
    });
    tokio::select! {
        () = scene.settle() => panic!("the model never answers"),
        () = asked => {}
    }
    // What the rescuer does with the lease of the dead.
    let rescued =
        "update jobs set state = 'available', leased_until = null where state = 'running'";
    sqlx::query(rescued).execute(&scene.app.db).await.unwrap();
    scene.settle().await;
    let analysis = scene.analysis(&call).await;
    assert_eq!(analysis["revision"], 1);
    assert_eq!(analysis["insights"]["status"], "completed");
    assert_eq!(scene.sent().len(), 2);
}
