//! `POST /calls`.

use onhook::domain::account::VoipMode;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    Bench, Case, Expect, becomes, check, invalid, notes, refusal, shows, text, time, too_long,
    whole, with, wrong_type,
};

const CALLS: (Method, &str) = (Method::POST, "/calls");

/// What the newer of the two published versions requires.
fn whole_call() -> Value {
    json!({
        "campaign_id": "0190f5fe-7c00-7a00-8000-000000000001",
        "ai_agent_id": "550e8400-e29b-41d4-a716-446655440000",
        "call_sid": "CA12345678904567890", "call_from": "+1234567890", "call_to": "+1789451230",
        "call_direction": "outbound", "workspace": "default",
    })
}

/// A party: required, in any form.
fn party(field: &'static str) -> Vec<Case> {
    vec![
        (field, None, Expect::Missing),
        (field, Some(Value::Null), Expect::Missing),
        invalid(field, json!(""), "must not be empty"),
        invalid(field, json!("  "), "must not be empty"),
        shows(field, json!("(123) 456-7890")),
        shows(field, json!("anonymous")),
        shows(field, json!("sip:bob@pbx.example")),
        shows(field, json!("x".repeat(255))),
        too_long(
            field,
            json!("x".repeat(256)),
            "must have at most 255 characters".to_owned(),
        ),
        invalid(field, json!("+1\0"), "must not contain the NUL character"),
        wrong_type(field, json!(1_234_567_890), "must be a string"),
    ]
}

fn cases() -> Vec<Case> {
    let statuses = "must be one of queued, ringing, in-progress, completed, busy, no-answer, canceled, failed, voicemail";
    let mut cases = [
        party("call_from"),
        party("call_to"),
        whole("call_duration", 0, 604_800, json!(0)),
        time("started_at"),
        time("ended_at"),
        text("workspace", 100, Value::Null),
        text("workspace_id", 100, json!("default")),
        text("record_url", 2048, Value::Null),
        text("disconnect_reason", 512, json!("")),
        notes(),
    ]
    .concat();
    // The Call object names the workspace otherwise.
    cases.retain(|case| case.0 != "workspace" || !matches!(case.2, Expect::Shows(_)));
    cases.extend([
        invalid("workspace", json!(""), "must not be empty"),
        invalid("workspace_id", json!(" "), "must not be empty"),
        invalid("record_url", json!(""), "must not be empty"),
        invalid("disconnect_reason", json!(""), "must not be empty"),
        ("call_direction", None, Expect::Shows(json!("outbound"))),
        becomes("call_direction", Value::Null, json!("outbound")),
        shows("call_direction", json!("inbound")),
        invalid(
            "call_direction",
            json!("INBOUND"),
            "must be one of inbound, outbound",
        ),
        invalid(
            "call_direction",
            json!("incoming"),
            "must be one of inbound, outbound",
        ),
        invalid(
            "call_direction",
            json!(""),
            "must be one of inbound, outbound",
        ),
        wrong_type("call_direction", json!(1), "must be a string"),
        shows("call_status", json!("voicemail")),
        invalid("call_status", json!("Completed"), statuses),
        invalid("call_status", json!("no_answer"), statuses),
        invalid("call_status", json!("done"), statuses),
        invalid("call_status", json!(""), statuses),
        wrong_type("call_status", json!(200), "must be a string"),
    ]);
    cases.extend(providers_and_what_is_set_elsewhere());
    cases
}

fn providers_and_what_is_set_elsewhere() -> Vec<Case> {
    let provider = "must be 1 to 32 lower-case letters, digits or hyphens";
    let elsewhere = "is set by PUT /v1/calls/{id}/transcript";
    vec![
        ("call_provider", None, Expect::Shows(json!("voip"))),
        becomes("call_provider", Value::Null, json!("voip")),
        shows("call_provider", json!("twilio")),
        shows("call_provider", json!("a".repeat(32))),
        invalid("call_provider", json!("a".repeat(33)), provider),
        invalid("call_provider", json!("Twilio"), provider),
        invalid("call_provider", json!(""), provider),
        wrong_type("call_provider", json!([]), "must be a string"),
        invalid("id", json!("x"), "is ours to set"),
        invalid(
            "created_at",
            json!("2026-03-01T09:30:00Z"),
            "is ours to set",
        ),
        invalid(
            "updated_at",
            json!("2026-03-01T09:30:00Z"),
            "is ours to set",
        ),
        invalid(
            "deleted_at",
            json!("2026-03-01T09:30:00Z"),
            "is set by DELETE /calls/{id}",
        ),
        invalid("transcript", json!("Hello."), elsewhere),
        invalid("transcript_object", json!({}), elsewhere),
        invalid("transcript_language", json!("en"), elsewhere),
        invalid(
            "analysis_sentiment",
            json!("positive"),
            "is set by the analysis",
        ),
    ]
}

#[tokio::test]
async fn every_field_of_a_recorded_call_takes_what_is_documented_and_nothing_else() {
    let bench = Bench::boot().await;
    let base = json!({
        "call_from": "+1234567890", "call_to": "+1789451230", "call_status": "completed",
        "ended_at": "2026-06-01T00:00:00Z",
    });
    for case in cases() {
        let mut body = with(&base, case.0, case.1.as_ref());
        if case.0 == "ended_at" && matches!(&case.2, Expect::Shows(Value::Null)) {
            // An end that nobody dates is dated by us.
            body["call_status"] = json!("ringing");
        }
        check(
            &case,
            StatusCode::CREATED,
            bench.send(CALLS, &body, None).await,
        );
    }
}

#[tokio::test]
async fn a_name_makes_the_same_request_the_same_call() {
    let bench = Bench::boot().await;
    let (status, first) = bench.send(CALLS, &whole_call(), Some("strict")).await;
    assert_eq!(
        (status, &first["message"]),
        (StatusCode::CREATED, &json!("Call recorded"))
    );
    for (field, value) in [
        ("call_sid", json!("CA12345678904567890")),
        ("company_id", json!(bench.account.id)),
        ("call_status", json!("queued")),
        ("workspace_id", json!("default")),
    ] {
        assert_eq!(first["data"][field], value, "{field}");
    }
    let (status, again) = bench.send(CALLS, &whole_call(), None).await;
    assert_eq!(
        (status, &again["message"]),
        (StatusCode::OK, &json!("Call already recorded"))
    );
    assert_eq!(again["data"], first["data"]);

    let other = with(&whole_call(), "call_to", Some(&json!("+1789451231")));
    let (status, refused) = bench.send(CALLS, &other, None).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(
        refused,
        refusal(&[("call_sid", "already_exists", "is taken by another call")])
    );

    // In the other order, with spaces and what says nothing, it is the same request; in another account, another call.
    let same = r#"{ "workspace":"default","notes":null,"call_direction":"outbound","call_to":"+1789451230",
        "call_from":"+1234567890","call_sid":"CA12345678904567890","unknown":1,
        "ai_agent_id":"550e8400-e29b-41d4-a716-446655440000","campaign_id":"0190f5fe-7c00-7a00-8000-000000000001"}"#;
    let same: Value = serde_json::from_str(same).unwrap();
    assert_eq!(bench.send(CALLS, &same, None).await.0, StatusCode::OK);
    let theirs = bench.app.account("acme", VoipMode::Key).await;
    let request = bench.app.post("/v1/calls", &theirs.key).json(&whole_call());
    assert_eq!(request.send().await.unwrap().status(), StatusCode::CREATED);
}

#[tokio::test]
async fn names_take_one_to_255_characters_and_a_call_without_one_goes_by_our_id() {
    let bench = Bench::boot().await;
    let base = json!({"call_from": "+12", "call_to": "+13"});
    for case in [
        shows("call_sid", json!("x".repeat(255))),
        shows("call_sid", json!("Ünïcode 👋")),
        too_long(
            "call_sid",
            json!("x".repeat(256)),
            "must have at most 255 characters".to_owned(),
        ),
        invalid("call_sid", json!(""), "must not be empty"),
        invalid("call_sid", json!(" "), "must not be empty"),
        invalid(
            "call_sid",
            json!("a\0"),
            "must not contain the NUL character",
        ),
        wrong_type("call_sid", json!(7), "must be a string"),
    ] {
        let body = with(&base, case.0, case.1.as_ref());
        check(
            &case,
            StatusCode::CREATED,
            bench.send(CALLS, &body, None).await,
        );
    }
    let (_, first) = bench.send(CALLS, &base, None).await;
    assert_eq!(first["data"]["call_sid"], first["data"]["id"]);
    let (status, second) = bench.send(CALLS, &base, None).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_ne!(first["data"]["id"], second["data"]["id"]);
}

#[tokio::test]
async fn strict_requires_what_the_newer_version_does_and_names_all_of_it() {
    let bench = Bench::boot().await;
    let required = [
        "campaign_id",
        "ai_agent_id",
        "call_sid",
        "call_direction",
        "workspace",
    ];
    for field in required.into_iter().chain(["call_from", "call_to"]) {
        for value in [None, Some(&Value::Null)] {
            let body = with(&whole_call(), field, value);
            let (status, refused) = bench.send(CALLS, &body, Some("strict")).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{field}");
            assert_eq!(refused, refusal(&[(field, "missing", "is required")]));
        }
    }
    let (status, refused) = bench.send(CALLS, &json!({}), Some("strict")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let missing = required.into_iter().chain(["call_from", "call_to"]);
    let missing: Vec<_> = missing
        .map(|field| (field, "missing", "is required"))
        .collect();
    assert_eq!(refused, refusal(&missing));
    let named = with(&whole_call(), "workspace", None);
    let named = with(&named, "workspace_id", Some(&json!("sales")));
    let (status, taken) = bench.send(CALLS, &named, Some("strict")).await;
    assert_eq!(
        (status, &taken["data"]["workspace_id"]),
        (StatusCode::CREATED, &json!("sales"))
    );
}

#[tokio::test]
async fn fields_that_contradict_each_other_are_refused() {
    let bench = Bench::boot().await;
    let base = json!({"call_from": "+12", "call_to": "+13"});
    let now = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now());
    let ahead = |minutes| (now + chrono::TimeDelta::minutes(minutes)).to_rfc3339();
    for (more, field, message) in [
        (
            json!({"started_at": "2026-03-01T09:30:00Z"}),
            "started_at",
            "goes with a call_status of a call that was answered or is over",
        ),
        (
            json!({"ended_at": "2026-03-01T09:30:00Z", "call_status": "in-progress"}),
            "ended_at",
            "goes with a call_status of a call that is over",
        ),
        (
            json!({"started_at": "2026-03-01T09:30:00Z", "ended_at": "2026-03-01T09:29:59Z", "call_status": "completed"}),
            "ended_at",
            "must not be before started_at",
        ),
        (
            json!({"ended_at": ahead(6), "call_status": "failed"}),
            "ended_at",
            "must not be in the future",
        ),
        (
            json!({"started_at": ahead(6), "call_status": "in-progress"}),
            "started_at",
            "must not be in the future",
        ),
        (
            json!({"workspace": "a", "workspace_id": "b"}),
            "workspace_id",
            "must be the same as workspace",
        ),
        (
            json!({"company_id": "0190f5fe-7c00-7a00-8000-0000000000ab"}),
            "company_id",
            "must be the company of the credential",
        ),
    ] {
        let mut body = base.clone();
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let (status, refused) = bench.send(CALLS, &body, None).await;
        assert_eq!(refused, refusal(&[(field, "invalid", message)]), "{more}");
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
    let fine = json!({
        "call_from": "+12", "call_to": "+13", "ended_at": ahead(4), "call_status": "failed",
        "workspace": "a", "workspace_id": "a", "company_id": bench.account.id,
    });
    assert_eq!(bench.send(CALLS, &fine, None).await.0, StatusCode::CREATED);
}

#[tokio::test]
async fn a_state_goes_through_the_state_machine_and_sets_in_motion_what_it_does() {
    let bench = Bench::boot().await;
    for (status, started, ended) in [
        ("queued", None, None),
        ("ringing", None, None),
        ("in-progress", Some("2026-03-01T09:30:00Z"), None),
        (
            "completed",
            Some("2026-03-01T09:30:00Z"),
            Some("2026-03-01T09:31:30Z"),
        ),
        ("busy", None, Some("2026-03-01T09:30:00Z")),
        ("no-answer", None, Some("2026-03-01T09:30:00Z")),
        ("canceled", None, None),
        ("failed", None, None),
        ("voicemail", None, None),
    ] {
        let body = json!({
            "call_sid": status, "call_from": "+12", "call_to": "+13", "call_status": status,
            "started_at": started, "ended_at": ended,
        });
        let (code, made) = bench.send(CALLS, &body, None).await;
        assert_eq!(code, StatusCode::CREATED, "{status}: {made}");
        let call = &made["data"];
        assert_eq!(call["call_status"], status);
        assert_eq!(call["started_at"], json!(started), "{status}");
        let over = !matches!(status, "queued" | "ringing" | "in-progress");
        assert_eq!(call["ended_at"].is_string(), over, "{status}");
        assert!(
            ended.is_none() || call["ended_at"] == json!(ended),
            "{status}"
        );
        let talked = if status == "completed" { 90 } else { 0 };
        assert_eq!(call["call_duration"], talked, "{status}");
        bench.app.run_jobs().await;
        let get = bench.app.get(
            &format!("/calls/{}", call["id"].as_str().unwrap()),
            &bench.account.key,
        );
        let read: Value = get.send().await.unwrap().json().await.unwrap();
        assert_eq!(read["data"]["analysis"].is_object(), over, "{status}");
    }
}

#[tokio::test]
async fn what_telephony_has_reported_is_filled_in_and_never_turned_back() {
    let bench = Bench::boot().await;
    let report = json!({
        "CallId": "CA12345678904567890", "From": "+1999", "To": "+1888", "Direction": "incoming", "CallStatus": "busy",
    });
    let end = bench
        .app
        .post("/api/v1/voip/call-end", &bench.account.key)
        .json(&report);
    assert_eq!(end.send().await.unwrap().status(), StatusCode::OK);
    let (status, made) = bench.send(CALLS, &whole_call(), None).await;
    assert_eq!(status, StatusCode::CREATED);
    let call = &made["data"];
    for (field, value) in [
        ("call_status", json!("busy")),
        ("call_from", json!("+1999")),
        ("campaign_id", json!("0190f5fe-7c00-7a00-8000-000000000001")),
    ] {
        assert_eq!(call[field], value, "{field}");
    }
    assert_eq!(
        bench.send(CALLS, &whole_call(), None).await.0,
        StatusCode::OK
    );
}
