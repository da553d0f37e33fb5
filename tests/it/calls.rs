//! The calls surface over HTTP: reading one call and listing many. [`crate::ending`] has the ending of calls.

use onhook::domain::account::{KeyKind, VoipMode};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    app::{TestAccount, TestApp},
    contract::RequestBuilder,
};

async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

/// Reports a call of the account.
async fn report(app: &TestApp, account: &TestAccount, endpoint: &str, body: Value) {
    let path = format!("/api/v1/voip/{endpoint}");
    let taken = app
        .post(&path, &account.key)
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(taken.status(), StatusCode::OK);
}

/// Reports an ended call.
async fn ended(app: &TestApp, account: &TestAccount, name: &str, to: &str, status: &str) {
    let body = json!({
        "CallId": name, "From": "+1234567890", "To": to, "Direction": "incoming", "CallStatus": status,
    });
    report(app, account, "call-end", body).await;
}

/// The call names on the page that the query answers.
async fn names(app: &TestApp, account: &TestAccount, query: &str) -> Vec<String> {
    let (status, body) = answer(app.get(&format!("/calls/query?{query}"), &account.key)).await;
    assert_eq!(status, StatusCode::OK, "{query}: {body}");
    let calls = body["data"].as_array().unwrap();
    calls
        .iter()
        .map(|call| call["call_sid"].as_str().unwrap().to_owned())
        .collect()
}

async fn id(app: &TestApp, account: &TestAccount, name: &str) -> String {
    let (_, body) = answer(app.get("/calls/query?per_page=100", &account.key)).await;
    let calls = body["data"].as_array().unwrap();
    let call = calls.iter().find(|call| call["call_sid"] == name).unwrap();
    call["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_call_is_read_under_both_paths() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    ended(&app, &account, "CA1", "+1789451230", "completed").await;
    let id = id(&app, &account, "CA1").await;
    let (status, one) = answer(app.get(&format!("/calls/{id}"), &account.key)).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&one["status"], &one["data"]["id"]),
        (&json!("ok"), &json!(id))
    );
    assert_eq!(one["data"]["company_id"], account.id.to_string());
    let (_, other) = answer(app.get(&format!("/v1/calls/{id}"), &account.key)).await;
    assert_eq!(one, other);
}

#[tokio::test]
async fn a_call_that_is_not_there_is_an_error_in_the_handling_that_was_asked_for() {
    let app = TestApp::boot().await;
    let (ours, theirs) = (
        app.default_account().await,
        app.account("acme", VoipMode::Key).await,
    );
    ended(&app, &theirs, "CA1", "+1789451230", "completed").await;
    let foreign = id(&app, &theirs, "CA1").await;
    let nobody = "0190f5fe-7c00-7a00-8000-000000000000";
    for (id, code, message) in [
        (foreign.as_str(), 404, "Call not found"),
        (nobody, 404, "Call not found"),
        ("abc", 400, "Invalid call id"),
        ("%00", 400, "Invalid call id"),
        ("..%2f..%2fetc", 400, "Invalid call id"),
        ("0190f5fe7c007a008000000000000000", 400, "Invalid call id"),
    ] {
        let path = format!("/calls/{id}");
        let lenient = answer(app.get(&path, &ours.key)).await;
        let expected = json!({"status": "error", "message": message, "data": null});
        assert_eq!(lenient, (StatusCode::OK, expected), "{id}");
        let strict = app
            .get(&path, &ours.key)
            .header("prefer", "handling=strict");
        let strict = strict.send().await.unwrap();
        assert_eq!(strict.status().as_u16(), code, "{id}");
        assert_eq!(strict.headers()["preference-applied"], "handling=strict");
        let refused: Value = strict.json().await.unwrap();
        assert_eq!(
            (&refused["status"], &refused["data"]),
            (&json!("error"), &Value::Null)
        );
    }
}

#[tokio::test]
async fn reading_needs_a_credential_that_may_read() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    for path in [
        "/calls/query",
        "/v1/calls/0190f5fe-7c00-7a00-8000-000000000000",
    ] {
        let (status, refused) = answer(app.request(Method::GET, path)).await;
        assert_eq!(
            (status, &refused["status"]),
            (StatusCode::UNAUTHORIZED, &json!("error"))
        );
        for kind in [KeyKind::Ingest, KeyKind::Client] {
            let key = app.key(account.id, kind).await;
            assert_eq!(
                answer(app.get(path, &key)).await.0,
                StatusCode::FORBIDDEN,
                "{kind:?}"
            );
        }
    }
}

#[tokio::test]
async fn calls_are_found_by_status_number_and_transcript() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    ended(&app, &account, "busy", "+1111", "busy").await;
    ended(&app, &account, "none", "+2222", "no-answer").await;
    ended(&app, &account, "done", "sip:100%_x@pbx", "completed").await;
    report(
        &app,
        &account,
        "call-in-queue",
        json!({"CallId": "wait", "From": "1", "To": "+3333"}),
    )
    .await;
    let transcript = json!({"utterances": [
        {"speaker": "customer", "begin_ms": 0, "end_ms": 900, "text": "Where is my Parcel?"},
    ]});
    let path = format!("/v1/calls/{}/transcript", id(&app, &account, "none").await);
    assert!(
        app.put(&path, &account.key)
            .json(&transcript)
            .send()
            .await
            .unwrap()
            .status()
            .is_success()
    );
    for (query, expected) in [
        ("", vec!["wait", "done", "none", "busy"]),
        ("order=asc", vec!["busy", "none", "done", "wait"]),
        ("status=BUSY", vec!["busy"]),
        ("status=no-", vec!["none"]),
        ("status=e", vec!["wait", "done", "none"]),
        ("status=_", vec![]),
        ("status=", vec!["wait", "done", "none", "busy"]),
        ("search=2222", vec!["none"]),
        ("search=100%25_X", vec!["done"]),
        ("search=%25", vec!["done"]),
        ("search=_", vec!["done"]),
        ("search=parcel", vec!["none"]),
        ("search=parcel&status=busy", vec![]),
        (
            "sort_column=call_to&order=asc",
            vec!["busy", "none", "wait", "done"],
        ),
        (
            "sort_column=call_status",
            vec!["wait", "none", "done", "busy"],
        ),
        ("sort_column=ended_at", vec!["done", "none", "busy", "wait"]),
        (
            "sort_column=ended_at&order=asc",
            vec!["busy", "none", "done", "wait"],
        ),
        (
            "start_date=2020-01-01&end_date=2099-12-31",
            vec!["wait", "done", "none", "busy"],
        ),
        ("end_date=2020-01-01", vec![]),
        ("start_date=2099-12-31", vec![]),
        ("campaign_id=0190f5fe-7c00-7a00-8000-000000000000", vec![]),
        ("per_page=2", vec!["wait", "done"]),
        ("per_page=2&page=1", vec!["none", "busy"]),
        ("per_page=2&page=2", vec![]),
    ] {
        assert_eq!(names(&app, &account, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn deleted_calls_and_those_of_others_are_in_no_list() {
    let app = TestApp::boot().await;
    let (ours, theirs) = (
        app.default_account().await,
        app.account("acme", VoipMode::Key).await,
    );
    ended(&app, &ours, "kept", "+1", "busy").await;
    ended(&app, &ours, "deleted", "+1", "busy").await;
    ended(&app, &theirs, "theirs", "+1", "busy").await;
    sqlx::query("update calls set deleted_at = now() where provider_call_id = 'deleted'")
        .execute(&app.db)
        .await
        .unwrap();
    assert_eq!(names(&app, &ours, "").await, ["kept"]);
    assert_eq!(names(&app, &theirs, "search=%2B1").await, ["theirs"]);
}

#[tokio::test]
async fn a_cursor_is_refused_in_any_other_list() {
    let app = TestApp::boot().await;
    let (ours, theirs) = (
        app.default_account().await,
        app.account("acme", VoipMode::Key).await,
    );
    for n in 0..3 {
        ended(&app, &ours, &format!("c{n}"), "+1", "busy").await;
    }
    let (_, page) = answer(app.get("/calls/query?per_page=1", &ours.key)).await;
    let cursor = page["meta"]["next_cursor"].as_str().unwrap();
    assert_eq!(page["meta"]["total"], 3);
    let next = format!("/calls/query?cursor={cursor}");
    let (_, after) = answer(app.get(&next, &ours.key)).await;
    assert_eq!(
        (&after["meta"]["total"], &after["meta"]["page"]),
        (&Value::Null, &Value::Null)
    );
    for (path, key) in [
        (next.clone(), &theirs.key),
        (format!("{next}&order=asc"), &ours.key),
        (format!("{next}&status=busy"), &ours.key),
        (format!("{next}&page=1"), &ours.key),
        (format!("{next}x"), &ours.key),
    ] {
        assert_eq!(
            answer(app.get(&path, key)).await.0,
            StatusCode::BAD_REQUEST,
            "{path}"
        );
    }
}

#[tokio::test]
async fn every_wrong_parameter_is_named_at_once() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let query = "campaign_id=1&ai_agent_id=x&start_date=2026-02-30&end_date=yesterday&page=-1&per_page=101\
        &sort_column=secret&order=up&cursor=zzz";
    let (status, refused) = answer(app.get(&format!("/calls/query?{query}"), &account.key)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let errors = refused["errors"].as_array().unwrap();
    let fields: Vec<&str> = errors
        .iter()
        .map(|error| error["field"].as_str().unwrap())
        .collect();
    assert_eq!(
        fields,
        [
            "campaign_id",
            "ai_agent_id",
            "start_date",
            "end_date",
            "page",
            "per_page",
            "sort_column",
            "order",
            "cursor",
            "page",
        ]
    );
    for query in [
        "page=1&page=2",
        "search=a%00b",
        "search=%ff",
        "page=10001",
        "per_page=0",
        "start_date=2026-03-02&end_date=2026-03-01",
    ] {
        let (status, refused) =
            answer(app.get(&format!("/calls/query?{query}"), &account.key)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(refused["status"], "error");
    }
}

#[tokio::test]
async fn a_total_beyond_ten_thousand_is_an_estimate_that_says_so() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    sqlx::query(
        "insert into calls (account_id, call_id, provider, provider_call_id, state, created_at, updated_at)
         select $1, gen_random_uuid(), 'voip', n::text, 'queued', now(), now() from generate_series(1, 10000) as n",
    )
    .bind(account.id.uuid())
    .execute(&app.db)
    .await
    .unwrap();
    let (_, page) = answer(app.get("/calls/query", &account.key)).await;
    assert_eq!(
        (&page["meta"]["total"], &page["meta"]["total_is_estimate"]),
        (&json!(10000), &json!(false))
    );
    ended(&app, &account, "one more", "+1", "busy").await;
    let (_, page) = answer(app.get("/calls/query", &account.key)).await;
    assert_eq!(page["meta"]["total_is_estimate"], true);
    assert!(page["meta"]["total"].as_i64().unwrap() > 10_000);
}
