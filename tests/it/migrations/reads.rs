//! What rows of every age are over HTTP, for the newest binary. The rows are in `tests/fixtures/migrations`.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::{
    app::TestApp, contract::RequestBuilder, form_signature::form_signature, receiver::Receiver,
};

pub(super) const PUBLIC_URL: &str = "https://onhook.example.com";

const WHOLE: &str = "01900000-0000-7000-8000-00000000c0de";
const PLACED: &str = "01900000-0000-7000-8000-00000000c008";
const VOICEMAIL: &str = "01900000-0000-7000-8000-00000000c009";
const CONNECTION: &str = "01900000-0000-7000-8000-0000000000d1";
const ROTATED: &str = "01900000-0000-7000-8000-0000000000d4";

/// A key of the rows: 43 times the letter.
fn key(kind: &str, letter: &str) -> String {
    format!("onhook_{kind}_{}", letter.repeat(43))
}

async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

async fn read(app: &TestApp, path: &str) -> Value {
    let (status, body) = answer(app.get(path, &key("app", "a"))).await;
    assert_eq!(status, StatusCode::OK, "{path}: {body}");
    body
}

/// Asserts what fields hold; a name may be a pointer.
fn holds(object: &Value, fields: &[(&str, Value)]) {
    for (field, expected) in fields {
        let found = match field.strip_prefix('/') {
            Some(_) => object.pointer(field).unwrap_or(&Value::Null),
            None => &object[field],
        };
        assert_eq!(found, expected, "{field} of {object}");
    }
}

pub(super) async fn everything(app: &TestApp) {
    keys(app).await;
    calls(app).await;
    voice_calls(app).await;
    beside(app).await;
    lists(app).await;
    provider(app).await;
    repeated(app).await;
    work(app).await;
    alive(app).await;
}

/// 0001, 0009.
async fn keys(app: &TestApp) {
    let call = format!("/calls/{WHOLE}");
    for (kind, letter, expected) in [
        ("app", "a", StatusCode::OK),
        ("operator", "1", StatusCode::OK),
        ("staff", "d", StatusCode::OK),
        ("app", "b", StatusCode::UNAUTHORIZED),
        ("app", "c", StatusCode::UNAUTHORIZED),
        ("ingest", "f", StatusCode::FORBIDDEN),
    ] {
        let (status, body) = answer(app.get(&call, &key(kind, letter))).await;
        assert_eq!(status, expected, "{kind} {letter}: {body}");
    }
    // 0018: one reads transcripts redacted, one raw.
    for letter in ["7", "8"] {
        let (status, _) = answer(app.get(&call, &key("staff", letter))).await;
        assert_eq!(status, StatusCode::OK);
    }
    // It prefers strict handling.
    let (status, _) = answer(app.get("/calls/none", &key("staff", "d"))).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);

    let voice_call = format!("/v3/communication/voice_calls/{WHOLE}");
    let below = app.get("/v3/communication/voice_calls", &key("directory", "2"));
    let (status, _) = answer(below.header("x-on-behalf-of", "biz_below")).await;
    assert_eq!(status, StatusCode::OK);
    // Clients were not named before 0009; docs/operations.md says what to do.
    let (status, refused) = answer(app.get(&voice_call, &key("client", "e"))).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let why = "this credential names no client whose calls it could read";
    assert_eq!(refused["errors"][0]["message"], why);
    let (status, _) = answer(app.get(&voice_call, &key("client", "3"))).await;
    assert_eq!(status, StatusCode::OK);
}

/// 0002, 0008.
async fn calls(app: &TestApp) {
    let whole = read(app, &format!("/calls/{WHOLE}")).await["data"].take();
    holds(
        &whole,
        &[
            ("call_sid", json!("CA-whole")),
            ("call_provider", json!("vonage")),
            ("call_status", json!("completed")),
            ("call_direction", json!("outbound")),
            ("call_from", json!("+1 (415) 555-0100")),
            ("from_e164", json!("+14155550100")),
            ("call_duration", json!(60)),
            ("record_url", json!("https://recordings.example.com/1")),
            ("disconnect_reason", json!("Customer requested to end call")),
            ("campaign_id", json!("01900000-0000-7000-8000-00000000ca01")),
            ("workspace_id", json!("sales")),
            ("is_test", json!(true)),
            ("call_rating", json!(4)),
            ("notes", json!("Call again in May.")),
            ("metadata", json!({"plan": "pro"})),
            ("started_at", json!("2026-01-01T10:00:05Z")),
            ("ended_at", json!("2026-01-01T10:01:05Z")),
            ("ring_duration", json!(5)),
            ("/terminations/0/state", json!("done")),
            ("/terminations/1/detail", json!("the call has no room")),
            ("transcript_language", json!("en")),
            ("analysis_sentiment", json!("positive")),
            ("/analysis/revision", json!(2)),
            // What was not there yet has its type.
            ("cost", json!(0.0)),
            ("placement", Value::Null),
            ("agent_post_call_outcomes", Value::Null),
        ],
    );
    holds(
        &read(app, &format!("/calls/{PLACED}")).await["data"],
        &[
            ("cost", json!(0.0125)),
            ("price_unit", json!("USD")),
            ("latency", json!(120)),
            ("agent_task_status", json!("done")),
            ("agent_post_call_outcomes", json!({"booked": true})),
            ("retry_at", json!("2026-02-02T10:00:00Z")),
            ("placement", json!("placed")),
        ],
    );
    // Lists find by the column what the object reads from the analysis.
    let sentiment: Option<String> = sqlx::query_scalar(
        "select analysis_sentiment from calls where provider_call_id = 'CA-whole'",
    )
    .fetch_one(&app.db)
    .await
    .unwrap();
    assert_eq!(sentiment.as_deref(), Some("positive"));
}

/// 0002, 0009.
async fn voice_calls(app: &TestApp) {
    holds(
        &read(app, &format!("/v3/communication/voice_calls/{WHOLE}")).await["data"],
        &[
            ("status", json!("ANSWERED_BY_STAFF")),
            ("rate", json!("0.015")),
            ("price", json!("1.50")),
            ("provider", json!("VONAGE")),
            ("source_id", json!("src-whole")),
            ("client_uid", json!("c_42")),
            ("call_summary", json!("They asked for a refund.")),
            ("handled_at", json!("2026-01-01T10:02:00Z")),
            ("transcript_status", json!("DONE")),
            ("business_uid", json!("biz_acme")),
            ("/recording/recording_played", json!(false)),
        ],
    );
    holds(
        &read(app, &format!("/v3/communication/voice_calls/{VOICEMAIL}")).await["data"],
        &[
            ("status", json!("VOICEMAIL_RECEIVED")),
            ("/recording/recording_played", json!(true)),
            ("/recording/size", json!(4096)),
        ],
    );
}

/// 0005, 0006.
async fn beside(app: &TestApp) {
    let said = read(app, &format!("/v1/calls/{WHOLE}/transcript")).await;
    assert_eq!(said["utterances"].as_array().unwrap().len(), 2, "{said}");
    let analysis = read(app, &format!("/v1/calls/{WHOLE}/analysis")).await;
    assert_eq!(analysis["revision"], 2);
    let revisions = read(app, &format!("/v1/calls/{WHOLE}/analyses")).await;
    assert_eq!(revisions["data"].as_array().unwrap().len(), 2);

    let endpoints = read(app, "/v1/webhook-endpoints").await;
    let states: Vec<&Value> = endpoints["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|endpoint| &endpoint["state"])
        .collect();
    assert_eq!(states.len(), 5, "{endpoints}");
    assert!(states.contains(&&json!("enabled")) && states.contains(&&json!("disabled")));
    let dead = read(app, "/v1/deliveries?state=dead").await;
    assert_eq!(dead["data"][0]["event_type"], "call.answered");
    let told = read(app, "/v1/deliveries/01900000-0000-7000-8000-00000000de01").await;
    assert_eq!(told["attempts"][0]["outcome"], "succeeded", "{told}");
    let event = read(app, "/v1/events/01900000-0000-7000-8000-00000000ee01").await;
    assert_eq!(event["type"], "call.started");
    let subscribed = read(app, "/platform/v1/webhooks").await;
    let event = &subscribed["data"]["webhooks"][0]["event"];
    assert_eq!(event, "voice_call/update", "{subscribed}");
    let told = read(app, "/v1/events?type=voice_call/create").await;
    assert_eq!(told["data"].as_array().unwrap().len(), 1, "{told}");
}

async fn lists(app: &TestApp) {
    for state in [
        "queued",
        "ringing",
        "in-progress",
        "busy",
        "no-answer",
        "canceled",
        "failed",
    ] {
        let listed = read(app, &format!("/calls/query?status={state}")).await;
        assert_eq!(listed["meta"]["total"], 1, "{state}: {listed}");
    }
    let searched = read(app, "/calls/query?search=thank%20you%20so%20much").await;
    assert_eq!(searched["data"][0]["id"], WHOLE);
    let noted = read(app, "/calls/query?search=again%20in%20may").await;
    assert_eq!(noted["data"][0]["id"], WHOLE);
    let called = read(app, "/calls/query?search=4155550101").await;
    assert_eq!(called["meta"]["total"], 2, "{called}");
    // Telephony's calls of 0002, which have their numbers from 0012, and the call that 0012 has itself.
    let filter = "filter_columns%5B%5D=call_to&filter_operator%5B%5D=contains&filter_values%5B%5D=";
    for (query, total) in [
        (format!("{filter}ANN%40example"), 9),
        (format!("{filter}3077712"), 1),
        ("search=send%20brochure".to_owned(), 0),
        ("search=the%20brochure".to_owned(), 1),
        ("search=which%20brochure".to_owned(), 1),
    ] {
        let found = read(app, &format!("/calls/query?{query}")).await;
        assert_eq!(found["meta"]["total"], total, "{query}: {found}");
    }
    let all = read(app, "/v3/communication/voice_calls?per_page=100").await;
    let there: i64 = sqlx::query_scalar(
        "select count(*) from calls join accounts using (account_id) where name = 'acme' and deleted_at is null",
    )
    .fetch_one(&app.db)
    .await
    .unwrap();
    assert_eq!(all["data"]["total_count"], there);
    for (filter, uid) in [
        ("source_id%5D=src-whole", WHOLE),
        ("client_uid%5D=c_42", WHOLE),
        ("recording_id%5D=rec-9", VOICEMAIL),
    ] {
        let found = read(
            app,
            &format!("/v3/communication/voice_calls?filter%5B{filter}"),
        )
        .await;
        assert_eq!(
            found["data"]["voice_calls"][0]["uid"], uid,
            "{filter}: {found}"
        );
    }
}

/// 0004, 0008: the credentials open, and a call is known by its old name.
async fn provider(app: &TestApp) {
    let connections = read(app, "/v1/connections").await;
    let answered = |field: &str| {
        let all = connections["data"].as_array().unwrap();
        all.iter().filter(|one| !one[field].is_null()).count()
    };
    assert_eq!(connections["data"].as_array().unwrap().len(), 4);
    assert_eq!(
        (answered("answer_url"), answered("answer_application")),
        (1, 1)
    );

    let path = format!("/inbound/twilio/{CONNECTION}");
    let pairs = [
        ("CallSid", "CA-ringing"),
        ("CallStatus", "busy"),
        ("CallDuration", "5"),
    ];
    let signature = form_signature("token", &format!("{PUBLIC_URL}{path}"), &pairs);
    let ended = app
        .request(Method::POST, &path)
        .header("x-twilio-signature", &signature)
        .form(&pairs);
    let (status, body) = answer(ended).await;
    assert!(status.is_success(), "{status} {body}");
    let listed = read(app, "/calls/query?status=busy").await;
    assert_eq!(listed["meta"]["total"], 2, "{listed}");

    rotated(app).await;
    wants(app).await;

    // 0011: a name that was learned later.
    let again = json!({"CallId": "CA-alias", "From": "+1", "To": "+2", "Direction": "incoming", "CallStatus": "failed"});
    let ended = app
        .post("/api/v1/voip/call-end", &key("ingest", "f"))
        .json(&again);
    assert_eq!(answer(ended).await.0, StatusCode::OK);
    let whole = read(app, &format!("/calls/{WHOLE}")).await;
    assert_eq!(whole["data"]["call_status"], "completed");
}

/// 0014: what is signed with the former secret is taken.
async fn rotated(app: &TestApp) {
    let path = format!("/v1/connections/{ROTATED}");
    let connection = read(app, &path).await;
    holds(
        &connection,
        &[
            ("label", json!("Support")),
            ("max_duration", json!(3600)),
            ("numbers", json!(["+14155550114"])),
        ],
    );
    assert!(connection["former_credentials_until"].is_string());
    let path = format!("/inbound/twilio/{ROTATED}");
    let pairs = [("CallSid", "CA-ringing"), ("CallStatus", "ringing")];
    for (secret, status) in [("former-token", 204), ("token", 204), ("other", 401)] {
        let signature = form_signature(secret, &format!("{PUBLIC_URL}{path}"), &pairs);
        let ringing = app
            .request(Method::POST, &path)
            .header("x-twilio-signature", &signature)
            .form(&pairs);
        assert_eq!(answer(ringing).await.0.as_u16(), status, "{secret}");
    }
}

/// 0015: what an account wants of its analyses; what it could not have said is as documented.
async fn wants(app: &TestApp) {
    let settings = read(app, "/v1/analysis-settings").await;
    let updated_at = json!("2026-02-07T08:00:00Z");
    holds(
        &settings,
        &[
            ("short_call_seconds", json!(25)),
            ("updated_at", updated_at),
        ],
    );
}

/// 0010.
async fn repeated(app: &TestApp) {
    let again = app
        .post("/v1/webhook-endpoints", &key("app", "a"))
        .header("Idempotency-Key", "made-before")
        .header("content-type", "application/json")
        .body(r#"{"url":"https://example.com/x"}"#);
    let answered = again.send_to_be_replayed().await.unwrap();
    assert_eq!(answered.status(), StatusCode::CREATED);
    assert_eq!(answered.headers()["idempotent-replayed"], "true");
    let body: Value = answered.json().await.unwrap();
    assert_eq!(body["id"], "01900000-0000-7000-8000-0000000000f3");
}

/// 0013: what an account and a call are bounded by, the legs, and an ending that was taken.
async fn alive(app: &TestApp) {
    let limited = |path: &str| app.get(path, &key("app", "q"));
    let (_, account) = answer(limited("/v1/account")).await;
    holds(
        &account,
        &[("name", json!("limited")), ("max_duration", json!(14_400))],
    );
    let call = "/v1/calls/01900000-0000-7000-8000-0000000c1e61";
    let (_, bounds) = answer(limited(&format!("{call}/limits"))).await;
    holds(
        &bounds,
        &[
            ("max_duration", json!(600)),
            ("account_max_duration", json!(14_400)),
            ("ends_at", json!("2026-01-01T10:10:05Z")),
            ("ends_by", json!("max_duration")),
        ],
    );
    let (_, legs) = answer(limited(&format!("{call}/legs"))).await;
    holds(
        &legs,
        &[
            ("parent_call_sid", json!("CA-whole-leg")),
            ("conversation", json!("CON-1")),
        ],
    );
    let (_, ended) = answer(limited("/calls/01900000-0000-7000-8000-0000000c1e62")).await;
    holds(
        &ended["data"],
        &[
            ("/terminations/0/state", json!("pending")),
            (
                "/terminations/0/detail",
                json!("the provider has taken the request"),
            ),
            ("end_source", Value::Null),
        ],
    );
    let (_, made) = answer(app.get("/v1/account", &key("app", "a"))).await;
    holds(&made, &[("max_duration", Value::Null)]);
    // What was parked is taken up when its call comes.
    let kept: i64 = sqlx::query_scalar("select count(*) from parked_reports")
        .fetch_one(&app.db)
        .await
        .unwrap();
    assert_eq!(kept, 1);
}

/// 0003, 0006: work that was left is done; the secret opens.
async fn work(app: &TestApp) {
    let receiver = Receiver::start();
    sqlx::query("update endpoints set url = $1 where state = 'enabled'")
        .bind(receiver.url())
        .execute(&app.db)
        .await
        .unwrap();
    app.run_jobs().await;
    let analysis = read(
        app,
        "/v1/calls/01900000-0000-7000-8000-0000000000c4/analysis",
    )
    .await;
    assert_eq!(analysis["call_metrics"]["disposition"], "completed");

    let secret = format!("whsec_{}", BASE64_STANDARD.encode([1; 32]));
    let webhook = Webhook::new(&secret).unwrap();
    let told: Vec<String> = receiver
        .received()
        .iter()
        .filter(|received| received.json()["data"]["id"] == WHOLE)
        .map(|received| {
            webhook.verify(&received.body, &received.headers).unwrap();
            received.event_type()
        })
        .collect();
    assert_eq!(told[0], "call.ended");
    assert!(told.contains(&"call.analyzed".to_owned()), "{told:?}");
    let left: Vec<(String, String)> =
        sqlx::query_as("select kind, state::text from jobs order by kind")
            .fetch_all(&app.db)
            .await
            .unwrap();
    let left: Vec<(&str, &str)> = left.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert_eq!(left, [("analyze", "running"), ("hang_up", "dead")]);
}
