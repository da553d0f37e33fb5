//! Connections that break: taken up where they broke if the file is the same, from the start if it is not.

use super::*;

/// The first `given` bytes of a file, and a head that promised all of it.
fn cut(file: &[u8], given: usize, validator: &str) -> Reply {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: audio/ogg\r\n{validator}content-length: {}\r\n\r\n",
        file.len()
    );
    Reply::Raw([head.as_bytes(), &file[..given]].concat())
}

fn rest(file: &[u8], from: usize) -> Reply {
    Reply::Answer {
        status: 206,
        headers: vec![
            ("content-type", "audio/ogg".into()),
            (
                "content-range",
                format!("bytes {from}-{}/{}", file.len() - 1, file.len()),
            ),
            ("etag", "\"one\"".into()),
        ],
        body: file[from..].to_vec(),
    }
}

fn range(request: &Received) -> Option<(String, String)> {
    let text = |name: &str| Some(request.headers.get(name)?.to_str().unwrap().to_owned());
    Some((text("range")?, text("if-range")?))
}

async fn read(server: &Receiver) -> Value {
    let scene = Scene::set(&[]).await;
    scene.wants(&json!({"fetch": true})).await;
    let call = scene.ended("broken", &server.url()).await;
    scene.settle().await;
    let sha: Option<String> =
        sqlx::query_scalar("select reading->'sound'->>'sha256' from recording_readings")
            .fetch_optional(&scene.app.db)
            .await
            .unwrap();
    let mut told = scene.analysis(&call).await["recording"].clone();
    told["sha256"] = json!(sha);
    told
}

fn sha256(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    hex::encode(digest)
}

#[tokio::test]
async fn a_connection_that_broke_is_taken_up_where_it_broke() {
    let file = fixture("call_dual.opus");
    let served = file.clone();
    let server = Receiver::scripted(move |number, request| match (number, range(request)) {
        (0, None) => cut(&served, 50_000, "etag: \"one\"\r\n"),
        (_, Some((range, _))) => {
            let from = range
                .strip_prefix("bytes=")
                .unwrap()
                .strip_suffix('-')
                .unwrap();
            rest(&served, from.parse().unwrap())
        }
        _ => Reply::Status(500),
    });
    let told = read(&server).await;
    assert_eq!(told["sha256"], sha256(&file), "{told}");
    let asked = server.received();
    assert_eq!(asked.len(), 2);
    let (asked_range, if_range) = range(&asked[1]).unwrap();
    assert_eq!(if_range, "\"one\"");
    assert_ne!(asked_range, "bytes=0-");
}

#[tokio::test]
async fn a_file_that_changed_meanwhile_is_fetched_from_the_start() {
    let (old, new) = (fixture("call_dual.mp3"), fixture("call_dual.opus"));
    let served = new.clone();
    let server = Receiver::scripted(move |number, _| match number {
        0 => cut(
            &old,
            100_000,
            "last-modified: Sun, 01 Nov 2026 10:00:00 GMT\r\n",
        ),
        _ => audio(served.clone()),
    });
    let told = read(&server).await;
    assert_eq!(told["sha256"], sha256(&new), "{told}");
    let (_, if_range) = range(&server.received()[1]).unwrap();
    assert_eq!(if_range, "Sun, 01 Nov 2026 10:00:00 GMT");
}

#[tokio::test]
async fn without_a_validator_or_with_an_odd_range_it_begins_anew() {
    let file = fixture("call_dual.opus");
    for (validator, second) in [
        ("", false),
        ("etag: W/\"weak\"\r\n", false),
        ("etag: \"one\"\r\n", true),
    ] {
        let served = file.clone();
        let server = Receiver::scripted(move |number, _| match number {
            0 => cut(&served, 10_000, validator),
            // Not the part that was asked for.
            1 if second => rest(&served, 7),
            _ => audio(served.clone()),
        });
        let told = read(&server).await;
        assert_eq!(told["sha256"], sha256(&file), "{told}");
        let asked = server.received();
        assert_eq!(range(&asked[1]).is_some(), second, "{validator}");
        assert!(range(asked.last().unwrap()).is_none(), "{validator}");
    }
}

#[tokio::test]
async fn redirects_are_followed_and_take_nothing_along() {
    let file = fixture("call_dual.opus");
    let target = Receiver::always(audio(file.clone()));
    let there = target.url();
    let server = Receiver::always(Reply::Answer {
        status: 307,
        headers: vec![("location", there), ("set-cookie", "a=b".into())],
        body: Vec::new(),
    });
    let told = read(&server).await;
    assert_eq!(told["sha256"], sha256(&file), "{told}");
    let [asked] = target.received().try_into().unwrap();
    for header in ["cookie", "referer", "authorization"] {
        assert!(!asked.headers.contains_key(header), "{header}");
    }
}
