//! What Telnyx's webhooks tell, by the payloads that it documents: `tests/fixtures/telnyx/events.json`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use onhook::{
    calls::connect::NewConnection,
    domain::{
        report::ReportKind,
        state::{Direction, EndState},
    },
    providers::{InboundError, InboundReport, InboundRequest, Provider as _, telnyx::Telnyx},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    app::TestApp,
    vendor_conformance::telnyx::{VENDOR, signed},
};

const CALL: &str = "v3:MdI91X4lWFEs7IgbBEOT9M4AigoY08M0WWZFISt1Yw2axZ_IiE4pqg";
const SESSION: &str = "428c31b6-abf3-3bc1-b7f4-5013ef9657c1";

fn events() -> BTreeMap<String, Value> {
    serde_json::from_str(include_str!("../fixtures/telnyx/events.json")).unwrap()
}

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn told(event: &Value) -> Result<Option<InboundReport>, InboundError> {
    let posted = signed("https://calls.example.com/", event, noon());
    let request = InboundRequest {
        url: &posted.url,
        headers: &posted.headers,
        body: &posted.body,
        received_at: noon(),
    };
    let reports = Telnyx.read(&request, &(VENDOR.credentials)());
    reports.map(|mut reports| reports.pop())
}

#[test]
fn each_documented_event_is_read() {
    let expected = [
        ("call.initiated", Some(ReportKind::Ringing)),
        ("call.answered", Some(ReportKind::Answered)),
        ("call.bridged", Some(ReportKind::Answered)),
        ("call.hangup", Some(ReportKind::HungUp(EndState::NoAnswer))),
        ("call.recording.saved", Some(ReportKind::Recording)),
        ("call.recording.error", None),
        ("call.machine.detection.ended", None),
        ("call.dtmf.received", None),
        ("call.cost", None),
    ];
    let mut events = events();
    for (name, kind) in expected {
        let event = events.remove(name).unwrap();
        let report = told(&event).unwrap();
        assert_eq!(report.as_ref().map(|report| report.kind), kind, "{name}");
        let Some(report) = report else { continue };
        let recording = kind == Some(ReportKind::Recording);
        let call = if recording { SESSION } else { CALL };
        assert_eq!(report.call.as_str(), call, "{name}");
        assert_eq!(report.leg.conversation.unwrap().as_str(), SESSION, "{name}");
        assert_eq!(report.event_id.as_deref(), event["data"]["id"].as_str());
        assert!(report.occurred_at.is_some(), "{name}");
    }
    assert!(events.is_empty(), "{events:?}");
}

#[test]
fn an_event_tells_who_when_and_why() {
    let report = told(&events()["call.initiated"]).unwrap().unwrap();
    assert_eq!(report.facts.direction, Some(Direction::Inbound));
    assert_eq!(report.facts.from.unwrap().raw(), "+35319605860");
    assert_eq!(report.facts.to.unwrap().raw(), "+13129457420");
    let at = report.occurred_at.unwrap();
    assert_eq!(at.to_rfc3339(), "2018-02-02T22:25:27.521992+00:00");
    let mut outgoing = events()["call.initiated"].clone();
    outgoing["data"]["payload"]["direction"] = "outgoing".into();
    let report = told(&outgoing).unwrap().unwrap();
    assert_eq!(report.facts.direction, Some(Direction::Outbound));
    let report = told(&events()["call.hangup"]).unwrap().unwrap();
    let reason = report.facts.disconnect_reason.unwrap();
    assert_eq!(reason.as_str(), "normal_clearing");
    assert_eq!(
        (report.facts.direction, report.facts.duration_s),
        (None, None)
    );
}

#[test]
fn a_recording_is_where_it_stays_if_it_stays_anywhere() {
    let url = |change: fn(&mut Value)| {
        let mut event = events()["call.recording.saved"].clone();
        change(&mut event["data"]["payload"]);
        let report = told(&event).unwrap().unwrap();
        report
            .facts
            .recording_url
            .map(|url| url.as_str().to_owned())
    };
    let public = "http://example.com/public/recording.mp3";
    assert_eq!(url(|_| {}).as_deref(), Some(public));
    let private = url(|payload| payload["public_recording_urls"] = Value::Null);
    assert_eq!(private.as_deref(), Some("http://example.com/recording.mp3"));
    let wav = url(|payload| payload["public_recording_urls"] = json!({"wav": "http://a/b.wav"}));
    assert_eq!(wav.as_deref(), Some("http://a/b.wav"));
    let none = url(|payload| {
        payload["public_recording_urls"] = Value::Null;
        payload["recording_urls"] = Value::Null;
    });
    assert_eq!(none, None);
}

#[test]
fn what_cannot_be_read_is_left_out_and_a_call_without_a_name_is_refused() {
    let odd = json!({"data": {"event_type": "call.hangup", "payload": {
        "call_control_id": "v3:1", "direction": "sideways", "from": "", "to": "sip:a@b.example",
    }}});
    let report = told(&odd).unwrap().unwrap();
    assert_eq!(report.kind, ReportKind::HungUp(EndState::Failed));
    assert_eq!((report.event_id, report.occurred_at), (None, None));
    assert_eq!((report.facts.direction, report.facts.from), (None, None));
    assert_eq!(report.facts.to.unwrap().raw(), "sip:a@b.example");
    let event =
        |kind: &str, payload: Value| json!({"data": {"event_type": kind, "payload": payload}});
    for bad in [
        // The session stands for the call of a recording, and of nothing else.
        event("call.hangup", json!({"call_session_id": "S1"})),
        event("call.hangup", json!({"call_control_id": ""})),
        event("call.hangup", json!({"call_control_id": "x".repeat(256)})),
        event("call.recording.saved", json!({})),
        json!({"event_type": "call.hangup", "payload": {"call_control_id": "v3:1"}}),
        json!([]),
    ] {
        let refused = told(&bad).unwrap_err();
        assert!(matches!(refused, InboundError::Malformed(_)), "{bad}");
    }
}

#[tokio::test]
async fn an_answer_that_is_heard_of_after_the_end_completes_the_call() {
    let app = TestApp::boot_with(&[("ONHOOK_PUBLIC_URL", "https://calls.example.com")]).await;
    let new = NewConnection {
        account_id: app.default_account().await.id,
        vendor: "telnyx".to_owned(),
        base_url: None,
        credentials: (VENDOR.credentials)(),
        numbers: Vec::new(),
        answered_by: None,
    };
    let added = app.connect(new).await;
    let path = format!("/inbound/telnyx/{added}");
    let now: DateTime<Utc> = sqlx::query_scalar("select clock_timestamp()")
        .fetch_one(&app.db)
        .await
        .unwrap();
    let expected = [
        ("call.initiated", ("ringing", None)),
        ("call.hangup", ("no_answer", Some(false))),
        ("call.answered", ("completed", Some(false))),
        ("call.bridged", ("completed", Some(true))),
    ];
    for (name, (state, late)) in expected {
        let posted = signed(&path, &events()[name], now);
        let mut request = app.request(Method::POST, &path);
        for (name, value) in &posted.headers {
            request = request.header(name.as_str(), value.to_str().unwrap());
        }
        let answer = request.body(posted.body).send().await.unwrap();
        assert_eq!(answer.status(), 204);
        let is: (String, bool) = sqlx::query_as(
            "select state::text, (select late from receipts order by received_at desc limit 1) from calls",
        )
        .fetch_one(&app.db)
        .await
        .unwrap();
        assert_eq!(is, (state.to_owned(), late.unwrap_or(false)), "{name}");
    }
    let talk: i32 = sqlx::query_scalar(
        "select extract(epoch from date_trunc('second', ended_at - answered_at))::int from calls",
    )
    .fetch_one(&app.db)
    .await
    .unwrap();
    assert_eq!(talk, 57);
}
