//! What SignalWire's callbacks prove and tell. Known answers: `tests/fixtures/signalwire/signatures.py`.

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::DateTime;
use http::{HeaderMap, HeaderName, HeaderValue};
use onhook::{
    domain::{connection::Credentials, report::ReportKind, state::EndState},
    providers::{
        InboundError, InboundReport, InboundRequest, Provider as _, signalwire::SignalWire,
    },
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    name: String,
    key: String,
    url: String,
    #[serde(rename = "type")]
    media_type: String,
    body: String,
    signature: String,
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("../fixtures/signalwire/signatures.json")).unwrap()
}

fn credentials(key: Option<&str>) -> Credentials {
    Credentials {
        account: "b3877c40-da60-4998-90ad-b792e98472af".to_owned(),
        key_id: None,
        secret: "PT0".into(),
        signing_secret: key.map(Into::into),
    }
}

fn read(
    url: &str,
    headers: &[(&str, &str)],
    body: &str,
    key: Option<&str>,
) -> Result<Vec<InboundReport>, InboundError> {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| {
            let name: HeaderName = name.parse().unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        })
        .collect();
    let request = InboundRequest {
        url,
        headers: &headers,
        body: body.as_bytes(),
        received_at: DateTime::UNIX_EPOCH,
    };
    SignalWire.read(&request, &credentials(key))
}

impl Vector {
    fn read(&self) -> Result<Vec<InboundReport>, InboundError> {
        let headers = [
            ("content-type", self.media_type.as_str()),
            ("x-signalwire-signature", &self.signature),
        ];
        read(&self.url, &headers, &self.body, Some(&self.key))
    }

    fn is_genuine(&self) -> bool {
        self.read() != Err(InboundError::Unverified)
    }
}

#[test]
fn every_signature_that_the_official_library_takes_is_genuine() {
    for vector in vectors() {
        assert!(vector.is_genuine(), "{}", vector.name);
    }
}

#[test]
fn a_signature_covers_every_part_of_the_request() {
    for mut vector in vectors() {
        let mut refused = |change: fn(&mut Vector)| {
            let (url, body) = (vector.url.clone(), vector.body.clone());
            let (key, signature) = (vector.key.clone(), vector.signature.clone());
            change(&mut vector);
            assert!(!vector.is_genuine(), "{}: {}", vector.name, vector.url);
            (vector.url, vector.body) = (url, body);
            (vector.key, vector.signature) = (key, signature);
        };
        refused(|v| v.url = v.url.replace("http", "HTTP"));
        refused(|v| v.url = v.url.replace(".com", ".org").replace(".io", ".org"));
        refused(|v| v.url.push_str("&x=y"));
        refused(|v| v.body.push_str("&x=y"));
        refused(|v| v.key.push('0'));
        refused(|v| v.key.clear());
        refused(|v| v.signature = BASE64_STANDARD.encode("not a signature"));
        refused(|v| v.signature = hex::encode("not a signature"));
        refused(|v| v.signature.clear());
        refused(|v| v.signature.insert(0, ' '));
    }
}

#[test]
fn a_name_that_comes_twice_counts_in_the_order_in_which_it_came() {
    let all = vectors();
    let twice = all.iter().find(|v| v.name.starts_with("a name twice"));
    let mut twice = twice
        .map(|v| (v.url.clone(), v.body.clone(), v.signature.clone()))
        .unwrap();
    let key = all.last().unwrap().key.clone();
    twice.1 = twice.1.replace("X=b&X=a&X=b", "X=a&X=b&X=b");
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("x-signalwire-signature", twice.2.as_str()),
    ];
    let verdict = read(&twice.0, &headers, &twice.1, Some(&key));
    assert_eq!(verdict, Err(InboundError::Unverified));
}

/// SignalWire's own library takes this; anybody who has once seen a signature of the bare URL could post anything.
#[test]
fn a_signature_of_the_url_alone_stands_for_no_body() {
    let url = "https://calls.example.com/inbound/signalwire/1";
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"key");
    let signature = BASE64_STANDARD.encode(hmac::sign(&key, url.as_bytes()));
    for (media_type, body) in [
        (
            "application/json",
            r#"{"CallSid":"C1","CallStatus":"completed"}"#,
        ),
        (
            "application/x-www-form-urlencoded",
            "CallSid=C1&CallStatus=completed",
        ),
    ] {
        let headers = [
            ("content-type", media_type),
            ("x-signalwire-signature", signature.as_str()),
        ];
        let verdict = read(url, &headers, body, Some("key"));
        assert_eq!(verdict, Err(InboundError::Unverified), "{media_type}");
    }
}

#[test]
fn the_header_of_the_other_name_will_do_and_a_doubtful_one_will_not() {
    let all = vectors();
    let vector = all.iter().find(|v| v.name == "a status callback").unwrap();
    let form = ("content-type", vector.media_type.as_str());
    let own = ("x-signalwire-signature", vector.signature.as_str());
    let other = ("x-twilio-signature", vector.signature.as_str());
    let read = |headers: &[(&str, &str)], key| read(&vector.url, headers, &vector.body, key);
    let key = Some(vector.key.as_str());
    assert_eq!(read(&[form, other], key).unwrap().len(), 1);
    assert_eq!(read(&[form, own, other], key).unwrap().len(), 1);
    let wrong = ("x-signalwire-signature", "AAAA");
    for headers in [
        vec![form],
        vec![own],
        vec![form, wrong, other],
        vec![("content-type", "text/plain"), own],
    ] {
        assert_eq!(
            read(&headers, key),
            Err(InboundError::Unverified),
            "{headers:?}"
        );
    }
    // The API token signs nothing: without the signing key nothing is believed.
    assert_eq!(read(&[form, own], None), Err(InboundError::Unverified));
    assert_eq!(
        read(&[form, own], Some("PT0")),
        Err(InboundError::Unverified)
    );
}

#[test]
fn a_callback_tells_the_same_as_a_form_and_in_json() {
    for name in [
        "a status callback",
        "a JSON callback",
        "a JSON callback by its digest",
    ] {
        let all = vectors();
        let vector = all.iter().find(|vector| vector.name == name).unwrap();
        let report = vector.read().unwrap().remove(0);
        assert_eq!(report.call.as_str(), "b3877c40-da60-4998-90ad-b792e98472ca");
        assert_eq!(
            report.kind,
            ReportKind::Ended(EndState::Completed),
            "{name}"
        );
        let event_id = "b3877c40-da60-4998-90ad-b792e98472ca completed 3";
        assert_eq!(report.event_id.as_deref(), Some(event_id));
        // Its Timestamp is when the call was created.
        assert_eq!(report.occurred_at, None);
        assert_eq!(report.facts.duration_s, Some(42));
        assert_eq!(report.facts.from.unwrap().raw(), "+14155550100");
    }
}

#[test]
fn what_is_verified_and_tells_of_no_call_is_refused_as_such() {
    let url = "https://calls.example.com/inbound/signalwire/1";
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"key");
    for body in [
        "[]",
        "{}",
        "no JSON",
        r#"{"event_type":"calling.call.state","params":{"call_id":"C1"}}"#,
        r#"{"CallSid":"C1"}"#,
        r#"{"CallSid":{"a":1},"CallStatus":"completed"}"#,
    ] {
        let signature = hex::encode(hmac::sign(&key, format!("{url}{body}").as_bytes()));
        let headers = [
            ("content-type", "application/json; charset=utf-8"),
            ("x-signalwire-signature", signature.as_str()),
        ];
        let verdict = read(url, &headers, body, Some("key"));
        assert!(matches!(verdict, Err(InboundError::Malformed(_))), "{body}");
    }
}
