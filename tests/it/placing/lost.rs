//! Answers that never come: no call is placed twice, none is lost sight of, and no record stays live for a call that never was.

use std::time::Duration;

use onhook::queue;
use serde_json::{Value, json};

use super::{Made, OURS_E164, Placing, form, order, taken};
use crate::{deadline::eventually, provider_double::Reply};

/// Twilio's list of calls between two numbers, the newest first.
fn list(calls: &[(&str, &str)]) -> Reply {
    let calls: Vec<Value> = calls
        .iter()
        .map(|(sid, direction)| {
            let now = chrono_now();
            json!({"sid": sid, "direction": direction, "date_created": now, "status": "in-progress"})
        })
        .collect();
    Reply::json(200, json!({"calls": calls}).to_string())
}

/// The time, as Twilio writes it.
fn chrono_now() -> String {
    let now = std::time::SystemTime::now();
    chrono::DateTime::<chrono::Utc>::from(now).to_rfc2822()
}

impl Placing {
    /// Asks for a call whose answer is lost.
    async fn lose(&self) -> Made {
        self.twilio.then([Reply::Close]);
        let made = self.make(&order("+11234567890")).await;
        assert_eq!((made.status, made.outcome.as_str()), (200, "placing"));
        assert_eq!(made.body["message"], "Call is being initiated");
        let call = &made.body["data"];
        assert_eq!(
            (&call["call_status"], &call["placement"]),
            (&json!("queued"), &json!("asking"))
        );
        assert_eq!(
            call["call_sid"], made.call_id,
            "until the provider names it"
        );
        assert_eq!(self.called(&made.call_id).await, [made.call_id.as_str()]);
        made
    }

    /// The calls that lists have by a `call_sid`, by either API.
    async fn called(&self, call_sid: &str) -> Vec<String> {
        let by_query = format!(
            "/calls/query?filter_columns[]=call_sid&filter_operator[]=eq&filter_values[]={call_sid}"
        );
        let by_list = format!("/v3/communication/voice_calls?filter[source_id]={call_sid}");
        let mut found = Vec::new();
        for (path, list, id) in [
            (by_query, "/data", "id"),
            (by_list, "/data/voice_calls", "uid"),
        ] {
            let answer = self.app.get(&path, &self.account.key).send().await.unwrap();
            let body: Value = answer.json().await.unwrap();
            let calls = body.pointer(list).and_then(Value::as_array).unwrap();
            let ids: Vec<String> = calls
                .iter()
                .map(|call| call[id].as_str().unwrap().to_owned())
                .collect();
            found.push(ids);
        }
        assert_eq!(found[0], found[1], "{call_sid}");
        found.swap_remove(0)
    }

    /// Lets the provider's list be looked at.
    async fn look(&self) {
        self.app.make_jobs_due().await;
        self.app.run_jobs().await;
    }

    /// Makes the call as old as one that should have turned up by now.
    async fn age(&self) {
        sqlx::query("update calls set created_at = created_at - interval '3 minutes'")
            .execute(&self.app.db)
            .await
            .unwrap();
    }

    fn callback_url(&self) -> String {
        form(&self.twilio.requests()[0])["StatusCallback"].clone()
    }
}

#[tokio::test]
async fn the_first_callback_names_the_call_whose_answer_was_lost() {
    let placing = Placing::boot([]).await;
    let made = placing.lose().await;
    let callback = placing.callback_url();
    assert_eq!(placing.callback(&callback, "CA5", "ringing").await, 204);
    let call = placing.read(&made.call_id).await;
    for (field, value) in [
        ("call_sid", "CA5"),
        ("placement", "placed"),
        ("call_status", "ringing"),
    ] {
        assert_eq!(call[field], value, "{field}");
    }
    assert_eq!(placing.called("CA5").await, [made.call_id.as_str()]);
    assert!(placing.called(&made.call_id).await.is_empty());
    // What is still to be looked for has been found.
    placing.look().await;
    assert_eq!(placing.twilio.requests().len(), 1);
    assert_eq!(placing.app.jobs("place_call").await, 0);
    // The first name stays; a callback with another is about another call.
    assert_eq!(placing.callback(&callback, "CA6", "ringing").await, 204);
    assert_eq!(placing.read(&made.call_id).await["call_sid"], "CA5");
}

#[tokio::test]
async fn the_provider_s_list_names_the_call_whose_answer_was_lost() {
    let placing = Placing::boot([taken("CA1")]).await;
    // A call that somebody's record names, and one that the callee made, are not it.
    placing.make(&order("+11234567890")).await;
    let made = placing.lose().await;
    placing.twilio.then([list(&[
        ("CA2", "outbound-api"),
        ("CA0", "inbound"),
        ("CA1", "outbound-api"),
    ])]);
    placing.look().await;
    let call = placing.read(&made.call_id).await;
    assert_eq!(
        (&call["call_sid"], &call["placement"]),
        (&json!("CA2"), &json!("placed"))
    );
    assert_eq!(
        call["call_status"], "queued",
        "its state is for callbacks to tell"
    );
    assert_eq!(placing.asked(), 2, "one request for each of the two calls");
    let looked = placing.twilio.requests().pop().unwrap();
    let numbers = OURS_E164.replace('+', "%2B");
    assert_eq!(
        (looked.method.as_str(), looked.target),
        (
            "GET",
            format!(
                "/2010-04-01/Accounts/AC1/Calls.json?From={numbers}&To=%2B11234567890&PageSize=50"
            )
        )
    );
}

#[tokio::test]
async fn a_call_that_never_turns_up_is_given_up_and_not_asked_for_again() {
    let placing = Placing::boot([]).await;
    let made = placing.lose().await;
    placing.twilio.then([list(&[])]);
    placing.look().await;
    let call = placing.read(&made.call_id).await;
    assert_eq!(call["placement"], "asking", "it may still turn up");

    // A list that cannot be read says nothing, however old the call.
    placing.age().await;
    placing.twilio.then([Reply::json(500, "{}"), list(&[])]);
    placing.look().await;
    assert_eq!(placing.read(&made.call_id).await["placement"], "asking");
    placing.look().await;
    let call = placing.read(&made.call_id).await;
    for (field, value) in [
        ("placement", "failed"),
        ("call_status", "failed"),
        (
            "disconnect_reason",
            "The provider has not confirmed the call",
        ),
    ] {
        assert_eq!(call[field], value, "{field}");
    }
    assert_eq!(
        placing.read(&made.call_id).await["analysis"]["status"],
        "completed"
    );
    assert_eq!(placing.asked(), 1);
    assert_eq!(placing.app.jobs("place_call").await, 0);
}

#[tokio::test]
async fn the_last_attempt_leaves_no_record_live_for_a_call_that_never_was() {
    let placing = Placing::boot([]).await;
    let made = placing.lose().await;
    sqlx::query("update jobs set attempt = attempts_max - 1 where kind = 'place_call'")
        .execute(&placing.app.db)
        .await
        .unwrap();
    placing.twilio.then([Reply::json(500, "{}")]);
    placing.look().await;
    assert_eq!(placing.read(&made.call_id).await["call_status"], "failed");
}

#[tokio::test]
async fn a_call_that_was_given_up_and_is_there_all_the_same_is_hung_up() {
    let placing = Placing::boot([]).await;
    let made = placing.lose().await;
    placing.age().await;
    placing.twilio.then([list(&[])]);
    placing.look().await;
    assert_eq!(placing.read(&made.call_id).await["call_status"], "failed");

    let callback = placing.callback_url();
    assert_eq!(placing.callback(&callback, "CA9", "in-progress").await, 204);
    placing
        .twilio
        .then([Reply::json(200, r#"{"sid":"CA9","status":"completed"}"#)]);
    placing.app.run_jobs().await;
    let hang_up = placing.twilio.requests().pop().unwrap();
    assert!(
        hang_up.target.ends_with("/Calls/CA9.json"),
        "{}",
        hang_up.target
    );
    assert_eq!(hang_up.body, "Status=completed");
    let call = placing.read(&made.call_id).await;
    assert_eq!(
        (&call["call_sid"], &call["placement"]),
        (&json!("CA9"), &json!("placed"))
    );
    assert_eq!(call["terminations"][0]["state"], "done");
    assert_eq!(call["call_status"], "failed", "the first end stays");
}

#[tokio::test]
async fn a_call_that_is_ended_before_its_name_is_known_is_hung_up_once_it_is() {
    let placing = Placing::boot([]).await;
    let made = placing.lose().await;
    let end = placing.app.post("/calls/end", &placing.account.key);
    let ended = end.json(&json!({"call_id": made.call_id})).send().await;
    let outcome = ended.unwrap().headers()["onhook-outcome"].clone();
    assert_eq!(outcome, "ending_at_provider");
    assert_eq!(placing.read(&made.call_id).await["call_status"], "canceled");
    assert_eq!(
        placing.twilio.requests().len(),
        1,
        "nobody can be asked yet"
    );

    let callback = placing.callback_url();
    assert_eq!(placing.callback(&callback, "CA5", "ringing").await, 204);
    placing
        .twilio
        .then([Reply::json(200, r#"{"sid":"CA5","status":"completed"}"#)]);
    placing.look().await;
    let hang_up = placing.twilio.requests().pop().unwrap();
    assert!(
        hang_up.target.ends_with("/Calls/CA5.json"),
        "{}",
        hang_up.target
    );
    let call = placing.read(&made.call_id).await;
    assert_eq!(call["terminations"][0]["state"], "done");
}

#[tokio::test]
async fn a_process_that_is_lost_while_it_asks_leaves_the_looking_to_others() {
    let placing = Placing::boot([Reply::Silence]).await;
    // It waits no longer than its bound for a provider that says nothing.
    let started = std::time::Instant::now();
    let made = placing.make(&order("+11234567890")).await;
    assert_eq!((made.status, made.outcome.as_str()), (200, "placing"));
    assert!(
        started.elapsed() < Duration::from_secs(8),
        "{:?}",
        started.elapsed()
    );
    // The lease runs out with the answer still owed.
    sqlx::query(
        "update jobs set leased_until = now() - interval '1 second' where kind = 'place_call'",
    )
    .execute(&placing.app.db)
    .await
    .unwrap();
    let rescued = queue::store::rescue(&placing.app.db).await.unwrap();
    assert_eq!(rescued.retried, 1);
    placing.twilio.then([list(&[("CA3", "outbound-api")])]);
    placing.app.run_jobs().await;
    assert_eq!(placing.read(&made.call_id).await["call_sid"], "CA3");
    assert_eq!(placing.asked(), 1);
    // Whoever had the lease finds that it is not theirs, and leaves the record alone.
    let gone = async || (placing.app.jobs("place_call").await == 0).then_some(());
    eventually(Duration::from_secs(15), "the job is done", gone).await;
    assert_eq!(placing.read(&made.call_id).await["placement"], "placed");
}

#[tokio::test]
async fn a_callback_by_another_connection_names_no_call() {
    let placing = Placing::boot([]).await;
    let made = placing.lose().await;
    let theirs = placing
        .app
        .account("acme", onhook::domain::account::VoipMode::Key)
        .await;
    let other = super::connect(
        &placing.app,
        theirs.id,
        placing.twilio.base_url(),
        "+14155550907",
        None,
    )
    .await;
    let callback = placing.callback_url();
    let stranger = callback.replace(&placing.connection.to_string(), &other.to_string());
    assert_eq!(placing.callback(&stranger, "CA8", "ringing").await, 204);
    let call = placing.read(&made.call_id).await;
    assert_eq!(
        (&call["placement"], &call["call_status"]),
        (&json!("asking"), &json!("queued"))
    );
    // A call of that name is theirs all the same.
    let whose: uuid::Uuid =
        sqlx::query_scalar("select account_id from calls where provider_call_id = 'CA8'")
            .fetch_one(&placing.app.db)
            .await
            .unwrap();
    assert_eq!(whose, theirs.id.uuid());
}

#[tokio::test]
async fn a_request_made_again_under_its_key_places_no_second_call() {
    let placing = Placing::boot([taken("CA1")]).await;
    let ask = async |to: &str| {
        let request = placing.app.post("/calls/make-call", &placing.account.key);
        let request = request.header("idempotency-key", "one order");
        let answer = request.json(&order(to)).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json::<Value>().await.unwrap())
    };
    let first = ask("+12").await;
    assert_eq!(
        (first.0, &first.1["data"]["call_sid"]),
        (200, &json!("CA1"))
    );
    assert_eq!(ask("+12").await, first);
    assert_eq!(ask("+13").await.0, 422);
    assert_eq!(placing.asked(), 1);

    // A process that died before it had answered leaves the key without its answer: the call is found by its id.
    sqlx::query(
        "update idempotency_keys set sealed_answer = null, leased_until = now() - interval '1 second'",
    )
    .execute(&placing.app.db)
    .await
    .unwrap();
    let again = ask("+12").await;
    assert_eq!(
        (again.0, &again.1["data"]["id"]),
        (200, &first.1["data"]["id"])
    );
    assert_eq!(placing.asked(), 1);
}
