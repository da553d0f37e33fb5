//! `GET /calls/query?search=…`: words within the callee's number, the notes, the feedback and the transcript.

use onhook::domain::account::VoipMode;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    app::{TestAccount, TestApp},
    call_seed::{calls, filter, names, page, seed},
};

async fn found(app: &TestApp, account: &TestAccount, words: &str) -> Vec<String> {
    let words: String = url::form_urlencoded::byte_serialize(words.as_bytes()).collect();
    names(&calls(app, account, &format!("search={words}&per_page=100")).await)
}

/// Adds calls with a note to an account, the oldest first.
async fn add(app: &TestApp, account: &TestAccount, count: i32, notes: &str) {
    sqlx::query(
        "insert into calls (account_id, call_id, provider, provider_call_id, state, notes, created_at, updated_at)
         select $1, gen_random_uuid(), 'voip', $3 || ' ' || n, 'queued', $3 || ' ' || n, now() + n * interval '1 ms', now()
         from generate_series(1, $2) as n",
    )
    .bind(account.id.uuid())
    .bind(count)
    .bind(notes)
    .execute(&app.db)
    .await
    .unwrap();
}

#[tokio::test]
async fn words_are_found_in_each_of_the_four_fields_and_in_no_other() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    seed(&app, &account).await;
    for (words, expected) in [
        ("5550037", "c1"),
        ("CALL BACK 0", "c12 c2"),
        ("and more 2", "c5"),
        ("feedback", "c13 c9 c5 c1"),
        ("my parcel 3", "c3"),
        ("parcel", "c12 c9 c6 c3 c0"),
        // An older revision, other fields, another account's way to say it.
        ("outdated", ""),
        ("+4930", ""),
        ("Customer hung", ""),
        ("a_note", ""),
        // Shorter than what is indexed: the same meaning, read one by one.
        ("3", "c9 c3 c1"),
        (", ", "c13 c9 c5 c1"),
        ("%", ""),
    ] {
        let expected: Vec<&str> = expected.split_whitespace().collect();
        assert_eq!(found(&app, &account, words).await, expected, "{words}");
    }
}

/// Writes, and answers what came back.
async fn written(app: &TestApp, key: &str, (method, path): (Method, &str), body: &Value) -> Value {
    let request = app.request(method, path).bearer_auth(key).json(body);
    let answer = request.send().await.unwrap();
    let (status, answered) = (answer.status(), answer.json().await.unwrap());
    assert!(status.is_success(), "{path}: {answered}");
    answered
}

#[tokio::test]
async fn a_number_is_found_within_at_once_whoever_wrote_it() {
    let app = TestApp::boot().await;
    let (account, other) = (
        app.default_account().await,
        app.account("acme", VoipMode::Key).await,
    );
    let ringing = |to: &str| json!({"CallId": "CA1", "From": "+493012345", "To": to, "Direction": "incoming"});
    let report = (Method::POST, "/api/v1/voip/call-ringing");
    for (account, to) in [
        (&account, "sip:Anna%40x@PBX.test"),
        (&other, "sip:anna@pbx.test"),
    ] {
        written(&app, &account.key, report.clone(), &ringing(to)).await;
    }
    assert_eq!(found(&app, &account, "@pbx.TEST").await, ["CA1"]);
    assert_eq!(found(&app, &account, "anna%40").await, ["CA1"]);
    assert!(found(&app, &other, "anna%40").await.is_empty());

    let record = json!({"call_from": "+14155550100", "call_to": "+14155550177", "call_provider": "twilio",
        "call_status": "completed", "call_sid": "CA2"});
    written(&app, &account.key, (Method::POST, "/calls"), &record).await;
    assert_eq!(found(&app, &account, "5550177").await, ["CA2"]);

    let made = json!({"staff_uid": "s", "client_uid": "c", "from_number": "+14155550101", "to_number": "+14155550188",
        "direction": "INBOUND", "status": "INCOMING_CALL", "rate": "0", "provider": "VONAGE", "source_id": "CA3",
        "external_uuid": "e", "business_uid": account.business_uid});
    let voice_calls = "/v3/communication/voice_calls";
    let made = written(&app, &account.key, (Method::POST, voice_calls), &made).await;
    assert_eq!(found(&app, &account, "5550188").await, ["CA3"]);

    // Changed: by the new numbers, and no longer by the old ones.
    let path = format!("{voice_calls}/{}", made["data"]["uid"].as_str().unwrap());
    let moved = json!({"to_number": "+14155550199", "from_number": "+14155550111"});
    written(&app, &account.key, (Method::PATCH, &path), &moved).await;
    assert_eq!(found(&app, &account, "5550199").await, ["CA3"]);
    assert!(found(&app, &account, "5550188").await.is_empty());
    for (words, expected) in [("5550111", 1), ("5550101", 0)] {
        let query = filter("call_from", "contains", words);
        assert_eq!(
            calls(&app, &account, &query).await.len(),
            expected,
            "{words}"
        );
    }
    // Each number once, however often it is told.
    for _ in 0..2 {
        written(
            &app,
            &account.key,
            report.clone(),
            &ringing("sip:Anna%40x@PBX.test"),
        )
        .await;
    }
    let again = json!({"CallId": "CA4", "From": "+493012345", "To": "+14155550177", "Direction": "incoming"});
    written(&app, &account.key, report, &again).await;
    assert_eq!(found(&app, &account, "5550177").await, ["CA4", "CA2"]);
    let kept =
        "select count(*), count(distinct (number, called)) from call_numbers where account_id = $1";
    let kept = sqlx::query_as(kept).bind(account.id.uuid());
    let kept: (i64, i64) = kept.fetch_one(&app.db).await.unwrap();
    // Of three calls both, of one new ones besides; CA4 has brought none.
    assert_eq!(kept, (8, 8));
}

#[tokio::test]
async fn what_is_noted_is_found_at_once_and_what_is_gone_is_not() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let record = json!({"call_from": "+14155550100", "call_to": "+14155550177", "call_provider": "twilio",
        "call_status": "completed", "call_sid": "CA2"});
    let made = written(&app, &account.key, (Method::POST, "/calls"), &record).await;
    let path = format!("/calls/{}", made["data"]["id"].as_str().unwrap());
    for (change, words, expected) in [
        (json!({"notes": "urgent matter"}), "urgent", 1),
        (json!({"notes": null}), "urgent", 0),
        (json!({"call_feedback": "\u{dc}BEL"}), "bel", 1),
    ] {
        written(&app, &account.key, (Method::PATCH, &path), &change).await;
        let found = found(&app, &account, words).await;
        assert_eq!(found.len(), expected, "{change}: {words}");
    }
    let delete = app.request(Method::DELETE, &path).bearer_auth(&account.key);
    assert!(delete.send().await.unwrap().status().is_success());
    assert!(found(&app, &account, "5550177").await.is_empty());
}

#[tokio::test]
async fn a_number_that_no_call_has_any_more_hides_no_call() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    seed(&app, &account).await;
    // More of them than calls are counted.
    let stale = "insert into call_numbers (account_id, called, number)
        select $1, true, '+1415555' || n from generate_series(20000, 31000) as n";
    let stale = sqlx::query(stale).bind(account.id.uuid());
    stale.execute(&app.db).await.unwrap();
    let whole = page(&app, &account, "search=1415555&per_page=100").await;
    assert_eq!(whole["meta"]["total"], 12);
    assert_eq!(whole["meta"]["total_is_estimate"], false);
    assert_eq!(names(whole["data"].as_array().unwrap()).len(), 12);
}

#[tokio::test]
async fn words_that_many_calls_have_are_found_in_the_order_that_was_asked_for() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    add(&app, &account, 10_000, "common words").await;
    let whole = page(&app, &account, "search=common&order=asc").await;
    assert_eq!(whole["meta"]["total"], 10_000);
    assert_eq!(whole["meta"]["total_is_estimate"], false);

    add(&app, &account, 1, "uncommon").await;
    let more = page(&app, &account, "search=common").await;
    assert_eq!(more["meta"]["total_is_estimate"], true);
    assert!(more["meta"]["total"].as_i64().unwrap() > 10_000);
    let newest: Vec<String> = (9_991..=10_000)
        .rev()
        .map(|n| format!("common words {n}"))
        .collect();
    assert_eq!(names(more["data"].as_array().unwrap()), newest);
    let cursor = more["meta"]["next_cursor"].as_str().unwrap();
    let next = calls(&app, &account, &format!("search=common&cursor={cursor}")).await;
    assert_eq!(names(&next).first().unwrap(), "common words 9990");
    let last = calls(
        &app,
        &account,
        "search=common&sort_column=notes&order=asc&per_page=1",
    )
    .await;
    assert_eq!(names(&last), ["common words 1"]);

    // Two filters, of which few calls pass one.
    let both = format!(
        "search=common&{}",
        filter("notes", "contains", "words 9999")
    );
    let few = page(&app, &account, &both).await;
    assert_eq!(
        (&few["meta"]["total"], few["data"].as_array().unwrap().len()),
        (&json!(1), 1)
    );
}
