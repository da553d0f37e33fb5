//! The table of the bodies: each field × missing, null, wrong type, wrong case, too long, boundary, unknown.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{VOICE_CALLS, answer, change, create, new, put, update, with};
use crate::app::TestApp;

/// The refused fields and their codes.
fn refused(body: &Value) -> Vec<(String, String)> {
    assert_eq!(body["success"], false);
    let errors = body["errors"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    errors
        .iter()
        .map(|error| (text(&error["field"]), text(&error["code"])))
        .collect()
}

#[tokio::test]
async fn all_sixteen_fields_are_required_unless_handling_is_lenient() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let uid = create(&app, &account, json!({})).await;
    let nothing = answer(put(&app, &account.key, &uid, &json!({}))).await;
    assert_eq!(nothing.0, StatusCode::UNPROCESSABLE_ENTITY);
    let mut named: Vec<String> = refused(&nothing.1)
        .into_iter()
        .map(|(field, code)| {
            assert_eq!(code, "missing");
            field
        })
        .collect();
    named.sort();
    let fields: Vec<String> = update().as_object().unwrap().keys().cloned().collect();
    assert_eq!(named, fields);
    for field in fields {
        for absent in [None, Some(Value::Null)] {
            let mut body = update();
            match absent {
                None => drop(body.as_object_mut().unwrap().remove(&field)),
                Some(null) => body[&field] = null,
            }
            let (status, answered) = answer(put(&app, &account.key, &uid, &body)).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
            assert_eq!(refused(&answered), [(field.clone(), "missing".to_owned())]);
        }
        let one = json!({ &field: update()[&field] });
        let (status, _) = answer(change(&app, &account.key, &uid, &one)).await;
        assert_eq!(status, StatusCode::OK, "{field} alone");
    }
    let (status, _) = answer(change(&app, &account.key, &uid, &json!({"unknown": 1}))).await;
    assert_eq!(
        status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "nothing to change"
    );
}

/// Changes one field at a time, and expects these statuses.
async fn try_each(cases: Vec<(&str, Value, u16)>) {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let uid = create(&app, &account, json!({})).await;
    for (field, value, code) in cases {
        let body = json!({ field: value });
        let (status, answered) = answer(change(&app, &account.key, &uid, &body)).await;
        assert_eq!(status.as_u16(), code, "{body:.80} {answered}");
        if code != 200 {
            let named = refused(&answered);
            assert_eq!(named.len(), 1, "{body:.80}");
            assert_eq!(named[0].0, field);
        }
    }
}

fn long(length: usize) -> Value {
    json!("x".repeat(length))
}

#[tokio::test]
async fn ids_numbers_and_amounts_take_what_is_documented_and_nothing_else() {
    let mut cases = Vec::new();
    for field in [
        "staff_uid",
        "client_uid",
        "source_id",
        "external_uuid",
        "handled_by_staff_uid",
    ] {
        cases.extend([
            (field, long(255), 200),
            (field, long(256), 422),
            (field, json!(""), 422),
            (field, json!(" "), 422),
            (field, json!(1), 400),
            (field, json!("a\0b"), 422),
        ]);
    }
    for field in ["from_number", "to_number"] {
        cases.extend([
            (field, json!("+12"), 200),
            (field, json!("+123456789012345"), 200),
            (field, json!("+1234567890123456"), 422),
            (field, json!("14155550148"), 422),
            (field, json!("+04155550148"), 422),
            (field, json!("+1 415 555"), 422),
            (field, json!("anonymous"), 422),
            (field, json!("+１２３"), 422),
            (field, json!(14_155), 400),
        ]);
    }
    for field in ["rate", "price"] {
        cases.extend([
            (field, json!("0"), 200),
            (field, json!("999999999999.999999"), 200),
            (field, json!("1.50"), 200),
            (field, json!("1000000000000"), 422),
            (field, json!("0.0000001"), 422),
            (field, json!("-1"), 422),
            (field, json!("1e3"), 422),
            (field, json!(""), 422),
            (field, json!(1.5), 400),
            (field, json!(0), 400),
        ]);
    }
    try_each(cases).await;
}

#[tokio::test]
async fn words_take_what_is_documented_and_nothing_else() {
    try_each(vec![
        ("direction", json!("OUTBOUND"), 200),
        ("direction", json!("outbound"), 422),
        ("direction", json!("Incoming"), 422),
        ("direction", json!(true), 400),
        ("status", json!("ANSWERED_BY_STAFF"), 200),
        ("status", json!("ANSWERED_BY_CALLS_PROVIDER"), 200),
        ("status", json!("missed"), 422),
        ("status", json!("DONE"), 422),
        ("status", json!(["MISSED"]), 400),
        ("provider", json!("VONAGE"), 200),
        ("provider", json!("Vonage"), 422),
        ("provider", json!("TWILIO"), 422),
    ])
    .await;
}

#[tokio::test]
async fn durations_texts_and_links_take_what_is_documented_and_nothing_else() {
    try_each(vec![
        ("duration", json!(0), 200),
        ("duration", json!(604_800), 200),
        ("duration", json!(604_801), 422),
        ("duration", json!(-1), 422),
        ("duration", json!(120.5), 422),
        ("duration", json!("120"), 400),
        ("call_summary", long(10_000), 200),
        ("call_summary", long(10_001), 422),
        ("call_summary", json!(""), 200),
        ("call_summary", json!({}), 400),
        ("external_app_name", json!(""), 200),
        ("external_app_name", long(256), 422),
        ("recording_id", long(255), 200),
        ("recording_id", long(256), 422),
        ("external_app_url", json!("http://a"), 200),
        ("external_app_url", json!("HTTPS://a.example/?q=1#f"), 200),
        ("external_app_url", json!("ftp://a"), 422),
        ("external_app_url", json!("javascript:alert(1)"), 422),
        ("external_app_url", json!("/path"), 422),
        ("external_app_url", json!("https:a"), 422),
        ("external_app_url", json!("https://"), 422),
        ("external_app_url", json!(" https://a"), 422),
        (
            "external_app_url",
            json!(format!("https://a/{}", "x".repeat(2048))),
            422,
        ),
    ])
    .await;
}

#[tokio::test]
async fn every_failing_field_is_named_at_once() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let uid = create(&app, &account, json!({})).await;
    let bad = json!({"direction": "inbound", "rate": "x", "external_app_url": "x", "staff_uid": Value::Null});
    let mut body = with(update(), bad);
    let (status, answered) = answer(put(&app, &account.key, &uid, &body)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let named = |fields: &[(&str, &str)]| -> Vec<(String, String)> {
        fields
            .iter()
            .map(|(field, code)| ((*field).to_owned(), (*code).to_owned()))
            .collect()
    };
    let expected = [
        ("staff_uid", "missing"),
        ("direction", "invalid"),
        ("rate", "invalid"),
        ("external_app_url", "invalid"),
    ];
    assert_eq!(refused(&answered), named(&expected));
    assert_eq!(
        answered["errors"][1]["message"],
        "direction must be one of INBOUND, OUTBOUND"
    );
    body["price"] = json!(1.5);
    let (status, answered) = answer(put(&app, &account.key, &uid, &body)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "a wrong type is malformed");
    assert_eq!(refused(&answered).len(), 5);
}

#[tokio::test]
async fn null_empties_what_may_be_empty_when_handling_is_lenient() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let uid = create(&app, &account, json!({})).await;
    answer(put(&app, &account.key, &uid, &update())).await;
    let may_be_empty = [
        "price",
        "duration",
        "call_summary",
        "external_app_url",
        "external_app_name",
        "recording_id",
    ];
    for field in may_be_empty {
        let (status, body) =
            answer(change(&app, &account.key, &uid, &json!({ field: null }))).await;
        assert_eq!(status, StatusCode::OK, "{field}");
        let emptied = if field == "duration" {
            json!(0)
        } else {
            Value::Null
        };
        assert_eq!(body["data"][field], emptied, "{field}");
    }
    for field in [
        "staff_uid",
        "from_number",
        "direction",
        "status",
        "rate",
        "provider",
        "source_id",
    ] {
        let (status, body) =
            answer(change(&app, &account.key, &uid, &json!({ field: null }))).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        assert_eq!(refused(&body), [(field.to_owned(), "invalid".to_owned())]);
    }
}

#[tokio::test]
async fn what_is_ours_to_set_is_not_taken_from_a_body() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let uid = create(&app, &account, json!({})).await;
    let (_, before) = answer(app.get(&format!("{VOICE_CALLS}/{uid}"), &account.key)).await;
    let theirs = json!({
        "uid": "0190f5fe-7c00-7a00-8000-000000000000", "business_uid": "b", "created_at": "2001-01-01T00:00:00Z",
        "updated_at": "2001-01-01T00:00:00Z", "handled_at": "2001-01-01T00:00:00Z", "deleted_at": "2001-01-01T00:00:00Z",
        "recording": {"uid": "r"}, "transcript_status": "DONE", "version": 99, "account_id": "x",
    });
    let (status, after) = answer(put(&app, &account.key, &uid, &with(update(), theirs))).await;
    assert_eq!(status, StatusCode::OK);
    for field in [
        "uid",
        "business_uid",
        "created_at",
        "handled_at",
        "deleted_at",
        "transcript_status",
    ] {
        assert_eq!(after["data"][field], before["data"][field], "{field}");
    }
}

#[tokio::test]
async fn a_new_call_needs_eleven_fields_and_the_callers_business() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let post = |body: &Value| answer(app.post(VOICE_CALLS, &account.key).json(body));
    for field in new(&account).as_object().unwrap().keys() {
        let mut body = new(&account);
        body.as_object_mut().unwrap().remove(field);
        let (status, answered) = post(&body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused(&answered), [(field.clone(), "missing".to_owned())]);
    }
    let (status, answered) = post(&with(new(&account), json!({"business_uid": "another"}))).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused(&answered)[0].0, "business_uid");
    let (status, answered) = post(&with(
        new(&account),
        json!({"status": "MISSED_CALL_HANDLED"}),
    ))
    .await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(
        refused(&answered),
        [("status".to_owned(), "invalid_transition".to_owned())]
    );
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_refused_in_the_envelope() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let uid = create(&app, &account, json!({})).await;
    let json = "application/json";
    let huge = format!("{{\"call_summary\": \"{}\"}}", "x".repeat(256 * 1024));
    for (media, body, code) in [
        (json, "{", 400),
        (json, "[]", 400),
        (json, r#"{"rate": "1", "rate": "2"}"#, 400),
        (json, &huge, 413),
        ("application/x-www-form-urlencoded", "rate=1", 415),
        ("application/merge-patch+json", "{}", 415),
    ] {
        let request = app.put(&format!("{VOICE_CALLS}/{uid}"), &account.key);
        let request = request.header("content-type", media).body(body.to_owned());
        let (status, answered) = answer(request).await;
        assert_eq!(status.as_u16(), code, "{media} {body:.40}");
        assert_eq!(refused(&answered).len(), 1);
    }
}
