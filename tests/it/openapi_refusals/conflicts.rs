//! Requests that do not fit what is there: 409, 412, and what is 422 or 400 for that reason.

use std::time::Duration;

use onhook::{
    calls::connect::NewConnection,
    domain::connection::{AnsweredBy, Credentials},
};
use serde_json::{Value, json};

use super::{Compared, Operation, UNKNOWN, faults::changed};
use crate::{
    app::{TestAccount, TestApp},
    deadline::eventually,
    form_signature::form_signature,
    placing,
    provider_double::{ProviderDouble, Reply},
};

/// What there is to conflict with.
struct There<'a> {
    app: &'a TestApp,
    account: &'a TestAccount,
    compared: &'a mut Compared,
}

impl There<'_> {
    async fn send(
        &self,
        operation: Operation,
        id: &str,
        body: Option<&Value>,
        header: (&str, &str),
    ) -> reqwest::Result<reqwest::Response> {
        let request = operation.begin(self.app, &operation.path(id));
        let request = request
            .bearer_auth(&self.account.key)
            .header(header.0, header.1);
        match body {
            Some(body) => request.json(body).send().await,
            None => request.send().await,
        }
    }

    /// Erases a call.
    async fn erase(&mut self, call: &Value) {
        let subject = json!({"call_id": call});
        self.done("post", "/v1/erasures", "", Some(&subject)).await;
        self.app.run_jobs().await;
    }

    /// Does what must succeed, and answers what came of it.
    async fn done(
        &self,
        method: &'static str,
        template: &'static str,
        id: &str,
        body: Option<&Value>,
    ) -> Value {
        let operation = Operation::find(method, template);
        let answer = self
            .send(operation, id, body, ("x-none", "1"))
            .await
            .unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{method} {template}: {text}");
        serde_json::from_str(&text).unwrap()
    }
}

pub(super) async fn provoke(app: &TestApp, account: &TestAccount, compared: &mut Compared) {
    let mut there = There {
        app,
        account,
        compared,
    };
    calls(&mut there).await;
    voice_calls(&mut there).await;
    placed(&mut there).await;
    deliveries(&mut there).await;
}

/// The paths that are there under `/calls` and under `/v1/calls`.
const TWICE: [[&str; 3]; 2] = [
    ["/calls", "/calls/{id}", "/calls/make-call"],
    ["/v1/calls", "/v1/calls/{id}", "/v1/calls/make-call"],
];

async fn calls(there: &mut There<'_>) {
    for [all, one, _] in TWICE {
        let (post, delete) = (Operation::find("post", all), Operation::find("delete", one));
        let (_, body) = post.body().unwrap();
        let recorded = there.done("post", all, "", Some(body)).await;
        let other = changed(post, "call_to", Some(json!("+1789451239")));
        let answer = there.send(post, "", Some(&other), ("x-none", "1")).await;
        there.compared.expect(post, 409, answer).await;
        let live = recorded["data"]["id"].as_str().unwrap();
        let answer = there.send(delete, live, None, ("x-none", "1")).await;
        there.compared.expect(delete, 409, answer).await;

        let erased = changed(post, "call_sid", Some(json!(format!("erased {all}"))));
        let recorded = there.done("post", all, "", Some(&erased)).await;
        there.erase(&recorded["data"]["id"]).await;
        let answer = there.send(post, "", Some(&erased), ("x-none", "1")).await;
        there.compared.expect(post, 410, answer).await;

        let key = ("idempotency-key", all);
        there
            .send(
                post,
                "",
                Some(&changed(post, "call_sid", Some(json!(all)))),
                key,
            )
            .await
            .unwrap();
        let answer = there.send(post, "", Some(&other), key).await;
        there.compared.expect(post, 422, answer).await;
    }
}

async fn voice_calls(there: &mut There<'_>) {
    let [all, one] = [
        "/v3/communication/voice_calls",
        "/v3/communication/voice_calls/{uid}",
    ];
    let recording = "/v3/communication/voice_call_recordings/{uid}";
    let post = Operation::find("post", all);
    let body = changed(
        post,
        "business_uid",
        Some(json!(there.account.business_uid)),
    );
    let created = there.done("post", all, "", Some(&body)).await;
    let uid = created["data"]["uid"].as_str().unwrap().to_owned();
    let mut other = body;
    other["rate"] = json!("0.07");
    let answer = there.send(post, "", Some(&other), ("x-none", "1")).await;
    there.compared.expect(post, 409, answer).await;

    let mut erased = other.clone();
    erased["source_id"] = json!("erased");
    let created = there.done("post", all, "", Some(&erased)).await;
    there.erase(&created["data"]["uid"]).await;
    let answer = there.send(post, "", Some(&erased), ("x-none", "1")).await;
    there.compared.expect(post, 410, answer).await;

    let put = Operation::find("put", one);
    there
        .done("put", one, &uid, Some(put.body().unwrap().1))
        .await;
    for operation in [put, Operation::find("patch", one)] {
        let again = changed(operation, "status", Some(json!("INCOMING_CALL")));
        let answer = there
            .send(operation, &uid, Some(&again), ("x-none", "1"))
            .await;
        there.compared.expect(operation, 409, answer).await;
    }
    for (method, template) in [
        ("put", one),
        ("patch", one),
        ("put", recording),
        ("delete", recording),
    ] {
        let operation = Operation::find(method, template);
        let body = operation.body().map(|(_, example)| example);
        let answer = there
            .send(operation, &uid, body, ("if-match", "\"of-yesterday\""))
            .await;
        there.compared.expect(operation, 412, answer).await;
    }
}

/// With a connection to a provider, where calls can be placed and from which callbacks come.
async fn placed(there: &mut There<'_>) {
    let taken = |sid: &str| Reply::json(201, json!({"sid": sid, "status": "queued"}).to_string());
    let twilio = ProviderDouble::start([taken("CA1"), taken("CA2"), taken("CA3"), taken("CA4")]);
    let answered_by = "http://127.0.0.1:9/voice".parse().unwrap();
    let connection = placing::connect(
        there.app,
        there.account.id,
        twilio.base_url(),
        "+1234567890",
        Some(AnsweredBy::Url(answered_by)),
    )
    .await;
    let connection = connection.to_string();
    for [_, _, make] in TWICE {
        let make = Operation::find("post", make);
        let (_, body) = make.body().unwrap();
        let key = ("idempotency-key", make.template);
        in_progress(there, (make, ""), body).await;
        let answer = there.send(make, "", Some(body), key).await.unwrap();
        assert!(
            answer.status().is_success(),
            "{}",
            answer.text().await.unwrap()
        );
        let other = changed(make, "call_to", Some(json!("+1789451239")));
        let answer = there.send(make, "", Some(&other), key).await;
        there.compared.expect(make, 422, answer).await;
    }
    malformed(there, &connection).await;
    needed(there, &connection, &twilio).await;
}

/// A connection whose calls are live, and whose vendor does not accept what it is to be given.
async fn needed(there: &mut There<'_>, connection: &str, twilio: &ProviderDouble) {
    let remove = Operation::find("delete", "/v1/connections/{id}");
    let answer = there.send(remove, connection, None, ("x-none", "1")).await;
    there.compared.expect(remove, 409, answer).await;
    let change = Operation::find("patch", "/v1/connections/{id}");
    let nowhere = json!({"answer_url": "ftp://example.com/"});
    let answer = there
        .send(change, connection, Some(&nowhere), ("x-none", "1"))
        .await;
    there.compared.expect(change, 422, answer).await;

    twilio.then([Reply::json(401, "{}")]);
    let rotate = Operation::find("put", "/v1/connections/{id}/credentials");
    let path = format!("{}?test=true", rotate.path(connection));
    let request = rotate
        .begin(there.app, &path)
        .bearer_auth(&there.account.key);
    let request = request.json(rotate.body().unwrap().1);
    there
        .compared
        .expect(rotate, 422, request.send().await)
        .await;

    let add = Operation::find("post", "/v1/connections");
    let body = changed(add, "answer_url", Some(json!("http://127.0.0.1:9/voice")));
    in_progress(there, (add, ""), &body).await;
}

/// Verified, and not to be read.
async fn malformed(there: &mut There<'_>, connection: &str) {
    let operation = Operation::find("post", "/inbound/{provider}/{connection_id}");
    let path = operation.path(connection);
    let url = format!("{}{path}", super::PUBLIC_URL);
    let pairs = [("CallSid", "CA1")];
    let signature = form_signature(placing::TOKEN, &url, &pairs);
    let request = operation.begin(there.app, &path).form(&pairs);
    let request = request.header("x-twilio-signature", &signature);
    there
        .compared
        .expect(operation, 400, request.send().await)
        .await;
}

/// The same request, while the first waits for the account's row.
async fn in_progress(there: &mut There<'_>, (operation, id): (Operation, &str), body: &Value) {
    let mut lock = there.app.db.begin().await.unwrap();
    let blocked = "lock table calls, endpoints, connections in access exclusive mode";
    sqlx::query(blocked).execute(&mut *lock).await.unwrap();
    let key = format!("{} in progress", operation.template);
    let header = ("idempotency-key", key.as_str());
    let meanwhile = async {
        let claimed = "select count(*) from idempotency_keys where sealed_answer is null";
        eventually(
            Duration::from_secs(20),
            "the first is being worked on",
            async || {
                let claimed: i64 = sqlx::query_scalar(claimed)
                    .fetch_one(&there.app.db)
                    .await
                    .unwrap();
                (claimed == 1).then_some(())
            },
        )
        .await;
        let second = there.send(operation, id, Some(body), header).await;
        lock.rollback().await.unwrap();
        second
    };
    let (first, second) = tokio::join!(there.send(operation, id, Some(body), header), meanwhile);
    assert!(first.unwrap().status().is_success());
    there.compared.expect(operation, 409, second).await;
}

async fn deliveries(there: &mut There<'_>) {
    let add = Operation::find("post", "/v1/webhook-endpoints");
    let body = changed(add, "url", Some(json!("http://127.0.0.1:9/hook")));
    in_progress(there, (add, ""), &body).await;
    rotation(there).await;
    recovering(there).await;
    let live = there.done("get", "/calls/query", "", None).await;
    let call = live["data"][0]["id"].as_str().unwrap();
    there
        .done("post", "/calls/end", "", Some(&json!({"call_id": call})))
        .await;
    room(there, call).await;
    limits(there, call).await;
    let resend = Operation::find("post", "/v1/deliveries/{id}/resend");
    let listed = there.done("get", "/v1/deliveries", "", None).await;
    let delivery = listed["data"][0]["id"].as_str().unwrap();
    let answer = there.send(resend, delivery, None, ("x-none", "1")).await;
    there.compared.expect(resend, 409, answer).await;

    let key = ("idempotency-key", "resend");
    there.send(resend, UNKNOWN, None, key).await.unwrap();
    let path = format!("{}?other=1", resend.path(UNKNOWN));
    let request = resend
        .begin(there.app, &path)
        .bearer_auth(&there.account.key);
    let answer = request.header(key.0, key.1).send().await;
    there.compared.expect(resend, 422, answer).await;
}

/// An endpoint that is told nothing, and a time that is still to come.
async fn recovering(there: &mut There<'_>) {
    let recover = Operation::find("post", "/v1/webhook-endpoints/{id}/recover");
    let listed = there.done("get", "/v1/webhook-endpoints", "", None).await;
    let endpoint = listed["data"][0]["id"].as_str().unwrap();
    let later = json!({"since": "2999-01-01T00:00:00Z"});
    let answer = there.send(recover, endpoint, Some(&later), ("x-none", "1"));
    let answer = answer.await;
    there.compared.expect(recover, 422, answer).await;
    for (route, status) in [("disable", None), ("recover", Some(409)), ("enable", None)] {
        let path = format!("/v1/webhook-endpoints/{endpoint}/{route}");
        let request = there.app.post(&path, &there.account.key);
        let body = json!({"since": "2026-01-01T00:00:00Z"});
        let answer = request.json(&body).send().await;
        match status {
            Some(status) => there.compared.expect(recover, status, answer).await,
            None => assert!(answer.unwrap().status().is_success()),
        }
    }
}

/// The secret of an endpoint, made by one request at a time.
async fn rotation(there: &mut There<'_>) {
    let rotate = Operation::find("post", "/v1/webhook-endpoints/{id}/rotate-secret");
    let listed = there.done("get", "/v1/webhook-endpoints", "", None).await;
    let endpoint = listed["data"][0]["id"].as_str().unwrap();
    let (_, body) = rotate.body().unwrap();
    in_progress(there, (rotate, endpoint), body).await;
    let key = ("idempotency-key", "rotate");
    let first = there.send(rotate, endpoint, Some(body), key).await.unwrap();
    assert!(first.status().is_success());
    let other = changed(rotate, "overlap_s", Some(json!(1)));
    let answer = there.send(rotate, endpoint, Some(&other), key).await;
    there.compared.expect(rotate, 422, answer).await;
}

/// Only a call that is live is bounded, and only in the future; only one that is over is analysed.
async fn limits(there: &mut There<'_>, ended_call: &str) {
    let operation = Operation::find("put", "/v1/calls/{id}/limits");
    let body = json!({"max_duration": 60});
    let answer = there.send(operation, ended_call, Some(&body), ("x-none", "1"));
    let answer = answer.await;
    there.compared.expect(operation, 409, answer).await;
    let post = Operation::find("post", "/calls");
    let new = changed(post, "call_sid", Some(json!("limited")));
    let live = there.done("post", "/calls", "", Some(&new)).await;
    let live = live["data"]["id"].as_str().unwrap();
    let past = json!({"end_at": "2026-01-01T00:00:00Z"});
    let answer = there.send(operation, live, Some(&past), ("x-none", "1"));
    let answer = answer.await;
    there.compared.expect(operation, 422, answer).await;
    let analysis = Operation::find("post", "/v1/calls/{id}/analysis");
    let answer = there.send(analysis, live, None, ("x-none", "1")).await;
    there.compared.expect(analysis, 409, answer).await;
}

/// Rooms are on servers that the account is connected to, and of calls that are live.
async fn room(there: &mut There<'_>, ended_call: &str) {
    let operation = Operation::find("put", "/v1/calls/{id}/room");
    let (_, nowhere) = operation.body().unwrap();
    let answer = there
        .send(operation, ended_call, Some(nowhere), ("x-none", "1"))
        .await;
    there.compared.expect(operation, 422, answer).await;
    let new = NewConnection {
        account_id: there.account.id,
        vendor: "livekit".to_owned(),
        base_url: Some("http://127.0.0.1:9".to_owned()),
        credentials: Credentials {
            account: "API1".to_owned(),
            key_id: None,
            secret: "a secret that is long enough to sign with".into(),
            signing_secret: None,
        },
        numbers: Vec::new(),
        answered_by: None,
    };
    let added = there.app.connect(new).await;
    let here = changed(operation, "connection_id", Some(json!(added)));
    for (call, status) in [(UNKNOWN, 404), (ended_call, 409)] {
        let answer = there
            .send(operation, call, Some(&here), ("x-none", "1"))
            .await;
        there.compared.expect(operation, status, answer).await;
    }
}
