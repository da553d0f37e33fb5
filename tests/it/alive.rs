//! No call stays alive: legs end with their call, limits are enforced, silent calls are asked about, and what cannot be ended is told.
//!
//! An account with a Twilio connection to a double, and its callbacks signed as Twilio signs them.

use std::time::Duration;

use onhook::{
    calls::{connect::NewConnection, reconcile},
    domain::{
        connection::{AnsweredBy, Credentials},
        id::ConnectionId,
        party::E164,
        reconcile::Patience,
    },
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    app::{TestAccount, TestApp},
    form_signature::form_signature,
    provider_double::{ProviderDouble, Reply},
    receiver::Receiver,
};

mod failing;
mod legs;
mod limits;
mod lost;
mod parked;
mod silent;
mod store_down;
mod vendors;

const PUBLIC_URL: &str = "https://calls.example.com/onhook";
const TOKEN: &str = "an auth token";

/// The account's number in every call here.
pub(crate) const OURS: &str = "+14155550901";

/// An account, its provider, and who is told.
pub(crate) struct Alive {
    pub(crate) app: TestApp,
    pub(crate) account: TestAccount,
    pub(crate) twilio: ProviderDouble,
    pub(crate) connection: ConnectionId,
}

/// A call's resource as Twilio answers it.
pub(crate) fn resource(sid: &str, status: &str) -> Reply {
    resource_with(sid, status, json!({}))
}

/// The same with more fields.
pub(crate) fn resource_with(sid: &str, status: &str, more: Value) -> Reply {
    let mut body = json!({"sid": sid, "status": status, "direction": "inbound", "from": "+14155550148", "to": OURS});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    Reply::json(200, body.to_string())
}

/// What Twilio answers of a call that it does not have.
pub(crate) fn unknown() -> Reply {
    Reply::json(
        404,
        r#"{"code":20404,"message":"The requested resource was not found","status":404}"#,
    )
}

/// Patient for minutes, and believing after ten of them.
pub(crate) fn settings() -> reconcile::Settings {
    reconcile::Settings {
        patience: Patience {
            queued: Duration::from_mins(5),
            ringing: Duration::from_mins(3),
            in_progress: Duration::from_mins(15),
            unknown: Duration::from_mins(10),
            lost: Duration::from_hours(24),
            retry: Duration::from_secs(30),
        },
        per_second: 5,
    }
}

impl Alive {
    pub(crate) async fn boot(replies: impl IntoIterator<Item = Reply>) -> Self {
        let app = TestApp::boot_with(&[("ONHOOK_PUBLIC_URL", PUBLIC_URL)]).await;
        let account = app.default_account().await;
        let twilio = ProviderDouble::start(replies);
        let url = "http://127.0.0.1:9/voice".parse().unwrap();
        let new = NewConnection {
            account_id: account.id,
            vendor: "twilio".to_owned(),
            base_url: Some(twilio.base_url().to_string()),
            credentials: Credentials {
                account: "AC1".to_owned(),
                key_id: None,
                secret: TOKEN.into(),
                signing_secret: None,
            },
            numbers: vec![OURS.parse::<E164>().unwrap()],
            answered_by: Some(AnsweredBy::Url(url)),
        };
        let connection = app.connect(new).await;
        Self {
            app,
            account,
            twilio,
            connection,
        }
    }

    /// An endpoint that names these events.
    pub(crate) async fn listen(&self, types: &[&str]) -> Receiver {
        let receiver = Receiver::start();
        let body = json!({"url": receiver.url(), "event_types": types});
        let add = self.app.post("/v1/webhook-endpoints", &self.account.key);
        let answer = add.json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        receiver
    }

    /// Posts a callback as Twilio does; answers the status.
    pub(crate) async fn post(&self, pairs: &[(&str, &str)]) -> u16 {
        let path = format!("/inbound/twilio/{}", self.connection);
        let signature = form_signature(TOKEN, &format!("{PUBLIC_URL}{path}"), pairs);
        let request = self.app.request(Method::POST, &path);
        let request = request.header("x-twilio-signature", &signature);
        request.form(&pairs).send().await.unwrap().status().as_u16()
    }

    /// Twilio reports a call that comes in; answers our id of it.
    pub(crate) async fn call(&self, sid: &str, status: &str) -> String {
        self.leg(sid, status, None).await
    }

    /// The same for a leg that another made.
    pub(crate) async fn leg(&self, sid: &str, status: &str, parent: Option<&str>) -> String {
        let mut pairs = vec![
            ("CallSid", sid),
            ("CallStatus", status),
            ("From", "+14155550148"),
            ("To", OURS),
            ("Direction", "inbound"),
        ];
        pairs.extend(parent.map(|parent| ("ParentCallSid", parent)));
        assert_eq!(self.post(&pairs).await, 204);
        self.id(sid).await
    }

    /// Our id of the call by this name.
    pub(crate) async fn id(&self, sid: &str) -> String {
        let sql = "select call_id::text from call_names where namespace = 'call' and name = $1";
        sqlx::query_scalar(sql)
            .bind(sid)
            .fetch_one(&self.app.db)
            .await
            .unwrap()
    }

    /// The call, as it is read.
    pub(crate) async fn read(&self, call: &str) -> Value {
        let get = self.app.get(&format!("/calls/{call}"), &self.account.key);
        get.send().await.unwrap().json::<Value>().await.unwrap()["data"].take()
    }

    /// Ends a call; answers the outcome.
    pub(crate) async fn end(&self, call: &str) -> String {
        let request = self.app.post("/calls/end", &self.account.key);
        let answer = request
            .json(&json!({"call_id": call}))
            .send()
            .await
            .unwrap();
        let outcome = answer.headers().get("onhook-outcome").unwrap();
        outcome.to_str().unwrap().to_owned()
    }

    /// A native GET.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.app.get(path, &self.account.key).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }

    /// Moves everything that is known of a call into the past, as if this much time had gone by.
    pub(crate) async fn age(&self, call: &str, seconds: i32) {
        for sql in [
            "update calls set created_at = created_at - make_interval(secs => $2),
               answered_at = answered_at - make_interval(secs => $2), ringing_at = ringing_at - make_interval(secs => $2),
               queued_at = queued_at - make_interval(secs => $2) where call_id = $1::uuid",
            "update receipts set received_at = received_at - make_interval(secs => $2) where call_id = $1::uuid",
            "update reconciliations set next_check_at = next_check_at - make_interval(secs => $2),
               alive_at = alive_at - make_interval(secs => $2), unknown_since = unknown_since - make_interval(secs => $2)
             where call_id = $1::uuid",
            "update call_limits set look_at = look_at - make_interval(secs => $2),
               end_at = end_at - make_interval(secs => $2) where call_id = $1::uuid",
        ] {
            sqlx::query(sql)
                .bind(call)
                .bind(f64::from(seconds))
                .execute(&self.app.db)
                .await
                .unwrap();
        }
    }

    /// One sweep of the reconciler.
    pub(crate) async fn reconcile(&self) -> usize {
        reconcile::sweep(self.app.tools(), &settings())
            .await
            .unwrap()
    }

    /// One number from the database.
    pub(crate) async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql)
            .fetch_one(&self.app.db)
            .await
            .unwrap()
    }

    /// How many requests of this method the provider got.
    pub(crate) fn asked(&self, method: &str) -> usize {
        let requests = self.twilio.requests();
        requests.iter().filter(|one| one.method == method).count()
    }
}

/// How the provider's part of a call's ending stands.
pub(crate) fn provider_part(call: &Value) -> &Value {
    let parts = call["terminations"].as_array().unwrap();
    parts
        .iter()
        .find(|part| part["part"] == "provider")
        .unwrap_or(&Value::Null)
}
