//! `GET /calls/query`: each documented parameter absent, empty, of the wrong form, in the wrong case, too long, at its bounds and
//! unknown, with the exact answer, under both paths. What filters find is in [`crate::call_filters`].

use onhook::domain::call_query::Column;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Bench, refusal};

mod filters;

const FIRST: &str = "0190f5fe-7c00-7a00-8000-0000000000ab";
const SECOND: &str = "0190f5fe-7c00-7a00-8000-0000000000cd";
const UNKNOWN: &str = "0190f5fe-7c00-7a00-8000-0000000000ef";
const NIL: &str = "00000000-0000-0000-0000-000000000000";

const UUID: &str = "must be a UUID";
const DAY: &str = "must be a day, such as 2026-03-01";
const PAGES: &str = "must be a whole number from 0 to 10000";
const PER_PAGE: &str = "must be a whole number from 1 to 100";
const ORDER: &str = "must be one of asc, desc";
const CURSOR: &str = "must be the next_cursor of a page of the same list";

/// What a query comes to.
enum Expect {
    /// These calls, by the names they were recorded by.
    Lists(&'static str),
    /// This parameter is refused, with this code and message.
    Refused(&'static str, &'static str, String),
}

type Case = (String, Expect);

fn lists(query: impl Into<String>, calls: &'static str) -> Case {
    (query.into(), Expect::Lists(calls))
}

fn invalid(field: &'static str, value: &str, message: impl Into<String>) -> Case {
    let refused = Expect::Refused(field, "invalid", message.into());
    (format!("{field}={value}"), refused)
}

/// Calls a, b and c, in this order.
async fn record(bench: &Bench) {
    let all = "+1415555";
    for call in [
        json!({"call_sid": "a", "call_to": format!("{all}0101"), "campaign_id": FIRST, "ai_agent_id": SECOND,
            "notes": "Alpha 100%"}),
        json!({"call_sid": "b", "call_to": format!("{all}0202"), "campaign_id": SECOND, "ai_agent_id": FIRST,
            "call_status": "completed", "call_feedback": "Bravo_2"}),
        json!({"call_sid": "c", "call_to": format!("{all}0303"), "call_status": "in-progress"}),
    ] {
        let mut call = call;
        call["call_from"] = json!("+1234567890");
        let (status, told) = bench.send((Method::POST, "/calls"), &call, None).await;
        assert_eq!(status, StatusCode::CREATED, "{told}");
    }
}

fn ids() -> Vec<Case> {
    let mut cases = Vec::new();
    // A call without an agent shows the nil UUID, and is found by it.
    for (field, first, second, nil) in [
        ("campaign_id", "a", "b", ""),
        ("ai_agent_id", "b", "a", "c"),
    ] {
        cases.extend([
            lists(format!("{field}="), "cba"),
            lists(format!("{field}={FIRST}"), first),
            lists(format!("{field}={SECOND}"), second),
            lists(format!("{field}={}", FIRST.to_uppercase()), first),
            lists(format!("{}={FIRST}", field.to_uppercase()), "cba"),
            lists(format!("{field}={NIL}"), nil),
            lists(format!("{field}={UNKNOWN}"), ""),
            invalid(field, "null", UUID),
            invalid(field, "7", UUID),
            invalid(field, "x", UUID),
            invalid(field, &FIRST.replace('-', ""), UUID),
            invalid(field, &format!("{FIRST}0"), UUID),
            invalid(field, &format!("%20{FIRST}"), UUID),
        ]);
    }
    cases
}

fn texts() -> Vec<Case> {
    let longest = "x".repeat(255);
    let mut cases = vec![
        lists("status=completed", "b"),
        lists("status=COMPLETED", "b"),
        lists("status=omple", "b"),
        lists("status=-", "c"),
        lists("status=null", ""),
        lists("status=7", ""),
        lists("status=%25", ""),
        lists("status=_", ""),
        lists("Status=completed", "cba"),
        lists("search=5550101", "a"),
        lists("search=alpha", "a"),
        lists("search=100%25", "a"),
        lists("search=bravo_", "b"),
        lists("search=bravo%25", ""),
        lists("search=1234567890", ""),
        lists("Search=alpha", "cba"),
    ];
    for field in ["status", "search"] {
        let too_long = "must have at most 255 characters".to_owned();
        cases.extend([
            lists(format!("{field}="), "cba"),
            lists(format!("{field}={longest}"), ""),
            (
                format!("{field}={longest}x"),
                Expect::Refused(field, "too_long", too_long),
            ),
        ]);
    }
    cases
}

fn days() -> Vec<Case> {
    let mut cases = Vec::new();
    for (field, early, late) in [("start_date", "cba", ""), ("end_date", "", "cba")] {
        cases.extend([
            lists(format!("{field}="), "cba"),
            lists(format!("{field}=2000-01-01"), early),
            lists(format!("{field}=2999-12-31"), late),
            lists(format!("{}=nonsense", field.to_uppercase()), "cba"),
            invalid(field, "null", DAY),
            invalid(field, "7", DAY),
            invalid(field, "2026-3-1", DAY),
            invalid(field, "01-03-2026", DAY),
            invalid(field, "2026-02-30", DAY),
            invalid(field, "2026-03-01T00:00:00Z", DAY),
            invalid(field, "2026-03-01%20", DAY),
        ]);
    }
    let backwards = Expect::Refused(
        "end_date",
        "invalid",
        "must not be before start_date".to_owned(),
    );
    cases.extend([
        lists("start_date=2000-01-01&end_date=2000-01-01", ""),
        (
            "start_date=2000-01-02&end_date=2000-01-01".to_owned(),
            backwards,
        ),
    ]);
    cases
}

fn paging() -> Vec<Case> {
    let mut cases = vec![
        lists("page=0", "cba"),
        lists("page=1", ""),
        lists("page=10000", ""),
        lists("per_page=1", "c"),
        lists("per_page=2&page=1", "a"),
        lists("per_page=100", "cba"),
        lists("PAGE=x&Per_Page=x", "cba"),
        lists("cursor=", "cba"),
        lists("nonsense=1", "cba"),
        invalid("page", "10001", PAGES),
        invalid("per_page", "0", PER_PAGE),
        invalid("per_page", "101", PER_PAGE),
        invalid("cursor", "null", CURSOR),
        invalid("cursor", &"x".repeat(4000), CURSOR),
    ];
    for (field, message) in [("page", PAGES), ("per_page", PER_PAGE)] {
        cases.push(lists(format!("{field}="), "cba"));
        for value in [
            "null",
            "x",
            "-1",
            "1.5",
            "1e1",
            "%201",
            "99999999999999999999",
        ] {
            cases.push(invalid(field, value, message));
        }
    }
    cases
}

fn order() -> Vec<Case> {
    let columns = Column::NAMES.map(|(name, _)| name);
    let columns = format!("must be one of {}", columns.join(", "));
    vec![
        lists("", "cba"),
        lists("sort_column=", "cba"),
        lists("sort_column=created_at&order=asc", "abc"),
        lists("sort_column=name&order=asc", "abc"),
        lists("sort_column=call_to&order=desc", "cba"),
        lists("sort_column=call_status&order=asc", "bca"),
        invalid("sort_column", "CREATED_AT", columns.clone()),
        invalid("sort_column", "null", columns.clone()),
        invalid("sort_column", "nonsense", columns.clone()),
        invalid("sort_column", "created_at%20", columns),
        lists("order=", "cba"),
        lists("order=asc", "abc"),
        lists("order=desc", "cba"),
        invalid("order", "ASC", ORDER),
        invalid("order", "null", ORDER),
        invalid("order", "1", ORDER),
        invalid("order", "ascending", ORDER),
    ]
}

impl Bench {
    async fn query(&self, path: &str, query: &str) -> (StatusCode, Value) {
        let request = self.app.get(&format!("{path}?{query}"), &self.account.key);
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }
}

fn names(page: &Value) -> String {
    let calls = page["data"].as_array().unwrap().iter();
    calls
        .map(|call| call["call_sid"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn every_parameter_has_its_answer_whatever_it_is_given() {
    let bench = Bench::boot().await;
    record(&bench).await;
    let cases = [ids(), texts(), days(), paging(), order()];
    let filters = [
        filters::lists_as_such(),
        filters::words(),
        filters::wrong_values(),
        filters::values(),
        filters::bounds(),
    ];
    let cases = cases.into_iter().chain(filters);
    for (query, expect) in cases.flatten() {
        for path in ["/calls/query", "/v1/calls/query"] {
            let (status, body) = bench.query(path, &query).await;
            let at: String = format!("{path}?{query}").chars().take(120).collect();
            match &expect {
                Expect::Lists(calls) => {
                    assert_eq!(status, StatusCode::OK, "{at}: {body}");
                    assert_eq!(
                        (&body["status"], &body["message"]),
                        (&json!("ok"), &json!("Calls found"))
                    );
                    assert_eq!(names(&body), *calls, "{at}");
                }
                Expect::Refused(field, code, message) => {
                    assert_eq!(body, refusal(&[(field, code, message)]), "{at}");
                    assert_eq!(status, StatusCode::BAD_REQUEST, "{at}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_page_says_where_it_stands_and_a_cursor_leads_on() {
    let bench = Bench::boot().await;
    record(&bench).await;
    let (_, first) = bench.query("/calls/query", "per_page=2").await;
    let cursor = first["meta"]["next_cursor"].as_str().unwrap();
    let meta = json!({"page": 0, "per_page": 2, "total": 3, "total_is_estimate": false, "next_cursor": cursor});
    assert_eq!((names(&first).as_str(), &first["meta"]), ("cb", &meta));
    let (_, second) = bench
        .query("/calls/query", &format!("per_page=2&cursor={cursor}"))
        .await;
    let meta = json!({"page": null, "per_page": 2, "total": null, "total_is_estimate": false, "next_cursor": null});
    assert_eq!((names(&second).as_str(), &second["meta"]), ("a", &meta));
    let both = format!("cursor={cursor}&page=1");
    let (status, refused) = bench.query("/calls/query", &both).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(
        refused,
        refusal(&[("page", "invalid", "cannot be used with cursor")])
    );
}
