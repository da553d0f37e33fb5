//! Bodies as a whole: what is required, what is passed over, what cannot be read.

use onhook::{
    access::KeyRequest,
    domain::account::{Handling, KeyKind, VoipMode},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{VOICE_CALLS, answer, change, create, new, patch, put, read, update, with};
use crate::{
    app::{TestApp, request},
    contract::RequestBuilder,
};

/// The refused fields and their codes.
fn refused(body: &Value) -> Vec<(&str, &str)> {
    assert_eq!(body["success"], false);
    let errors = body["errors"].as_array().unwrap();
    errors
        .iter()
        .map(|error| {
            let field = error["field"].as_str().unwrap_or_default();
            (field, error["code"].as_str().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn a_put_needs_sixteen_fields_unless_handling_is_lenient() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let uid = create(&app, &account, json!({})).await;
    let (status, body) = answer(put(&app, &account.key, &uid, &json!({}))).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let mut named = refused(&body);
    named.sort_unstable();
    let fields = update();
    let fields: Vec<&String> = fields.as_object().unwrap().keys().collect();
    assert_eq!(named.len(), 16);
    for ((field, code), expected) in named.into_iter().zip(fields) {
        assert_eq!((field, code), (expected.as_str(), "missing"));
        let one = json!({ field: update()[field] });
        let (status, body) = answer(change(&app, &account.key, &uid, &one)).await;
        assert_eq!(status, StatusCode::OK, "{field} alone: {body}");
    }
}

#[tokio::test]
async fn a_key_may_prefer_to_be_lenient() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let uid = create(&app, &account, json!({})).await;
    let lenient = KeyRequest {
        prefer: Some(Handling::Lenient),
        ..request(KeyKind::App)
    };
    let key = app.key_of(account.id, lenient).await;
    let one = json!({"call_summary": "x"});
    assert_eq!(answer(put(&app, &key, &uid, &one)).await.0, StatusCode::OK);
    // What the request asks for goes before what its key prefers, and the answer says so.
    let strict = put(&app, &key, &uid, &one).header("prefer", "handling=strict");
    let strict = strict.send().await.unwrap();
    assert_eq!(strict.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(strict.headers()["preference-applied"], "handling=strict");
}

#[tokio::test]
async fn every_failing_field_is_named_at_once() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let uid = create(&app, &account, json!({})).await;
    let bad =
        json!({"direction": "inbound", "rate": "x", "external_app_url": "x", "staff_uid": null});
    let mut body = with(update(), bad);
    let (status, answered) = answer(put(&app, &account.key, &uid, &body)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let expected = [
        ("staff_uid", "missing"),
        ("direction", "invalid"),
        ("rate", "invalid"),
        ("external_app_url", "invalid"),
    ];
    assert_eq!(refused(&answered), expected);
    body["price"] = json!(1.5);
    let (status, answered) = answer(put(&app, &account.key, &uid, &body)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "a wrong type is malformed");
    assert_eq!(refused(&answered).len(), 5);
    let (status, answered) = answer(patch(&app, &account.key, &uid, &body)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(
        refused(&answered)[0],
        ("staff_uid", "invalid"),
        "null in a patch"
    );
    assert_eq!(refused(&answered).len(), 5);
    let body = with(
        new(&account),
        json!({"direction": 1, "rate": null, "business_uid": "x"}),
    );
    let (status, answered) = answer(app.post(VOICE_CALLS, &account.key).json(&body)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let expected = [
        ("direction", "wrong_type"),
        ("rate", "missing"),
        ("business_uid", "invalid"),
    ];
    assert_eq!(refused(&answered), expected);
}

#[tokio::test]
async fn what_is_ours_to_set_or_unknown_is_passed_over() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let theirs = json!({
        "uid": "0190f5fe-7c00-7a00-8000-000000000000", "business_uid": "b", "created_at": "2001-01-01T00:00:00Z",
        "updated_at": "2001-01-01T00:00:00Z", "handled_at": "2001-01-01T00:00:00Z", "deleted_at": "2001-01-01T00:00:00Z",
        "recording": {"uid": "r"}, "transcript_status": "DONE", "version": 99, "account_id": "x", "unknown": [{}],
        "Status": "MISSED", "": 1,
    });
    let uid = create(&app, &account, json!({})).await;
    let before = read(&app, &account.key, &uid).await;
    let put = put(&app, &account.key, &uid, &with(update(), theirs.clone()));
    let patched = with(json!({"call_summary": "x"}), theirs.clone());
    for request in [put, patch(&app, &account.key, &uid, &patched)] {
        let (status, after) = answer(request).await;
        assert_eq!(status, StatusCode::OK, "{after}");
        for field in [
            "uid",
            "business_uid",
            "created_at",
            "handled_at",
            "deleted_at",
            "transcript_status",
        ] {
            assert_eq!(after["data"][field], before[field], "{field}");
        }
        assert!(after["data"].get("unknown").is_none());
    }
    let mut body = with(new(&account), json!({"source_id": "other"}));
    for (field, value) in theirs.as_object().unwrap() {
        if field != "business_uid" {
            body[field] = value.clone();
        }
    }
    let (status, created) = answer(app.post(VOICE_CALLS, &account.key).json(&body)).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_ne!(created["data"]["uid"], theirs["uid"]);
    assert_eq!(created["data"]["deleted_at"], Value::Null);
}

#[tokio::test]
async fn a_patch_that_says_nothing_changes_nothing_and_one_that_means_nothing_is_refused() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let uid = create(&app, &account, json!({})).await;
    let before = read(&app, &account.key, &uid).await;
    let (status, body) = answer(patch(&app, &account.key, &uid, &json!({}))).await;
    assert_eq!((status, &body["data"]), (StatusCode::OK, &before));
    let none = json!({"success": false, "errors": [{
        "code": "validation_error", "message": "the body has no field that can be updated",
    }]});
    let unknown = json!({"sumary": "x", "uid": null});
    for request in [
        patch(&app, &account.key, &uid, &unknown),
        change(&app, &account.key, &uid, &unknown),
        change(&app, &account.key, &uid, &json!({})),
    ] {
        let refused = answer(request).await;
        assert_eq!(refused, (StatusCode::UNPROCESSABLE_ENTITY, none.clone()));
    }
    assert_eq!(read(&app, &account.key, &uid).await, before);
}

#[tokio::test]
async fn null_takes_away_what_may_be_absent_and_nothing_else() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let uid = create(&app, &account, json!({})).await;
    let whole = with(update(), json!({"handled_by_staff_uid": "s-9"}));
    answer(put(&app, &account.key, &uid, &whole)).await;
    let mut expected = read(&app, &account.key, &uid).await;
    assert!(expected["handled_at"].is_string());
    for (field, emptied) in [
        ("price", Value::Null),
        ("duration", json!(0)),
        ("call_summary", Value::Null),
        ("external_app_url", Value::Null),
        ("external_app_name", Value::Null),
        ("handled_by_staff_uid", Value::Null),
        ("recording_id", Value::Null),
    ] {
        let body = json!({ field: null });
        let (status, answered) = answer(patch(&app, &account.key, &uid, &body)).await;
        assert_eq!(status, StatusCode::OK, "{field}: {answered}");
        expected[field] = emptied;
        expected["updated_at"] = answered["data"]["updated_at"].clone();
        match field {
            "duration" => expected["recording"]["duration"] = json!(0),
            "handled_by_staff_uid" => expected["handled_at"] = Value::Null,
            "recording_id" => expected["recording"] = Value::Null,
            _ => {}
        }
        assert_eq!(answered["data"], expected, "{field}");
    }
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_refused_in_the_envelope() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let uid = create(&app, &account, json!({})).await;
    let (json, merge) = ("application/json", "application/merge-patch+json");
    let huge = format!("{{\"call_summary\": \"{}\"}}", "x".repeat(256 * 1024));
    let one = "{\"call_summary\": \"x\"}";
    let send = |method: Method, media: &str, body: &str| -> RequestBuilder {
        let path = format!("{VOICE_CALLS}/{uid}");
        app.request(method, &path)
            .bearer_auth(&account.key)
            .header("content-type", media)
            .body(body.to_owned())
    };
    for (media, body, by_put, by_patch) in [
        (json, "{", 400, 400),
        (json, "[]", 400, 400),
        (json, "null", 400, 400),
        (json, "\"x\"", 400, 400),
        (json, "", 400, 400),
        (json, r#"{"rate": "1", "rate": "2"}"#, 400, 400),
        (json, &huge, 413, 413),
        ("application/x-www-form-urlencoded", "rate=1", 415, 415),
        ("application/json; charset=latin1", one, 415, 415),
        ("application/json-patch+json", "[]", 415, 415),
        (merge, one, 415, 200),
        (merge, "[]", 415, 400),
        ("Application/Merge-Patch+JSON; charset=utf-8", one, 415, 200),
        (json, one, 422, 200),
    ] {
        for (method, code) in [(Method::PUT, by_put), (Method::PATCH, by_patch)] {
            let at = format!("{method} {media} {body:.40}");
            let (status, answered) = answer(send(method, media, body)).await;
            assert_eq!(status.as_u16(), code, "{at}: {answered}");
            if code == 400 || code == 413 || code == 415 {
                assert_eq!(refused(&answered).len(), 1, "{at}");
            }
        }
    }
}

#[tokio::test]
async fn a_call_may_name_the_providers_that_its_account_is_connected_to() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let uid = create(&app, &account, json!({})).await;
    let to = |name: &str| answer(patch(&app, &account.key, &uid, &json!({"provider": name})));
    let (_, body) = to("TWILIO").await;
    assert_eq!(
        body["errors"][0]["message"],
        "provider must be one of VONAGE"
    );
    sqlx::query(
        "insert into connections (account_id, connection_id, provider, base_url, sealed_credentials)
         values ($1, gen_random_uuid(), 'twilio', 'https://example.com', '')",
    )
    .bind(account.id.uuid())
    .execute(&app.db)
    .await
    .unwrap();
    let (status, body) = to("TWILIO").await;
    assert_eq!(
        (status, &body["data"]["provider"]),
        (StatusCode::OK, &json!("TWILIO"))
    );
    let (_, body) = to("twilio").await;
    assert_eq!(
        body["errors"][0]["message"],
        "provider must be one of VONAGE, TWILIO"
    );
    let another = app.account("acme", VoipMode::Key).await;
    let posted = with(new(&another), json!({"provider": "TWILIO"}));
    let (status, _) = answer(app.post(VOICE_CALLS, &another.key).json(&posted)).await;
    assert_eq!(
        status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "another's connection"
    );
}
