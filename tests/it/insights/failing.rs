//! A model that does not answer, or not well: the analysis is partial, never lost.

use std::time::Instant;

use serde_json::{Value, json};

use super::{Scene, answer, completion, ok, prompt, refund, says, status};
use crate::receiver::Reply;

/// Ends a call and has it analysed to the end; the analysis.
async fn analysed(scene: &Scene) -> Value {
    let call = scene.ended("failing", &refund()).await;
    scene.settle().await;
    assert_eq!(
        scene.app.jobs("insights").await,
        0,
        "nothing is left behind"
    );
    scene.analysis(&call).await
}

/// The rest of the analysis stands.
fn assert_partial(analysis: &Value, reason: &str) {
    let failed = json!({"status": "failed", "reason": reason});
    assert_eq!(analysis["insights"], failed);
    assert_eq!(analysis["success_evaluation"], failed);
    assert_eq!(
        analysis["structured_data"],
        json!({"status": "skipped", "reason": "NOT_CONFIGURED"})
    );
    assert_eq!(analysis["status"], "partial");
    assert_eq!(analysis["analysis_level"], "transcript");
    assert_eq!(analysis["revision"], 1);
    assert_eq!(analysis["sentiment"]["status"], "completed");
    assert_eq!(
        analysis["conversation_characteristics"]["status"],
        "completed"
    );
    assert_eq!(analysis["outcome"]["method"], "rules");
}

#[tokio::test]
async fn a_server_that_is_down_makes_the_analysis_partial() {
    let scene = Scene::set_with(
        |_, _| Reply::Status(204),
        // Nobody listens there.
        &[("ONHOOK_LLM_URL", "http://127.0.0.1:9/v1")],
    )
    .await;
    assert_partial(&analysed(&scene).await, "MODEL_UNAVAILABLE");
}

#[tokio::test]
async fn a_server_that_is_too_slow_is_not_waited_for() {
    let scene = Scene::set_with(|_, _| Reply::Drip, &[("ONHOOK_LLM_TIMEOUT_S", "1")]).await;
    assert_partial(&analysed(&scene).await, "MODEL_TIMED_OUT");
    assert_eq!(
        scene.sent().len(),
        3,
        "one request for each attempt of the job"
    );
}

#[tokio::test]
async fn a_server_that_answers_without_end_is_cut_off() {
    let scene = Scene::set(|_, _| Reply::Endless).await;
    assert_partial(&analysed(&scene).await, "MODEL_ANSWER_INVALID");
}

#[tokio::test]
async fn a_server_that_asks_for_a_pause_gets_it() {
    let scene = Scene::set(|number, _| match number {
        0 => status(
            429,
            &[("retry-after", "1")],
            &json!({"error": {"message": "slow down"}}),
        ),
        1 => status(503, &[("retry-after-ms", "200")], &json!({})),
        _ => says(&answer()),
    })
    .await;
    let begun = Instant::now();
    let analysis = analysed(&scene).await;
    assert_eq!(analysis["insights"]["status"], "completed");
    assert_eq!(scene.sent().len(), 3);
    assert!(
        begun.elapsed().as_millis() >= 1_200,
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn a_long_pause_is_spent_in_the_queue() {
    let scene = Scene::set(|number, _| match number {
        0 => status(429, &[("retry-after", "90")], &json!({})),
        _ => says(&answer()),
    })
    .await;
    let call = scene.ended("paused", &refund()).await;
    scene.app.run_jobs().await;
    assert_eq!(scene.sent().len(), 1);
    let left =
        "select extract(epoch from run_at - now())::float8 from jobs where kind = 'insights'";
    let left: f64 = sqlx::query_scalar(left)
        .fetch_one(&scene.app.db)
        .await
        .unwrap();
    assert!((60.0..=90.0).contains(&left), "{left}");
    scene.settle().await;
    assert_eq!(
        scene.analysis(&call).await["insights"]["status"],
        "completed"
    );
}

#[tokio::test]
async fn what_the_server_says_about_trying_again_counts() {
    let scene = Scene::set(|_, _| status(500, &[("x-should-retry", "false")], &json!({}))).await;
    assert_partial(&analysed(&scene).await, "MODEL_REJECTED_REQUEST");
    assert_eq!(scene.sent().len(), 1);
}

#[tokio::test]
async fn a_server_that_does_not_take_the_key_is_not_asked_again() {
    let scene =
        Scene::set(|_, _| status(401, &[], &json!({"error": {"message": "bad key"}}))).await;
    assert_partial(&analysed(&scene).await, "MODEL_REJECTED_REQUEST");
    assert_eq!(scene.sent().len(), 1);
}

#[tokio::test]
async fn a_cut_answer_is_not_taken_for_a_whole_one() {
    let scene = Scene::set(|_, _| {
        let mut cut = completion("{\"summary\": \"The customer was");
        cut["choices"][0]["finish_reason"] = json!("length");
        ok(&cut)
    })
    .await;
    assert_partial(&analysed(&scene).await, "MODEL_ANSWER_CUT");
}

#[tokio::test]
async fn a_model_that_refuses_is_left_alone() {
    let scene = Scene::set(|_, _| {
        let mut refused = completion("");
        refused["choices"][0]["message"] =
            json!({"role": "assistant", "content": null, "refusal": "I cannot help with that."});
        ok(&refused)
    })
    .await;
    assert_partial(&analysed(&scene).await, "MODEL_REFUSED");
    assert_eq!(scene.sent().len(), 1);
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_asked_for_once_more() {
    let scene = Scene::set(|number, _| match number {
        0 => ok(&completion("It went well, I think.")),
        _ => ok(&completion(&format!("```json\n{}\n```", answer()))),
    })
    .await;
    let analysis = analysed(&scene).await;
    assert_eq!(analysis["insights"]["status"], "completed");
    assert_eq!(
        analysis["insights"]["usage"],
        json!({"requests": 2, "prompt_tokens": 1000, "completion_tokens": 180})
    );
    let sent = scene.sent();
    let again = sent[1]["messages"].as_array().unwrap();
    assert_eq!(again.len(), 4);
    assert_eq!(
        again[2],
        json!({"role": "assistant", "content": "It went well, I think."})
    );
    assert!(prompt(&sent[1]).contains("it is not JSON"), "{again:?}");
}

#[tokio::test]
async fn a_wrong_enum_is_told_to_the_model_and_given_up_the_second_time() {
    let scene = Scene::set(|_, _| {
        let mut wrong = answer();
        wrong["outcome"] = json!("splendid");
        says(&wrong)
    })
    .await;
    assert_partial(&analysed(&scene).await, "MODEL_ANSWER_INVALID");
    let sent = scene.sent();
    assert_eq!(sent.len(), 2);
    assert!(
        prompt(&sent[1]).contains("at `/outcome`"),
        "{}",
        prompt(&sent[1])
    );
}

#[tokio::test]
async fn answers_out_of_bounds_are_not_kept() {
    for spoil in [
        json!({"summary": "x".repeat(70_000)}),
        json!({"summary": "a\u{0}b"}),
        json!({"topics": vec!["topic"; 51]}),
        json!({"extra": 1}),
    ] {
        let scene = Scene::set(move |_, _| {
            let mut spoilt = answer();
            for (name, value) in spoil.as_object().unwrap() {
                spoilt[name] = value.clone();
            }
            says(&spoilt)
        })
        .await;
        assert_partial(&analysed(&scene).await, "MODEL_ANSWER_INVALID");
    }
}

#[tokio::test]
async fn what_answers_in_place_of_a_model_is_no_answer() {
    let scene = Scene::set(|_, _| ok(&json!({"hello": "world"}))).await;
    assert_partial(&analysed(&scene).await, "MODEL_ANSWER_INVALID");
    let scene = Scene::set(|_, _| ok(&json!({"choices": []}))).await;
    assert_partial(&analysed(&scene).await, "MODEL_ANSWER_INVALID");
}

#[tokio::test]
async fn failures_and_tokens_are_counted() {
    let scene = Scene::set(|number, _| match number {
        0 => status(401, &[], &json!({})),
        _ => says(&answer()),
    })
    .await;
    scene.ended("first", &refund()).await;
    scene.settle().await;
    scene.ended("second", &refund()).await;
    scene.settle().await;
    let metrics = scene.app.metrics().await;
    for line in [
        "onhook_llm_requests_total{outcome=\"refused\"} 1",
        "onhook_llm_requests_total{outcome=\"succeeded\"} 1",
        "onhook_llm_tokens_total{kind=\"prompt\"} 500",
        "onhook_llm_tokens_total{kind=\"completion\"} 90",
        "onhook_insights_total{outcome=\"answered\"} 1",
        "onhook_insights_total{outcome=\"rejected_request\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} is missing in {metrics}");
    }
}
