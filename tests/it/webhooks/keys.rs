//! What webhooks are signed with: both schemes, rotation with overlap, and why a receiver does not verify.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use onhook::domain::event::EventType;
use reqwest::StatusCode;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::fixture::{call_of, emit_in};
use crate::{
    app::{TestAccount, TestApp},
    contract::RequestBuilder,
    receiver::{Received, Receiver},
};

const ENDPOINTS: &str = "/v1/webhook-endpoints";

struct Signed {
    app: TestApp,
    account: TestAccount,
    receiver: Receiver,
    endpoint: Value,
}

async fn body(request: RequestBuilder, status: StatusCode) -> Value {
    let answer = request.send().await.unwrap();
    let got = answer.status();
    let text = answer.text().await.unwrap();
    assert_eq!(got, status, "{text}");
    serde_json::from_str(&text).unwrap()
}

async fn signed(signatures: Value) -> Signed {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let receiver = Receiver::start();
    let wanted = json!({"url": receiver.url(), "signatures": signatures});
    let added = app.post(ENDPOINTS, &account.key).json(&wanted);
    let endpoint = body(added, StatusCode::CREATED).await;
    Signed {
        app,
        account,
        receiver,
        endpoint,
    }
}

impl Signed {
    fn path(&self, rest: &str) -> String {
        format!(
            "{ENDPOINTS}/{}{rest}",
            self.endpoint["id"].as_str().unwrap()
        )
    }

    fn secret(&self) -> &str {
        self.endpoint["secret"].as_str().unwrap()
    }

    /// Tells of a new call, and answers what came.
    async fn told(&self) -> Received {
        let mut tx = self.app.db.begin().await.unwrap();
        emit_in(&mut tx, &call_of(self.account.id), &[EventType::CallEnded]).await;
        tx.commit().await.unwrap();
        self.app.run_jobs().await;
        self.receiver.received().pop().unwrap()
    }

    async fn rotated(&self, wanted: Value) -> Value {
        let rotate = self
            .app
            .post(&self.path("/rotate-secret"), &self.account.key);
        body(rotate.json(&wanted), StatusCode::CREATED).await
    }

    async fn explained(&self, got: &Received, more: Value) -> Value {
        let header = |name: &str| got.headers[name].to_str().unwrap().to_owned();
        let mut asked = json!({
            "webhook_id": header("webhook-id"), "webhook_timestamp": header("webhook-timestamp"),
            "webhook_signature": header("webhook-signature"), "body": String::from_utf8(got.body.clone()).unwrap(),
        });
        for (name, value) in more.as_object().unwrap() {
            asked[name] = value.clone();
        }
        let explain = self
            .app
            .post(&self.path("/explain-signature"), &self.account.key);
        body(explain.json(&asked), StatusCode::OK).await
    }
}

/// Whether a receiver with this secret takes it.
fn takes(secret: &str, got: &Received) -> bool {
    let webhook = Webhook::new(secret).unwrap();
    webhook.verify(&got.body, &got.headers).is_ok()
}

/// Whether a receiver with this public key takes it.
fn takes_by_key(public_key: &str, got: &Received) -> bool {
    let key = public_key.strip_prefix("whpk_").unwrap();
    let key = UnparsedPublicKey::new(&ED25519, BASE64_STANDARD.decode(key).unwrap());
    let header = |name: &str| got.headers[name].to_str().unwrap();
    let content = format!("{}.{}.", header("webhook-id"), header("webhook-timestamp"));
    let content = [content.as_bytes(), &got.body].concat();
    header("webhook-signature").split(' ').any(|entry| {
        let signature = entry.strip_prefix("v1a,");
        let signature = signature.map(|signature| BASE64_STANDARD.decode(signature).unwrap());
        signature.is_some_and(|signature| key.verify(&content, &signature).is_ok())
    })
}

#[tokio::test]
async fn a_receiver_verifies_by_the_secret_or_by_the_public_key() {
    let at = signed(json!(["v1a", "v1", "v1a"])).await;
    assert_eq!(at.endpoint["signatures"], json!(["v1", "v1a"]));
    let got = at.told().await;
    assert!(takes(at.secret(), &got));
    assert!(takes_by_key(
        at.endpoint["public_key"].as_str().unwrap(),
        &got
    ));
    let header = got.headers["webhook-signature"].to_str().unwrap();
    assert_eq!(header.split(' ').count(), 2, "{header}");
}

#[tokio::test]
async fn what_is_signed_by_the_public_key_alone_has_no_signature_by_the_secret() {
    let at = signed(json!(["v1a"])).await;
    let got = at.told().await;
    assert!(takes_by_key(
        at.endpoint["public_key"].as_str().unwrap(),
        &got
    ));
    assert!(!takes(at.secret(), &got));
}

#[tokio::test]
async fn while_a_secret_is_rotated_receivers_verify_by_either() {
    let at = signed(json!(["v1"])).await;
    let new = at.rotated(json!({"overlap_s": 3_600})).await;
    let secret = new["secret"].as_str().unwrap();
    assert_ne!(secret, at.secret());
    assert_eq!(new["former"].as_array().unwrap().len(), 1, "{new}");
    let got = at.told().await;
    assert!(takes(secret, &got) && takes(at.secret(), &got));

    // Time passes.
    sqlx::query("update endpoint_keys set expires_at = now() where expires_at is not null")
        .execute(&at.app.db)
        .await
        .unwrap();
    let got = at.told().await;
    assert!(takes(secret, &got) && !takes(at.secret(), &got));
    let listed = at.app.get(&at.path("/keys"), &at.account.key);
    let listed = body(listed, StatusCode::OK).await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 3, "{listed}");
    assert!(!listed.to_string().contains("whsec_"));
}

#[tokio::test]
async fn a_secret_that_somebody_else_has_signs_nothing_more_at_once() {
    let at = signed(json!(["v1"])).await;
    let new = at.rotated(json!({"overlap_s": 0})).await;
    let got = at.told().await;
    assert!(takes(new["secret"].as_str().unwrap(), &got) && !takes(at.secret(), &got));
}

#[tokio::test]
async fn no_more_than_five_keys_sign_at_once_and_none_but_the_new_one_after_a_leak() {
    let at = signed(json!(["v1"])).await;
    for _ in 0..4 {
        at.rotated(json!({"overlap_s": 60})).await;
    }
    let got = at.told().await;
    let header = got.headers["webhook-signature"].to_str().unwrap();
    assert_eq!(header.split(' ').count(), 5, "{header}");
    assert!(takes(at.secret(), &got));
    let rotate = at.app.post(&at.path("/rotate-secret"), &at.account.key);
    let rotate = rotate.json(&json!({"overlap_s": 1}));
    let problem = body(rotate, StatusCode::CONFLICT).await;
    assert!(problem.to_string().contains("sign already"), "{problem}");
    // The other scheme has its own.
    at.rotated(json!({"overlap_s": 1, "scheme": "v1a"})).await;
    let new = at.rotated(json!({"overlap_s": 0})).await;
    let got = at.told().await;
    let header = got.headers["webhook-signature"].to_str().unwrap();
    assert_eq!(header.split(' ').count(), 1, "{header}");
    assert!(takes(new["secret"].as_str().unwrap(), &got));
    // What signs no more is kept in a bounded number.
    for _ in 0..20 {
        at.rotated(json!({"overlap_s": 0})).await;
    }
    let listed = at.app.get(&at.path("/keys"), &at.account.key);
    let listed = body(listed, StatusCode::OK).await;
    // Two present, one that signs beside its successor, twenty that are over.
    assert_eq!(listed["data"].as_array().unwrap().len(), 23, "{listed}");
}

#[tokio::test]
async fn a_rotation_made_again_with_its_key_makes_one_secret() {
    let at = signed(json!(["v1"])).await;
    let rotate = || {
        let rotate = at.app.post(&at.path("/rotate-secret"), &at.account.key);
        let rotate = rotate.header("Idempotency-Key", "once").json(&json!({}));
        body(rotate, StatusCode::CREATED)
    };
    let (first, second) = (rotate().await, rotate().await);
    assert_eq!(first, second);
    let listed = at.app.get(&at.path("/keys"), &at.account.key);
    let listed = body(listed, StatusCode::OK).await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 3, "{listed}");
}

#[tokio::test]
async fn an_overlap_of_more_than_a_week_is_refused() {
    let at = signed(json!(["v1"])).await;
    at.rotated(json!({"overlap_s": 604_800})).await;
    for wrong in [json!(604_801), json!(-1), json!("1"), json!(1.5)] {
        let rotate = at.app.post(&at.path("/rotate-secret"), &at.account.key);
        let rotate = rotate.json(&json!({"overlap_s": wrong, "scheme": "v2"}));
        let problem = body(rotate, StatusCode::BAD_REQUEST).await;
        let named: Vec<&Value> = problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| &error["pointer"])
            .collect();
        assert_eq!(named, ["#/scheme", "#/overlap_s"], "{problem}");
    }
}

fn finding<'e>(explained: &'e Value, part: &str) -> &'e Value {
    let findings = explained["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["part"] == part);
    found.unwrap_or_else(|| panic!("{part} is not told of: {explained}"))
}

#[tokio::test]
async fn a_check_that_is_right_is_told_to_be() {
    let at = signed(json!(["v1", "v1a"])).await;
    let got = at.told().await;
    let entry = got.headers["webhook-signature"].to_str().unwrap();
    let entry = entry.split(' ').find(|entry| entry.starts_with("v1,"));
    let asked = json!({"secret": at.secret(), "computed_signature": entry.unwrap()});
    let explained = at.explained(&got, asked).await;
    assert_eq!(explained["verifies"], true, "{explained}");
    assert_eq!(explained["findings"].as_array().unwrap().len(), 6);
    let by_key = json!({"secret": at.endpoint["public_key"]});
    assert_eq!(at.explained(&got, by_key).await["verifies"], true);
}

#[tokio::test]
async fn each_part_of_a_check_that_went_wrong_is_named() {
    let at = signed(json!(["v1"])).await;
    let got = at.told().await;
    let text = String::from_utf8(got.body.clone()).unwrap();
    let read: Value = serde_json::from_str(&text).unwrap();
    let pretty = serde_json::to_string_pretty(&read).unwrap();
    let other = signed(json!(["v1"])).await;
    for (part, asked, says) in [
        ("body", json!({"body": pretty}), "parsed and written again"),
        ("body", json!({"body": format!("{text}\n")}), "white space"),
        (
            "body",
            json!({"body": text.chars().take(10).collect::<String>()}),
            "cut off",
        ),
        ("body", json!({"body": ""}), "empty"),
        ("body", json!({"body": "{}"}), "another body"),
        (
            "signature",
            json!({"body": pretty}),
            "not the body given here",
        ),
        (
            "signature",
            json!({"webhook_signature": "sha256=00"}),
            "no entry",
        ),
        (
            "signature",
            json!({"webhook_signature": "v1,AAAA"}),
            "no key of this endpoint",
        ),
        ("id", json!({"webhook_id": "evt_1"}), "no event"),
        (
            "timestamp",
            json!({"webhook_timestamp": "yesterday"}),
            "whole number",
        ),
        (
            "timestamp",
            json!({"webhook_timestamp": "1767225600"}),
            "old",
        ),
        (
            "timestamp",
            json!({"webhook_timestamp": "4102444800"}),
            "future",
        ),
        (
            "secret",
            json!({"secret": other.secret()}),
            "none of this endpoint",
        ),
    ] {
        let explained = at.explained(&got, asked.clone()).await;
        let finding = finding(&explained, part);
        assert_eq!(explained["verifies"], false, "{asked}: {explained}");
        assert_eq!(finding["holds"], false, "{asked}: {finding}");
        let detail = finding["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{asked}: {detail}");
    }
    let bare = at.secret().strip_prefix("whsec_").unwrap();
    let explained = at.explained(&got, json!({"secret": bare})).await;
    let detail = finding(&explained, "secret")["detail"].as_str().unwrap();
    assert!(detail.contains("written otherwise"), "{detail}");
}

#[tokio::test]
async fn a_secret_that_was_rotated_is_told_to_be() {
    let at = signed(json!(["v1"])).await;
    let got = at.told().await;
    at.rotated(json!({"overlap_s": 60})).await;
    let asked = json!({"secret": at.secret()});
    let explained = at.explained(&got, asked.clone()).await;
    let told = finding(&explained, "secret");
    assert!(
        told["holds"] == true && told.to_string().contains("signs until"),
        "{told}"
    );
    at.rotated(json!({"overlap_s": 0})).await;
    sqlx::query(
        "update endpoint_keys set expires_at = now() - interval '1 s' where expires_at is not null",
    )
    .execute(&at.app.db)
    .await
    .unwrap();
    let explained = at.explained(&got, asked).await;
    let told = finding(&explained, "secret");
    assert!(
        told["holds"] == false && told.to_string().contains("signs no more"),
        "{told}"
    );
}

#[tokio::test]
async fn the_usual_mistakes_are_recognised_by_the_signature_they_make() {
    use aws_lc_rs::hmac;
    let at = signed(json!(["v1"])).await;
    let got = at.told().await;
    let header = |name: &str| got.headers[name].to_str().unwrap().to_owned();
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    let text = String::from_utf8(got.body.clone()).unwrap();
    let shown = at.secret();
    let bare = shown.strip_prefix("whsec_").unwrap();
    let decoded = BASE64_STANDARD.decode(bare).unwrap();
    let right = format!("{id}.{timestamp}.{text}");
    let tag = |key: &[u8], content: &str| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), content.as_bytes())
    };
    let made = |key: &[u8], content: &str| BASE64_STANDARD.encode(tag(key, content));
    for (computed, says) in [
        (made(shown.as_bytes(), &right), "taken as text"),
        (made(bare.as_bytes(), &right), "was not decoded"),
        (made(&decoded, &text), "only the body"),
        (
            made(&decoded, &format!("{timestamp}.{text}")),
            "id was left out",
        ),
        (
            made(&decoded, &format!("{id}.{text}")),
            "timestamp was left out",
        ),
        (
            made(&decoded, &format!("{timestamp}.{id}.{text}")),
            "wrong order",
        ),
        (
            made(&decoded, &format!("{id}{timestamp}{text}")),
            "dots are missing",
        ),
        (made(&decoded, &format!("{right}\n")), "line break"),
        (hex::encode(tag(&decoded, &right)), "hexadecimal"),
        ("v1,AAAA".to_owned(), "nor do the usual mistakes"),
    ] {
        let explained = at
            .explained(&got, json!({"computed_signature": computed}))
            .await;
        let finding = finding(&explained, "computed");
        assert_eq!(finding["holds"], false, "{says}: {finding}");
        let detail = finding["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{says}: {detail}");
    }
}
