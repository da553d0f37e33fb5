//! An account with calls of which everything is kept that can be, all of it with canaries in it; and where canaries are found.

use onhook::domain::account::VoipMode;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};

use crate::{
    app::{TestAccount, TestApp},
    receiver::{Receiver, Reply},
};

/// What is the call's, as it is kept.
pub(super) const CANARIES: [&str; 13] = [
    "4155559876",
    "4155556789",
    "canary-mail",
    "canary-record",
    "canary-call-id",
    "canary-source",
    "canary-word",
    "canary-reason",
    "canary-summary",
    "canary-notes",
    "canary-answer",
    "canary-staff",
    "canary-metadata",
];

/// A service, an account, and who is told of its calls.
pub(super) struct Scene {
    pub(super) app: TestApp,
    pub(super) account: TestAccount,
    /// Answers canaries.
    pub(super) told: Receiver,
    /// Takes nothing: what it is to be told stays to be told.
    pub(super) deaf: Receiver,
    /// Is told of erasures alone.
    pub(super) auditor: Receiver,
}

impl Scene {
    pub(super) async fn set() -> Self {
        let app = TestApp::boot().await;
        let account = app.account("acme", VoipMode::Key).await;
        let told = Receiver::always(Reply::Answer {
            status: 200,
            headers: vec![("content-type", "text/plain".to_owned())],
            body: b"thank you for canary-answer".to_vec(),
        });
        let scene = Self {
            deaf: Receiver::always(Reply::Status(500)),
            auditor: Receiver::start(),
            app,
            account,
            told,
        };
        scene.endpoint(&scene.told.url(), json!([])).await;
        scene.endpoint(&scene.deaf.url(), json!([])).await;
        let erased = json!(["call.erased"]);
        scene.endpoint(&scene.auditor.url(), erased).await;
        scene
    }

    async fn endpoint(&self, url: &str, types: Value) {
        let add = self.app.post("/v1/webhook-endpoints", &self.account.key);
        let add = add.json(&json!({"url": url, "event_types": types}));
        assert_eq!(add.send().await.unwrap().status(), 201);
    }

    pub(super) async fn ask(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        ask(&self.app, &self.account, method, path, body).await
    }

    /// Asks for an erasure; answers its id.
    pub(super) async fn erase(&self, subject: Value) -> String {
        let (status, asked) = self.ask(Method::POST, "/v1/erasures", subject).await;
        assert_eq!(status, 202, "{asked}");
        asked["id"].as_str().unwrap().to_owned()
    }

    /// Erases, and answers the receipt.
    pub(super) async fn erased(&self, subject: Value) -> Value {
        let id = self.erase(subject).await;
        self.app.run_jobs().await;
        self.erasure(&id).await
    }

    pub(super) async fn erasure(&self, id: &str) -> Value {
        let path = format!("/v1/erasures/{id}");
        let (status, erasure) = self.ask(Method::GET, &path, Value::Null).await;
        assert_eq!(status, 200, "{erasure}");
        erasure
    }

    /// A call of which everything is kept that can be; its id.
    pub(super) async fn full_call(&self) -> String {
        full_call(&self.app, &self.account).await
    }
}

pub(super) async fn ask(
    app: &TestApp,
    account: &TestAccount,
    method: Method,
    path: &str,
    body: Value,
) -> (u16, Value) {
    let mut request = app
        .request(method, path)
        .header("prefer", "handling=strict")
        .bearer_auth(&account.key);
    if !body.is_null() {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let told = answer.text().await.unwrap();
    (status, serde_json::from_str(&told).unwrap_or_default())
}

/// What telephony reports of a call's end.
pub(super) fn end_of(name: &str, from: &str, to: &str) -> Value {
    json!({
        "CallId": name, "From": from, "To": to, "Direction": "outgoing", "email": "canary-mail@example.com",
        "CallStatus": "completed", "Duration": "10", "RecordingUrl": "https://example.com/canary-record",
    })
}

pub(super) async fn full_call(app: &TestApp, account: &TestAccount) -> String {
    let done = async |method: Method, path: &str, body: Value| {
        let (status, told) = ask(app, account, method, path, body).await;
        assert!((200..300).contains(&status), "{path}: {status} {told}");
        told
    };
    let staff = json!({
        "staff_uid": "canary-staff", "client_uid": "c-1", "from_number": "+14155559876", "to_number": "+14155556789",
        "direction": "OUTBOUND", "status": "INCOMING_CALL", "rate": "0.1", "price": "0.1", "provider": "VONAGE",
        "source_id": "canary-source", "external_uuid": "e",
        "business_uid": account.business_uid,
    });
    let made = done(Method::POST, "/v3/communication/voice_calls", staff).await;
    let call = made["data"]["uid"].as_str().unwrap().to_owned();
    // Under a name that no column has any more: staff has given the call another.
    let renamed = json!({"source_id": "canary-call-id", "call_summary": "canary-summary"});
    let path = format!("/v3/communication/voice_calls/{call}");
    done(Method::PATCH, &path, renamed).await;
    let report = end_of("canary-call-id", "+1 (415) 555-9876", "+14155556789");
    for kind in ["call-ringing", "call-answered", "call-end"] {
        let mut report = report.clone();
        if kind != "call-end" {
            report.as_object_mut().unwrap().remove("CallStatus");
        }
        done(Method::POST, &format!("/api/v1/voip/{kind}"), report).await;
    }
    app.run_jobs().await;
    let transcript = json!({"utterances": [
        {"speaker": "agent", "text": "canary-word, how terrible!", "begin_ms": 0, "end_ms": 900},
    ]});
    let path = format!("/v1/calls/{call}/transcript");
    done(Method::PUT, &path, transcript).await;
    let notes = json!({"notes": "canary-notes", "metadata": {"of": "canary-metadata"}});
    done(Method::PATCH, &format!("/calls/{call}"), notes).await;
    let ending = json!({"call_id": call, "disconnect_reason": "canary-reason"});
    done(Method::POST, "/calls/end", ending).await;
    let recorded = json!({
        "call_sid": "canary-call-id", "call_to": "+14155556789", "call_from": "+14155559876",
        "call_status": "completed", "disconnect_reason": "canary-reason",
    });
    let record = app.post("/calls", &account.key).json(&recorded);
    let record = record.header("idempotency-key", "canary").send().await;
    assert_eq!(record.unwrap().status(), 201);
    app.make_jobs_due().await;
    app.run_jobs().await;
    call
}

/// Every table.
async fn tables(db: &PgPool) -> Vec<String> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select table_name::text from information_schema.tables
         where table_schema = 'public' and table_type = 'BASE TABLE' and table_name <> '_sqlx_migrations'",
    )
    .fetch_all(db)
    .await
    .unwrap();
    assert!(tables.len() > 20, "{tables:?}");
    tables
}

/// In which tables a text stands: in any column of any row, of whatever type, as it is or as bytes.
pub(super) async fn traces(db: &PgPool, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for table in tables(db).await {
        let sql = format!(
            "select exists (select from {table} as held
             where strpos(held::text, $1) > 0 or strpos(held::text, encode(convert_to($1, 'UTF8'), 'hex')) > 0)"
        );
        let stands: bool = sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(text)
            .fetch_one(db)
            .await
            .unwrap();
        if stands {
            found.push(table);
        }
    }
    found
}

/// Everything that is kept of an account, row by row.
pub(super) async fn rows_of(db: &PgPool, account: &TestAccount) -> Vec<String> {
    let mut rows = Vec::new();
    for table in tables(db).await {
        let sql = format!(
            "select '{table} ' || held::text from {table} as held where strpos(held::text, $1) > 0 order by 1"
        );
        let found: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(account.id.to_string())
            .fetch_all(db)
            .await
            .unwrap();
        rows.extend(found);
    }
    rows
}

/// How many rows a statement counts.
pub(super) async fn count(db: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(db).await.unwrap()
}
