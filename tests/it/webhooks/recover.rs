//! What an endpoint has missed is sent again: all of it, once, and nothing else; whoever dies on the way.

use std::{
    process::Command,
    time::{Duration, SystemTime},
};

use chrono::{DateTime, TimeDelta, Utc};
use onhook::{
    domain::{account::VoipMode, event::EventType},
    webhooks::recover::{self, AT_ONCE},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use super::{
    fixture::{call_of, emit_in},
    settings::{Set, body, set, set_at},
};
use crate::{
    deadline::eventually,
    receiver::{Received, Receiver, Reply},
};

const ENDED: &[EventType] = &[EventType::CallEnded];

impl Set {
    /// Tells of so many new calls, and delivers nothing.
    async fn emit(&self, calls: usize, events: &[EventType]) {
        let mut tx = self.app.db.begin().await.unwrap();
        for _ in 0..calls {
            emit_in(&mut tx, &call_of(self.account.id), events).await;
        }
        tx.commit().await.unwrap();
    }

    async fn execute(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        sqlx::raw_sql(sql).execute(&self.app.db).await.unwrap();
    }

    async fn count(&self, rest: &str) -> i64 {
        let sql = AssertSqlSafe(format!("select count(*) from {rest}"));
        sqlx::query_scalar(sql)
            .fetch_one(&self.app.db)
            .await
            .unwrap()
    }

    /// Everything that is on its way becomes a dead letter, of so many hours ago.
    async fn dies(&self, hours: i64) {
        self.execute(
            "with gone as (delete from delivery_queue returning *)
             insert into deliveries (account_id, delivery_id, event_id, endpoint_id, call_id, event_type, state, attempts, created_at,
                                     started_at, duration_ms, outcome)
             select account_id, delivery_id, event_id, endpoint_id, call_id, event_type, 'dead', 10, created_at, now(), 1, 'timed_out'
             from gone",
        )
        .await;
        self.age(hours).await;
    }

    /// What was told within the last seconds was told hours ago.
    async fn age(&self, hours: i64) {
        let young = "uuid_at(now() - interval '10 minutes')";
        let then = ago(hours);
        let old = |id: &str| {
            format!("(left(uuid_at('{then}')::text, 13) || substr({id}::text, 14))::uuid")
        };
        let (event, delivery) = (old("event_id"), old("delivery_id"));
        for sql in [
            format!("update deliveries set event_id = {event} where event_id > {young}"),
            format!("update deliveries set delivery_id = {delivery} where delivery_id > {young}"),
            format!("update events set event_id = {event} where event_id > {young}"),
        ] {
            self.execute(&sql).await;
        }
    }

    async fn recover(&self, asked: Value, status: StatusCode) -> Value {
        let request = self.app.post(&self.path("/recover"), &self.account.key);
        body(request.json(&asked), status).await
    }

    /// Recovers, and answers what came of it.
    async fn recovered(&self, asked: Value) -> Value {
        let begun = self.recover(asked, StatusCode::ACCEPTED).await;
        assert_eq!(begun["state"], "running");
        self.ended(&begun).await
    }

    /// The recovery when it has come to its end. It waits for everybody on the server who was under way: other tests, too.
    async fn ended(&self, begun: &Value) -> Value {
        eventually(Duration::from_secs(30), "the end", async || {
            self.execute("update jobs set run_at = now() where state = 'available'")
                .await;
            self.app.run_jobs().await;
            let recovery = self.recovery(begun).await;
            (recovery["state"] != "running").then_some(recovery)
        })
        .await
    }

    async fn recovery(&self, begun: &Value) -> Value {
        let path = format!("/v1/recoveries/{}", begun["id"].as_str().unwrap());
        body(self.app.get(&path, &self.account.key), StatusCode::OK).await
    }

    /// The `webhook-id` of everything that came.
    fn came(&self) -> Vec<String> {
        let received = self.receiver.received();
        let ids = received.iter().map(|got| got.header("webhook-id"));
        ids.map(str::to_owned).collect()
    }
}

fn ago(hours: i64) -> String {
    (DateTime::<Utc>::from(SystemTime::now()) - TimeDelta::hours(hours)).to_rfc3339()
}

fn counts(recovery: &Value) -> [i64; 4] {
    ["looked_at", "resent", "made", "skipped"].map(|count| recovery[count].as_i64().unwrap())
}

#[tokio::test]
async fn what_has_died_since_a_moment_is_sent_again_and_what_died_before_is_not() {
    let at = set(json!({})).await;
    at.emit(2, ENDED).await;
    at.dies(48).await;
    at.emit(3, ENDED).await;
    at.dies(5).await;
    // It was taken: there is nothing to be sent again.
    at.emit(1, ENDED).await;
    at.app.run_jobs().await;
    let taken = at.came().len();

    let done = at.recovered(json!({"since": ago(24)})).await;
    assert_eq!(done["state"], "completed", "{done}");
    assert_eq!(counts(&done), [4, 3, 0, 0], "{done}");
    assert!(done["finished_at"].is_string());
    assert_eq!(at.came().len(), taken + 3);
    assert_eq!(at.count("deliveries where state = 'dead'").await, 2);
    // The attempt that was its last stands among those before the new ones.
    assert_eq!(at.count("attempts where attempt = 10").await, 3);

    let until = json!({"since": ago(72), "until": ago(24), "states": ["dead"]});
    assert_eq!(counts(&at.recovered(until).await), [2, 2, 0, 0]);
    assert_eq!(at.count("deliveries where state = 'dead'").await, 0);

    let all = json!({"since": ago(72), "states": ["dead", "succeeded"]});
    let again = at.recovered(all).await;
    assert_eq!(counts(&again), [6, 6, 0, 0], "everything, once more");
    let listed = at.app.get("/v1/recoveries?limit=2", &at.account.key);
    let listed = body(listed, StatusCode::OK).await;
    assert_eq!(listed["data"][0], again);
    assert_eq!(listed["data"].as_array().unwrap().len(), 2);
    let next = format!(
        "/v1/recoveries?cursor={}",
        listed["next_cursor"].as_str().unwrap()
    );
    let last = body(at.app.get(&next, &at.account.key), StatusCode::OK).await;
    assert_eq!(last["data"], json!([done]));
}

#[tokio::test]
async fn what_happens_while_an_endpoint_is_disabled_is_kept_for_it() {
    let at = set(json!({})).await;
    at.emit(2, ENDED).await;
    at.post("/disable").await;
    at.emit(3, &[EventType::CallEnded, EventType::CallAnalyzed])
        .await;
    at.app.run_jobs().await;
    let refused = at
        .recover(json!({"since": ago(1)}), StatusCode::CONFLICT)
        .await;
    assert_eq!(
        refused["detail"],
        "the endpoint is disabled: enable it first"
    );
    at.post("/enable").await;
    assert!(at.came().is_empty());

    let done = at.recovered(json!({"since": ago(1)})).await;
    assert_eq!(counts(&done), [8, 8, 0, 0], "{done}");
    let told: Vec<String> = at
        .receiver
        .received()
        .iter()
        .map(Received::event_type)
        .collect();
    assert_eq!(told.iter().filter(|told| *told == "call.ended").count(), 5);
    // Again there is nothing that it has missed.
    assert_eq!(
        counts(&at.recovered(json!({"since": ago(1)})).await),
        [8, 0, 0, 0]
    );
}

#[tokio::test]
async fn an_endpoint_that_is_new_is_told_what_others_were_told_if_it_asks() {
    let other = set(json!({})).await;
    other
        .emit(3, &[EventType::CallEnded, EventType::CallUpdated])
        .await;
    other.app.run_jobs().await;
    other.age(5).await;
    let receiver = Receiver::start();
    let wanted = json!({"url": receiver.url(), "event_types": ["call.ended"]});
    let added = other
        .app
        .post(super::settings::ENDPOINTS, &other.account.key)
        .json(&wanted);
    let at = Set {
        endpoint: body(added, StatusCode::CREATED).await,
        receiver,
        ..other
    };
    at.emit(1, ENDED).await;
    let plain = at.recovered(json!({"since": ago(24)})).await;
    assert_eq!((counts(&plain)[1], counts(&plain)[2]), (0, 0), "{plain}");
    assert_eq!(at.came().len(), 1);

    let asked = json!({"since": ago(24), "missing": true, "states": ["dead", "discarded", "succeeded"], "until": ago(1)});
    let done = at.recovered(asked.clone()).await;
    assert_eq!(counts(&done), [6, 0, 3, 0], "{done}");
    assert_eq!(at.came().len(), 4);
    let done = at.recovered(asked.clone()).await;
    assert_eq!(counts(&done), [9, 3, 0, 0], "each has its delivery");
    // What has ended since a recovery was asked for is none of it.
    let begun = at.recover(asked, StatusCode::ACCEPTED).await;
    at.execute("update deliveries set finished_at = now()")
        .await;
    assert_eq!(counts(&at.ended(&begun).await), [9, 0, 0, 0]);
    let only = json!({"since": ago(24), "missing": true, "states": []});
    assert_eq!(counts(&at.recovered(only).await)[1..], [0, 0, 0]);
    // They stand where their events do.
    let found = "deliveries where delivery_id < uuid_at(now() - interval '4 hours')";
    assert_eq!(at.count(found).await, 9);
}

#[tokio::test]
async fn what_was_erased_or_is_not_kept_any_more_stays_gone() {
    let at = set(json!({})).await;
    at.emit(3, ENDED).await;
    at.dies(1).await;
    at.execute("delete from events where event_id = (select event_id from deliveries limit 1)")
        .await;
    let end = json!({"CallId": "CA1", "From": "+1", "To": "+2", "Direction": "incoming", "CallStatus": "completed"});
    let report = at
        .app
        .post("/api/v1/voip/call-end", &at.account.key)
        .json(&end);
    assert_eq!(report.send().await.unwrap().status(), 200);
    at.dies(1).await;
    let call: String = sqlx::query_scalar("select call_id::text from calls")
        .fetch_one(&at.app.db)
        .await
        .unwrap();
    let erase = at.app.post("/v1/erasures", &at.account.key);
    body(erase.json(&json!({"call_id": call})), StatusCode::ACCEPTED).await;
    at.app.run_jobs().await;

    let done = at
        .recovered(json!({"since": ago(24), "missing": true}))
        .await;
    assert_eq!(counts(&done)[1..], [2, 0, 1], "{done}");
    let received = at.receiver.received();
    assert!(
        received
            .iter()
            .all(|got| !got.json().to_string().contains(&call))
    );
    assert_eq!(received.len(), 2);
}

#[tokio::test]
async fn a_worker_that_is_lost_between_slices_has_lost_nothing_and_sent_nothing_twice() {
    let at = set(json!({})).await;
    let calls = AT_ONCE + 100;
    at.emit(usize::try_from(calls).unwrap(), ENDED).await;
    at.dies(1).await;
    let begun = at
        .recover(json!({"since": ago(24)}), StatusCode::ACCEPTED)
        .await;

    // The second page waits for somebody who has one of it.
    let mut held = at.app.db.begin().await.unwrap();
    let last = "select from deliveries where delivery_id = (select max(delivery_id::text)::uuid from deliveries) for update";
    sqlx::query(last).execute(&mut *held).await.unwrap();
    let first_is_done = async || (at.recovery(&begun).await["resent"] == AT_ONCE).then_some(());
    let stands = eventually(Duration::from_secs(30), "the first page", first_is_done);
    let working = async {
        for _ in 0..200 {
            at.execute("update jobs set run_at = now() where state = 'available'")
                .await;
            at.app.run_jobs().await;
        }
    };
    tokio::select! {
        () = working => panic!("it was to be held up"),
        () = stands => {}
    }
    assert_eq!(at.recovery(&begun).await["state"], "running");
    let refused = at
        .recover(json!({"since": ago(24)}), StatusCode::CONFLICT)
        .await;
    let running = format!(
        "the recovery {} of this endpoint is running",
        begun["id"].as_str().unwrap()
    );
    assert_eq!(refused["detail"], running);
    held.rollback().await.unwrap();
    at.execute(
        "update jobs set leased_until = now() - interval '1 second' where state = 'running'",
    )
    .await;
    onhook::queue::store::rescue(&at.app.db).await.unwrap();

    let done = at.ended(&begun).await;
    assert_eq!(counts(&done), [calls, calls, 0, 0], "{done}");
    let mut came = at.came();
    let sent = came.len();
    came.sort_unstable();
    came.dedup();
    assert_eq!(
        (i64::try_from(came.len()).unwrap(), sent),
        (calls, came.len())
    );
}

#[tokio::test]
async fn a_recovery_whose_job_was_given_up_is_gone_on_with() {
    let at = set(json!({})).await;
    at.emit(1, ENDED).await;
    at.dies(1).await;
    let begun = at
        .recover(json!({"since": ago(24)}), StatusCode::ACCEPTED)
        .await;
    at.execute("update jobs set state = 'dead' where kind = 'recover'")
        .await;
    let tools = at.app.tools();
    for _ in 0..2 {
        recover::look_after(&tools.db, &tools.wake).await.unwrap();
    }
    assert_eq!(
        at.count("jobs where kind = 'recover' and state = 'available'")
            .await,
        1
    );
    assert_eq!(at.ended(&begun).await["state"], "completed");
}

#[tokio::test]
async fn a_recovery_of_an_endpoint_that_is_disabled_or_deleted_meanwhile_has_failed() {
    let at = set_at(Receiver::always(Reply::Status(410)), json!({})).await;
    at.emit(1, ENDED).await;
    at.dies(1).await;
    let begun = at
        .recover(json!({"since": ago(24)}), StatusCode::ACCEPTED)
        .await;
    at.post("/disable").await;
    let failed = at.ended(&begun).await;
    assert_eq!(
        (failed["state"].as_str(), counts(&failed)),
        (Some("failed"), [0; 4])
    );
    // Enabled again, it may be tried again.
    at.post("/enable").await;
    let begun = at
        .recover(json!({"since": ago(24)}), StatusCode::ACCEPTED)
        .await;
    let delete = at
        .app
        .request(Method::DELETE, &at.path(""))
        .bearer_auth(&at.account.key);
    assert_eq!(
        delete.send().await.unwrap().status(),
        StatusCode::NO_CONTENT
    );
    assert_eq!(at.ended(&begun).await["state"], "failed");
    assert!(at.came().is_empty());
}

#[tokio::test]
async fn a_recovery_waits_for_who_began_to_tell_before_it_was_asked_for() {
    let at = set(json!({})).await;
    at.post("/disable").await;
    let mut slow = at.app.db.begin().await.unwrap();
    emit_in(&mut slow, &call_of(at.account.id), ENDED).await;
    at.post("/enable").await;
    let begun = at
        .recover(json!({"since": ago(1)}), StatusCode::ACCEPTED)
        .await;
    at.app.run_jobs().await;
    assert_eq!(at.recovery(&begun).await["state"], "running");
    slow.commit().await.unwrap();
    assert_eq!(counts(&at.ended(&begun).await), [1, 1, 0, 0]);
}

#[tokio::test]
async fn what_cannot_be_recovered_is_refused_with_its_reason() {
    let at = set(json!({})).await;
    for (asked, status, pointer) in [
        (json!({}), 400, "#/since"),
        (json!({"since": "yesterday"}), 400, "#/since"),
        (
            json!({"since": ago(1), "states": ["pending"]}),
            400,
            "#/states/0",
        ),
        (json!({"since": ago(1), "states": []}), 400, "#/states"),
        (json!({"since": ago(1), "missing": 1}), 400, "#/missing"),
        (json!({"since": ago(1), "endpoint": 1}), 400, "#/endpoint"),
        (json!({"since": ago(-1)}), 422, "#/since"),
        (json!({"since": ago(1), "until": ago(2)}), 422, "#/since"),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        let problem = at.recover(asked.clone(), status).await;
        assert_eq!(
            problem["errors"][0]["pointer"], pointer,
            "{asked}: {problem}"
        );
    }
    let stranger = at.app.account("stranger", VoipMode::Key).await;
    let theirs = at.app.post(&at.path("/recover"), &stranger.key);
    body(
        theirs.json(&json!({"since": ago(1)})),
        StatusCode::NOT_FOUND,
    )
    .await;
    // A time that is still to come is now.
    let begun = at
        .recover(
            json!({"since": ago(1), "until": ago(-1)}),
            StatusCode::ACCEPTED,
        )
        .await;
    assert_eq!(begun["until"], begun["created_at"]);
    let path = format!("/v1/recoveries/{}", begun["id"].as_str().unwrap());
    body(at.app.get(&path, &stranger.key), StatusCode::NOT_FOUND).await;
    let listed = body(at.app.get("/v1/recoveries", &stranger.key), StatusCode::OK).await;
    assert_eq!(listed["data"], json!([]));
}

#[tokio::test]
async fn the_command_waits_until_all_of_it_is_on_its_way() {
    let at = set(json!({})).await;
    at.emit(3, ENDED).await;
    at.dies(5).await;
    let worker = at.app.worker().await;
    let command = async |args: &[&str]| {
        let (url, args) = (at.app.database().url().to_owned(), args.join(" "));
        let run = tokio::task::spawn_blocking(move || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_onhook"));
            let command = command.arg("recover").args(args.split(' ')).env_clear();
            let command = command.env("ONHOOK_SECRET_KEY", "00".repeat(32));
            command.env("DATABASE_URL", url).output().unwrap()
        });
        run.await.unwrap()
    };
    let endpoint = at.endpoint["id"].as_str().unwrap();
    let done = command(&["--endpoint", endpoint, "--since", &ago(24)]).await;
    let progress = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{progress}");
    assert!(
        progress.contains("3 looked at, 3 resent, 0 made, 0 skipped"),
        "{progress}"
    );
    let receipt: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(receipt["resent"], 3);
    let none = json!(receipt["recovery_id"]);
    let refused = command(&["--endpoint", none.as_str().unwrap(), "--since", &ago(24)]).await;
    assert!(!refused.status.success());
    let refused = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.contains("there is no such endpoint"), "{refused}");
    worker.stop().await;
}

#[tokio::test]
async fn made_again_with_its_key_a_recovery_is_the_same() {
    let at = set(json!({})).await;
    let ask = || {
        let request = at.app.post(&at.path("/recover"), &at.account.key);
        let request = request.header("idempotency-key", "night");
        body(
            request.json(&json!({"since": "2026-01-01T00:00:00Z"})),
            StatusCode::ACCEPTED,
        )
    };
    let first = ask().await;
    at.app.run_jobs().await;
    assert_eq!(ask().await, first);
    assert_eq!(at.count("recoveries").await, 1);
}
