//! Telnyx's replies and webhooks, as its API reference and its own library's types have them.

use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use onhook::{
    domain::{
        connection::{AnsweredBy, Credentials},
        id::CallId,
        report::{ProviderCallId, ReportKind},
        state::EndState,
        text::Text,
    },
    providers::{
        Access, CallOrder, HangUpOrder, InboundError, InboundRequest, LookUp, Providers, Search,
    },
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::provider_double::{ProviderDouble, Reply};

use super::{
    connection, egress,
    vendor::{Calls, Case, Created, Inbound, Known, Posted, Replies, Vendor, from, to},
};

pub(crate) const VENDOR: Vendor = Vendor {
    name: "telnyx",
    credentials,
    end: replies,
    probe: || vec![Reply::json(200, page(&[], None))],
    provider: Some(&CALLS),
    inbound: Some(&INBOUND),
};

const ENDED: &str = r#"{"errors":[{"code":"90018","title":"Call has already ended","detail":"This call is no longer active and can't receive commands."}]}"#;
const INVALID: &str = r#"{"errors":[{"code":"10015","title":"Invalid call_control_id","detail":"The call_control_id provided was not valid."}]}"#;
const NOT_FOUND: &str = r#"{"errors":[{"code":"10005","title":"Resource not found"}]}"#;
const CALLS: Calls = Calls {
    look_up: || {
        let over = Known::Is(ReportKind::HungUp(EndState::NoAnswer));
        let live = r#"{"data":{"is_alive":true,"record_type":"call","call_duration":5,"start_time":"2019-01-23T18:10:02.574Z"}}"#;
        let dialled = r#"{"data":{"is_alive":false,"record_type":"call"}}"#;
        let kept = include_str!("../../fixtures/telnyx/call.json");
        vec![
            (vec![Reply::json(200, kept)], over),
            (vec![Reply::json(200, live)], Known::Unclear),
            (vec![Reply::json(200, dialled)], Known::Unclear),
            (vec![Reply::json(422, ENDED)], over),
            (vec![Reply::json(422, INVALID)], Known::Unknown),
            (vec![Reply::json(404, NOT_FOUND)], Known::Unknown),
            (
                vec![Reply::json(
                    422,
                    r#"{"errors":[{"code":"10027","title":"Invalid"}]}"#,
                )],
                Known::Fails,
            ),
            (vec![Reply::json(404, "<html>")], Known::Fails),
            (vec![Reply::json(200, "<html>")], Known::Fails),
            (vec![Reply::json(200, r#"{"data":{}}"#)], Known::Fails),
            (vec![Reply::json(401, "{}")], Known::Fails),
            (vec![Reply::json(503, "")], Known::Fails),
        ]
    },
    create: Some(|| {
        let placed =
            json!({"data": {"call_control_id": "v3:1", "is_alive": false, "record_type": "call"}});
        vec![
            (
                vec![Reply::json(200, placed.to_string())],
                Created::Named("v3:1"),
            ),
            (
                vec![Reply::json(
                    422,
                    r#"{"errors":[{"code":"10016","title":"Phone number must be in +E.164 format"}]}"#,
                )],
                Created::NoCall,
            ),
            (vec![Reply::json(401, "{}")], Created::NoCall),
            (
                vec![Reply::json(429, r#"{"errors":[{"code":"90103"}]}"#)],
                Created::NoCall,
            ),
            (vec![Reply::json(422, "<html>")], Created::Perhaps),
            (vec![Reply::json(422, r#"{"errors":[]}"#)], Created::Perhaps),
            (vec![Reply::json(500, "")], Created::Perhaps),
            (vec![Reply::json(200, "<html>")], Created::Perhaps),
            (vec![Reply::Silence], Created::Perhaps),
            (vec![Reply::Close], Created::Perhaps),
        ]
    }),
};

const INBOUND: Inbound = Inbound {
    genuine: |url, now| signed(url, &event("GENUINE", "call.hangup", now), now),
    proof: &["telnyx-signature-ed25519", "telnyx-timestamp"],
    url_is_signed: false,
    body_is_free: false,
    window_s: Some(300),
    other_media_type: Some(InboundError::Malformed("the body must be application/json")),
    statuses: |url, now| {
        let ended = |end| Some(ReportKind::Ended(end));
        let hung_up = |end| Some(ReportKind::HungUp(end));
        let mut all: Vec<_> = [
            ("call.initiated", Some(ReportKind::Ringing)),
            ("call.answered", Some(ReportKind::Answered)),
            ("call.bridged", Some(ReportKind::Answered)),
            ("call.hangup", hung_up(EndState::Failed)),
            ("call.recording.saved", Some(ReportKind::Recording)),
            ("call.recording.error", None),
            ("call.speak.ended", None),
            ("call.levitated", None),
        ]
        .map(|(name, kind)| (event("v3:1", name, now), kind))
        .into();
        for (cause, kind) in [
            ("normal_clearing", hung_up(EndState::NoAnswer)),
            ("user_busy", ended(EndState::Busy)),
            ("no_answer", ended(EndState::NoAnswer)),
            ("timeout", ended(EndState::NoAnswer)),
            ("originator_cancel", ended(EndState::Canceled)),
            ("time_limit", ended(EndState::Completed)),
            ("call_rejected", ended(EndState::Failed)),
            ("not_found", ended(EndState::Failed)),
            ("unspecified", hung_up(EndState::Failed)),
            ("levitation", hung_up(EndState::Failed)),
        ] {
            all.push((hangup("v3:1", cause, now), kind));
        }
        all.into_iter()
            .map(|(event, kind)| (signed(url, &event, now), kind))
            .collect()
    },
    lives: |url, now| {
        let life = |call: &str, names: &[&str], cause: &str| {
            let at = |second: i64| now + TimeDelta::seconds(second * 5);
            let mut events: Vec<_> = names
                .iter()
                .zip(0..)
                .map(|(name, second)| event(call, name, at(second)))
                .collect();
            events.push(hangup(call, cause, at(9)));
            let posts = events.iter().map(|event| signed(url, event, now));
            posts.collect::<Vec<_>>()
        };
        let (rings, answers, bridges) = ("call.initiated", "call.answered", "call.bridged");
        vec![
            (
                life("v3:1", &[rings, answers], "normal_clearing"),
                "completed",
            ),
            (life("v3:2", &[rings], "normal_clearing"), "no_answer"),
            (life("v3:3", &[rings], "user_busy"), "busy"),
            (life("v3:4", &[rings], "originator_cancel"), "canceled"),
            (
                life("v3:5", &[rings, answers, bridges], "unspecified"),
                "completed",
            ),
            (life("v3:6", &[rings], "call_rejected"), "failed"),
            (life("v3:7", &[rings, answers], "time_limit"), "completed"),
        ]
    },
};

fn key() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
}

fn credentials() -> Credentials {
    Credentials {
        account: "APPLICATION".to_owned(),
        key_id: None,
        secret: "hush".into(),
        signing_secret: Some(BASE64_STANDARD.encode(key().public_key()).into()),
    }
}

fn event(call: &str, name: &str, at: DateTime<Utc>) -> Value {
    let at = at.to_rfc3339_opts(SecondsFormat::Micros, true);
    json!({
        "data": {
            "record_type": "event",
            "event_type": name,
            "id": Uuid::now_v7(),
            "occurred_at": at,
            "payload": {
                "call_control_id": call,
                "call_leg_id": "L1",
                "call_session_id": "S1",
                "connection_id": "APPLICATION",
                "from": "+14155550100",
                "to": "+14155550148",
            },
        },
        "meta": {"attempt": 1},
    })
}

fn hangup(call: &str, cause: &str, at: DateTime<Utc>) -> Value {
    let mut event = event(call, "call.hangup", at);
    event["data"]["payload"]["hangup_cause"] = cause.into();
    event["data"]["payload"]["hangup_source"] = "caller".into();
    event
}

/// An event as Telnyx posts it, signed at that time.
pub(crate) fn signed(url: &str, event: &Value, at: DateTime<Utc>) -> Posted {
    let (body, timestamp) = (event.to_string(), at.timestamp().to_string());
    let signature = key().sign(format!("{timestamp}|{body}").as_bytes());
    let headers = [
        ("content-type", "application/json; charset=utf-8"),
        (
            "telnyx-signature-ed25519",
            &BASE64_STANDARD.encode(signature),
        ),
        ("telnyx-timestamp", &timestamp),
    ];
    Posted::new(url, &headers, body)
}

fn page(calls: &[Value], after: Option<&str>) -> String {
    json!({"data": calls, "meta": {"total_items": calls.len(), "cursors": {"after": after}}})
        .to_string()
}

fn replies(case: Case) -> Replies {
    Replies::Own(vec![match case {
        Case::Ends => Reply::json(200, r#"{"data":{"result":"ok"}}"#),
        Case::AlreadyOver => Reply::json(422, ENDED),
        Case::Unknown => Reply::json(422, INVALID),
        Case::Refused => Reply::json(
            422,
            r#"{"errors":[{"code":"90055","title":"Call not answered yet"}]}"#,
        ),
        _ => return Replies::Common,
    }])
}

#[tokio::test]
async fn telnyx_is_given_the_same_command_id_at_each_repetition() {
    let ok = || Reply::json(200, r#"{"data":{"result":"ok"}}"#);
    let double = ProviderDouble::start([ok(), ok()]);
    let connection = connection(&VENDOR, double.base_url());
    let egress = egress();
    let access = Access {
        egress: &egress,
        connection: &connection,
        deadline: Duration::from_secs(1),
    };
    let hang_up = HangUpOrder {
        call: &ProviderCallId::parse("v3:1/2").unwrap(),
        request_id: "0199f0a0-0000-7000-8000-000000000001".parse().unwrap(),
        answered: true,
    };
    let telnyx = Providers::default().named("telnyx").unwrap();
    for _ in 0..2 {
        telnyx.end(&access, &hang_up).await.unwrap();
    }
    for asked in double.requests() {
        assert_eq!(asked.method, "POST");
        assert_eq!(asked.target, "/v2/calls/v3:1%2F2/actions/hangup");
        assert_eq!(asked.header("authorization"), "Bearer hush");
        assert_eq!(asked.header("content-type"), "application/json");
        let command = r#"{"command_id":"0199f0a0-0000-7000-8000-000000000001"}"#;
        assert_eq!(asked.body, command);
    }
}

#[tokio::test]
async fn telnyx_is_given_an_order_as_its_api_documents() {
    let placed = || Reply::json(200, r#"{"data":{"call_control_id":"v3:1"}}"#);
    let double = ProviderDouble::start([placed(), placed(), placed()]);
    let (connection, egress) = (connection(&VENDOR, double.base_url()), egress());
    let access = Access {
        egress: &egress,
        connection: &connection,
        deadline: Duration::from_secs(1),
    };
    let server = AnsweredBy::Url("https://agent.example.com/voice?a=b".parse().unwrap());
    let assistant = AnsweredBy::Application(Text::parse("assistant-1").unwrap());
    let (from, to) = (from(), to());
    let ours = "https://calls.example.com/inbound/telnyx/c1?call=z";
    let order = CallOrder {
        from: &from,
        to: &to,
        extension: Some("123"),
        answered_by: &assistant,
        told: &[("call_id", "a&b")],
        status_callback: ours,
        call_id: "0199f0a0-0000-7000-8000-000000000002".parse().unwrap(),
        max_duration: Some(Duration::from_secs(59)),
    };
    let telnyx = Providers::default().named("telnyx").unwrap();
    telnyx.create(&access, &order).await.unwrap();
    let asked = double.requests().remove(0);
    assert_eq!(
        (asked.method.as_str(), asked.target.as_str()),
        ("POST", "/v2/calls")
    );
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    let state = BASE64_STANDARD.encode("0199f0a0-0000-7000-8000-000000000002");
    let expected = json!({
        "connection_id": "APPLICATION",
        "to": "+14155550148",
        "from": "+14155550100",
        "assistant": {"id": "assistant-1", "dynamic_variables": {"call_id": "a&b"}},
        "webhook_url": ours,
        "webhook_url_method": "POST",
        "command_id": "0199f0a0-0000-7000-8000-000000000002",
        "client_state": state,
        "timeout_secs": 60,
        // Telnyx takes 60 to 14,400 seconds.
        "time_limit_secs": 60,
        "send_digits_on_answer": "W123",
    });
    assert_eq!(body, expected);

    let max_duration = Some(Duration::from_secs(14_401));
    let order = CallOrder {
        answered_by: &server,
        max_duration,
        extension: None,
        ..order
    };
    telnyx.create(&access, &order).await.unwrap();
    let body: Value = serde_json::from_str(&double.requests()[1].body).unwrap();
    let theirs = "https://agent.example.com/voice?a=b&call_id=a%26b";
    assert_eq!(body["webhook_url"], theirs);
    assert_eq!(body["webhook_urls"]["call.hangup"], json!([ours, theirs]));
    assert_eq!(body["webhook_urls"].as_object().unwrap().len(), 5);
    assert_eq!(body["time_limit_secs"], 14_400);
    assert_eq!(
        (body.get("assistant"), body.get("send_digits_on_answer")),
        (None, None)
    );
}

#[tokio::test]
async fn a_call_whose_answer_was_lost_is_found_by_the_state_that_it_was_given() {
    let call_id: CallId = "0199f0a0-0000-7000-8000-000000000002".parse().unwrap();
    let active = |name: &str, state: &str| json!({"call_control_id": name, "client_state": state, "record_type": "call"});
    let ours = BASE64_STANDARD.encode(call_id.to_string());
    let others = page(&[active("v3:1", "aGF2ZSBhIG5pY2UgZGF5ID1d")], Some("more"));
    let none = active("v3:2", "");
    let double = ProviderDouble::start([
        Reply::json(200, others.clone()),
        Reply::json(200, page(&[none, active("v3:3", &ours)], Some("yet more"))),
        Reply::json(200, page(&[], None)),
        Reply::json(200, others.clone()),
        Reply::json(200, others),
        Reply::json(404, NOT_FOUND),
    ]);
    let (connection, egress) = (connection(&VENDOR, double.base_url()), egress());
    let access = Access {
        egress: &egress,
        connection: &connection,
        deadline: Duration::from_secs(1),
    };
    let (from, to) = (from(), to());
    let search = Search {
        call_id,
        from: &from,
        to: &to,
        since: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
    };
    let telnyx = Providers::default().named("telnyx").unwrap();
    let found = telnyx.created_since(&access, &search).await.unwrap();
    let found: Vec<&str> = found.iter().map(ProviderCallId::as_str).collect();
    assert_eq!(found, ["v3:3"]);
    let asked = double.requests();
    let path = "/v2/connections/APPLICATION/active_calls?page%5Bsize%5D=250";
    assert_eq!(asked[0].target, path);
    assert_eq!(asked[1].target, format!("{path}&page%5Bafter%5D=more"));
    // Not there; and a list that leads to itself is left.
    for requests in [3, 5] {
        assert!(
            telnyx
                .created_since(&access, &search)
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(double.requests().len(), requests);
    }
    telnyx.created_since(&access, &search).await.unwrap_err();
}

#[tokio::test]
async fn telnyxs_status_of_a_call_is_read() {
    let kept = include_str!("../../fixtures/telnyx/call.json");
    let double = ProviderDouble::start([Reply::json(200, kept), Reply::json(422, ENDED)]);
    let (connection, egress) = (connection(&VENDOR, double.base_url()), egress());
    let access = Access {
        egress: &egress,
        connection: &connection,
        deadline: Duration::from_secs(1),
    };
    let telnyx = Providers::default().named("telnyx").unwrap();
    let call = ProviderCallId::parse("v3:1").unwrap();
    let LookUp::Known(over) = telnyx.look_up(&access, &call).await.unwrap() else {
        panic!("not known");
    };
    let at = over.occurred_at.unwrap();
    assert_eq!(at.to_rfc3339(), "2019-01-23T18:11:52.574+00:00");
    let session = over.leg.conversation.unwrap();
    assert_eq!(session.as_str(), "2dc1b3c8-f9e0-11ea-bc5a-02420a0f7768");
    assert_eq!(over.facts.duration_s, None);
    let LookUp::Known(over) = telnyx.look_up(&access, &call).await.unwrap() else {
        panic!("not known");
    };
    assert_eq!(over.occurred_at, None);
}

#[test]
fn a_signature_by_another_key_or_none_proves_nothing() {
    let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let posted = signed("u", &event("v3:1", "call.hangup", now), now);
    let read = |key: Option<String>| {
        let mut credentials = credentials();
        credentials.signing_secret = key.map(Into::into);
        let request = InboundRequest {
            url: &posted.url,
            headers: &posted.headers,
            body: &posted.body,
            received_at: now,
        };
        let telnyx = Providers::default().named("telnyx").unwrap();
        telnyx
            .read(&request, &credentials)
            .map(|reports| reports.len())
    };
    let ours = BASE64_STANDARD.encode(key().public_key());
    assert_eq!(read(Some(format!(" {ours}\n"))), Ok(1));
    let other = Ed25519KeyPair::from_seed_unchecked(&[8; 32]).unwrap();
    let other = BASE64_STANDARD.encode(other.public_key());
    for key in [
        None,
        Some(String::new()),
        Some("?".to_owned()),
        Some("AAAA".to_owned()),
        Some(other),
    ] {
        assert_eq!(read(key), Err(InboundError::Unverified));
    }
}
