//! What Plivo's callbacks prove and tell, and how a call that is known by its request learns its own id. Known answers:
//! `tests/fixtures/plivo/signatures.py`.

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, HeaderName, HeaderValue};
use onhook::{
    calls::connect::NewConnection,
    domain::{
        connection::Credentials,
        report::ReportKind,
        state::{Direction, EndState},
    },
    providers::{InboundError, InboundReport, InboundRequest, Provider as _, plivo::Plivo},
};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use crate::app::TestApp;

#[derive(Deserialize)]
struct Vector {
    name: String,
    token: String,
    nonce: String,
    url: String,
    body: String,
    signature: String,
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("../fixtures/plivo/signatures.json")).unwrap()
}

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn read(
    url: &str,
    headers: &[(&str, &str)],
    body: &str,
    token: &str,
) -> Result<Vec<InboundReport>, InboundError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name: HeaderName = name.parse().unwrap();
        map.append(name, HeaderValue::from_str(value).unwrap());
    }
    let request = InboundRequest {
        url,
        headers: &map,
        body: body.as_bytes(),
        received_at: noon(),
    };
    Plivo.read(&request, &credentials(token))
}

fn credentials(token: &str) -> Credentials {
    Credentials {
        account: "MA1".to_owned(),
        key_id: None,
        secret: token.into(),
        signing_secret: None,
    }
}

impl Vector {
    fn read(&self) -> Result<Vec<InboundReport>, InboundError> {
        let headers = [
            FORM,
            ("x-plivo-signature-v3", &self.signature),
            ("x-plivo-signature-v3-nonce", &self.nonce),
        ];
        read(&self.url, &headers, &self.body, &self.token)
    }

    fn is_genuine(&self) -> bool {
        self.read() != Err(InboundError::Unverified)
    }
}

#[test]
fn every_signature_of_the_official_library_is_genuine() {
    for vector in vectors() {
        assert!(vector.is_genuine(), "{}", vector.name);
    }
}

#[test]
fn a_signature_covers_every_part_of_the_request() {
    for mut vector in vectors() {
        let mut refused = |change: fn(&mut Vector)| {
            let (url, body, nonce) = (
                vector.url.clone(),
                vector.body.clone(),
                vector.nonce.clone(),
            );
            let (token, signature) = (vector.token.clone(), vector.signature.clone());
            change(&mut vector);
            assert!(!vector.is_genuine(), "{}: {}", vector.name, vector.url);
            (vector.url, vector.body, vector.nonce) = (url, body, nonce);
            (vector.token, vector.signature) = (token, signature);
        };
        refused(|v| v.url = v.url.replace("http", "HTTP"));
        refused(|v| v.url = v.url.replace("example.com", "example.org"));
        refused(|v| v.url = v.url.replace("/inbound", "/Inbound"));
        refused(|v| {
            v.url
                .push_str(if v.url.contains('?') { "&x=y" } else { "?x=y" });
        });
        refused(|v| v.body.push_str("&x=y"));
        refused(|v| v.nonce.push('0'));
        refused(|v| v.token.push('0'));
        refused(|v| v.signature = BASE64_STANDARD.encode("not a signature"));
        refused(|v| v.signature = v.signature.to_lowercase());
        refused(|v| v.signature.clear());
    }
}

#[test]
fn one_good_signature_of_several_will_do_also_the_main_account_s() {
    let vector = vectors().remove(0);
    let (nonce, good) = (
        ("x-plivo-signature-v3-nonce", vector.nonce.as_str()),
        vector.signature.as_str(),
    );
    let wrong = BASE64_STANDARD.encode([0; 32]);
    let several = format!("{wrong},{good}");
    let spaced = format!("{wrong}, {good}");
    let (own, main) = ("x-plivo-signature-v3", "x-plivo-signature-ma-v3");
    let read = |headers: &[(&str, &str)]| read(&vector.url, headers, &vector.body, &vector.token);
    for headers in [
        vec![FORM, nonce, (own, &several)],
        vec![FORM, nonce, (own, &spaced)],
        vec![FORM, nonce, (main, good)],
        vec![FORM, nonce, (own, &wrong), (main, good)],
    ] {
        assert_eq!(read(&headers).unwrap().len(), 2, "{headers:?}");
    }
    // The ninth is not looked at.
    let many = [vec![wrong.as_str(); 8], vec![good]].concat().join(",");
    for headers in [
        vec![FORM, nonce],
        vec![FORM, (own, good)],
        vec![nonce, (own, good)],
        vec![FORM, nonce, (own, &wrong)],
        vec![FORM, nonce, (own, good), (own, good)],
        vec![FORM, nonce, nonce, (own, good)],
        vec![FORM, nonce, (own, &many)],
        vec![("content-type", "application/json"), nonce, (own, good)],
    ] {
        assert_eq!(read(&headers), Err(InboundError::Unverified), "{headers:?}");
    }
}

/// Reads a form that was signed as Plivo signs.
fn told(pairs: &[(&str, &str)]) -> Result<Vec<InboundReport>, InboundError> {
    let url = "https://a.example/i";
    let (body, signature) = signed(url, pairs);
    let headers = [
        FORM,
        ("x-plivo-signature-v3", signature.as_str()),
        ("x-plivo-signature-v3-nonce", "1"),
    ];
    read(url, &headers, &body, "token")
}

/// A body and its signature with the nonce 1.
fn signed(url: &str, pairs: &[(&str, &str)]) -> (String, String) {
    let mut sorted = pairs.to_vec();
    sorted.sort_unstable();
    let parts = sorted.iter().flat_map(|(name, value)| [*name, *value]);
    let mark = if url.contains('?') { "." } else { "?" };
    let signed: String = [url, mark].into_iter().chain(parts).chain([".1"]).collect();
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"token");
    let signature = BASE64_STANDARD.encode(hmac::sign(&key, signed.as_bytes()));
    (
        Serializer::new(String::new()).extend_pairs(pairs).finish(),
        signature,
    )
}

#[test]
fn the_end_of_a_call_tells_when_it_was_answered() {
    let reports = vectors().remove(0).read().unwrap();
    let [answered, ended] = reports.as_slice() else {
        panic!("{reports:?}");
    };
    let at = |report: &InboundReport| report.occurred_at.unwrap().to_rfc3339();
    assert_eq!(answered.kind, ReportKind::Answered);
    assert_eq!(at(answered), "2025-10-21T18:04:11+00:00");
    assert_eq!(answered.facts.duration_s, None);
    assert_eq!(ended.kind, ReportKind::Ended(EndState::Completed));
    assert_eq!(at(ended), "2025-10-21T18:04:53+00:00");
    assert_ne!(answered.event_id, ended.event_id);
    let facts = &ended.facts;
    assert_eq!(facts.direction, Some(Direction::Outbound));
    assert_eq!(facts.duration_s, Some(42));
    // Plivo leaves out the plus sign.
    let from = facts.from.as_ref().unwrap();
    assert_eq!(from.raw(), "14155550100");
    assert_eq!(from.e164().unwrap().as_str(), "+14155550100");
    let reason = facts.disconnect_reason.as_ref().unwrap();
    assert_eq!(reason.as_str(), "Normal Hangup (Callee)");
    let request = ended.leg.conversation.as_ref().unwrap();
    assert_eq!(request.as_str(), "9834029e-58b6-11e1-b8b7-a5bd0e4e126f");
    assert_eq!(ended.leg.parent, None);
}

#[test]
fn times_without_a_zone_tell_how_long_and_not_when() {
    let end = |answer: &'static str, end: &'static str| {
        let mut pairs = vec![
            ("CallUUID", "C1"),
            ("Event", "Hangup"),
            ("CallStatus", "completed"),
        ];
        pairs.extend([("AnswerTime", answer), ("EndTime", end)]);
        told(&pairs).unwrap()
    };
    let reports = end("2025-10-21 23:34:11", "2025-10-21 23:34:53.5");
    let answered_at = noon() - TimeDelta::milliseconds(42_500);
    assert_eq!(reports[0].occurred_at, Some(answered_at));
    assert_eq!(reports[1].occurred_at, None);
    for (answer, over) in [
        ("2025-10-21 23:34:54", "2025-10-21 23:34:53"),
        ("2025-10-21 23:34:11", "yesterday"),
        ("", "2025-10-21 23:34:53"),
        ("None", "2025-10-21 23:34:53+05:30"),
    ] {
        let reports = end(answer, over);
        assert_eq!(reports.len(), 1, "{answer} {over}");
        assert_eq!(reports[0].kind, ReportKind::Ended(EndState::Completed));
    }
}

#[test]
fn a_call_that_came_in_and_was_not_answered_is_not_completed_whatever_its_status() {
    let end = |direction, answer| {
        let reports = told(&[
            ("CallUUID", "C1"),
            ("CallStatus", "completed"),
            ("Direction", direction),
            ("AnswerTime", answer),
            ("EndTime", "2025-10-21 23:34:53+05:30"),
        ]);
        reports.unwrap().pop().unwrap().kind
    };
    let completed = ReportKind::Ended(EndState::Completed);
    assert_eq!(end("inbound", ""), ReportKind::HungUp(EndState::NoAnswer));
    assert_eq!(end("inbound", "2025-10-21 23:34:11+05:30"), completed);
    assert_eq!(end("outbound", ""), completed);
}

#[test]
fn a_leg_names_the_one_that_dialled_it_and_a_recording_its_place() {
    let reports = told(&[
        ("CallUUID", "B"),
        ("ALegUUID", "A"),
        ("ALegRequestUUID", "R"),
        ("CallStatus", "ringing"),
    ]);
    let leg = reports.unwrap().remove(0).leg;
    assert_eq!(leg.parent.unwrap().as_str(), "A");
    assert_eq!(leg.conversation.unwrap().as_str(), "R");

    let url = "https://media.plivo.com/v1/Account/MA1/Recording/1.mp3";
    let recording = told(&[("CallUUID", "A"), ("RecordingID", "1"), ("RecordUrl", url)]);
    let recording = recording.unwrap().remove(0);
    assert_eq!(recording.kind, ReportKind::Recording);
    assert_eq!(recording.event_id.as_deref(), Some("1 recorded"));
    assert_eq!(recording.facts.recording_url.unwrap().as_str(), url);
}

#[test]
fn a_callee_who_rejects_is_busy_and_a_call_without_a_name_is_refused() {
    let end = |cause| {
        let reports = told(&[
            ("CallUUID", "C1"),
            ("CallStatus", "failed"),
            ("HangupCause", cause),
        ]);
        reports.unwrap().remove(0)
    };
    assert_eq!(end("CALL_REJECTED").kind, ReportKind::Ended(EndState::Busy));
    let failed = end("DESTINATION_OUT_OF_ORDER");
    assert_eq!(failed.kind, ReportKind::Ended(EndState::Failed));
    let reason = failed.facts.disconnect_reason.unwrap();
    assert_eq!(reason.as_str(), "DESTINATION_OUT_OF_ORDER");
    let long = "x".repeat(300);
    for pairs in [
        &[("CallStatus", "completed")][..],
        &[("CallUUID", ""), ("CallStatus", "completed")],
        &[("CallUUID", &long), ("CallStatus", "completed")],
        &[("CallUUID", "C1")],
    ] {
        let verdict = told(pairs);
        assert!(
            matches!(verdict, Err(InboundError::Malformed(_))),
            "{pairs:?}"
        );
    }
}

#[tokio::test]
async fn the_record_has_all_that_the_only_callback_of_a_call_told() {
    const PUBLIC_URL: &str = "https://calls.example.com";
    let app = TestApp::boot_with(&[("ONHOOK_PUBLIC_URL", PUBLIC_URL)]).await;
    let account = app.default_account().await;
    let new = NewConnection {
        account_id: account.id,
        vendor: "plivo".to_owned(),
        base_url: Some("http://127.0.0.1:9/".to_owned()),
        credentials: credentials("token"),
        numbers: Vec::new(),
        answered_by: None,
    };
    let added = app.connect(new).await;
    let path = format!("/inbound/plivo/{added}");
    let hang_up = vectors().remove(0).body;
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(hang_up.as_bytes())
        .into_owned()
        .collect();
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    let (body, signature) = signed(&format!("{PUBLIC_URL}{path}"), &pairs);
    for _ in 0..2 {
        let request = app.request(Method::POST, &path).header(FORM.0, FORM.1);
        let request = request.header("x-plivo-signature-v3", &signature);
        let request = request.header("x-plivo-signature-v3-nonce", "1");
        let answer = request.body(body.clone()).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    }
    let found = app.get("/calls/query", &account.key).send().await.unwrap();
    let found: Value = found.json().await.unwrap();
    let calls = found["data"].as_array().unwrap();
    assert_eq!(calls.len(), 1);
    for (field, told) in [
        ("call_sid", json!("d0a87a1a-b0e9-4ab2-ac07-c22ee87cd04a")),
        ("call_status", json!("completed")),
        ("call_duration", json!(42)),
        ("call_from", json!("14155550100")),
        ("disconnect_reason", json!("Normal Hangup (Callee)")),
    ] {
        assert_eq!(calls[0][field], told, "{field}");
    }
    let kept: (DateTime<Utc>, DateTime<Utc>, String) =
        sqlx::query_as("select answered_at, ended_at, from_e164 from calls")
            .fetch_one(&app.db)
            .await
            .unwrap();
    assert_eq!(kept.0.to_rfc3339(), "2025-10-21T18:04:11+00:00");
    assert_eq!(kept.1.to_rfc3339(), "2025-10-21T18:04:53+00:00");
    assert_eq!(kept.2, "+14155550100");
}
