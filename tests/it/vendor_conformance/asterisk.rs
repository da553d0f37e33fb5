//! Asterisk's replies, as Asterisk 16 and 22 gave them, and what it tells on its WebSocket: `tests/fixtures/asterisk`.

use std::{fs, path::Path, time::Duration};

use onhook::{
    domain::{
        connection::{AnsweredBy, Credentials},
        lifecycle::Lifecycle,
        party::PartyNumber,
        report::{ProviderCallId, Report, ReportKind},
        state::{CallState, Direction, EndState},
        text::Text,
    },
    providers::{
        Access, CallOrder, InboundReport, LookUp, Provider as _, Providers,
        asterisk::{Asterisk, read_event},
        stream::Heard,
    },
};
use serde_json::{Value, json};

use crate::provider_double::{ProviderDouble, Reply};

use super::{
    connection, egress, end,
    vendor::{CALL_ID, Calls, Case, Created, Known, Replies, Vendor, from, to},
};

pub(crate) const VENDOR: Vendor = Vendor {
    name: "asterisk",
    credentials,
    end: replies,
    probe: || {
        vec![Reply::json(
            200,
            r#"{"system":{"version":"22.10.1","entity_id":"02:fc"}}"#,
        )]
    },
    provider: Some(&CALLS),
    inbound: None,
};

const UNKNOWN: &str = r#"{"message":"Channel not found"}"#;

const CALLS: Calls = Calls {
    look_up: || {
        let is = |state, known| (vec![Reply::json(200, channel(state))], known);
        vec![
            is("Down", Known::Is(ReportKind::Queued)),
            is("Dialing", Known::Is(ReportKind::Queued)),
            is("Ring", Known::Is(ReportKind::Ringing)),
            is("Ringing", Known::Is(ReportKind::Ringing)),
            is("Up", Known::Is(ReportKind::Answered)),
            is("Busy", Known::Unclear),
            is("Levitating", Known::Unclear),
            (vec![Reply::json(404, UNKNOWN)], Known::Unknown),
            (
                vec![Reply::json(404, r#"{"message":"Resource not found"}"#)],
                Known::Fails,
            ),
            (vec![Reply::json(404, "<html>")], Known::Fails),
            (vec![Reply::json(200, "<html>")], Known::Fails),
            (vec![Reply::json(401, "{}")], Known::Fails),
            (vec![Reply::json(503, "")], Known::Fails),
        ]
    },
    create: Some(|| {
        let refused = |status, body: &str| (vec![Reply::json(status, body)], Created::NoCall);
        let perhaps = |reply| (vec![reply], Created::Perhaps);
        let exists = r#"{"message":"Channel with given unique ID already exists"}"#;
        vec![
            (
                vec![Reply::json(200, channel("Down"))],
                Created::Named("1795298683.9"),
            ),
            // A repetition: the channel of our id is there.
            (vec![Reply::json(409, exists)], Created::Named(CALL_ID)),
            refused(400, r#"{"message":"Endpoint must be specified"}"#),
            refused(500, r#"{"error":"Allocation failed"}"#),
            refused(401, r#"{"message":"Authentication required"}"#),
            refused(429, "{}"),
            perhaps(Reply::json(400, "<html>")),
            perhaps(Reply::json(500, "")),
            perhaps(Reply::json(200, "<html>")),
            perhaps(Reply::Silence),
            perhaps(Reply::Close),
        ]
    }),
};

fn credentials() -> Credentials {
    Credentials {
        account: "onhook".to_owned(),
        key_id: None,
        secret: "hush".into(),
        signing_secret: None,
    }
}

fn channel(state: &str) -> String {
    format!(
        r#"{{"id":"1795298683.9","name":"PJSIP/callee-00000009","state":"{state}","protocol_id":"",
            "caller":{{"name":"","number":"+14155550148"}},"connected":{{"name":"","number":""}},"accountcode":"",
            "dialplan":{{"context":"inbound","exten":"+14155550100","priority":1,"app_name":"","app_data":""}},
            "creationtime":"2026-11-21T22:04:43.331+0000","language":"en"}}"#
    )
}

fn replies(case: Case) -> Replies {
    Replies::Own(vec![match case {
        Case::Ends => Reply::json(204, ""),
        Case::Unknown => Reply::json(404, UNKNOWN),
        Case::Refused => Reply::json(400, r#"{"message":"Invalid reason for hangup provided"}"#),
        Case::AlreadyOver => return Replies::Never("a channel that is gone is not known"),
        _ => return Replies::Common,
    }])
}

#[tokio::test]
async fn asterisk_is_asked_as_its_api_documents() {
    let double = ProviderDouble::start([Reply::json(204, "")]);
    let base_url = double.base_url().join("pbx/").unwrap();
    let asked_of = connection(&VENDOR, base_url);
    end(&asked_of, "17952/../98683.9").await.unwrap();
    let asked = double.requests().remove(0);
    assert_eq!(asked.method, "DELETE");
    assert_eq!(asked.target, "/pbx/ari/channels/17952%2F..%2F98683.9");
    assert_eq!(asked.header("authorization"), "Basic b25ob29rOmh1c2g=");

    double.then([
        Reply::json(200, channel("Down")),
        Reply::json(200, channel("Down")),
    ]);
    for (application, app, extension) in [
        (
            "PJSIP/{number}@trunk -> 1000@agents",
            Value::Null,
            json!("1000"),
        ),
        (
            "PJSIP/{digits}@trunk -> stasis:bot",
            json!("bot"),
            Value::Null,
        ),
    ] {
        let answered_by = AnsweredBy::Application(Text::parse(application).unwrap());
        let egress = egress();
        let access = Access {
            egress: &egress,
            connection: &asked_of,
            deadline: Duration::from_secs(1),
        };
        let order = CallOrder {
            from: &from(),
            to: &to(),
            extension: Some("42"),
            answered_by: &answered_by,
            told: &[("call_id", "019a2b3c")],
            status_callback: "https://calls.example.com/inbound/x/y?call=z",
            call_id: CALL_ID.parse().unwrap(),
            max_duration: Some(Duration::from_mins(10)),
        };
        Asterisk.create(&access, &order).await.unwrap();
        let asked = double.requests().pop().unwrap();
        assert_eq!(
            (asked.method.as_str(), asked.target.as_str()),
            ("POST", "/pbx/ari/channels")
        );
        let body: Value = serde_json::from_str(&asked.body).unwrap();
        assert_eq!(body["channelId"], CALL_ID);
        assert_eq!(body["callerId"], "+14155550100");
        assert_eq!(body["timeout"], 60);
        assert_eq!((&body["app"], &body["extension"]), (&app, &extension));
        let variables = json!({
            "TIMEOUT(absolute)": "660", "onhook_call_id": "019a2b3c", "onhook_extension": "42",
        });
        assert_eq!(body["variables"], variables);
    }
}

#[tokio::test]
async fn a_channel_tells_who_called_whom_while_it_rings() {
    let double = ProviderDouble::start([Reply::json(200, channel("Ring"))]);
    let connection = connection(&VENDOR, double.base_url());
    let egress = egress();
    let access = Access {
        egress: &egress,
        connection: &connection,
        deadline: Duration::from_secs(1),
    };
    let asterisk = Providers::default().named("asterisk").unwrap();
    let call = ProviderCallId::parse("1795298683.9").unwrap();
    let LookUp::Known(live) = asterisk.look_up(&access, &call).await.unwrap() else {
        panic!("not known");
    };
    assert_eq!(live.call, call);
    assert_eq!(live.facts.direction, Some(Direction::Inbound));
    assert_eq!(live.facts.from.unwrap().raw(), "+14155550148");
    assert_eq!(live.facts.to.unwrap().raw(), "+14155550100");
}

/// What a recording tells.
fn recorded(version: &str, name: &str) -> Vec<InboundReport> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/asterisk");
    let file = folder.join(version).join(name).with_extension("jsonl");
    let text = fs::read_to_string(file).unwrap();
    let heard = text.lines().map(|line| match read_event(line) {
        Heard::Reports(reports) => reports,
        Heard::Unreadable(why) => panic!("{name}: {why}"),
    });
    heard.flatten().collect()
}

fn absorbed<'a>(reports: impl IntoIterator<Item = &'a InboundReport>) -> Lifecycle {
    let mut life = Lifecycle::default();
    for report in reports {
        let at = report.occurred_at.unwrap();
        life.absorb(&Report::new(report.kind, at, report.facts.clone()));
    }
    life
}

#[test]
fn every_recorded_call_ends_as_it_did() {
    for version in ["16", "22"] {
        for (name, state) in [
            ("placed-answered", CallState::Completed),
            ("placed-busy", CallState::Busy),
            ("placed-declined", CallState::Busy),
            ("placed-not-found", CallState::Failed),
            ("placed-unavailable", CallState::NoAnswer),
            ("placed-failed", CallState::Failed),
            ("placed-unanswered", CallState::NoAnswer),
            ("placed-hung-up", CallState::Canceled),
            ("inbound-answered", CallState::Completed),
            ("inbound-hung-up", CallState::Canceled),
        ] {
            let reports = recorded(version, name);
            let call = &reports[0].call;
            assert!(
                reports.iter().all(|report| report.call == *call),
                "{version} {name}"
            );
            let life = absorbed(&reports);
            assert_eq!(life.state(), state, "{version} {name}");
            let backwards = absorbed(reports.iter().rev());
            assert_eq!(backwards, life, "{version} {name} backwards");
            let answered = life.answered_at.is_some();
            assert_eq!(answered, state == CallState::Completed, "{version} {name}");
            let direction = if name.starts_with("placed") {
                Direction::Outbound
            } else {
                Direction::Inbound
            };
            assert_eq!(life.direction, Some(direction), "{version} {name}");
        }
    }
}

#[test]
fn a_leg_that_another_one_dialled_names_it() {
    for version in ["16", "22"] {
        for (name, ends) in [
            ("inbound-dialled", EndState::Completed),
            ("inbound-busy", EndState::Busy),
            ("inbound-canceled", EndState::Canceled),
        ] {
            let reports = recorded(version, name);
            let caller = reports[0].call.clone();
            let (of_caller, of_callee): (Vec<_>, Vec<_>) =
                reports.iter().partition(|report| report.call == caller);
            let parents: Vec<_> = of_callee
                .iter()
                .filter_map(|r| r.leg.parent.as_ref())
                .collect();
            assert_eq!(parents, [&caller], "{version} {name}");
            assert!(of_caller.iter().all(|report| report.leg.parent.is_none()));
            for leg in [of_caller, of_callee] {
                let end = absorbed(leg).end.unwrap();
                assert_eq!(end.state, ends, "{version} {name}");
            }
        }
    }
}

#[test]
fn an_event_is_told_once_however_often_it_comes() {
    let reports = recorded("22", "inbound-dialled");
    let mut ids: Vec<_> = reports
        .iter()
        .map(|report| report.event_id.clone().unwrap())
        .collect();
    let told = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), told);
}

fn event(event: Value) -> Heard {
    read_event(&event.to_string())
}

fn reports(heard: Heard) -> Vec<InboundReport> {
    match heard {
        Heard::Reports(reports) => reports,
        Heard::Unreadable(why) => panic!("{why}"),
    }
}

#[test]
fn every_cause_ends_a_call() {
    for (state, cause, ends) in [
        ("Up", 16, EndState::Completed),
        ("Up", 0, EndState::Completed),
        ("Up", 38, EndState::Completed),
        ("Ring", 16, EndState::Canceled),
        ("Ringing", 26, EndState::Canceled),
        ("Ring", 127, EndState::Canceled),
        ("Ringing", 17, EndState::Busy),
        ("Ringing", 21, EndState::Busy),
        ("Ringing", 0, EndState::NoAnswer),
        ("Ringing", 18, EndState::NoAnswer),
        ("Ringing", 19, EndState::NoAnswer),
        ("Down", 1, EndState::Failed),
        ("Down", 34, EndState::Failed),
        ("Down", 102, EndState::Failed),
        ("Levitating", 9999, EndState::Failed),
    ] {
        let told = reports(event(json!({
            "type": "ChannelDestroyed", "timestamp": "2026-11-21T22:04:27.629+0100", "cause": cause,
            "cause_txt": "Because", "channel": {"id": "1.1", "state": state},
        })));
        assert_eq!(told[0].kind, ReportKind::Ended(ends), "{state} {cause}");
        let at = told[0].occurred_at.unwrap().to_rfc3339();
        assert_eq!(at, "2026-11-21T21:04:27.629+00:00");
        let reason = told[0].facts.disconnect_reason.as_ref().unwrap();
        assert_eq!(reason.as_str(), "Because");
    }
}

#[test]
fn what_is_no_call_or_not_known_tells_nothing_and_what_cannot_be_read_says_so() {
    let created = |id: &str, name: &str| {
        let channel = json!({"id": id, "name": name, "state": "Down"});
        reports(event(json!({"type": "ChannelCreated", "channel": channel})))
    };
    for part in [
        "Local/1@x-0001;1",
        "Snoop/1.1-0001",
        "UnicastRTP/127.0.0.1:9-0x1",
    ] {
        assert_eq!(created("1.1", part), []);
    }
    assert_eq!(created(CALL_ID, "Local/1@x-0001;1").len(), 1);
    assert_eq!(created("1.1", "PJSIP/a-0001").len(), 1);
    let long = "x".repeat(256);
    assert_eq!(created(&long, "PJSIP/a-0001"), []);
    for silent in [
        json!({"type": "ChannelLevitated", "channel": {"id": "1.1", "state": "Up"}}),
        json!({"type": "ChannelStateChange", "channel": {"id": "1.1", "state": "Levitating"}}),
        json!({"type": "ChannelStateChange"}),
        json!({"type": "Dial", "dialstatus": "RINGING", "peer": {"id": "1.1", "state": "Down"}}),
        json!({"type": "ApplicationReplaced"}),
    ] {
        assert_eq!(event(silent), Heard::Reports(Vec::new()));
    }
    for text in [
        "",
        "{",
        "[]",
        "\"Up\"",
        r#"{"channel":{}}"#,
        r#"{"type":1}"#,
    ] {
        assert!(matches!(read_event(text), Heard::Unreadable(_)), "{text}");
    }
}

#[test]
fn a_dial_string_names_the_callee_in_every_technology() {
    for (dialstring, callee) in [
        ("+14155550148@trunk", Some("+14155550148")),
        ("trunk/+14155550148", Some("+14155550148")),
        (
            "trunk/sip:+14155550148@203.0.113.7",
            Some("sip:+14155550148"),
        ),
        ("callee", Some("callee")),
        ("", None),
    ] {
        let told = reports(event(json!({
            "type": "Dial", "dialstatus": "", "dialstring": dialstring,
            "caller": {"id": "1.0", "state": "Ring", "caller": {"number": "+14155550100"}},
            "peer": {"id": "1.1", "state": "Down", "caller": {"number": "other"}},
        })));
        assert_eq!(told[0].facts.to.as_ref().map(PartyNumber::raw), callee);
        assert_eq!(told[0].facts.from.as_ref().unwrap().raw(), "+14155550100");
    }
}
