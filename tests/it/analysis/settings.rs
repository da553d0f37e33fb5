//! What an account wants of its analyses: read, replaced, refused by field, and seen in the next analysis.

use super::*;

impl Scene {
    async fn put_settings(&self, body: &Value) -> (StatusCode, Value) {
        let put = self.app.put("/v1/analysis-settings", &self.account.key);
        let answer = put.json(body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    /// Where in the body something is wrong, and what.
    async fn refused(&self, body: &Value) -> Vec<(String, String)> {
        let (status, answer) = self.put_settings(body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body} {answer}");
        let errors = answer["errors"].as_array().unwrap().iter();
        let word = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
        errors
            .map(|error| (word(error, "pointer"), word(error, "code")))
            .collect()
    }
}

#[tokio::test]
async fn settings_are_as_documented_until_somebody_says_otherwise_and_again_after() {
    let scene = Scene::set().await;
    let (status, first) = scene.get("/v1/analysis-settings").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(first["short_call_seconds"], 10);
    assert_eq!(first["updated_at"], Value::Null);

    let (status, put) = scene
        .put_settings(&json!({"short_call_seconds": 600}))
        .await;
    assert_eq!(status, StatusCode::OK, "{put}");
    assert_eq!(put["short_call_seconds"], 600);
    assert_eq!(scene.get("/v1/analysis-settings").await.1, put);

    let (_, back) = scene.put_settings(&json!({})).await;
    assert_eq!(back["short_call_seconds"], 10);
    assert_ne!(back["updated_at"], Value::Null);
}

#[tokio::test]
async fn everything_that_is_wrong_with_settings_is_named_and_nothing_is_kept() {
    let scene = Scene::set().await;
    for (body, field, code) in [
        (
            json!({"short_call_seconds": 601}),
            "#/short_call_seconds",
            "invalid",
        ),
        (
            json!({"short_call_seconds": -1}),
            "#/short_call_seconds",
            "invalid",
        ),
        (
            json!({"short_call_seconds": 1.5}),
            "#/short_call_seconds",
            "invalid",
        ),
        (
            json!({"short_call_seconds": "10"}),
            "#/short_call_seconds",
            "invalid",
        ),
        (json!({"short_call": 10}), "#/short_call", "unknown"),
        (json!([]), "#/body", "invalid"),
    ] {
        let refused = scene.refused(&body).await;
        assert_eq!(refused, [(field.to_owned(), code.to_owned())], "{body}");
    }
    let both = scene
        .refused(&json!({"short_call_seconds": 601, "no_such": 1}))
        .await;
    assert_eq!(both.len(), 2, "{both:?}");
    let (_, kept) = scene.get("/v1/analysis-settings").await;
    assert_eq!(kept["updated_at"], Value::Null);
}

#[tokio::test]
async fn the_next_analysis_is_made_as_the_settings_say() {
    let scene = Scene::set().await;
    let call = scene.ended("as-settings-say").await;
    scene.settle().await;
    assert_eq!(scene.analysis(&call).await["outcome"]["value"], "unknown");
    scene.put_settings(&json!({"short_call_seconds": 60})).await;
    let next = scene.ended("as-settings-say-2").await;
    scene.settle().await;
    let analysis = scene.analysis(&next).await;
    assert_eq!(analysis["outcome"]["value"], "short_call");
    assert_eq!(scene.analysis(&call).await["outcome"]["value"], "unknown");
}

/// Settings with categories: one of so many phrases of so many characters, and the rest small.
fn categories(count: usize, phrases: usize, chars: usize, name: usize) -> Value {
    let first = json!({
        "name": "n".repeat(name),
        "phrases": (0..phrases).map(|at| format!("{at:0>chars$}")).collect::<Vec<_>>(),
    });
    let more = (1..count).map(|at| json!({"name": format!("c{at}"), "phrases": ["refund"]}));
    let all: Vec<Value> = std::iter::once(first).chain(more).collect();
    json!({ "categories": all })
}

/// Settings with so many words of the account's own, the first of so many characters.
fn words(count: usize, chars: usize) -> Value {
    let word = |at: usize| {
        if at == 0 {
            "w".repeat(chars)
        } else {
            format!("w{at}")
        }
    };
    let words: serde_json::Map<String, Value> = (0..count)
        .map(|at| (word(at), json!(if at % 2 == 0 { 4.0 } else { -4.0 })))
        .collect();
    json!({"sentiment": {"words": words}})
}

#[tokio::test]
async fn phrases_and_words_of_an_account_are_taken_up_to_their_bounds() {
    let scene = Scene::set().await;
    for body in [
        categories(100, 50, 100, 64),
        words(500, 40),
        json!({"categories": [{"name": "late", "phrases": ["refund"], "last_seconds": 86_400}]}),
    ] {
        let (status, kept) = scene.put_settings(&body).await;
        assert_eq!(status, StatusCode::OK, "{kept}");
        for (part, told) in body.as_object().unwrap() {
            if part == "sentiment" {
                assert_eq!(kept[part]["words"], told["words"]);
            } else {
                let (kept, told) = (&kept[part], told.as_array().unwrap());
                assert_eq!(kept.as_array().unwrap().len(), told.len());
                assert_eq!(kept[0]["phrases"], told[0]["phrases"]);
            }
        }
    }
    let kept = scene.get("/v1/analysis-settings").await.1;
    for (body, field) in [
        (categories(101, 1, 1, 1), "#/categories"),
        (categories(1, 51, 3, 1), "#/categories/0/phrases"),
        (categories(1, 2, 101, 1), "#/categories/0/phrases/0"),
        (categories(1, 1, 1, 65), "#/categories/0/name"),
        (words(501, 2), "#/sentiment/words"),
        (
            json!({"categories": [{"name": "late", "phrases": ["refund"], "last_seconds": 86_401}]}),
            "#/categories/0/last_seconds",
        ),
    ] {
        let refused = scene.refused(&body).await;
        assert_eq!(refused[0].0, field, "{refused:?}");
    }
    let long = words(1, 41);
    let refused = scene.refused(&long).await;
    assert_eq!(refused.len(), 1, "{refused:?}");
    let wide = json!({"sentiment": {"words": {"w": 4.1, "v": -4.1}}});
    assert_eq!(scene.refused(&wide).await.len(), 2);
    // Nothing of it was kept.
    assert_eq!(scene.get("/v1/analysis-settings").await.1, kept);
}

#[tokio::test]
async fn settings_are_taken_up_to_256_kib() {
    let scene = Scene::set().await;
    let padded = |bytes: usize| {
        let bare = json!({"short_call_seconds": 7}).to_string();
        format!("{bare}{}", " ".repeat(bytes - bare.len()))
    };
    for (bytes, expected) in [
        (256 * 1024, StatusCode::OK),
        (256 * 1024 + 1, StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let put = scene.app.put("/v1/analysis-settings", &scene.account.key);
        let put = put.header("content-type", "application/json");
        let answer = put.body(padded(bytes)).send().await.unwrap();
        assert_eq!(answer.status(), expected);
    }
}
