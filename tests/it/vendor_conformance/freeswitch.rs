//! What FreeSWITCH's event socket answers and what `mod_json_cdr` posts: `tests/fixtures/freeswitch`.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use onhook::{
    domain::{
        connection::{AnsweredBy, Credentials},
        report::{ProviderCallId, ReportKind},
        state::EndState,
        text::Text,
    },
    providers::{Access, CallOrder, LookUp, Provider as _, freeswitch::FreeSwitch},
};
use serde_json::json;

use crate::provider_double::{ProviderDouble, Reply};

use super::{
    come_to, connection, egress, end,
    vendor::{CALL_ID, Calls, Case, Created, Inbound, Known, Posted, Replies, Vendor, from, to},
};

mod records;

pub(crate) const VENDOR: Vendor = Vendor {
    name: "freeswitch",
    credentials,
    end: replies,
    probe: || vec![Reply::json(200, "false")],
    provider: Some(&CALLS),
    inbound: Some(&INBOUND),
};

const UNKNOWN: &str = "-ERR No such channel!\n";

const CALLS: Calls = Calls {
    look_up: || {
        let is = |state, known| (vec![Reply::json(200, dump(state))], known);
        vec![
            is("answered", Known::Is(ReportKind::Answered)),
            is("ringing", Known::Is(ReportKind::Ringing)),
            is("early", Known::Is(ReportKind::Ringing)),
            is("hangup", Known::Unclear),
            is("levitating", Known::Unclear),
            (vec![Reply::json(200, UNKNOWN)], Known::Unknown),
            (
                vec![Reply::json(200, "-ERR No Such Channel!\n")],
                Known::Unknown,
            ),
            (
                vec![Reply::json(200, "-USAGE: <uuid> [format]\n")],
                Known::Fails,
            ),
            (vec![Reply::json(200, "<html>")], Known::Fails),
            (vec![Reply::json(401, "")], Known::Fails),
            (vec![Reply::Close], Known::Fails),
        ]
    },
    create: Some(|| {
        let taken = || Reply::json(200, "+OK Job-UUID: 7f4db78a");
        let says = |text: &str| Reply::json(200, text);
        vec![
            (vec![taken(), says("true")], Created::Named(CALL_ID)),
            (
                vec![taken(), says("false"), says("false"), says("true")],
                Created::Named(CALL_ID),
            ),
            (vec![says("-ERR command not found")], Created::NoCall),
            (vec![Reply::json(401, "")], Created::NoCall),
            (vec![Reply::json(403, "")], Created::NoCall),
            (vec![says("<html>")], Created::Perhaps),
            (vec![taken(), says("<html>")], Created::Perhaps),
            (vec![taken(), Reply::Close], Created::Perhaps),
            (vec![taken(), Reply::Silence], Created::Perhaps),
            (vec![Reply::Silence], Created::Perhaps),
        ]
    }),
};

const INBOUND: Inbound = Inbound {
    genuine: |url, _now| posted(url, INBOUND_CALL),
    proof: &["authorization"],
    url_is_signed: false,
    body_is_free: true,
    window_s: None,
    other_media_type: None,
    statuses: |url, _now| {
        let ended = |cause, answered, end| {
            let record = record("S1", cause, answered, noon());
            (posted(url, &record), Some(ReportKind::Ended(end)))
        };
        vec![
            ended("NORMAL_CLEARING", true, EndState::Completed),
            ended("ALLOTTED_TIMEOUT", true, EndState::Completed),
            ended("MEDIA_TIMEOUT", true, EndState::Completed),
            ended("NORMAL_CLEARING", false, EndState::Canceled),
            ended("ORIGINATOR_CANCEL", false, EndState::Canceled),
            ended("MANAGER_REQUEST", false, EndState::Canceled),
            ended("LOSE_RACE", false, EndState::Canceled),
            ended("PICKED_OFF", false, EndState::Canceled),
            ended("USER_BUSY", false, EndState::Busy),
            ended("CALL_REJECTED", false, EndState::Busy),
            ended("NO_ANSWER", false, EndState::NoAnswer),
            ended("NO_USER_RESPONSE", false, EndState::NoAnswer),
            ended("ALLOTTED_TIMEOUT", false, EndState::NoAnswer),
            ended("PROGRESS_TIMEOUT", false, EndState::NoAnswer),
            ended("UNALLOCATED_NUMBER", false, EndState::Failed),
            ended("NORMAL_TEMPORARY_FAILURE", false, EndState::Failed),
            // A record tells of an end, whatever word it has for why.
            ended("LEVITATED", false, EndState::Failed),
        ]
    },
    lives: |url, now| {
        let life = |call, cause, answered, state| {
            (
                vec![posted(url, &record(call, cause, answered, now))],
                state,
            )
        };
        vec![
            life("L1", "NORMAL_CLEARING", true, "completed"),
            life("L2", "USER_BUSY", false, "busy"),
            life("L3", "NO_ANSWER", false, "no_answer"),
        ]
    },
};

const INBOUND_CALL: &str = include_str!("../../fixtures/freeswitch/inbound.json");
const OUTBOUND_LEG: &str = include_str!("../../fixtures/freeswitch/outbound-leg.json");

fn credentials() -> Credentials {
    Credentials {
        account: "onhook".to_owned(),
        key_id: None,
        secret: "hush".into(),
        signing_secret: Some("hush:hush".into()),
    }
}

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn posted(url: &str, record: &str) -> Posted {
    let headers = [
        ("authorization", "Basic b25ob29rOmh1c2g6aHVzaA=="),
        ("content-type", "application/json"),
    ];
    Posted::new(url, &headers, record)
}

/// A record of a call that began a minute before.
fn record(call: &str, cause: &str, answered: bool, now: DateTime<Utc>) -> String {
    let at = |seconds| {
        (now - TimeDelta::seconds(seconds))
            .timestamp_micros()
            .to_string()
    };
    json!({"variables": {
        "uuid": call, "direction": "inbound", "hangup_cause": cause, "start_uepoch": at(60), "progress_uepoch": at(58),
        "answer_uepoch": if answered { at(50) } else { "0".to_owned() }, "end_uepoch": at(2), "billsec": "48",
    }})
    .to_string()
}

fn dump(state: &str) -> String {
    format!(
        "Event-Name: CHANNEL_DATA\nChannel-State: CS_EXECUTE\nChannel-Call-State: ACTIVE\nCall-Direction: outbound\n\
         Answer-State: {state}\nCaller-Caller-ID-Number: %2B14155550100\nCaller-Destination-Number: %2B14155550148\n\
         Caller-Channel-Created-Time: 1800000000123456\nCaller-Channel-Answered-Time: 1800000005223456\n\
         Caller-Channel-Progress-Time: 0\nvariable_originator: a3f2c1d0\n\n"
    )
}

fn replies(case: Case) -> Replies {
    Replies::Own(vec![match case {
        Case::Ends => Reply::json(200, "+OK\n"),
        Case::Unknown => Reply::json(200, UNKNOWN),
        Case::Refused => Reply::json(200, "-USAGE: <uuid> [cause]\n"),
        Case::AlreadyOver => return Replies::Never("a call that is over is not known"),
        Case::Throttled
        | Case::ThrottledWithoutSaying
        | Case::Unavailable
        | Case::Failing
        | Case::OtherNotFound
        | Case::Redirect => return Replies::Never("an event socket has no statuses"),
        Case::WrongCredentials
        | Case::Forbidden
        | Case::Silent
        | Case::Closing
        | Case::WebPage
        | Case::Huge => return Replies::Common,
    }])
}

#[tokio::test]
async fn freeswitch_is_told_one_line_and_no_more() {
    let double = ProviderDouble::event_socket([Reply::json(200, "+OK\n")]);
    let connection = connection(&VENDOR, double.base_url());
    assert_eq!(come_to(end(&connection, "a3f2c1d0-7f4e").await), "ended");
    let asked = double.requests().remove(0);
    assert_eq!(
        (asked.method.as_str(), asked.target.as_str()),
        ("api", "uuid_kill a3f2c1d0-7f4e")
    );
    // Names that no channel can have: nothing is asked.
    for name in ["a b", "a\n\napi reloadxml", "a\r\nexit", "ü", "a;b", "a'b"] {
        assert_eq!(
            come_to(end(&connection, name).await),
            "not found",
            "{name:?}"
        );
        let egress = egress();
        let access = Access {
            egress: &egress,
            connection: &connection,
            deadline: Duration::from_secs(1),
        };
        let call = ProviderCallId::parse(name).unwrap();
        assert_eq!(
            FreeSwitch.look_up(&access, &call).await.unwrap(),
            LookUp::Unknown
        );
    }
    assert_eq!(double.requests().len(), 1);
}

async fn place(double: &ProviderDouble, extension: Option<&str>) -> Result<String, String> {
    let connection = connection(&VENDOR, double.base_url());
    let egress = egress();
    let access = Access {
        egress: &egress,
        connection: &connection,
        deadline: Duration::from_secs(5),
    };
    let application = "sofia/gateway/trunk/{number} -> 1000@agents";
    let order = CallOrder {
        from: &from(),
        to: &to(),
        extension,
        answered_by: &AnsweredBy::Application(Text::parse(application).unwrap()),
        told: &[("call_id", CALL_ID)],
        status_callback: "https://calls.example.com/inbound/x/y?call=z",
        call_id: CALL_ID.parse().unwrap(),
        max_duration: Some(Duration::from_mins(10)),
    };
    let placed = FreeSwitch.create(&access, &order).await;
    let placed = placed.map(|name| name.as_str().to_owned());
    placed.map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_call_is_placed_by_one_line_of_a_fixed_alphabet() {
    let says = |text: &str| Reply::json(200, text);
    let double = ProviderDouble::event_socket([says("+OK Job-UUID: 1"), says("true")]);
    assert_eq!(place(&double, Some("42")).await, Ok(CALL_ID.to_owned()));
    let asked = double.requests();
    assert_eq!(asked[0].method, "bgapi");
    assert_eq!(
        asked[0].target,
        format!(
            "originate {{origination_uuid={CALL_ID},origination_caller_id_number=+14155550100,originate_timeout=60,\
             ignore_early_media=true,onhook_call_id={CALL_ID},\
             execute_on_answer_1='sched_hangup +600 ALLOTTED_TIMEOUT',execute_on_answer_2='send_dtmf 42'}}\
             sofia/gateway/trunk/+14155550148 1000 XML agents"
        )
    );
    assert_eq!(asked[1].target, format!("uuid_exists {CALL_ID}"));
    let refused = place(&double, Some("4' api x")).await.unwrap_err();
    assert_eq!(refused, "refused: an extension has digits only");
}

#[tokio::test]
async fn a_call_that_is_not_there_after_a_while_may_still_come() {
    let taken = Reply::json(200, "+OK Job-UUID: 1");
    let never = vec![Reply::json(200, "false"); 20];
    let double = ProviderDouble::event_socket([taken].into_iter().chain(never));
    let failed = place(&double, None).await.unwrap_err();
    assert!(failed.contains("there is no channel"), "{failed}");
    assert_eq!(double.requests().len(), 21);
}
