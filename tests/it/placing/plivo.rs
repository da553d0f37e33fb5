//! A provider that answers an order with the id of the request: the call's own id comes with the first event that has both.

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use onhook::{
    calls::connect::NewConnection,
    domain::{connection::Credentials, id::CallId, party::E164},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{OURS_E164, PUBLIC_URL, TOKEN, order, url};
use crate::{
    app::{TestAccount, TestApp},
    provider_double::{ProviderDouble, Reply},
};

const NOT_FOUND: &str = r#"{"api_id":"1","error":"not found"}"#;

struct ByRequest {
    app: TestApp,
    account: TestAccount,
    plivo: ProviderDouble,
    callback: String,
    call_id: String,
}

impl ByRequest {
    /// Places a call that Plivo answers with the request `REQUEST`.
    async fn place() -> Self {
        let app = TestApp::boot_with(&[("ONHOOK_PUBLIC_URL", PUBLIC_URL)]).await;
        let account = app.default_account().await;
        let fired = r#"{"message":"call fired","request_uuid":"REQUEST","api_id":"1"}"#;
        let plivo = ProviderDouble::start([Reply::json(201, fired)]);
        let new = NewConnection {
            account_id: account.id,
            vendor: "plivo".to_owned(),
            base_url: Some(plivo.base_url().into()),
            credentials: Credentials {
                account: "MA1".to_owned(),
                key_id: None,
                secret: TOKEN.into(),
                signing_secret: None,
            },
            numbers: vec![OURS_E164.parse::<E164>().unwrap()],
            answered_by: Some(url("http://127.0.0.1:9/voice")),
        };
        app.connect(new).await;
        let request = app.post("/calls/make-call", &account.key);
        let answer = request.json(&order("+11234567890")).send().await.unwrap();
        assert_eq!(answer.headers()["onhook-outcome"], "placed");
        let body: Value = answer.json().await.unwrap();
        let sent: Value = serde_json::from_str(&plivo.requests()[0].body).unwrap();
        Self {
            callback: sent["hangup_url"].as_str().unwrap().to_owned(),
            call_id: body["data"]["id"].as_str().unwrap().to_owned(),
            app,
            account,
            plivo,
        }
    }

    async fn post(&self, callback: &str, call: &str, request: &str, status: &str) {
        let mut pairs = vec![
            ("CallUUID", call),
            ("RequestUUID", request),
            ("CallStatus", status),
            ("Direction", "outbound"),
        ];
        pairs.sort_unstable();
        let parts = pairs.iter().flat_map(|(name, value)| [*name, *value]);
        let mark = if callback.contains('?') { "." } else { "?" };
        let signed: String = [callback, mark]
            .into_iter()
            .chain(parts)
            .chain([".1"])
            .collect();
        let key = hmac::Key::new(hmac::HMAC_SHA256, TOKEN.as_bytes());
        let signature = BASE64_STANDARD.encode(hmac::sign(&key, signed.as_bytes()));
        let path = callback.strip_prefix(PUBLIC_URL).unwrap();
        let request = self.app.request(Method::POST, path);
        let request = request.header("x-plivo-signature-v3", &signature);
        let request = request.header("x-plivo-signature-v3-nonce", "1");
        let answer = request.form(&pairs).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    }

    /// Posts to the URL that Plivo was given for this call.
    async fn report(&self, call: &str, request: &str, status: &str) {
        let (given, _overrides) = self.callback.split_once('#').unwrap();
        self.post(given, call, request, status).await;
    }

    /// The provider's name and the state of each call, ours first.
    async fn calls(&self) -> Vec<(String, String)> {
        let ours: CallId = self.call_id.parse().unwrap();
        sqlx::query_as(
            "select provider_call_id, state::text from calls order by call_id <> $1, provider_call_id",
        )
        .bind(ours.uuid())
        .fetch_all(&self.app.db)
        .await
        .unwrap()
    }

    async fn end(&self) {
        let end = self.app.post("/calls/end", &self.account.key);
        let answer = end.json(&json!({ "call_id": self.call_id })).send();
        assert_eq!(answer.await.unwrap().status(), StatusCode::OK);
    }

    fn asked(&self) -> Vec<String> {
        let requests = self.plivo.requests();
        let asked = requests.iter().skip(1);
        asked
            .map(|r| format!("{} {}", r.method, r.target))
            .collect()
    }
}

fn is(name: &str, state: &str) -> (String, String) {
    (name.to_owned(), state.to_owned())
}

#[tokio::test]
async fn the_first_event_gives_a_call_that_goes_by_its_request_its_own_id() {
    let placed = ByRequest::place().await;
    assert_eq!(placed.calls().await, [is("REQUEST", "queued")]);
    // Another request's call, and one whose callback names no call of ours, are calls of their own.
    placed.report("OTHER", "ANOTHER", "ringing").await;
    placed.report("CALL", "REQUEST", "ringing").await;
    assert_eq!(
        placed.calls().await,
        [is("CALL", "ringing"), is("OTHER", "ringing")]
    );
    placed.report("CALL", "REQUEST", "in-progress").await;
    placed.plivo.then([Reply::json(204, "")]);
    placed.end().await;
    assert_eq!(
        placed.calls().await,
        [is("CALL", "completed"), is("OTHER", "ringing")]
    );
    assert_eq!(placed.asked(), ["DELETE /v1/Account/MA1/Call/CALL/"]);
    // What comes late by the first id is about the same call.
    placed.report("REQUEST", "REQUEST", "completed").await;
    assert_eq!(placed.calls().await.len(), 2);
}

#[tokio::test]
async fn a_call_that_was_ended_by_its_request_and_is_live_under_its_own_id_is_hung_up() {
    let placed = ByRequest::place().await;
    placed.plivo.then([
        Reply::json(404, NOT_FOUND),
        Reply::json(404, NOT_FOUND),
        Reply::json(404, NOT_FOUND),
        Reply::json(404, NOT_FOUND),
        Reply::json(204, ""),
    ]);
    placed.end().await;
    assert_eq!(placed.calls().await, [is("REQUEST", "canceled")]);
    placed.report("CALL", "REQUEST", "ringing").await;
    placed.app.run_jobs().await;
    assert_eq!(placed.calls().await, [is("CALL", "canceled")]);
    let asked = placed.asked();
    let by_request = [
        "DELETE /v1/Account/MA1/Call/REQUEST/",
        "DELETE /v1/Account/MA1/Request/REQUEST/",
        "GET /v1/Account/MA1/Call/REQUEST/?status=live",
        "GET /v1/Account/MA1/Call/REQUEST/",
    ];
    assert_eq!(asked[..4], by_request);
    assert_eq!(asked[4..], ["DELETE /v1/Account/MA1/Call/CALL/"]);
}
