//! `transcript_status` of a voice call: what the reading of its recording comes to, in the call, in lists and where its transcript is read.

use super::{
    speech::{json_reply, verbose},
    *,
};

const VOICE_CALLS: &str = "/v3/communication/voice_calls";

impl Scene {
    /// An account that has its recordings written down by this service.
    async fn writes(service: &Receiver) -> Self {
        let base = service.url();
        let scene = Self::set(&[("ONHOOK_STT_URL", base.as_str())]).await;
        let wish = json!({"fetch": true, "transcribe": true, "agent_channel": "first"});
        scene.wants(&wish).await;
        scene
    }

    /// What is shown of the call's transcript, and the call's tag: the same in the call, in every list and where it is read.
    async fn stands(&self, call: &str) -> (Value, String) {
        let path = format!("{VOICE_CALLS}/{call}");
        let answer = self.app.get(&path, &self.account.key).send().await.unwrap();
        let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
        let shown: Value = answer.json().await.unwrap();
        let shown = shown["data"]["transcript_status"].clone();
        for known in ["IN_PROGRESS", "DONE", "FAILED"] {
            let (_, list) = self
                .get(&format!("{VOICE_CALLS}?filter[transcript_status]={known}"))
                .await;
            let listed = list["data"]["voice_calls"].as_array().unwrap();
            let listed: Vec<&Value> = listed.iter().filter(|one| one["uid"] == call).collect();
            assert_eq!(listed.len(), usize::from(shown == known), "{known} {shown}");
            assert!(listed.iter().all(|one| one["transcript_status"] == known));
        }
        let (status, read) = self.get(&format!("{VOICE_CALLS}/{call}/transcript")).await;
        if shown.is_null() {
            assert_eq!(status, StatusCode::NOT_FOUND, "{read}");
        } else {
            assert_eq!((status, &read["data"]["status"]), (StatusCode::OK, &shown));
            let said = &read["data"]["transcript"];
            assert_eq!(said.is_array(), shown == "DONE", "{said}");
            let is_call = read["data"]["transcript_uid"] == call;
            assert_eq!(is_call, shown != "DONE", "{read}");
        }
        (shown, tag)
    }
}

#[tokio::test]
async fn a_call_is_in_progress_while_its_recording_is_read_and_done_when_it_is_written_down() {
    let service = Receiver::always(json_reply(&verbose("agent")));
    let scene = Scene::writes(&service).await;
    let file = fixture("call_dual.opus");
    let server = Receiver::scripted(move |number, _| match number {
        0 => Reply::Status(404),
        _ => audio(file.clone()),
    });
    let call = scene.ended("in-progress", &server.url()).await;
    let (before, first) = scene.stands(&call).await;
    assert_eq!(before, Value::Null, "it has not been looked for yet");
    scene.app.run_jobs().await;
    let (waiting, second) = scene.stands(&call).await;
    assert_eq!(waiting, "IN_PROGRESS");
    assert_ne!(second, first, "who has the version before asks again");
    scene.settle().await;
    let (written, third) = scene.stands(&call).await;
    assert_eq!(written, "DONE");
    assert_ne!(third, second);
    // Sorted as it is shown, and what has none comes last.
    let none = scene.ended("none", "").await;
    for order in ["asc", "desc"] {
        let (_, list) = scene
            .get(&format!("{VOICE_CALLS}?sort=transcript_status:{order}"))
            .await;
        assert_eq!(list["data"]["voice_calls"][1]["uid"], none.as_str());
    }
}

#[tokio::test]
async fn a_call_has_failed_when_its_recording_is_given_up_and_is_done_with_a_transcript_given() {
    let service = Receiver::always(Reply::Status(401));
    let scene = Scene::writes(&service).await;
    let server = Receiver::always(audio(fixture("call_dual.opus")));
    let refused = scene.ended("refused", &server.url()).await;
    let gone = Receiver::always(Reply::Status(410));
    let gone = scene.ended("gone", &gone.url()).await;
    scene.settle().await;
    let (shown, tag) = scene.stands(&refused).await;
    assert_eq!(shown, "FAILED", "the service does not take it");
    assert_eq!(scene.stands(&gone).await.0, "FAILED", "it is not there");
    let given = json!({"utterances": [{"speaker": "agent", "text": "As given.", "begin_ms": 0, "end_ms": 900}]});
    let path = format!("/v1/calls/{refused}/transcript");
    let put = scene.app.put(&path, &scene.account.key).json(&given);
    assert_eq!(put.send().await.unwrap().status(), StatusCode::CREATED);
    let (shown, later) = scene.stands(&refused).await;
    assert_eq!(shown, "DONE");
    assert_ne!(later, tag);
    // Nobody is told of another account's calls, nor by another account's jobs.
    let other = scene.app.account("other", VoipMode::Key).await;
    let list = format!("{VOICE_CALLS}?filter[transcript_status]=FAILED");
    let list = scene.app.get(&list, &other.key).send().await.unwrap();
    let list: Value = list.json().await.unwrap();
    assert_eq!(list["data"]["total_count"], 0);
}

#[tokio::test]
async fn nothing_is_in_progress_or_failed_where_nobody_wants_it_written_down() {
    let file = fixture("call_dual.opus");
    let service = Receiver::always(Reply::Status(401));
    // The account wants to have it heard alone; nobody is there who writes.
    for (settings, base) in [
        (json!({"fetch": true}), Some(service.url())),
        (json!({"fetch": true, "transcribe": true}), None),
    ] {
        let base = base.unwrap_or_default();
        let with = [("ONHOOK_STT_URL", base.as_str())];
        let given = if base.is_empty() { &with[1..] } else { &with };
        let scene = Scene::set(given).await;
        scene.wants(&settings).await;
        let heard = file.clone();
        let server = Receiver::scripted(move |number, _| match number {
            0 => Reply::Status(404),
            1 => audio(heard.clone()),
            _ => Reply::Status(410),
        });
        let heard = scene.ended("heard", &server.url()).await;
        scene.app.run_jobs().await;
        assert_eq!(scene.app.jobs("read_recording").await, 1);
        assert_eq!(scene.stands(&heard).await.0, Value::Null, "{settings}");
        scene.settle().await;
        assert_eq!(scene.stands(&heard).await.0, Value::Null, "{settings}");
        let gone = scene.ended("gone", &server.url()).await;
        scene.settle().await;
        assert_eq!(scene.analysis(&gone).await["recording"]["status"], "failed");
        assert_eq!(scene.stands(&gone).await.0, Value::Null, "{settings}");
    }
}

#[tokio::test]
async fn a_recording_that_comes_late_is_in_progress_until_nobody_wants_it_any_more() {
    let service = Receiver::always(json_reply(&verbose("agent")));
    let scene = Scene::writes(&service).await;
    let server = Receiver::always(Reply::Status(404));
    let call = scene.ended("late", "").await;
    scene.settle().await;
    assert_eq!(scene.stands(&call).await.0, Value::Null);
    assert_eq!(scene.ended("late", &server.url()).await, call);
    let (shown, tag) = scene.stands(&call).await;
    assert_eq!(shown, "IN_PROGRESS");
    scene.wants(&json!({"fetch": false})).await;
    scene.settle().await;
    assert_eq!(scene.app.jobs("read_recording").await, 0);
    let (shown, later) = scene.stands(&call).await;
    assert_eq!(shown, Value::Null);
    assert_ne!(later, tag);
}
