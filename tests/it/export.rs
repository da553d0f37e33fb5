//! `GET /v1/calls/export` and `onhook export`: every call once, whole, and nothing that looks complete and is not.

use std::time::Duration;

use onhook::domain::{account::VoipMode, call_object::CallObject};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    app::{TestAccount, TestApp},
    call_seed,
    deadline::eventually,
};

mod command;
mod cut_off;
mod formats;
mod pages;

/// So many calls of an account, a second apart, the first the oldest; they are old enough to be exported.
const CALLS: &str = "insert into calls (account_id, call_id, provider, provider_call_id, state, direction, from_number, to_number,
            answered_at, ended_at, notes, metadata, created_at, updated_at)
         select $1, gen_random_uuid(), 'voip', 'CA-' || n, 'completed', 'inbound', '+14155550148', '+14155550901',
                at, at + interval '20 seconds', 'line one' || e'\\n' || 'said \"two\", ' || n, jsonb_build_object('n', n), at, at
         from (select n, now() - interval '1 day' + n * interval '1 second' as at from generate_series(1, $2) as n) as made";

async fn seed(app: &TestApp, account: &TestAccount, calls: i32) {
    sqlx::query(CALLS)
        .bind(account.id.uuid())
        .bind(calls)
        .execute(&app.db)
        .await
        .unwrap();
}

/// What an export answers.
async fn export(app: &TestApp, key: &str, query: &str) -> String {
    let answer = app.get(&format!("/v1/calls/export?{query}"), key);
    let answer = answer.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert_eq!(status, StatusCode::OK, "{query}: {text}");
    text
}

/// Its calls.
async fn exported(app: &TestApp, key: &str, query: &str) -> Vec<Value> {
    let text = export(app, key, query).await;
    assert!(text.is_empty() || text.ends_with('\n'));
    let rows = text.lines().map(serde_json::from_str);
    rows.collect::<Result<_, _>>().unwrap()
}

async fn refused(app: &TestApp, key: &str, query: &str) -> Value {
    let answer = app.get(&format!("/v1/calls/export?{query}"), key);
    let answer = answer.send().await.unwrap();
    let status = answer.status().as_u16();
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["status"], status, "{query}");
    problem
}

fn ids(calls: &[Value]) -> Vec<&str> {
    calls
        .iter()
        .map(|call| call["id"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn every_call_is_exported_as_it_is_read_oldest_first() {
    let app = TestApp::boot().await;
    let account = app.account("acme", VoipMode::Key).await;
    call_seed::seed(&app, &account).await;
    let calls = exported(&app, &account.key, "").await;
    assert_eq!(calls.len(), call_seed::SEEDED);
    for call in &calls {
        let path = format!("/calls/{}", call["id"].as_str().unwrap());
        let read = app.get(&path, &account.key).send().await.unwrap();
        let read: Value = read.json().await.unwrap();
        assert_eq!(*call, read["data"]);
    }
    let listed = call_seed::walked(&app, &account, "order=asc&per_page=5").await;
    assert_eq!(ids(&calls), ids(&listed));
}

#[tokio::test]
async fn a_row_has_the_fields_of_the_call_object_in_their_order() {
    let app = TestApp::boot().await;
    let account = app.account("acme", VoipMode::Key).await;
    seed(&app, &account, 1).await;
    let row = export(&app, &account.key, "").await;
    let mut rest = row.as_str();
    for field in CallObject::FIELDS {
        let (_, after) = rest.split_once(&format!("\"{field}\":")).expect(field);
        rest = after;
    }
    let row: Value = serde_json::from_str(&row).unwrap();
    assert_eq!(row.as_object().unwrap().len(), CallObject::FIELDS.len());
}

#[tokio::test]
async fn filters_are_those_of_a_list() {
    let app = TestApp::boot().await;
    let account = app.account("acme", VoipMode::Key).await;
    call_seed::seed(&app, &account).await;
    let filter = |column: &str, operator: &str, value: &str| {
        format!("filter_columns[]={column}&filter_operator[]={operator}&filter_values[]={value}")
    };
    let mut found = 0;
    for query in [
        "status=COMPL".to_owned(),
        "search=parcel".to_owned(),
        "search=4155550".to_owned(),
        "start_date=2026-03-02&end_date=2026-03-04".to_owned(),
        filter("created_at", "gt", "2026-03-03T10:00:00Z"),
        filter("created_at", "ne", "2026-03-03T10:00:00Z"),
        filter("call_duration", "gte", "10"),
        filter("call_sid", "in", "c1,c3,c5"),
        filter("campaign_id", "is_null", "true"),
        filter("transcript", "contains", "where"),
        filter("analysis_sentiment", "eq", "positive"),
        format!("status=completed&{}", filter("is_test", "eq", "true")),
        filter("call_to", "starts_with", "nothing"),
    ] {
        let list = format!("order=asc&per_page=100&{query}");
        let listed = call_seed::calls(&app, &account, &list).await;
        let calls = exported(&app, &account.key, &query).await;
        assert_eq!(ids(&calls), ids(&listed), "{query}");
        found += calls.len();
    }
    assert!(found > 40, "{found}");
}

#[tokio::test]
async fn what_is_not_understood_is_refused_and_named() {
    let app = TestApp::boot().await;
    let account = app.account("acme", VoipMode::Key).await;
    let other = app.account("other", VoipMode::Key).await;
    seed(&app, &other, 1).await;
    let theirs = exported(&app, &other.key, "").await;
    let theirs = theirs[0]["id"].as_str().unwrap();
    let wrong = "page=1&per_page=5&sort_column=id&order=asc&cursor=x&stat=done&filter_colums[]=id&tags[]=a\
                 &format=xml&after=7&start_date=today";
    let problem = refused(&app, &account.key, wrong).await;
    let named: Vec<&str> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["parameter"].as_str().unwrap())
        .collect();
    for name in [
        "page",
        "per_page",
        "sort_column",
        "order",
        "cursor",
        "stat",
        "filter_colums[]",
        "tags[]",
        "format",
        "after",
        "start_date",
    ] {
        assert!(named.contains(&name), "{name}: {problem}");
    }
    let unknown = "00000000-0000-7000-8000-000000000000";
    let never = refused(&app, &account.key, &format!("after={unknown}")).await;
    let foreign = refused(&app, &account.key, &format!("after={theirs}")).await;
    assert_eq!(never["errors"], foreign["errors"]);
    assert_eq!(
        never["errors"],
        json!([{"parameter": "after", "code": "invalid", "detail": "is no call of the account"}])
    );
}

#[tokio::test]
async fn an_export_goes_on_after_any_call() {
    let app = TestApp::boot().await;
    let account = app.account("acme", VoipMode::Key).await;
    call_seed::seed(&app, &account).await;
    // Of the same moment, so that the id decides.
    sqlx::query("update calls set created_at = '2026-03-01T10:00:00Z' where call_id in (select call_id from calls order by call_id limit 5)")
        .execute(&app.db)
        .await
        .unwrap();
    let all = exported(&app, &account.key, "").await;
    for (number, call) in all.iter().enumerate() {
        let after = format!("after={}", call["id"].as_str().unwrap());
        let rest = exported(&app, &account.key, &after).await;
        assert_eq!(ids(&rest), ids(&all[number + 1..]));
    }
    // One that was deleted since still says where it stood.
    let gone = all[3]["id"].as_str().unwrap();
    sqlx::query("update calls set deleted_at = now() where call_id = $1::uuid")
        .bind(gone)
        .execute(&app.db)
        .await
        .unwrap();
    let rest = exported(&app, &account.key, &format!("after={gone}")).await;
    assert_eq!(ids(&rest), ids(&all[4..]));
    let without = exported(&app, &account.key, "").await;
    assert_eq!(without.len(), all.len() - 1);
}

#[tokio::test]
async fn a_call_that_may_have_an_elder_to_come_is_left_for_the_next_export() {
    let app = TestApp::boot().await;
    let account = app.account("acme", VoipMode::Key).await;
    seed(&app, &account, 3).await;
    let age = async |call: i32, seconds: i32| {
        sqlx::query("update calls set created_at = now() - $2 * interval '1 second' where provider_call_id = 'CA-' || $1")
            .bind(call)
            .bind(seconds)
            .execute(&app.db)
            .await
            .unwrap();
    };
    // The one in the middle is still being written by a transaction that began before the last one's.
    age(3, 8).await;
    age(2, 9).await;
    let first = exported(&app, &account.key, "").await;
    assert_eq!(call_seed::names(&first), ["CA-1"]);
    age(3, 11).await;
    age(2, 12).await;
    let after = format!("after={}", first[0]["id"].as_str().unwrap());
    let second = exported(&app, &account.key, &after).await;
    assert_eq!(call_seed::names(&second), ["CA-2", "CA-3"]);
}

#[tokio::test]
async fn an_account_s_exports_are_bounded() {
    let app = TestApp::boot().await;
    let account = app.account("acme", VoipMode::Key).await;
    let other = app.account("other", VoipMode::Key).await;
    seed(&app, &account, 10_000).await;
    // Answered, and not read.
    let open = async || {
        let request = app.unchecked(Method::GET, "/v1/calls/export");
        request.bearer_auth(&account.key).send().await.unwrap()
    };
    let (first, second) = (open().await, open().await);
    assert_eq!(
        (first.status(), second.status()),
        (StatusCode::OK, StatusCode::OK)
    );
    let third = app
        .get("/v1/calls/export", &account.key)
        .send()
        .await
        .unwrap();
    assert_eq!(third.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(third.headers()["retry-after"], "10");
    let problem: Value = third.json().await.unwrap();
    assert_eq!(problem["code"], "rate_limited");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .starts_with("2 exports of the account")
    );
    assert_eq!(exported(&app, &other.key, "").await.len(), 0);
    drop(first);
    eventually(Duration::from_mins(1), "a place is free", async || {
        let next = app.get("/v1/calls/export?end_date=2020-01-01", &account.key);
        (next.send().await.unwrap().status() == StatusCode::OK).then_some(())
    })
    .await;
    drop(second);
}
