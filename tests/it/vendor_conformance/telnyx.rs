//! Telnyx's replies and webhooks, as its API reference and its own library's types have them.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use onhook::{
    domain::{connection::Credentials, report::ReportKind, state::EndState},
    providers::InboundError,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::provider_double::Reply;

use super::vendor::{Calls, Case, Created, Inbound, Known, Posted, Replies, Vendor};

mod asking;

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
