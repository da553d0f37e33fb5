//! Transcripts as plain text and as other platforms write them, through HTTP. `tests/fixtures/transcripts` has one conversation in
//! every shape, and where each shape comes from.

use std::{fs, path::Path};

use onhook::domain::transcript::{OFFSET_MS_MAX, UTTERANCES_MAX, format::Format};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::{TestAccount, TestApp};

struct Scene {
    app: TestApp,
    account: TestAccount,
    call: String,
}

impl Scene {
    /// A call that has ended.
    async fn set() -> Self {
        let app = TestApp::boot().await;
        let account = app.default_account().await;
        let ended = json!({
            "CallId": "given", "From": "+15550001", "To": "+15550002", "Direction": "incoming",
            "CallStatus": "completed", "Duration": 13,
        });
        let posted = app.request(Method::POST, "/api/v1/voip/call-end");
        let posted = posted.json(&ended).send().await.unwrap();
        assert_eq!(posted.status(), StatusCode::OK);
        let call: uuid::Uuid = sqlx::query_scalar("select call_id from calls")
            .fetch_one(&app.db)
            .await
            .unwrap();
        Self {
            app,
            account,
            call: call.to_string(),
        }
    }

    async fn give(
        &self,
        query: &str,
        media: &str,
        body: impl Into<Vec<u8>>,
    ) -> (StatusCode, Value) {
        let path = format!("/v1/calls/{}/transcript{query}", self.call);
        let put = self.app.put(&path, &self.account.key);
        let put = put.header("content-type", media).body(body.into());
        let answer = put.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn json(&self, query: &str, body: &Value) -> (StatusCode, Value) {
        self.give(query, "application/json", body.to_string()).await
    }

    async fn text(&self, query: &str, body: &str) -> (StatusCode, Value) {
        self.give(query, "text/plain; charset=utf-8", body).await
    }

    async fn get(&self, path: &str) -> Value {
        let path = format!("/v1/calls/{}/{path}", self.call);
        let answer = self.app.get(&path, &self.account.key).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.unwrap()
    }

    async fn shown(&self) -> Value {
        self.get("transcript").await
    }

    async fn analysis(&self) -> Value {
        self.app.run_jobs().await;
        self.app.make_jobs_due().await;
        self.app.run_jobs().await;
        self.get("analysis").await
    }
}

fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/transcripts");
    let text = fs::read_to_string(path.join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Where the faults are, and their codes.
fn faults(problem: &Value) -> Vec<(String, String)> {
    let errors = problem["errors"].as_array();
    let errors = errors.unwrap_or_else(|| panic!("no errors: {problem}"));
    errors
        .iter()
        .map(|error| {
            let place = error.get("pointer").or_else(|| error.get("parameter"));
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(place.unwrap()), text(&error["code"]))
        })
        .collect()
}

fn refused(faults: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(place, code): &(&str, &str)| ((*place).to_owned(), (*code).to_owned());
    faults.iter().map(owned).collect()
}

const FIRST: &str = "Thank you for calling, how can I help?";
const SECOND: &str = "I was charged twice, that is terrible.";

/// Format, file, what is said of it, its language, and whether it has times.
type Document = (
    Format,
    &'static str,
    &'static str,
    Option<&'static str>,
    bool,
);

const DOCUMENTS: [Document; 10] = [
    (Format::Vapi, "vapi.json", "", None, true),
    (Format::Retell, "retell.json", "", None, true),
    (
        Format::Deepgram,
        "deepgram.json",
        "&agent=0&customer=1",
        Some("en"),
        true,
    ),
    (
        Format::AssemblyAi,
        "assemblyai.json",
        "&agent=A&customer=B",
        Some("en-us"),
        true,
    ),
    (
        Format::ContactLens,
        "contact_lens.json",
        "",
        Some("en-US"),
        true,
    ),
    (
        Format::ContactLens,
        "call_analytics.json",
        "&language=en",
        Some("en"),
        true,
    ),
    (
        Format::OpenAi,
        "openai_diarized.json",
        "&agent=A",
        None,
        true,
    ),
    (
        Format::Twilio,
        "twilio.json",
        "&agent=1&customer=2",
        None,
        true,
    ),
    (Format::ElevenLabs, "elevenlabs.json", "", Some("en"), false),
    (
        Format::Bland,
        "bland.json",
        "&language=en-GB",
        Some("en-GB"),
        false,
    ),
];

#[tokio::test]
async fn every_platform_s_document_gives_the_same_conversation() {
    let scene = Scene::set().await;
    for (format, file, hints, language, timed) in DOCUMENTS {
        let query = format!("?format={}{hints}", format.as_str());
        let (status, taken) = scene.json(&query, &fixture(file)).await;
        assert_eq!(status, StatusCode::CREATED, "{file}: {taken}");
        assert_eq!(taken["timed"], timed, "{file}");
        let shown = scene.shown().await;
        assert_eq!(shown["language"], json!(language), "{file}");
        assert_eq!(shown["timed"], timed, "{file}");
        let said = shown["utterances"].as_array().unwrap();
        for (said, speaker, text, begin, end) in [
            (&said[0], "agent", FIRST, 400, 2900),
            (&said[1], "customer", SECOND, 3300, 6800),
        ] {
            assert_eq!(said["speaker"], speaker, "{file}");
            assert_eq!(said["text"], text, "{file}");
            let times = (said.get("begin_ms").cloned(), said.get("end_ms").cloned());
            let expected = timed.then(|| (json!(begin), json!(end))).unzip();
            assert_eq!(times, expected, "{file}");
        }
    }
}

#[tokio::test]
async fn what_nobody_said_is_left_out_and_what_a_platform_knows_is_kept() {
    let scene = Scene::set().await;
    let shown_of = async |format: &str, file| {
        let (status, taken) = scene
            .json(&format!("?format={format}"), &fixture(file))
            .await;
        assert_eq!(status, StatusCode::CREATED, "{taken}");
        scene.shown().await["utterances"].clone()
    };
    let vapi = shown_of("vapi", "vapi.json").await;
    assert_eq!(vapi.as_array().unwrap().len(), 3, "{vapi}");
    assert_eq!(vapi[1]["confidence"], 0.97);
    assert_eq!(vapi[1]["participant_id"], "Speaker 1");
    assert!(!vapi.to_string().contains("Never give a refund"), "{vapi}");

    let retell = shown_of("retell", "retell.json").await;
    assert_eq!(
        retell[2],
        json!({"speaker": "unknown", "participant_id": "transfer_target", "text": "Billing, hello.", "begin_ms": 7200,
               "end_ms": 8200, "words": [{"text": "Billing,", "begin_ms": 7200, "end_ms": 7700},
                                         {"text": "hello.", "begin_ms": 7800, "end_ms": 8200}]})
    );
    let deepgram = shown_of("deepgram", "deepgram.json").await;
    assert_eq!(deepgram[0]["words"][1]["text"], "help?");
    assert_eq!(deepgram[0]["speaker"], "unknown");
    assert_eq!(deepgram[0]["participant_id"], "0");
    let elevenlabs = shown_of("elevenlabs", "elevenlabs.json").await;
    assert_eq!(elevenlabs.as_array().unwrap().len(), 2);
    let whisper = shown_of("openai", "openai_verbose.json").await;
    assert_eq!(
        whisper[0],
        json!({"speaker": "unknown", "text": FIRST, "begin_ms": 400, "end_ms": 2900})
    );
    assert_eq!(scene.shown().await["language"], "en");
}

/// Where faults are, and their codes.
type Faults = Vec<(&'static str, &'static str)>;

/// The fixtures with some fields spoilt.
fn three_faulty() -> Vec<(&'static str, Value, Faults)> {
    let mut vapi = fixture("vapi.json");
    let messages = &mut vapi["message"]["artifact"]["messages"];
    messages[1]["role"] = json!("robot");
    messages[2]["secondsFromStart"] = json!(-1);
    messages[5]["message"] = json!(7);
    let mut lens = fixture("contact_lens.json");
    lens["Transcript"][0]["EndOffsetMillis"] = json!(399);
    lens["Transcript"][1]["ParticipantId"] = json!("nobody");
    let mut deepgram = fixture("deepgram.json");
    deepgram["results"]["utterances"][1]["end"] = json!("soon");
    deepgram["results"]["utterances"][0]["transcript"] = json!("x".repeat(10_001));
    vec![
        (
            "vapi",
            vapi,
            vec![
                ("#/message/artifact/messages/1/role", "invalid"),
                ("#/message/artifact/messages/2/secondsFromStart", "invalid"),
                ("#/message/artifact/messages/5/message", "invalid"),
            ],
        ),
        (
            "contact_lens",
            lens,
            vec![
                ("#/Transcript/0/EndOffsetMillis", "invalid"),
                ("#/Transcript/1/ParticipantId", "invalid"),
            ],
        ),
        (
            "deepgram",
            deepgram,
            vec![
                ("#/results/utterances/0/transcript", "too_long"),
                ("#/results/utterances/1/end", "invalid"),
            ],
        ),
    ]
}

/// Documents with faults, and where they are.
fn faulty() -> Vec<(&'static str, Value, Faults)> {
    let mut found = three_faulty();
    found.extend([
        (
            "deepgram",
            json!({"results": {"channels": []}}),
            vec![("#/results/utterances", "missing")],
        ),
        (
            "retell",
            json!({"call": {"transcript_object": "Agent: hi"}}),
            vec![("#/call/transcript_object", "invalid")],
        ),
        (
            "twilio",
            json!({"sentences": []}),
            vec![("#/sentences", "invalid")],
        ),
        (
            "openai",
            json!({"text": "hello"}),
            vec![("#/segments", "missing")],
        ),
        (
            "assemblyai",
            json!({"text": "hello", "utterances": null}),
            vec![("#/utterances", "missing")],
        ),
        (
            "elevenlabs",
            json!({"transcript": [{"role": "agent", "message": " "}]}),
            vec![("#/body", "invalid")],
        ),
        (
            "bland",
            json!({"transcripts": [{"text": "hello"}]}),
            vec![("#/transcripts/0/user", "missing")],
        ),
        ("bland", json!([1]), vec![("#/body", "invalid")]),
    ]);
    found
}

#[tokio::test]
async fn every_fault_is_named_by_its_place_in_the_source_document() {
    let scene = Scene::set().await;
    for (format, document, expected) in faulty() {
        let (status, problem) = scene.json(&format!("?format={format}"), &document).await;
        assert_eq!(
            status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{format}: {problem}"
        );
        assert_eq!(faults(&problem), refused(&expected), "{problem}");
    }
    let (status, _) = scene.give("?format=vapi", "application/json", "{").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_document_has_the_bounds_of_a_transcript() {
    let scene = Scene::set().await;
    let sentence = |number: usize, end: u32| json!({"transcript": "Hm.", "media_channel": number % 3, "start_time": 0, "end_time": end});
    let page = |count: usize| {
        let sentences: Vec<Value> = (0..count).map(|number| sentence(number, 1)).collect();
        json!({"sentences": sentences})
    };
    let (status, taken) = scene.json("?format=twilio", &page(UTTERANCES_MAX)).await;
    assert_eq!(status, StatusCode::CREATED, "{taken}");
    let (status, problem) = scene
        .json("?format=twilio", &page(UTTERANCES_MAX + 1))
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(faults(&problem), refused(&[("#/sentences", "too_long")]));

    let week = OFFSET_MS_MAX / 1000;
    let (status, _) = scene
        .json("?format=twilio", &json!({"sentences": [sentence(0, week)]}))
        .await;
    assert_eq!(status, StatusCode::CREATED);
    let (_, problem) = scene
        .json(
            "?format=twilio",
            &json!({"sentences": [sentence(0, week + 1)]}),
        )
        .await;
    assert_eq!(
        faults(&problem),
        refused(&[("#/sentences/0/end_time", "invalid")])
    );

    let voices = |count: usize| {
        let turns: Vec<Value> = (0..count)
            .map(|number| json!({"text": "Hm.", "start": 0, "end": 1, "speaker": format!("S{number}")}))
            .collect();
        json!({"segments": turns})
    };
    assert_eq!(
        scene.json("?format=openai", &voices(32)).await.0,
        StatusCode::CREATED
    );
    let (_, problem) = scene.json("?format=openai", &voices(33)).await;
    assert_eq!(
        faults(&problem),
        refused(&[("#/segments/32/text", "invalid")])
    );
}

#[tokio::test]
async fn lines_of_text_are_a_transcript() {
    let scene = Scene::set().await;
    let text = "\u{feff}[0:00.4 - 0:02.900] agent: Thank you for calling, how can I help?\r\n\r\n\
                [00:03.3-00:06.8]  CUSTOMER : I was charged twice, that is terrible.\n\
                [0:00:07 - 1:00:00] unknown (the manager): Ratio 3:1, at 5:00.\n\
                [1:00:01 - 1:00:02] Jane: Bye.\n";
    let (status, taken) = scene.text("?language=en&agent=Jane", text).await;
    assert_eq!(status, StatusCode::CREATED, "{taken}");
    assert_eq!(taken["timed"], true);
    let shown = scene.shown().await;
    assert_eq!(shown["language"], "en");
    assert_eq!(
        shown["utterances"],
        json!([
            {"speaker": "agent", "text": FIRST, "begin_ms": 400, "end_ms": 2900},
            {"speaker": "customer", "text": SECOND, "begin_ms": 3300, "end_ms": 6800},
            {"speaker": "unknown", "participant_id": "the manager", "text": "Ratio 3:1, at 5:00.", "begin_ms": 7000,
             "end_ms": 3_600_000},
            {"speaker": "agent", "text": "Bye.", "begin_ms": 3_601_000, "end_ms": 3_602_000},
        ])
    );
}

#[tokio::test]
async fn a_transcript_without_times_keeps_its_order_and_counts_nothing_from_times() {
    let scene = Scene::set().await;
    let text = "customer: Hello?\nagent: Thank you for calling.\nagent: How can I help?\ncustomer: I was charged twice.\n";
    let (status, taken) = scene.text("?format=plain&language=en", text).await;
    assert_eq!(
        (status, &taken["timed"]),
        (StatusCode::CREATED, &json!(false))
    );
    assert_eq!(scene.text("?language=en", text).await.0, StatusCode::OK);

    let analysis = scene.analysis().await;
    assert_eq!(analysis["status"], "completed");
    assert_eq!(analysis["analysis_level"], "transcript");
    assert_eq!(analysis["input"]["timing_source"], "call_events_only");
    let skipped = json!({"status": "skipped", "reason": "NO_TIMES"});
    assert_eq!(analysis["conversation_characteristics"], skipped);
    let turns = analysis["transcript"].as_array().unwrap();
    let said: Vec<&str> = turns
        .iter()
        .map(|turn| turn["text"].as_str().unwrap())
        .collect();
    assert_eq!(
        said,
        [
            "Hello?",
            "Thank you for calling.",
            "How can I help?",
            "I was charged twice."
        ]
    );
    assert!(
        turns.iter().all(|turn| turn["begin_offset_ms"].is_null()),
        "{turns:?}"
    );
    assert_eq!(turns[1]["sentiment"]["label"], "positive");
    // Of two turns one is positive: half of its score, and no quarters.
    let compound = turns[1]["sentiment"]["compound"].as_f64().unwrap();
    let overall = analysis["sentiment"]["overall"]["agent"].as_f64().unwrap();
    assert!((overall - 5.0 * compound / 2.0).abs() < 0.01, "{overall}");
    assert_eq!(analysis["sentiment"]["by_period"]["quarter"], json!({}));
    assert_eq!(analysis["sentiment"]["trend"], json!({}));

    // The beginnings alone: nothing can be counted from them either.
    let begun = "[0:01] agent: Hello.\n[0:02] customer: Hello.\n";
    assert_eq!(scene.text("", begun).await.1["timed"], false);
    let path = format!("/calls/{}", scene.call);
    let call: Value = scene
        .app
        .get(&path, &scene.account.key)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        call["data"]["transcript_object"]["utterances"],
        json!([{"speaker": "agent", "text": "Hello."}, {"speaker": "customer", "text": "Hello."}])
    );
}

#[tokio::test]
async fn every_bad_line_is_named() {
    let scene = Scene::set().await;
    let long = format!("[0:01 - 0:02] agent: {}", "x".repeat(10_001));
    let lines = [
        "[0:00 - 0:01] agent: Hello.",
        "",
        "customer: No times.",
        "[0:05 - 0:04] customer: Backwards.",
        "[0:61 - 0:62] customer: No such second.",
        "[0:01 - 0:02] Jane: Who is Jane?",
        "[0:01 - 0:02] no speaker",
        "[0:01 - 0:02] agent:   ",
        "[0:01 - 0:02 agent: Never closed.",
        "[169:00:00 - 169:00:01] agent: After the week.",
        "[0:01 - 0:02] unknown (agent): A role's name.",
        &long,
    ];
    let (status, problem) = scene.text("", &lines.join("\n")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    let mut expected: Vec<(String, &str)> = (3..12)
        .map(|line| (format!("#/line/{line}"), "invalid"))
        .collect();
    expected.push(("#/line/12".to_owned(), "too_long"));
    let expected: Vec<(&str, &str)> = expected
        .iter()
        .map(|(place, code)| (place.as_str(), *code))
        .collect();
    assert_eq!(faults(&problem), refused(&expected), "{problem}");

    let (status, problem) = scene.text("", " \n\n").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(faults(&problem), refused(&[("#/body", "invalid")]));
    let many = "agent: Hm.\n".repeat(UTTERANCES_MAX);
    assert_eq!(scene.text("", &many).await.0, StatusCode::CREATED);
    let (_, problem) = scene.text("", &format!("{many}agent: Hm.")).await;
    assert_eq!(faults(&problem), refused(&[("#/line/10001", "too_long")]));
    assert_eq!(
        scene.give("", "text/plain", vec![b'a', 0xff]).await.0,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn what_is_said_of_a_transcript_must_fit_its_form() {
    let scene = Scene::set().await;
    let ours =
        json!({"utterances": [{"speaker": "agent", "text": "Hello.", "begin_ms": 0, "end_ms": 9}]});
    for (query, parameter, code) in [
        ("?format=otter", "format", "invalid"),
        ("?format=plain", "format", "invalid"),
        ("?language=en", "language", "unknown"),
        ("?format=vapi&agent=Jane", "agent", "unknown"),
        ("?format=deepgram&agent=0&customer=0", "customer", "invalid"),
        ("?format=deepgram&language=english!", "language", "invalid"),
        ("?fromat=vapi", "fromat", "unknown"),
    ] {
        let (status, problem) = scene.json(query, &ours).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}: {problem}");
        assert_eq!(
            faults(&problem),
            refused(&[(parameter, code)]),
            "{query}: {problem}"
        );
    }
    let (status, problem) = scene.text("?format=vapi", "agent: Hello.").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(faults(&problem), refused(&[("format", "invalid")]));
    assert_eq!(scene.json("", &ours).await.0, StatusCode::CREATED);
}
