//! Naming a call's media room, and seeing the connections that may be named: who may, and what is refused.

use onhook::{
    calls::connect::NewConnection,
    domain::{
        account::{KeyKind, VoipMode},
        connection::Credentials,
        id::{AccountId, ConnectionId},
    },
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{TestAccount, TestApp};

struct Rooms {
    app: TestApp,
    account: TestAccount,
    livekit: ConnectionId,
}

async fn rooms() -> Rooms {
    let app = TestApp::boot_with(&[("ONHOOK_PUBLIC_URL", "https://calls.example.com")]).await;
    let account = app.default_account().await;
    let livekit = add(&app, account.id, "livekit").await;
    Rooms {
        app,
        account,
        livekit,
    }
}

async fn add(app: &TestApp, account_id: AccountId, vendor: &str) -> ConnectionId {
    let new = NewConnection {
        account_id,
        vendor: vendor.to_owned(),
        base_url: Some("http://127.0.0.1:9/".to_owned()),
        credentials: Credentials {
            account: "AC1".to_owned(),
            key_id: None,
            secret: "hush".into(),
            signing_secret: None,
        },
        numbers: Vec::new(),
        answered_by: None,
    };
    app.connect(new).await
}

impl Rooms {
    /// Reports a call of the default account; answers our id of it.
    async fn call(&self, name: &str, post: &str) -> String {
        let body = json!({"CallId": name, "From": "+14155550100", "To": "+14155550148",
            "Direction": "incoming", "CallStatus": "completed"});
        let request = self
            .app
            .request(Method::POST, &format!("/api/v1/voip/{post}"));
        assert_eq!(request.json(&body).send().await.unwrap().status(), 200);
        sqlx::query_scalar("select call_id::text from calls where provider_call_id = $1")
            .bind(name)
            .fetch_one(&self.app.db)
            .await
            .unwrap()
    }

    async fn put(&self, call: &str, key: &str, body: Value) -> u16 {
        let request = self.app.put(&format!("/v1/calls/{call}/room"), key);
        request.json(&body).send().await.unwrap().status().as_u16()
    }

    async fn stored(&self, call: &str) -> (Option<String>, i64) {
        sqlx::query_as("select room_name, version from calls where call_id = $1::uuid")
            .bind(call)
            .fetch_one(&self.app.db)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn the_room_that_was_named_last_is_the_calls_room() {
    let rooms = rooms().await;
    let call = rooms.call("one", "call-ringing").await;
    let room = |name| json!({"connection_id": rooms.livekit, "name": name});
    assert_eq!(rooms.put(&call, &rooms.account.key, room("a")).await, 204);
    let (name, version) = rooms.stored(&call).await;
    assert_eq!(name.as_deref(), Some("a"));
    assert_eq!(rooms.put(&call, &rooms.account.key, room("a")).await, 204);
    assert_eq!(
        rooms.stored(&call).await,
        (name, version),
        "nothing changed"
    );
    assert_eq!(rooms.put(&call, &rooms.account.key, room("b")).await, 204);
    assert_eq!(rooms.stored(&call).await.0.as_deref(), Some("b"));
}

#[tokio::test]
async fn a_room_that_could_not_be_deleted_is_refused() {
    let rooms = rooms().await;
    let other = rooms.app.account("other", VoipMode::Key).await;
    let theirs = add(&rooms.app, other.id, "livekit").await;
    let twilio = add(&rooms.app, rooms.account.id, "twilio").await;
    let call = rooms.call("live", "call-ringing").await;
    let ended = rooms.call("over", "call-end").await;
    let unknown = ConnectionId::generate();
    let key = rooms.account.key.as_str();
    let room = |connection_id: ConnectionId| json!({"connection_id": connection_id, "name": "a"});
    let named = |name: &str| json!({"connection_id": rooms.livekit, "name": name});
    let long = "x".repeat(256);
    for (call, key, body, status) in [
        (unknown.to_string().as_str(), key, room(rooms.livekit), 404),
        (&call, &other.key, room(theirs), 404),
        ("one", key, room(rooms.livekit), 400),
        (&ended, key, room(rooms.livekit), 409),
        (&call, key, room(unknown), 422),
        (&call, key, room(theirs), 422),
        (&call, key, room(twilio), 422),
        (&call, key, named(""), 400),
        (&call, key, named("a\0"), 400),
        (&call, key, named(&long), 400),
        (&call, key, json!({"name": "a"}), 400),
        (
            &call,
            key,
            json!({"connection_id": rooms.livekit, "name": "a", "more": 1}),
            400,
        ),
        (&call, "onhook_app_nobody", room(rooms.livekit), 401),
    ] {
        assert_eq!(
            rooms.put(call, key, body.clone()).await,
            status,
            "{call} {body}"
        );
    }
    let ingest = rooms.app.key(rooms.account.id, KeyKind::Ingest).await;
    assert_eq!(rooms.put(&call, &ingest, room(rooms.livekit)).await, 403);
    assert_eq!(rooms.stored(&call).await.0, None);
}

#[tokio::test]
async fn an_account_sees_its_connections_and_no_secret_of_them() {
    let rooms = rooms().await;
    let twilio = add(&rooms.app, rooms.account.id, "twilio").await;
    let other = rooms.app.account("other", VoipMode::Key).await;
    let list = async |key: &str| rooms.app.get("/v1/connections", key).send().await.unwrap();

    let answer = list(&rooms.account.key).await.text().await.unwrap();
    assert!(
        !answer.contains("hush") && !answer.contains("AC1"),
        "{answer}"
    );
    let listed: Value = serde_json::from_str(&answer).unwrap();
    let overrides = "#rc=5&rp=ct,rt,5xx";
    let callback = format!("https://calls.example.com/inbound/twilio/{twilio}{overrides}");
    assert_eq!(listed["data"][0]["id"], json!(twilio));
    assert_eq!(listed["data"][0]["status_callback_url"], callback);
    assert_eq!(listed["data"][1]["provider"], "livekit");
    let callback = format!(
        "https://calls.example.com/inbound/livekit/{}",
        rooms.livekit
    );
    assert_eq!(listed["data"][1]["status_callback_url"], callback);
    let theirs: Value = list(&other.key).await.json().await.unwrap();
    assert_eq!(theirs, json!({"data": []}));

    let staff = rooms.app.key(rooms.account.id, KeyKind::Staff).await;
    assert_eq!(list(&staff).await.status(), 403);
}
