//! What is said, as speech-to-text services of every kind write it down: asked channel by channel, put together by word.

use super::*;

/// The words of one participant of the fixture call, evenly within each utterance, in seconds from the start of the piece that is sent.
pub(super) fn words(who: &str) -> Vec<(String, f64, f64)> {
    let truth: Value = serde_json::from_slice(&fixture("call_truth.json")).unwrap();
    let own: Vec<&Value> = truth
        .as_array()
        .unwrap()
        .iter()
        .filter(|u| u["speaker"] == who)
        .collect();
    // A piece begins 0.3 s before the first voice.
    let piece = (own[0]["start"].as_f64().unwrap() - 0.3).max(0.0);
    own.iter()
        .flat_map(|utterance| {
            let (begin, end) = (
                utterance["start"].as_f64().unwrap(),
                utterance["end"].as_f64().unwrap(),
            );
            let text = utterance["text"].as_str().unwrap();
            let count = f64::from(u32::try_from(text.split_whitespace().count()).unwrap());
            let each = (end - begin) / count;
            let mut at = begin - piece;
            text.split_whitespace()
                .map(|word| {
                    at += each;
                    (word.to_owned(), at - each, at)
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

pub(super) fn text(who: &str) -> String {
    let words: Vec<String> = words(who).into_iter().map(|(word, ..)| word).collect();
    words.join(" ")
}

/// Whose channel the `number`-th request has: the agent's comes first.
fn whose(number: usize) -> &'static str {
    ["agent", "customer"][number % 2]
}

pub(super) fn json_reply(body: &Value) -> Reply {
    Reply::Answer {
        status: 200,
        headers: vec![("content-type", "application/json".into())],
        body: body.to_string().into_bytes(),
    }
}

/// An answer as OpenAI's service has it: words without marks, in a list of their own.
pub(super) fn verbose(who: &str) -> Value {
    let words: Vec<Value> = words(who)
        .into_iter()
        .map(|(word, start, end)| {
            let bare = word
                .trim_matches(|letter: char| !letter.is_alphanumeric())
                .to_owned();
            json!({"word": bare, "start": start, "end": end})
        })
        .collect();
    json!({
        "task": "transcribe", "language": "english", "duration": 58.88, "text": text(who),
        "segments": [{"id": 0, "start": 0.0, "end": 30.0, "text": text(who), "no_speech_prob": null}],
        "words": words, "usage": null,
    })
}

fn bare(mut answer: Value, without: &[&str]) -> Value {
    for name in without {
        answer.as_object_mut().unwrap().remove(*name);
    }
    answer
}

/// vLLM: a duration as text, and nothing for a number.
fn vllm(who: &str) -> Value {
    let mut answer = verbose(who);
    answer["duration"] = json!("58.88");
    answer["language"] = Value::Null;
    answer
}

/// whisper.cpp: pieces of words within segments, marks among them.
fn whisper_cpp(who: &str) -> Value {
    let pieces: Vec<Value> = words(who)
        .into_iter()
        .flat_map(|(word, start, end)| {
            let (head, tail) = word.split_at(1);
            vec![
                json!({"word": format!(" {head}"), "start": start, "end": start, "probability": 0.9}),
                json!({"word": tail, "start": start, "end": end, "probability": 0.8}),
            ]
        })
        .filter(|piece| piece["word"] != "")
        .chain([json!({"word": "[_TT_50]", "start": 1, "end": 1})])
        .collect();
    json!({"text": format!(" {}\n", text(who)), "language": "english", "segments": [
        {"id": 0, "start": "0.0", "end": "55.1", "text": text(who), "words": pieces},
    ]})
}

impl Scene {
    async fn with_speech(server: &Receiver, kind: &str) -> Self {
        let base = server.url();
        let settings = [
            ("ONHOOK_STT_URL", base.as_str()),
            ("ONHOOK_STT_KIND", kind),
            ("ONHOOK_STT_API_KEY", "sk-test"),
            ("ONHOOK_STT_TIMEOUT_S", "5"),
        ];
        let scene = Self::set(&settings).await;
        scene
            .wants(&json!({"fetch": true, "transcribe": true, "agent_channel": "first"}))
            .await;
        scene
    }

    /// A call with a recording, read and written down; its id.
    async fn written(&self, name: &str, file: &str) -> String {
        let server = Receiver::always(audio(fixture(file)));
        let call = self.ended(name, &server.url()).await;
        self.settle().await;
        call
    }
}

/// A channel of the fixture call by itself, as a recording of one channel that both are on.
fn together() -> Vec<u8> {
    let mut mixed = Vec::new();
    let bytes = fixture("call_dual_8k_ulaw.wav");
    let data = &bytes[58..];
    for pair in data.chunks_exact(2) {
        // Where one is silent (0xff and 0x7f, or near), the other's sample is taken.
        let quiet = |byte: u8| byte & 0x7f > 0x70;
        mixed.push(if quiet(pair[0]) { pair[1] } else { pair[0] });
    }
    let length = u32::try_from(mixed.len()).unwrap().to_le_bytes();
    let format = [7, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x40, 0x1f, 0, 0, 1, 0, 8, 0];
    [
        b"RIFF\0\0\0\0WAVEfmt ".as_slice(),
        &16_u32.to_le_bytes(),
        &format,
        b"data",
        &length,
        &mixed,
    ]
    .concat()
}

/// Two requests, each with one channel as a WAV file.
fn assert_asked(service: &Receiver) {
    let asked = service.received();
    assert_eq!(asked.len(), 2);
    for request in &asked {
        assert_eq!(request.line, "POST /hook/audio/transcriptions HTTP/1.1");
        assert_eq!(request.header("authorization"), "Bearer sk-test");
        let body = String::from_utf8_lossy(&request.body);
        for part in [
            "name=\"model\"\r\n\r\nwhisper-1\r\n",
            "\r\n\r\nverbose_json\r\n",
            "filename=\"piece.wav\"",
        ] {
            assert!(body.contains(part), "{part}");
        }
        let riff = request
            .body
            .windows(4)
            .position(|four| four == b"RIFF")
            .unwrap();
        let header = &request.body[riff..riff + 44];
        assert_eq!(header[22..24], 1_u16.to_le_bytes(), "one channel");
        assert_eq!(header[24..28], 16_000_u32.to_le_bytes(), "16 kHz");
    }
}

#[tokio::test]
async fn each_channel_is_sent_alone_and_the_call_is_written_down() {
    let service = Receiver::scripted(|number, _| json_reply(&verbose(whose(number))));
    let scene = Scene::with_speech(&service, "openai").await;
    let call = scene.written("stereo", "call_dual_8k_ulaw.wav").await;

    assert_asked(&service);
    let transcript = scene.transcript(&call).await;
    assert_eq!(transcript["source"], "speech_to_text");
    assert_eq!(transcript["language"], "en");
    let said = transcript["utterances"].as_array().unwrap();
    let first = &said[0];
    assert_eq!(first["speaker"], "agent");
    // Sentences end utterances; their marks come from the text, their times from the words.
    assert_eq!(
        first["text"],
        "Thank you for calling Harbor Bank, this is Sarah speaking."
    );
    assert!(percent_off(&first["begin_ms"], 500) < 10.0, "{first}");
    let everything = |who: &str| {
        let own = said.iter().filter(|utterance| utterance["speaker"] == who);
        let own: Vec<&str> = own
            .map(|utterance| utterance["text"].as_str().unwrap())
            .collect();
        own.join(" ")
    };
    assert_eq!(everything("agent"), text("agent"));
    assert_eq!(everything("customer"), text("customer"));

    let analysis = scene.analysis(&call).await;
    assert_eq!(analysis["status"], "completed", "{analysis}");
    assert_eq!(analysis["analysis_level"], "transcript");
    assert_eq!(analysis["input"]["transcript_source"], "speech_to_text");
    assert_eq!(analysis["input"]["timing_source"], "vad");
    assert_eq!(analysis["transcription"]["method"], "openai");
    assert_eq!(analysis["transcription"]["times"], "words");
    assert_eq!(analysis["transcription"]["requests"], 2);
    let heard = &analysis["conversation_characteristics"];
    assert_eq!(heard["method"], "voice_activity");
    assert_eq!(heard["interruptions"]["total_count"], 1);
    // Words by the transcript, talk by the voices: 208 and 185 by the truth of both.
    assert!(
        percent_off(&heard["talk_speed_wpm"]["agent"], 208) < 3.0,
        "{heard}"
    );
    assert!(
        percent_off(&heard["talk_speed_wpm"]["customer"], 185) < 3.0,
        "{heard}"
    );
    assert!(analysis["sentiment"]["overall"]["customer"].is_number());
    let events: Vec<String> = scene
        .receiver
        .received()
        .iter()
        .map(Received::event_type)
        .collect();
    assert!(
        events.contains(&"call.transcribed".to_owned()),
        "{events:?}"
    );
    assert_eq!(scene.told(&call), [1, 2]);
    // A crash after the end of the work asks nobody again.
    scene.read_again(&call).await;
    assert_eq!(service.received().len(), 2);
}

/// What a service answers of a participant.
type Form = fn(&str) -> Value;

#[tokio::test]
async fn every_form_of_an_answer_is_read() {
    let forms: [(&str, Form, &str); 5] = [
        ("verbose", verbose, "words"),
        ("vllm", vllm, "words"),
        ("whisper.cpp", whisper_cpp, "words"),
        (
            "segments",
            |who| bare(verbose(who), &["words", "duration"]),
            "segments",
        ),
        (
            "text",
            |who| json!({"text": text(who), "languages": ["en"]}),
            "none",
        ),
    ];
    for (name, form, times) in forms {
        let service = Receiver::scripted(move |number, _| json_reply(&form(whose(number))));
        let scene = Scene::with_speech(&service, "openai").await;
        let call = scene.written(name, "call_dual.mp3").await;
        let analysis = scene.analysis(&call).await;
        assert_eq!(analysis["status"], "completed", "{name} {analysis}");
        assert_eq!(analysis["transcription"]["times"], times, "{name}");
        // Whatever the service's times are worth: the channels say who talks when.
        assert_eq!(analysis["input"]["timing_source"], "vad", "{name}");
        let words = &analysis["conversation_characteristics"]["word_count"];
        assert_eq!(words, &json!({"agent": 97, "customer": 67}), "{name}");
        let said = scene.transcript(&call).await;
        let said = said["utterances"].as_array().unwrap();
        let own = said
            .iter()
            .filter(|utterance| utterance["speaker"] == "agent");
        let own: Vec<&str> = own
            .map(|utterance| utterance["text"].as_str().unwrap())
            .collect();
        assert_eq!(own.join(" "), text("agent"), "{name}");
    }
}

#[tokio::test]
async fn on_one_channel_speakers_are_those_whom_the_service_tells_apart() {
    let diarized = json!({"task": "transcribe", "duration": 58.9, "text": "…", "segments": [
        {"type": "transcript.text.segment", "id": "a", "start": 0.5, "end": 5.0, "speaker": "A", "text": "How can I help you?"},
        {"type": "transcript.text.segment", "id": "b", "start": 5.6, "end": 12.3, "speaker": "B", "text": "I was charged twice."},
    ]});
    let whole = |speaker: Value| {
        json!({"text": "Hello there.", "words": [
            {"word": "Hello", "start": 0.5, "end": 0.9, "speaker": speaker}, {"word": "there.", "start": 1.0, "end": 1.4, "speaker": speaker},
        ]})
    };
    for (name, answer, timing_source, reason) in [
        ("diarized", diarized, "segments", Value::Null),
        (
            "unknown",
            whole(json!("?")),
            "call_events_only",
            json!("NO_SPEAKER_SEPARATION"),
        ),
        (
            "text",
            json!({"text": "Hello there."}),
            "call_events_only",
            json!("NO_TIMES"),
        ),
    ] {
        let service = Receiver::scripted(move |_, _| json_reply(&answer));
        let scene = Scene::with_speech(&service, "openai").await;
        let server = Receiver::always(audio(together()));
        let call = scene.ended(name, &server.url()).await;
        scene.settle().await;
        let analysis = scene.analysis(&call).await;
        assert_eq!(
            analysis["input"]["timing_source"], timing_source,
            "{name} {analysis}"
        );
        assert_eq!(
            analysis["conversation_characteristics"]["reason"], reason,
            "{name}"
        );
        if name == "diarized" {
            let talk = &analysis["conversation_characteristics"]["talk_time"]["by_participant"];
            assert!(
                talk["speaker_A"].is_number() && talk["speaker_B"].is_number(),
                "{talk}"
            );
        }
        assert_eq!(service.received().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn deepgram_is_sent_the_bytes_and_its_answer_is_read() {
    let service = Receiver::scripted(|number, _| {
        let who = whose(number);
        let words: Vec<Value> = words(who)
            .into_iter()
            .map(|(word, start, end)| {
                let bare = word.to_lowercase();
                json!({"word": bare, "punctuated_word": word, "start": start, "end": end, "confidence": 0.9})
            })
            .collect();
        json_reply(
            &json!({"metadata": {"request_id": "r"}, "results": {"channels": [
                {"detected_language": "en", "alternatives": [{"transcript": text(who), "confidence": 0.9, "words": words}]},
            ]}}),
        )
    });
    let scene = Scene::with_speech(&service, "deepgram").await;
    let call = scene.written("deepgram", "call_dual.opus").await;
    let asked = service.received();
    assert_eq!(asked.len(), 2);
    assert!(
        asked[0].line.starts_with("POST /hook/listen?model=nova-3&"),
        "{}",
        asked[0].line
    );
    assert_eq!(asked[0].header("authorization"), "Token sk-test");
    assert_eq!(asked[0].header("content-type"), "audio/wav");
    assert!(asked[0].body.starts_with(b"RIFF"));
    let analysis = scene.analysis(&call).await;
    assert_eq!(analysis["transcription"]["method"], "deepgram");
    assert_eq!(analysis["transcription"]["model"], "nova-3");
    let words = &analysis["conversation_characteristics"]["word_count"];
    assert_eq!(words, &json!({"agent": 97, "customer": 67}));
    let transcript = scene.transcript(&call).await;
    assert_eq!(transcript["utterances"][0]["confidence"], 0.9);
}

#[tokio::test]
async fn a_transcript_that_a_client_gives_wins() {
    let service = Receiver::scripted(|number, _| json_reply(&verbose(whose(number))));
    let scene = Scene::with_speech(&service, "openai").await;
    let given = json!({"utterances": [{"speaker": "agent", "text": "As given.", "begin_ms": 500, "end_ms": 5_000}]});
    let give = async |call: &str| {
        let put = scene
            .app
            .put(&format!("/v1/calls/{call}/transcript"), &scene.account.key);
        assert_eq!(
            put.json(&given).send().await.unwrap().status(),
            StatusCode::CREATED
        );
    };
    let server = Receiver::always(audio(fixture("call_dual.opus")));
    // Before it is read: nothing is sent to the service.
    let early = scene.ended("early", &server.url()).await;
    give(&early).await;
    scene.settle().await;
    assert_eq!(service.received().len(), 0);
    // After it was written down: the client's is the newest.
    let late = scene.ended("late", &server.url()).await;
    scene.settle().await;
    assert_eq!(service.received().len(), 2);
    give(&late).await;
    scene.settle().await;
    for (call, section) in [(early, json!("TRANSCRIPT_GIVEN")), (late, Value::Null)] {
        let analysis = scene.analysis(&call).await;
        assert_eq!(analysis["transcription"]["reason"], section);
        assert_eq!(analysis["input"]["transcript_source"], "caller");
        assert_eq!(analysis["input"]["timing_source"], "utterances");
        assert_eq!(
            scene.transcript(&call).await["utterances"][0]["text"],
            "As given."
        );
    }
}

#[tokio::test]
async fn silence_is_not_sent_anywhere() {
    let service = Receiver::always(json_reply(&verbose("agent")));
    let scene = Scene::with_speech(&service, "openai").await;
    let nothing = vec![0.0; 80_000];
    let silence = wav(Coding::Signed16, 8_000, &[&nothing, &nothing]);
    let server = Receiver::always(audio(silence));
    let call = scene.ended("silence", &server.url()).await;
    scene.settle().await;
    let analysis = scene.analysis(&call).await;
    assert_eq!(
        analysis["transcription"],
        json!({"status": "skipped", "reason": "NO_SPEECH"})
    );
    assert_eq!(analysis["recording"]["silence_ms"], 10_000);
    assert_eq!(
        analysis["conversation_characteristics"]["silence_ms"],
        10_000
    );
    assert_eq!(service.received().len(), 0);
}

#[tokio::test]
async fn a_server_without_a_service_says_so() {
    let scene = Scene::set(&[]).await;
    scene
        .wants(&json!({"fetch": true, "transcribe": true}))
        .await;
    let call = scene.written("none", "call_dual.opus").await;
    let analysis = scene.analysis(&call).await;
    assert_eq!(
        analysis["transcription"],
        json!({"status": "skipped", "reason": "NOT_CONFIGURED"})
    );
    assert_eq!(analysis["status"], "completed");
}
