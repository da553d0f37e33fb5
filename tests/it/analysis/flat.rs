//! What the documented objects show of an analysis in fields of their own.

use super::*;

const SPOKEN: [(&str, &str); 2] = [
    ("agent", "Thank you for calling, how can I help?"),
    ("customer", "I was charged twice for my subscription."),
];

fn transcript(more: &[(&str, &str)]) -> Value {
    let said = SPOKEN.iter().chain(more).enumerate();
    let utterances: Vec<Value> = said
        .map(|(at, (speaker, text))| {
            json!({"speaker": speaker, "text": text, "begin_ms": at * 5_000, "end_ms": at * 5_000 + 4_000})
        })
        .collect();
    json!({"language": "en", "utterances": utterances})
}

impl Scene {
    async fn voice_call(&self, call: &str) -> Value {
        let path = format!("/v3/communication/voice_calls/{call}");
        let (status, answer) = self.get(&path).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer["data"].clone()
    }

    async fn patch(&self, call: &str, body: Value) {
        let path = format!("/v3/communication/voice_calls/{call}");
        let patch = self.app.request(Method::PATCH, &path);
        let patch = patch.bearer_auth(&self.account.key).json(&body);
        let answer = patch.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_voice_call_s_summary_is_its_newest_analysis_until_staff_write_one() {
    let scene = Scene::set().await;
    let call = scene.ended("summed-up").await;
    scene.settle().await;
    let before = scene.voice_call(&call).await;
    assert_eq!(before["call_summary"], Value::Null, "nothing was said");

    scene.give(&call, &transcript(&[])).await;
    scene.settle().await;
    let first = scene.voice_call(&call).await;
    let made = scene.analysis(&call).await["summary"]["text"].clone();
    assert!(made.is_string());
    assert_eq!(first["call_summary"], made);
    assert_ne!(first["updated_at"], before["updated_at"]);

    let more = [("agent", "I am sorry, the refund is on its way."); 3];
    scene.give(&call, &transcript(&more)).await;
    scene.settle().await;
    let made_again = scene.analysis(&call).await["summary"]["text"].clone();
    assert_ne!(made_again, made);
    assert_eq!(scene.voice_call(&call).await["call_summary"], made_again);

    let by_staff = json!({"call_summary": "Refund promised by Friday."});
    scene.patch(&call, by_staff.clone()).await;
    let last = [("customer", "Great, thank you so much!")];
    scene.give(&call, &transcript(&last)).await;
    scene.settle().await;
    assert_ne!(scene.analysis(&call).await["summary"]["text"], made_again);
    let kept = scene.voice_call(&call).await;
    assert_eq!(kept["call_summary"], by_staff["call_summary"]);
}
