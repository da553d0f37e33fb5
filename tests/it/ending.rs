//! Ending a call over HTTP: what is recorded, who is asked, and what happens when the other side does not play along.

use onhook::{
    calls::connect::NewConnection,
    domain::{account::VoipMode, connection::Credentials, id::ConnectionId, party::E164},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    app::{TestAccount, TestApp},
    provider_double::{ProviderDouble, Reply},
};

/// The account's number in every call here.
const OURS: &str = "+14155550901";

struct Ending {
    app: TestApp,
    account: TestAccount,
}

/// What an end was answered with.
#[derive(Debug, PartialEq, Eq)]
struct Answered {
    status: u16,
    outcome: String,
    body: String,
}

impl Ending {
    async fn boot() -> Self {
        let app = TestApp::boot().await;
        let account = app.default_account().await;
        Self { app, account }
    }

    async fn connect(
        &self,
        vendor: &str,
        server: &ProviderDouble,
        numbers: &[&str],
    ) -> ConnectionId {
        let new = NewConnection {
            account_id: self.account.id,
            vendor: vendor.to_owned(),
            base_url: Some(server.base_url().to_string()),
            credentials: Credentials {
                account: "AC1".to_owned(),
                key_id: None,
                secret: "a secret that is long enough to sign".into(),
                signing_secret: None,
            },
            numbers: numbers
                .iter()
                .map(|number| number.parse::<E164>().unwrap())
                .collect(),
            answered_by: None,
        };
        self.app.connect(new).await
    }

    /// Reports a call as a PBX does; answers our id of it.
    async fn report(&self, name: &str, posts: &[&str]) -> String {
        for post in posts {
            let body = json!({
                "From": "+14155550148", "To": OURS, "CallId": name, "email": "user@example.com",
                "Direction": "incoming", "CallStatus": if *post == "call-end" { Some("no-answer") } else { None },
            });
            let request = self
                .app
                .request(Method::POST, &format!("/api/v1/voip/{post}"))
                .json(&body);
            assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
        }
        let sql = "select call_id::text from calls where provider_call_id = $1";
        sqlx::query_scalar(sql)
            .bind(name)
            .fetch_one(&self.app.db)
            .await
            .unwrap()
    }

    async fn end(&self, body: Value) -> Answered {
        self.end_with(&self.account.key, body, None).await
    }

    async fn end_with(&self, key: &str, body: Value, prefer: Option<&str>) -> Answered {
        let mut request = self.app.post("/calls/end", key).json(&body);
        if let Some(prefer) = prefer {
            request = request.header("prefer", prefer);
        }
        let answer = request.send().await.unwrap();
        Answered {
            status: answer.status().as_u16(),
            outcome: answer
                .headers()
                .get("onhook-outcome")
                .map_or("", |value| value.to_str().unwrap())
                .to_owned(),
            body: answer.text().await.unwrap(),
        }
    }

    async fn read(&self, call: &str) -> Value {
        let answer = self
            .app
            .get(&format!("/calls/{call}"), &self.account.key)
            .send()
            .await
            .unwrap();
        answer.json::<Value>().await.unwrap()["data"].take()
    }
}

fn ended(call: &str) -> String {
    format!(r#"{{"status":"ok","message":"Call ended successfully","data":"{call}"}}"#)
}

fn part<'a>(call: &'a Value, part: &str) -> &'a Value {
    call["terminations"]
        .as_array()
        .unwrap()
        .iter()
        .find(|termination| termination["part"] == part)
        .unwrap()
}

#[tokio::test]
async fn a_live_call_is_hung_up_its_room_deleted_and_the_record_closed() {
    let ending = Ending::boot().await;
    let twilio = ProviderDouble::start([Reply::json(200, r#"{"sid":"CA1","status":"completed"}"#)]);
    let livekit = ProviderDouble::start([Reply::json(200, "{}")]);
    ending.connect("twilio", &twilio, &[OURS]).await;
    let rooms = ending.connect("livekit", &livekit, &[]).await;
    let call = ending
        .report("CA1", &["call-ringing", "call-answered"])
        .await;
    let room = json!({"connection_id": rooms, "name": "room-1"});
    let put = ending
        .app
        .put(&format!("/v1/calls/{call}/room"), &ending.account.key)
        .json(&room);
    assert!(put.send().await.unwrap().status().is_success());

    let answered = ending
        .end(json!({"call_id": call, "disconnect_reason": "  Customer requested to end call "}))
        .await;
    assert_eq!(
        answered,
        Answered {
            status: 200,
            outcome: "ended".to_owned(),
            body: ended(&call)
        }
    );

    let hang_up = twilio.requests();
    assert_eq!(hang_up.len(), 1);
    assert_eq!(
        (hang_up[0].method.as_str(), hang_up[0].body.as_str()),
        ("POST", "Status=completed")
    );
    assert!(
        hang_up[0].target.ends_with("/Accounts/AC1/Calls/CA1.json"),
        "{}",
        hang_up[0].target
    );
    assert!(
        livekit.requests()[0]
            .target
            .ends_with("/twirp/livekit.RoomService/DeleteRoom")
    );
    let record = ending.read(&call).await;
    assert_eq!(record["call_status"], "completed");
    assert_eq!(
        record["disconnect_reason"],
        "Customer requested to end call"
    );
    assert!(record["ended_at"].is_string());
    assert_eq!(
        (
            &part(&record, "provider")["state"],
            &part(&record, "room")["state"]
        ),
        (&json!("done"), &json!("done"))
    );

    ending.app.run_jobs().await;
    assert_eq!(ending.read(&call).await["analysis"]["status"], "completed");
    assert_eq!(twilio.requests().len(), 1, "nobody asks twice");
}

#[tokio::test]
async fn a_call_without_a_connection_is_ended_and_the_record_says_who_was_not_asked() {
    let ending = Ending::boot().await;
    let call = ending.report("CA1", &["call-ringing"]).await;
    let answered = ending.end(json!({"call_id": call})).await;
    assert_eq!((answered.status, answered.outcome.as_str()), (200, "ended"));
    let record = ending.read(&call).await;
    assert_eq!(record["call_status"], "canceled", "nobody had answered");
    assert_eq!(record["disconnect_reason"], "Ended Via API call");
    for name in ["provider", "room"] {
        assert_eq!(part(&record, name)["state"], "skipped");
        assert!(part(&record, name)["detail"].is_string());
    }
}

#[tokio::test]
async fn an_ended_call_is_answered_and_nothing_runs_twice() {
    let ending = Ending::boot().await;
    let call = ending.report("CA1", &["call-answered"]).await;
    assert_eq!(
        ending
            .end(json!({"call_id": call, "disconnect_reason": "first"}))
            .await
            .outcome,
        "ended"
    );
    let again = ending
        .end(json!({"call_id": call, "disconnect_reason": "second"}))
        .await;
    assert_eq!(
        (again.status, again.outcome.as_str()),
        (200, "already_ended")
    );
    assert!(again.body.contains("Call already ended"));
    assert_eq!(ending.read(&call).await["disconnect_reason"], "first");
    assert_eq!(ending.app.jobs("analyze").await, 1);
    // What the provider reports later of the same end changes nothing.
    let late = ending.report("CA1", &["call-end"]).await;
    assert_eq!(
        (late.as_str(), &ending.read(&call).await["call_status"]),
        (call.as_str(), &json!("completed"))
    );
    assert_eq!(ending.app.jobs("analyze").await, 1);
}

#[tokio::test]
async fn of_racing_ends_one_does_the_work_and_all_are_answered() {
    let ending = Ending::boot().await;
    let twilio = ProviderDouble::start([Reply::json(200, r#"{"sid":"CA1","status":"completed"}"#)]);
    ending.connect("twilio", &twilio, &[OURS]).await;
    let call = ending.report("CA1", &["call-answered"]).await;
    let mut set = JoinSet::new();
    for _ in 0..8 {
        let request = ending
            .app
            .post("/calls/end", &ending.account.key)
            .json(&json!({"call_id": call}));
        set.spawn(async move {
            let answer = request.send().await.unwrap();
            (
                answer.status().as_u16(),
                answer.headers()["onhook-outcome"]
                    .to_str()
                    .unwrap()
                    .to_owned(),
            )
        });
    }
    let mut answers = set.join_all().await;
    answers.sort();
    let expected = std::iter::repeat_n((200, "already_ended".to_owned()), 7)
        .chain([(200, "ended".to_owned())]);
    assert_eq!(answers, expected.collect::<Vec<_>>());
    assert_eq!(twilio.requests().len(), 1);
}

#[tokio::test]
async fn a_provider_that_is_away_does_not_hold_up_the_answer_and_is_asked_again() {
    let ending = Ending::boot().await;
    let twilio = ProviderDouble::start([
        Reply::json(503, "{}"),
        Reply::json(200, r#"{"sid":"CA1","status":"completed"}"#),
    ]);
    ending.connect("twilio", &twilio, &[OURS]).await;
    let call = ending.report("CA1", &["call-answered"]).await;
    let answered = ending.end(json!({"call_id": call})).await;
    assert_eq!(
        (answered.status, answered.outcome.as_str()),
        (200, "ending_at_provider")
    );
    let record = ending.read(&call).await;
    assert_eq!(
        (&record["call_status"], &part(&record, "provider")["state"]),
        (&json!("completed"), &json!("pending"))
    );

    ending.app.make_jobs_due().await;
    ending.app.run_jobs().await;
    let record = ending.read(&call).await;
    assert_eq!(part(&record, "provider")["state"], "done");
    assert_eq!(part(&record, "provider")["attempts"], 2);
}

#[tokio::test]
async fn a_provider_that_never_answers_costs_two_seconds_and_not_the_end() {
    let ending = Ending::boot().await;
    let twilio = ProviderDouble::start([Reply::Silence]);
    ending.connect("twilio", &twilio, &[OURS]).await;
    let call = ending.report("CA1", &["call-answered"]).await;
    let answered = ending.end(json!({"call_id": call})).await;
    assert_eq!(
        (answered.status, answered.outcome.as_str()),
        (200, "ending_at_provider")
    );
    // The analysis does not wait for the provider.
    ending.app.run_jobs().await;
    let record = ending.read(&call).await;
    assert_eq!(
        (
            &record["analysis"]["status"],
            &part(&record, "provider")["state"]
        ),
        (&json!("completed"), &json!("pending"))
    );
}

#[tokio::test]
async fn a_refusal_is_final_and_stands_in_the_record() {
    let ending = Ending::boot().await;
    let twilio = ProviderDouble::start([Reply::json(
        401,
        r#"{"code":20003,"message":"Authenticate","status":401}"#,
    )]);
    ending.connect("twilio", &twilio, &[OURS]).await;
    let call = ending.report("CA1", &["call-answered"]).await;
    ending.end(json!({"call_id": call})).await;
    ending.app.make_jobs_due().await;
    ending.app.run_jobs().await;
    let record = ending.read(&call).await;
    assert_eq!(part(&record, "provider")["state"], "failed");
    assert!(
        part(&record, "provider")["detail"]
            .as_str()
            .unwrap()
            .contains("credentials")
    );
    assert_eq!(twilio.requests().len(), 1);
}

#[tokio::test]
async fn a_call_that_the_provider_does_not_know_is_as_good_as_over() {
    let ending = Ending::boot().await;
    let unknown = || {
        Reply::json(
            404,
            r#"{"code":20404,"message":"The requested resource was not found","status":404}"#,
        )
    };
    let twilio = ProviderDouble::start([unknown(), unknown()]);
    ending.connect("twilio", &twilio, &[OURS]).await;
    let call = ending.report("CA1", &["call-answered"]).await;
    assert_eq!(ending.end(json!({"call_id": call})).await.outcome, "ended");
    assert_eq!(
        part(&ending.read(&call).await, "provider")["state"],
        "not_found"
    );
}

#[tokio::test]
async fn what_is_not_there_is_answered_as_documented_or_strictly() {
    let ending = Ending::boot().await;
    let other = ending.app.account("other", VoipMode::Key).await;
    let call = ending.report("CA1", &["call-answered"]).await;
    let unknown = "01900000-0000-7000-8000-000000000000";
    for (key, body, outcome, strict) in [
        (
            &ending.account.key,
            json!({"call_id": unknown}),
            "call_not_found",
            404,
        ),
        (&other.key, json!({"call_id": call}), "call_not_found", 404),
        (
            &ending.account.key,
            json!({"call_id": "not a uuid"}),
            "invalid_call_id",
            400,
        ),
    ] {
        let lenient = ending.end_with(key, body.clone(), None).await;
        let expected = Answered {
            status: 200,
            outcome: outcome.to_owned(),
            body: String::new(),
        };
        assert_eq!(lenient, expected, "{body}");
        let strictly = ending
            .end_with(key, body.clone(), Some("handling=strict"))
            .await;
        assert_eq!(
            (strictly.status, strictly.outcome.as_str()),
            (strict, outcome),
            "{body}"
        );
        assert!(
            strictly.body.contains(r#""status":"error""#),
            "{}",
            strictly.body
        );
    }
    assert_eq!(
        ending.read(&call).await["call_status"],
        "in-progress",
        "another account's key ended it"
    );
}
