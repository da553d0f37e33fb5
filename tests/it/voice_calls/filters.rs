//! Every filter of the list: each field × each operator, and what is wrong with those that are wrong.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{VOICE_CALLS, answer, change, create, with};
use crate::app::{TestAccount, TestApp};

/// A field, and its values in a call that has little of it, more of it, and most of it.
type Ordered = (&'static str, [&'static str; 3], Absent);

/// Whether a call may be without the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Absent {
    Never,
    Maybe,
}

use Absent::{Maybe, Never};

/// The values are in an order that is not that of their texts, nor of any locale.
const ORDERED: [Ordered; 18] = [
    ("duration", ["9", "60", "600"], Never),
    (
        "created_at",
        [
            "2026-03-01",
            "2026-03-01T12:00:00Z",
            "2026-03-02T01:00:00%2B01:00",
        ],
        Never,
    ),
    (
        "updated_at",
        [
            "2026-03-03",
            "2026-03-03T00:00:00.5Z",
            "2026-03-03T00:00:01+00:00",
        ],
        Never,
    ),
    (
        "handled_at",
        ["2026-03-04", "2026-03-05", "2026-03-06"],
        Maybe,
    ),
    ("staff_uid", ["B", "a", "%C3%A4"], Maybe),
    ("client_uid", ["B", "a", "%C3%A4"], Maybe),
    ("from_number", ["%2B111", "+222", "%2B2220"], Never),
    ("to_number", ["%2B111", "+222", "%2B2220"], Never),
    ("call_summary", ["", "A%25", "b_"], Maybe),
    (
        "external_app_url",
        ["http://a", "https://a", "https://a/%3Fq=1"],
        Maybe,
    ),
    ("external_app_name", ["B", "a", "%C3%A4"], Maybe),
    ("source_id", ["B", "a", "%C3%A4"], Never),
    ("external_uuid", ["B", "a", "%C3%A4"], Maybe),
    ("handled_by_staff_uid", ["B", "a", "%C3%A4"], Maybe),
    ("rate", ["0.5", "5", "10.000"], Maybe),
    ("price", ["0.5", "5", "10.000"], Maybe),
    ("provider", ["LIVEKIT", "TWILIO", "VONAGE"], Never),
    ("recording_id", ["B", "a", "%C3%A4"], Maybe),
];

/// Three calls with those values, and one of which nobody has said anything. Answers the uids of the three.
async fn furnish(app: &TestApp, account: &TestAccount) -> [String; 3] {
    connect(app, account).await;
    let texts = ["B", "a", "ä"];
    let mut uids = Vec::new();
    for (n, text) in texts.into_iter().enumerate() {
        let uid = create(app, account, json!({"source_id": text})).await;
        let number = ["+111", "+222", "+2220"][n];
        let amount = ["0.5", "5", "10"][n];
        let link = ["http://a", "https://a", "https://a/?q=1"][n];
        let body = json!({
            "staff_uid": text, "client_uid": text, "external_uuid": text, "external_app_name": text,
            "handled_by_staff_uid": text, "recording_id": text, "from_number": number, "to_number": number,
            "external_app_url": link, "rate": amount, "price": amount,
        });
        let more = json!({
            "call_summary": (["", "A%", "b_"][n]), "duration": ([9, 60, 600][n]),
            "provider": (["LIVEKIT", "TWILIO", "VONAGE"][n]), "direction": (["INBOUND", "OUTBOUND", "INBOUND"][n]),
        });
        let body = with(body, more);
        let (status, body) = answer(change(app, &account.key, &uid, &body)).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        uids.push(uid);
    }
    let waiting = json!({"CallId": "bare", "From": "anonymous", "To": "2"});
    answer(
        app.post("/api/v1/voip/call-in-queue", &account.key)
            .json(&waiting),
    )
    .await;
    date(app, &uids).await;
    uids.try_into().unwrap()
}

/// Connects the account to providers that come before Vonage.
async fn connect(app: &TestApp, account: &TestAccount) {
    for provider in ["livekit", "twilio"] {
        sqlx::query(
            "insert into connections (account_id, connection_id, provider, base_url, sealed_credentials)
             values ($1, gen_random_uuid(), $2, 'https://example.com', '')",
        )
        .bind(account.id.uuid())
        .bind(provider)
        .execute(&app.db)
        .await
        .unwrap();
    }
}

/// Gives the three their times.
async fn date(app: &TestApp, uids: &[String]) {
    let times = [
        (
            "2026-03-01 00:00+00",
            "2026-03-03 00:00:00+00",
            "2026-03-04 00:00+00",
        ),
        (
            "2026-03-01 12:00+00",
            "2026-03-03 00:00:00.5+00",
            "2026-03-05 00:00+00",
        ),
        (
            "2026-03-02 00:00+00",
            "2026-03-03 00:00:01+00",
            "2026-03-06 00:00+00",
        ),
    ];
    for (uid, (created, updated, handled)) in uids.iter().zip(times) {
        sqlx::query(
            "update calls set created_at = $1::timestamptz, updated_at = $2::timestamptz, handled_at = $3::timestamptz
             where call_id = $4::uuid",
        )
        .bind(created)
        .bind(updated)
        .bind(handled)
        .bind(uid)
        .execute(&app.db)
        .await
        .unwrap();
    }
}

/// Which of the three (1, 2, 3) and the bare call (0) a query lists, in its order.
async fn listed(app: &TestApp, account: &TestAccount, query: &str) -> String {
    let (status, body) = answer(app.get(&format!("{VOICE_CALLS}?{query}"), &account.key)).await;
    assert_eq!(status, StatusCode::OK, "{query}: {body}");
    let calls = body["data"]["voice_calls"].as_array().unwrap();
    assert_eq!(body["data"]["total_count"], calls.len(), "{query}");
    let name = |call: &Value| match call["source_id"].as_str().unwrap() {
        "B" => '1',
        "a" => '2',
        "ä" => '3',
        _ => '0',
    };
    calls.iter().map(name).collect()
}

#[tokio::test]
async fn every_field_can_be_compared_with_every_operator() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let uids = furnish(&app, &account).await;
    // Only the three, so that the bare call is in no answer but where it is asked for.
    let three = "sort=uid:asc&filter[staff_uid][in]=B,a,%C3%A4";
    let mut fields: Vec<(&str, [String; 3])> = ORDERED
        .iter()
        .map(|(field, values, _)| (*field, values.map(str::to_owned)))
        .collect();
    fields.push(("uid", uids));
    for (field, [low, mid, high]) in fields {
        let also = if field == "staff_uid" {
            "sort=uid:asc"
        } else {
            three
        };
        for (filter, expected) in [
            (format!("filter[{field}]={mid}"), "2"),
            (format!("filter[{field}][eq]={high}"), "3"),
            (format!("filter[{field}][gt]={mid}"), "3"),
            (format!("filter[{field}][gte]={mid}"), "23"),
            (format!("filter[{field}][lt]={mid}"), "1"),
            (format!("filter[{field}][lte]={mid}"), "12"),
            (format!("filter[{field}][in]={high},{low}"), "13"),
            (format!("filter[{field}][in]={mid}"), "2"),
            (
                format!("filter%5B{field}%5D%5Bgt%5D={low}&filter[{field}][lt]={high}"),
                "2",
            ),
            (format!("filter[{field}][gt]={high}"), ""),
        ] {
            let found = listed(&app, &account, &format!("{also}&{filter}")).await;
            assert_eq!(found, expected, "{filter}");
        }
    }
}

#[tokio::test]
async fn every_field_can_be_sorted_by_and_absent_values_come_last() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    furnish(&app, &account).await;
    for (field, _, absent) in ORDERED {
        for (order, expected) in [("asc", "123"), ("desc", "321")] {
            let found = listed(&app, &account, &format!("sort={field}:{order}")).await;
            if absent == Maybe {
                assert_eq!(found, format!("{expected}0"), "{field}:{order}");
            } else {
                assert_eq!(found.replace('0', ""), expected, "{field}:{order}");
            }
        }
        if absent == Maybe {
            // What is absent is like nothing.
            let query = format!("sort=uid:asc&filter[{field}][lte]={}", ceiling(field));
            assert_eq!(listed(&app, &account, &query).await, "123", "{field}");
        }
    }
}

/// A value that no call's exceeds.
fn ceiling(field: &str) -> &'static str {
    match field {
        "rate" | "price" => "999999999999",
        "handled_at" => "2099-01-01",
        _ => "%F0%9F%92%AF",
    }
}

#[tokio::test]
async fn words_are_compared_with_eq_and_in() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let uids = furnish(&app, &account).await;
    let body = json!({"status": "ANSWERED_BY_STAFF"});
    answer(change(&app, &account.key, &uids[1], &body)).await;
    let transcript =
        json!({"utterances": [{"speaker": "agent", "text": "Hello.", "begin_ms": 0, "end_ms": 9}]});
    let put = app.put(&format!("/v1/calls/{}/transcript", uids[2]), &account.key);
    assert_eq!(put.json(&transcript).send().await.unwrap().status(), 201);
    for (filter, expected) in [
        ("filter[direction]=OUTBOUND", "2"),
        ("filter[direction][eq]=INBOUND", "130"),
        ("filter[direction][in]=OUTBOUND,INBOUND", "1230"),
        ("filter[status]=ANSWERED_BY_STAFF", "2"),
        ("filter[status]=INCOMING_CALL", "130"),
        ("filter[status][in]=MISSED,VOICEMAIL,ANSWERED_BY_STAFF", "2"),
        ("filter[status][in]=VOICEMAIL", ""),
        ("filter[transcript_status]=DONE", "3"),
        ("filter[transcript_status][in]=DONE,FAILED", "3"),
        ("filter[transcript_status]=IN_PROGRESS", ""),
    ] {
        let found = listed(&app, &account, &format!("sort=uid:asc&{filter}")).await;
        assert_eq!(found, expected, "{filter}");
    }
    assert_eq!(
        listed(&app, &account, "sort=transcript_status:asc,uid:asc").await,
        "3120"
    );
    assert_eq!(
        listed(&app, &account, "sort=status:desc,uid:asc").await,
        "2130"
    );
}

#[tokio::test]
async fn a_status_is_found_as_it_is_shown_whatever_stands_behind_it() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    // Every state that telephony can say × every status that staff can have set.
    sqlx::query(
        "insert into calls (account_id, call_id, provider, provider_call_id, state, ringing_at, answered_at, ended_at,
             voice_call_status, created_at, updated_at)
         select $1, gen_random_uuid(), 'voip', state || '/' || coalesce(status::text, 'none'), state,
             case when state <> 'queued' then now() end,
             case when state in ('in_progress', 'completed') then now() end,
             case when state not in ('queued', 'ringing', 'in_progress') then now() end, status, now(), now()
         from unnest(enum_range(null::call_state)) as state,
             unnest(array_append(enum_range(null::voice_call_status), null)) as status",
    )
    .bind(account.id.uuid())
    .execute(&app.db)
    .await
    .unwrap();
    let list = async |query: &str| -> Vec<Value> {
        let path = format!("{VOICE_CALLS}?per_page=100&sort=uid:asc{query}");
        let (_, body) = answer(app.get(&path, &account.key)).await;
        body["data"]["voice_calls"].as_array().unwrap().clone()
    };
    let all = list("").await;
    assert_eq!(all.len(), 9 * 7);
    let (_, stats) =
        answer(app.get("/v3/communication/reports/voice_call_stats", &account.key)).await;
    for counted in stats["data"]["status_counts"].as_array().unwrap() {
        let status = counted["status"].as_str().unwrap();
        let shown: Vec<Value> = all
            .iter()
            .filter(|call| call["status"] == status)
            .cloned()
            .collect();
        assert!(!shown.is_empty(), "{status}");
        assert_eq!(counted["count"], shown.len(), "{status}");
        assert_eq!(list(&format!("&filter[status]={status}")).await, shown);
    }
}

/// Parameters that are wrong, and what is said of each.
fn wrong() -> Vec<(&'static str, String, String)> {
    let fields = "uid, duration, created_at, updated_at, status, direction, staff_uid, client_uid, from_number, to_number, \
        call_summary, external_app_url, external_app_name, source_id, external_uuid, handled_by_staff_uid, handled_at, \
        transcript_status, rate, price, provider, recording_id";
    let sort = format!(
        "must be field:asc or field:desc, several parted by commas; the fields are {fields}"
    );
    let unknown = format!("is no filter: the fields are {fields}");
    let operators = "has no such operator: there are eq, gt, gte, lt, lte and in";
    let time = "must be a day or a time, such as 2026-03-01 or 2026-03-01T12:00:00Z";
    let many = vec!["a"; 101].join(",");
    vec![
        ("page", "0".to_owned(), "must be a whole number from 1 to 10000".to_owned()),
        ("per_page", "101".to_owned(), "must be a whole number from 1 to 100".to_owned()),
        ("sort", "name:asc".to_owned(), sort),
        ("filter[secret]", "1".to_owned(), unknown.clone()),
        ("filter[business_uid][in]", "1".to_owned(), unknown.clone()),
        ("filter[]", "1".to_owned(), unknown.clone()),
        ("filter", "1".to_owned(), unknown.clone()),
        ("filters", "1".to_owned(), unknown),
        ("filter[created_at][near]", "2026-03-01".to_owned(), operators.to_owned()),
        ("filter[created_at][gt][lt]", "2026-03-01".to_owned(), operators.to_owned()),
        ("filter[updated_at]", "soon".to_owned(), time.to_owned()),
        ("filter[handled_at][in]", "2026-03-01,2026-02-30".to_owned(), time.to_owned()),
        ("filter[uid][gt]", "1".to_owned(), "must be a UUID".to_owned()),
        ("filter[duration]", "1.5".to_owned(), "must be a whole number from 0 to 604800".to_owned()),
        ("filter[rate][lt]", "1e3".to_owned(), "must be a decimal string such as \"0.05\", with at most 12 digits before the point and 6 behind it".to_owned()),
        ("filter[direction]", "inbound".to_owned(), "must be one of INBOUND, OUTBOUND".to_owned()),
        ("filter[direction][gt]", "INBOUND".to_owned(), "has no order: it can be compared with eq and in".to_owned()),
        ("filter[transcript_status][in]", "DONE,".to_owned(), "must be one of IN_PROGRESS, DONE, FAILED".to_owned()),
        ("filter[staff_uid][in]", many, "must have at most 100 values".to_owned()),
    ]
}

#[tokio::test]
async fn every_wrong_parameter_is_named_at_once() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let wrong = wrong();
    let query: Vec<String> = wrong
        .iter()
        .map(|(name, value, _)| format!("{name}={value}"))
        .collect();
    let (status, body) =
        answer(app.get(&format!("{VOICE_CALLS}?{}", query.join("&")), &account.key)).await;
    let errors: Vec<Value> = wrong
        .iter()
        .map(|(name, _, message)| json!({"field": name, "code": "invalid", "message": format!("{name} {message}")}))
        .collect();
    assert_eq!(body, json!({"success": false, "errors": errors}));
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_parameter_is_taken_up_to_its_bound_and_once() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let long = format!("filter[call_summary]={}", "x".repeat(2_049));
    for (query, code) in [
        (long.as_str(), "too_long"),
        ("sort=uid:asc,uid:desc", "invalid"),
        ("sort=updated_at", "invalid"),
        ("sort=", "invalid"),
        ("sort=uid:up", "invalid"),
        ("page=1&page=1", "validation_error"),
        (
            "filter[status]=MISSED&filter[status]=MISSED",
            "validation_error",
        ),
        ("filter[staff_uid]=a%00", "validation_error"),
        ("filter[staff_uid]=%FF", "validation_error"),
    ] {
        let (status, body) = answer(app.get(&format!("{VOICE_CALLS}?{query}"), &account.key)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(body["errors"][0]["code"], code, "{query}");
    }
    let hundred = vec!["a"; 100].join(",");
    let largest = format!(
        "filter[staff_uid][in]={hundred}&filter[call_summary]={}",
        "x".repeat(2_048)
    );
    let (status, _) = answer(app.get(&format!("{VOICE_CALLS}?{largest}"), &account.key)).await;
    assert_eq!(status, StatusCode::OK);
}
