//! What Vonage's events tell, by the payloads that it documents: `tests/fixtures/vonage/events.json`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use onhook::{
    calls::connect::NewConnection,
    domain::{
        report::ReportKind,
        state::{Direction, EndState},
    },
    providers::{InboundError, InboundReport, InboundRequest, Provider as _, vonage::Vonage},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    app::TestApp,
    vendor_conformance::vonage::{VENDOR, signed},
};

const CALL: &str = "aaaaaaaa-bbbb-cccc-dddd-0123456789ab";
const CONVERSATION: &str = "CON-aaaaaaaa-bbbb-cccc-dddd-0123456789ab";

fn events() -> BTreeMap<String, Value> {
    serde_json::from_str(include_str!("../fixtures/vonage/events.json")).unwrap()
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
    let reports = Vonage.read(&request, &(VENDOR.credentials)());
    reports.map(|mut reports| reports.pop())
}

#[test]
fn each_documented_event_is_read() {
    let ended = |end| Some(ReportKind::Ended(end));
    let expected = [
        ("started", Some(ReportKind::Queued)),
        ("ringing", Some(ReportKind::Ringing)),
        ("answered", Some(ReportKind::Answered)),
        ("human", Some(ReportKind::Answered)),
        ("machine", Some(ReportKind::Answered)),
        ("busy", ended(EndState::Busy)),
        ("cancelled", ended(EndState::Canceled)),
        ("unanswered", ended(EndState::NoAnswer)),
        ("timeout", ended(EndState::NoAnswer)),
        ("rejected", ended(EndState::Failed)),
        ("failed", ended(EndState::Failed)),
        ("completed", ended(EndState::Completed)),
        ("record", Some(ReportKind::Recording)),
        ("input", None),
        ("transfer", None),
        ("error", None),
    ];
    let mut events = events();
    for (name, kind) in expected {
        let event = events.remove(name).unwrap();
        let report = told(&event).unwrap();
        assert_eq!(report.as_ref().map(|report| report.kind), kind, "{name}");
        let Some(report) = report else { continue };
        let conversation = report.leg.conversation.unwrap();
        assert_eq!(conversation.as_str(), CONVERSATION, "{name}");
        assert!(report.occurred_at.is_some(), "{name}");
        if kind != Some(ReportKind::Recording) {
            assert_eq!(report.call.as_str(), CALL, "{name}");
            let from = report.facts.from.unwrap();
            assert_eq!(from.e164().unwrap().as_str(), "+442079460000", "{name}");
        }
    }
    assert!(events.is_empty(), "{events:?}");
}

#[test]
fn the_end_of_a_call_is_when_it_ended_and_how_long_it_was() {
    let report = told(&events()["completed"]).unwrap().unwrap();
    let at = report.occurred_at.unwrap();
    assert_eq!(at.to_rfc3339(), "2020-01-01T12:00:02+00:00");
    assert_eq!(report.facts.duration_s, Some(2));
    assert_eq!(report.facts.direction, Some(Direction::Inbound));
    assert_eq!(report.facts.to.unwrap().raw(), "+447700900000");
    let id = report.event_id.unwrap();
    assert_eq!(id, format!("{CALL} completed 2020-01-01T12:00:02.000Z"));

    let mut event = events()["rejected"].clone();
    event["detail"] = "declined".into();
    let report = told(&event).unwrap().unwrap();
    assert_eq!(report.kind, ReportKind::Ended(EndState::Busy));
    assert_eq!(report.facts.disconnect_reason.unwrap().as_str(), "declined");
}

#[test]
fn a_recording_names_the_conversation_where_it_names_no_call() {
    let report = told(&events()["record"]).unwrap().unwrap();
    assert_eq!(report.call.as_str(), CONVERSATION);
    assert_eq!(report.event_id.as_deref(), Some(CALL));
    let url = report.facts.recording_url.unwrap();
    assert!(
        url.as_str()
            .ends_with("/bbbbbbbb-aaaa-cccc-dddd-0123456789ab")
    );
    let mut event = events()["record"].clone();
    event["uuid"] = "U1".into();
    assert_eq!(told(&event).unwrap().unwrap().call.as_str(), "U1");
}

#[test]
fn what_cannot_be_read_is_left_out_and_a_call_without_a_name_is_refused() {
    let odd = json!({
        "uuid": "U1", "status": "completed", "duration": "-1", "end_time": "yesterday", "timestamp": 7,
        "direction": "sideways", "from": {"type": "sip", "uri": "sip:a@b.example"}, "to": {"type": "app", "user": "jamie"},
    });
    let report = told(&odd).unwrap().unwrap();
    assert_eq!(report.kind, ReportKind::HungUp(EndState::NoAnswer));
    assert_eq!((report.occurred_at, report.facts.duration_s), (None, None));
    assert_eq!(report.facts.direction, None);
    assert_eq!(report.facts.from.unwrap().raw(), "sip:a@b.example");
    assert_eq!(report.facts.to.unwrap().raw(), "jamie");
    assert_eq!(report.event_id.as_deref(), Some("U1 completed "));
    let record = |field: &str, value: Value| {
        let mut event = json!({"uuid": "U1", "status": "completed"});
        event[field] = value;
        told(&event).unwrap().unwrap()
    };
    // As the records of calls have them.
    let at = record("end_time", "2020-01-01 12:01:00".into()).occurred_at;
    assert_eq!(at.unwrap().to_rfc3339(), "2020-01-01T12:01:00+00:00");
    assert_eq!(record("duration", 60.into()).facts.duration_s, Some(60));
    assert_eq!(record("duration", 604_801.into()).facts.duration_s, None);
    // A short code is no E.164, and a number with a plus has one already.
    for (sent, kept) in [("12345", "12345"), ("+442079460000", "+442079460000")] {
        assert_eq!(record("from", sent.into()).facts.from.unwrap().raw(), kept);
    }
    for bad in [
        json!({"status": "completed"}),
        json!({"status": "completed", "uuid": ""}),
        json!({"status": "completed", "uuid": "x".repeat(256)}),
        json!({"recording_url": "https://api.nexmo.com/1"}),
        json!(["completed"]),
    ] {
        let refused = told(&bad).unwrap_err();
        assert!(matches!(refused, InboundError::Malformed(_)), "{bad}");
    }
}

#[tokio::test]
async fn an_unsigned_event_is_to_be_sent_again_and_busy_outlasts_completed() {
    let app = TestApp::boot_with(&[("ONHOOK_PUBLIC_URL", "https://calls.example.com")]).await;
    let new = NewConnection {
        account_id: app.default_account().await.id,
        vendor: "vonage".to_owned(),
        base_url: None,
        credentials: (VENDOR.credentials)(),
        numbers: Vec::new(),
        answered_by: None,
    };
    let added = app.connect(new).await;
    let path = format!("/inbound/vonage/{added}");
    let now: DateTime<Utc> = sqlx::query_scalar("select clock_timestamp()")
        .fetch_one(&app.db)
        .await
        .unwrap();
    let mut event = events()["completed"].clone();
    event["duration"] = "0".into();
    let unsigned = app.request(Method::POST, &path).json(&event).send();
    assert_eq!(unsigned.await.unwrap().status(), 503);
    // Completed first, busy after it, and with an earlier time: as it may come.
    for event in [&event, &events()["busy"]] {
        let posted = signed(&path, event, now);
        let mut request = app.request(Method::POST, &path);
        for (name, value) in &posted.headers {
            request = request.header(name.as_str(), value.to_str().unwrap());
        }
        let answer = request.body(posted.body).send().await.unwrap();
        assert_eq!(answer.status(), 204);
    }
    let state: String = sqlx::query_scalar("select state::text from calls")
        .fetch_one(&app.db)
        .await
        .unwrap();
    assert_eq!(state, "busy");
}
