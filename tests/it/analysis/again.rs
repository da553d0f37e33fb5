//! Analyses that somebody asks for: of one call, and of all calls of a time.

use std::process::{Command, Output};

use onhook::app::App;

use super::*;

impl Scene {
    async fn ask(&self, call: &str, query: &str) -> (StatusCode, Value) {
        let path = format!("/v1/calls/{call}/analysis{query}");
        let answer = self.app.post(&path, &self.account.key).send().await;
        let answer = answer.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn settings(&self, body: Value) {
        let put = self.app.put("/v1/analysis-settings", &self.account.key);
        let answer = put.json(&body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }

    /// The revisions of a call, newest first.
    async fn revisions(&self, call: &str) -> Vec<Value> {
        let (status, page) = self.get(&format!("/v1/calls/{call}/analyses")).await;
        assert_eq!(status, StatusCode::OK);
        page["data"].as_array().unwrap().clone()
    }

    /// `onhook reanalyze` for the default account, while a worker does the work.
    async fn reanalyze(&self, args: &[&str]) -> Output {
        let replica: App = self.app.worker().await;
        let url = self.app.database().url().to_owned();
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let run = tokio::task::spawn_blocking(move || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_onhook"));
            let command = command.arg("reanalyze").args(args).env_clear();
            let command = command.env("ONHOOK_SECRET_KEY", "00".repeat(32));
            command.env("DATABASE_URL", url).output().unwrap()
        });
        let output = run.await.unwrap();
        replica.stop().await;
        output
    }
}

fn printed(output: &Output) -> Value {
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn what_would_say_the_same_is_not_made_again() {
    let scene = Scene::set().await;
    let call = scene.ended("same").await;
    scene.settle().await;
    let (status, answer) = scene.ask(&call, "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        answer,
        json!({"call_id": call, "state": "current", "revision": 1})
    );
    scene.settle().await;
    assert_eq!(scene.told(&call).len(), 1);
}

#[tokio::test]
async fn other_settings_make_another_revision_when_somebody_asks() {
    let scene = Scene::set().await;
    let call = scene.ended("other-settings").await;
    scene.settle().await;
    scene.settings(json!({"short_call_seconds": 600})).await;
    for _ in 0..2 {
        let (status, answer) = scene.ask(&call, "").await;
        assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
        assert_eq!(
            answer,
            json!({"call_id": call, "state": "queued", "revision": 1})
        );
    }
    scene.settle().await;
    let revisions = scene.revisions(&call).await;
    assert_eq!(revisions.len(), 2, "asked twice, made once");
    assert_eq!(revisions[0]["trigger"], "requested");
    assert_eq!(revisions[0]["outcome"]["value"], "short_call");
    assert_eq!(revisions[1]["outcome"]["value"], "unknown");
    let told: Vec<Value> = scene.told(&call);
    let told: Vec<&Value> = told.iter().map(|told| &told["revision"]).collect();
    assert_eq!(told, [1, 2]);
    let (status, answer) = scene.ask(&call, "").await;
    assert_eq!((status, &answer["revision"]), (StatusCode::OK, &json!(2)));
}

#[tokio::test]
async fn a_forced_analysis_is_made_once_whatever_is_there() {
    let scene = Scene::set().await;
    let call = scene.ended("forced").await;
    scene.settle().await;
    let (status, answer) = scene.ask(&call, "?force=true").await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    scene.settle().await;
    scene.settle().await;
    let revisions = scene.revisions(&call).await;
    assert_eq!(revisions.len(), 2);
    assert_eq!(revisions[0]["input"], revisions[1]["input"]);
    assert_eq!(scene.told(&call).len(), 2);
}

#[tokio::test]
async fn a_call_that_is_live_or_not_there_is_not_analysed() {
    let scene = Scene::set().await;
    let call = scene
        .report("goes-on", &["call-ringing", "call-answered"])
        .await;
    let (status, answer) = scene.ask(&call, "").await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(
        answer["detail"],
        "the call is live: it is analysed when it has ended"
    );
    let unknown = uuid::Uuid::now_v7().to_string();
    assert_eq!(scene.ask(&unknown, "").await.0, StatusCode::NOT_FOUND);
    let (status, answer) = scene.ask(&call, "?force=yes").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
}

#[tokio::test]
async fn a_back_fill_analyses_what_would_be_another_and_says_how_far_it_is() {
    let scene = Scene::set().await;
    let mut calls = Vec::new();
    for n in 0..5 {
        calls.push(scene.ended(&format!("filled-{n}")).await);
    }
    scene.report("filled-live", &["call-ringing"]).await;
    scene.settle().await;
    let since = ["--since", "2020-01-01"];
    let nothing = printed(&scene.reanalyze(&since).await);
    assert_eq!(
        nothing,
        json!({"looked_at": 5, "outdated": 0, "analysed": 0, "unchanged": 0, "failed": 0})
    );

    scene.settings(json!({"short_call_seconds": 600})).await;
    let dry = printed(
        &scene
            .reanalyze(&["--since", "2020-01-01", "--dry-run"])
            .await,
    );
    assert_eq!(dry, json!({"looked_at": 5, "outdated": 5}));
    assert_eq!(scene.revisions(&calls[0]).await.len(), 1);

    let done = scene
        .reanalyze(&["--since", "2020-01-01T00:00:00Z", "--account", "default"])
        .await;
    let progress = String::from_utf8_lossy(&done.stderr).into_owned();
    let line = "onhook: default: 5 calls looked at, 5 outdated, 5 analysed, 0 unchanged, 0 failed, now at 20";
    assert!(progress.starts_with(line), "{progress}");
    assert_eq!(
        printed(&done),
        json!({"looked_at": 5, "outdated": 5, "analysed": 5, "unchanged": 0, "failed": 0})
    );
    for call in &calls {
        let revisions = scene.revisions(call).await;
        assert_eq!(revisions.len(), 2);
        assert_eq!(revisions[0]["trigger"], "requested");
    }

    let forced = printed(&scene.reanalyze(&["--since", "2020-01-01", "--force"]).await);
    assert_eq!(forced["analysed"], 5);
    let later = printed(&scene.reanalyze(&["--since", "2100-01-01", "--force"]).await);
    assert_eq!(later["looked_at"], 0);
}

#[tokio::test]
async fn a_back_fill_goes_on_over_more_calls_than_it_takes_at_a_time() {
    let scene = Scene::set().await;
    let made = sqlx::query(
        "insert into calls (account_id, call_id, provider, provider_call_id, state, answered_at, ended_at, created_at, updated_at)
         select $1, gen_random_uuid(), 'voip', 'CA-' || n, 'completed', at, at + interval '20 seconds', at, at
         from (select n, timestamptz '2026-03-01' + n % 7 * interval '1 second' as at from generate_series(1, 250) as n) as made",
    );
    let made = made.bind(scene.account.id.uuid());
    made.execute(&scene.app.db).await.unwrap();
    let range = ["--since", "2026-03-01", "--until", "2026-03-02"];
    let done = printed(&scene.reanalyze(&range).await);
    assert_eq!(
        done,
        json!({"looked_at": 250, "outdated": 250, "analysed": 250, "unchanged": 0, "failed": 0})
    );
}
