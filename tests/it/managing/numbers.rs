//! Which connection has a number.

use onhook::domain::account::VoipMode;
use reqwest::Method;
use serde_json::{Value, json};

use super::{NOTHING, managing, path, set, twilio};

#[tokio::test]
async fn a_number_is_routed_to_one_connection_at_a_time() {
    let at = managing().await;
    let first = at.added(twilio()).await;
    let second = at
        .added(set(twilio(), "numbers", json!(["+14155550101"])))
        .await;
    assert_eq!(
        at.get(&path(&first)).await["numbers"],
        json!(["+14155550100"]),
        "the last to have it"
    );
    let to_second = json!({"connection_id": second["id"]});
    let (status, routed) = at
        .ask(Method::PUT, "/v1/numbers/%2B14155550100", Some(&to_second))
        .await;
    let expected =
        json!({"number": "+14155550100", "connection_id": second["id"], "provider": "twilio"});
    assert_eq!((status, &routed), (200, &expected));

    let page = at.get("/v1/numbers?limit=1").await;
    assert_eq!(
        page,
        json!({"data": [expected], "next_after": "+14155550100"})
    );
    let rest = at.get("/v1/numbers?limit=1&after=%2B14155550100").await;
    assert_eq!(rest["data"][0]["number"], "+14155550101");
    assert_eq!(rest["next_after"], Value::Null);
    let of = |connection: &Value| {
        format!(
            "/v1/numbers?connection_id={}",
            connection["id"].as_str().unwrap()
        )
    };
    assert_eq!(at.get(&of(&first)).await["data"], json!([]));
    assert_eq!(
        at.get(&of(&second)).await["data"].as_array().unwrap().len(),
        2
    );

    assert_eq!(
        at.ask(Method::DELETE, "/v1/numbers/+14155550100", None)
            .await
            .0,
        204
    );
    assert_eq!(
        at.ask(Method::DELETE, "/v1/numbers/+14155550100", None)
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn a_number_goes_to_no_connection_that_has_none_or_is_another_account_s() {
    let at = managing().await;
    let daily = at
        .added(json!({"provider": "daily", "credentials": {"api_key": "hush"}}))
        .await;
    let other = at.app.account("other", VoipMode::Key).await;
    let theirs = at
        .app
        .post("/v1/connections", &other.key)
        .json(&twilio())
        .send()
        .await
        .unwrap();
    let theirs: Value = theirs.json().await.unwrap();
    for connection in [&daily["id"], &theirs["id"], &json!(NOTHING)] {
        let there = json!({ "connection_id": connection });
        let (status, named) = at
            .refused(Method::PUT, "/v1/numbers/+14155550100", &there)
            .await;
        assert_eq!(
            (status, named),
            (422, vec!["#/connection_id invalid".to_owned()])
        );
    }
    for (query, wrong) in [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("after=1", "after"),
        ("page=2", "page"),
    ] {
        let (status, named) = at
            .refused(Method::GET, &format!("/v1/numbers?{query}"), &Value::Null)
            .await;
        assert_eq!(status, 400, "{query}");
        assert!(named[0].starts_with(wrong), "{named:?}");
    }
}
