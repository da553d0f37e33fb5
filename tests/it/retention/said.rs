//! What was said, and what was made of the words; and what accounts say of how long they keep what.

use std::process::Command;

use super::*;

#[tokio::test]
async fn transcripts_go_and_nothing_that_was_made_of_the_words_stays() {
    let scene = Scene::set().await;
    let call = scene.ended(&scene.account, "spoken").await;
    scene.app.run_jobs().await;
    let path = format!("/v1/calls/{call}/transcript");
    let transcript = json!({"language": "en", "utterances": [
        {"speaker": "agent", "text": "Thank you for calling about the zanzibar invoice.", "begin_ms": 0, "end_ms": 2900},
        {"speaker": "customer", "text": "I was charged twice for the zanzibar invoice, terrible!", "begin_ms": 3300, "end_ms": 6800},
        {"speaker": "agent", "text": "I am sorry, the zanzibar invoice is refunded.", "begin_ms": 7200, "end_ms": 9900},
    ]});
    let put = scene.app.put(&path, &scene.account.key).json(&transcript);
    assert!(put.send().await.unwrap().status().is_success());
    scene.app.make_jobs_due().await;
    scene.app.run_jobs().await;
    let patch = scene.app.request(Method::PATCH, &format!("/calls/{call}"));
    let patch = patch
        .bearer_auth(&scene.account.key)
        .json(&json!({"notes": "A zanzibar of our own."}));
    assert_eq!(patch.send().await.unwrap().status(), StatusCode::OK);
    scene.app.run_jobs().await;
    let said = "analyses where result::text like '%zanzibar%'";
    assert!(scene.count(said).await > 0);
    let week = Windows {
        transcript_days: days(7),
        ..server()
    };
    scene.sweep(week).await;
    assert_eq!(scene.count("transcripts").await, 1, "it is young");

    scene.age(8 * DAY).await;
    scene.sweep(week).await;
    assert_eq!(scene.count("transcripts").await, 0);
    assert_eq!(scene.count(said).await, 0);
    assert_eq!(
        scene
            .count("calls where call_summary like '%zanzibar%'")
            .await,
        0
    );
    assert_eq!(
        scene.count("events where body like '%zanzibar%'").await,
        0,
        "nor in what was told"
    );
    assert_eq!(
        scene
            .count("analyses where turn_compounds is not null or transcript_revision is not null")
            .await,
        0
    );
    assert_eq!(
        scene.count("calls where notes like '%zanzibar%'").await,
        1,
        "what people wrote stays"
    );

    let call: String = sqlx::query_scalar("select call_id::text from calls")
        .fetch_one(&scene.app.db)
        .await
        .unwrap();
    let analysis = scene.read(&format!("/v1/calls/{call}/analysis")).await;
    let gone = json!({"status": "skipped", "reason": "NOT_KEPT"});
    for section in ["key_phrases", "highlights", "summary"] {
        assert_eq!(analysis[section], gone, "{section}");
    }
    assert_eq!(analysis["sentiment"]["status"], "completed", "numbers stay");
    let shown = scene.read(&format!("/calls/{call}")).await;
    assert_eq!(shown["data"]["transcript"], Value::Null);
}

#[tokio::test]
async fn an_account_says_how_long_it_keeps_what_and_takes_it_back() {
    let scene = Scene::set().await;
    let first = scene.read("/v1/account/retention").await;
    assert_eq!(first["effective"]["payload_days"], 30);
    assert_eq!(
        (
            &first["own"]["payload_days"],
            &first["effective"]["call_days"]
        ),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(first["updated_at"], Value::Null);
    let said = scene
        .say(
            &scene.account,
            json!({"call_days": 20, "receipt_days": 400}),
        )
        .await;
    assert_eq!(said["own"]["call_days"], 20);
    // Nothing is kept longer than what it shows.
    for kind in [
        "payload_days",
        "attempt_days",
        "receipt_days",
        "transcript_days",
        "recording_days",
    ] {
        assert_eq!(said["effective"][kind], 20, "{kind}");
    }
    assert_eq!(scene.read("/v1/account/retention").await, said);
    let back = scene.say(&scene.account, json!({"call_days": null})).await;
    assert_eq!(back["effective"]["receipt_days"], 400);
    assert_eq!(back["own"]["call_days"], Value::Null);
}

#[tokio::test]
async fn days_that_cannot_be_are_refused_all_at_once() {
    let scene = Scene::set().await;
    let wrong = json!({"payload_days": 0, "attempt_days": 36501, "receipt_days": "30", "call_days": 1.5, "word_days": 3});
    let patch = scene.app.request(Method::PATCH, "/v1/account/retention");
    let patch = patch.bearer_auth(&scene.account.key).json(&wrong);
    let problem = answer(patch, StatusCode::UNPROCESSABLE_ENTITY).await;
    let mut named: Vec<&str> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect();
    named.sort_unstable();
    assert_eq!(
        named,
        [
            "#/attempt_days",
            "#/call_days",
            "#/payload_days",
            "#/receipt_days",
            "#/word_days"
        ]
    );
    assert_eq!(scene.count("retention").await, 0);
}

#[tokio::test]
async fn the_operator_says_it_on_the_command_line() {
    let scene = Scene::set().await;
    let retention = async |args: &'static [&'static str]| {
        let url = scene.app.database().url().to_owned();
        let run = tokio::task::spawn_blocking(move || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_onhook"));
            let command = command.args(["account", "retention", "acme"]).args(args);
            let command = command
                .env_clear()
                .env("ONHOOK_SECRET_KEY", "00".repeat(32));
            let command = command.env("ONHOOK_RETENTION_TRANSCRIPT_DAYS", "100");
            command.env("DATABASE_URL", url).output().unwrap()
        });
        run.await.unwrap()
    };
    let printed = |output: std::process::Output| -> Value {
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{complaint}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let first = printed(retention(&[]).await);
    assert_eq!(first["effective"]["transcript_days"], 100);
    assert_eq!(first["updated_at"], Value::Null);
    let said = printed(retention(&["--transcripts", "7", "--payloads", "14"]).await);
    assert_eq!(
        (
            &said["own"]["transcript_days"],
            &said["effective"]["payload_days"]
        ),
        (&json!(7), &json!(7))
    );
    let back = printed(retention(&["--transcripts", "default"]).await);
    assert_eq!(
        (
            &back["own"]["transcript_days"],
            &back["effective"]["payload_days"]
        ),
        (&Value::Null, &json!(14))
    );
    let refused = retention(&["--calls", "0"]).await;
    let complaint = String::from_utf8_lossy(&refused.stderr);
    assert!(
        complaint.contains("must be a whole number of days from 1 to 36500, or `default`"),
        "{complaint}"
    );
}
