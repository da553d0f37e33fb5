//! `GET /calls/query`: the parallel lists `filter_columns[]`, `filter_operator[]`, `filter_values[]`.

use onhook::domain::call_query::{
    CONDITIONS_MAX, Column, ITEMS_MAX, Kind, Operator, VALUE_CHARS_MAX,
};
use reqwest::StatusCode;
use serde_json::Value;

use crate::{
    app::{TestAccount, TestApp},
    call_filter_cases::{FOUND, REFUSED},
    call_seed::{SEEDED, calls, filter, names, page, seed},
};

async fn found(app: &TestApp, account: &TestAccount, query: &str) -> Vec<String> {
    names(&calls(app, account, &format!("{query}&per_page=100")).await)
}

/// The fields that are named in a refusal, and everything that is said.
async fn refused(app: &TestApp, account: &TestAccount, query: &str) -> (Vec<String>, String) {
    let request = app.get(&format!("/calls/query?{query}"), &account.key);
    let answer = request.send().await.unwrap();
    let (status, body): (_, Value) = (answer.status(), answer.json().await.unwrap());
    assert_eq!(status, StatusCode::BAD_REQUEST, "{query}: {body}");
    let errors = body["errors"].as_array().unwrap();
    let field = |error: &Value| error["field"].as_str().unwrap().to_owned();
    (errors.iter().map(field).collect(), body.to_string())
}

/// A value as a client writes it.
fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[tokio::test]
async fn a_filter_is_about_what_the_call_shows_whatever_the_column() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    seed(&app, &account).await;
    let all = calls(&app, &account, "per_page=100").await;
    for (column, kind) in Column::NAMES.map(|(name, column)| (name, column.kind())) {
        let shown = |call: &Value| call[if column == "name" { "call_to" } else { column }].clone();
        let without = all.iter().filter(|call| shown(call).is_null()).count();
        let none = found(&app, &account, &filter(column, "is_null", "true")).await;
        assert_eq!(none.len(), without, "{column}");
        let some = found(&app, &account, &filter(column, "is_null", "false")).await;
        assert_eq!(some.len(), SEEDED - without, "{column}");
        for call in &all {
            let value = shown(call);
            if value.is_null() || written(&value).chars().count() > VALUE_CHARS_MAX {
                continue;
            }
            let same: Vec<Value> = all
                .iter()
                .filter(|other| shown(other) == value)
                .cloned()
                .collect();
            let expected = names(&same);
            let text = written(&value);
            let equal = found(&app, &account, &filter(column, "eq", &text)).await;
            assert_eq!(equal, expected, "{column} eq {text}");
            let other = found(&app, &account, &filter(column, "ne", &text)).await;
            assert_eq!(other.len(), SEEDED - same.len(), "{column} ne {text}");
            assert!(
                expected.iter().all(|name| !other.contains(name)),
                "{column} ne {text}"
            );
            if kind != Kind::Json {
                let list = if kind == Kind::Text {
                    serde_json::json!([text]).to_string()
                } else {
                    text.clone()
                };
                let one = found(&app, &account, &filter(column, "in", &list)).await;
                assert_eq!(one, expected, "{column} in {list}");
            }
            if !matches!(kind, Kind::Json | Kind::Id | Kind::Flag) {
                let [above, from, below, upto] =
                    ["gt", "gte", "lt", "lte"].map(|word| filter(column, word, &text));
                let from = found(&app, &account, &from).await.len();
                let upto = found(&app, &account, &upto).await.len();
                let above = found(&app, &account, &above).await.len();
                let below = found(&app, &account, &below).await.len();
                assert_eq!(
                    (from - above, upto - below),
                    (same.len(), same.len()),
                    "{column} {text}"
                );
                assert_eq!(above + upto, SEEDED - without, "{column} {text}");
            }
        }
    }
}

#[tokio::test]
async fn every_operator_finds_what_it_says() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    seed(&app, &account).await;
    for (column, operator, value, expected) in FOUND {
        let mut expected: Vec<&str> = expected.split_whitespace().collect();
        let mut found = found(&app, &account, &filter(column, operator, value)).await;
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected, "{column} {operator} {value}");
    }
    let both = format!(
        "{}&{}&status=busy&search=5555",
        filter("is_test", "eq", "false"),
        filter("call_from", "starts_with", "+49"),
    );
    assert_eq!(found(&app, &account, &both).await, ["c11", "c1"]);
}

#[tokio::test]
async fn what_a_filter_cannot_be_is_named_with_its_place_and_a_remedy() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    for (column, operator, value, field, remedy) in REFUSED {
        let (fields, said) = refused(&app, &account, &filter(column, operator, value)).await;
        assert_eq!(fields, [*field], "{column} {operator} {value}");
        assert!(said.contains(remedy), "{column} {operator} {value}: {said}");
    }
}

#[tokio::test]
async fn every_wrong_filter_is_named_at_once() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let filters = [
        filter("notes", "eq", "fine"),
        filter("secret", "like", "x"),
        filter("call_rating", "gt", "high"),
    ];
    let (fields, _) = refused(&app, &account, &filters.join("&")).await;
    assert_eq!(
        fields,
        [
            "filter_columns[1]",
            "filter_operator[1]",
            "filter_values[2]"
        ]
    );
    let (fields, said) = refused(
        &app,
        &account,
        "filter_columns[]=notes&filter_columns[]=cost",
    )
    .await;
    assert_eq!(fields, ["filter_values[]"]);
    assert!(
        said.contains("has 0 entries where filter_columns[] has 2"),
        "{said}"
    );
    let (fields, _) = refused(&app, &account, "filter_columns[]=notes&filter_values[]=x").await;
    assert_eq!(fields, ["filter_operator[]"]);
    let (fields, _) = refused(&app, &account, "filter_values[]=x").await;
    assert_eq!(fields, ["filter_values[]"]);
    for name in [
        "filter_columns",
        "filter_columns[0]",
        "filters[]",
        "filter[notes]",
    ] {
        let (fields, said) = refused(&app, &account, &format!("{name}=notes")).await;
        assert_eq!(fields, [name]);
        assert!(said.contains("filter_columns[]"), "{said}");
    }
    // Both handlings refuse: the published document has no other answer for it.
    for prefer in ["handling=strict", "handling=lenient"] {
        let request = app.get("/v1/calls/query?filter_values[]=x", &account.key);
        let answer = request.header("prefer", prefer).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        assert_eq!(answer.headers()["preference-applied"], prefer);
    }
}

#[tokio::test]
async fn the_limits_of_filters_are_where_they_are_said_to_be() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let many = |count: usize| vec![filter("notes", "is_null", "true"); count].join("&");
    page(&app, &account, &many(CONDITIONS_MAX)).await;
    let (fields, said) = refused(&app, &account, &many(CONDITIONS_MAX + 1)).await;
    assert_eq!(fields, ["filter_columns[]"]);
    assert!(said.contains("at most 20"), "{said}");
    refused_whole(&app, &account, &many(43)).await;

    let longest = "ä".repeat(VALUE_CHARS_MAX);
    let too_long = format!("{longest}ä");
    for operator in ["eq", "contains", "in"] {
        page(&app, &account, &filter("notes", operator, &longest)).await;
        let (fields, said) = refused(&app, &account, &filter("notes", operator, &too_long)).await;
        assert_eq!(fields, ["filter_values[0]"]);
        assert!(said.contains("at most 255 characters"), "{said}");
    }
    let items = |count: usize| vec!["1"; count].join(",");
    page(
        &app,
        &account,
        &filter("call_rating", "in", &items(ITEMS_MAX)),
    )
    .await;
    refused(
        &app,
        &account,
        &filter("call_rating", "in", &items(ITEMS_MAX + 1)),
    )
    .await;
    // All operators of the longest text column, at once, in one list.
    let all = Operator::WORDS.map(|(word, _)| filter("transcript", word, "true"));
    page(&app, &account, &all.join("&")).await;
}

/// More parameters than any query string may have: refused before anything is read.
async fn refused_whole(app: &TestApp, account: &TestAccount, query: &str) {
    let request = app.get(&format!("/calls/query?{query}"), &account.key);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let said = answer.text().await.unwrap();
    assert!(said.contains("more than 128 names"), "{said}");
}

#[tokio::test]
async fn a_cursor_belongs_to_the_filters_it_was_made_with() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    seed(&app, &account).await;
    let query = format!("{}&per_page=2", filter("is_test", "eq", "false"));
    let first = page(&app, &account, &query).await;
    assert_eq!(first["meta"]["total"], 7);
    let cursor = first["meta"]["next_cursor"].as_str().unwrap();
    let next = calls(&app, &account, &format!("{query}&cursor={cursor}")).await;
    assert_eq!(names(&next), ["c9", "c7"]);
    let other = format!("{}&cursor={cursor}", filter("is_test", "eq", "true"));
    let (fields, _) = refused(&app, &account, &other).await;
    assert_eq!(fields, ["cursor"]);
}
