//! Lists of voice calls.

use onhook::domain::account::VoipMode;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{VOICE_CALLS, answer, change, create};
use crate::app::{TestAccount, TestApp};

async fn sources(app: &TestApp, account: &TestAccount, query: &str) -> Vec<String> {
    let (status, body) = answer(app.get(&format!("{VOICE_CALLS}?{query}"), &account.key)).await;
    assert_eq!(status, StatusCode::OK, "{query}: {body}");
    let calls = body["data"]["voice_calls"].as_array().unwrap();
    calls
        .iter()
        .map(|call| call["source_id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn voice_calls_are_filtered_and_sorted() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let a = create(
        &app,
        &account,
        json!({"source_id": "a", "staff_uid": "s-2"}),
    )
    .await;
    create(
        &app,
        &account,
        json!({"source_id": "b", "direction": "OUTBOUND"}),
    )
    .await;
    create(
        &app,
        &account,
        json!({"source_id": "c", "status": "MISSED", "client_uid": "c-2"}),
    )
    .await;
    let queued = json!({"CallId": "d", "From": "1", "To": "2"});
    answer(
        app.post("/api/v1/voip/call-in-queue", &account.key)
            .json(&queued),
    )
    .await;
    answer(change(
        &app,
        &account.key,
        &a,
        &json!({"status": "ANSWERED_BY_STAFF"}),
    ))
    .await;
    let other = app.account("acme", VoipMode::Key).await;
    create(&app, &other, json!({"source_id": "a"})).await;
    for (query, expected) in [
        ("", vec!["a", "d", "c", "b"]),
        ("sort=updated_at:asc", vec!["b", "c", "d", "a"]),
        ("sort=created_at:desc", vec!["d", "c", "b", "a"]),
        ("sort=created_at:asc", vec!["a", "b", "c", "d"]),
        ("filter[status]=INCOMING_CALL", vec!["d", "b"]),
        ("filter[status]=ANSWERED_BY_STAFF", vec!["a"]),
        ("filter[status]=MISSED", vec!["c"]),
        ("filter[status]=VOICEMAIL", vec![]),
        ("filter[direction]=OUTBOUND", vec!["b"]),
        ("filter[direction]=INBOUND", vec!["a", "d", "c"]),
        ("filter[staff_uid]=s-2", vec!["a"]),
        ("filter%5Bclient_uid%5D=c-2", vec!["c"]),
        ("filter[source_id]=d", vec!["d"]),
        ("filter[source_id][eq]=d&filter[direction]=OUTBOUND", vec![]),
        (
            "filter[created_at][gt]=2020-01-01",
            vec!["a", "d", "c", "b"],
        ),
        ("filter[created_at][lt]=2020-01-01T00:00:00Z", vec![]),
        (
            "filter[updated_at][gte]=2020-01-01&filter[updated_at][lte]=2099-01-01",
            vec!["a", "d", "c", "b"],
        ),
        ("per_page=3", vec!["a", "d", "c"]),
        ("per_page=3&page=2", vec!["b"]),
    ] {
        assert_eq!(sources(&app, &account, query).await, expected, "{query}");
    }
    let (_, page) = answer(app.get(&format!("{VOICE_CALLS}?per_page=3"), &account.key)).await;
    let data = &page["data"];
    assert_eq!(
        (&data["page"], &data["per_page"], &data["total_count"]),
        (&json!(1), &json!(3), &json!(4))
    );
}

#[tokio::test]
async fn a_status_is_found_as_it_is_shown() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let uid = create(&app, &account, json!({"source_id": "CA1"})).await;
    let end = json!({"CallId": "CA1", "From": "1", "To": "2", "Direction": "incoming", "CallStatus": "busy"});
    answer(app.post("/api/v1/voip/call-end", &account.key).json(&end)).await;
    let (_, read) = answer(app.get(&format!("{VOICE_CALLS}/{uid}"), &account.key)).await;
    assert_eq!(
        read["data"]["status"], "MISSED",
        "the call has moved past what staff set"
    );
    assert_eq!(
        sources(&app, &account, "filter[status]=MISSED").await,
        ["CA1"]
    );
    assert_eq!(
        sources(&app, &account, "filter[status]=INCOMING_CALL").await,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn every_wrong_parameter_is_named_at_once() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let query = "page=0&per_page=101&sort=name&filter[status]=missed&filter[secret]=1&filter[created_at][near]=1\
        &filter[updated_at]=soon&filter[staff_uid][gt]=a&filter=1";
    let (status, body) = answer(app.get(&format!("{VOICE_CALLS}?{query}"), &account.key)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let errors = body["errors"].as_array().unwrap();
    let named: Vec<&str> = errors
        .iter()
        .map(|error: &Value| error["field"].as_str().unwrap())
        .collect();
    assert_eq!(
        named,
        [
            "page",
            "per_page",
            "sort",
            "filter[status]",
            "filter[secret]",
            "filter[created_at][near]",
            "filter[updated_at]",
            "filter[staff_uid][gt]",
            "filter",
        ]
    );
    for query in [
        "page=1&page=1",
        "filter[status]=MISSED&filter[status]=MISSED",
        "filter[staff_uid]=a%00",
    ] {
        let (status, _) = answer(app.get(&format!("{VOICE_CALLS}?{query}"), &account.key)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
    }
}
