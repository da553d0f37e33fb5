//! `GET /calls/query`: the 35 sort columns, both ways, and the cursor in each.

use std::cmp::Ordering;

use chrono::DateTime;
use onhook::domain::call_query::{Column, Kind};
use reqwest::StatusCode;
use serde_json::Value;

use crate::{
    app::TestApp,
    call_seed::{SEEDED, calls, names, seed, walked},
};

/// The order of two values that are not null, as the documentation has it.
fn compare(column: Column, a: &Value, b: &Value) -> Ordering {
    let text = |value: &Value| -> String { value.as_str().unwrap().chars().take(100).collect() };
    match column.kind() {
        Kind::Whole | Kind::Decimal => a.as_f64().unwrap().total_cmp(&b.as_f64().unwrap()),
        Kind::Time => {
            let time = |value: &Value| DateTime::parse_from_rfc3339(value.as_str().unwrap());
            time(a).unwrap().cmp(&time(b).unwrap())
        }
        Kind::Flag => a.as_bool().cmp(&b.as_bool()),
        Kind::Text | Kind::Id | Kind::Status | Kind::Direction => text(a).cmp(&text(b)),
        // By their text, which is the database's own.
        Kind::Json => Ordering::Equal,
    }
}

fn shown<'c>(name: &str, call: &'c Value) -> &'c Value {
    &call[if name == "name" { "call_to" } else { name }]
}

#[tokio::test]
async fn every_column_sorts_both_ways_and_its_cursor_visits_every_call_once() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    seed(&app, &account).await;
    for (name, column) in Column::NAMES {
        for order in ["asc", "desc"] {
            let query = format!("sort_column={name}&order={order}&per_page=3");
            let found = walked(&app, &account, &query).await;
            let mut ids = names(&found);
            ids.sort_unstable();
            ids.dedup();
            assert_eq!((ids.len(), found.len()), (SEEDED, SEEDED), "{query}");
            for pair in found.windows(2) {
                let [a, b] = [shown(name, &pair[0]), shown(name, &pair[1])];
                assert!(!a.is_null() || b.is_null(), "{query}: null before {b}");
                if a.is_null() || b.is_null() {
                    continue;
                }
                let ordered = match order {
                    "asc" => compare(column, a, b).is_le(),
                    _ => compare(column, a, b).is_ge(),
                };
                assert!(ordered, "{query}: {a} before {b}");
            }
        }
    }
}

#[tokio::test]
async fn every_documented_sort_column_is_there() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    // Of the published document, in its order.
    let documented = "name created_at updated_at started_at ended_at call_duration call_sid call_from call_to \
        call_provider call_status call_direction call_rating call_feedback record_url transcript transcript_language \
        is_test cost price_unit latency disconnect_reason analysis_sentiment agent_task_status agent_task_feedback \
        metadata notes agent_dynamic_variables agent_post_call_outcomes retry_at";
    for name in documented.split_whitespace() {
        for base in ["/calls", "/v1/calls"] {
            let path = format!("{base}/query?sort_column={name}");
            let answer = app.get(&path, &account.key).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
        }
    }
}

#[tokio::test]
async fn calls_that_have_the_same_are_listed_by_age() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    seed(&app, &account).await;
    for (query, expected) in [
        (
            "sort_column=is_test&order=desc&per_page=3",
            ["c12", "c10", "c8"],
        ),
        (
            "sort_column=is_test&order=asc&per_page=3",
            ["c1", "c3", "c5"],
        ),
    ] {
        let found = calls(&app, &account, query).await;
        assert_eq!(names(&found), expected, "{query}");
    }
}
