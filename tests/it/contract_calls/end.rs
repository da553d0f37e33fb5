//! `POST /calls/end`: what the published document lists is 200 and empty unless strict; everything else has its status.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Bench, refusal, with};

const END: (Method, &str) = (Method::POST, "/calls/end");

const NOBODY: &str = "0190f5fe-7c00-7a00-8000-000000000000";

/// A live call.
async fn live(bench: &Bench) -> String {
    let body = json!({"call_from": "+12", "call_to": "+13", "call_status": "in-progress"});
    let (_, made) = bench.send((Method::POST, "/calls"), &body, None).await;
    made["data"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_the_document_lists_is_200_and_empty_unless_strict() {
    let bench = Bench::boot().await;
    let invalid = |message: &'static str| ("invalid", message);
    let uuid = invalid("must be a UUID");
    for (call_id, strict, wrong) in [
        (None, 400, Some(("missing", "is required"))),
        (Some(Value::Null), 400, Some(("missing", "is required"))),
        (Some(json!("")), 400, Some(uuid)),
        (Some(json!("abc")), 400, Some(uuid)),
        (
            Some(json!("0190f5fe7c007a008000000000000000")),
            400,
            Some(uuid),
        ),
        (Some(json!(format!("{NOBODY}0"))), 400, Some(uuid)),
        (
            Some(json!("a\0")),
            400,
            Some(invalid("must not contain the NUL character")),
        ),
        (
            Some(json!(7)),
            400,
            Some(("wrong_type", "must be a string")),
        ),
        (
            Some(json!([NOBODY])),
            400,
            Some(("wrong_type", "must be a string")),
        ),
        (Some(json!(NOBODY)), 404, None),
        (Some(json!(NOBODY.to_uppercase())), 404, None),
    ] {
        let body = with(&json!({}), "call_id", call_id.as_ref());
        for handling in [None, Some("lenient")] {
            let answer = bench.send(END, &body, handling).await;
            assert_eq!(answer, (StatusCode::OK, Value::Null), "{body}");
        }
        let (status, refused) = bench.send(END, &body, Some("strict")).await;
        assert_eq!(status.as_u16(), strict, "{body}");
        let expected = match wrong {
            Some((code, message)) => refusal(&[("call_id", code, message)]),
            None => json!({"status": "error", "message": "call not found", "data": null}),
        };
        assert_eq!(refused, expected, "{body}");
    }
}

#[tokio::test]
async fn reasons_are_trimmed_bounded_and_have_a_default() {
    let bench = Bench::boot().await;
    let longest = "é".repeat(512);
    for (reason, recorded) in [
        (None, "Ended Via API call"),
        (Some(Value::Null), "Ended Via API call"),
        (Some(json!("")), "Ended Via API call"),
        (Some(json!(" \t")), "Ended Via API call"),
        (
            Some(json!(" Customer requested to end call ")),
            "Customer requested to end call",
        ),
        (Some(json!(longest)), longest.as_str()),
        (Some(json!(format!("  {longest} "))), longest.as_str()),
    ] {
        let id = live(&bench).await;
        let body = with(
            &json!({"call_id": id, "nonsense": 1}),
            "disconnect_reason",
            reason.as_ref(),
        );
        let (status, ended) = bench.send(END, &body, None).await;
        let expected = json!({"status": "ok", "message": "Call ended successfully", "data": id});
        assert_eq!((status, ended), (StatusCode::OK, expected), "{body}");
        let path = format!("/calls/{id}");
        let (_, read) = bench.send((Method::GET, &path), &Value::Null, None).await;
        assert_eq!(read["data"]["disconnect_reason"], recorded);
        assert_eq!(read["data"]["call_status"], "completed");
    }
}

#[tokio::test]
async fn what_the_document_does_not_list_has_its_status_either_way() {
    let bench = Bench::boot().await;
    let id = live(&bench).await;
    for (reason, code, message) in [
        (
            json!("é".repeat(513)),
            "too_long",
            "must have at most 512 characters",
        ),
        (
            json!("a\0b"),
            "invalid",
            "must not contain the NUL character",
        ),
        (json!(7), "wrong_type", "must be a string"),
        (json!({}), "wrong_type", "must be a string"),
    ] {
        let body = json!({"call_id": id, "disconnect_reason": reason});
        for handling in [None, Some("strict")] {
            let answer = bench.send(END, &body, handling).await;
            let expected = refusal(&[("disconnect_reason", code, message)]);
            assert_eq!(answer, (StatusCode::BAD_REQUEST, expected), "{body}");
        }
    }
    // Two wrong fields are more than the one that the document lists.
    let body = json!({"call_id": "x", "disconnect_reason": 7});
    let (status, refused) = bench.send(END, &body, None).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let both = [
        ("call_id", "invalid", "must be a UUID"),
        ("disconnect_reason", "wrong_type", "must be a string"),
    ];
    assert_eq!(refused, refusal(&both));
}
