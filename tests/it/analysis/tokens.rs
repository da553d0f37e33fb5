//! Who reads what was said with a JWT: as its claim `transcripts` says, else as the account does.

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::get_current_timestamp;

use super::*;
use crate::{app::TestApp, receiver::Receiver};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const CARD: &str = "4111 1111 1111 1111";

/// A token of a staff member of the default account; `transcripts`: the claim, if it has one.
fn token(transcripts: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let mut claims = json!({
        "iss": "https://login.example.com", "aud": "onhook", "exp": get_current_timestamp() + 600,
        "account": "default", "kind": "staff",
    });
    if !transcripts.is_null() {
        claims["transcripts"] = transcripts.clone();
    }
    let message = format!("{}.{}", part(&json!({"alg": "HS256"})), part(&claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn a_token_says_whether_transcripts_are_read_raw_and_where_it_does_not_the_account_does() {
    let settings = [
        ("ONHOOK_JWT_ALGORITHM", "HS256"),
        ("ONHOOK_JWT_KEY", SECRET),
        ("ONHOOK_JWT_ISSUER", "https://login.example.com"),
        ("ONHOOK_JWT_AUDIENCE", "onhook"),
    ];
    let app = TestApp::boot_with(&settings).await;
    let scene = Scene {
        account: app.default_account().await,
        app,
        receiver: Receiver::start(),
    };
    let call = scene.ended("tokens").await;
    let said = json!({"utterances": [
        {"speaker": "customer", "text": format!("My card is {CARD}."), "begin_ms": 0, "end_ms": 900},
    ]});
    assert_eq!(scene.give(&call, &said).await.status(), StatusCode::CREATED);
    for account in ["raw", "redacted"] {
        let wish = json!({"privacy": {"transcripts": account}});
        let put = scene.app.put("/v1/analysis-settings", &scene.account.key);
        let put = put.json(&wish).send().await.unwrap();
        assert_eq!(put.status(), StatusCode::OK);
        for (claim, is_raw) in [
            (json!("raw"), true),
            (json!("redacted"), false),
            (Value::Null, account == "raw"),
        ] {
            for path in [
                format!("/v1/calls/{call}/transcript"),
                format!("/calls/{call}"),
                "/calls/query".to_owned(),
            ] {
                let answer = scene.app.get(&path, &token(&claim)).send().await.unwrap();
                assert_eq!(answer.status(), StatusCode::OK, "{path}");
                let shown = answer.text().await.unwrap();
                let told = (
                    shown.contains(CARD),
                    shown.contains("[CREDIT_DEBIT_NUMBER]"),
                );
                assert_eq!(told, (is_raw, !is_raw), "{account} {claim} {path}: {shown}");
            }
        }
    }
    // A word that nobody knows is not taken for leave.
    for wrong in [json!("all"), json!(true), json!(["raw"]), json!("")] {
        let path = format!("/v1/calls/{call}/transcript");
        let answer = scene.app.get(&path, &token(&wrong)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{wrong}");
    }
}
