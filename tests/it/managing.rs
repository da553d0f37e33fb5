//! Managing connections over HTTP: adding, changing, removing. [`numbers`] has their routes, [`rotation`] their credentials,
//! [`wrong`] what is refused.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    app::{TestAccount, TestApp},
    provider_double::{ProviderDouble, Reply},
};

mod numbers;
mod rotation;
mod wrong;

const PUBLIC_URL: &str = "https://calls.example.com";

/// An id that nothing has.
const NOTHING: &str = "0199c0de-0000-7000-8000-0000000000ff";

struct Managing {
    app: TestApp,
    account: TestAccount,
}

async fn managing() -> Managing {
    let app = TestApp::boot_with(&[("ONHOOK_PUBLIC_URL", PUBLIC_URL)]).await;
    let account = app.default_account().await;
    Managing { app, account }
}

/// A body that is taken.
fn twilio() -> Value {
    json!({
        "provider": "twilio", "label": "Support",
        "credentials": {"account_sid": "AC1", "secret": "hush-one"},
        "numbers": ["+14155550100", "+14155550101"],
        "answer_url": "http://127.0.0.1:9/voice", "max_duration": 3600,
    })
}

fn set(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

impl Managing {
    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let request = self
            .app
            .request(method, path)
            .bearer_auth(&self.account.key);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let told = answer.text().await.unwrap();
        assert!(!told.contains("hush"), "{told}");
        (status, serde_json::from_str(&told).unwrap_or(Value::Null))
    }

    /// Adds what must be taken; answers it.
    async fn added(&self, body: Value) -> Value {
        let (status, added) = self.ask(Method::POST, "/v1/connections", Some(&body)).await;
        assert_eq!(status, 201, "{added}");
        added
    }

    async fn get(&self, path: &str) -> Value {
        let (status, found) = self.ask(Method::GET, path, None).await;
        assert_eq!(status, 200, "{path}: {found}");
        found
    }

    /// The fields that are refused, with the code of each.
    async fn refused(&self, method: Method, path: &str, body: &Value) -> (u16, Vec<String>) {
        let (status, told) = self.ask(method, path, Some(body)).await;
        let errors = told["errors"].as_array().cloned().unwrap_or_default();
        let mut named: Vec<String> = errors
            .iter()
            .map(|error| {
                let place = error["pointer"].as_str().or(error["parameter"].as_str());
                format!(
                    "{} {}",
                    place.unwrap_or_default(),
                    error["code"].as_str().unwrap()
                )
            })
            .collect();
        named.sort();
        (status, named)
    }
}

fn path(connection: &Value) -> String {
    format!("/v1/connections/{}", connection["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_connection_is_added_read_changed_and_removed() {
    let at = managing().await;
    let added = at.added(twilio()).await;
    let id = added["id"].as_str().unwrap();
    let callback = format!("{PUBLIC_URL}/inbound/twilio/{id}#rc=5&rp=ct,rt,5xx");
    assert_eq!(added["status_callback_url"], callback);
    assert_eq!(added["base_url"], "https://api.twilio.com/");
    assert_eq!(added["numbers"], json!(["+14155550100", "+14155550101"]));
    assert_eq!(at.get(&path(&added)).await, added);
    assert_eq!(at.get("/v1/connections").await["data"], json!([added]));

    let change = json!({
        "label": null, "numbers": ["+14155550101", "+14155550102", "+14155550102"], "max_duration": null,
        "answer_application": "AP42",
    });
    let (status, changed) = at.ask(Method::PATCH, &path(&added), Some(&change)).await;
    assert_eq!(status, 200, "{changed}");
    assert_eq!(changed["label"], Value::Null);
    assert_eq!(changed["numbers"], json!(["+14155550101", "+14155550102"]));
    assert_eq!(changed["max_duration"], Value::Null);
    assert_eq!(
        (&changed["answer_url"], &changed["answer_application"]),
        (&Value::Null, &json!("AP42")),
        "one takes the other's place"
    );
    assert_ne!(changed["updated_at"], added["updated_at"]);
    let (_, same) = at.ask(Method::PATCH, &path(&added), Some(&json!({}))).await;
    assert_eq!(same["numbers"], changed["numbers"]);
    assert_eq!(same["answer_application"], "AP42");
    let nothing = json!({"answer_application": null, "numbers": null});
    let (_, bare) = at.ask(Method::PATCH, &path(&added), Some(&nothing)).await;
    assert_eq!(
        (&bare["answer_application"], &bare["numbers"]),
        (&Value::Null, &json!([]))
    );

    let (status, _) = at.ask(Method::DELETE, &path(&added), None).await;
    assert_eq!(status, 204);
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(at.ask(method, &path(&added), None).await.0, 404);
    }
}

#[tokio::test]
async fn a_request_with_a_key_adds_one_connection_however_often_it_is_made() {
    let at = managing().await;
    let mut answers = Vec::new();
    for _ in 0..2 {
        let request = at
            .app
            .post("/v1/connections", &at.account.key)
            .json(&twilio());
        let answer = request
            .header("idempotency-key", "berlin")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        answers.push(answer.text().await.unwrap());
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(
        at.get("/v1/connections").await["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    // Lost with its answer: the work is done again, and finds what is there.
    sqlx::query("update idempotency_keys set sealed_answer = null, leased_until = now() - interval '1 minute'")
        .execute(&at.app.db)
        .await
        .unwrap();
    let request = at
        .app
        .post("/v1/connections", &at.account.key)
        .json(&twilio());
    let again = request
        .header("idempotency-key", "berlin")
        .send()
        .await
        .unwrap();
    assert_eq!(again.text().await.unwrap(), answers[0]);
    assert_eq!(
        at.get("/v1/connections").await["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_connection_that_is_needed_stays_unless_it_is_forced() {
    let at = managing().await;
    let silent = ProviderDouble::start([Reply::json(503, ""), Reply::json(503, "")]);
    let there = at
        .added(set(twilio(), "base_url", json!(silent.base_url())))
        .await;
    let report = |name: &str, post: &str| {
        let call = json!({"CallId": name, "From": "+14155550100", "To": "+14155550148", "Direction": "outgoing",
            "Email": "a@example.com"});
        at.app
            .request(Method::POST, &format!("/api/v1/voip/{post}"))
            .json(&call)
            .send()
    };
    assert_eq!(report("CA1", "call-answered").await.unwrap().status(), 200);
    // What telephony alone has reported names no connection; by a callback it would.
    sqlx::query("update calls set connection_id = $1::uuid")
        .bind(there["id"].as_str())
        .execute(&at.app.db)
        .await
        .unwrap();
    let (status, told) = at.ask(Method::DELETE, &path(&there), None).await;
    assert_eq!(status, 409);
    assert!(
        told["detail"].as_str().unwrap().contains("calls are live"),
        "{told}"
    );
    let call: String = sqlx::query_scalar("select call_id::text from calls")
        .fetch_one(&at.app.db)
        .await
        .unwrap();
    let end = json!({ "call_id": call });
    assert_eq!(at.ask(Method::POST, "/calls/end", Some(&end)).await.0, 200);
    let (status, told) = at.ask(Method::DELETE, &path(&there), None).await;
    assert_eq!(status, 409);
    assert!(
        told["detail"].as_str().unwrap().contains("being ended"),
        "{told}"
    );

    let forced = format!("{}?force=true", path(&there));
    assert_eq!(at.ask(Method::DELETE, &forced, None).await.0, 204);
    at.app.make_jobs_due().await;
    at.app.run_jobs().await;
    let call = at.get(&format!("/calls/{call}")).await;
    let part = &call["data"]["terminations"][0];
    assert_eq!(
        (&part["part"], &part["state"]),
        (&json!("provider"), &json!("failed"))
    );
    assert_eq!(part["detail"], "the connection is gone");
    assert_eq!(
        call["data"]["call_status"], "completed",
        "its history stays"
    );
}
