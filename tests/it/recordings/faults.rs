//! What cannot be fetched, or is no recording: a reason, at once or after an hour, and an analysis that is partial and not lost.

use super::*;

/// A head, and what comes of the body before the connection is closed.
fn raw(head: &str, body: &[u8]) -> Reply {
    Reply::Raw([head.replace('\n', "\r\n").as_bytes(), b"\r\n\r\n", body].concat())
}

fn redirect(to: String) -> Reply {
    Reply::Answer {
        status: 302,
        headers: vec![("location", to)],
        body: Vec::new(),
    }
}

fn typed(kind: &str, body: &[u8]) -> Reply {
    Reply::Answer {
        status: 200,
        headers: vec![("content-type", kind.to_owned())],
        body: body.to_vec(),
    }
}

impl Scene {
    async fn failed(&self, name: &str, url: &str) -> Value {
        let call = self.ended(name, url).await;
        self.settle().await;
        self.told_of(&call, name).await
    }

    async fn told_of(&self, call: &str, name: &str) -> Value {
        let analysis = self.analysis(call).await;
        assert_eq!(analysis["status"], "partial", "{name}: {analysis}");
        assert_eq!(analysis["recording"]["status"], "failed", "{name}");
        // Not written down for want of a recording only where it would have been.
        let (_, wanted) = self.get("/v1/analysis-settings").await;
        let written = if wanted["recordings"]["transcribe"] == false {
            json!({"status": "skipped", "reason": "DISABLED"})
        } else if self.app.tools().recordings.speech().is_none() {
            json!({"status": "skipped", "reason": "NOT_CONFIGURED"})
        } else {
            json!({"status": "failed", "reason": analysis["recording"]["reason"]})
        };
        assert_eq!(analysis["transcription"], written, "{name}");
        // What telephony told is not lost.
        assert_eq!(
            analysis["call_metrics"]["disposition"], "completed",
            "{name}"
        );
        analysis["recording"]["reason"].clone()
    }
}

/// What a server does, the reason that is told, and how many requests it takes.
type Fault = (&'static str, Reply, &'static str, usize);

fn refusals() -> Vec<Fault> {
    vec![
        ("401", Reply::Status(401), "RECORDING_FORBIDDEN", 1),
        ("403", Reply::Status(403), "RECORDING_FORBIDDEN", 1),
        ("410", Reply::Status(410), "RECORDING_NOT_FOUND", 1),
        ("400", Reply::Status(400), "RECORDING_REFUSED", 1),
    ]
}

fn redirects() -> Vec<Fault> {
    vec![
        (
            "inside",
            redirect("http://10.1.2.3/recording.wav".into()),
            "RECORDING_ADDRESS_REFUSED",
            1,
        ),
        (
            "metadata",
            redirect("http://169.254.169.254/".into()),
            "RECORDING_ADDRESS_REFUSED",
            1,
        ),
        (
            "file",
            redirect("file:///etc/passwd".into()),
            "RECORDING_ADDRESS_REFUSED",
            1,
        ),
        ("nowhere", Reply::Status(302), "RECORDING_REFUSED", 1),
        ("round", redirect("/hook".into()), "RECORDING_REFUSED", 6),
    ]
}

fn files() -> Vec<Fault> {
    let sound = wav(Coding::Signed16, 8_000, &[&tone(8_000, 440.0, 800)]);
    let few: &[f32] = &[0.1; 80];
    let three = wav(Coding::Signed16, 8_000, &[few, few, few]);
    vec![
        (
            "page",
            typed("text/html; charset=utf-8", b"<p>Sign in</p>"),
            "NOT_AUDIO",
            1,
        ),
        (
            "page as audio",
            typed("audio/mpeg", b"<p>Sign in</p>"),
            "NOT_AUDIO",
            1,
        ),
        (
            "mp4",
            typed("audio/mp4", b"\0\0\0\x18ftypM4A \0\0\0\0"),
            "UNSUPPORTED_CODEC",
            1,
        ),
        ("three", typed("audio/wav", &three), "TOO_MANY_CHANNELS", 1),
        ("empty", typed("audio/wav", b""), "RECORDING_EMPTY", 1),
        (
            "head",
            typed("application/octet-stream", &sound[..40]),
            "RECORDING_DAMAGED",
            1,
        ),
        (
            "2 GB",
            raw(
                "HTTP/1.1 200 OK\ncontent-type: audio/wav\ncontent-length: 2147483648",
                &sound,
            ),
            "RECORDING_TOO_LARGE",
            1,
        ),
        ("endless", Reply::Endless, "RECORDING_TOO_LARGE", 1),
        (
            "gzip",
            Reply::Answer {
                status: 200,
                headers: vec![("content-encoding", "gzip".into())],
                body: sound.clone(),
            },
            "NOT_AUDIO",
            1,
        ),
    ]
}

#[tokio::test]
async fn what_will_not_go_better_later_is_told_at_once() {
    let settings = [
        ("ONHOOK_RECORDING_BYTES_MAX", "1048576"),
        ("ONHOOK_STT_URL", "http://127.0.0.1:9"),
    ];
    let scene = Scene::set(&settings).await;
    scene
        .wants(&json!({"fetch": true, "transcribe": true}))
        .await;
    for (name, reply, reason, requests) in refusals().into_iter().chain(redirects()).chain(files())
    {
        let server = Receiver::always(reply);
        assert_eq!(scene.failed(name, &server.url()).await, reason, "{name}");
        assert_eq!(server.received().len(), requests, "{name}");
    }
    assert_eq!(
        scene
            .failed("direct", "http://10.1.2.3/recording.wav")
            .await,
        "RECORDING_ADDRESS_REFUSED"
    );
    let metrics = scene.app.metrics().await;
    assert!(
        metrics.contains("onhook_recordings_read_total{outcome=\"failed\"} 19"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_file_of_exactly_the_bound_is_read() {
    let scene = Scene::set(&[("ONHOOK_RECORDING_BYTES_MAX", "1048576")]).await;
    scene.wants(&json!({"fetch": true})).await;
    let frames = (1_048_576 - 44) / 2;
    let whole = wav(Coding::Signed16, 48_000, &[&vec![0.0; frames]]);
    assert_eq!(whole.len(), 1_048_576);
    let server = Receiver::always(typed("audio/wav", &whole));
    let call = scene.ended("exactly", &server.url()).await;
    scene.settle().await;
    assert_eq!(scene.analysis(&call).await["recording"]["bytes"], 1_048_576);
    // Without a length, so that only counting finds it out.
    let longer = [whole.as_slice(), b"\0"].concat();
    let server = Receiver::always(raw("HTTP/1.1 200 OK\nconnection: close", &longer));
    assert_eq!(
        scene.failed("longer", &server.url()).await,
        "RECORDING_TOO_LARGE"
    );
}

#[tokio::test]
async fn a_place_that_is_no_url_is_shown_and_never_fetched() {
    let scene = Scene::set(&[]).await;
    scene.wants(&json!({"fetch": true})).await;
    for (name, place) in [
        ("literal", "string"),
        ("ftp", "ftp://127.0.0.1/a"),
        ("relative", "/a.wav"),
    ] {
        let call = scene.ended(name, place).await;
        scene.settle().await;
        let analysis = scene.analysis(&call).await;
        let skipped = json!({"status": "skipped", "reason": "NO_RECORDING"});
        assert_eq!(analysis["recording"], skipped, "{name}");
        assert_eq!(analysis["revision"], 1, "{name}");
    }
    assert_eq!(scene.app.jobs("read_recording").await, 0);
}

#[tokio::test]
async fn a_recording_that_is_not_there_yet_is_read_when_it_is() {
    let scene = Scene::set(&[]).await;
    scene.wants(&json!({"fetch": true})).await;
    let file = fixture("call_dual.opus");
    let server = Receiver::scripted(move |number, _| match number {
        0 => Reply::Status(404),
        1 => Reply::Answer {
            status: 503,
            headers: vec![("retry-after", "120".into())],
            body: Vec::new(),
        },
        _ => audio(file.clone()),
    });
    let call = scene.ended("soon", &server.url()).await;
    scene.app.run_jobs().await;
    assert_eq!(scene.wait_s().await, 10);
    scene.app.make_jobs_due().await;
    scene.app.run_jobs().await;
    // The server's wish, where it is longer than ours.
    assert_eq!(scene.wait_s().await, 120);
    scene.settle().await;
    let analysis = scene.analysis(&call).await;
    assert_eq!(analysis["recording"]["codec"], "opus");
    assert_eq!(analysis["revision"], 2);
}

impl Scene {
    /// How long the job that reads waits, to the second.
    async fn wait_s(&self) -> i64 {
        let wait = "select ceil(extract(epoch from run_at - now()))::bigint from jobs where kind = 'read_recording'";
        let wait: i64 = sqlx::query_scalar(wait)
            .fetch_one(&self.app.db)
            .await
            .unwrap();
        // A moment has passed since.
        [10, 120]
            .into_iter()
            .find(|told| (told - 5..=*told).contains(&wait))
            .unwrap_or(wait)
    }
}

#[tokio::test]
async fn a_recording_that_never_comes_is_given_up_and_told() {
    let scene = Scene::set(&[("ONHOOK_RECORDING_TIMEOUT_S", "1")]).await;
    scene.wants(&json!({"fetch": true})).await;
    for (name, reply, reason) in [
        ("404", Reply::Status(404), "RECORDING_NOT_FOUND"),
        ("500", Reply::Status(500), "RECORDING_UNREACHABLE"),
        ("slow", Reply::Drip, "RECORDING_UNREACHABLE"),
        ("reset", Reply::Reset, "RECORDING_UNREACHABLE"),
    ] {
        let server = Receiver::always(reply);
        let call = scene.ended(name, &server.url()).await;
        scene.app.run_jobs().await;
        let first = scene.analysis(&call).await;
        assert_eq!(first["recording"]["reason"], "NO_RECORDING", "{name}");
        assert_eq!(first["status"], "completed", "{name}");
        scene.give_up().await;
        assert_eq!(scene.told_of(&call, name).await, reason, "{name}");
        assert_eq!(scene.app.jobs("read_recording").await, 0);
    }
}
