//! How long a call may last: set for it, its connection and its account; ended when the least has passed, and told to the provider.

use std::time::Duration;

use chrono::{DateTime, Utc};
use onhook::{calls::limits, domain::limits::MaxDuration};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Alive, provider_part, resource};
use crate::{deadline::eventually, provider_double::Reply};

async fn sweep(alive: &Alive) -> usize {
    limits::sweep(alive.app.tools()).await.unwrap()
}

impl Alive {
    async fn put_limits(&self, call: &str, body: &Value) -> (StatusCode, Value) {
        let path = format!("/v1/calls/{call}/limits");
        let put = self.app.put(&path, &self.account.key).json(body);
        let answer = put.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn limits(&self, call: &str) -> Value {
        self.get(&format!("/v1/calls/{call}/limits")).await
    }

    async fn limit_connection(&self, seconds: i32) {
        let path = format!("/v1/connections/{}", self.connection);
        let patch = self.app.request(Method::PATCH, &path);
        let patch = patch.bearer_auth(&self.account.key);
        let answer = patch.json(&json!({"max_duration": seconds})).send().await;
        assert_eq!(answer.unwrap().status(), StatusCode::OK);
    }

    async fn patch_account(&self, body: &Value) -> (StatusCode, Value) {
        let patch = self.app.request(Method::PATCH, "/v1/account");
        let patch = patch.bearer_auth(&self.account.key).json(body);
        let answer = patch.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }
}

fn in_an_hour() -> DateTime<Utc> {
    let now = std::time::SystemTime::now() + Duration::from_hours(1);
    DateTime::<Utc>::from(now)
}

#[tokio::test]
async fn a_call_ends_when_the_least_of_its_bounds_has_passed_since_its_answer() {
    for (own, connection, account) in [
        (Some(60), None, None),
        (None, Some(60), None),
        (None, None, Some(60)),
        (Some(60), Some(600), Some(6000)),
        (Some(6000), Some(60), Some(600)),
        (Some(600), Some(6000), Some(60)),
    ] {
        let at = format!("{own:?} {connection:?} {account:?}");
        let alive = Alive::boot([resource("CA1", "completed")]).await;
        let call = alive.call("CA1", "in-progress").await;
        if let Some(own) = own {
            let set = alive.put_limits(&call, &json!({"max_duration": own})).await;
            assert_eq!(set.0, StatusCode::OK, "{}", set.1);
        }
        if let Some(connection) = connection {
            alive.limit_connection(connection).await;
        }
        if let Some(account) = account {
            let body = json!({"max_duration": account});
            assert_eq!(alive.patch_account(&body).await.0, StatusCode::OK);
        }
        let shown = alive.limits(&call).await;
        assert_eq!(
            (
                &shown["max_duration"],
                &shown["connection_max_duration"],
                &shown["account_max_duration"],
                &shown["ends_by"]
            ),
            (
                &json!(own),
                &json!(connection),
                &json!(account),
                &json!("max_duration")
            ),
            "{at}"
        );
        alive.age(&call, 57).await;
        assert_eq!(sweep(&alive).await, 0, "{at}");
        alive.age(&call, 4).await;
        assert_eq!(sweep(&alive).await, 1, "{at}");
        assert_eq!(sweep(&alive).await, 0, "{at}");
        alive.app.run_jobs().await;
        let record = alive.read(&call).await;
        assert_eq!(
            (&record["call_status"], &record["disconnect_reason"]),
            (&json!("completed"), &json!("max_duration")),
            "{at}"
        );
        assert_eq!(provider_part(&record)["state"], "done", "{at}");
        assert_eq!(alive.asked("POST"), 1, "{at}");
    }
}

#[tokio::test]
async fn a_call_that_nobody_has_answered_has_not_begun_to_last() {
    let alive = Alive::boot([]).await;
    let call = alive.call("CA1", "ringing").await;
    alive.put_limits(&call, &json!({"max_duration": 60})).await;
    assert_eq!(
        alive.patch_account(&json!({"max_duration": 60})).await.0,
        StatusCode::OK
    );
    assert_eq!(alive.limits(&call).await["ends_at"], json!(null));
    alive.age(&call, 3600).await;
    assert_eq!(sweep(&alive).await, 0);
    assert_eq!(alive.read(&call).await["call_status"], "ringing");

    // It is answered, and found although the limit was set before.
    alive.call("CA1", "in-progress").await;
    sqlx::query("update calls set answered_at = now() - interval '61 seconds'")
        .execute(&alive.app.db)
        .await
        .unwrap();
    assert_eq!(
        alive.patch_account(&json!({"max_duration": null})).await.0,
        StatusCode::OK
    );
    assert_eq!(sweep(&alive).await, 0, "it was looked at a moment ago");
    sqlx::query("update call_limits set look_at = look_at - interval '11 seconds'")
        .execute(&alive.app.db)
        .await
        .unwrap();
    assert_eq!(
        sweep(&alive).await,
        1,
        "and is looked at again in ten seconds"
    );
}

#[tokio::test]
async fn a_call_ends_at_the_moment_that_was_set_whatever_it_is_doing() {
    let alive = Alive::boot([resource("CA1", "completed")]).await;
    let call = alive.call("CA1", "ringing").await;
    let (status, shown) = alive
        .put_limits(&call, &json!({"end_at": in_an_hour()}))
        .await;
    assert_eq!(status, StatusCode::OK, "{shown}");
    assert_eq!(
        (&shown["ends_at"], &shown["ends_by"]),
        (&shown["end_at"], &json!("end_at"))
    );
    alive.age(&call, 3590).await;
    assert_eq!(sweep(&alive).await, 0);
    alive.age(&call, 11).await;
    assert_eq!(sweep(&alive).await, 1);
    let record = alive.read(&call).await;
    assert_eq!(
        (&record["call_status"], &record["disconnect_reason"]),
        (&json!("canceled"), &json!("end_at"))
    );
    alive.app.run_jobs().await;
    assert_eq!(alive.asked("POST"), 1);
}

#[tokio::test]
async fn limits_are_changed_one_by_one_and_cleared_by_null() {
    let alive = Alive::boot([]).await;
    let call = alive.call("CA1", "in-progress").await;
    let end_at = in_an_hour();
    alive
        .put_limits(&call, &json!({"max_duration": 600, "end_at": end_at}))
        .await;
    let (_, shown) = alive
        .put_limits(&call, &json!({"max_duration": null}))
        .await;
    assert_eq!(shown["max_duration"], json!(null));
    assert!(shown["end_at"].is_string(), "{shown}");
    let (_, shown) = alive
        .put_limits(&call, &json!({"max_duration": 604_800, "end_at": null}))
        .await;
    assert_eq!(
        (&shown["max_duration"], &shown["end_at"]),
        (&json!(604_800), &json!(null))
    );
    alive
        .put_limits(&call, &json!({"max_duration": null}))
        .await;
    let kept = alive.number("select count(*) from call_limits").await;
    assert_eq!(kept, 0);
    alive.age(&call, 604_801).await;
    assert_eq!(sweep(&alive).await, 0);
}

#[tokio::test]
async fn what_cannot_be_a_limit_is_refused_with_every_field_named() {
    let alive = Alive::boot([]).await;
    let call = alive.call("CA1", "in-progress").await;
    for (body, status, fields) in [
        (json!({}), 400, vec!["max_duration", "end_at"]),
        (json!({"max_duration": 0}), 400, vec!["max_duration"]),
        (json!({"max_duration": 604_801}), 400, vec!["max_duration"]),
        (
            json!({"max_duration": 1.5, "end_at": "soon"}),
            400,
            vec!["max_duration", "end_at"],
        ),
        (
            json!({"max_duration": "60", "limit": 1}),
            400,
            vec!["limit", "max_duration"],
        ),
        (
            json!({"end_at": "2026-01-01T00:00:00Z"}),
            422,
            vec!["end_at"],
        ),
    ] {
        let (answered, problem) = alive.put_limits(&call, &body).await;
        assert_eq!(answered.as_u16(), status, "{body}: {problem}");
        let named: Vec<&str> = problem["errors"]
            .as_array()
            .unwrap_or_else(|| panic!("{problem}"))
            .iter()
            .map(|error| {
                error["pointer"]
                    .as_str()
                    .unwrap_or_default()
                    .trim_start_matches("#/")
            })
            .collect();
        assert_eq!(named, fields, "{body}: {problem}");
    }
    for seconds in [1, 604_800] {
        let (status, shown) = alive
            .put_limits(&call, &json!({"max_duration": seconds}))
            .await;
        assert_eq!(
            (status, &shown["max_duration"]),
            (StatusCode::OK, &json!(seconds))
        );
    }
    for (body, status) in [
        (json!({"max_duration": 604_801}), 400),
        (json!({"max_duration": 0}), 400),
        (json!({}), 400),
        (json!({"name": "x"}), 400),
        (json!({"max_duration": 1}), 200),
        (json!({"max_duration": 604_800}), 200),
    ] {
        assert_eq!(
            alive.patch_account(&body).await.0.as_u16(),
            status,
            "{body}"
        );
    }
    alive.call("CA1", "completed").await;
    let (status, _) = alive.put_limits(&call, &json!({"max_duration": 60})).await;
    assert_eq!(status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_call_that_is_placed_is_given_its_least_bound_to_its_provider() {
    for (body, account, given) in [
        (json!({"max_duration": 90}), None, Some("90")),
        (json!({"max_duration": 90}), Some(30), Some("30")),
        (json!({}), Some(45), Some("45")),
        (json!({}), None, None),
    ] {
        let alive = Alive::boot([Reply::json(
            201,
            r#"{"sid":"CA1","status":"queued","direction":"outbound-api"}"#,
        )])
        .await;
        if let Some(account) = account {
            alive.patch_account(&json!({"max_duration": account})).await;
        }
        let mut asked = json!({
            "ai_agent_id": "550e8400-e29b-41d4-a716-446655440000", "call_from": super::OURS, "call_to": "+11234567890",
        });
        asked
            .as_object_mut()
            .unwrap()
            .extend(body.as_object().unwrap().clone());
        let make = alive.app.post("/calls/make-call", &alive.account.key);
        let made = make.json(&asked).send().await.unwrap();
        assert_eq!(made.status(), 200);
        let requests = alive.twilio.requests();
        let limit = requests[0]
            .body
            .split('&')
            .find_map(|pair| pair.strip_prefix("TimeLimit="));
        assert_eq!(limit, given, "{}", requests[0].body);
        let made: Value = made.json().await.unwrap();
        let shown = alive.limits(made["data"]["id"].as_str().unwrap()).await;
        assert_eq!(shown["max_duration"], body["max_duration"]);
    }
}

#[tokio::test]
async fn calls_are_made_and_recorded_with_limits() {
    let alive = Alive::boot([]).await;
    let post = async |path: &str, body: Value| {
        let post = alive.app.post(path, &alive.account.key);
        let post = post.header("prefer", "handling=lenient").json(&body);
        let answer = post.send().await.unwrap();
        (
            answer.status().as_u16(),
            answer.json::<Value>().await.unwrap(),
        )
    };
    let call = |more: Value| {
        let mut call = json!({
            "ai_agent_id": "550e8400-e29b-41d4-a716-446655440000", "call_from": super::OURS, "call_to": "+11234567890",
        });
        call.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        call
    };
    let bad = json!({"max_duration": 604_801, "end_at": "tomorrow"});
    for path in ["/calls", "/calls/make-call"] {
        let (status, refused) = post(path, call(bad.clone())).await;
        assert_eq!(status, 400, "{refused}");
        let text = refused.to_string();
        assert!(
            text.contains("max_duration") && text.contains("end_at"),
            "{text}"
        );
        let past = json!({"end_at": "2026-01-01T00:00:00Z"});
        assert_eq!(post(path, call(past)).await.0, 400, "{path}");
    }
    let over = json!({"call_status": "completed", "max_duration": 60});
    assert_eq!(post("/calls", call(over)).await.0, 400);

    let live = json!({
        "call_sid": "CA7", "call_status": "in-progress", "started_at": "2026-01-01T00:00:00Z", "max_duration": 60,
    });
    let (status, recorded) = post("/calls", call(live)).await;
    assert_eq!(status, 201, "{recorded}");
    let id = recorded["data"]["id"].as_str().unwrap();
    assert_eq!(alive.limits(id).await["max_duration"], 60);
    assert_eq!(sweep(&alive).await, 1, "it has lasted since January");
    assert_eq!(alive.read(id).await["disconnect_reason"], "max_duration");
}

#[tokio::test]
async fn another_account_s_or_connection_s_bounds_end_no_call_here() {
    let alive = Alive::boot([]).await;
    let call = alive.call("CA1", "in-progress").await;
    alive.age(&call, 7200).await;
    let other = alive
        .app
        .account("other", onhook::domain::account::VoipMode::Key)
        .await;
    let bound = MaxDuration::from_seconds(60).unwrap();
    onhook::access::set_max_duration(&alive.app.db, other.id, Some(bound))
        .await
        .unwrap();
    assert_eq!(sweep(&alive).await, 0);
    // Of the same account, and another connection's than the call's.
    sqlx::query(
        "insert into connections (account_id, connection_id, provider, base_url, sealed_credentials, max_duration_s)
         values ($1, gen_random_uuid(), 'twilio', 'https://x', '', 60), ($2, gen_random_uuid(), 'twilio', 'https://x', '', 60)",
    )
    .bind(alive.account.id.uuid())
    .bind(other.id.uuid())
    .execute(&alive.app.db)
    .await
    .unwrap();
    assert_eq!(sweep(&alive).await, 0);
}

#[tokio::test]
async fn calls_whose_time_is_up_are_found_by_indexes() {
    let alive = Alive::boot([]).await;
    // So many that a scan would be dearer.
    sqlx::raw_sql(
        "insert into calls (account_id, call_id, provider, provider_call_id, state, answered_at, ended_at, created_at, updated_at)
         select account_id, gen_random_uuid(), 'voip', 'CA' || n,
                (case when n % 1000 = 0 then 'in_progress' else 'completed' end)::call_state,
                now() - make_interval(secs => n), case when n % 1000 <> 0 then now() end, now(), now()
         from accounts, generate_series(1, 50000) as n;
         insert into call_limits (account_id, call_id, max_duration_s, look_at)
         select account_id, gen_random_uuid(), 60, now() + make_interval(secs => n)
         from accounts, generate_series(1, 20000) as n;
         update accounts set max_duration_s = 3600;
         analyze calls; analyze call_limits",
    )
    .execute(&alive.app.db)
    .await
    .unwrap();
    for (sql, index) in [
        (
            "explain select account_id, call_id from call_limits where look_at <= now() order by look_at limit 100",
            "call_limits_look",
        ),
        (
            "explain select accounts.account_id, over.call_id from accounts
             cross join lateral (
               select call_id from calls
               where calls.account_id = accounts.account_id and state = 'in_progress' and deleted_at is null
                 and coalesce(answered_at, created_at) <= now() - make_interval(secs => accounts.max_duration_s)
               order by coalesce(answered_at, created_at) limit 100
             ) as over where accounts.max_duration_s is not null limit 100",
            "calls_talking",
        ),
    ] {
        let plan: Vec<String> = sqlx::query_scalar(sql)
            .fetch_all(&alive.app.db)
            .await
            .unwrap();
        let plan = plan.join("\n");
        assert!(plan.contains(index) && !plan.contains("Seq Scan on calls"), "{plan}");
    }
}

#[tokio::test]
async fn a_service_that_leads_ends_calls_by_itself_and_on_time() {
    let alive = Alive::boot([resource("CA1", "completed")]).await;
    let call = alive.call("CA1", "in-progress").await;
    alive.put_limits(&call, &json!({"max_duration": 1})).await;
    let supervisor = onhook::supervisor::Supervisor::new();
    let (standing, lead) = onhook::queue::periodic::standing();
    let (tools, db) = (alive.app.tools().clone(), alive.app.db.clone());
    supervisor.spawn("periodic", move |stop| {
        onhook::queue::periodic::lead(db, standing, stop)
    });
    supervisor.spawn("limits", move |stop| {
        onhook::calls::tend::limits(tools, lead, stop)
    });
    eventually(Duration::from_secs(20), "its time is up", async || {
        (alive.read(&call).await["call_status"] == "completed").then_some(())
    })
    .await;
    supervisor.shutdown(Duration::from_secs(5)).await;
    let late = "select extract(epoch from ended_at - answered_at)::bigint from calls";
    let lasted = alive.number(late).await;
    assert!((1..=4).contains(&lasted), "{lasted} s of 1 s");
}
