//! jambonz's replies and callbacks. Shapes: jambonz-api-server (lib/routes/api/accounts.js), jambonz-feature-server
//! (lib/http-routes/api/update-call.js, lib/session/call-info.js, lib/utils/base-requestor.js).

use std::time::Duration;

use aws_lc_rs::hmac;
use chrono::{DateTime, TimeDelta, Utc};
use onhook::{
    domain::{
        connection::Credentials,
        report::{ProviderCallId, ReportKind},
        state::EndState,
    },
    providers::{Access, EndOutcome, HangUpOrder, InboundError, ProviderError, Providers},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::provider_double::{ProviderDouble, Reply};

use super::{
    asking::{CALLBACK, Ordered, found, order},
    come_to, connection, egress,
    vendor::{Calls, Case, Created, Inbound, Known, Posted, Replies, Vendor},
};

pub(crate) const VENDOR: Vendor = Vendor {
    name: "jambonz",
    credentials,
    end: replies,
    probe: || vec![Reply::json(200, r#"{"account_sid":"ACCOUNT"}"#)],
    provider: Some(&CALLS),
    inbound: Some(&INBOUND),
};

const CALLS: Calls = Calls {
    look_up: || {
        let known = |status, sip| vec![Reply::json(200, call(status, sip).to_string())];
        let is = |status, sip, kind| (known(status, sip), Known::Is(kind));
        let ended = ReportKind::Ended;
        vec![
            is("trying", 100, ReportKind::Queued),
            is("ringing", 180, ReportKind::Ringing),
            is("early-media", 183, ReportKind::Ringing),
            is("in-progress", 200, ReportKind::Answered),
            is("completed", 200, ended(EndState::Completed)),
            is("busy", 486, ended(EndState::Busy)),
            is("no-answer", 487, ended(EndState::NoAnswer)),
            is("failed", 404, ended(EndState::Failed)),
            is("failed", 600, ended(EndState::Busy)),
            is("failed", 603, ended(EndState::Busy)),
            is("failed", 487, ended(EndState::NoAnswer)),
            (known("levitating", 200), Known::Unclear),
            (vec![Reply::json(404, "Not Found")], Known::Unknown),
            (vec![Reply::json(404, "<html>")], Known::Fails),
            (vec![Reply::json(200, "<html>")], Known::Fails),
            (vec![Reply::json(401, "{}")], Known::Fails),
            (
                vec![Reply::json(500, r#"{"msg":"no redis"}"#)],
                Known::Fails,
            ),
        ]
    },
    create: Some(|| {
        let none = r#"{"msg":"no available feature servers at this time"}"#;
        vec![
            (
                vec![Reply::json(201, r#"{"sid":"C1","callId":"x"}"#)],
                Created::Named("C1"),
            ),
            (
                vec![Reply::json(400, r#"{"msg":"missing from parameter"}"#)],
                Created::NoCall,
            ),
            (vec![Reply::json(480, none)], Created::NoCall),
            (vec![Reply::json(401, "{}")], Created::NoCall),
            (vec![Reply::json(429, "{}")], Created::NoCall),
            (vec![Reply::json(400, "<html>")], Created::Perhaps),
            (
                vec![Reply::json(500, "Internal Server Error")],
                Created::Perhaps,
            ),
            (vec![Reply::json(201, "<html>")], Created::Perhaps),
            (vec![Reply::Silence], Created::Perhaps),
            (vec![Reply::Close], Created::Perhaps),
        ]
    }),
};

const INBOUND: Inbound = Inbound {
    genuine: |url, now| status(url, &call("completed", 200), now),
    proof: &["jambonz-signature"],
    url_is_signed: false,
    body_is_free: false,
    window_s: Some(300),
    other_media_type: Some(InboundError::Unverified),
    statuses: |url, now| {
        let ended = |end| Some(ReportKind::Ended(end));
        [
            ("trying", 100, Some(ReportKind::Queued)),
            ("queued", 100, Some(ReportKind::Queued)),
            ("ringing", 180, Some(ReportKind::Ringing)),
            ("early-media", 183, Some(ReportKind::Ringing)),
            ("in-progress", 200, Some(ReportKind::Answered)),
            ("completed", 200, ended(EndState::Completed)),
            ("busy", 486, ended(EndState::Busy)),
            ("no-answer", 487, ended(EndState::NoAnswer)),
            ("failed", 503, ended(EndState::Failed)),
            ("failed", 603, ended(EndState::Busy)),
            ("levitating", 200, None),
        ]
        .map(|(word, sip, kind)| (status(url, &call(word, sip), now), kind))
        .into()
    },
    lives: |url, now| {
        let life = |name: &str, words: &[(&str, u16)]| {
            let steps = words.iter().zip(0..).map(|((word, sip), at)| {
                let mut call = call(word, *sip);
                call["call_sid"] = json!(name);
                status(url, &call, now + TimeDelta::seconds(at * 5))
            });
            steps.collect::<Vec<_>>()
        };
        vec![
            (
                life(
                    "C1",
                    &[
                        ("trying", 100),
                        ("ringing", 180),
                        ("in-progress", 200),
                        ("completed", 200),
                    ],
                ),
                "completed",
            ),
            (
                life(
                    "C2",
                    &[("trying", 100), ("ringing", 180), ("no-answer", 487)],
                ),
                "no_answer",
            ),
            (life("C3", &[("trying", 100), ("failed", 600)]), "busy"),
            (life("C4", &[("trying", 100), ("failed", 503)]), "failed"),
        ]
    },
};

const GONE: &str = r#"{"msg":"call session is gone for call_sid NAME"}"#;
const OTHER_STATE: &str =
    r#"{"msg":"current call state is incompatible with requested action for call_sid NAME"}"#;

fn credentials() -> Credentials {
    Credentials {
        account: "ACCOUNT".to_owned(),
        key_id: None,
        secret: "hush".into(),
        signing_secret: Some("hush, too".into()),
    }
}

/// A call, as it is posted and as it is answered.
fn call(status: &str, sip_status: u16) -> Value {
    json!({
        "call_sid": "NAME", "direction": "outbound", "from": "+14155550100", "to": "14155550148",
        "call_id": "5dc0a3f3", "sip_status": sip_status, "sip_reason": "A Reason", "call_status": status,
        "account_sid": "ACCOUNT", "trace_id": "0", "application_sid": null, "duration": 15,
        "fs_sip_address": "10.0.0.1:5060",
    })
}

/// A callback as jambonz signs it.
fn status(url: &str, call: &Value, at: DateTime<Utc>) -> Posted {
    let (body, time) = (call.to_string(), at.timestamp());
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"hush, too");
    let signature = hex::encode(hmac::sign(&key, format!("{time}.{body}").as_bytes()));
    let headers = [
        ("content-type", "application/json"),
        ("jambonz-signature", &format!("t={time},v1={signature}")),
    ];
    Posted::new(url, &headers, body)
}

fn replies(case: Case) -> Replies {
    Replies::Own(match case {
        Case::Ends => vec![Reply::json(202, "Accepted"), Reply::json(404, "Not Found")],
        Case::AlreadyOver => vec![Reply::json(422, GONE)],
        Case::Unknown => vec![Reply::json(404, "Not Found")],
        Case::Refused => vec![Reply::json(400, r#"{"msg":"invalid call_status"}"#)],
        _ => return Replies::Common,
    })
}

/// What hanging up comes to, and what was asked for.
async fn hang_up(replies: Vec<Reply>, answered: bool) -> (String, Vec<String>) {
    let double = ProviderDouble::start(replies);
    let (egress, connection) = (egress(), connection(&VENDOR, double.base_url()));
    let access = Access {
        egress: &egress,
        connection: &connection,
        deadline: Duration::from_secs(1),
    };
    let call = ProviderCallId::parse("NAME").unwrap();
    let order = HangUpOrder {
        call: &call,
        request_id: Uuid::nil(),
        answered,
    };
    let jambonz = Providers::default().named("jambonz").unwrap();
    let result: Result<EndOutcome, ProviderError> = jambonz.end(&access, &order).await;
    let asked = double.requests().into_iter().map(|asked| {
        assert_eq!(asked.target, "/v1/Accounts/ACCOUNT/Calls/NAME");
        assert_eq!(asked.header("authorization"), "Bearer hush");
        let body: Option<Value> = serde_json::from_str(&asked.body).ok();
        body.map_or(asked.method, |body| body["call_status"].to_string())
    });
    (come_to(result), asked.collect())
}

const COMPLETED: &str = r#""completed""#;
const NO_ANSWER: &str = r#""no-answer""#;

/// Replies, whether the record says that somebody answered, what it comes to, and what is asked for.
type HangUp = (Vec<Reply>, bool, &'static str, &'static [&'static str]);

fn hang_ups() -> Vec<HangUp> {
    let over = || Reply::json(200, call("no-answer", 487).to_string());
    let live = || Reply::json(200, call("in-progress", 200).to_string());
    let taken = || Reply::json(202, "Accepted");
    let other = || Reply::json(422, OTHER_STATE);
    // What its API server made of any refusal until 2026.
    let hidden = || Reply::json(500, "Internal Server Error");
    let none = || Reply::json(404, "Not Found");
    let lost = || Reply::Close;
    let both: &[&str] = &[COMPLETED, NO_ANSWER, "GET"];
    let looked: &[&str] = &[COMPLETED, "GET", "GET"];
    vec![
        (vec![taken(), over()], false, "ended", &[NO_ANSWER, "GET"]),
        (vec![other(), taken(), none()], true, "ended", both),
        (
            vec![other(), taken(), none()],
            false,
            "ended",
            &[NO_ANSWER, COMPLETED, "GET"],
        ),
        (vec![hidden(), taken(), over()], true, "ended", both),
        (vec![hidden(), hidden(), over()], true, "already over", both),
        (
            vec![hidden(), none()],
            true,
            "already over",
            &[COMPLETED, NO_ANSWER],
        ),
        (vec![other(), other(), none()], true, "already over", both),
        (
            vec![hidden(), hidden(), live()],
            true,
            "later: failing",
            both,
        ),
        (vec![taken(), live(), none()], true, "ended", looked),
        (vec![taken(), live(), live()], true, "requested", looked),
        (
            vec![taken(), lost()],
            true,
            "requested",
            &[COMPLETED, "GET"],
        ),
    ]
}

#[tokio::test]
async fn a_hang_up_names_the_end_that_fits_and_then_the_other() {
    for (replies, answered, outcome, asked) in hang_ups() {
        let what = format!("{replies:?}");
        let came_to = hang_up(replies, answered).await;
        assert_eq!(came_to.0, outcome, "{what}");
        assert_eq!(came_to.1, asked, "{what}");
    }
}

#[tokio::test]
async fn a_call_is_ordered_by_application_or_by_url_with_a_voice() {
    let placed = || Reply::json(201, r#"{"sid":"C1"}"#);
    let double = ProviderDouble::start([placed(), placed()]);
    let by_application = Ordered::by_application();
    order(&VENDOR, &double, by_application).await.unwrap();
    let by_url = Ordered {
        max_duration: Some(Duration::from_mins(10)),
        ..Ordered::by_url()
    };
    order(&VENDOR, &double, by_url).await.unwrap();
    let asked = double.requests();
    assert_eq!(asked[0].target, "/v1/Accounts/ACCOUNT/Calls");
    let sent = |at: usize| serde_json::from_str::<Value>(&asked[at].body).unwrap();
    let callback = format!("{CALLBACK}#rc=5&rp=ct,rt,5xx");
    let same = json!({
        "from": "+14155550100", "to": {"type": "phone", "number": "+14155550148"},
        "call_status_hook": {"url": callback, "method": "POST"}, "timeout": 60,
        "tag": {"call_id": "c1"},
    });
    let with = |own: Value| {
        let mut all = same.clone();
        let fields = all.as_object_mut().unwrap();
        fields.extend(own.as_object().unwrap().clone());
        all
    };
    assert_eq!(sent(0), with(json!({"application_sid": "APP"})));
    let hook = "https://agent.example.com/voice?call_id=c1";
    let by_url = json!({
        "call_hook": {"url": hook, "method": "POST"}, "timeLimit": 600,
        "speech_synthesis_vendor": "google", "speech_synthesis_language": "en-US",
        "speech_synthesis_voice": "en-US-Wavenet-C",
        "speech_recognizer_vendor": "google", "speech_recognizer_language": "en-US",
    });
    assert_eq!(sent(1), with(by_url));

    let with_extension = Ordered {
        extension: Some("12"),
        ..Ordered::by_url()
    };
    let refused = order(&VENDOR, &double, with_extension).await.unwrap_err();
    assert!(refused.to_string().contains("extension"), "{refused}");
    assert_eq!(double.requests().len(), 2);
}

#[tokio::test]
async fn a_call_whose_answer_was_lost_is_one_that_is_live_between_the_numbers() {
    let listed = |sid: &str, status: &str, direction: &str, from: &str| {
        let mut call = call(status, 200);
        call["call_sid"] = json!(sid);
        call["direction"] = json!(direction);
        call["from"] = json!(from);
        call
    };
    let mut dialled = listed("dialled", "ringing", "outbound", "+14155550100");
    dialled["parent_call_sid"] = json!("C1");
    let list = json!([
        listed("over", "completed", "outbound", "+14155550100"),
        listed("heard", "in-progress", "inbound", "+14155550100"),
        listed("other", "ringing", "outbound", "+14155550101"),
        dialled,
        listed("ours", "ringing", "outbound", "14155550100"),
    ]);
    let double = ProviderDouble::start([Reply::json(200, list.to_string())]);
    let names = found(&VENDOR, &double, "2025-10-21T18:00:00Z").await;
    assert_eq!(names, ["ours"]);
}
