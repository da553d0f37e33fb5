//! What jambonz's callbacks prove and tell. Known answers: `tests/fixtures/jambonz/signatures.py`.

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, HeaderName, HeaderValue};
use onhook::{
    domain::{
        connection::Credentials,
        report::ReportKind,
        state::{Direction, EndState},
    },
    providers::{InboundError, InboundReport, InboundRequest, Provider as _, jambonz::Jambonz},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    name: String,
    secret: String,
    time: i64,
    body: String,
    header: String,
}

const JSON: (&str, &str) = ("content-type", "application/json");

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("../fixtures/jambonz/signatures.json")).unwrap()
}

fn read(
    headers: &[(&str, &str)],
    body: &str,
    secret: Option<&str>,
    received_at: DateTime<Utc>,
) -> Result<Vec<InboundReport>, InboundError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name: HeaderName = name.parse().unwrap();
        map.append(name, HeaderValue::from_str(value).unwrap());
    }
    let request = InboundRequest {
        url: "https://calls.example.com/inbound/jambonz/1",
        headers: &map,
        body: body.as_bytes(),
        received_at,
    };
    let credentials = Credentials {
        account: "9351f46a-678c-43f5-b8a6-d4eb58d131af".to_owned(),
        key_id: None,
        secret: "38700987-c7a4-4685-a5bb-af378f9734de".into(),
        signing_secret: secret.map(Into::into),
    };
    Jambonz.read(&request, &credentials)
}

impl Vector {
    fn signed_at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.time, 0).unwrap()
    }

    fn read(&self) -> Result<Vec<InboundReport>, InboundError> {
        let headers = [JSON, ("jambonz-signature", &self.header)];
        read(&headers, &self.body, Some(&self.secret), self.signed_at())
    }
}

#[test]
fn every_signature_that_the_sdk_takes_is_genuine_and_no_altered_one() {
    for mut vector in vectors() {
        assert_eq!(vector.read().unwrap().len(), 1, "{}", vector.name);
        let mut refused = |change: fn(&mut Vector)| {
            let (body, header, secret) = (
                vector.body.clone(),
                vector.header.clone(),
                vector.secret.clone(),
            );
            change(&mut vector);
            assert_eq!(
                vector.read(),
                Err(InboundError::Unverified),
                "{}",
                vector.header
            );
            (vector.body, vector.header, vector.secret) = (body, header, secret);
        };
        refused(|v| v.body = v.body.replace("call_sid", "call-sid"));
        refused(|v| v.body.push(' '));
        refused(|v| v.secret.push('0'));
        refused(|v| v.secret.clear());
        refused(|v| v.header = v.header.replace("t=17", "t=18"));
        refused(|v| v.header = v.header.replace("t=1761069851", "t=1761069852"));
        refused(|v| v.header = v.header.replace("v1=", "v2="));
        refused(|v| v.header = v.header.replace("t=1761069851,", ""));
        refused(|v| v.header.insert_str(0, "t=1761069851,"));
        refused(|v| v.header.clear());
    }
}

#[test]
fn a_signature_is_good_for_five_minutes_and_one_of_several_will_do() {
    let vector = vectors().remove(0);
    let headers = [JSON, ("jambonz-signature", vector.header.as_str())];
    let read = |headers: &[(&str, &str)], seconds, secret| {
        let received_at = vector.signed_at() + TimeDelta::seconds(seconds);
        read(headers, &vector.body, secret, received_at)
    };
    let secret = Some(vector.secret.as_str());
    for seconds in [-300, 0, 300] {
        read(&headers, seconds, secret).unwrap();
    }
    for seconds in [-301, 301] {
        assert_eq!(
            read(&headers, seconds, secret),
            Err(InboundError::Unverified)
        );
    }
    // The API key signs nothing: without the webhook secret nothing is believed.
    assert_eq!(read(&headers, 0, None), Err(InboundError::Unverified));
    let (time, good) = vector.header.split_once(',').unwrap();
    let wrong = format!("v1={}", "0".repeat(64));
    let eighth = [vec![time], vec![&wrong; 7], vec![good]].concat().join(",");
    let ninth = [vec![time], vec![&wrong; 8], vec![good]].concat().join(",");
    assert_eq!(
        read(&[JSON, ("jambonz-signature", &eighth)], 0, secret)
            .unwrap()
            .len(),
        1
    );
    let spaced = format!("{time}, {good}");
    assert_eq!(
        read(&[JSON, ("jambonz-signature", &spaced)], 0, secret)
            .unwrap()
            .len(),
        1
    );
    for headers in [
        vec![JSON],
        vec![headers[1]],
        vec![JSON, headers[1], headers[1]],
        vec![JSON, ("jambonz-signature", ninth.as_str())],
        vec![JSON, ("jambonz-signature", "t=99999999999999999999,v1=00")],
        vec![("content-type", "text/plain"), headers[1]],
    ] {
        assert_eq!(
            read(&headers, 0, secret),
            Err(InboundError::Unverified),
            "{headers:?}"
        );
    }
}

#[test]
fn a_callback_tells_who_when_how_long_and_why() {
    let vector = vectors().remove(0);
    let report = vector.read().unwrap().remove(0);
    assert_eq!(report.call.as_str(), "76ad1a2b-3f0f-4a6f-9141-591ad175c952");
    assert_eq!(report.kind, ReportKind::Ended(EndState::Completed));
    assert_eq!(report.occurred_at, Some(vector.signed_at()));
    let event_id = "76ad1a2b-3f0f-4a6f-9141-591ad175c952 completed";
    assert_eq!(report.event_id.as_deref(), Some(event_id));
    assert_eq!(report.facts.direction, Some(Direction::Outbound));
    assert_eq!(report.facts.duration_s, Some(42));
    let reason = report.facts.disconnect_reason.unwrap();
    assert_eq!(reason.as_str(), "terminated by caller");

    let leg = vectors().remove(1).read().unwrap().remove(0);
    let parent = leg.leg.parent.unwrap();
    assert_eq!(parent.as_str(), "76ad1a2b-3f0f-4a6f-9141-591ad175c952");
    assert_eq!(leg.kind, ReportKind::Ended(EndState::Failed));
    assert_eq!(leg.facts.duration_s, None);
    let reason = leg.facts.disconnect_reason.unwrap();
    assert_eq!(reason.as_str(), "SIP 503 Service Unavailable");
}

#[test]
fn what_is_verified_and_tells_of_no_call_is_refused_as_such() {
    use aws_lc_rs::hmac;
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"secret");
    let told = |body: &str| {
        let signature = hex::encode(hmac::sign(&key, format!("0.{body}").as_bytes()));
        let header = format!("t=0,v1={signature}");
        let headers = [JSON, ("jambonz-signature", header.as_str())];
        read(&headers, body, Some("secret"), DateTime::UNIX_EPOCH)
    };
    let long = format!(
        r#"{{"call_sid":"{}","call_status":"ringing"}}"#,
        "x".repeat(300)
    );
    for body in [
        "null",
        "[]",
        "{}",
        r#"{"call_sid":"C1"}"#,
        r#"{"call_status":"ringing"}"#,
        r#"{"call_sid":"","call_status":"ringing"}"#,
        &long,
    ] {
        assert!(
            matches!(told(body), Err(InboundError::Malformed(_))),
            "{body}"
        );
    }
    let odd = r#"{"call_sid":"C1","call_status":"completed","duration":-1,"direction":"none","from":"","to":"sip:a@b"}"#;
    let report = told(odd).unwrap().remove(0);
    assert_eq!(report.facts.duration_s, None);
    assert_eq!(report.facts.direction, None);
    assert_eq!(report.facts.from, None);
    assert_eq!(report.facts.to.unwrap().raw(), "sip:a@b");
    let too_long = r#"{"call_sid":"C1","call_status":"completed","duration":604801}"#;
    assert_eq!(told(too_long).unwrap().remove(0).facts.duration_s, None);
}
