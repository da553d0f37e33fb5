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
