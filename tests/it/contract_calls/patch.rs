//! `PATCH /calls/{id}` and `DELETE /calls/{id}`, which are ours.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    Bench, Case, Expect, becomes, check, invalid, notes, refusal, shows, text, wrong_type,
};

/// A call that has ended.
async fn call(bench: &Bench) -> String {
    let body = json!({"call_from": "+12", "call_to": "+13", "call_status": "completed"});
    let (_, made) = bench.send((Method::POST, "/calls"), &body, None).await;
    made["data"]["id"].as_str().unwrap().to_owned()
}

fn cases() -> Vec<Case> {
    let telephony = "is what telephony tells: it is not changed here";
    let mut cases = notes();
    cases.extend(text("record_url", 2048, Value::Null));
    let told = [
        "call_sid",
        "company_id",
        "call_provider",
        "call_from",
        "call_to",
        "call_duration",
        "call_status",
        "call_direction",
        "disconnect_reason",
        "started_at",
        "ended_at",
    ];
    cases.extend(told.map(|field| invalid(field, json!("x"), telephony)));
    cases.extend([
        invalid("record_url", json!(""), "must not be empty"),
        invalid("is_test", Value::Null, "must not be null"),
        shows("workspace_id", json!("x".repeat(100))),
        invalid("workspace_id", Value::Null, "must not be null"),
        invalid("workspace_id", json!(""), "must not be empty"),
        invalid("workspace", Value::Null, "must not be null"),
        wrong_type("workspace", json!(1), "must be a string"),
        becomes("workspace", json!("sales"), Value::Null),
        invalid("id", json!("x"), "is ours to set"),
        invalid("deleted_at", json!("x"), "is set by DELETE /calls/{id}"),
        invalid(
            "transcript",
            json!("x"),
            "is set by PUT /v1/calls/{id}/transcript",
        ),
        invalid("analysis_sentiment", json!("x"), "is set by the analysis"),
    ]);
    cases
}

#[tokio::test]
async fn every_field_of_a_patch_takes_what_is_documented_and_nothing_else() {
    let bench = Bench::boot().await;
    for case in cases() {
        let path = format!("/calls/{}", call(&bench).await);
        let body = match &case.1 {
            Some(value) => json!({case.0: value}),
            None => json!({}),
        };
        let answer = bench.send((Method::PATCH, &path), &body, None).await;
        check(&case, StatusCode::OK, answer);
    }
}

#[tokio::test]
async fn what_was_kept_is_read_back_emptied_and_merged() {
    let bench = Bench::boot().await;
    let path = format!("/v1/calls/{}", call(&bench).await);
    let patch = |body: Value| {
        let (bench, path) = (&bench, &path);
        async move { bench.send((Method::PATCH, path), &body, None).await.1["data"].take() }
    };
    let all = json!({
        "campaign_id": "0190f5fe-7c00-7a00-8000-000000000001", "ai_agent_id": "0190f5fe-7c00-7a00-8000-000000000002",
        "contact_id": "0190f5fe-7c00-7a00-8000-000000000003", "workspace_id": "sales", "is_test": true,
        "call_rating": 5, "call_feedback": "Quick", "notes": "Call back", "metadata": {"crm": {"id": 1, "old": true}},
        "agent_dynamic_variables": {"name": "Jane"}, "agent_post_call_outcomes": {"booked": true}, "cost": 0.0135,
        "price_unit": "EUR", "latency": 120, "agent_task_status": "done", "agent_task_feedback": "Polite",
        "retry_at": "2026-03-01T09:30:00Z", "record_url": "https://example.com/a.mp3",
    });
    let first = patch(all.clone()).await;
    let get = bench
        .app
        .get(&path, &bench.account.key)
        .send()
        .await
        .unwrap();
    let read: Value = get.json::<Value>().await.unwrap()["data"].take();
    assert_eq!(read, first);
    for (field, value) in all.as_object().unwrap() {
        assert_eq!(read[field], *value, "{field}");
    }
    // The same again changes nothing.
    assert_eq!(patch(all.clone()).await["updated_at"], first["updated_at"]);

    let merged = patch(json!({"metadata": {"crm": {"old": null, "new": 2}}, "notes": null})).await;
    assert_eq!(merged["metadata"], json!({"crm": {"id": 1, "new": 2}}));
    assert_eq!(
        (&merged["notes"], &merged["call_feedback"]),
        (&Value::Null, &json!("Quick"))
    );
    let emptied = patch(json!({
        "metadata": null, "agent_dynamic_variables": null, "agent_post_call_outcomes": null, "cost": null,
        "price_unit": null, "latency": null, "call_rating": null, "campaign_id": null, "record_url": null,
    }))
    .await;
    for (field, value) in [
        ("metadata", Value::Null),
        ("agent_post_call_outcomes", Value::Null),
        ("cost", json!(0.0)),
        ("price_unit", json!("")),
        ("latency", json!(0)),
        ("call_rating", json!(0)),
        ("campaign_id", Value::Null),
        ("record_url", Value::Null),
    ] {
        assert_eq!(emptied[field], value, "{field}");
    }
}

#[tokio::test]
async fn what_is_merged_in_stays_within_the_bound() {
    let bench = Bench::boot().await;
    let path = format!("/calls/{}", call(&bench).await);
    let half = "x".repeat(40_000);
    let first = bench
        .send(
            (Method::PATCH, &path),
            &json!({"metadata": {"a": half}}),
            None,
        )
        .await;
    assert_eq!(first.0, StatusCode::OK);
    let second = bench
        .send(
            (Method::PATCH, &path),
            &json!({"metadata": {"b": half}}),
            None,
        )
        .await;
    let refused = refusal(&[("metadata", "too_long", "would have more than 65536 bytes")]);
    assert_eq!(second, (StatusCode::BAD_REQUEST, refused));
}

#[tokio::test]
async fn a_recording_that_a_back_end_stated_is_not_reported_away() {
    let bench = Bench::boot().await;
    let report = |url: &str| {
        let body = json!({
            "CallId": "CA1", "From": "+1", "To": "+2", "Direction": "incoming", "CallStatus": "completed",
            "RecordingUrl": url,
        });
        bench
            .app
            .post("/api/v1/voip/call-end", &bench.account.key)
            .json(&body)
            .send()
    };
    assert_eq!(
        report("https://provider.example/1").await.unwrap().status(),
        StatusCode::OK
    );
    let id: String = sqlx::query_scalar("select call_id::text from calls")
        .fetch_one(&bench.app.db)
        .await
        .unwrap();
    let path = format!("/calls/{id}");
    let ours = json!({"record_url": "https://archive.example/1"});
    bench.send((Method::PATCH, &path), &ours, None).await;
    report("https://provider.example/2").await.unwrap();
    let (_, read) = bench.send((Method::PATCH, &path), &json!({}), None).await;
    assert_eq!(read["data"]["record_url"], "https://archive.example/1");
}

#[tokio::test]
async fn wrong_fields_are_named_all_at_once() {
    let bench = Bench::boot().await;
    let path = format!("/calls/{}", call(&bench).await);
    let body = json!({"call_rating": 6, "cost": "free", "id": "x", "call_to": "+1"});
    let (status, refused) = bench.send((Method::PATCH, &path), &body, None).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let cost = "must be a number from 0 with at most 12 digits before the point and 6 behind it";
    let expected = refusal(&[
        (
            "call_rating",
            "invalid",
            "must be a whole number from 1 to 5",
        ),
        ("cost", "invalid", cost),
        ("id", "invalid", "is ours to set"),
        (
            "call_to",
            "invalid",
            "is what telephony tells: it is not changed here",
        ),
    ]);
    assert_eq!(refused, expected);
}

#[tokio::test]
async fn a_deleted_call_is_gone_for_everyone_and_a_live_one_stays() {
    let bench = Bench::boot().await;
    let id = call(&bench).await;
    let path = format!("/calls/{id}");
    let (status, deleted) = bench
        .send((Method::DELETE, &path), &Value::Null, None)
        .await;
    assert_eq!(
        (status, &deleted["message"]),
        (StatusCode::OK, &json!("Call deleted"))
    );
    assert!(deleted["data"]["deleted_at"].is_string());
    let gone = json!({"status": "error", "message": "call not found", "data": null});
    for method in [Method::DELETE, Method::PATCH] {
        let answer = bench.send((method.clone(), &path), &json!({}), None).await;
        assert_eq!(answer, (StatusCode::NOT_FOUND, gone.clone()), "{method}");
    }
    let (_, read) = bench.send((Method::GET, &path), &Value::Null, None).await;
    assert_eq!(read["message"], "Call not found");
    // Its name stays its own.
    let again = json!({"call_sid": id, "call_from": "+12", "call_to": "+13"});
    let (status, _) = bench.send((Method::POST, "/calls"), &again, None).await;
    assert_eq!(status, StatusCode::CONFLICT);

    let live = json!({"call_sid": "CA1", "call_from": "+12", "call_to": "+13"});
    let (_, made) = bench.send((Method::POST, "/calls"), &live, None).await;
    let path = format!("/calls/{}", made["data"]["id"].as_str().unwrap());
    let (status, refused) = bench
        .send((Method::DELETE, &path), &Value::Null, None)
        .await;
    let message = "the call has not ended; end it first";
    assert_eq!(
        refused,
        json!({"status": "error", "message": message, "data": null})
    );
    assert_eq!(status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn an_id_that_is_none_is_said_to_be_none() {
    let bench = Bench::boot().await;
    for method in [Method::PATCH, Method::DELETE] {
        let answer = bench.send((method, "/calls/abc"), &json!({}), None).await;
        let refused = refusal(&[("id", "invalid", "must be a UUID")]);
        assert_eq!(answer, (StatusCode::BAD_REQUEST, refused));
    }
    let case: Case = ("nonsense", Some(json!(1)), Expect::Shows(Value::Null));
    let path = format!("/calls/{}", call(&bench).await);
    let answer = bench
        .send((Method::PATCH, &path), &json!({"nonsense": 1}), None)
        .await;
    check(&case, StatusCode::OK, answer);
}
