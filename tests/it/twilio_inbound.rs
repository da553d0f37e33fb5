//! What Twilio's callbacks prove and tell. Known answers: `tests/fixtures/twilio/signatures.py`.

use crate::form_signature::form_signature;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::DateTime;
use http::{HeaderMap, HeaderName, HeaderValue};
use onhook::{
    domain::{
        connection::Credentials,
        report::ReportKind,
        state::{Direction, EndState},
    },
    providers::{InboundError, InboundReport, InboundRequest, Provider as _, twilio::Twilio},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    name: String,
    token: String,
    url: String,
    body: String,
    algorithm: String,
    signature: String,
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("../fixtures/twilio/signatures.json")).unwrap()
}

fn credentials(token: &str) -> Credentials {
    Credentials {
        account: "AC0123456789abcdef0123456789abcdef".to_owned(),
        key_id: None,
        secret: token.into(),
        signing_secret: None,
    }
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let parse = |(name, value): &(&str, &str)| {
        let name: HeaderName = name.parse().unwrap();
        (name, HeaderValue::from_str(value).unwrap())
    };
    let mut headers = HeaderMap::new();
    for (name, value) in pairs.iter().map(parse) {
        headers.append(name, value);
    }
    headers
}

const FORM: (&str, &str) = (
    "content-type",
    "application/x-www-form-urlencoded; charset=UTF-8",
);

fn read(
    url: &str,
    headers: &HeaderMap,
    body: &str,
    credentials: &Credentials,
) -> Result<Vec<InboundReport>, InboundError> {
    let body = body.as_bytes();
    let received_at = DateTime::UNIX_EPOCH;
    Twilio.read(
        &InboundRequest {
            url,
            headers,
            body,
            received_at,
        },
        credentials,
    )
}

fn is_genuine(vector: &Vector) -> bool {
    let settings = format!("key=webhooks_sharedkey_1,algorithm={}", vector.algorithm);
    let headers = headers(&[
        FORM,
        ("x-twilio-signature", &vector.signature),
        ("x-twilio-webhooks-signature-settings", &settings),
    ]);
    let credentials = credentials(&vector.token);
    read(&vector.url, &headers, &vector.body, &credentials) != Err(InboundError::Unverified)
}

#[test]
fn every_signature_of_the_official_library_is_genuine() {
    for vector in vectors() {
        assert!(is_genuine(&vector), "{}", vector.name);
    }
}

#[test]
fn a_signature_covers_every_part_of_the_request() {
    for mut vector in vectors() {
        let mut refused = |change: fn(&mut Vector)| {
            let before = (
                vector.url.clone(),
                vector.body.clone(),
                vector.token.clone(),
            );
            let signature = vector.signature.clone();
            change(&mut vector);
            assert!(!is_genuine(&vector), "{}: {}", vector.name, vector.url);
            (vector.url, vector.body, vector.token) = before;
            vector.signature = signature;
        };
        refused(|v| v.url = v.url.replace("http", "HTTP"));
        refused(|v| v.url = v.url.replace("example.com", "example.org"));
        refused(|v| v.url = v.url.replace("/inbound", "/Inbound"));
        refused(|v| v.url.push_str("?x=y"));
        refused(|v| v.url.push_str("&x=y"));
        refused(|v| v.body.push_str("&x=y"));
        refused(|v| v.token.push('0'));
        refused(|v| v.signature = BASE64_STANDARD.encode("not a signature"));
        refused(|v| v.signature = v.signature.to_lowercase());
        refused(|v| v.signature.clear());
        refused(|v| v.signature.insert(0, ' '));
        refused(|v| v.algorithm = "HMAC_MD5".to_owned());
    }
    let plain = vectors().remove(0);
    for (from, to) in [
        ("completed", "failed"),
        ("CallDuration=42", "CallDuration=43"),
        ("CallSid=CA0", "CallSid=CA1"),
        ("CallSid", "callsid"),
        ("&Direction=outbound-api", ""),
    ] {
        let body = plain.body.replace(from, to);
        assert!(
            !is_genuine(&Vector {
                body,
                ..vectors().remove(0)
            }),
            "{from}"
        );
    }
}

#[test]
fn a_request_without_one_signature_over_a_form_is_not_verified() {
    let vector = vectors().remove(0);
    let signature = ("x-twilio-signature", vector.signature.as_str());
    let json = ("content-type", "application/json");
    let settings = |value| ("x-twilio-webhooks-signature-settings", value);
    for pairs in [
        vec![FORM],
        vec![signature],
        vec![json, signature],
        vec![FORM, signature, signature],
        vec![FORM, FORM, signature],
        vec![FORM, signature, settings("algorithm=none")],
        vec![FORM, signature, settings("algorithm=HMAC_SHA256")],
    ] {
        let verdict = read(
            &vector.url,
            &headers(&pairs),
            &vector.body,
            &credentials(&vector.token),
        );
        assert_eq!(verdict, Err(InboundError::Unverified), "{pairs:?}");
    }
}

#[test]
fn an_api_key_verifies_nothing_and_its_auth_token_does() {
    let vector = vectors().remove(0);
    let headers = headers(&[FORM, ("x-twilio-signature", &vector.signature)]);
    let by_key = Credentials {
        key_id: Some("SK0123456789abcdef0123456789abcdef".to_owned()),
        ..credentials(&vector.token)
    };
    let verdict = read(&vector.url, &headers, &vector.body, &by_key);
    assert_eq!(verdict, Err(InboundError::Unverified));
    let with_token = Credentials {
        secret: "the key's own secret".into(),
        signing_secret: Some(vector.token.as_str().into()),
        ..by_key
    };
    let verdict = read(&vector.url, &headers, &vector.body, &with_token);
    assert_eq!(verdict.unwrap().len(), 1);
}

/// Reads a form that was signed as Twilio signs.
fn told(pairs: &[(&str, &str)]) -> Result<Vec<InboundReport>, InboundError> {
    let signature = form_signature("token", "https://a.example/i", pairs);
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    let headers = headers(&[FORM, ("x-twilio-signature", &signature)]);
    read(
        "https://a.example/i",
        &headers,
        &body,
        &credentials("token"),
    )
}

fn status(status: &str) -> Option<InboundReport> {
    let reports = told(&[
        ("CallSid", "CA1"),
        ("CallStatus", status),
        ("SequenceNumber", "2"),
    ]);
    reports.unwrap().pop()
}

#[test]
fn each_status_has_its_meaning_and_an_unknown_one_changes_nothing() {
    for (word, kind) in [
        ("queued", ReportKind::Queued),
        ("initiated", ReportKind::Queued),
        ("ringing", ReportKind::Ringing),
        ("in-progress", ReportKind::Answered),
        ("completed", ReportKind::Ended(EndState::Completed)),
        ("busy", ReportKind::Ended(EndState::Busy)),
        ("no-answer", ReportKind::Ended(EndState::NoAnswer)),
        ("canceled", ReportKind::Ended(EndState::Canceled)),
        ("failed", ReportKind::Ended(EndState::Failed)),
    ] {
        let report = status(word).unwrap();
        assert_eq!(report.kind, kind);
        assert_eq!(report.event_id, Some(format!("CA1 {word} 2")));
    }
    assert_eq!(status("levitating"), None);
    assert_eq!(status("Completed"), None);
}

#[test]
fn a_status_callback_tells_who_when_and_how_long() {
    let body: Vec<(String, String)> = {
        let vector = vectors().remove(0);
        let pairs = url::form_urlencoded::parse(vector.body.as_bytes());
        pairs.into_owned().collect()
    };
    let pairs: Vec<(&str, &str)> = body.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let report = told(&pairs).unwrap().remove(0);
    let at = report.occurred_at.unwrap();
    assert_eq!(at.to_rfc3339(), "2025-10-21T18:04:11+00:00");
    assert_eq!(report.facts.direction, Some(Direction::Outbound));
    assert_eq!(report.facts.from.unwrap().raw(), "+14155550100");
    assert_eq!(report.facts.to.unwrap().raw(), "+14155550148");
    assert_eq!(report.facts.duration_s, Some(42));
}

#[test]
fn what_cannot_be_read_is_left_out_and_a_call_without_a_name_is_refused() {
    let long = "x".repeat(3000);
    let report = told(&[
        ("CallSid", "CA1"),
        ("CallStatus", "completed"),
        ("CallDuration", "-1"),
        ("Direction", "trunking-terminating"),
        ("From", ""),
        ("To", "sip:bob@pbx.example"),
        ("RecordingUrl", &long),
        ("Timestamp", "yesterday"),
    ]);
    let report = report.unwrap().remove(0);
    assert_eq!(report.event_id.as_deref(), Some("CA1 completed "));
    assert_eq!(report.occurred_at, None);
    assert_eq!(report.facts.duration_s, None);
    assert_eq!(report.facts.direction, None);
    assert_eq!(report.facts.from, None);
    assert_eq!(report.facts.to.unwrap().raw(), "sip:bob@pbx.example");
    assert_eq!(report.facts.recording_url, None);

    for pairs in [
        &[("CallStatus", "completed")][..],
        &[("CallSid", ""), ("CallStatus", "completed")],
        &[("CallSid", "a\0b"), ("CallStatus", "completed")],
        &[("CallSid", &long), ("CallStatus", "completed")],
        &[("CallSid", "CA1")],
        &[],
    ] {
        let verdict = told(pairs);
        assert!(
            matches!(verdict, Err(InboundError::Malformed(_))),
            "{pairs:?}"
        );
    }
}

#[test]
fn a_finished_recording_is_reported_and_an_unfinished_one_is_not() {
    let recording = |status| {
        told(&[
            ("CallSid", "CA1"),
            ("RecordingSid", "RE1"),
            ("RecordingStatus", status),
            ("RecordingUrl", "https://api.twilio.com/RE1"),
            ("RecordingStartTime", "Tue, 21 Oct 2025 18:04:11 +0000"),
        ])
    };
    let report = recording("completed").unwrap().remove(0);
    assert_eq!(report.kind, ReportKind::Recording);
    assert_eq!(report.event_id.as_deref(), Some("RE1 completed"));
    assert_eq!(report.occurred_at, None);
    assert_eq!(
        report.facts.recording_url.unwrap().as_str(),
        "https://api.twilio.com/RE1"
    );
    for status in ["in-progress", "absent", "failed"] {
        assert_eq!(recording(status), Ok(Vec::new()));
    }
}
