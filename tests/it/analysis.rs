//! Analysis as a client sees it: a call ends, with or without a transcript, and its analysis is told and can be read.

use std::time::{Duration, Instant};

use onhook::domain::account::VoipMode;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::analysis_pure::json_fixture;

mod again;
mod flat;
mod redaction;
mod scene;
mod settings;
mod tokens;

use scene::Scene;

/// The fixture call as a client would give it.
fn fixture_call() -> Value {
    let truth = json_fixture("call_truth.json");
    let ms = |seconds: &Value| -> u32 {
        let ms = format!("{:.0}", seconds.as_f64().unwrap() * 1000.0);
        ms.parse().unwrap()
    };
    let said: Vec<Value> = truth.as_array().unwrap().iter()
        .map(|u| json!({
            "speaker": u["speaker"], "text": u["text"], "begin_ms": ms(&u["start"]), "end_ms": ms(&u["end"]),
        }))
        .collect();
    json!({"language": "en", "utterances": said})
}

#[tokio::test]
async fn a_transcript_given_before_the_end_is_analysed_with_it() {
    let scene = Scene::set().await;
    let call = scene
        .report("early", &["call-ringing", "call-answered"])
        .await;
    let given = scene.give(&call, &fixture_call()).await;
    assert_eq!(given.status(), StatusCode::CREATED);
    scene.report("early", &["call-end"]).await;
    scene.settle().await;

    let analysis = scene.analysis(&call).await;
    assert_eq!(analysis["revision"], 1);
    assert_eq!(analysis["trigger"], "call_ended");
    assert_eq!(analysis["analysis_level"], "transcript");
    let talk = &analysis["conversation_characteristics"]["talk_time"];
    assert_eq!(
        talk["by_participant"],
        json!({"agent": 28_024, "customer": 21_758})
    );
    let turns = analysis["transcript"].as_array().unwrap();
    assert_eq!(turns.len(), 11);
    assert_eq!(
        turns[7]["text"],
        "Oh, that is great. Thank you so much for fixing it quickly."
    );
    assert_eq!(turns[7]["sentiment"]["label"], "positive");
    let told = scene.told(&call);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].get("transcript"), None);
    assert_eq!(told[0]["sentiment"], analysis["sentiment"]);
    let shown = scene.get(&format!("/v1/calls/{call}/transcript")).await.1;
    assert_eq!(shown["utterances"].as_array().unwrap().len(), 11);
}

#[tokio::test]
async fn a_transcript_after_the_end_makes_one_more_revision_and_one_more_webhook() {
    let scene = Scene::set().await;
    let call = scene.ended("late").await;
    scene.settle().await;
    assert_eq!(
        scene.analysis(&call).await["sentiment"]["reason"],
        "NO_TRANSCRIPT"
    );

    // Two that come together join in one analysis.
    let mut shorter = fixture_call();
    shorter["utterances"].as_array_mut().unwrap().truncate(3);
    scene.give(&call, &shorter).await;
    let given = scene.give(&call, &fixture_call()).await;
    assert_eq!(given.status(), StatusCode::CREATED);
    scene.settle().await;

    let analysis = scene.analysis(&call).await;
    assert_eq!(analysis["revision"], 2);
    assert_eq!(analysis["trigger"], "transcript_updated");
    assert_eq!(
        analysis["conversation_characteristics"]["turn_count"]["agent"],
        6
    );
    let told = scene.told(&call);
    let revisions: Vec<&Value> = told.iter().map(|told| &told["revision"]).collect();
    assert_eq!(revisions, [&json!(1), &json!(2)]);
}

#[tokio::test]
async fn an_equal_transcript_changes_nothing() {
    let scene = Scene::set().await;
    let call = scene.ended("equal").await;
    let first: Value = scene
        .give(&call, &fixture_call())
        .await
        .json()
        .await
        .unwrap();
    scene.settle().await;
    let before = scene.analysis(&call).await;

    let mut reversed = fixture_call();
    reversed["utterances"].as_array_mut().unwrap().reverse();
    let again = scene.give(&call, &reversed).await;
    assert_eq!(again.status(), StatusCode::OK);
    assert_eq!(again.json::<Value>().await.unwrap(), first);
    assert_eq!(scene.app.jobs("analyze").await, 0);
    assert_eq!(scene.analysis(&call).await, before);
}

#[tokio::test]
async fn a_second_run_of_the_same_input_makes_no_second_revision() {
    let scene = Scene::set().await;
    let call = scene.ended("twice").await;
    scene.settle().await;
    let again = sqlx::query(
        "insert into jobs (job_id, kind, account_id, args, attempts_max)
         select gen_random_uuid(), 'analyze', account_id,
                jsonb_build_object('account_id', account_id, 'call_id', call_id, 'trigger', 'requested'), 10
         from calls",
    );
    again.execute(&scene.app.db).await.unwrap();
    scene.settle().await;
    assert_eq!(scene.app.jobs("analyze").await, 0);
    assert_eq!(scene.analysis(&call).await["revision"], 1);
    assert_eq!(scene.told(&call).len(), 1);
}

#[tokio::test]
async fn a_transcript_that_comes_while_the_call_is_analysed_is_not_missed() {
    let scene = Scene::set().await;
    let call = scene.ended("meanwhile").await;
    let db = &scene.app.db;
    let mut meanwhile = db.begin().await.unwrap();
    sqlx::query("select from calls for update")
        .execute(&mut *meanwhile)
        .await
        .unwrap();
    let arrives = async {
        // The analysis has read and computed, and waits for the call's row to store.
        let waiting = "select exists (select from pg_stat_activity
                                      where datname = current_database() and wait_event_type = 'Lock')";
        let deadline = Instant::now() + Duration::from_secs(4);
        while !sqlx::query_scalar::<_, bool>(waiting)
            .fetch_one(db)
            .await
            .unwrap()
        {
            assert!(Instant::now() < deadline, "nobody waits for the call");
        }
        let given = "insert into transcripts
                       (account_id, call_id, revision, transcript_id, source, utterances, text, content_sha256)
                     select account_id, call_id, 1, gen_random_uuid(), 'caller', $1, '', sha256('') from calls";
        let utterances = fixture_call()["utterances"].take();
        sqlx::query(given)
            .bind(utterances)
            .execute(&mut *meanwhile)
            .await
            .unwrap();
        meanwhile.commit().await.unwrap();
    };
    tokio::join!(scene.app.run_jobs(), arrives);

    let analysis = scene.analysis(&call).await;
    assert_eq!(analysis["revision"], 1);
    assert_eq!(analysis["analysis_level"], "transcript");
    scene.settle().await;
    assert_eq!(scene.told(&call).len(), 1);
}

#[tokio::test]
async fn an_unanswered_call_is_analysed_too() {
    let scene = Scene::set().await;
    let call = scene.report("missed", &["call-ringing"]).await;
    let ended = json!({
        "CallId": "missed", "From": "+15550001", "To": "+15550002", "Direction": "incoming", "CallStatus": "no-answer",
    });
    let posted = scene
        .app
        .request(Method::POST, "/api/v1/voip/call-end")
        .json(&ended);
    assert_eq!(posted.send().await.unwrap().status(), StatusCode::OK);
    scene.settle().await;

    let told = scene.told(&call);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["status"], "completed");
    assert_eq!(told[0]["analysis_level"], "call_events");
    assert_eq!(told[0]["outcome"]["value"], "no_contact");
    assert_eq!(
        told[0]["conversation_characteristics"]["reason"],
        "NO_TRANSCRIPT"
    );
    assert_eq!(scene.analysis(&call).await["transcript"], Value::Null);
}

#[tokio::test]
async fn an_analysis_that_cannot_be_made_is_told_as_failed() {
    let scene = Scene::set().await;
    let call = scene.ended("broken").await;
    scene.give(&call, &fixture_call()).await;
    // A bug that only the last attempt gets past: a result with turns cannot be stored.
    let broken = "alter table analyses add constraint broken check (turn_compounds is null)";
    sqlx::query(broken).execute(&scene.app.db).await.unwrap();
    let last = "update jobs set attempt = attempts_max - 1 where kind = 'analyze'";
    sqlx::query(last).execute(&scene.app.db).await.unwrap();
    scene.settle().await;

    let told = scene.told(&call);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["status"], "failed");
    assert_eq!(told[0]["call_metrics"]["reason"], "INTERNAL_ERROR");
    assert_eq!(scene.analysis(&call).await["status"], "failed");

    // Whoever asks again may do better: a failed revision does not count as an answer to its input.
    let mended = "alter table analyses drop constraint broken";
    sqlx::query(mended).execute(&scene.app.db).await.unwrap();
    let mut shorter = fixture_call();
    shorter["utterances"].as_array_mut().unwrap().truncate(3);
    scene.give(&call, &shorter).await;
    scene.settle().await;
    assert_eq!(scene.analysis(&call).await["status"], "completed");
}

#[tokio::test]
async fn bad_transcripts_are_refused_with_every_fault_named() {
    let scene = Scene::set().await;
    let call = scene.ended("bad").await;
    let mut bad = fixture_call();
    bad["utterances"][2]["speaker"] = json!("boss");
    bad["utterances"][5]["end_ms"] = json!(-1);
    let refused = scene.give(&call, &bad).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        refused.headers()["content-type"],
        "application/problem+json"
    );
    let problem: Value = refused.json().await.unwrap();
    let errors = problem["errors"].as_array().unwrap();
    let fields: Vec<&Value> = errors.iter().map(|error| &error["pointer"]).collect();
    assert_eq!(
        fields,
        [
            &json!("#/utterances/2/speaker"),
            &json!("#/utterances/5/end_ms")
        ]
    );

    let path = format!("/v1/calls/{call}/transcript");
    for (body, media, status) in [
        (
            vec![b' '; 4 * 1024 * 1024 + 1],
            "application/json",
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
        (b"{".to_vec(), "application/json", StatusCode::BAD_REQUEST),
        (
            b"{}".to_vec(),
            "text/html",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
    ] {
        let put = scene.app.put(&path, &scene.account.key);
        let answer = put.header("content-type", media).body(body).send().await;
        assert_eq!(answer.unwrap().status(), status);
    }
    assert_eq!(scene.get(&path).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_call_of_another_account_is_not_found() {
    let scene = Scene::set().await;
    let call = scene.ended("mine").await;
    scene.settle().await;
    let other = scene.app.account("other", VoipMode::Key).await;
    for (method, path) in [
        (Method::GET, "transcript"),
        (Method::PUT, "transcript"),
        (Method::GET, "analysis"),
        (Method::GET, "analyses"),
    ] {
        let path = format!("/v1/calls/{call}/{path}");
        let request = scene.app.request(method, &path).bearer_auth(&other.key);
        let answer = request.json(&fixture_call()).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn revisions_are_listed_newest_first_by_page() {
    let scene = Scene::set().await;
    let call = scene.ended("pages").await;
    scene.settle().await;
    for length in 1..=3 {
        let mut part = fixture_call();
        part["utterances"].as_array_mut().unwrap().truncate(length);
        scene.give(&call, &part).await;
        scene.settle().await;
    }
    let path = format!("/v1/calls/{call}/analyses");
    let page = scene.get(&format!("{path}?limit=3")).await.1;
    let revisions = |page: &Value| -> Vec<i64> {
        let data = page["data"].as_array().unwrap();
        data.iter()
            .map(|one| one["revision"].as_i64().unwrap())
            .collect()
    };
    assert_eq!(revisions(&page), [4, 3, 2]);
    assert_eq!(page["next_before"], 2);
    let rest = scene.get(&format!("{path}?limit=3&before=2")).await.1;
    assert_eq!(revisions(&rest), [1]);
    assert_eq!(rest["next_before"], Value::Null);
    for query in ["limit=0", "limit=101", "before=x"] {
        let (status, problem) = scene.get(&format!("{path}?{query}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(problem["errors"].as_array().unwrap().len(), 1);
    }
}
