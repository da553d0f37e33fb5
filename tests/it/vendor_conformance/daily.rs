//! Daily's replies and webhooks, as docs.daily.co has them: see `tests/fixtures/daily`.

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use onhook::{
    domain::{connection::Credentials, report::ReportKind, state::EndState},
    providers::InboundRequest,
    rooms::Rooms,
};
use serde_json::Value;

use crate::provider_double::{ProviderDouble, Reply};

use super::{
    connection, end,
    vendor::{Case, Inbound, Posted, Replies, Vendor},
};

pub(crate) const VENDOR: Vendor = Vendor {
    name: "daily",
    credentials,
    end: replies,
    probe: || vec![Reply::json(200, r#"{"domain_name":"acme","config":{}}"#)],
    provider: None,
    inbound: Some(&INBOUND),
};

const INBOUND: Inbound = Inbound {
    genuine: |url, now| posted(url, MEETING_ENDED, now),
    proof: &["x-webhook-signature", "x-webhook-timestamp"],
    url_is_signed: false,
    body_is_free: false,
    window_s: Some(300),
    other_media_type: None,
    statuses: |url, now| {
        let over = Some(ReportKind::HungUp(EndState::Canceled));
        [
            ("meeting.ended", over),
            ("meeting.started", None),
            ("participant.joined", None),
            ("participant.left", None),
            ("recording.ready-to-download", None),
            ("dialout.ended", None),
            ("levitation.ended", None),
        ]
        .map(|(event, kind)| {
            (
                posted(url, &MEETING_ENDED.replace("meeting.ended", event), now),
                kind,
            )
        })
        .into()
    },
    lives: |_url, _now| Vec::new(),
};

const MEETING_ENDED: &str = include_str!("../../fixtures/daily/meeting_ended.json");

/// 32 bytes, in base64.
pub(crate) const SECRET: &str = "aHVzaCBodXNoIGh1c2ggaHVzaCBodXNoIGh1c2ghISE=";

fn credentials() -> Credentials {
    Credentials {
        account: String::new(),
        key_id: None,
        secret: "hush".into(),
        signing_secret: Some(SECRET.into()),
    }
}

fn replies(case: Case) -> Replies {
    Replies::Own(vec![match case {
        Case::Ends => Reply::json(200, r#"{"deleted":true,"name":"NAME"}"#),
        Case::AlreadyOver => Reply::json(
            404,
            r#"{"error":"not-found","info":"room NAME not found","deleted":true}"#,
        ),
        Case::Unknown => Reply::json(404, r#"{"error":"not-found","info":"room NAME not found"}"#),
        Case::Refused => Reply::json(
            400,
            r#"{"error":"invalid-request-error","info":"no such thing"}"#,
        ),
        Case::WrongCredentials => Reply::json(400, r#"{"error":"authentication-error"}"#),
        _ => return Replies::Common,
    }])
}

/// A webhook, signed as Daily signs, with the time in milliseconds as it comes.
pub(crate) fn posted(url: &str, body: &str, now: DateTime<Utc>) -> Posted {
    signed(url, body, &now.timestamp_millis().to_string())
}

fn signed(url: &str, body: &str, timestamp: &str) -> Posted {
    let key = BASE64_STANDARD.decode(SECRET).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let tag = hmac::sign(&key, format!("{timestamp}.{body}").as_bytes());
    let headers = [
        ("content-type", "application/json"),
        ("x-webhook-timestamp", timestamp),
        ("x-webhook-signature", &BASE64_STANDARD.encode(tag)),
    ];
    Posted::new(url, &headers, body)
}

fn is_taken(posted: &Posted, credentials: &Credentials, received_at: DateTime<Utc>) -> bool {
    let request = InboundRequest {
        url: &posted.url,
        headers: &posted.headers,
        body: &posted.body,
        received_at,
    };
    let daily = Rooms::default().named("daily").unwrap();
    daily.read(&request, credentials).is_ok()
}

#[tokio::test]
async fn daily_is_asked_as_its_api_documents() {
    let double = ProviderDouble::start([Reply::json(200, r#"{"deleted":true,"name":"a"}"#)]);
    let connection = connection(&VENDOR, double.base_url());
    end(&connection, "support-42").await.unwrap();
    let asked = double.requests().remove(0);
    assert_eq!(asked.method, "DELETE");
    assert_eq!(asked.target, "/v1/rooms/support-42");
    assert_eq!(asked.header("authorization"), "Bearer hush");
}

#[test]
fn what_daily_itself_has_signed_is_genuine() {
    let captured: Value =
        serde_json::from_str(include_str!("../../fixtures/daily/captured.json")).unwrap();
    let text = |name: &str| captured[name].as_str().unwrap();
    let headers = [
        ("x-webhook-timestamp", text("timestamp")),
        ("x-webhook-signature", text("signature")),
    ];
    let posted = Posted::new("https://a.example/", &headers, text("body"));
    let received_at = DateTime::from_timestamp_millis(text("timestamp").parse().unwrap()).unwrap();
    let with = |secret: Option<&str>| Credentials {
        signing_secret: secret.map(Into::into),
        ..credentials()
    };
    assert!(is_taken(&posted, &with(Some(text("secret"))), received_at));
    assert!(!is_taken(&posted, &with(Some(SECRET)), received_at));
    assert!(!is_taken(&posted, &with(Some("")), received_at));
    assert!(!is_taken(&posted, &with(Some("not base64")), received_at));
    assert!(!is_taken(&posted, &with(None), received_at));
}

#[test]
fn a_time_in_seconds_is_read_too_and_the_probe_needs_no_signature() {
    let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    for (timestamp, taken) in [
        ("1800000000", true),
        ("1800000000.25", true),
        ("1800000000000", true),
        ("1799999699", false),
        ("1800000301000", false),
        ("18000000", false),
        ("-1800000000", false),
        ("now", false),
        ("", false),
        ("9223372036854775807", false),
    ] {
        let posted = signed("https://a.example/", MEETING_ENDED, timestamp);
        assert_eq!(is_taken(&posted, &credentials(), now), taken, "{timestamp}");
    }
    let bare = |body: &str| Posted::new("https://a.example/", &[], body);
    assert!(is_taken(&bare(r#"{"test":"test"}"#), &credentials(), now));
    assert!(!is_taken(&bare(MEETING_ENDED), &credentials(), now));
}
