//! Calls that more than one knows: racing requests, other calls of the provider, the other surfaces.

use onhook::domain::account::VoipMode;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{VOICE_CALLS, answer, change, create, new, with};
use crate::app::TestApp;

#[tokio::test]
async fn racing_creations_make_one_call() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let body = new(&account);
    let requests = (0..8).map(|_| app.post(VOICE_CALLS, &account.key).json(&body));
    let mut racing = tokio::task::JoinSet::new();
    for request in requests {
        racing.spawn(answer(request));
    }
    let answers = racing.join_all().await;
    let created = answers
        .iter()
        .filter(|(status, _)| *status == StatusCode::CREATED);
    assert_eq!(created.count(), 1);
    for (status, body) in &answers {
        assert!(status.is_success(), "{body}");
        assert_eq!(body["data"]["uid"], answers[0].1["data"]["uid"]);
    }
}

#[tokio::test]
async fn a_source_id_belongs_to_one_call_of_the_provider() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    create(&app, &account, json!({"source_id": "a"})).await;
    let b = create(&app, &account, json!({"source_id": "b"})).await;
    let rename = |to: &str| answer(change(&app, &account.key, &b, &json!({"source_id": to})));
    let (status, refused) = rename("a").await;
    assert_eq!(
        (status, &refused["errors"][0]["code"]),
        (StatusCode::CONFLICT, &json!("already_exists"))
    );
    assert_eq!(rename("c").await.0, StatusCode::OK);
    create(&app, &account, json!({"source_id": "b"})).await;
    let mine = app.account("acme", VoipMode::Key).await;
    create(&app, &mine, json!({"source_id": "a"})).await;
}

#[tokio::test]
async fn telephony_and_staff_meet_on_one_call() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let voip = |endpoint: &str, name: &str, more: Value| {
        let body = with(
            json!({"CallId": name, "From": "1", "To": "2", "Direction": "incoming"}),
            more,
        );
        app.post(&format!("/api/v1/voip/{endpoint}"), &account.key)
            .json(&body)
    };
    // Staff first: the provider's events find the call by its source_id.
    let uid = create(&app, &account, json!({"source_id": "first"})).await;
    answer(voip("call-end", "first", json!({"CallStatus": "busy"}))).await;
    let (_, call) = answer(app.get(&format!("/calls/{uid}"), &account.key)).await;
    assert_eq!(call["data"]["call_status"], "busy");
    assert_eq!(
        call["data"]["call_from"], "+14155550148",
        "what staff stated stays"
    );
    // Telephony first: the new voice call is that call, and where it has got further its state stands.
    answer(voip(
        "call-end",
        "second",
        json!({"CallStatus": "completed", "Duration": 9}),
    ))
    .await;
    let uid = create(&app, &account, json!({"source_id": "second"})).await;
    let (_, call) = answer(app.get(&format!("/calls/{uid}"), &account.key)).await;
    assert_eq!(call["data"]["call_status"], "completed");
    let (_, read) = answer(app.get(&format!("{VOICE_CALLS}/{uid}"), &account.key)).await;
    assert_eq!(read["data"]["status"], "ANSWERED_BY_CALLS_PROVIDER");
    assert_eq!(read["data"]["staff_uid"], "s-1");
    assert_eq!(app.jobs("analyze").await, 2);
}

#[tokio::test]
async fn one_call_goes_through_all_three_surfaces() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let body = json!({"CallId": "CA1", "From": "+1234567890", "To": "+1789451230", "Direction": "incoming"});
    for endpoint in ["call-ringing", "call-answered"] {
        answer(
            app.post(&format!("/api/v1/voip/{endpoint}"), &account.key)
                .json(&body),
        )
        .await;
    }
    let (_, page) = answer(app.get("/calls/query?status=in-progress", &account.key)).await;
    let uid = page["data"][0]["id"].as_str().unwrap().to_owned();
    let staff = json!({"status": "ANSWERED_BY_STAFF", "staff_uid": "s-9", "call_summary": "about a parcel"});
    let (_, changed) = answer(change(&app, &account.key, &uid, &staff)).await;
    assert_eq!(changed["data"]["status"], "ANSWERED_BY_STAFF");
    assert_eq!(changed["data"]["source_id"], "CA1");
    let end = json!({"call_id": uid, "disconnect_reason": "Customer requested to end call"});
    let (_, ended) = answer(app.post("/calls/end", &account.key).json(&end)).await;
    assert_eq!(ended["message"], "Call ended successfully");
    let (_, read) = answer(app.get(&format!("{VOICE_CALLS}/{uid}"), &account.key)).await;
    assert_eq!(read["data"]["status"], "ANSWERED_BY_STAFF");
    let (_, call) = answer(app.get(&format!("/v1/calls/{uid}"), &account.key)).await;
    assert_eq!(call["data"]["call_status"], "completed");
    assert_eq!(
        call["data"]["disconnect_reason"],
        "Customer requested to end call"
    );
}

#[tokio::test]
async fn staff_and_telephony_that_race_for_a_name_meet_on_one_call() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    for round in 0..5 {
        let name = format!("race-{round}");
        let mut racing = tokio::task::JoinSet::new();
        for endpoint in ["call-ringing", "call-answered", "call-end"] {
            let body = json!({
                "CallId": name, "From": "1", "To": "2", "Direction": "incoming",
                "CallStatus": (endpoint == "call-end").then_some("completed"),
            });
            let path = format!("/api/v1/voip/{endpoint}");
            racing.spawn(answer(app.post(&path, &account.key).json(&body)));
            let body = with(new(&account), json!({"source_id": name}));
            racing.spawn(answer(app.post(VOICE_CALLS, &account.key).json(&body)));
        }
        for (status, body) in racing.join_all().await {
            assert!(status.is_success(), "{body}");
        }
        let path = format!("{VOICE_CALLS}?filter[source_id]={name}");
        let (_, page) = answer(app.get(&path, &account.key)).await;
        assert_eq!(page["data"]["total_count"], 1);
        let call = &page["data"]["voice_calls"][0];
        assert_eq!(
            (&call["staff_uid"], &call["provider"]),
            (&json!("s-1"), &json!("VONAGE"))
        );
        let uid = call["uid"].as_str().unwrap();
        let (_, call) = answer(app.get(&format!("/calls/{uid}"), &account.key)).await;
        assert_eq!(call["data"]["call_status"], "completed");
    }
    assert_eq!(app.jobs("analyze").await, 5);
}
