//! LiveKit's replies, its room service over twirp, and its webhooks: see `tests/fixtures/livekit`.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use onhook::{
    domain::{connection::Credentials, report::ReportKind, state::EndState},
    providers::InboundError,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::provider_double::{ProviderDouble, Reply};

use super::{
    connection, end,
    vendor::{Case, Inbound, Posted, Replies, Status, Vendor},
};

pub(crate) const VENDOR: Vendor = Vendor {
    name: "livekit",
    credentials,
    end: replies,
    probe: || vec![Reply::json(200, r#"{"rooms":[]}"#)],
    provider: None,
    inbound: Some(&INBOUND),
};

const INBOUND: Inbound = Inbound {
    genuine: |url, now| {
        posted(
            url,
            include_str!("../../fixtures/livekit/room_finished.json"),
            now,
        )
    },
    proof: &["authorization"],
    url_is_signed: false,
    body_is_free: false,
    window_s: Some(300),
    other_media_type: Some(InboundError::Malformed("not application/webhook+json")),
    statuses,
    lives: |_url, _now| Vec::new(),
};

/// Every event, and every reason for which a telephone leaves, by the names of `livekit.DisconnectReason`.
fn statuses(url: &str, now: DateTime<Utc>) -> Vec<Status> {
    let over = Some(ReportKind::HungUp(EndState::Canceled));
    let ended = |end| Some(ReportKind::Ended(end));
    let events = [
        ("room_finished", over),
        ("room_started", None),
        ("participant_joined", None),
        ("participant_connection_aborted", None),
        ("track_published", None),
        ("track_unpublished", None),
        ("egress_started", None),
        ("egress_updated", None),
        ("egress_ended", None),
        ("ingress_started", None),
        ("ingress_ended", None),
        ("levitation_started", None),
    ];
    let events = events.map(|(event, kind)| {
        let mut finished: Value =
            serde_json::from_str(include_str!("../../fixtures/livekit/room_finished.json"))
                .unwrap();
        finished["event"] = event.into();
        (posted(url, &finished.to_string(), now), kind)
    });
    let reasons = [
        ("UNKNOWN_REASON", over),
        ("CLIENT_INITIATED", over),
        ("DUPLICATE_IDENTITY", None),
        ("SERVER_SHUTDOWN", None),
        ("PARTICIPANT_REMOVED", over),
        ("ROOM_DELETED", over),
        ("STATE_MISMATCH", None),
        ("JOIN_FAILURE", ended(EndState::Failed)),
        ("MIGRATION", None),
        ("SIGNAL_CLOSE", None),
        ("ROOM_CLOSED", over),
        ("USER_UNAVAILABLE", ended(EndState::NoAnswer)),
        ("USER_REJECTED", ended(EndState::Busy)),
        ("SIP_TRUNK_FAILURE", ended(EndState::Failed)),
        ("CONNECTION_TIMEOUT", over),
        ("MEDIA_FAILURE", ended(EndState::Failed)),
        ("AGENT_ERROR", ended(EndState::Failed)),
        ("LEVITATED", over),
    ];
    let reasons = reasons.map(|(reason, kind)| {
        let mut left: Value =
            serde_json::from_str(include_str!("../../fixtures/livekit/participant_left.json"))
                .unwrap();
        left["participant"]["disconnectReason"] = reason.into();
        (posted(url, &left.to_string(), now), kind)
    });
    let browser = include_str!("../../fixtures/livekit/participant_left.json");
    let browser = (
        posted(url, &browser.replace("\"SIP\"", "\"STANDARD\""), now),
        None,
    );
    events.into_iter().chain(reasons).chain([browser]).collect()
}

/// A webhook, signed as the server signs: a token that is good for five minutes, over the hash of the body.
pub(crate) fn posted(url: &str, body: &str, now: DateTime<Utc>) -> Posted {
    let signed = now.timestamp();
    let claims = json!({
        "iss": "ACCOUNT", "nbf": signed, "exp": signed + 300,
        "sha256": BASE64_STANDARD.encode(digest(&SHA256, body.as_bytes())),
    });
    let key = EncodingKey::from_secret(b"hush");
    let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap();
    let headers = [
        ("authorization", token.as_str()),
        ("content-type", "application/webhook+json"),
    ];
    Posted::new(url, &headers, body)
}

fn credentials() -> Credentials {
    Credentials {
        account: "ACCOUNT".to_owned(),
        key_id: None,
        secret: "hush".into(),
        signing_secret: None,
    }
}

fn replies(case: Case) -> Replies {
    Replies::Own(vec![match case {
        Case::Ends => Reply::json(200, "{}"),
        Case::Unknown => Reply::json(
            404,
            r#"{"code":"not_found","msg":"requested room does not exist"}"#,
        ),
        Case::Refused => Reply::json(400, r#"{"code":"invalid_argument","msg":"no room"}"#),
        Case::AlreadyOver => return Replies::Never("a room that is over is not known"),
        _ => return Replies::Common,
    }])
}

#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    nbf: u64,
    exp: u64,
    video: Value,
}

#[tokio::test]
async fn livekit_is_asked_with_a_short_lived_grant() {
    let double = ProviderDouble::start([Reply::json(200, "{}")]);
    let base_url = double.base_url().join("livekit").unwrap();
    end(&connection(&VENDOR, base_url), "a \"room\"")
        .await
        .unwrap();
    let asked = double.requests().remove(0);
    assert_eq!(asked.method, "POST");
    assert_eq!(
        asked.target,
        "/livekit/twirp/livekit.RoomService/DeleteRoom"
    );
    assert_eq!(asked.header("content-type"), "application/json");
    assert_eq!(asked.body, r#"{"room":"a \"room\""}"#);
    let token = asked
        .header("authorization")
        .strip_prefix("Bearer ")
        .unwrap();
    let key = jsonwebtoken::DecodingKey::from_secret(b"hush");
    let validation = jsonwebtoken::Validation::new(Algorithm::HS256);
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation)
        .unwrap()
        .claims;
    assert_eq!(claims.iss, "ACCOUNT");
    assert_eq!(claims.video, serde_json::json!({ "roomCreate": true }));
    assert_eq!(claims.exp - claims.nbf, 600);
}
