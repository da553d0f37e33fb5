//! SignalWire's replies and callbacks, as the reference of its compatibility API has them. What it shares with Twilio is tried
//! there; a completed call that is updated answers 422.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use onhook::{
    domain::{connection::Credentials, report::ReportKind, state::EndState},
    providers::InboundError,
};
use serde_json::json;
use url::form_urlencoded::{self, Serializer};

use crate::{
    form_signature::form_signature,
    provider_double::{ProviderDouble, Reply},
};

use super::{
    asking::{CALLBACK, Ordered, found, order},
    come_to, connection, end,
    vendor::{Calls, Case, Created, Inbound, Known, Posted, Replies, Vendor},
};

pub(crate) const VENDOR: Vendor = Vendor {
    name: "signalwire",
    credentials,
    end: replies,
    probe: || vec![Reply::json(200, r#"{"calls":[]}"#)],
    provider: Some(&CALLS),
    inbound: Some(&INBOUND),
};

const CALLS: Calls = Calls {
    look_up: || {
        let known = |status| vec![Reply::json(200, call(status))];
        let is = |status, kind| (known(status), Known::Is(kind));
        vec![
            is("queued", ReportKind::Queued),
            is("initiated", ReportKind::Queued),
            is("ringing", ReportKind::Ringing),
            is("in-progress", ReportKind::Answered),
            is("completed", ReportKind::Ended(EndState::Completed)),
            is("busy", ReportKind::Ended(EndState::Busy)),
            is("no-answer", ReportKind::Ended(EndState::NoAnswer)),
            is("canceled", ReportKind::Ended(EndState::Canceled)),
            is("failed", ReportKind::Ended(EndState::Failed)),
            (known("levitating"), Known::Unclear),
            (vec![Reply::json(404, NOT_FOUND)], Known::Unknown),
            (vec![Reply::json(404, "<html>")], Known::Fails),
            (vec![Reply::json(422, OVER)], Known::Fails),
            (vec![Reply::json(200, "<html>")], Known::Fails),
            (vec![Reply::json(401, "{}")], Known::Fails),
            (vec![Reply::json(503, "")], Known::Fails),
        ]
    },
    create: Some(|| {
        let invalid = r#"{"errors":[{"type":"validation_error","code":"invalid_number_format","message":"no","attribute":"To"}]}"#;
        vec![
            (
                vec![Reply::json(200, call("queued"))],
                Created::Named("b3877c40"),
            ),
            (vec![Reply::json(422, invalid)], Created::NoCall),
            (
                vec![Reply::json(400, r#"{"code":21211,"message":"no"}"#)],
                Created::NoCall,
            ),
            (vec![Reply::json(401, "{}")], Created::NoCall),
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
    genuine: |url, _now| status(url, "GENUINE", ("completed", "3")),
    proof: &["x-signalwire-signature"],
    url_is_signed: true,
    body_is_free: false,
    window_s: None,
    other_media_type: Some(InboundError::Unverified),
    statuses: |url, _now| {
        let ended = |end| Some(ReportKind::Ended(end));
        [
            ("queued", Some(ReportKind::Queued)),
            ("initiated", Some(ReportKind::Queued)),
            ("ringing", Some(ReportKind::Ringing)),
            ("in-progress", Some(ReportKind::Answered)),
            ("answered", Some(ReportKind::Answered)),
            ("completed", ended(EndState::Completed)),
            ("busy", ended(EndState::Busy)),
            ("no-answer", ended(EndState::NoAnswer)),
            ("canceled", ended(EndState::Canceled)),
            ("failed", ended(EndState::Failed)),
            ("levitating", None),
        ]
        .map(|(word, kind)| (status(url, "C1", (word, "0")), kind))
        .into()
    },
    lives: |url, _now: DateTime<Utc>| {
        let life = |call: &str, words: &[&str]| {
            let steps = words.iter().zip(0..);
            let steps = steps.map(|(word, at)| status(url, call, (word, &at.to_string())));
            steps.collect::<Vec<_>>()
        };
        vec![
            (
                life("C1", &["initiated", "ringing", "answered", "completed"]),
                "completed",
            ),
            (
                life("C2", &["initiated", "ringing", "no-answer"]),
                "no_answer",
            ),
            (life("C3", &["initiated", "busy"]), "busy"),
            (life("C4", &["queued", "canceled"]), "canceled"),
        ]
    },
};

const NOT_FOUND: &str = r#"{"code":20404,"message":"not found","status":404}"#;
const OVER: &str = r#"{"code":"cannot_update_completed","message":"Completed calls cannot be updated.","status":422}"#;

fn credentials() -> Credentials {
    Credentials {
        account: "PROJECT".to_owned(),
        key_id: None,
        secret: "hush".into(),
        signing_secret: Some("hush, too".into()),
    }
}

/// A status callback. `Timestamp` is when the call was created.
fn status(url: &str, call: &str, (word, sequence): (&str, &str)) -> Posted {
    let pairs = [
        ("CallSid", call),
        ("CallStatus", word),
        ("SequenceNumber", sequence),
        ("Timestamp", "Tue, 21 Oct 2025 18:00:00 +0000"),
        ("From", "+14155550100"),
        ("To", "+14155550148"),
        ("Direction", "outbound-api"),
        ("AudioInMos", "4.5"),
    ];
    let body = Serializer::new(String::new()).extend_pairs(pairs).finish();
    let signature = form_signature("hush, too", url, &pairs);
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("x-signalwire-signature", &signature),
    ];
    Posted::new(url, &headers, body)
}

/// A call as it is answered: `duration` is a number, unlike Twilio's.
fn call(status: &str) -> String {
    format!(
        r#"{{"sid":"b3877c40","status":"{status}","direction":"outbound-api","duration":20,"price":null,
            "from":"+14155550100","to":"+14155550148","parent_call_sid":null,
            "end_time":"Tue, 21 Oct 2025 18:00:21 +0000"}}"#
    )
}

fn replies(case: Case) -> Replies {
    Replies::Own(match case {
        Case::Ends => vec![Reply::json(200, call("completed"))],
        Case::AlreadyOver => vec![Reply::json(422, OVER), Reply::json(200, call("no-answer"))],
        Case::Unknown => vec![Reply::json(404, NOT_FOUND), Reply::json(404, NOT_FOUND)],
        Case::Refused => vec![Reply::json(400, r#"{"code":21218,"message":"no"}"#)],
        _ => return Replies::Common,
    })
}

#[tokio::test]
async fn signalwire_is_asked_below_its_own_path() {
    let double = ProviderDouble::start([Reply::json(200, call("completed"))]);
    end(&connection(&VENDOR, double.base_url()), "C/1")
        .await
        .unwrap();
    let asked = double.requests().remove(0);
    assert_eq!(asked.method, "POST");
    let path = "/api/laml/2010-04-01/Accounts/PROJECT/Calls/C%2F1.json";
    assert_eq!(asked.target, path);
    assert_eq!(asked.body, "Status=completed");
    let basic = format!("Basic {}", BASE64_STANDARD.encode("PROJECT:hush"));
    assert_eq!(asked.header("authorization"), basic);
}

#[tokio::test]
async fn a_call_that_signalwire_cannot_end_now_is_asked_for_again() {
    let failed = r#"{"code":"call_update_failed","message":"Please try again"}"#;
    let replies = [
        Reply::json(422, failed),
        Reply::json(200, call("in-progress")),
    ];
    let double = ProviderDouble::start(replies);
    let result = end(&connection(&VENDOR, double.base_url()), "C1").await;
    assert_eq!(come_to(result), "later: garbled");
}

#[tokio::test]
async fn a_call_is_ordered_without_a_limit_that_signalwire_does_not_know() {
    let double = ProviderDouble::start([Reply::json(201, call("queued"))]);
    let ordered = Ordered {
        extension: Some("12"),
        max_duration: Some(Duration::from_mins(10)),
        ..Ordered::by_url()
    };
    order(&VENDOR, &double, ordered).await.unwrap();
    let asked = double.requests().remove(0);
    let path = "/api/laml/2010-04-01/Accounts/PROJECT/Calls.json";
    assert_eq!(asked.target, path);
    let pairs: Vec<_> = form_urlencoded::parse(asked.body.as_bytes()).collect();
    let all = |name: &str| {
        let own = pairs.iter().filter(|(own, _)| own == name);
        own.map(|(_, value)| value.as_ref()).collect::<Vec<_>>()
    };
    assert_eq!(all("Url"), ["https://agent.example.com/voice?call_id=c1"]);
    assert_eq!(all("SendDigits"), ["ww12"]);
    assert_eq!(all("StatusCallback"), [CALLBACK]);
    let events = ["initiated", "ringing", "answered", "completed"];
    assert_eq!(all("StatusCallbackEvent"), events);
    assert!(all("TimeLimit").is_empty());
}

#[tokio::test]
async fn a_refusal_stands_in_signalwires_words_in_whichever_shape() {
    for (body, words) in [
        (
            r#"{"code":21211,"message":"Invalid 'To'"}"#,
            "21211: Invalid 'To'",
        ),
        (r#"{"code":"not_allowed"}"#, "not_allowed"),
        (
            r#"{"errors":[{"code":"invalid","message":"no"},{"code":"2"}]}"#,
            "invalid: no",
        ),
        (r#"{"errors":[{"message":"no"}]}"#, "no"),
        (r#"{"errors":[{}]}"#, "no reason given"),
    ] {
        let double = ProviderDouble::start([Reply::json(422, body)]);
        let refused = order(&VENDOR, &double, Ordered::by_url()).await;
        let refused = refused.unwrap_err().to_string();
        assert_eq!(refused, format!("refused: {words}"));
    }
}

#[tokio::test]
async fn a_call_whose_answer_was_lost_is_one_that_the_api_placed_since() {
    let (old, new) = (
        "Tue, 21 Oct 2025 17:59:59 +0000",
        "Tue, 21 Oct 2025 18:00:00 +0000",
    );
    let list = [
        ("dialled", "outbound", json!("C1"), new),
        ("second", "outbound-api", json!(null), "Tue, 21 Oct 2025 18:00:09 +0000"),
        ("first", "outbound", json!(null), new),
        ("heard", "inbound", json!(null), new),
        ("before", "outbound-api", json!(null), old),
    ]
    .map(|(sid, direction, parent, created)| {
        json!({"sid": sid, "direction": direction, "parent_call_sid": parent, "date_created": created})
    });
    let list = json!({ "calls": list }).to_string();
    let double = ProviderDouble::start([Reply::json(200, list)]);
    let names = found(&VENDOR, &double, "2025-10-21T18:00:00Z").await;
    assert_eq!(names, ["first", "second"]);
}
