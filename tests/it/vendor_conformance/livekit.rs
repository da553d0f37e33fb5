//! LiveKit's replies: its room service over twirp.

use onhook::domain::connection::Credentials;
use serde::Deserialize;

use crate::provider_double::{ProviderDouble, Reply};

use super::{
    connection, end,
    vendor::{Case, Replies, Vendor},
};

pub(crate) const VENDOR: Vendor = Vendor {
    name: "livekit",
    credentials,
    end: replies,
    probe: Vec::new,
    provider: None,
    inbound: None,
};

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
    video: serde_json::Value,
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
    let validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation)
        .unwrap()
        .claims;
    assert_eq!(claims.iss, "ACCOUNT");
    assert_eq!(claims.video, serde_json::json!({ "roomCreate": true }));
    assert_eq!(claims.exp - claims.nbf, 600);
}
