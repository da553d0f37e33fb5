//! Recordings that are read again because somebody asks for another analysis: those that could not be read, and any that is forced.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::{
    speech::{json_reply, verbose},
    *,
};

impl Scene {
    async fn ask(&self, call: &str, query: &str) -> (StatusCode, Value) {
        let path = format!("/v1/calls/{call}/analysis{query}");
        let answer = self.app.post(&path, &self.account.key).send().await;
        let answer = answer.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    /// Asks, and is told that it will be done.
    async fn queue(&self, call: &str, query: &str) {
        let (status, answer) = self.ask(call, query).await;
        let told = (status, &answer["state"]);
        assert_eq!(told, (StatusCode::ACCEPTED, &json!("queued")), "{answer}");
    }

    async fn shown(&self, call: &str) -> Value {
        let (_, shown) = self
            .get(&format!("/v3/communication/voice_calls/{call}"))
            .await;
        shown["data"]["transcript_status"].clone()
    }

    async fn wants_it_written(&self) {
        let wish = json!({"fetch": true, "transcribe": true, "agent_channel": "first"});
        self.wants(&wish).await;
    }
}

/// A service whose answers differ each time in one word.
fn fickle() -> Receiver {
    Receiver::scripted(|number, _| {
        let text = format!("This is what was heard the {number}th time.");
        json_reply(&json!({"text": text, "language": "en"}))
    })
}

#[tokio::test]
async fn a_forced_analysis_has_the_recording_read_again() {
    let service = fickle();
    let scene = Scene::set(&[("ONHOOK_STT_URL", &service.url())]).await;
    scene.wants_it_written().await;
    let server = Receiver::always(audio(fixture("call_dual.opus")));
    let call = scene.ended("forced", &server.url()).await;
    scene.settle().await;
    let first = scene.transcript(&call).await;
    assert_eq!(scene.ask(&call, "").await.0, StatusCode::OK, "it was read");
    assert_eq!(server.received().len(), 1);

    scene.queue(&call, "?force=true").await;
    assert_eq!(scene.shown(&call).await, "DONE", "what there is, is there");
    scene.settle().await;
    assert_eq!((server.received().len(), service.received().len()), (2, 4));
    let second = scene.transcript(&call).await;
    assert_ne!(second["utterances"], first["utterances"]);
    // At once with what there was, then with what was heard: each told once.
    let triggers: Vec<Value> = scene.revisions(&call).await;
    let triggers: Vec<&Value> = triggers.iter().map(|one| &one["trigger"]).collect();
    let expected = [
        "recording_available",
        "requested",
        "recording_available",
        "call_ended",
    ];
    assert_eq!(triggers, expected);
    assert_eq!(scene.told(&call), [1, 2, 3, 4]);
    // Done is done.
    scene.settle().await;
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn what_says_the_same_the_second_time_makes_no_more_of_it() {
    let service = Receiver::always(json_reply(&verbose("agent")));
    let scene = Scene::set(&[("ONHOOK_STT_URL", &service.url())]).await;
    scene.wants_it_written().await;
    let server = Receiver::always(audio(fixture("call_dual.opus")));
    let call = scene.ended("same", &server.url()).await;
    scene.settle().await;
    let before = scene.transcript(&call).await;
    scene.queue(&call, "?force=true").await;
    scene.settle().await;
    assert_eq!((server.received().len(), service.received().len()), (2, 4));
    // The forced one, and none for the recording.
    assert_eq!(scene.told(&call), [1, 2, 3]);
    assert_eq!(scene.transcript(&call).await, before, "no second one");
}

#[tokio::test]
async fn what_was_heard_is_not_lost_when_the_recording_is_gone_by_then() {
    let service = Receiver::always(json_reply(&verbose("agent")));
    let scene = Scene::set(&[("ONHOOK_STT_URL", &service.url())]).await;
    scene.wants_it_written().await;
    let file = fixture("call_dual.opus");
    let server = Receiver::scripted(move |number, _| match number {
        0 => audio(file.clone()),
        _ => Reply::Status(410),
    });
    let call = scene.ended("gone", &server.url()).await;
    scene.settle().await;
    let before = scene.analysis(&call).await;
    scene.queue(&call, "?force=true").await;
    scene.settle().await;
    assert_eq!(server.received().len(), 2);
    let after = scene.analysis(&call).await;
    assert_eq!(after["revision"], 3, "the forced one");
    for section in ["recording", "transcription", "conversation_characteristics"] {
        assert_eq!(after[section], before[section], "{section}");
    }
    assert_eq!(scene.shown(&call).await, "DONE");
    assert_eq!(scene.app.jobs("read_recording").await, 0);
}

#[tokio::test]
async fn a_reading_that_failed_is_made_again_when_somebody_asks() {
    let works = Arc::new(AtomicUsize::new(0));
    let now = Arc::clone(&works);
    let service = Receiver::scripted(move |_, _| match now.load(Ordering::SeqCst) {
        0 => Reply::Status(401),
        _ => json_reply(&verbose("agent")),
    });
    let scene = Scene::set(&[("ONHOOK_STT_URL", &service.url())]).await;
    scene.wants_it_written().await;
    let server = Receiver::always(audio(fixture("call_dual.opus")));
    let call = scene.ended("refused", &server.url()).await;
    scene.settle().await;
    assert_eq!(scene.shown(&call).await, "FAILED");
    // Asked, it is tried; it fails as it did, and there is nothing new to tell.
    scene.queue(&call, "").await;
    assert_eq!(scene.shown(&call).await, "IN_PROGRESS");
    scene.queue(&call, "").await;
    assert_eq!(
        scene.app.jobs("read_recording").await,
        1,
        "asked twice, read once"
    );
    scene.settle().await;
    assert_eq!(server.received().len(), 2);
    assert_eq!(scene.shown(&call).await, "FAILED");
    assert_eq!(scene.told(&call), [1, 2]);

    works.store(1, Ordering::SeqCst);
    scene.queue(&call, "").await;
    scene.settle().await;
    assert_eq!(scene.shown(&call).await, "DONE");
    let analysis = scene.analysis(&call).await;
    assert_eq!(analysis["status"], "completed", "{analysis}");
    assert_eq!(analysis["trigger"], "recording_available");
    assert_eq!(scene.told(&call), [1, 2, 3]);
    assert_eq!(scene.ask(&call, "").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_service_that_is_configured_later_writes_down_what_somebody_asks_for() {
    let scene = Scene::set(&[]).await;
    scene.wants_it_written().await;
    let server = Receiver::always(audio(fixture("call_dual.opus")));
    let call = scene.ended("before", &server.url()).await;
    scene.settle().await;
    let unwritten = json!({"status": "skipped", "reason": "NOT_CONFIGURED"});
    assert_eq!(scene.analysis(&call).await["transcription"], unwritten);
    assert_eq!(scene.ask(&call, "").await.0, StatusCode::OK, "as it was");

    let service = Receiver::always(json_reply(&verbose("agent")));
    let base = service.url();
    let app = scene.app.restart_with(&[("ONHOOK_STT_URL", &base)]).await;
    let scene = Scene { app, ..scene };
    scene.settle().await;
    assert_eq!(server.received().len(), 1, "nobody has asked");
    scene.queue(&call, "").await;
    assert_eq!(scene.shown(&call).await, "IN_PROGRESS");
    scene.settle().await;
    let analysis = scene.analysis(&call).await;
    assert_eq!(analysis["transcription"]["status"], "completed");
    assert_eq!(scene.shown(&call).await, "DONE");
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn an_account_that_asks_for_no_recordings_has_none_read_by_force() {
    let scene = Scene::set(&[]).await;
    let server = Receiver::always(audio(fixture("call_dual.opus")));
    let call = scene.ended("unasked", &server.url()).await;
    scene.settle().await;
    scene.queue(&call, "?force=true").await;
    assert_eq!(scene.app.jobs("read_recording").await, 0);
    scene.settle().await;
    assert_eq!(server.received().len(), 0);
}
