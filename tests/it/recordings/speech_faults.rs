//! A speech-to-text service that is down, slow, busy, confused or strict: what was heard stays, what was not written down says why.

use std::{sync::Arc, time::Duration};

use onhook::{
    domain::analysis::{FailReason, settings::recordings::RecordingSettings},
    recordings::{Again, read::Write},
};
use tokio::time::Instant;

use super::{
    speech::{json_reply, verbose},
    *,
};

fn status(status: u16, headers: Vec<(&'static str, String)>, body: &str) -> Reply {
    Reply::Answer {
        status,
        headers,
        body: body.as_bytes().to_vec(),
    }
}

async fn scene(base: &str) -> Scene {
    let settings = [("ONHOOK_STT_URL", base), ("ONHOOK_STT_TIMEOUT_S", "1")];
    let scene = Scene::set(&settings).await;
    scene
        .wants(&json!({"fetch": true, "transcribe": true, "agent_channel": "first"}))
        .await;
    scene
}

/// What a service does, and the reason that is told.
type Fault = (&'static str, Reply, &'static str);

/// What may be better later.
fn passing() -> Vec<Fault> {
    let cut = verbose("agent").to_string();
    let (cut, _) = cut.split_at(cut.len() / 2);
    vec![
        ("reset", Reply::Reset, "SPEECH_TO_TEXT_UNAVAILABLE"),
        ("slow", Reply::Drip, "SPEECH_TO_TEXT_UNAVAILABLE"),
        ("500", Reply::Status(500), "SPEECH_TO_TEXT_UNAVAILABLE"),
        (
            "429",
            status(429, vec![("retry-after", "3600".into())], ""),
            "SPEECH_TO_TEXT_UNAVAILABLE",
        ),
        ("number", json_reply(&json!(0)), "SPEECH_TO_TEXT_UNREADABLE"),
        (
            "cut JSON",
            status(200, vec![], cut),
            "SPEECH_TO_TEXT_UNREADABLE",
        ),
        (
            "no JSON",
            status(200, vec![], "<html>busy</html>"),
            "SPEECH_TO_TEXT_UNREADABLE",
        ),
        (
            "other JSON",
            json_reply(&json!({"error": {"message": "no"}})),
            "SPEECH_TO_TEXT_UNREADABLE",
        ),
    ]
}

/// What will not.
fn lasting() -> Vec<Fault> {
    vec![
        ("401", Reply::Status(401), "SPEECH_TO_TEXT_REFUSED"),
        ("404", Reply::Status(404), "SPEECH_TO_TEXT_REFUSED"),
        (
            "redirect",
            status(302, vec![("location", "/elsewhere".into())], ""),
            "SPEECH_TO_TEXT_REFUSED",
        ),
        (
            "400",
            status(400, vec![], r#"{"error":{"message":"cannot decode"}}"#),
            "SPEECH_TO_TEXT_REFUSED",
        ),
    ]
}

#[tokio::test]
async fn what_a_service_does_wrong_leaves_what_was_heard() {
    let faults = passing().into_iter().map(|fault| (fault, false));
    for ((name, reply, reason), gives_up_at_once) in
        faults.chain(lasting().into_iter().map(|fault| (fault, true)))
    {
        let service = Receiver::always(reply);
        let scene = scene(&service.url()).await;
        let server = Receiver::always(audio(fixture("call_dual.opus")));
        let call = scene.ended(name, &server.url()).await;
        scene.app.run_jobs().await;
        if !gives_up_at_once {
            assert_eq!(scene.analysis(&call).await["revision"], 1, "{name}");
            scene.give_up().await;
        }
        scene.settle().await;
        let analysis = scene.analysis(&call).await;
        assert_eq!(analysis["status"], "partial", "{name} {analysis}");
        let failed = json!({"status": "failed", "reason": reason});
        assert_eq!(analysis["transcription"], failed, "{name}");
        assert_eq!(analysis["recording"]["status"], "completed", "{name}");
        assert_eq!(analysis["analysis_level"], "audio_timing", "{name}");
        assert_eq!(analysis["sentiment"]["reason"], "NO_TRANSCRIPT", "{name}");
    }
}

#[tokio::test]
async fn a_service_that_recovers_is_asked_again_for_the_same_piece() {
    let service = Receiver::scripted(|number, _| match number {
        0 => status(429, vec![("retry-after", "0".into())], ""),
        1 => status(200, vec![], "{\"text\": \"Thank"),
        2 => json_reply(&verbose("agent")),
        _ => json_reply(&verbose("customer")),
    });
    let scene = scene(&service.url()).await;
    let server = Receiver::always(audio(fixture("call_dual.opus")));
    let call = scene.ended("busy", &server.url()).await;
    scene.settle().await;
    let analysis = scene.analysis(&call).await;
    assert_eq!(analysis["status"], "completed", "{analysis}");
    assert_eq!(analysis["transcription"]["requests"], 2);
    assert_eq!(service.received().len(), 4);
    assert_eq!(server.received().len(), 1);
    let sent: Vec<usize> = service
        .received()
        .iter()
        .map(|request| request.body.len())
        .collect();
    assert_eq!((sent[0], sent[1]), (sent[1], sent[2]));
}

#[tokio::test]
async fn a_service_that_does_not_know_the_form_is_asked_for_a_plainer_one_and_that_is_remembered() {
    let formats = Arc::new(|request: &Received| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        ["diarized_json", "verbose_json", "json"]
            .into_iter()
            .find(|format| body.contains(&format!("name=\"response_format\"\r\n\r\n{format}\r\n")))
            .unwrap()
    });
    let form = Arc::clone(&formats);
    let service = Receiver::scripted(move |_, request| match form(request) {
        "json" => json_reply(&json!({"text": "Hello there."})),
        _ => status(
            400,
            vec![],
            r#"{"error":{"message":"response_format 'verbose_json' is not compatible with this model"}}"#,
        ),
    });
    let scene = scene(&service.url()).await;
    let server = Receiver::always(audio(fixture("call_dual.opus")));
    for name in ["one", "two"] {
        let call = scene.ended(name, &server.url()).await;
        scene.settle().await;
        assert_eq!(
            scene.analysis(&call).await["transcription"]["times"],
            "none"
        );
    }
    let asked: Vec<&str> = service
        .received()
        .iter()
        .map(|request| formats(request))
        .collect();
    assert_eq!(asked, ["verbose_json", "json", "json", "json", "json"]);
}

#[tokio::test]
async fn nobody_listens_at_the_address_of_the_service() {
    let gone = Receiver::start().url();
    let scene = scene(&gone).await;
    let server = Receiver::always(audio(fixture("call_dual.opus")));
    let call = scene.ended("down", &server.url()).await;
    scene.app.run_jobs().await;
    scene.give_up().await;
    let analysis = scene.analysis(&call).await;
    assert_eq!(
        analysis["transcription"]["reason"],
        "SPEECH_TO_TEXT_UNAVAILABLE"
    );
    assert_eq!(analysis["analysis_level"], "audio_timing");
}

impl Scene {
    /// How long the job that reads waits, in whole seconds; a moment has passed since.
    async fn waits_s(&self) -> i64 {
        let wait = "select ceil(extract(epoch from run_at - now()))::bigint from jobs where kind = 'read_recording'";
        sqlx::query_scalar(wait)
            .fetch_one(&self.app.db)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn a_service_s_wish_to_be_left_alone_is_granted_within_bounds() {
    let date = |text: &str| vec![("retry-after", text.to_owned())];
    let dated =
        |now: &str, then: &str| vec![("date", now.to_owned()), ("retry-after", then.to_owned())];
    let noon = "Tue, 03 Mar 2026 12:00:00 GMT";
    for (name, headers, requests, waits_s) in [
        // More than is waited for within the job: the job waits, a quarter of an hour at most.
        ("31 s", date("31"), 1, 31),
        ("an hour", date("3600"), 1, 900),
        ("for ever", date("18446744073709551615"), 1, 900),
        (
            "in a minute",
            dated(noon, "Tue, 03 Mar 2026 12:01:00 GMT"),
            1,
            60,
        ),
        (
            "in ten years",
            dated(noon, "Mon, 03 Mar 2036 12:00:00 GMT"),
            1,
            900,
        ),
        // What is over is asked again at once, and then by the job's own schedule.
        ("now", date("0"), 3, 10),
        (
            "an hour ago",
            dated(noon, "Tue, 03 Mar 2026 11:00:00 GMT"),
            3,
            10,
        ),
        // What nobody understands is no wish.
        ("soon", date("soon"), 3, 10),
        ("negative", date("-5"), 3, 10),
        ("beyond numbers", date("99999999999999999999999"), 3, 10),
    ] {
        let service = Receiver::always(status(503, headers, "busy"));
        let scene = scene(&service.url()).await;
        let server = Receiver::always(audio(fixture("call_dual.opus")));
        scene.ended(name, &server.url()).await;
        scene.app.run_jobs().await;
        assert_eq!(service.received().len(), requests, "{name}");
        let waits = scene.waits_s().await;
        assert!((waits_s - 5..=waits_s).contains(&waits), "{name}: {waits}");
    }
}

#[tokio::test]
async fn an_answer_of_more_utterances_than_a_transcript_has_is_not_taken() {
    let segments = |count: u32| -> Value {
        let segments: Vec<Value> = (0..count)
            .map(|at| {
                let start = f64::from(at) * 0.005;
                json!({"start": start, "end": start + 0.005, "text": format!("Word {at}.")})
            })
            .collect();
        json!({"text": "", "segments": segments})
    };
    // On one channel: what is asked once is the whole of it.
    let mono = wav(Coding::Signed16, 8_000, &[&speech_of_one()]);
    for (count, expected) in [(10_000, json!("completed")), (10_001, json!("failed"))] {
        let service = Receiver::always(json_reply(&segments(count)));
        let scene = scene(&service.url()).await;
        let server = Receiver::always(audio(mono.clone()));
        let call = scene.ended("many", &server.url()).await;
        scene.settle().await;
        let analysis = scene.analysis(&call).await;
        assert_eq!(analysis["transcription"]["status"], expected, "{count}");
        assert_eq!(service.received().len(), 1, "it is not asked again");
        if count == 10_000 {
            let said = scene.transcript(&call).await;
            assert_eq!(said["utterances"].as_array().unwrap().len(), 10_000);
        } else {
            let reason = &analysis["transcription"]["reason"];
            assert_eq!(reason, "SPEECH_TO_TEXT_UNREADABLE");
            assert_eq!(analysis["recording"]["status"], "completed");
        }
    }
}

/// The agent of the fixture call, as samples of 8 kHz.
fn speech_of_one() -> Vec<f32> {
    let bytes = fixture("call_dual_8k_ulaw.wav");
    let own = bytes[58..].iter().step_by(2);
    own.map(|byte| linear(*byte)).collect()
}

/// A sample of µ-law, -1 to 1 (G.711).
fn linear(byte: u8) -> f32 {
    let byte = !byte;
    let exponent = (byte >> 4) & 0x07;
    let magnitude = ((i16::from(byte & 0x0f) << 3) + 0x84) << exponent;
    let magnitude = f32::from(magnitude - 0x84) / 32_768.0;
    if byte & 0x80 == 0 {
        magnitude
    } else {
        -magnitude
    }
}

#[tokio::test]
async fn what_is_not_written_down_in_time_leaves_what_was_heard() {
    let service = Receiver::always(Reply::Drip);
    let base = service.url();
    let scene = Scene::set(&[("ONHOOK_STT_URL", &base)]).await;
    let short = wav(Coding::Signed16, 8_000, &[&speech_of_one()[..80_000]]);
    let server = Receiver::always(audio(short));
    let url: url::Url = server.url().parse().unwrap();
    let settings = RecordingSettings {
        fetch: true,
        transcribe: true,
        agent_channel: None,
    };
    let recordings = &scene.app.tools().recordings;
    let eventually = crate::deadline::eventually;
    let deadline = Instant::now() + Duration::from_secs(8);
    let read = Box::pin(recordings.read(&url, &settings, Write::Down, deadline)).await;
    let read = read.unwrap();
    assert!(!read.sound.voices[0].is_empty());
    let failure = read.written.unwrap_err();
    assert_eq!(failure.reason, FailReason::SpeechToTextUnavailable);
    assert_eq!(failure.again, Again::Later { after: None });
    // It was being asked when the time was up.
    eventually(Duration::from_secs(5), "it was asked", async || {
        (service.received().len() == 1).then_some(())
    })
    .await;
}
