//! What records of `mod_json_cdr` prove and tell.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::DateTime;
use onhook::{
    domain::{
        report::ReportKind,
        state::{Direction, EndState},
    },
    providers::{
        InboundError, InboundReport, InboundRequest, Provider as _, freeswitch::FreeSwitch,
    },
};
use serde_json::{Value, json};

use super::{INBOUND_CALL, OUTBOUND_LEG, credentials, noon, posted};

fn read(body: &[u8]) -> Result<Vec<InboundReport>, InboundError> {
    let genuine = posted("", "");
    let request = InboundRequest {
        url: "https://calls.example.com/inbound/freeswitch/c1?uuid=x",
        headers: &genuine.headers,
        body,
        received_at: noon(),
    };
    FreeSwitch.read(&request, &credentials())
}

#[test]
fn a_record_has_the_whole_life_of_a_call() {
    let reports = read(INBOUND_CALL.as_bytes()).unwrap();
    let told: Vec<_> = reports
        .iter()
        .map(|report| (report.kind, report.occurred_at.unwrap().to_rfc3339()))
        .collect();
    let at = |time: &str| format!("2027-01-15T08:00:{time}+00:00");
    assert_eq!(
        told,
        [
            (ReportKind::Queued, at("00.123456")),
            (ReportKind::Ringing, at("01.123456")),
            (ReportKind::Answered, at("05.223456")),
            (ReportKind::Ended(EndState::Completed), at("47.323456")),
        ]
    );
    for told in [&reports[0], &reports[3]] {
        assert_eq!(told.facts.direction, Some(Direction::Inbound));
        assert_eq!(told.facts.from.as_ref().unwrap().raw(), "+14155550148");
        assert_eq!(told.facts.to.as_ref().unwrap().raw(), "+14155550100");
        assert_eq!(told.leg.parent, None);
    }
    assert_eq!(reports[3].facts.duration_s, Some(42));
    let reason = reports[3].facts.disconnect_reason.as_ref().unwrap();
    assert_eq!(reason.as_str(), "NORMAL_CLEARING");

    let leg = read(OUTBOUND_LEG.as_bytes()).unwrap();
    assert_eq!(leg.len(), 2);
    assert_eq!(leg[1].kind, ReportKind::Ended(EndState::Busy));
    assert_eq!(leg[1].leg.parent, Some(reports[0].call.clone()));
    assert_eq!(leg[1].facts.to.as_ref().unwrap().raw(), "1000");
    assert_eq!(leg[1].facts.duration_s, None);
}

#[test]
fn a_record_is_read_in_every_encoding_whatever_it_says_it_is() {
    let plain = read(INBOUND_CALL.as_bytes()).unwrap();
    let unsafe_in_urls = percent_encoding::NON_ALPHANUMERIC;
    let encoded = percent_encoding::utf8_percent_encode(INBOUND_CALL.trim(), unsafe_in_urls);
    assert_eq!(read(format!("cdr={encoded}").as_bytes()), Ok(plain.clone()));
    for spaces in 0..3 {
        let padded = format!("{}{}", INBOUND_CALL.trim(), " ".repeat(spaces));
        let base64 = format!("cdr={}", BASE64_STANDARD.encode(padded));
        assert_eq!(read(base64.as_bytes()), Ok(plain.clone()));
    }
    let mut values: Value = serde_json::from_str(INBOUND_CALL).unwrap();
    let number = json!("+14155550148");
    values["variables"]["sip_from_user"] = number;
    assert_eq!(read(values.to_string().as_bytes()), Ok(plain));
}

#[test]
fn what_is_no_record_is_refused_and_what_is_missing_left_out() {
    for body in [
        "",
        "cdr=",
        "cdr=%7B",
        "cdr=!!",
        "{",
        "[]",
        "{}",
        r#"{"variables":{}}"#,
        r#"{"variables":{"uuid":""}}"#,
        r#"{"variables":{"uuid":7}}"#,
        r#"{"variables":{"uuid":"a%00b"}}"#,
    ] {
        let verdict = read(body.as_bytes());
        assert!(
            matches!(verdict, Err(InboundError::Malformed(_))),
            "{body}: {verdict:?}"
        );
    }
    let least = r#"{"variables":{"uuid":"u1","end_epoch":"1800000007","billsec":"-1"}}"#;
    let reports = read(least.as_bytes()).unwrap();
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].kind, ReportKind::Ended(EndState::Failed));
    assert_eq!(
        reports[0].occurred_at,
        DateTime::from_timestamp(1_800_000_007, 0)
    );
    assert_eq!(reports[0].facts.disconnect_reason, None);
}

#[test]
fn no_password_takes_no_record() {
    let mut without = credentials();
    without.signing_secret = None;
    let genuine = posted("", INBOUND_CALL);
    for password in ["b25ob29rOg==", "b25ob29rOmh1c2g6aHVzaA=="] {
        let mut headers = genuine.headers.clone();
        headers.insert(
            "authorization",
            format!("Basic {password}").parse().unwrap(),
        );
        let request = InboundRequest {
            url: "https://calls.example.com/inbound/freeswitch/c1",
            headers: &headers,
            body: &genuine.body,
            received_at: noon(),
        };
        assert_eq!(
            FreeSwitch.read(&request, &without),
            Err(InboundError::Unverified)
        );
    }
}
