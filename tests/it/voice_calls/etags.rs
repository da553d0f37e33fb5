//! Versions: `ETag`, `If-Match`, `If-None-Match`.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{VOICE_CALLS, answer, create, patch, put, read, update, with};
use crate::app::TestApp;

async fn tag(app: &TestApp, key: &str, uid: &str) -> String {
    let shown = app
        .get(&format!("{VOICE_CALLS}/{uid}"), key)
        .send()
        .await
        .unwrap();
    shown.headers()["etag"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_change_meant_for_another_version_is_refused_whatever_the_verb() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let key = account.key.as_str();
    let uid = create(&app, &account, json!({})).await;
    answer(put(&app, key, &uid, &update())).await;
    let recording = format!("/v3/communication/voice_call_recordings/{uid}");
    let mut played = false;
    let mut n = 0;
    for verb in ["PUT", "PATCH", "recording"] {
        let mut send = |tag: &str| {
            n += 1;
            let summary = json!({"call_summary": format!("{n}")});
            let request = match verb {
                "PUT" => put(&app, key, &uid, &with(update(), summary)),
                "PATCH" => patch(&app, key, &uid, &summary),
                _ => {
                    played = !played;
                    let body = json!({"recording_played": played});
                    app.put(&recording, key).json(&body)
                }
            };
            answer(request.header("if-match", tag))
        };
        let current = tag(&app, key, &uid).await;
        assert_eq!(send(&current).await.0, StatusCode::OK, "{verb}");
        let moved = tag(&app, key, &uid).await;
        for stale in [&current, &format!("W/{moved}"), "nonsense", "\"\"", ""] {
            let before = read(&app, key, &uid).await;
            let (status, body) = send(stale).await;
            assert_eq!(status, StatusCode::PRECONDITION_FAILED, "{verb} {stale}");
            let told = json!({"success": false, "errors": [{
                "code": "precondition_failed", "message": "the voice call has changed since the version in If-Match",
            }]});
            assert_eq!(body, told);
            assert_eq!(read(&app, key, &uid).await, before, "{verb} {stale}");
        }
        assert_eq!(send("*").await.0, StatusCode::OK, "{verb}");
        let current = tag(&app, key, &uid).await;
        let several = format!("\"1000\", {current}");
        assert_eq!(send(&several).await.0, StatusCode::OK, "{verb}");
    }
    let delete = |tag: &str| {
        let request = app.request(Method::DELETE, &recording).bearer_auth(key);
        answer(request.header("if-match", tag))
    };
    assert_eq!(delete("\"1\"").await.0, StatusCode::PRECONDITION_FAILED);
    assert_eq!(delete("*").await.0, StatusCode::OK);
}

#[tokio::test]
async fn of_changes_that_race_with_one_version_one_is_made() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let uid = create(&app, &account, json!({})).await;
    let current = tag(&app, &account.key, &uid).await;
    let mut racing = tokio::task::JoinSet::new();
    for n in 0..8 {
        let body = json!({"call_summary": format!("{n}")});
        let request = patch(&app, &account.key, &uid, &body).header("if-match", &current);
        racing.spawn(answer(request));
    }
    let mut answers = racing.join_all().await;
    answers.sort_by_key(|(status, _)| status.as_u16());
    let codes: Vec<u16> = answers.iter().map(|(status, _)| status.as_u16()).collect();
    assert_eq!(codes, [200, 412, 412, 412, 412, 412, 412, 412]);
    assert_eq!(answers[0].1["data"], read(&app, &account.key, &uid).await);
}

#[tokio::test]
async fn who_has_the_version_is_not_sent_it_again() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let uid = create(&app, &account, json!({})).await;
    let path = format!("{VOICE_CALLS}/{uid}");
    let ask = |tag: String| {
        let request = app.get(&path, &account.key).header("if-none-match", &tag);
        async move {
            let answer = request.send().await.unwrap();
            let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
            (answer.status().as_u16(), tag, answer.bytes().await.unwrap())
        }
    };
    let current = tag(&app, &account.key, &uid).await;
    for known in [
        current.clone(),
        format!("W/{current}"),
        format!("\"0\", {current}"),
        "*".to_owned(),
    ] {
        let (status, tag, body) = ask(known.clone()).await;
        assert_eq!((status, &tag), (304, &current), "{known}");
        assert!(body.is_empty());
    }
    assert_eq!(ask("\"0\"".to_owned()).await.0, 200);
    // A transcript is shown, so it makes another version.
    let transcript =
        json!({"utterances": [{"speaker": "agent", "text": "Hello.", "begin_ms": 0, "end_ms": 9}]});
    let put = app.put(&format!("/v1/calls/{uid}/transcript"), &account.key);
    assert_eq!(put.json(&transcript).send().await.unwrap().status(), 201);
    let (status, tag, body) = ask(current.clone()).await;
    assert_eq!(status, 200);
    assert_ne!(tag, current);
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["data"]["transcript_status"], "DONE");
}
