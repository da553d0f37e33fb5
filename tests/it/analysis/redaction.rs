//! Who reads what was said: a credential that may not reads it redacted wherever it is shown, and cannot find it out by a list.

use onhook::{
    access::KeyRequest,
    domain::account::{KeyKind, TranscriptAccess},
};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::scene::Scene;
use crate::{app::request, receiver::Received};

const CARD: &str = "4111 1111 1111 1111";
const SECRETS: [&str; 3] = ["4111", "five five five", "jane"];

fn told() -> Value {
    json!({"language": "en", "utterances": [
        {"speaker": "agent", "text": "What is the card number?", "begin_ms": 500, "end_ms": 2_000},
        {"speaker": "customer", "text": format!("It is {CARD}, or call four one five five five five zero one three two."),
         "begin_ms": 2_600, "end_ms": 9_000,
         "words": [{"text": "It", "begin_ms": 2_600, "end_ms": 2_700}, {"text": "is", "begin_ms": 2_700, "end_ms": 2_800},
                   {"text": "4111", "begin_ms": 2_800, "end_ms": 2_900}]},
        {"speaker": "customer", "text": "Or write to jane dot doe at example dot com.", "begin_ms": 9_500, "end_ms": 12_000},
    ]})
}

/// A call that has been transcribed and analysed; its id.
async fn transcribed(scene: &Scene) -> String {
    let call = scene
        .report("secret", &["call-ringing", "call-answered"])
        .await;
    let given = scene.give(&call, &told()).await;
    assert_eq!(given.status(), StatusCode::CREATED);
    scene.report("secret", &["call-end"]).await;
    scene.settle().await;
    call
}

/// Exports leave out what is younger than ten seconds.
async fn settled(scene: &Scene) {
    sqlx::query("update calls set created_at = created_at - interval '1 minute'")
        .execute(&scene.app.db)
        .await
        .unwrap();
}

async fn key(scene: &Scene, kind: KeyKind, transcripts: Option<TranscriptAccess>) -> String {
    let asked = KeyRequest {
        transcripts,
        ..request(kind)
    };
    scene.app.key_of(scene.account.id, asked).await
}

/// What the key is answered.
async fn read(scene: &Scene, key: &str, path: &str) -> (StatusCode, String) {
    let answer = scene.app.get(path, key).send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

/// The places that show what was said.
fn places(call: &str) -> Vec<String> {
    vec![
        format!("/v1/calls/{call}/transcript"),
        format!("/v1/calls/{call}/analysis"),
        format!("/calls/{call}"),
        "/calls/query".to_owned(),
        "/v1/calls/export".to_owned(),
        format!("/v3/communication/voice_calls/{call}/transcript"),
    ]
}

#[tokio::test]
async fn a_key_that_may_not_reads_nothing_as_it_was_said() {
    let scene = Scene::set().await;
    let call = transcribed(&scene).await;
    settled(&scene).await;
    let raw = key(&scene, KeyKind::App, Some(TranscriptAccess::Raw)).await;
    let redacted = key(&scene, KeyKind::App, Some(TranscriptAccess::Redacted)).await;
    let event: uuid::Uuid =
        sqlx::query_scalar("select event_id from events where type = 'call.analyzed'")
            .fetch_one(&scene.app.db)
            .await
            .unwrap();
    let mut places = places(&call);
    places.push(format!("/v1/events/{event}"));
    for place in places {
        let (status, shown) = read(&scene, &raw, &place).await;
        assert_eq!(status, StatusCode::OK, "{place}: {shown}");
        assert!(shown.contains(CARD), "{place}: {shown}");
        let (status, shown) = read(&scene, &redacted, &place).await;
        assert_eq!(status, StatusCode::OK, "{place}: {shown}");
        for secret in SECRETS {
            assert!(!shown.contains(secret), "{secret} at {place}: {shown}");
        }
        for mask in ["[CREDIT_DEBIT_NUMBER]", "[PHONE]", "[EMAIL]"] {
            assert!(shown.contains(mask), "{mask} at {place}: {shown}");
        }
    }
    // The answer to a change shows the call, too.
    let patched = scene
        .app
        .request(reqwest::Method::PATCH, &format!("/calls/{call}"));
    let patched = patched
        .bearer_auth(&redacted)
        .json(&json!({"notes": "heard"}));
    let shown = patched.send().await.unwrap().text().await.unwrap();
    assert!(
        shown.contains("[EMAIL]") && !shown.contains("jane"),
        "{shown}"
    );
}

#[tokio::test]
async fn what_may_not_be_read_cannot_be_found_out_by_a_list() {
    let scene = Scene::set().await;
    transcribed(&scene).await;
    settled(&scene).await;
    let raw = key(&scene, KeyKind::Staff, Some(TranscriptAccess::Raw)).await;
    let redacted = key(&scene, KeyKind::Staff, Some(TranscriptAccess::Redacted)).await;
    let found = |text: &str| -> usize {
        let page: Value = serde_json::from_str(text).unwrap();
        page["data"].as_array().unwrap().len()
    };
    let search = "/calls/query?search=4111";
    assert_eq!(found(&read(&scene, &raw, search).await.1), 1);
    assert_eq!(found(&read(&scene, &redacted, search).await.1), 0);
    assert_eq!(
        read(&scene, &redacted, "/v1/calls/export?search=4111")
            .await
            .1,
        ""
    );
    let filter = "filter_columns[]=transcript&filter_operator[]=contains&filter_values[]=4111";
    for list in [
        format!("/calls/query?{filter}"),
        "/calls/query?sort_column=transcript".to_owned(),
        format!("/v1/calls/export?{filter}"),
    ] {
        assert_eq!(read(&scene, &raw, &list).await.0, StatusCode::OK, "{list}");
        let (status, refused) = read(&scene, &redacted, &list).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{list}");
        assert!(refused.contains("reads transcripts redacted"), "{refused}");
    }
}

#[tokio::test]
async fn an_account_says_what_credentials_read_that_do_not_say() {
    let scene = Scene::set().await;
    let call = transcribed(&scene).await;
    let path = format!("/v1/calls/{call}/transcript");
    let plain = key(&scene, KeyKind::Staff, None).await;
    let raw = key(&scene, KeyKind::Staff, Some(TranscriptAccess::Raw)).await;
    assert!(read(&scene, &plain, &path).await.1.contains(CARD));
    let put = scene.app.put("/v1/analysis-settings", &scene.account.key);
    let settings = json!({"privacy": {"transcripts": "redacted"}});
    assert_eq!(
        put.json(&settings).send().await.unwrap().status(),
        StatusCode::OK
    );
    assert!(
        read(&scene, &plain, &path)
            .await
            .1
            .contains("[CREDIT_DEBIT_NUMBER]")
    );
    assert!(read(&scene, &raw, &path).await.1.contains(CARD));

    let put = scene.app.put("/v1/analysis-settings", &scene.account.key);
    let wrong = json!({"privacy": {"transcripts": "some", "webhooks": 1, "other": true}});
    let refused = put.json(&wrong).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        refused.json::<Value>().await.unwrap()["errors"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[tokio::test]
async fn webhooks_carry_what_the_account_says() {
    for (webhooks, is_raw) in [("raw", true), ("redacted", false)] {
        let scene = Scene::set().await;
        let put = scene.app.put("/v1/analysis-settings", &scene.account.key);
        let settings = json!({"privacy": {"webhooks": webhooks}});
        assert_eq!(
            put.json(&settings).send().await.unwrap().status(),
            StatusCode::OK
        );
        transcribed(&scene).await;
        let received = scene.receiver.received();
        let bodies: Vec<String> = received
            .iter()
            .map(Received::json)
            .map(|body| body.to_string())
            .collect();
        let with_card = bodies.iter().filter(|body| body.contains(CARD)).count();
        assert_eq!(with_card > 0, is_raw, "{bodies:?}");
        let masked = bodies
            .iter()
            .filter(|body| body.contains("[CREDIT_DEBIT_NUMBER]"))
            .count();
        assert!(masked > 0 || is_raw);
        // Those who read redacted are told the same again, those who read raw are not told more than was sent.
        let body = bodies
            .iter()
            .find(|body| body.contains("call.analyzed"))
            .unwrap();
        assert!(body.contains("transcript_object"));
    }
}

#[tokio::test]
async fn a_transcript_that_is_masked_beside_the_requests_is_masked_whole() {
    let scene = Scene::set().await;
    let put = scene.app.put("/v1/analysis-settings", &scene.account.key);
    let settings = json!({"privacy": {"webhooks": "redacted"}});
    let put = put.json(&settings).send().await.unwrap();
    assert_eq!(put.status(), StatusCode::OK);
    // Of more than is masked on the spot, personal data at its beginning and its end.
    let long = "We talk about nothing in particular for quite a while. ".repeat(5);
    let turns = 1_000_u32;
    assert!(long.len() * 1_000 > onhook::webhooks::redacted::INLINE_BYTES_MAX);
    let said: Vec<Value> = (0..turns)
        .map(|turn| {
            let is_edge = turn == 0 || turn == turns - 1;
            let text = if is_edge { format!("It is {CARD}.") } else { long.clone() };
            json!({"speaker": "customer", "text": text, "begin_ms": turn * 1_000, "end_ms": turn * 1_000 + 900})
        })
        .collect();
    let call = scene
        .report("long", &["call-ringing", "call-answered"])
        .await;
    let given = scene.give(&call, &json!({ "utterances": said })).await;
    assert_eq!(given.status(), StatusCode::CREATED);
    settled(&scene).await;
    scene.app.run_jobs().await;
    let redacted = key(&scene, KeyKind::App, Some(TranscriptAccess::Redacted)).await;
    let received = scene.receiver.received();
    let told = received
        .iter()
        .find(|got| got.event_type() == "call.transcribed");
    let mut shown = vec![told.unwrap().json().to_string()];
    let path = format!("/v1/calls/{call}/transcript");
    for path in [
        path.as_str(),
        &format!("/calls/{call}"),
        "/calls/query",
        "/v1/calls/export",
    ] {
        let (status, text) = read(&scene, &redacted, path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        shown.push(text);
    }
    for (number, text) in shown.iter().enumerate() {
        // As lines and as utterances, where the call is shown.
        let times = if number == 1 { 2 } else { 4 };
        let masks = text.matches("[CREDIT_DEBIT_NUMBER]").count();
        assert_eq!(masks, times, "{number}");
        assert!(!text.contains("4111"), "{number}");
        let plain = text.matches("nothing in particular").count();
        assert_eq!(plain, 998 * 5 * times / 2, "{number}: the rest is there");
    }
}
