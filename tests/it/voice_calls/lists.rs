//! Lists of voice calls: pages, order, and that nothing of another account is in them. [`super::filters`] has every filter.

use onhook::domain::account::VoipMode;
use reqwest::StatusCode;
use serde_json::json;

use super::{VOICE_CALLS, answer, change, create};
use crate::app::{TestAccount, TestApp};

async fn sources(app: &TestApp, account: &TestAccount, query: &str) -> Vec<String> {
    let (status, body) = answer(app.get(&format!("{VOICE_CALLS}?{query}"), &account.key)).await;
    assert_eq!(status, StatusCode::OK, "{query}: {body}");
    let calls = body["data"]["voice_calls"].as_array().unwrap();
    calls
        .iter()
        .map(|call| call["source_id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn voice_calls_are_filtered_and_sorted() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let a = create(
        &app,
        &account,
        json!({"source_id": "a", "staff_uid": "s-2"}),
    )
    .await;
    create(
        &app,
        &account,
        json!({"source_id": "b", "direction": "OUTBOUND"}),
    )
    .await;
    create(
        &app,
        &account,
        json!({"source_id": "c", "status": "MISSED", "client_uid": "c-2"}),
    )
    .await;
    let queued = json!({"CallId": "d", "From": "1", "To": "2"});
    answer(
        app.post("/api/v1/voip/call-in-queue", &account.key)
            .json(&queued),
    )
    .await;
    answer(change(
        &app,
        &account.key,
        &a,
        &json!({"status": "ANSWERED_BY_STAFF"}),
    ))
    .await;
    let other = app.account("acme", VoipMode::Key).await;
    create(&app, &other, json!({"source_id": "a"})).await;
    for (query, expected) in [
        ("", vec!["a", "d", "c", "b"]),
        ("sort=updated_at:asc", vec!["b", "c", "d", "a"]),
        ("sort=created_at:desc", vec!["d", "c", "b", "a"]),
        ("sort=created_at:asc", vec!["a", "b", "c", "d"]),
        ("filter[status]=INCOMING_CALL", vec!["d", "b"]),
        ("filter[status]=ANSWERED_BY_STAFF", vec!["a"]),
        ("filter[status]=MISSED", vec!["c"]),
        ("filter[status]=VOICEMAIL", vec![]),
        ("filter[direction]=OUTBOUND", vec!["b"]),
        ("filter[direction]=INBOUND", vec!["a", "d", "c"]),
        ("filter[staff_uid]=s-2", vec!["a"]),
        ("filter%5Bclient_uid%5D=c-2", vec!["c"]),
        ("filter[source_id]=d", vec!["d"]),
        ("filter[source_id][eq]=d&filter[direction]=OUTBOUND", vec![]),
        (
            "filter[created_at][gt]=2020-01-01",
            vec!["a", "d", "c", "b"],
        ),
        ("filter[created_at][lt]=2020-01-01T00:00:00Z", vec![]),
        (
            "filter[updated_at][gte]=2020-01-01&filter[updated_at][lte]=2099-01-01",
            vec!["a", "d", "c", "b"],
        ),
        ("per_page=3", vec!["a", "d", "c"]),
        ("per_page=3&page=2", vec!["b"]),
    ] {
        assert_eq!(sources(&app, &account, query).await, expected, "{query}");
    }
    let (_, page) = answer(app.get(&format!("{VOICE_CALLS}?per_page=3"), &account.key)).await;
    let data = &page["data"];
    assert_eq!(
        (&data["page"], &data["per_page"], &data["total_count"]),
        (&json!(1), &json!(3), &json!(4))
    );
}

#[tokio::test]
async fn a_status_that_has_moved_on_is_found_as_it_is_shown() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let uid = create(&app, &account, json!({"source_id": "CA1"})).await;
    let end = json!({"CallId": "CA1", "From": "1", "To": "2", "Direction": "incoming", "CallStatus": "busy"});
    answer(app.post("/api/v1/voip/call-end", &account.key).json(&end)).await;
    let (_, read) = answer(app.get(&format!("{VOICE_CALLS}/{uid}"), &account.key)).await;
    assert_eq!(
        read["data"]["status"], "MISSED",
        "the call has moved past what staff set"
    );
    assert_eq!(
        sources(&app, &account, "filter[status]=MISSED").await,
        ["CA1"]
    );
    assert_eq!(
        sources(&app, &account, "filter[status]=INCOMING_CALL").await,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn a_list_is_sorted_by_several_fields_in_turn() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    for (source, staff, direction) in [
        ("a", "s-1", "INBOUND"),
        ("b", "s-2", "INBOUND"),
        ("c", "s-1", "OUTBOUND"),
        ("d", "s-2", "OUTBOUND"),
        ("e", "s-1", "INBOUND"),
    ] {
        let call = json!({"source_id": source, "staff_uid": staff, "direction": direction});
        create(&app, &account, call).await;
    }
    let waiting = json!({"CallId": "f", "From": "1", "To": "2"});
    answer(
        app.post("/api/v1/voip/call-in-queue", &account.key)
            .json(&waiting),
    )
    .await;
    for (sort, expected) in [
        ("staff_uid:asc,created_at:asc", "acebdf"),
        ("staff_uid:asc,created_at:desc", "ecadbf"),
        ("staff_uid:desc,source_id:desc", "dbecaf"),
        ("direction:desc,staff_uid:asc,uid:asc", "cdaebf"),
        ("direction:asc,staff_uid:desc,source_id:asc", "baefdc"),
        ("uid:desc", "fedcba"),
    ] {
        let expected: Vec<String> = expected.chars().map(String::from).collect();
        let query = format!("sort={sort}");
        assert_eq!(sources(&app, &account, &query).await, expected, "{sort}");
    }
}

#[tokio::test]
async fn pages_part_the_list_and_a_walk_by_uid_finds_every_call() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    for name in names {
        create(&app, &account, json!({"source_id": name})).await;
    }
    // All that came in one batch have one time: the id parts them, on every page alike.
    sqlx::query("update calls set updated_at = now()")
        .execute(&app.db)
        .await
        .unwrap();
    for sort in [
        "updated_at:desc",
        "updated_at:asc",
        "status:asc",
        "duration:desc,rate:asc",
    ] {
        let mut seen = Vec::new();
        for page in 1..=4 {
            let query = format!("per_page=2&page={page}&sort={sort}");
            seen.extend(sources(&app, &account, &query).await);
        }
        seen.sort();
        assert_eq!(seen, names, "{sort}");
    }
    let (mut seen, mut after) = (
        Vec::new(),
        "00000000-0000-0000-0000-000000000000".to_owned(),
    );
    loop {
        let path = format!("{VOICE_CALLS}?sort=uid:asc&per_page=3&filter[uid][gt]={after}");
        let (_, body) = answer(app.get(&path, &account.key)).await;
        let calls = body["data"]["voice_calls"].as_array().unwrap().clone();
        let Some(last) = calls.last() else { break };
        after = last["uid"].as_str().unwrap().to_owned();
        seen.extend(calls.iter().map(|call| call["source_id"].clone()));
    }
    assert_eq!(seen, names);
    let (status, last) = answer(app.get(
        &format!("{VOICE_CALLS}?page=10000&per_page=100"),
        &account.key,
    ))
    .await;
    let expected = json!({"success": true, "data": {
        "voice_calls": [], "page": 10_000, "per_page": 100, "total_count": 7, "total_count_is_estimate": false,
    }});
    assert_eq!((status, last), (StatusCode::OK, expected));
}

#[tokio::test]
async fn a_total_is_exact_to_ten_thousand_and_says_so_beyond() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let fill = async |count: i32| {
        sqlx::query(
            "insert into calls (account_id, call_id, provider, provider_call_id, state, created_at, updated_at)
             select $1, gen_random_uuid(), 'voip', n::text, 'queued', now(), now() from generate_series(1, $2) as n",
        )
        .bind(account.id.uuid())
        .bind(count)
        .execute(&app.db)
        .await
        .unwrap();
        sqlx::query("analyze calls").execute(&app.db).await.unwrap();
        let (_, body) = answer(app.get(&format!("{VOICE_CALLS}?per_page=1"), &account.key)).await;
        let data = &body["data"];
        (
            data["total_count"].as_i64().unwrap(),
            data["total_count_is_estimate"].clone(),
        )
    };
    assert_eq!(fill(10_000).await, (10_000, json!(false)));
    let (count, estimate) = fill(5_000).await;
    assert!((10_001..=20_000).contains(&count), "{count}");
    assert_eq!(estimate, json!(true));
}
