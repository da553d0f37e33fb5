//! A speech-to-text service that is down, slow, busy, confused or strict: what was heard stays, what was not written down says why.

use std::sync::Arc;

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
