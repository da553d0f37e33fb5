//! Back-fills of calls about which a language model is asked: they are done when it has answered, or given up.

use std::{
    process::{Command, Output},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
};

use super::*;

impl Scene {
    /// The service's settings of its model.
    fn model_settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("ONHOOK_LLM_URL", self.model.url().replace("/hook", "/v1")),
            ("ONHOOK_LLM_MODEL", "small-1".to_owned()),
        ]
    }

    /// `onhook reanalyze` over everything, while a worker does the work.
    async fn reanalyze(&self, more: &'static [&'static str]) -> Output {
        let settings = self.model_settings();
        let borrowed: Vec<(&str, &str)> = settings
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let worker = self.app.worker_with(&borrowed).await;
        let url = self.app.database().url().to_owned();
        let run = tokio::task::spawn_blocking(move || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_onhook"));
            let command = command.args(["reanalyze", "--since", "2020-01-01"]);
            let command = command.args(more).env_clear().envs(settings);
            let command = command.env("ONHOOK_SECRET_KEY", "00".repeat(32));
            command.env("DATABASE_URL", url).output().unwrap()
        });
        let output = run.await.unwrap();
        worker.stop().await;
        output
    }

    async fn newest(&self, call: &str) -> Value {
        self.analysis(call).await["revision"].clone()
    }
}

fn printed(output: &Output) -> Value {
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn a_back_fill_is_done_when_the_model_has_answered() {
    let (release, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let scene = Scene::set(move |number, _| {
        if number >= 3 {
            gate.lock().unwrap().recv().unwrap();
        }
        says(&answer())
    })
    .await;
    let mut calls = Vec::new();
    for number in 0..3 {
        calls.push(scene.ended(&format!("filled-{number}"), &refund()).await);
    }
    scene.settle().await;
    assert_eq!(scene.sent().len(), 3);
    let over = Arc::new(AtomicBool::new(false));
    let filling = async {
        let output = scene.reanalyze(&["--force"]).await;
        over.store(true, Ordering::SeqCst);
        output
    };
    let answering = async {
        eventually(Duration::from_secs(30), "the model is asked", async || {
            (scene.sent().len() > 3).then_some(())
        })
        .await;
        // Every call has been handed to the model or waits for that, none has an answer.
        eventually(Duration::from_secs(30), "all are handed over", async || {
            let analyses = scene.app.jobs("analyze").await;
            (analyses == 0 && scene.app.jobs("insights").await == 3).then_some(())
        })
        .await;
        let early = over.load(Ordering::SeqCst);
        for _ in 0..3 {
            release.send(()).unwrap();
        }
        early
    };
    let (output, early) = tokio::join!(filling, answering);
    assert!(!early, "it is not done before the answers are there");
    let counts = json!({"looked_at": 3, "outdated": 3, "analysed": 3, "unchanged": 0, "failed": 0});
    assert_eq!(printed(&output), counts);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        told.contains("3 outdated, 3 analysed, 0 unchanged, 0 failed"),
        "{told}"
    );
    for call in &calls {
        assert_eq!(scene.newest(call).await, 2);
        assert_eq!(
            scene.analysis(call).await["insights"]["status"],
            "completed"
        );
    }
}

#[tokio::test]
async fn a_back_fill_is_done_when_the_model_has_given_up() {
    let works = Arc::new(AtomicBool::new(true));
    let now = Arc::clone(&works);
    let scene = Scene::set(move |_, _| {
        if now.load(Ordering::SeqCst) {
            return says(&answer());
        }
        status(401, &[], &json!({"error": {"message": "who are you?"}}))
    })
    .await;
    let call = scene.ended("given-up", &refund()).await;
    scene.settle().await;
    works.store(false, Ordering::SeqCst);
    // A revision that says so is a revision.
    let forced = printed(&scene.reanalyze(&["--force"]).await);
    let analysed =
        json!({"looked_at": 1, "outdated": 1, "analysed": 1, "unchanged": 0, "failed": 0});
    assert_eq!(forced, analysed);
    assert_eq!(scene.newest(&call).await, 2);
    assert_eq!(scene.analysis(&call).await["insights"]["status"], "failed");
    // Asked again it fails as before: there is nothing new to say.
    let again = printed(&scene.reanalyze(&[]).await);
    let unchanged =
        json!({"looked_at": 1, "outdated": 1, "analysed": 0, "unchanged": 1, "failed": 0});
    assert_eq!(again, unchanged);
    assert_eq!(scene.newest(&call).await, 2);
    works.store(true, Ordering::SeqCst);
    assert_eq!(printed(&scene.reanalyze(&[]).await), analysed);
    assert_eq!(
        scene.analysis(&call).await["insights"]["status"],
        "completed"
    );
}
