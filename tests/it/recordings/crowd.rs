//! Many recordings at once: however few workers there are, other work goes on beside them, and what a client says meanwhile counts.

use std::{sync::mpsc, time::Duration};

use super::{
    speech::{json_reply, verbose},
    *,
};
use crate::deadline::eventually;

#[tokio::test]
async fn recordings_that_take_for_ever_keep_nothing_else_waiting_however_few_workers_there_are() {
    for workers in ["1", "2", "8"] {
        let scene = Scene::set(&[]).await;
        scene.wants(&json!({"fetch": true})).await;
        // A head, then a byte a second: every one of them takes its five minutes.
        let server = Receiver::always(Reply::Drip);
        let worker = scene.app.worker_with(&[("ONHOOK_WORKERS", workers)]).await;
        let mut calls = Vec::new();
        for number in 0..12 {
            let name = format!("{workers}-{number}");
            calls.push(scene.ended(&name, &server.url()).await);
        }
        eventually(Duration::from_secs(30), "every call is told", async || {
            let all = calls.iter().all(|call| scene.told(call) == [1]);
            all.then_some(())
        })
        .await;
        assert_eq!(scene.app.jobs("read_recording").await, 12);
        let reading = server.received().len();
        let bound = workers.parse::<usize>().unwrap().div_ceil(2);
        assert!((1..=bound).contains(&reading), "{workers}: {reading}");
        // A call that has no recording is not behind them.
        let other = scene.ended(&format!("{workers}-other"), "").await;
        eventually(Duration::from_secs(10), "the other is told", async || {
            (scene.told(&other) == [1]).then_some(())
        })
        .await;
        worker.stop().await;
    }
}

#[tokio::test]
async fn a_transcript_that_comes_while_the_service_writes_wins_and_nothing_is_lost() {
    let (said, go_on) = mpsc::channel::<()>();
    let go_on = std::sync::Mutex::new(go_on);
    let service = Receiver::scripted(move |number, _| {
        if number == 0 {
            go_on.lock().unwrap().recv().unwrap();
        }
        json_reply(&verbose("agent"))
    });
    let scene = Scene::set(&[("ONHOOK_STT_URL", &service.url())]).await;
    scene
        .wants(&json!({"fetch": true, "transcribe": true, "agent_channel": "first"}))
        .await;
    let server = Receiver::always(audio(fixture("call_dual.opus")));
    let call = scene.ended("meanwhile", &server.url()).await;
    let given = json!({"utterances": [{"speaker": "agent", "text": "As given.", "begin_ms": 500, "end_ms": 5_000}]});
    let client = async {
        eventually(
            Duration::from_secs(20),
            "the service is asked",
            async || (service.received().len() == 1).then_some(()),
        )
        .await;
        let path = format!("/v1/calls/{call}/transcript");
        let put = scene.app.put(&path, &scene.account.key).json(&given);
        let status = put.send().await.unwrap().status();
        said.send(()).unwrap();
        status
    };
    let ((), status) = tokio::join!(scene.settle(), client);
    assert_eq!(status, StatusCode::CREATED);
    scene.settle().await;
    let transcript = scene.transcript(&call).await;
    assert_eq!(transcript["source"], "caller");
    assert_eq!(transcript["utterances"][0]["text"], "As given.");
    let analysis = scene.analysis(&call).await;
    assert_eq!(analysis["input"]["transcript_source"], "caller");
    let skipped = json!({"status": "skipped", "reason": "TRANSCRIPT_GIVEN"});
    assert_eq!(analysis["transcription"], skipped);
    // What was heard is there beside it.
    assert_eq!(analysis["recording"]["status"], "completed");
    assert_eq!(scene.app.jobs("read_recording").await, 0);
}
