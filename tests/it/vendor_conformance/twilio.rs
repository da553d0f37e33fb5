//! Twilio's replies and callbacks, as its API reference (Call resource, error dictionary: 20404, 21220, 20003, 20429)
//! and its guide to status callbacks have them.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use onhook::{
    domain::{
        connection::Credentials,
        report::{ProviderCallId, ReportKind},
        state::{Direction, EndState},
    },
    providers::{Access, InboundError, LookUp, Providers},
};
use url::form_urlencoded::Serializer;

use crate::{
    form_signature::form_signature,
    provider_double::{ProviderDouble, Reply},
};

use super::{
    come_to, connection, egress, end,
    vendor::{Calls, Case, Created, Inbound, Known, Posted, Replies, Vendor},
};

pub(crate) const VENDOR: Vendor = Vendor {
    name: "twilio",
    credentials,
    end: replies,
    probe: || vec![Reply::json(200, r#"{"calls":[]}"#)],
    provider: Some(&CALLS),
    inbound: Some(&INBOUND),
};

const CALLS: Calls = Calls {
    look_up: || {
        let known = |status| vec![Reply::json(200, twilio_call(status))];
        let is = |status, kind| (known(status), Known::Is(kind));
        vec![
            is("queued", ReportKind::Queued),
            is("ringing", ReportKind::Ringing),
            is("in-progress", ReportKind::Answered),
            is("completed", ReportKind::Ended(EndState::Completed)),
            is("busy", ReportKind::Ended(EndState::Busy)),
            is("no-answer", ReportKind::Ended(EndState::NoAnswer)),
            is("canceled", ReportKind::Ended(EndState::Canceled)),
            is("failed", ReportKind::Ended(EndState::Failed)),
            (known("levitating"), Known::Unclear),
            (vec![Reply::json(404, TWILIO_NOT_FOUND)], Known::Unknown),
            (vec![Reply::json(404, "<html>")], Known::Fails),
            (vec![Reply::json(200, "<html>")], Known::Fails),
            (vec![Reply::json(401, "{}")], Known::Fails),
            (vec![Reply::json(503, "")], Known::Fails),
        ]
    },
    create: Some(|| {
        vec![
            (
                vec![Reply::json(201, twilio_call("queued"))],
                Created::Named("CA1"),
            ),
            (
                vec![Reply::json(
                    400,
                    r#"{"code":21211,"message":"Invalid 'To'"}"#,
                )],
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
    genuine: |url, now| status(url, "GENUINE", ("completed", "3"), now),
    proof: &["x-twilio-signature"],
    url_is_signed: true,
    body_is_free: false,
    window_s: None,
    other_media_type: Some(InboundError::Unverified),
    statuses: |url, now| {
        let ended = |end| Some(ReportKind::Ended(end));
        [
            ("queued", Some(ReportKind::Queued)),
            ("initiated", Some(ReportKind::Queued)),
            ("ringing", Some(ReportKind::Ringing)),
            ("in-progress", Some(ReportKind::Answered)),
            ("completed", ended(EndState::Completed)),
            ("busy", ended(EndState::Busy)),
            ("no-answer", ended(EndState::NoAnswer)),
            ("canceled", ended(EndState::Canceled)),
            ("failed", ended(EndState::Failed)),
            ("levitating", None),
        ]
        .map(|(word, kind)| (status(url, "CA1", (word, "0"), now), kind))
        .into()
    },
    lives: |url, now| {
        let step = |call: &str, word: &str, sequence: u8| {
            let at = now + TimeDelta::seconds(i64::from(sequence) * 5);
            status(url, call, (word, &sequence.to_string()), at)
        };
        let life = |call: &str, words: &[&str]| {
            let steps = words.iter().zip(0..).map(|(word, at)| step(call, word, at));
            steps.collect::<Vec<_>>()
        };
        vec![
            (
                life("CA1", &["initiated", "ringing", "in-progress", "completed"]),
                "completed",
            ),
            (
                life("CA2", &["initiated", "ringing", "no-answer"]),
                "no_answer",
            ),
            (life("CA3", &["initiated", "busy"]), "busy"),
            (life("CA4", &["queued", "canceled"]), "canceled"),
        ]
    },
};

fn credentials() -> Credentials {
    Credentials {
        account: "ACCOUNT".to_owned(),
        key_id: None,
        secret: "hush".into(),
        signing_secret: None,
    }
}

/// A status callback, signed with the Auth Token.
fn status(url: &str, call: &str, (word, sequence): (&str, &str), at: DateTime<Utc>) -> Posted {
    let at = at.to_rfc2822();
    let pairs = [
        ("CallSid", call),
        ("CallStatus", word),
        ("SequenceNumber", sequence),
        ("Timestamp", &at),
        ("From", "+14155550100"),
        ("To", "+14155550148"),
        ("Direction", "outbound-api"),
    ];
    let body = Serializer::new(String::new()).extend_pairs(pairs).finish();
    let signature = form_signature("hush", url, &pairs);
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("x-twilio-signature", &signature),
    ];
    Posted::new(url, &headers, body)
}

const TWILIO_NOT_FOUND: &str =
    r#"{"code":20404,"message":"The requested resource was not found","status":404}"#;
const TWILIO_NOT_LIVE: &str = r#"{"code":21220,"message":"Invalid call state","status":400}"#;

fn twilio_call(status: &str) -> String {
    format!(
        r#"{{"sid":"CA1","status":"{status}","direction":"outbound-api","duration":"15","price":null,
            "from":"+14155550100","to":"+14155550148","start_time":"Tue, 21 Oct 2025 18:00:00 +0000",
            "end_time":"Tue, 21 Oct 2025 18:00:21 +0000"}}"#
    )
}

fn replies(case: Case) -> Replies {
    Replies::Own(match case {
        Case::Ends => vec![Reply::json(200, twilio_call("completed"))],
        Case::AlreadyOver => vec![
            Reply::json(400, TWILIO_NOT_LIVE),
            Reply::json(200, twilio_call("no-answer")),
        ],
        Case::Unknown => vec![
            Reply::json(404, TWILIO_NOT_FOUND),
            Reply::json(404, TWILIO_NOT_FOUND),
        ],
        Case::Refused => vec![Reply::json(
            400,
            r#"{"code":21218,"message":"Invalid URL"}"#,
        )],
        _ => return Replies::Common,
    })
}

#[tokio::test]
async fn twilio_is_asked_as_its_api_documents() {
    let double = ProviderDouble::start([Reply::json(200, twilio_call("completed"))]);
    let mut connection = connection(&VENDOR, double.base_url());
    end(&connection, "CA/../1").await.unwrap();
    let asked = double.requests().remove(0);
    assert_eq!(asked.method, "POST");
    assert_eq!(
        asked.target,
        "/2010-04-01/Accounts/ACCOUNT/Calls/CA%2F..%2F1.json"
    );
    assert_eq!(
        asked.header("content-type"),
        "application/x-www-form-urlencoded"
    );
    assert_eq!(asked.body, "Status=completed");
    let basic = |pair: &str| format!("Basic {}", BASE64_STANDARD.encode(pair));
    assert_eq!(asked.header("authorization"), basic("ACCOUNT:hush"));

    double.then([Reply::json(200, twilio_call("completed"))]);
    connection.credentials.key_id = Some("KEY".to_owned());
    connection.base_url = double.base_url().join("region/").unwrap();
    end(&connection, "CA1").await.unwrap();
    let asked = double.requests().remove(1);
    assert_eq!(
        asked.target,
        "/region/2010-04-01/Accounts/ACCOUNT/Calls/CA1.json"
    );
    assert_eq!(asked.header("authorization"), basic("KEY:hush"));
}

#[tokio::test]
async fn a_call_that_twilio_denies_and_shows_as_live_is_asked_for_again() {
    let replies = [
        Reply::json(404, TWILIO_NOT_FOUND),
        Reply::json(200, twilio_call("in-progress")),
    ];
    let double = ProviderDouble::start(replies);
    let result = end(&connection(&VENDOR, double.base_url()), "CA1").await;
    assert_eq!(come_to(result), "later: garbled");
}

#[tokio::test]
async fn twilios_record_of_a_call_is_read() {
    let replies = [
        Reply::json(200, twilio_call("busy")),
        Reply::json(200, twilio_call("in-progress")),
        Reply::json(200, twilio_call("levitating")),
        Reply::json(404, TWILIO_NOT_FOUND),
        Reply::json(401, "{}"),
    ];
    let double = ProviderDouble::start(replies);
    let connection = connection(&VENDOR, double.base_url());
    let egress = egress();
    let access = Access {
        egress: &egress,
        connection: &connection,
        deadline: Duration::from_secs(1),
    };
    let twilio = Providers::default().named("twilio").unwrap();
    let call = ProviderCallId::parse("CA1").unwrap();

    let LookUp::Known(over) = twilio.look_up(&access, &call).await.unwrap() else {
        panic!("not known");
    };
    assert_eq!(over.kind, ReportKind::Ended(EndState::Busy));
    let at = over.occurred_at.unwrap();
    assert_eq!(at.to_rfc3339(), "2025-10-21T18:00:21+00:00");
    assert_eq!(over.facts.direction, Some(Direction::Outbound));
    assert_eq!(over.facts.duration_s, Some(15));

    let LookUp::Known(live) = twilio.look_up(&access, &call).await.unwrap() else {
        panic!("not known");
    };
    assert_eq!((live.kind, live.occurred_at), (ReportKind::Answered, None));
    for expected in [LookUp::Unclear, LookUp::Unknown] {
        assert_eq!(twilio.look_up(&access, &call).await.unwrap(), expected);
    }
    twilio.look_up(&access, &call).await.unwrap_err();
    assert!(double.requests().iter().all(|asked| asked.method == "GET"));
}
