//! Events as they are listed: what is asked for, page by page, and how that is found.

use chrono::{DateTime, TimeDelta, Utc};
use onhook::{
    domain::{
        event::EventType,
        id::{AccountId, CallId, EventId},
    },
    store::{
        self,
        events::{self, List},
    },
};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::fixture::{Hooks, call_of, emit_in};
use crate::{
    app::{TestAccount, TestApp},
    receiver::Receiver,
};

async fn listed(app: &TestApp, account: &TestAccount, query: &str) -> Value {
    let request = app.get(&format!("/v1/events?{query}"), &account.key);
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let page: Value = answer.json().await.unwrap();
    assert_eq!(status, StatusCode::OK, "{page}");
    page
}

/// The types on a page.
fn types(page: &Value) -> Vec<&str> {
    let events = page["data"].as_array().unwrap().iter();
    events
        .map(|event| event["type"].as_str().unwrap())
        .collect()
}

/// An account that is told of two calls, the second of which is answered.
async fn told(app: &TestApp, receiver: &Receiver) -> (TestAccount, [CallId; 2]) {
    let account = app.default_account().await;
    let endpoint = json!({"url": receiver.url()});
    let added = app.post("/v1/webhook-endpoints", &account.key);
    let added = added.json(&endpoint).send().await.unwrap();
    assert_eq!(added.status(), StatusCode::CREATED);
    let calls = [call_of(account.id), call_of(account.id)];
    for (call, answered) in calls.iter().zip([false, true]) {
        let mut tx = app.db.begin().await.unwrap();
        emit_in(&mut tx, call, &[EventType::CallStarted]).await;
        if answered {
            emit_in(&mut tx, call, &[EventType::CallAnswered]).await;
        }
        tx.commit().await.unwrap();
    }
    (account, calls.map(|call| call.call_id))
}

#[tokio::test]
async fn events_are_listed_newest_first_by_filter_and_page() {
    let app = TestApp::boot().await;
    let receiver = Receiver::start();
    let (account, [first, second]) = told(&app, &receiver).await;
    app.run_jobs().await;

    let all = listed(&app, &account, "").await;
    assert_eq!(
        types(&all),
        ["call.answered", "call.started", "call.started"]
    );
    assert_eq!(all["next_cursor"], Value::Null);
    let newest = &all["data"][0];
    assert_eq!(newest["call_id"], second.to_string());
    let path = format!("/v1/events/{}", newest["id"].as_str().unwrap());
    let read: Value = app
        .get(&path, &account.key)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        newest["body_bytes"],
        read["body"].as_str().unwrap().len(),
        "{read}"
    );
    assert_eq!(newest["timestamp"], read["timestamp"]);

    let started = listed(&app, &account, "type=call.started").await;
    assert_eq!(types(&started), ["call.started"; 2]);
    let of_first = listed(&app, &account, &format!("call_id={first}")).await;
    assert_eq!(types(&of_first), ["call.started"]);
    let both = format!("call_id={second}&type=call.answered");
    assert_eq!(types(&listed(&app, &account, &both).await).len(), 1);

    let page = listed(&app, &account, "limit=2").await;
    assert_eq!(types(&page), ["call.answered", "call.started"]);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = listed(&app, &account, &format!("limit=2&cursor={cursor}")).await;
    assert_eq!(types(&rest), ["call.started"]);
    assert_eq!(rest["next_cursor"], Value::Null);
}

#[tokio::test]
async fn events_of_a_time_are_those_from_its_beginning_and_before_its_end() {
    let app = TestApp::boot().await;
    let receiver = Receiver::start();
    let (account, _) = told(&app, &receiver).await;
    // What is on its way is listed as what is over: nothing was sent yet.
    for (query, count) in [
        ("since=1970-01-01T00:00:00Z", 3),
        ("until=1970-01-01T00:00:00Z", 0),
        ("since=9999-12-31T23:59:59Z", 0),
        ("until=9999-12-31T23:59:59Z", 3),
        // A `+` that was not escaped.
        (
            "since=2026-01-01T00:00:00+02:00&until=9999-01-01T00:00:00Z",
            3,
        ),
    ] {
        let page = listed(&app, &account, query).await;
        assert_eq!(types(&page).len(), count, "{query}");
    }
    // Written in two milliseconds, one after the other: 0xe677d21fff and 0xe677d22000.
    let ids = [
        "00e677d2-1fff-7000-8000-000000000000",
        "00e677d2-2000-7000-8000-000000000000",
    ];
    for event in ids {
        sqlx::query(
            "insert into events (account_id, event_id, type, occurred_at, body) values ($1, $2::uuid, 'call.started', now(), '{}')",
        )
        .bind(account.id.uuid())
        .bind(event)
        .execute(&app.db)
        .await
        .unwrap();
    }
    let between = "2001-05-14T15:05:37.536Z";
    let since = format!("since={between}&until=2003-01-01T00:00:00Z");
    let until = format!("until={between}");
    assert_eq!(
        listed(&app, &account, &since).await["data"][0]["id"],
        ids[1]
    );
    assert_eq!(
        listed(&app, &account, &until).await["data"][0]["id"],
        ids[0]
    );
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_list_of_events_is_named_at_once() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let wrong = "type=call.exploded&call_id=x&since=yesterday&until=1969-12-31T23:59:59Z&limit=0&cursor=1&kind=a";
    let answer = app.get(&format!("/v1/events?{wrong}"), &account.key);
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let problem: Value = answer.json().await.unwrap();
    let named = problem["errors"].as_array().unwrap().iter();
    let mut named: Vec<_> = named
        .map(|error| error["parameter"].as_str().unwrap())
        .collect();
    named.sort_unstable();
    let all = [
        "call_id", "cursor", "kind", "limit", "since", "type", "until",
    ];
    assert_eq!(named, all);
}

#[tokio::test]
async fn every_list_of_events_is_read_from_an_index() {
    let hooks = Hooks::boot().await;
    // Enough rows that a sequential scan would lose.
    hooks
        .execute(
            "insert into events (account_id, event_id, call_id, type, occurred_at, body)
             select ('00000000-0000-7000-8000-0000000000' || account)::uuid,
                    (left(uuid_at(now())::text, 13) || substr(gen_random_uuid()::text, 14))::uuid, gen_random_uuid(), 'call.ended',
                    now(), '{}'
             from generate_series(10, 30) as account, generate_series(1, 1000) as n",
        )
        .await;
    hooks
        .execute(
            "insert into deliveries
                 (account_id, delivery_id, event_id, endpoint_id, call_id, event_type, state, attempts, created_at)
             select account_id, event_id, event_id, gen_random_uuid(), call_id, type, 'succeeded', 1, now() from events",
        )
        .await;
    hooks
        .execute(
            "insert into delivery_queue (account_id, delivery_id, event_id, endpoint_id, call_id, event_type, size)
             select account_id, event_id, event_id, gen_random_uuid(), call_id, type, 1 from events",
        )
        .await;
    for table in [
        "analyze events",
        "analyze deliveries",
        "analyze delivery_queue",
    ] {
        hooks.execute(table).await;
    }
    let week: String = sqlx::query_scalar(
        "select to_char(date_trunc('week', now() at time zone 'UTC'), 'YYYYMMDD')",
    )
    .fetch_one(&hooks.db)
    .await
    .unwrap();
    let now = store::now(&mut hooks.db.acquire().await.unwrap())
        .await
        .unwrap();
    for list in lists(now) {
        let plan = plan(&hooks, &list).await;
        assert!(
            plan.contains(&format!("events_{week}_pkey")),
            "{list:?}: {plan}"
        );
        for table in [
            format!("events_{week}"),
            format!("deliveries_{week}"),
            "delivery_queue".to_owned(),
        ] {
            assert!(
                !plan.contains(&format!("Seq Scan on {table}")),
                "{list:?}: {plan}"
            );
        }
        if list.since.is_some() {
            // Weeks that the time leaves out are not looked at.
            assert!(!plan.contains("events_rest"), "{list:?}: {plan}");
        }
    }
}

fn lists(now: DateTime<Utc>) -> Vec<List> {
    let all = List {
        limit: 51,
        ..List::default()
    };
    let before = Some(EventId::generate());
    let hour = TimeDelta::hours(1);
    vec![
        all.clone(),
        List {
            before,
            ..all.clone()
        },
        List {
            event_type: Some(EventType::CallEnded),
            before,
            ..all.clone()
        },
        List {
            call_id: Some(CallId::generate()),
            ..all.clone()
        },
        List {
            since: Some(now - hour),
            until: Some(now + hour),
            ..all
        },
    ]
}

/// How a page of one of those accounts is planned.
async fn plan(hooks: &Hooks, list: &List) -> String {
    let account_id: AccountId = "00000000-0000-7000-8000-000000000020".parse().unwrap();
    let sql = events::page(account_id, list).into_string();
    let explain = sqlx::AssertSqlSafe(format!("explain {sql}"));
    let mut query = sqlx::query_scalar::<_, String>(explain).bind(account_id.uuid());
    if let Some(event_type) = list.event_type {
        query = query.bind(event_type);
    }
    if let Some(call_id) = list.call_id {
        for _deliveries in 0..2 {
            query = query.bind(account_id.uuid()).bind(call_id.uuid());
        }
    }
    for time in [list.since, list.until].into_iter().flatten() {
        query = query.bind(time);
    }
    if let Some(before) = list.before {
        query = query.bind(before.uuid());
    }
    let lines = query.bind(list.limit).fetch_all(&hooks.db).await.unwrap();
    lines.join("\n")
}
