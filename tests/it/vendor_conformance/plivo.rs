//! Plivo's replies and callbacks. Shapes: the fixtures of its Python SDK (tests/resources/fixtures, 4.63) and its reference
//! (docs.plivo.com: voice API, callback parameters, hang-up causes).

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use onhook::{
    domain::{
        connection::Credentials,
        report::{ProviderCallId, ReportKind},
        state::EndState,
    },
    providers::{Access, EndOutcome, HangUpOrder, InboundError, Providers},
};
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;
use uuid::Uuid;

use crate::provider_double::{ProviderDouble, Reply};

use super::{
    asking::{CALLBACK, Ordered, found, order},
    come_to, connection, egress, end,
    vendor::{Calls, Case, Created, Inbound, Known, Posted, Replies, Vendor},
};

pub(crate) const VENDOR: Vendor = Vendor {
    name: "plivo",
    credentials,
    end: replies,
    probe: || vec![Reply::json(200, r#"{"auth_id":"MA1","api_id":"1"}"#)],
    provider: Some(&CALLS),
    inbound: Some(&INBOUND),
};

const CALLS: Calls = Calls {
    look_up: || {
        let live = |status| vec![Reply::json(200, live(status))];
        let over = |answer: &str, cause: &str| {
            let record = record(answer, "outbound", cause);
            vec![Reply::json(404, NOT_FOUND), Reply::json(200, record)]
        };
        let ended = |end| Known::Is(ReportKind::Ended(end));
        let talked = r#""2025-10-21 23:30:05+05:30""#;
        let queued = [
            Reply::json(404, NOT_FOUND),
            Reply::json(404, NOT_FOUND),
            Reply::json(200, self::live("queued")),
        ];
        vec![
            (live("ringing"), Known::Is(ReportKind::Ringing)),
            (live("in-progress"), Known::Is(ReportKind::Answered)),
            (live("levitating"), Known::Unclear),
            (over(talked, "Normal Hangup"), ended(EndState::Completed)),
            (over("null", "Busy Line"), ended(EndState::Busy)),
            (over("null", "Rejected"), ended(EndState::Busy)),
            (over("null", "No Answer"), ended(EndState::NoAnswer)),
            (
                over("null", "Ring Timeout Reached"),
                ended(EndState::NoAnswer),
            ),
            (over("null", "Canceled"), ended(EndState::Canceled)),
            (over("null", "Cancelled"), ended(EndState::Canceled)),
            (over("null", "Normal Hangup"), ended(EndState::Canceled)),
            (
                over("null", "Destination Out Of Service"),
                ended(EndState::Failed),
            ),
            (over("null", "Levitating"), ended(EndState::Failed)),
            (queued.to_vec(), Known::Is(ReportKind::Queued)),
            (vec![Reply::json(404, NOT_FOUND); 3], Known::Unknown),
            (vec![Reply::json(404, "<html>")], Known::Fails),
            (vec![Reply::json(200, "<html>")], Known::Fails),
            (vec![Reply::json(401, "")], Known::Fails),
            (vec![Reply::json(500, "")], Known::Fails),
        ]
    },
    create: Some(|| {
        let fired = r#"{"message":"call fired","request_uuid":"9834029e","api_id":"97ceeb52"}"#;
        let invalid = r#"{"api_id":"97ceeb52","error":"to parameter is invalid"}"#;
        let barred = r#"{"api_id":"97ceeb52","error":"geo permissions"}"#;
        vec![
            (vec![Reply::json(201, fired)], Created::Named("9834029e")),
            (vec![Reply::json(400, invalid)], Created::NoCall),
            (vec![Reply::json(403, barred)], Created::NoCall),
            (vec![Reply::json(403, "<html>")], Created::NoCall),
            (vec![Reply::json(401, "Could not verify")], Created::NoCall),
            (vec![Reply::json(429, "{}")], Created::NoCall),
            (vec![Reply::json(400, "<html>")], Created::Perhaps),
            (vec![Reply::json(500, "")], Created::Perhaps),
            (vec![Reply::json(201, "<html>")], Created::Perhaps),
            (vec![Reply::Silence], Created::Perhaps),
            (vec![Reply::Close], Created::Perhaps),
        ]
    }),
};

const INBOUND: Inbound = Inbound {
    genuine: |url, now| posted(url, &event("GENUINE", "Hangup", "completed", now)),
    proof: &["x-plivo-signature-v3", "x-plivo-signature-v3-nonce"],
    url_is_signed: true,
    body_is_free: false,
    window_s: None,
    other_media_type: Some(InboundError::Unverified),
    statuses: |url, now| {
        let ended = |end| Some(ReportKind::Ended(end));
        [
            ("queued", Some(ReportKind::Queued)),
            ("ringing", Some(ReportKind::Ringing)),
            ("in-progress", Some(ReportKind::Answered)),
            ("completed", ended(EndState::Completed)),
            ("busy", ended(EndState::Busy)),
            ("failed", ended(EndState::Failed)),
            ("no-answer", ended(EndState::NoAnswer)),
            ("timeout", ended(EndState::NoAnswer)),
            ("cancel", ended(EndState::Canceled)),
            ("levitating", None),
        ]
        .map(|(word, kind)| (posted(url, &event("C1", "E", word, now)), kind))
        .into()
    },
    lives: |url, now| {
        let life = |call: &str, words: &[(&str, &str)]| {
            let steps = words
                .iter()
                .map(|(event, word)| posted(url, &self::event(call, event, word, now)));
            steps.collect::<Vec<_>>()
        };
        vec![
            (
                life("C1", &[("Ring", "ringing"), ("Hangup", "completed")]),
                "completed",
            ),
            (
                life("C2", &[("Ring", "ringing"), ("Hangup", "timeout")]),
                "no_answer",
            ),
            (life("C3", &[("Hangup", "busy")]), "busy"),
            (
                life("C4", &[("Ring", "ringing"), ("Hangup", "cancel")]),
                "canceled",
            ),
        ]
    },
};

const NOT_FOUND: &str = r#"{"api_id":"18f3bbb0","error":"not found"}"#;

fn credentials() -> Credentials {
    Credentials {
        account: "MA1".to_owned(),
        key_id: None,
        secret: "hush".into(),
        signing_secret: None,
    }
}

type Pairs = Vec<(&'static str, String)>;

/// A ring or hang-up callback. Of a call that was answered, the end has when.
fn event(call: &str, event: &str, status: &str, now: DateTime<Utc>) -> Pairs {
    let time = |seconds| (now + TimeDelta::seconds(seconds)).format("%Y-%m-%d %H:%M:%S+00:00");
    let mut pairs = vec![
        ("CallUUID", call.to_owned()),
        ("RequestUUID", format!("R{call}")),
        ("From", "14155550100".to_owned()),
        ("To", "14155550148".to_owned()),
        ("Direction", "outbound".to_owned()),
        ("Event", event.to_owned()),
        ("CallStatus", status.to_owned()),
    ];
    if event == "Hangup" {
        pairs.push(("StartTime", time(0).to_string()));
        pairs.push(("EndTime", time(20).to_string()));
        pairs.push(("HangupCauseName", "Normal Hangup".to_owned()));
        pairs.push(("HangupSource", "Callee".to_owned()));
    }
    if status == "completed" {
        pairs.push(("AnswerTime", time(5).to_string()));
        pairs.push(("Duration", "15".to_owned()));
    }
    pairs
}

/// A callback as Plivo signs it.
fn posted(url: &str, pairs: &Pairs) -> Posted {
    let body = Serializer::new(String::new()).extend_pairs(pairs).finish();
    let mut sorted = pairs.clone();
    sorted.sort();
    let parts = sorted.iter();
    let parameters: String = parts.flat_map(|(name, value)| [*name, value]).collect();
    let signed = match url.split_once('?') {
        Some(_) => format!("{url}.{parameters}.12345"),
        None => format!("{url}?{parameters}.12345"),
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"hush");
    let signature = BASE64_STANDARD.encode(hmac::sign(&key, signed.as_bytes()));
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("x-plivo-signature-v3", &signature),
        ("x-plivo-signature-v3-nonce", "12345"),
    ];
    Posted::new(url, &headers, body)
}

fn live(status: &str) -> String {
    format!(
        r#"{{"api_id":"18f3bbb0","call_status":"{status}","call_uuid":"NAME","caller_name":"",
            "direction":"outbound","from":"+14155550100","request_uuid":"REQUEST",
            "session_start":"2025-10-21 18:00:00.050872","to":"14155550148"}}"#
    )
}

fn record(answer_time: &str, direction: &str, cause: &str) -> String {
    format!(
        r#"{{"answer_time":{answer_time},"api_id":"52cd2e1d","bill_duration":15,"billed_duration":60,
            "call_direction":"{direction}","call_duration":15,"call_uuid":"NAME",
            "end_time":"2025-10-21 23:30:20+05:30","from_number":"+14155550100",
            "hangup_cause_code":4000,"hangup_cause_name":"{cause}","hangup_source":"Callee",
            "initiation_time":"2025-10-21 23:30:00+05:30","parent_call_uuid":null,
            "to_number":"14155550148","total_amount":"0.01667"}}"#
    )
}

fn replies(case: Case) -> Replies {
    let talked = record(
        r#""2025-10-21 23:30:05+05:30""#,
        "outbound",
        "Normal Hangup",
    );
    Replies::Own(match case {
        Case::Ends => vec![Reply::json(204, "")],
        Case::AlreadyOver => vec![
            Reply::json(404, NOT_FOUND),
            Reply::json(404, NOT_FOUND),
            Reply::json(200, talked),
        ],
        Case::Unknown => vec![Reply::json(404, NOT_FOUND); 3],
        Case::Refused => vec![Reply::json(400, r#"{"api_id":"1","error":"no"}"#)],
        _ => return Replies::Common,
    })
}

#[tokio::test]
async fn plivo_is_asked_to_hang_up_and_what_it_denies_is_looked_for() {
    let double = ProviderDouble::start(vec![Reply::json(404, NOT_FOUND); 3]);
    end(&connection(&VENDOR, double.base_url()), "C/1")
        .await
        .unwrap();
    let asked: Vec<_> = double
        .requests()
        .iter()
        .map(|asked| format!("{} {}", asked.method, asked.target))
        .collect();
    let expected = [
        "DELETE /v1/Account/MA1/Call/C%2F1/",
        "GET /v1/Account/MA1/Call/C%2F1/?status=live",
        "GET /v1/Account/MA1/Call/C%2F1/",
    ];
    assert_eq!(asked, expected);
    let basic = format!("Basic {}", BASE64_STANDARD.encode("MA1:hush"));
    assert_eq!(double.requests()[0].header("authorization"), basic);

    double.then([
        Reply::json(404, NOT_FOUND),
        Reply::json(200, live("ringing")),
    ]);
    let result = end(&connection(&VENDOR, double.base_url()), "C1").await;
    assert_eq!(come_to(result), "later: garbled");
}

#[tokio::test]
async fn a_call_that_waits_to_be_dialled_is_taken_back_as_a_request() {
    let double = ProviderDouble::start([Reply::json(404, NOT_FOUND), Reply::json(204, "")]);
    let (egress, connection) = (egress(), connection(&VENDOR, double.base_url()));
    let access = Access {
        egress: &egress,
        connection: &connection,
        deadline: Duration::from_secs(1),
    };
    let call = ProviderCallId::parse("9834029e").unwrap();
    let hang_up = HangUpOrder {
        call: &call,
        request_id: Uuid::nil(),
        answered: false,
    };
    let plivo = Providers::default().named("plivo").unwrap();
    let outcome = plivo.end(&access, &hang_up).await.unwrap();
    assert_eq!(outcome, EndOutcome::Ended);
    let asked = double.requests().remove(1);
    assert_eq!(asked.method, "DELETE");
    assert_eq!(asked.target, "/v1/Account/MA1/Request/9834029e/");
}

#[tokio::test]
async fn a_call_is_ordered_as_plivo_documents_and_by_no_application() {
    let fired = r#"{"message":"call fired","request_uuid":"9834029e","api_id":"97ceeb52"}"#;
    let double = ProviderDouble::start([Reply::json(201, fired)]);
    let ordered = Ordered {
        extension: Some("12"),
        max_duration: Some(Duration::from_hours(48)),
        ..Ordered::by_url()
    };
    order(&VENDOR, &double, ordered).await.unwrap();
    let asked = double.requests().remove(0);
    assert_eq!(asked.target, "/v1/Account/MA1/Call/");
    let callback = format!("{CALLBACK}#rc=5&rp=ct,rt,5xx");
    let expected = json!({
        "from": "14155550100", "to": "14155550148",
        "answer_url": "https://agent.example.com/voice?call_id=c1", "answer_method": "POST",
        "ring_url": callback, "ring_method": "POST", "hangup_url": callback, "hangup_method": "POST",
        "ring_timeout": 60, "send_digits": "ww12", "time_limit": 86_400,
    });
    let sent: Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(sent, expected);

    let refused = order(&VENDOR, &double, Ordered::by_application()).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("answer URL"), "{refused}");
    assert_eq!(double.requests().len(), 1);
}

#[tokio::test]
async fn a_call_whose_answer_was_lost_is_looked_for_among_all_that_plivo_lists() {
    let page = |uuid: &str, at: &str, next: &str| {
        let record = record("null", "outbound", "Busy Line");
        let mut record: Value = serde_json::from_str(&record).unwrap();
        record["call_uuid"] = json!(uuid);
        record["initiation_time"] = json!(at);
        let meta = format!(r#"{{"limit":20,"next":{next},"offset":0}}"#);
        Reply::json(
            200,
            format!(r#"{{"api_id":"1","meta":{meta},"objects":[{record}]}}"#),
        )
    };
    let more = r#""/v1/Account/MA1/Call/?offset=20""#;
    let double = ProviderDouble::start([
        page("later", "2025-10-21 23:30:09+05:30", more),
        page("first", "2025-10-21 23:30:00+05:30", more),
        // The third page is the last one that is looked at.
        page("before", "2025-10-21 23:29:59+05:30", more),
        Reply::json(200, r#"{"api_id":"1","calls":["live"]}"#),
        Reply::json(200, r#"{"api_id":"1","calls":["queued"]}"#),
    ]);
    let names = found(&VENDOR, &double, "2025-10-21T18:00:00Z").await;
    assert_eq!(names, ["first", "later", "live", "queued"]);
    let asked = double.requests();
    let between = "call_direction=outbound&from_number=14155550100&to_number=14155550148";
    let list = format!("/v1/Account/MA1/Call/?{between}");
    assert_eq!(asked[2].target, format!("{list}&limit=20&offset=40"));
    assert_eq!(asked[3].target, format!("{list}&status=live&limit=20"));
}
