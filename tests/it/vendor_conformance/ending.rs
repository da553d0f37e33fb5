//! Ending a call at every provider, from the request to the record.

use onhook::{calls::connect::NewConnection, domain::id::AccountId};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{app::TestApp, provider_double::ProviderDouble};

use super::{
    server,
    vendor::{Case, Replies, VENDORS, Vendor},
};

const OURS: &str = "+14155550901";

/// Connects the account's number to a vendor's server.
async fn connect(app: &TestApp, account_id: AccountId, vendor: &Vendor, server: &ProviderDouble) {
    let new = NewConnection {
        account_id,
        vendor: vendor.name.to_owned(),
        base_url: Some(server.base_url().to_string()),
        credentials: (vendor.credentials)(),
        numbers: vec![OURS.parse().unwrap()],
        answered_by: None,
    };
    app.connect(new).await;
}

/// Reports an answered call as a PBX does; answers our id of it.
async fn answered(app: &TestApp, name: &str) -> String {
    let body = json!({"From": "+14155550148", "To": OURS, "CallId": name, "Direction": "incoming"});
    let path = "/api/v1/voip/call-answered";
    let reported = app.request(Method::POST, path).json(&body).send();
    assert_eq!(reported.await.unwrap().status(), StatusCode::OK);
    sqlx::query_scalar("select call_id::text from calls where provider_call_id = $1")
        .bind(name)
        .fetch_one(&app.db)
        .await
        .unwrap()
}

async fn parts(app: &TestApp, call_id: &str) -> Vec<(String, String)> {
    sqlx::query_as(
        "select part::text, state::text from terminations where call_id = $1::uuid order by part",
    )
    .bind(call_id)
    .fetch_all(&app.db)
    .await
    .unwrap()
}

#[tokio::test]
async fn two_ends_in_flight_make_one_request_at_every_provider() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    for vendor in VENDORS.iter().filter(|vendor| vendor.provider.is_some()) {
        let name = vendor.name;
        let Replies::Own(replies) = (vendor.end)(Case::Ends) else {
            panic!("{name} ends nothing");
        };
        let requests = replies.len();
        let server = server(vendor, replies);
        connect(&app, account.id, vendor, &server).await;
        let call_id = answered(&app, &format!("{name}-1")).await;
        let mut ends = JoinSet::new();
        for _ in 0..2 {
            let end = app.post("/calls/end", &account.key);
            ends.spawn(end.json(&json!({ "call_id": call_id })).send());
        }
        while let Some(answer) = ends.join_next().await {
            let answer: Value = answer.unwrap().unwrap().json().await.unwrap();
            assert_eq!(answer["status"], "ok", "{name}");
        }
        let state = |part: &str, state: &str| (part.to_owned(), state.to_owned());
        let expected = [state("provider", "done"), state("room", "skipped")];
        assert_eq!(parts(&app, &call_id).await, expected, "{name}");
        assert_eq!(server.requests().len(), requests, "{name}");
    }
}

#[tokio::test]
async fn a_refusal_of_any_provider_stands_in_the_record() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    for vendor in VENDORS.iter().filter(|vendor| vendor.provider.is_some()) {
        let name = vendor.name;
        let Replies::Own(replies) = (vendor.end)(Case::Refused) else {
            continue;
        };
        let server = server(vendor, replies);
        connect(&app, account.id, vendor, &server).await;
        let call_id = answered(&app, &format!("{name}-2")).await;
        let end = app.post("/calls/end", &account.key);
        let answer = end.json(&json!({ "call_id": call_id })).send();
        assert_eq!(answer.await.unwrap().status(), StatusCode::OK);
        let (part, state) = parts(&app, &call_id).await.remove(0);
        assert_eq!(
            (part.as_str(), state.as_str()),
            ("provider", "failed"),
            "{name}"
        );
    }
}
