//! Listening to Asterisk: the double's WebSocket, a replica that works, and what stands in the records.

use std::time::Duration;

use onhook::{app::App, domain::state::EndState, simulate::ledger::Step};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{app::TestApp, deadline::eventually};
use pbx::Pbx;

mod pbx;
mod protocol;

const LONG: Duration = Duration::from_secs(30);
const OURS: &str = "+14155550901";
const PASSWORD: &str = "the password of a simulated user";

async fn call(app: &TestApp, name: &str) -> Option<(String, String)> {
    sqlx::query_as("select call_id::text, state::text from calls where provider_call_id = $1")
        .bind(name)
        .fetch_optional(&app.db)
        .await
        .unwrap()
}

/// Waits until a call is in a state; answers our id of it.
async fn becomes(app: &TestApp, name: &str, state: &str) -> String {
    eventually(LONG, &format!("{name} {state}"), async || {
        let (id, found) = call(app, name).await?;
        (found == state).then_some(id)
    })
    .await
}

/// A line of a replica's metrics.
async fn metric(replica: &App, line: &str) -> Option<String> {
    let url = format!("http://{}/metrics", replica.address());
    let text = reqwest::get(url).await.unwrap().text().await.unwrap();
    let mut lines = text.lines();
    let value = lines.find_map(|found| found.strip_prefix(line))?;
    Some(value.trim().to_owned())
}

#[tokio::test]
async fn a_call_is_heard_of_hung_up_and_its_end_heard_of() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let pbx = Pbx::start(&app, &account).await;
    let replica = app.worker().await;
    pbx.connect(&app, &account, PASSWORD).await;
    pbx.listened_to_by(1).await;
    let line = "onhook_provider_streams{provider=\"asterisk\"}";
    let listens = async || metric(&replica, line).await.filter(|count| count == "1");
    eventually(LONG, "a stream that is counted", listens).await;

    let ringing = pbx.rings("1795298683.1");
    pbx.tell(&ringing, Step::Queued).await;
    becomes(&app, "1795298683.1", "ringing").await;
    pbx.step("1795298683.1", Step::Answered).await;
    let call_id = becomes(&app, "1795298683.1", "in_progress").await;

    let end = app.post("/calls/end", &account.key);
    let answer = end.json(&json!({ "call_id": call_id })).send().await;
    assert_eq!(answer.unwrap().status(), StatusCode::OK);
    let over = pbx.world.ledger().get("1795298683.1").cloned().unwrap();
    assert_eq!(
        (over.hang_ups, over.end.unwrap().0),
        (1, EndState::Completed)
    );
    pbx.tell(&over, Step::Ended(EndState::Completed)).await;

    // One that the caller gave up, after it: what is told is taken in order.
    let gone = pbx.rings("1795298683.2");
    pbx.tell(&gone, Step::Queued).await;
    pbx.step("1795298683.2", Step::Ended(EndState::Canceled))
        .await;
    becomes(&app, "1795298683.2", "canceled").await;
    let document: Value = {
        let asked = app.get(&format!("/calls/{call_id}"), &account.key).send();
        asked.await.unwrap().json().await.unwrap()
    };
    let data = &document["data"];
    assert_eq!(data["call_status"], "completed");
    assert_eq!(data["call_from"], "+14155550148");
    assert_eq!(data["call_to"], OURS);
    assert_eq!(data["call_direction"], "inbound");
    replica.stop().await;
    pbx.listened_to_by(0).await;
}

#[tokio::test]
async fn what_is_live_after_a_break_is_heard_of() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let mut pbx = Pbx::start(&app, &account).await;
    let replica = app.worker().await;
    pbx.connect(&app, &account, PASSWORD).await;
    pbx.listened_to_by(1).await;
    pbx.switch_off().await;
    // Nobody is told of these: one rings still, one was answered, one is over.
    pbx.rings("1.1");
    for id in ["1.2", "1.3"] {
        pbx.rings(id);
        pbx.world.ledger().step(id, Step::Answered).unwrap();
    }
    let ended = Step::Ended(EndState::Completed);
    pbx.world.ledger().step("1.3", ended).unwrap();
    pbx.switch_on().await;
    becomes(&app, "1.1", "ringing").await;
    becomes(&app, "1.2", "in_progress").await;
    pbx.listened_to_by(1).await;
    pbx.step("1.2", ended).await;
    becomes(&app, "1.2", "completed").await;
    assert_eq!(call(&app, "1.3").await, None);
    let line = "onhook_provider_stream_breaks_total{provider=\"asterisk\"}";
    let breaks: u32 = metric(&replica, line).await.unwrap().parse().unwrap();
    assert!(breaks >= 1);
    replica.stop().await;
}

#[tokio::test]
async fn one_replica_listens_and_another_takes_over() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let pbx = Pbx::start(&app, &account).await;
    pbx.connect(&app, &account, PASSWORD).await;
    let (one, other) = (app.worker().await, app.worker().await);
    pbx.listened_to_by(1).await;
    let line = "onhook_provider_streams{provider=\"asterisk\"}";
    let listens = async |replica: &App| metric(replica, line).await.as_deref() == Some("1");
    let found = eventually(LONG, "one listens", async || {
        match (listens(&one).await, listens(&other).await) {
            (false, false) => None,
            found => Some(found),
        }
    });
    let (first, second) = match found.await {
        (true, false) => (one, other),
        (false, true) => (other, one),
        both => panic!("{both:?}"),
    };
    // A few turns of both: nobody else comes.
    let lease = "select leased_until::text from leaders where name like 'hear %'";
    let mut renewed = String::new();
    for _ in 0..3 {
        renewed = eventually(LONG, "a turn", async || {
            let until: String = sqlx::query_scalar(lease).fetch_one(&app.db).await.unwrap();
            (until != renewed).then_some(until)
        })
        .await;
        assert_eq!(pbx.world.stream().receiver_count(), 1);
    }
    assert!(!listens(&second).await);
    first.stop().await;
    eventually(LONG, "the other listens", async || {
        listens(&second).await.then_some(())
    })
    .await;
    pbx.listened_to_by(1).await;
    let ringing = pbx.rings("1.1");
    pbx.tell(&ringing, Step::Queued).await;
    becomes(&app, "1.1", "ringing").await;
    second.stop().await;
}

#[tokio::test]
async fn connections_are_followed_as_they_come_change_and_go() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let pbx = Pbx::start(&app, &account).await;
    let replica = app.worker().await;
    let wrong = pbx.connect(&app, &account, "wrong").await;
    let line = "onhook_provider_stream_breaks_total{provider=\"asterisk\"}";
    eventually(LONG, "a refusal", async || metric(&replica, line).await).await;
    assert_eq!(pbx.world.stream().receiver_count(), 0);
    let right = pbx.connect(&app, &account, PASSWORD).await;
    pbx.listened_to_by(1).await;
    // Credentials are sealed for their row: the other's in this one cannot be opened, and are not used.
    let swap = "update connections set sealed_credentials = (select sealed_credentials from connections where connection_id = $2)
                where connection_id = $1";
    sqlx::query(swap)
        .bind(right.uuid())
        .bind(wrong.uuid())
        .execute(&app.db)
        .await
        .unwrap();
    pbx.listened_to_by(0).await;
    pbx.connect(&app, &account, PASSWORD).await;
    pbx.listened_to_by(1).await;
    for gone in ["delete from numbers", "delete from connections"] {
        sqlx::query(gone).execute(&app.db).await.unwrap();
    }
    pbx.listened_to_by(0).await;
    replica.stop().await;
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_counted_and_one_that_is_too_large_breaks_the_stream() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let pbx = Pbx::start(&app, &account).await;
    let replica = app.worker().await;
    pbx.connect(&app, &account, PASSWORD).await;
    pbx.listened_to_by(1).await;
    for text in [
        "{",
        "\"\"",
        r#"{"type":"ChannelVarset","variable":"x","value":"y"}"#,
    ] {
        pbx.world.stream().send(text.into()).unwrap();
    }
    // As large as they may be; then larger.
    let filled = |bytes: usize| {
        let (head, tail) = (r#"{"type":"ChannelUserevent","x":""#, r#""}"#);
        let filler = "x".repeat(bytes - head.len() - tail.len());
        format!("{head}{filler}{tail}")
    };
    let largest = 256 * 1024;
    pbx.world.stream().send(filled(largest).into()).unwrap();
    let ringing = pbx.rings("1.1");
    pbx.tell(&ringing, Step::Queued).await;
    becomes(&app, "1.1", "ringing").await;
    let told = async |what: &str| {
        let labels = format!("{{provider=\"asterisk\",told=\"{what}\"}}");
        let line = format!("onhook_provider_stream_messages_total{labels}");
        metric(&replica, &line).await
    };
    assert_eq!(told("unreadable").await.as_deref(), Some("2"));
    assert_eq!(told("nothing").await.as_deref(), Some("2"));
    assert_eq!(told("reports").await.as_deref(), Some("1"));
    let breaks = "onhook_provider_stream_breaks_total{provider=\"asterisk\"}";
    assert_eq!(metric(&replica, breaks).await, None);

    pbx.world.stream().send(filled(largest + 1).into()).unwrap();
    eventually(LONG, "a break", async || metric(&replica, breaks).await).await;
    pbx.listened_to_by(1).await;
    replica.stop().await;
}
