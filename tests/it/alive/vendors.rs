//! What is particular to a provider: requests that are taken and carried out later, calls that are forgotten, conversations whose
//! recordings name no call.

use aws_lc_rs::hmac;
use chrono::{DateTime, Utc};
use onhook::{calls::connect::NewConnection, domain::connection::Credentials};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Alive, provider_part};
use crate::{
    provider_double::{ProviderDouble, Reply},
    vendor_conformance::{telnyx, vonage},
};

/// A connection to another provider's double.
struct Vendor<'a> {
    alive: &'a Alive,
    double: ProviderDouble,
    path: String,
}

impl<'a> Vendor<'a> {
    async fn connect(alive: &'a Alive, vendor: &str, credentials: Credentials) -> Self {
        let double = ProviderDouble::start([]);
        let new = NewConnection {
            account_id: alive.account.id,
            vendor: vendor.to_owned(),
            base_url: Some(double.base_url().to_string()),
            credentials,
            numbers: Vec::new(),
            answered_by: None,
        };
        let added = alive.app.connect(new).await;
        Self {
            alive,
            double,
            path: format!("/inbound/{vendor}/{added}"),
        }
    }

    async fn jambonz(alive: &'a Alive) -> Self {
        let credentials = Credentials {
            account: "ACCOUNT".to_owned(),
            key_id: None,
            secret: "hush".into(),
            signing_secret: Some("hush, too".into()),
        };
        Self::connect(alive, "jambonz", credentials).await
    }

    async fn now(&self) -> DateTime<Utc> {
        sqlx::query_scalar("select clock_timestamp()")
            .fetch_one(&self.alive.app.db)
            .await
            .unwrap()
    }

    async fn post(&self, headers: &[(&str, &str)], body: String) {
        let mut request = self.alive.app.request(Method::POST, &self.path);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.body(body).send().await.unwrap();
        assert_eq!(answer.status(), 204);
    }

    /// jambonz reports a call; answers our id of it.
    async fn jambonz_call(&self, sid: &str, status: &str) -> String {
        let (body, time) = (
            jambonz_call(sid, status).to_string(),
            self.now().await.timestamp(),
        );
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"hush, too");
        let signature = hex::encode(hmac::sign(&key, format!("{time}.{body}").as_bytes()));
        let signature = format!("t={time},v1={signature}");
        let headers = [
            ("content-type", "application/json"),
            ("jambonz-signature", signature.as_str()),
        ];
        self.post(&headers, body).await;
        self.alive.id(sid).await
    }

    /// Posts what Vonage or Telnyx has signed.
    async fn signed(&self, headers: &http::HeaderMap, body: &[u8]) {
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        let body = std::str::from_utf8(body).unwrap();
        self.post(&headers, body.to_owned()).await;
    }

    async fn vonage_event(&self, event: &Value) {
        let now = self.now().await;
        let posted = vonage::signed(&self.path, event, now);
        self.signed(&posted.headers, posted.body.as_ref()).await;
    }

    async fn telnyx_event(&self, kind: &str, payload: Value) {
        let now = self.now().await;
        let event = json!({"data": {
            "record_type": "event", "event_type": kind, "id": uuid::Uuid::now_v7(), "occurred_at": now, "payload": payload,
        }});
        let posted = telnyx::signed(&self.path, &event, now);
        self.signed(&posted.headers, posted.body.as_ref()).await;
    }

    /// Methods of the requests that came since the last time that anybody asked, at most so many.
    fn methods(&self, skip: usize) -> Vec<String> {
        let requests = self.double.requests();
        requests
            .iter()
            .skip(skip)
            .map(|one| one.method.clone())
            .collect()
    }

    async fn run_again(&self) {
        self.alive.app.make_jobs_due().await;
        self.alive.app.run_jobs().await;
    }
}

fn jambonz_call(sid: &str, status: &str) -> Value {
    json!({
        "call_sid": sid, "direction": "inbound", "from": "+14155550148", "to": "+14155550777", "sip_status": 200,
        "sip_reason": "OK", "call_status": status, "account_sid": "ACCOUNT",
    })
}

fn live() -> Reply {
    Reply::json(200, jambonz_call("C1", "in-progress").to_string())
}

fn taken() -> Reply {
    Reply::json(202, "Accepted")
}

fn gone() -> Reply {
    Reply::json(404, "Not Found")
}

#[tokio::test]
async fn a_request_that_is_only_taken_is_confirmed_by_looking_and_not_sent_again() {
    let alive = Alive::boot([]).await;
    let jambonz = Vendor::jambonz(&alive).await;
    let call = jambonz.jambonz_call("C1", "in-progress").await;
    jambonz.double.then([taken(), live(), live()]);
    assert_eq!(alive.end(&call).await, "ending_at_provider");
    let part = provider_part(&alive.read(&call).await).clone();
    assert_eq!(
        (&part["state"], &part["attempts"]),
        (&json!("pending"), &json!(1))
    );
    assert!(part["detail"].as_str().unwrap().contains("taken"), "{part}");
    let due = "select (extract(epoch from run_at - now()) * 1000)::bigint from jobs where kind = 'hang_up'";
    let due = alive.number(due).await;
    assert!((500..=3000).contains(&due), "asked again in {due} ms");
    let asked = jambonz.double.requests().len();

    jambonz.double.then([gone()]);
    jambonz.run_again().await;
    assert_eq!(
        jambonz.methods(asked),
        ["GET"],
        "it is looked up, not asked again"
    );
    let part = provider_part(&alive.read(&call).await).clone();
    assert_eq!(
        (&part["state"], &part["attempts"], &part["detail"]),
        (&json!("done"), &json!(2), &json!(null))
    );
}

#[tokio::test]
async fn a_call_that_is_still_live_is_asked_for_again_and_unknown_after_that_is_done() {
    let alive = Alive::boot([]).await;
    let jambonz = Vendor::jambonz(&alive).await;
    let call = jambonz.jambonz_call("C1", "in-progress").await;
    jambonz.double.then([taken(), live(), live()]);
    alive.end(&call).await;
    let asked = jambonz.double.requests().len();
    jambonz.double.then([live(), taken(), live(), live()]);
    jambonz.run_again().await;
    assert_eq!(jambonz.methods(asked), ["GET", "POST", "GET", "GET"]);
    assert_eq!(provider_part(&alive.read(&call).await)["state"], "pending");
    // The look fails, the request is answered that there is no such call: it is over because we asked.
    jambonz.double.then([Reply::json(500, "{}"), gone()]);
    jambonz.run_again().await;
    assert_eq!(provider_part(&alive.read(&call).await)["state"], "done");
}

#[tokio::test]
async fn a_request_that_is_never_carried_out_is_given_up_at_last() {
    let alive = Alive::boot([]).await;
    let jambonz = Vendor::jambonz(&alive).await;
    let operator = alive.listen(&["termination.failed"]).await;
    let call = jambonz.jambonz_call("C1", "in-progress").await;
    jambonz.double.then([taken(), live(), live()]);
    alive.end(&call).await;
    for _ in 2..=12 {
        assert_eq!(provider_part(&alive.read(&call).await)["state"], "pending");
        jambonz.double.then([live(), taken(), live(), live()]);
        jambonz.run_again().await;
    }
    let part = provider_part(&alive.read(&call).await).clone();
    assert_eq!(
        (&part["state"], &part["attempts"]),
        (&json!("failed"), &json!(12))
    );
    jambonz.run_again().await;
    assert_eq!(operator.received().len(), 1);
}

#[tokio::test]
async fn an_answered_call_that_a_provider_has_forgotten_was_completed() {
    for (status, expected) in [("in-progress", "completed"), ("ringing", "failed")] {
        let alive = Alive::boot([]).await;
        let jambonz = Vendor::jambonz(&alive).await;
        let call = jambonz.jambonz_call("C1", status).await;
        alive.age(&call, 20 * 60).await;
        for _ in 0..3 {
            jambonz.double.then([gone()]);
            assert_eq!(alive.reconcile().await, 1);
            alive.age(&call, 6 * 60 + 1).await;
        }
        let record = alive.read(&call).await;
        assert_eq!(
            (
                &record["call_status"],
                &record["disconnect_reason"],
                &record["end_source"]
            ),
            (&json!(expected), &json!("lost"), &json!("lost"))
        );
    }
}

fn vonage_event(uuid: &str, status: &str) -> Value {
    json!({
        "from": "442079460000", "to": "447700900000", "uuid": uuid, "conversation_uuid": "CON-1", "status": status,
        "direction": "inbound", "timestamp": "2020-01-01T12:00:00.000Z",
    })
}

#[tokio::test]
async fn a_vonage_recording_goes_to_the_first_leg_of_its_conversation_whichever_comes_first() {
    const URL: &str = "https://api.nexmo.com/v1/files/1";
    let recording = json!({
        "start_time": "2020-01-01T12:00:00.000Z", "recording_url": URL, "size": 12222, "recording_uuid": "R1",
        "end_time": "2020-01-01T12:00:00.000Z", "conversation_uuid": "CON-1", "timestamp": "2020-01-01T12:00:00.000Z",
    });
    for recording_first in [true, false] {
        let alive = Alive::boot([]).await;
        let vonage = Vendor::connect(&alive, "vonage", (vonage::VENDOR.credentials)()).await;
        if recording_first {
            vonage.vonage_event(&recording).await;
            assert_eq!(alive.number("select count(*) from calls").await, 0);
        }
        vonage.vonage_event(&vonage_event("U1", "answered")).await;
        vonage.vonage_event(&vonage_event("U2", "answered")).await;
        if !recording_first {
            vonage.vonage_event(&recording).await;
        }
        let first = alive.id("U1").await;
        assert_eq!(
            alive.read(&first).await["record_url"],
            URL,
            "{recording_first}"
        );
        assert_eq!(alive.number("select count(*) from calls").await, 2);
        assert_eq!(alive.number("select count(*) from parked_reports").await, 0);
        let legs = alive.get(&format!("/v1/calls/{first}/legs")).await;
        assert_eq!(legs["conversation"], "CON-1");
        assert_eq!(legs["legs"][0]["call_sid"], "U2", "{legs}");

        vonage
            .double
            .then([Reply::json(204, ""), Reply::json(204, "")]);
        assert_eq!(alive.end(&first).await, "ended");
        let second = alive.id("U2").await;
        assert_eq!(alive.read(&second).await["call_status"], "completed");
        assert_eq!(vonage.methods(0), ["PUT", "PUT"]);
    }
}

#[tokio::test]
async fn all_legs_of_a_telnyx_session_end_with_one_and_late_ones_too() {
    let alive = Alive::boot([]).await;
    let telnyx = Vendor::connect(&alive, "telnyx", (telnyx::VENDOR.credentials)()).await;
    let leg = |name: &str, session: &str| {
        json!({
            "call_control_id": name, "call_leg_id": name, "call_session_id": session, "connection_id": "APPLICATION",
            "from": "+14155550100", "to": "+14155550148",
        })
    };
    for (name, session) in [("v3:1", "S1"), ("v3:2", "S1"), ("v3:3", "S2")] {
        telnyx
            .telnyx_event("call.answered", leg(name, session))
            .await;
    }
    let ok = || Reply::json(200, r#"{"data":{"result":"ok"}}"#);
    telnyx.double.then([ok(), ok(), ok()]);
    let first = alive.id("v3:1").await;
    assert_eq!(alive.end(&first).await, "ended");
    assert_eq!(telnyx.double.requests().len(), 2);
    telnyx
        .telnyx_event("call.answered", leg("v3:4", "S1"))
        .await;
    alive.app.run_jobs().await;
    assert_eq!(telnyx.double.requests().len(), 3);
    for (name, expected) in [
        ("v3:2", "completed"),
        ("v3:3", "in-progress"),
        ("v3:4", "completed"),
    ] {
        let call = alive.id(name).await;
        assert_eq!(alive.read(&call).await["call_status"], expected, "{name}");
    }
    // The same conversation, long after: another call, for all that we know.
    sqlx::query("update terminations set requested_at = requested_at - interval '2 minutes'")
        .execute(&alive.app.db)
        .await
        .unwrap();
    telnyx
        .telnyx_event("call.answered", leg("v3:5", "S1"))
        .await;
    alive.app.run_jobs().await;
    let later = alive.id("v3:5").await;
    assert_eq!(alive.read(&later).await["call_status"], "in-progress");
}
