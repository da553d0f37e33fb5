//! Recordings as a client sees them: an account asks for them, a call ends, the recording's server does well or badly, and the analysis says
//! what was heard or why nothing was. Servers are scripted, on loopback.

use onhook::domain::account::VoipMode;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    receiver::{Received, Receiver, Reply},
    sound::{Coding, tone, wav},
};

mod asked;
mod crowd;
mod faults;
mod resume;
mod scene;
mod speech;
mod speech_faults;
mod status;

use scene::{Scene, audio, fixture, percent_off};

#[tokio::test]
async fn nothing_is_fetched_for_an_account_that_has_not_asked_for_it() {
    let scene = Scene::set(&[]).await;
    let server = Receiver::always(audio(fixture("call_dual_8k_ulaw.wav")));
    let call = scene.ended("quiet", &server.url()).await;
    scene.settle().await;
    let analysis = scene.analysis(&call).await;
    assert_eq!(analysis["revision"], 1);
    assert_eq!(analysis["status"], "completed");
    for section in ["recording", "transcription"] {
        let skipped = json!({"status": "skipped", "reason": "DISABLED"});
        assert_eq!(analysis[section], skipped, "{section}");
    }
    assert_eq!(server.received().len(), 0);
    assert_eq!(scene.app.jobs("read_recording").await, 0);
}

#[tokio::test]
async fn a_two_channel_recording_gives_the_timing_of_a_call_without_a_transcript() {
    let scene = Scene::set(&[]).await;
    scene
        .wants(&json!({"fetch": true, "agent_channel": "first"}))
        .await;
    let server = Receiver::always(audio(fixture("call_dual_8k_ulaw.wav")));
    let call = scene.ended("two", &server.url()).await;
    scene.app.run_jobs().await;
    // The first analysis does not wait for the recording.
    let revisions = scene.revisions(&call).await;
    assert_eq!(revisions[0]["revision"], 1);
    scene.settle().await;
    let analysis = scene.analysis(&call).await;
    assert_eq!(analysis["revision"], 2);
    assert_eq!(analysis["trigger"], "recording_available");
    assert_eq!(analysis["status"], "completed");
    assert_eq!(analysis["analysis_level"], "audio_timing");
    assert_eq!(analysis["input"]["timing_source"], "vad");
    assert_eq!(
        analysis["transcription"],
        json!({"status": "skipped", "reason": "DISABLED"})
    );
    let recording = &analysis["recording"];
    assert_eq!(recording["codec"], "mu_law");
    assert_eq!(recording["sample_rate_hz"], 8_000);
    assert_eq!(recording["bytes"], 942_168);
    assert_eq!(recording["damaged"], false);
    assert_eq!(recording["channels"][0]["participant"], "agent");
    assert!(
        percent_off(&recording["speech_ms"], 49_082) < 3.0,
        "{recording}"
    );
    let heard = &analysis["conversation_characteristics"];
    assert_eq!(heard["method"], "voice_activity");
    let talk = &heard["talk_time"]["by_participant"];
    assert!(percent_off(&talk["agent"], 28_024) < 3.0, "{talk}");
    assert!(percent_off(&talk["customer"], 21_758) < 3.0, "{talk}");
    assert_eq!(heard["interruptions"]["total_count"], 1);
    assert_eq!(heard["word_count"], json!({}));
    assert_eq!(
        heard["talk_speed_wpm"],
        json!({"agent": null, "customer": null})
    );
    // One in less than a minute.
    assert_eq!(analysis["quality_flags"], json!(["high_interruptions"]));
    // Told once a revision, and read once.
    assert_eq!(scene.told(&call), [1, 2]);
    assert_eq!(server.received().len(), 1);
    scene.read_again(&call).await;
    assert_eq!(server.received().len(), 1);
    assert_eq!(scene.revisions(&call).await.len(), 2);
}

#[tokio::test]
async fn nobody_guesses_whose_channel_it_is() {
    let scene = Scene::set(&[]).await;
    scene.wants(&json!({"fetch": true})).await;
    let server = Receiver::always(audio(fixture("call_dual.opus")));
    let call = scene.ended("unnamed", &server.url()).await;
    scene.settle().await;
    let analysis = scene.analysis(&call).await;
    assert_eq!(
        analysis["recording"]["channels"][1]["participant"],
        "channel_2"
    );
    let talk = &analysis["conversation_characteristics"]["talk_time"]["by_participant"];
    assert!(percent_off(&talk["channel_1"], 28_024) < 3.0, "{talk}");
    // One in less than a minute.
    assert_eq!(analysis["quality_flags"], json!(["high_interruptions"]));
}

#[tokio::test]
async fn one_channel_tells_how_long_somebody_speaks_and_not_who() {
    let scene = Scene::set(&[]).await;
    scene
        .wants(&json!({"fetch": true, "agent_channel": "second"}))
        .await;
    let mono = wav(Coding::ALaw, 8_000, &[&tone(8_000, 440.0, 24_000)]);
    let server = Receiver::always(audio(mono));
    let call = scene.ended("mono", &server.url()).await;
    scene.settle().await;
    let analysis = scene.analysis(&call).await;
    assert_eq!(analysis["recording"]["duration_ms"], 3_000);
    assert_eq!(analysis["recording"]["codec"], "a_law");
    assert_eq!(
        analysis["recording"]["channels"][0]["participant"],
        Value::Null
    );
    assert_eq!(
        analysis["conversation_characteristics"],
        json!({"status": "skipped", "reason": "NO_SPEAKER_SEPARATION"})
    );
    assert_eq!(analysis["analysis_level"], "call_events");
    assert_eq!(analysis["status"], "completed");
}

#[tokio::test]
async fn a_recording_that_comes_after_the_end_makes_one_more_revision() {
    let scene = Scene::set(&[]).await;
    scene.wants(&json!({"fetch": true})).await;
    let server = Receiver::always(audio(fixture("call_dual.mp3")));
    let call = scene.ended("late", "").await;
    scene.settle().await;
    let first = scene.analysis(&call).await;
    assert_eq!(
        first["recording"],
        json!({"status": "skipped", "reason": "NO_RECORDING"})
    );
    assert_eq!(scene.ended("late", &server.url()).await, call);
    scene.settle().await;
    let second = scene.analysis(&call).await;
    assert_eq!(second["revision"], 2);
    assert_eq!(second["trigger"], "recording_available");
    assert_eq!(second["recording"]["codec"], "mp3");
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn an_account_that_has_not_asked_causes_no_work_when_a_recording_comes_late() {
    let scene = Scene::set(&[]).await;
    let server = Receiver::always(audio(fixture("call_dual.mp3")));
    let call = scene.ended("late", "").await;
    scene.ended("late", &server.url()).await;
    assert_eq!(scene.app.jobs("read_recording").await, 0);
    scene.settle().await;
    assert_eq!(scene.analysis(&call).await["revision"], 1);
    assert_eq!(server.received().len(), 0);
}

#[tokio::test]
async fn what_is_wrong_with_settings_of_recordings_is_named() {
    let scene = Scene::set(&[]).await;
    for (recordings, pointer) in [
        (json!({"fetch": "yes"}), "#/recordings/fetch"),
        (json!({"transcribe": true}), "#/recordings/transcribe"),
        (
            json!({"agent_channel": "left"}),
            "#/recordings/agent_channel",
        ),
        (json!({"agent_channel": 1}), "#/recordings/agent_channel"),
        (json!({"keep": true}), "#/recordings/keep"),
        (json!(true), "#/recordings"),
    ] {
        let (status, answer) = scene.put_settings(&json!({"recordings": recordings})).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
        assert_eq!(answer["errors"][0]["pointer"], pointer, "{answer}");
    }
    let told = json!({"fetch": true, "transcribe": true, "agent_channel": "second"});
    scene.wants(&told).await;
    let (_, kept) = scene.get("/v1/analysis-settings").await;
    assert_eq!(kept["recordings"], told);
}
