//! What is refused of a connection, and the greatest that is not.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Managing, managing, path, set, twilio};

const ALL: &str = "/v1/connections";

impl Managing {
    async fn expect_refused(&self, body: &Value, field: &str) {
        let (status, named) = self.refused(Method::POST, ALL, body).await;
        assert_eq!((status, named), (400, vec![field.to_owned()]), "{body}");
    }
}

#[tokio::test]
async fn everything_that_is_wrong_is_named_at_once() {
    let at = managing().await;
    let all_wrong = json!({
        "provider": "twilio", "label": " ", "base_url": 1, "numbers": ["4155550100", "+14155550100", 1], "max_duration": 0,
        "credentials": {"api_key_sid": "S\u{e9}", "secret": 1, "auth_token": "hush"}, "answer_url": "voice",
        "answer_application": "x", "more": true,
    });
    let (status, named) = at
        .refused(Method::POST, "/v1/connections", &all_wrong)
        .await;
    assert_eq!(status, 400);
    let expected = [
        "#/answer_application invalid",
        "#/answer_url invalid",
        "#/base_url wrong_type",
        "#/credentials/account_sid missing",
        "#/credentials/api_key_sid invalid",
        "#/credentials/auth_token unknown",
        "#/credentials/secret wrong_type",
        "#/label invalid",
        "#/max_duration invalid",
        "#/more unknown",
        "#/numbers/0 invalid",
        "#/numbers/2 invalid",
    ];
    assert_eq!(named, expected);
    let (_, told) = at
        .ask(Method::POST, "/v1/connections", Some(&all_wrong))
        .await;
    let detail = told["detail"].as_str().unwrap();
    let known = "Twilio has account_sid, api_key_sid, secret, signing_secret";
    assert!(detail.contains(known), "{detail}");
    assert_eq!(at.get(ALL).await["data"], json!([]));
}

#[tokio::test]
async fn what_a_vendor_needs_and_what_it_cannot_have_is_told() {
    let at = managing().await;
    let livekit =
        json!({"provider": "livekit", "credentials": {"api_key": "k", "api_secret": "hush"}});
    for (body, field) in [
        (
            json!({"provider": "pigeon", "credentials": {}}),
            "#/provider invalid",
        ),
        (
            set(twilio(), "credentials", json!([])),
            "#/credentials wrong_type",
        ),
        (livekit.clone(), "#/base_url missing"),
        (
            json!({"provider": "daily", "credentials": {"api_key": "hush"}, "numbers": ["+14155550100"]}),
            "#/numbers invalid",
        ),
        (
            json!({"provider": "daily", "credentials": {"api_key": "hush"}, "answer_application": "AP1"}),
            "#/answer_application invalid",
        ),
        (
            set(twilio(), "max_duration", json!(604_801)),
            "#/max_duration invalid",
        ),
        (
            set(twilio(), "label", json!("x".repeat(101))),
            "#/label too_long",
        ),
        (
            set(
                twilio(),
                "credentials",
                json!({"account_sid": "x".repeat(256), "secret": "hush"}),
            ),
            "#/credentials/account_sid too_long",
        ),
        (
            set(
                twilio(),
                "credentials",
                json!({"account_sid": "x", "secret": "h".repeat(16 * 1024 + 1)}),
            ),
            "#/credentials/secret too_long",
        ),
    ] {
        at.expect_refused(&body, field).await;
    }
}

#[tokio::test]
async fn what_leads_where_we_do_not_go_is_refused_all_at_once() {
    let at = managing().await;
    // What has the right form, and leads where we do not go.
    let inside = set(twilio(), "base_url", json!("http://10.0.0.1/"));
    let inside = set(inside, "answer_url", json!("http://10.0.0.1/"));
    let (status, named) = at.refused(Method::POST, "/v1/connections", &inside).await;
    assert_eq!(status, 422);
    assert_eq!(named, ["#/answer_url invalid", "#/base_url invalid"]);
    assert_eq!(at.get("/v1/connections").await["data"], json!([]));
}

#[tokio::test]
async fn what_cannot_be_changed_is_told_and_what_is_not_asked_for_that_way() {
    let at = managing().await;
    let there = at.added(twilio()).await;
    for (change, field) in [
        (
            json!({"credentials": {"account_sid": "AC2", "secret": "hush"}}),
            "#/credentials invalid",
        ),
        (
            json!({"base_url": "http://127.0.0.1:9/"}),
            "#/credentials missing",
        ),
        (
            json!({"base_url": null, "credentials": {}}),
            "#/base_url missing",
        ),
        (json!({"provider": "livekit"}), "#/provider unknown"),
        (
            json!({"answer_url": "a", "answer_application": "b"}),
            "#/answer_application invalid",
        ),
    ] {
        let (status, named) = at.refused(Method::PATCH, &path(&there), &change).await;
        assert_eq!(status, 400, "{change}");
        assert!(named.contains(&field.to_owned()), "{change}: {named:?}");
    }
    for query in ["test=maybe", "tset=true"] {
        let at_query = format!("/v1/connections?{query}");
        let (status, _) = at.ask(Method::POST, &at_query, Some(&twilio())).await;
        assert_eq!(status, 400, "{query}");
    }
}

#[tokio::test]
async fn the_greatest_of_everything_is_taken() {
    let at = managing().await;
    let numbers: Vec<String> = (0..1000).map(|n| format!("+1415555{n:04}")).collect();
    let credentials = json!({"account_sid": "x".repeat(255), "secret": "h".repeat(16 * 1024)});
    let body = set(twilio(), "credentials", credentials);
    let body = set(body, "label", json!("é".repeat(100)));
    let body = set(body, "max_duration", json!(604_800));
    let full = at.added(set(body, "numbers", json!(numbers))).await;
    assert_eq!(full["numbers"].as_array().unwrap().len(), 1000);
    let mut more = numbers.clone();
    more.push("+14155559999".to_owned());
    let change = json!({ "numbers": more });
    let (status, named) = at.refused(Method::PATCH, &path(&full), &change).await;
    assert_eq!((status, named), (400, vec!["#/numbers invalid".to_owned()]));

    let to_full = json!({"connection_id": full["id"]});
    let (status, _) = at
        .ask(Method::PUT, "/v1/numbers/+14155550007", Some(&to_full))
        .await;
    assert_eq!(status, 200, "it is there already");
    let (status, named) = at
        .refused(Method::PUT, "/v1/numbers/+14155559999", &to_full)
        .await;
    assert_eq!((status, named), (422, vec!["#/numbers invalid".to_owned()]));

    // The rest of a hundred, where the API would take long.
    sqlx::query(
        "insert into connections (account_id, connection_id, provider, base_url, sealed_credentials)
         select $1, gen_random_uuid(), 'twilio', 'https://api.twilio.com/', '' from generate_series(3, 100)",
    )
    .bind(at.account.id.uuid())
    .execute(&at.app.db)
    .await
    .unwrap();
    let without_numbers = set(twilio(), "numbers", json!([]));
    at.added(without_numbers.clone()).await;
    let (status, told) = at
        .ask(Method::POST, "/v1/connections", Some(&without_numbers))
        .await;
    assert_eq!(status, 422);
    assert_eq!(
        told["detail"],
        "an account may have at most 100 connections"
    );
    assert_eq!(
        at.get("/v1/connections").await["data"]
            .as_array()
            .unwrap()
            .len(),
        100
    );
}
