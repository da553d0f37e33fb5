//! Credentials of connections: tried, replaced while the service runs, and the former ones for a while.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Managing, PUBLIC_URL, managing, path, set, twilio};
use crate::{
    form_signature::form_signature,
    provider_double::{ProviderDouble, Reply},
};

impl Managing {
    /// What a callback that is signed with this secret is answered.
    async fn callback(&self, connection: &Value, secret: &str) -> u16 {
        let id = connection["id"].as_str().unwrap();
        let path = format!("/inbound/twilio/{id}");
        let pairs = [("CallSid", "CA1"), ("CallStatus", "ringing")];
        let signature = form_signature(secret, &format!("{PUBLIC_URL}{path}"), &pairs);
        let request = self
            .app
            .request(Method::POST, &path)
            .header("x-twilio-signature", &signature)
            .form(&pairs);
        request.send().await.unwrap().status().as_u16()
    }

    async fn rotate(&self, connection: &Value, secret: &str, overlap_s: Value) -> Value {
        let new = json!({"credentials": {"account_sid": "AC1", "secret": secret}, "overlap_s": overlap_s});
        let credentials = format!("{}/credentials", path(connection));
        let (status, rotated) = self.ask(Method::PUT, &credentials, Some(&new)).await;
        assert_eq!(status, 200, "{rotated}");
        rotated
    }

    /// For how many seconds the former credentials still count.
    async fn overlap_s(&self) -> Option<i64> {
        sqlx::query_scalar(
            "select round(extract(epoch from former_until - updated_at))::bigint from connections",
        )
        .fetch_one(&self.app.db)
        .await
        .unwrap()
    }
}

#[tokio::test]
async fn a_former_secret_verifies_callbacks_until_its_time_is_over() {
    let at = managing().await;
    let there = at.added(twilio()).await;
    assert_eq!(there["former_credentials_until"], Value::Null);
    assert_eq!(at.callback(&there, "hush-one").await, 204);
    assert_eq!(at.callback(&there, "hush-two").await, 401);

    let rotated = at.rotate(&there, "hush-two", Value::Null).await;
    assert!(rotated["former_credentials_until"].is_string(), "{rotated}");
    assert_eq!(
        at.overlap_s().await,
        Some(86_400),
        "a day unless it is said otherwise"
    );
    for (secret, status) in [("hush-one", 204), ("hush-two", 204), ("hush-three", 401)] {
        assert_eq!(at.callback(&there, secret).await, status, "{secret}");
    }
    sqlx::query("update connections set former_until = clock_timestamp()")
        .execute(&at.app.db)
        .await
        .unwrap();
    assert_eq!(at.callback(&there, "hush-one").await, 401);
    assert_eq!(at.callback(&there, "hush-two").await, 204);
    let shown = at.get(&path(&there)).await;
    assert_eq!(shown["former_credentials_until"], Value::Null);

    at.rotate(&there, "hush-three", json!(604_800)).await;
    assert_eq!(at.overlap_s().await, Some(604_800));
    at.rotate(&there, "hush-four", json!(60)).await;
    for (secret, status) in [("hush-two", 401), ("hush-three", 204), ("hush-four", 204)] {
        assert_eq!(
            at.callback(&there, secret).await,
            status,
            "one former set is kept: {secret}"
        );
    }
    let leaked = at.rotate(&there, "hush-five", json!(0)).await;
    assert_eq!(leaked["former_credentials_until"], Value::Null);
    for (secret, status) in [("hush-four", 401), ("hush-five", 204)] {
        assert_eq!(at.callback(&there, secret).await, status, "{secret}");
    }
    let stored: Option<Vec<u8>> =
        sqlx::query_scalar("select sealed_former_credentials from connections")
            .fetch_one(&at.app.db)
            .await
            .unwrap();
    assert_eq!(stored, None, "what does not count is not kept");

    let credentials = format!("{}/credentials", path(&there));
    for overlap in [json!(-1), json!(604_801), json!(1.5), json!("1")] {
        let new =
            json!({"credentials": {"account_sid": "AC1", "secret": "hush"}, "overlap_s": overlap});
        let (status, named) = at.refused(Method::PUT, &credentials, &new).await;
        assert_eq!(status, 400, "{overlap}");
        assert!(named[0].starts_with("#/overlap_s"), "{named:?}");
    }
    let (status, named) = at
        .refused(
            Method::PUT,
            &credentials,
            &json!({"credentials": {"key": "x"}}),
        )
        .await;
    let expected = [
        "#/credentials/account_sid missing",
        "#/credentials/key unknown",
        "#/credentials/secret missing",
    ];
    assert_eq!((status, named), (400, expected.map(str::to_owned).into()));
}

#[tokio::test]
async fn what_was_sealed_is_opened_nowhere_else() {
    let at = managing().await;
    let there = at.added(twilio()).await;
    at.rotate(&there, "hush-two", Value::Null).await;
    // Put into each other's column: neither opens.
    sqlx::query("update connections set sealed_former_credentials = sealed_credentials")
        .execute(&at.app.db)
        .await
        .unwrap();
    assert_eq!(at.callback(&there, "hush-one").await, 401);
    assert_eq!(at.callback(&there, "hush-two").await, 204);
    let kept: Vec<String> =
        sqlx::query_scalar("select encode(sealed_credentials, 'escape') from connections")
            .fetch_all(&at.app.db)
            .await
            .unwrap();
    assert!(!kept[0].contains("hush") && !kept[0].contains("AC1"));
}

#[tokio::test]
async fn new_credentials_count_from_the_answer_on() {
    let at = managing().await;
    let call = r#"{"sid":"CA1","status":"completed","direction":"inbound","from":"+1","to":"+2"}"#;
    let double = ProviderDouble::start([Reply::json(200, call)]);
    let there = at.added(twilio()).await;
    at.rotate(&there, "hush-two", Value::Null).await;
    let moved = json!({
        "base_url": double.base_url(), "credentials": {"account_sid": "AC2", "api_key_sid": "SK2", "secret": "hush-three",
        "signing_secret": "hush-four"},
    });
    let (status, changed) = at.ask(Method::PATCH, &path(&there), Some(&moved)).await;
    assert_eq!(status, 200, "{changed}");
    assert_eq!(changed["base_url"], double.base_url().as_str());
    for (secret, status) in [("hush-two", 204), ("hush-three", 401), ("hush-four", 204)] {
        assert_eq!(at.callback(&there, secret).await, status, "{secret}");
    }
    let call: String = sqlx::query_scalar("select call_id::text from calls")
        .fetch_one(&at.app.db)
        .await
        .unwrap();
    let end = json!({ "call_id": call });
    assert_eq!(at.ask(Method::POST, "/calls/end", Some(&end)).await.0, 200);
    let asked = double.requests().remove(0);
    assert_eq!(asked.target, "/2010-04-01/Accounts/AC2/Calls/CA1.json");
    let basic = format!("Basic {}", BASE64_STANDARD.encode("SK2:hush-three"));
    assert_eq!(asked.header("authorization"), basic);
}

#[tokio::test]
async fn a_url_for_callbacks_is_shown_only_where_they_can_be_verified() {
    let at = managing().await;
    let by_key = json!({"account_sid": "AC1", "api_key_sid": "SK1", "secret": "hush"});
    let deaf = at.added(set(twilio(), "credentials", by_key.clone())).await;
    assert_eq!(deaf["status_callback_url"], Value::Null);
    let heard = at
        .added(set(
            twilio(),
            "credentials",
            set(by_key, "signing_secret", json!("hush")),
        ))
        .await;
    assert!(heard["status_callback_url"].is_string());
    let daily = |credentials| json!({"provider": "daily", "credentials": credentials});
    let deaf = at.added(daily(json!({"api_key": "hush"}))).await;
    assert_eq!(deaf["status_callback_url"], Value::Null);
    let heard = at
        .added(daily(
            json!({"api_key": "hush", "webhook_secret": "aHVzaA=="}),
        ))
        .await;
    let id = heard["id"].as_str().unwrap();
    let url = format!("{PUBLIC_URL}/inbound/daily/{id}");
    assert_eq!(heard["status_callback_url"], url);
}

#[tokio::test]
async fn trying_a_connection_tells_what_its_vendor_says() {
    let at = managing().await;
    let page = "<html>Welcome</html>";
    let double = ProviderDouble::start([
        Reply::json(200, r#"{"calls":[]}"#),
        Reply::json(401, "{}"),
        Reply::json(429, "{}"),
        Reply::json(500, "{}"),
        Reply::json(200, page),
        Reply::Close,
    ]);
    let there = at
        .added(set(twilio(), "base_url", json!(double.base_url())))
        .await;
    let test = format!("{}/test", path(&there));
    for (ok, outcome) in [
        (true, "ok"),
        (false, "unauthorized"),
        (false, "throttled"),
        (false, "failing"),
        (false, "garbled"),
        (false, "unreachable"),
    ] {
        let (status, tested) = at.ask(Method::POST, &test, None).await;
        assert_eq!(status, 200);
        assert_eq!(
            (&tested["ok"], &tested["outcome"]),
            (&json!(ok), &json!(outcome)),
            "{tested}"
        );
        assert!(
            tested["detail"].as_str().unwrap().starts_with("Twilio "),
            "{tested}"
        );
        assert!(tested["duration_ms"].is_u64(), "{tested}");
    }
    assert_eq!(double.requests().len(), 6, "each is asked once");
    sqlx::query("update connections set sealed_credentials = ''")
        .execute(&at.app.db)
        .await
        .unwrap();
    let (_, tested) = at.ask(Method::POST, &test, None).await;
    assert_eq!(tested["outcome"], "sealed");
}

#[tokio::test]
async fn what_its_vendor_does_not_accept_is_not_kept_if_it_is_tried_first() {
    let at = managing().await;
    let double =
        ProviderDouble::start([Reply::json(401, "{}"), Reply::json(200, r#"{"calls":[]}"#)]);
    let body = set(twilio(), "base_url", json!(double.base_url()));
    let (status, told) = at
        .ask(Method::POST, "/v1/connections?test=true", Some(&body))
        .await;
    assert_eq!(status, 422);
    assert_eq!(told["errors"][0]["pointer"], "#/credentials");
    assert!(
        told["detail"]
            .as_str()
            .unwrap()
            .contains("401 Unauthorized"),
        "{told}"
    );
    assert_eq!(at.get("/v1/connections").await["data"], json!([]));
    let (status, there) = at
        .ask(Method::POST, "/v1/connections?test=true", Some(&body))
        .await;
    assert_eq!(status, 201, "{there}");

    double.then([Reply::json(401, "{}"), Reply::json(200, r#"{"calls":[]}"#)]);
    let credentials = format!("{}/credentials?test=true", path(&there));
    let new = json!({"credentials": {"account_sid": "AC1", "secret": "hush-two"}});
    for (status, former, new_one) in [(422, 204, 401), (200, 204, 204)] {
        assert_eq!(
            at.ask(Method::PUT, &credentials, Some(&new)).await.0,
            status
        );
        assert_eq!(at.callback(&there, "hush-one").await, former, "{status}");
        assert_eq!(at.callback(&there, "hush-two").await, new_one, "{status}");
    }
    let basic = format!("Basic {}", BASE64_STANDARD.encode("AC1:hush-two"));
    assert_eq!(
        double.requests()[2].header("authorization"),
        basic,
        "the new ones are tried"
    );
}
