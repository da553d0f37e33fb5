//! How Vonage is asked, and what else its adapter makes of its answers and of its proofs.

use std::time::Duration;

use aws_lc_rs::{
    digest::{SHA256, digest},
    encoding::{AsDer as _, Pkcs8V1Der},
    signature::KeyPair as _,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::DateTime;
use http::header;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use onhook::{
    domain::{
        connection::{AnsweredBy, Credentials},
        id::CallId,
        report::ProviderCallId,
        text::Text,
    },
    providers::{Access, CallOrder, HangUpOrder, InboundError, InboundRequest, Providers, Search},
};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::provider_double::{ProviderDouble, Recorded, Reply};

use super::{
    super::{
        come_to, connection, egress, end,
        vendor::{Posted, from, to},
    },
    BAD_REQUEST, KEY, NOT_FOUND, SECRET, VENDOR, call, credentials, event, page, with_claims,
};
#[derive(Debug, Deserialize)]
struct Claims {
    application_id: String,
    iat: u64,
    exp: u64,
    jti: Uuid,
}

/// The claims of a request's token, which the application's public key verifies.
fn claims(asked: &Recorded) -> Claims {
    let header = asked.header(header::AUTHORIZATION.as_str());
    let token = header.strip_prefix("Bearer ").unwrap();
    let key = DecodingKey::from_rsa_der(KEY.public_key().as_ref());
    let validation = Validation::new(Algorithm::RS256);
    jsonwebtoken::decode(token, &key, &validation)
        .unwrap()
        .claims
}

#[tokio::test]
async fn vonage_is_asked_with_a_new_token_each_time() {
    let double = ProviderDouble::start([Reply::json(204, ""), Reply::json(204, "")]);
    let connection = connection(&VENDOR, double.base_url().join("eu").unwrap());
    for _ in 0..2 {
        end(&connection, "U/1").await.unwrap();
    }
    let asked = double.requests();
    assert_eq!(asked[0].method, "PUT");
    assert_eq!(asked[0].target, "/eu/v1/calls/U%2F1");
    assert_eq!(asked[0].header("content-type"), "application/json");
    assert_eq!(asked[0].body, r#"{"action":"hangup"}"#);
    let (first, second) = (claims(&asked[0]), claims(&asked[1]));
    assert_eq!(first.application_id, "APPLICATION");
    assert_eq!(first.exp - first.iat, 300);
    assert_ne!(first.jti, second.jti);
}

#[tokio::test]
async fn a_private_key_is_taken_in_either_form_of_pem() {
    let der: Pkcs8V1Der<'static> = KEY.as_der().unwrap();
    // PKCS#8 is a head of 26 bytes before the PKCS#1.
    for (kind, der) in [
        ("PRIVATE", der.as_ref()),
        ("RSA PRIVATE", &der.as_ref()[26..]),
    ] {
        let double = ProviderDouble::start([Reply::json(204, "")]);
        let mut connection = connection(&VENDOR, double.base_url());
        let key = BASE64_STANDARD.encode(der);
        let pem = format!("-----BEGIN {kind} KEY-----\n{key}\n-----END {kind} KEY-----\n");
        connection.credentials.secret = pem.into();
        assert_eq!(come_to(end(&connection, "U1").await), "ended", "{kind}");
        claims(&double.requests()[0]);
    }
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_and_nobody_is_asked() {
    let double = ProviderDouble::start([]);
    let mut connection = connection(&VENDOR, double.base_url());
    connection.credentials.secret = "hush, not a key".into();
    let refused = end(&connection, "U1").await;
    assert_eq!(come_to(refused), "never: refused");
    assert!(double.requests().is_empty());
}

#[tokio::test]
async fn a_call_that_is_too_young_is_hung_up_two_seconds_later() {
    let over = call("NAME", "timeout").to_string();
    let live = call("NAME", "answered").to_string();
    let early = || Reply::json(400, BAD_REQUEST);
    let (over, live) = (
        || Reply::json(200, over.clone()),
        || Reply::json(200, live.clone()),
    );
    let unknown = || Reply::json(404, NOT_FOUND);
    let cases = [
        (4, vec![early(), live(), Reply::json(204, "")], "ended"),
        (4, vec![early(), unknown(), Reply::json(204, "")], "ended"),
        (4, vec![early(), over()], "already over"),
        (4, vec![early(), live(), early(), over()], "already over"),
        (4, vec![early(), live(), unknown(), unknown()], "not found"),
        (4, vec![early(), live(), early(), live()], "later: garbled"),
        // No time is left to wait.
        (2, vec![early(), live(), live()], "later: garbled"),
        (2, vec![early(), unknown(), unknown()], "not found"),
    ];
    let asking = cases.map(|(deadline_s, replies, expected)| async move {
        let (count, egress) = (replies.len(), egress());
        let double = ProviderDouble::start(replies);
        let connection = connection(&VENDOR, double.base_url());
        let access = Access {
            egress: &egress,
            connection: &connection,
            deadline: Duration::from_secs(deadline_s),
        };
        let hang_up = HangUpOrder {
            call: &ProviderCallId::parse("NAME").unwrap(),
            request_id: Uuid::nil(),
            answered: false,
        };
        let vonage = Providers::default().named("vonage").unwrap();
        let result = vonage.end(&access, &hang_up).await;
        assert_eq!(come_to(result), expected);
        assert_eq!(double.requests().len(), count, "{expected}");
    });
    let mut all = tokio::task::JoinSet::new();
    for one in asking {
        all.spawn(one);
    }
    while let Some(one) = all.join_next().await {
        one.unwrap();
    }
}

#[tokio::test]
async fn vonage_is_given_an_order_as_its_api_documents() {
    let placed = || Reply::json(201, json!({"uuid": "U1"}).to_string());
    let double = ProviderDouble::start([placed(), placed(), placed()]);
    let (connection, egress) = (connection(&VENDOR, double.base_url()), egress());
    let access = Access {
        egress: &egress,
        connection: &connection,
        deadline: Duration::from_secs(1),
    };
    let url = AnsweredBy::Url("https://agent.example.com/voice?a=b".parse().unwrap());
    let application = AnsweredBy::Application(Text::parse("APP").unwrap());
    let (from, to) = (from(), to());
    let order = CallOrder {
        from: &from,
        to: &to,
        extension: Some("123"),
        answered_by: &url,
        told: &[("call_id", "a&b")],
        status_callback: "https://calls.example.com/inbound/vonage/c1?call=z",
        call_id: CallId::generate(),
        max_duration: Some(Duration::from_mins(10)),
    };
    let vonage = Providers::default().named("vonage").unwrap();
    vonage.create(&access, &order).await.unwrap();
    let asked = double.requests().remove(0);
    assert_eq!(
        (asked.method.as_str(), asked.target.as_str()),
        ("POST", "/v1/calls")
    );
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(
        body,
        json!({
            "to": [{"type": "phone", "number": "14155550148", "dtmfAnswer": "pp123"}],
            "from": {"type": "phone", "number": "14155550100"},
            "answer_url": ["https://agent.example.com/voice?a=b&call_id=a%26b"],
            "answer_method": "GET",
            "event_url": ["https://calls.example.com/inbound/vonage/c1?call=z"],
            "event_method": "POST",
            "ringing_timer": 60,
            "length_timer": 600,
        })
    );
    // Its bounds are those of the API: 1 to 86,400 seconds.
    for (asked, (max, given)) in [(0, 1), (86_401, 86_400)].into_iter().enumerate() {
        let max_duration = Some(Duration::from_secs(max));
        let order = CallOrder {
            max_duration,
            ..order
        };
        vonage.create(&access, &order).await.unwrap();
        let body: Value = serde_json::from_str(&double.requests()[asked + 1].body).unwrap();
        assert_eq!(body["length_timer"], given);
    }
    let order = CallOrder {
        answered_by: &application,
        ..order
    };
    let refused = vonage.create(&access, &order).await.unwrap_err();
    assert!(!refused.may_be_done(), "{refused}");
    assert_eq!(double.requests().len(), 3);
}

#[tokio::test]
async fn a_call_whose_answer_was_lost_is_found_on_a_bounded_number_of_pages() {
    let placed = |uuid: &str| {
        let mut call = call(uuid, "started");
        call["from"]["number"] = "14155550100".into();
        call["to"]["number"] = "14155550148".into();
        call
    };
    let mut inbound = placed("U0");
    inbound["direction"] = "inbound".into();
    let next =
        |index| format!("https://elsewhere.example.com/calls?page_size=100&record_index={index}");
    let first = page(
        &[inbound, call("U9", "started"), placed("U1")],
        Some(&next(100)),
    );
    let mut pages = vec![
        Reply::json(200, first),
        Reply::json(200, page(&[placed("U2")], None)),
    ];
    pages.extend(
        (0..6).map(|at| Reply::json(200, page(&[placed("U3")], Some(&next(100 * (at + 1)))))),
    );
    let double = ProviderDouble::start(pages);
    let (connection, egress) = (connection(&VENDOR, double.base_url()), egress());
    let access = Access {
        egress: &egress,
        connection: &connection,
        deadline: Duration::from_secs(1),
    };
    let search = Search {
        call_id: CallId::generate(),
        from: &from(),
        to: &to(),
        since: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
    };
    let vonage = Providers::default().named("vonage").unwrap();
    let found = vonage.created_since(&access, &search).await.unwrap();
    let found: Vec<&str> = found.iter().map(ProviderCallId::as_str).collect();
    assert_eq!(found, ["U1", "U2"]);
    let asked = double.requests();
    let query = "date_start=2027-01-15T08%3A00%3A00Z&order=asc&page_size=100&record_index";
    assert_eq!(asked[0].target, format!("/v1/calls?{query}=0"));
    assert_eq!(asked[1].target, format!("/v1/calls?{query}=100"));

    let found = vonage.created_since(&access, &search).await.unwrap();
    assert_eq!((found.len(), double.requests().len()), (5, 7));
}

#[test]
fn a_token_of_another_kind_or_about_something_else_proves_nothing() {
    let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let body = event("U1", "completed", now).to_string();
    let hash = hex::encode(digest(&SHA256, body.as_bytes()));
    let good = json!({"iat": now.timestamp(), "payload_hash": hash});
    let secret = (Algorithm::HS256, SECRET);
    let read = |posted: &Posted, credentials: &Credentials| {
        let request = InboundRequest {
            url: &posted.url,
            headers: &posted.headers,
            body: &posted.body,
            received_at: now,
        };
        let vonage = Providers::default().named("vonage").unwrap();
        vonage
            .read(&request, credentials)
            .map(|reports| reports.len())
    };
    let altered = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        with_claims("u", body.clone(), &claims, secret)
    };
    assert_eq!(
        read(
            &with_claims("u", body.clone(), &good, secret),
            &credentials()
        ),
        Ok(1)
    );
    let mut no_secret = credentials();
    no_secret.signing_secret = None;
    let mut empty_secret = credentials();
    empty_secret.signing_secret = Some("".into());
    for (posted, credentials) in [
        (
            with_claims("u", body.clone(), &good, (Algorithm::HS512, SECRET)),
            credentials(),
        ),
        (
            with_claims("u", body.clone(), &good, (Algorithm::HS256, "guess")),
            credentials(),
        ),
        (altered("application_id", "OTHER".into()), credentials()),
        (altered("payload_hash", Value::Null), credentials()),
        (altered("payload_hash", "".into()), credentials()),
        (altered("iat", Value::Null), credentials()),
        (altered("iat", i64::MIN.into()), credentials()),
        (with_claims("u", body.clone(), &good, secret), no_secret),
        (
            with_claims("u", body.clone(), &good, (Algorithm::HS256, "")),
            empty_secret,
        ),
    ] {
        assert_eq!(
            read(&posted, &credentials),
            Err(InboundError::Unverified),
            "{posted:?}"
        );
    }
    let mut basic = with_claims("u", body.clone(), &good, secret);
    basic
        .headers
        .insert("authorization", "Basic eDp5".parse().unwrap());
    assert_eq!(read(&basic, &credentials()), Err(InboundError::Unverified));
    // Vonage itself may fail to sign, and asks for a 5xx then.
    let mut unsigned = basic;
    unsigned.headers.remove("authorization");
    let again = read(&unsigned, &credentials()).unwrap_err();
    assert!(matches!(again, InboundError::TryAgain(_)));
}
