//! Real SIP calls through a real Asterisk, heard and hung up here: `tests/sip/run` starts the Asterisk and says where sipp is.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use onhook::{
    calls::connect::NewConnection,
    domain::{
        connection::{AnsweredBy, Credentials},
        text::Text,
    },
};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    app::{TestAccount, TestApp},
    deadline::eventually,
};

const LONG: Duration = Duration::from_secs(30);
const ASTERISK: &str = "127.0.0.1:15060";
const OURS: &str = "+14155550901";

/// sipp in the folder that `tests/sip/run` made, playing a scenario.
struct Sipp(Child);

impl Sipp {
    fn play(scenario: &str, port: u16) -> Self {
        let root = std::env::var_os("ONHOOK_SIP_ROOT").expect("run tests/sip/run");
        let scenario = format!("/sip/{scenario}.xml");
        let port = port.to_string();
        let playing = Command::new("chroot")
            .arg(PathBuf::from(root))
            .args(["sipp", "-sf", &scenario, "-i", "127.0.0.1", "-p", &port])
            .args([
                "-m",
                "1",
                "-nostdin",
                "-timeout",
                "40",
                "-timeout_error",
                ASTERISK,
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(playing.unwrap())
    }

    /// Whether the call went as the scenario has it.
    async fn is_content(&mut self) {
        let status = eventually(LONG, "sipp to finish", async || self.0.try_wait().unwrap()).await;
        assert!(status.success(), "sipp: {status}");
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

async fn connect(app: &TestApp, account: &TestAccount) {
    let template = "PJSIP/{number}@callee -> 1000@agents";
    let new = NewConnection {
        account_id: account.id,
        vendor: "asterisk".to_owned(),
        base_url: Some("http://127.0.0.1:18088/".to_owned()),
        credentials: Credentials {
            account: "onhook".to_owned(),
            key_id: None,
            secret: "hush".into(),
            signing_secret: None,
        },
        numbers: vec![OURS.parse().unwrap()],
        answered_by: Some(AnsweredBy::Application(Text::parse(template).unwrap())),
    };
    app.connect(new).await;
}

/// Waits until there is one call between these in a state; answers our id of it.
async fn becomes(app: &TestApp, other: &str, state: &str) -> String {
    eventually(LONG, &format!("{other} {state}"), async || {
        sqlx::query_scalar(
            "select call_id::text from calls where state::text = $2 and $1 in (from_number, to_number)",
        )
        .bind(other)
        .bind(state)
        .fetch_optional(&app.db)
        .await
        .unwrap()
    })
    .await
}

async fn end(app: &TestApp, account: &TestAccount, call_id: &str) {
    let asked = app.post("/calls/end", &account.key);
    let answer = asked.json(&json!({ "call_id": call_id })).send().await;
    let answer = answer.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let outcome = answer.headers().get("onhook-outcome").cloned();
    assert_eq!(outcome.unwrap(), "ended");
}

/// Waits until Asterisk has told of the end of a call.
async fn end_is_heard(app: &TestApp, call_id: &str) {
    let told = "select count(*) from receipts where call_id = $1::uuid and source = 'asterisk' and kind::text = 'ended'";
    eventually(LONG, "its end", async || {
        let ends: i64 = sqlx::query_scalar(told)
            .bind(call_id)
            .fetch_one(&app.db)
            .await
            .unwrap();
        (ends == 1).then_some(())
    })
    .await;
}

async fn state(app: &TestApp, call_id: &str) -> (String, Option<String>) {
    sqlx::query_as(
        "select state::text, (select state::text from terminations t where t.call_id = c.call_id and part = 'provider')
         from calls c where call_id = $1::uuid",
    )
    .bind(call_id)
    .fetch_one(&app.db)
    .await
    .unwrap()
}

#[tokio::test]
#[ignore = "needs the Asterisk of tests/sip/run"]
async fn a_real_call_is_heard_and_hung_up() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    connect(&app, &account).await;
    let replica = app.worker().await;
    eventually(LONG, "the stream", async || {
        let url = format!("http://{}/metrics", replica.address());
        let text = reqwest::get(url).await.unwrap().text().await.unwrap();
        text.contains("onhook_provider_streams{provider=\"asterisk\"} 1")
            .then_some(())
    })
    .await;

    // Answered by Asterisk; sipp waits for its BYE.
    let mut talking = Sipp::play("hears-bye", 15070);
    let call_id = becomes(&app, "+14155550148", "in_progress").await;
    end(&app, &account, &call_id).await;
    talking.is_content().await;
    end_is_heard(&app, &call_id).await;
    let done = |state: &str| (state.to_owned(), Some("done".to_owned()));
    assert_eq!(state(&app, &call_id).await, done("completed"));

    // It rings; sipp waits to be refused.
    let mut ringing = Sipp::play("hears-refusal", 15071);
    let call_id = becomes(&app, "+14155550149", "ringing").await;
    end(&app, &account, &call_id).await;
    ringing.is_content().await;
    end_is_heard(&app, &call_id).await;
    assert_eq!(state(&app, &call_id).await, done("canceled"));

    // Placed here; sipp answers, and waits for the BYE.
    let mut answering = Sipp::play("answers", 15080);
    let call_id = place(&app, &account, "+14155550150").await;
    becomes(&app, "+14155550150", "in_progress").await;
    end(&app, &account, &call_id).await;
    answering.is_content().await;
    end_is_heard(&app, &call_id).await;
    assert_eq!(state(&app, &call_id).await, done("completed"));

    // Placed here; sipp is busy.
    let mut busy = Sipp::play("is-busy", 15080);
    let call_id = place(&app, &account, "+14155550151").await;
    busy.is_content().await;
    becomes(&app, "+14155550151", "busy").await;
    assert_eq!(state(&app, &call_id).await, ("busy".to_owned(), None));
    let calls: i64 = sqlx::query_scalar("select count(*) from calls")
        .fetch_one(&app.db)
        .await
        .unwrap();
    assert_eq!(calls, 4, "each call has one record");
    replica.stop().await;
}

/// Places a call; answers our id of it.
async fn place(app: &TestApp, account: &TestAccount, to: &str) -> String {
    let body = json!({
        "ai_agent_id": "550e8400-e29b-41d4-a716-446655440000", "call_from": OURS, "call_to": to, "dynamic_variables": [],
        "workspace": "default",
    });
    let asked = app.post("/calls/make-call", &account.key).json(&body);
    let answer = asked.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let answer: Value = answer.json().await.unwrap();
    answer["data"]["id"].as_str().unwrap().to_owned()
}
