//! What comes after an erasure: it is answered, and leaves nothing.

use onhook::{
    calls::connect::NewConnection,
    domain::{account::VoipMode, connection::Credentials},
};
use reqwest::Method;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::scene::{Scene, ask, count, end_of, traces};
use crate::{
    app::{TestAccount, TestApp},
    form_signature::form_signature,
};

const PUBLIC_URL: &str = "https://calls.example.com/onhook";
const TOKEN: &str = "an auth token";

#[tokio::test]
async fn a_late_report_of_an_erased_call_is_taken_and_leaves_nothing_but_a_count() {
    let scene = Scene::set().await;
    let db = &scene.app.db;
    let call = scene.full_call().await;
    scene.erased(json!({"call_id": call})).await;

    // Under each name that it ever had.
    for name in ["canary-call-id", "canary-source"] {
        let report = end_of(name, "+14155559876", "+14155556789");
        for kind in ["call-ringing", "call-answered", "call-end", "call-end"] {
            let mut report = report.clone();
            if kind != "call-end" {
                report.as_object_mut().unwrap().remove("CallStatus");
            }
            let path = format!("/api/v1/voip/{kind}");
            let (status, told) = scene.ask(Method::POST, &path, report).await;
            assert_eq!((status, &told["data"]["success"]), (200, &json!(true)));
        }
    }
    scene.app.run_jobs().await;
    let found = traces(db, "canary-").await;
    assert!(found.is_empty(), "{found:?}");
    for table in ["calls", "receipts", "call_names", "call_numbers"] {
        assert!(
            traces(db, &scene.account.id.to_string())
                .await
                .iter()
                .all(|t| t != table),
            "{table}"
        );
    }
    let counted = scene.app.metrics().await;
    let line = "onhook_reports_total{source=\"voip\",outcome=\"erased\"} 8";
    assert!(counted.contains(line), "{counted}");
}

#[tokio::test]
async fn no_api_makes_an_erased_call_anew_or_knows_it() {
    let scene = Scene::set().await;
    let call = scene.full_call().await;
    scene.erased(json!({"call_id": call})).await;

    let record = json!({"call_sid": "canary-call-id", "call_to": "+14155556789", "call_from": "+14155559876"});
    let record = scene.app.post("/calls", &scene.account.key).json(&record);
    assert_eq!(record.send().await.unwrap().status(), 410);
    for source_id in ["canary-call-id", "canary-source"] {
        let staff = json!({
            "staff_uid": "s", "client_uid": "c", "from_number": "+14155559876", "to_number": "+14155556789",
            "direction": "INBOUND", "status": "MISSED", "rate": "0.1", "provider": "VONAGE",
            "source_id": source_id, "external_uuid": "e", "business_uid": scene.account.business_uid,
        });
        let path = "/v3/communication/voice_calls";
        let (status, told) = scene.ask(Method::POST, path, staff).await;
        assert_eq!(status, 410, "{told}");
        assert_eq!(told["errors"][0]["code"], "gone");
    }
    let nothing = Value::Null;
    let transcript = json!({"utterances": [{"speaker": "agent", "text": "canary-word", "begin_ms": 0, "end_ms": 9}]});
    for (method, path, body) in [
        (Method::GET, format!("/calls/{call}"), nothing.clone()),
        (Method::GET, format!("/v1/calls/{call}"), nothing.clone()),
        (
            Method::PATCH,
            format!("/calls/{call}"),
            json!({"notes": "canary-notes"}),
        ),
        (
            Method::POST,
            "/calls/end".to_owned(),
            json!({"call_id": call}),
        ),
        (
            Method::GET,
            format!("/v1/calls/{call}/analysis"),
            nothing.clone(),
        ),
        (
            Method::POST,
            format!("/v1/calls/{call}/analysis"),
            nothing.clone(),
        ),
        (
            Method::PUT,
            format!("/v1/calls/{call}/transcript"),
            transcript,
        ),
        (
            Method::GET,
            format!("/v3/communication/voice_calls/{call}"),
            nothing.clone(),
        ),
        (
            Method::PATCH,
            format!("/v3/communication/voice_calls/{call}"),
            json!({"call_summary": "canary-summary"}),
        ),
        (
            Method::PUT,
            format!("/v1/calls/{call}/limits"),
            json!({"max_duration": 60}),
        ),
    ] {
        let (status, told) = scene.ask(method.clone(), &path, body).await;
        assert_eq!(status, 404, "{method} {path}: {told}");
    }
    ends_as_documented(&scene, &call).await;
    let found = traces(&scene.app.db, "canary-").await;
    assert!(found.is_empty(), "{found:?}");
}

/// Ending what is not there is no error, unless it is asked for.
async fn ends_as_documented(scene: &Scene, call: &str) {
    let end = scene.app.post("/calls/end", &scene.account.key);
    let end = end.json(&json!({"call_id": call})).send().await.unwrap();
    assert_eq!(end.status(), 200, "as it is documented");
    assert_eq!(end.headers()["onhook-outcome"], "call_not_found");
}

async fn connected(app: &TestApp, account: &TestAccount) -> String {
    let new = NewConnection {
        account_id: account.id,
        vendor: "twilio".to_owned(),
        base_url: Some("http://127.0.0.1:9/".to_owned()),
        credentials: Credentials {
            account: "AC1".to_owned(),
            key_id: None,
            secret: TOKEN.into(),
            signing_secret: None,
        },
        numbers: Vec::new(),
        answered_by: None,
    };
    format!("/inbound/twilio/{}", app.connect(new).await)
}

async fn post(app: &TestApp, path: &str, pairs: &[(&str, &str)]) -> u16 {
    let signature = form_signature(TOKEN, &format!("{PUBLIC_URL}{path}"), pairs);
    let body = Serializer::new(String::new()).extend_pairs(pairs).finish();
    let request = app
        .request(Method::POST, path)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-twilio-signature", &signature)
        .body(body);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_provider_s_late_callbacks_legs_and_recordings_leave_nothing() {
    let app = TestApp::boot_with(&[("ONHOOK_PUBLIC_URL", PUBLIC_URL)]).await;
    let account = app.account("acme", VoipMode::Key).await;
    let path = connected(&app, &account).await;
    let call = |sid: &'static str, status: &'static str| {
        [
            ("CallSid", sid),
            ("CallStatus", status),
            ("SequenceNumber", "1"),
            ("Timestamp", "Tue, 21 Oct 2025 18:00:00 +0000"),
            ("From", "+14155559876"),
            ("To", "+14155550148"),
            ("Direction", "outbound-dial"),
            (
                "ParentCallSid",
                if sid == "canary-1" {
                    "canary-0"
                } else {
                    "canary-1"
                },
            ),
        ]
    };
    let recording = [
        ("CallSid", "canary-1"),
        ("RecordingSid", "RE1"),
        ("RecordingStatus", "completed"),
        ("RecordingUrl", "https://api.example.com/canary-record"),
        ("RecordingDuration", "5"),
    ];
    // The recording of a call that nobody has reported yet waits for it.
    assert!(post(&app, &path, &recording).await < 300);
    assert_eq!(
        count(&app.db, "select count(*) from parked_reports").await,
        1
    );
    assert!(post(&app, &path, &call("canary-1", "completed")).await < 300);
    assert!(post(&app, &path, &call("canary-2", "completed")).await < 300);
    assert_eq!(count(&app.db, "select count(*) from legs").await, 2);
    app.run_jobs().await;

    let subject = json!({"phone_number": "+14155559876"});
    let (status, asked) = ask(&app, &account, Method::POST, "/v1/erasures", subject).await;
    assert_eq!(status, 202, "{asked}");
    app.run_jobs().await;
    let found = traces(&app.db, "canary-").await;
    assert!(found.is_empty(), "{found:?}");

    for _ in 0..2 {
        assert!(post(&app, &path, &call("canary-1", "completed")).await < 300);
        assert!(post(&app, &path, &recording).await < 300);
        assert!(post(&app, &path, &call("canary-2", "in-progress")).await < 300);
    }
    app.run_jobs().await;
    let found = traces(&app.db, "canary-").await;
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(count(&app.db, "select count(*) from calls").await, 0);
    assert_eq!(
        count(&app.db, "select count(*) from parked_reports").await,
        0
    );
    // A leg that another of them made is a call as any other; whose child it is, is not kept.
    let third = call("CA3", "completed");
    assert!(post(&app, &path, &third).await < 300);
    assert_eq!(count(&app.db, "select count(*) from calls").await, 1);
    let parents = "select count(*) from legs where parent is not null";
    assert_eq!(count(&app.db, parents).await, 0);
}

#[tokio::test]
async fn a_tombstone_stays_for_as_long_as_it_is_said_and_no_longer() {
    let scene = Scene::set().await;
    let db = &scene.app.db;
    let report = end_of("canary-call-id", "+14155559876", "+14155556789");
    let report = async || {
        let (status, _) = scene
            .ask(Method::POST, "/api/v1/voip/call-end", report.clone())
            .await;
        assert_eq!(status, 200);
        count(db, "select count(*) from calls").await
    };
    assert_eq!(report().await, 1);
    scene.erased(json!({"phone_number": "+14155559876"})).await;
    for (age, calls) in [("399 days 23:59:00", 0), ("400 days 00:00:01", 1)] {
        sqlx::query("update erased_names set erased_at = now() - $1::text::interval")
            .bind(age)
            .execute(db)
            .await
            .unwrap();
        onhook::calls::erase::forget(scene.app.tools(), 400)
            .await
            .unwrap();
        assert_eq!(report().await, calls, "{age}");
    }
    assert_eq!(count(db, "select count(*) from erased_names").await, 0);
}
