//! What room servers post: the calls of a room that is over, and of a telephone that has left it.

use chrono::{DateTime, Utc};
use onhook::{calls::connect::NewConnection, domain::id::ConnectionId};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    app::{TestAccount, TestApp},
    provider_double::{ProviderDouble, Reply},
    vendor_conformance::{
        daily, livekit,
        vendor::{Posted, Vendor},
    },
};

const FINISHED: &str = include_str!("../fixtures/livekit/room_finished.json");
const LEFT: &str = include_str!("../fixtures/livekit/participant_left.json");

struct Webhooks {
    app: TestApp,
    account: TestAccount,
    connection: ConnectionId,
    now: DateTime<Utc>,
}

async fn connected(app: &TestApp, vendor: &Vendor, base_url: &str) -> ConnectionId {
    let new = NewConnection {
        account_id: app.default_account().await.id,
        vendor: vendor.name.to_owned(),
        base_url: Some(base_url.to_owned()),
        credentials: (vendor.credentials)(),
        numbers: Vec::new(),
        answered_by: None,
    };
    app.connect(new).await
}

async fn webhooks(vendor: &Vendor) -> Webhooks {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let connection = connected(&app, vendor, "http://127.0.0.1:9/").await;
    let now = sqlx::query_scalar("select now()");
    let now = now.fetch_one(&app.db).await.unwrap();
    Webhooks {
        app,
        account,
        connection,
        now,
    }
}

impl Webhooks {
    /// A call in a room; answers our id of it.
    async fn call(&self, name: &str, post: &str, room: &str) -> String {
        let body = json!({"CallId": name, "From": "+14155550148", "To": "+14155550100", "Direction": "incoming"});
        let path = format!("/api/v1/voip/{post}");
        let report = self.app.request(Method::POST, &path).json(&body).send();
        assert_eq!(report.await.unwrap().status(), 200);
        let id: String =
            sqlx::query_scalar("select call_id::text from calls where provider_call_id = $1")
                .bind(name)
                .fetch_one(&self.app.db)
                .await
                .unwrap();
        let body = json!({"connection_id": self.connection, "name": room});
        let put = self
            .app
            .put(&format!("/v1/calls/{id}/room"), &self.account.key);
        assert_eq!(put.json(&body).send().await.unwrap().status(), 204);
        id
    }

    async fn shown(&self, call: &str) -> Value {
        let answer = self
            .app
            .get(&format!("/calls/{call}"), &self.account.key)
            .send()
            .await;
        let answer: Value = answer.unwrap().json().await.unwrap();
        answer["data"].clone()
    }

    async fn status(&self, call: &str) -> String {
        self.shown(call).await["call_status"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    async fn post(&self, posted: &Posted) -> u16 {
        let mut request = self.app.request(Method::POST, &posted.url);
        for (name, value) in &posted.headers {
            request = request.header(name.as_str(), value.to_str().unwrap());
        }
        let answer = request.body(posted.body.clone()).send().await.unwrap();
        answer.status().as_u16()
    }

    /// Posts what LiveKit would, to a connection.
    async fn livekit(&self, connection: ConnectionId, body: &str) -> u16 {
        let url = format!("/inbound/livekit/{connection}");
        self.post(&livekit::posted(&url, body, self.now)).await
    }
}

#[tokio::test]
async fn a_room_that_is_over_ends_the_calls_in_it() {
    let at = webhooks(&livekit::VENDOR).await;
    let talking = at.call("CA1", "call-answered", "support-42").await;
    let ringing = at.call("CA2", "call-ringing", "support-42").await;
    let elsewhere = at.call("CA3", "call-answered", "support-43").await;
    let moved = at.call("CA4", "call-answered", "support-42").await;
    at.call("CA4", "call-answered", "support-44").await;
    let other = connected(&at.app, &livekit::VENDOR, "http://127.0.0.1:9/").await;
    assert_eq!(at.livekit(other, FINISHED).await, 200);
    assert_eq!(
        at.status(&talking).await,
        "in-progress",
        "that is another server's room"
    );

    let reason = FINISHED.replace(
        "\"id\":",
        "\"roomEndReason\":\"ROOM_END_IDLE_TIMEOUT\",\"id\":",
    );
    for _ in 0..2 {
        assert_eq!(at.livekit(at.connection, &reason).await, 200);
    }
    let over = at.shown(&talking).await;
    assert_eq!(over["call_status"], "completed");
    assert_eq!(over["disconnect_reason"], "ROOM_END_IDLE_TIMEOUT");
    assert_eq!(at.status(&ringing).await, "canceled");
    assert_eq!(at.status(&elsewhere).await, "in-progress");
    assert_eq!(
        at.status(&moved).await,
        "in-progress",
        "it has another room now"
    );
    let kept: Vec<(String, Value)> = sqlx::query_as(
        "select source, report from receipts where source = 'livekit' order by call_id",
    )
    .fetch_all(&at.app.db)
    .await
    .unwrap();
    assert_eq!(kept.len(), 2, "one receipt a call: {kept:?}");
    assert_eq!(kept[0].1["event_id"], "EV_eugWmGhovZmm");
    assert_eq!(kept[0].1["room"], "support-42");

    // What comes later fills in, and reopens nothing.
    at.call_end("CA1").await;
    assert_eq!(at.shown(&talking).await["call_duration"], 7);
    let analysed: i64 = sqlx::query_scalar("select count(*) from jobs where kind = 'analyze'")
        .fetch_one(&at.app.db)
        .await
        .unwrap();
    assert_eq!(analysed, 2, "each once");
}

impl Webhooks {
    async fn call_end(&self, name: &str) {
        let body = json!({"CallId": name, "From": "+14155550148", "To": "+14155550100", "Direction": "incoming",
            "CallStatus": "completed", "Duration": 7});
        let report = self
            .app
            .request(Method::POST, "/api/v1/voip/call-end")
            .json(&body);
        assert_eq!(report.send().await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn the_time_of_the_end_is_the_servers_but_never_ahead_of_us() {
    let at = webhooks(&livekit::VENDOR).await;
    let ended_at = async |created_at: i64, name: &str| {
        let call = at.call(name, "call-ringing", "support-42").await;
        let body = FINISHED.replace("1799999990", &created_at.to_string());
        assert_eq!(at.livekit(at.connection, &body).await, 200);
        let ended: DateTime<Utc> =
            sqlx::query_scalar("select ended_at from calls where call_id = $1::uuid")
                .bind(call)
                .fetch_one(&at.app.db)
                .await
                .unwrap();
        ended
    };
    let past = at.now.timestamp() - 30;
    assert_eq!(ended_at(past, "CA1").await.timestamp(), past);
    let ahead = ended_at(at.now.timestamp() + 3600, "CA2").await;
    assert!(
        ahead >= at.now && ahead.timestamp() < at.now.timestamp() + 600,
        "{ahead}"
    );
    let none = ended_at(0, "CA3").await;
    assert!(none >= at.now, "{none}");
}

#[tokio::test]
async fn a_leg_that_its_room_has_left_behind_is_hung_up() {
    let at = webhooks(&livekit::VENDOR).await;
    let call = r#"{"sid":"CA1","status":"completed","direction":"inbound","from":"+1","to":"+2"}"#;
    let twilio = ProviderDouble::start([Reply::json(200, call)]);
    let new = NewConnection {
        account_id: at.account.id,
        vendor: "twilio".to_owned(),
        base_url: Some(twilio.base_url().to_string()),
        credentials: (livekit::VENDOR.credentials)(),
        numbers: Vec::new(),
        answered_by: None,
    };
    let added = at.app.connect(new).await;
    let id = at.call("CA1", "call-answered", "support-42").await;
    sqlx::query("update calls set connection_id = $1")
        .bind(added.uuid())
        .execute(&at.app.db)
        .await
        .unwrap();
    assert_eq!(at.livekit(at.connection, FINISHED).await, 200);
    at.app.run_jobs().await;
    assert_eq!(twilio.requests()[0].body, "Status=completed");
    let part = at.shown(&id).await["terminations"][0].clone();
    assert_eq!(
        (&part["part"], &part["state"]),
        (&json!("provider"), &json!("done"))
    );
}

#[tokio::test]
async fn a_telephone_that_leaves_ends_its_own_call_and_no_other() {
    let at = webhooks(&livekit::VENDOR).await;
    let mine = at
        .call("SCL_8tZPyXz4Jk2v", "call-answered", "support-42")
        .await;
    let post = async |body: &str| assert_eq!(at.livekit(at.connection, body).await, 200);
    let another = LEFT.replace("+14155550148\",\"sip.trunk", "+14155550199\",\"sip.trunk");
    // By neither its names nor its number, or not for good.
    post(&another.replace("SCL_8tZPyXz4Jk2v", "SCL_x")).await;
    post(&LEFT.replace("\"SIP\"", "\"AGENT\"")).await;
    post(&LEFT.replace("CLIENT_INITIATED", "MIGRATION")).await;
    assert_eq!(at.status(&mine).await, "in-progress");
    post(&another).await;
    let over = at.shown(&mine).await;
    assert_eq!(over["call_status"], "completed");
    assert_eq!(over["disconnect_reason"], "CLIENT_INITIATED");

    let called = at.call("CA2", "call-ringing", "support-42").await;
    post(&LEFT.replace("CLIENT_INITIATED", "USER_REJECTED")).await;
    assert_eq!(at.status(&called).await, "busy", "by its number");
    for (name, reason, status) in [
        ("CA3", "USER_UNAVAILABLE", "no-answer"),
        ("CA4", "SIP_TRUNK_FAILURE", "failed"),
        ("CA5", "CLIENT_INITIATED", "canceled"),
    ] {
        let call = at.call(name, "call-ringing", "support-42").await;
        post(&LEFT.replace("CLIENT_INITIATED", reason)).await;
        assert_eq!(at.status(&call).await, status, "{reason}");
    }
}

#[tokio::test]
async fn a_room_that_is_over_needs_no_deletion_any_more() {
    let at = webhooks(&livekit::VENDOR).await;
    let call = at.call("CA1", "call-answered", "support-42").await;
    let end = json!({ "call_id": call });
    // Nobody listens where the server should be: the deletion goes on in the background.
    let ended = at.app.post("/calls/end", &at.account.key).json(&end).send();
    assert_eq!(ended.await.unwrap().status(), 200);
    let room = async || at.shown(&call).await["terminations"][1].clone();
    assert_eq!(room().await["state"], "pending");
    for state in ["pending", "failed"] {
        sqlx::query("update terminations set state = $1::termination_state where part = 'room'")
            .bind(state)
            .execute(&at.app.db)
            .await
            .unwrap();
        assert_eq!(
            at.livekit(at.connection, &FINISHED.replace("42", "43"))
                .await,
            200
        );
        assert_eq!(room().await["state"], state, "another room");
        assert_eq!(at.livekit(at.connection, FINISHED).await, 200);
        assert_eq!(room().await["state"], "already_over");
    }
    at.app.make_jobs_due().await;
    at.app.run_jobs().await;
    assert_eq!(
        room().await["state"],
        "already_over",
        "whatever the server says later"
    );
}

#[tokio::test]
async fn a_meeting_that_is_over_ends_its_call() {
    let at = webhooks(&daily::VENDOR).await;
    let call = at.call("CA1", "call-answered", "support-42").await;
    let url = format!("/inbound/daily/{}", at.connection);
    let ended = include_str!("../fixtures/daily/meeting_ended.json");
    let probe = Posted::new(
        &url,
        &[("content-type", "application/json")],
        r#"{"test":"test"}"#,
    );
    assert_eq!(
        at.post(&probe).await,
        200,
        "Daily makes no webhook otherwise"
    );
    assert_eq!(at.post(&Posted::new(&url, &[], ended)).await, 401);
    let started = ended.replace("meeting.ended", "meeting.started");
    assert_eq!(at.post(&daily::posted(&url, &started, at.now)).await, 200);
    assert_eq!(at.status(&call).await, "in-progress");
    assert_eq!(at.post(&daily::posted(&url, ended, at.now)).await, 200);
    assert_eq!(at.status(&call).await, "completed");
    let nameless = ended.replace("support-42", "");
    assert_eq!(at.post(&daily::posted(&url, &nameless, at.now)).await, 400);
    let nobody = format!("/inbound/daily/{}", ConnectionId::generate());
    assert_eq!(at.post(&daily::posted(&nobody, ended, at.now)).await, 401);
    let theirs = format!("/inbound/livekit/{}", at.connection);
    assert_eq!(
        at.post(&livekit::posted(&theirs, FINISHED, at.now)).await,
        401
    );
}

#[tokio::test]
async fn a_webhook_that_cannot_be_committed_is_to_be_sent_again() {
    let at = webhooks(&livekit::VENDOR).await;
    at.call("CA1", "call-answered", "support-42").await;
    let body = livekit::posted(
        &format!("/inbound/livekit/{}", at.connection),
        FINISHED,
        at.now,
    );
    sqlx::query("alter table receipts rename to receipts_away")
        .execute(&at.app.db)
        .await
        .unwrap();
    assert_eq!(at.post(&body).await, 503);
    let live = "select state::text from calls";
    let state: String = sqlx::query_scalar(live)
        .fetch_one(&at.app.db)
        .await
        .unwrap();
    assert_eq!(state, "in_progress", "nothing by halves");
    at.app.db.close().await;
    assert_eq!(at.post(&body).await, 503);
}
