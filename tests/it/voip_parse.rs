//! The table of the voip surface, field by field, without a server.

use onhook::{
    api::{
        extract::Fields,
        voip::parse::{Endpoint, Post, parse},
    },
    domain::{
        account::Handling,
        report::ReportKind,
        state::{Direction, EndState},
    },
};
use serde_json::{Value, json};

/// The body of seeds 000 and 001, verbatim.
const SEED: &str = r#"{
  "From": "+1234567890",
  "To": "+1789451230",
  "CallId": "CA12345678904567890",
  "email": "user@example.com",
  "CallStatus": "completed",
  "RecordingUrl": "string",
  "Duration": "10",
  "Direction": "incoming"
}"#;

fn read(endpoint: Endpoint, handling: Handling, body: &str) -> Result<Post, Vec<String>> {
    let fields = Fields::from_json(body.as_bytes()).unwrap();
    parse(endpoint, fields, handling).map_err(|error| {
        let told = error.to_string();
        let (_, named) = told.split_once(": ").unwrap();
        named.split("; ").map(str::to_owned).collect()
    })
}

/// The seed's body with some fields changed; `null` takes a field away.
fn seed_with(changes: &Value) -> String {
    let mut body: Value = serde_json::from_str(SEED).unwrap();
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body.as_object_mut()
        .unwrap()
        .retain(|_, value| !value.is_null());
    body.to_string()
}

#[test]
fn the_published_body_is_understood_in_both_handlings() {
    for handling in [Handling::Lenient, Handling::Strict] {
        for endpoint in [Endpoint::End, Endpoint::Answered] {
            let post = read(endpoint, handling, SEED).unwrap();
            assert_eq!(post.kind, ReportKind::Ended(EndState::Completed));
            assert_eq!(post.name.as_str(), "CA12345678904567890");
            assert_eq!(post.facts.direction, Some(Direction::Inbound));
            assert_eq!(post.facts.duration_s, Some(10));
            assert_eq!(post.facts.recording_url.unwrap().as_str(), "string");
            assert_eq!(post.facts.email.unwrap().as_str(), "user@example.com");
            assert_eq!(post.facts.from.unwrap().raw(), "+1234567890");
            assert_eq!(post.facts.to.unwrap().raw(), "+1789451230");
        }
    }
}

#[test]
fn each_endpoint_asks_for_its_own_fields() {
    let all = ["CallId", "From", "To"];
    let with_direction = ["CallId", "From", "To", "Direction"];
    let end = ["CallId", "From", "To", "Direction", "CallStatus"];
    let strict = [
        "CallId",
        "From",
        "To",
        "Direction",
        "CallStatus",
        "RecordingUrl",
        "Duration",
    ];
    let lenient = Handling::Lenient;
    for (endpoint, handling, expected) in [
        (Endpoint::InQueue, lenient, &all[..]),
        (Endpoint::Ringing, lenient, &with_direction),
        (Endpoint::Answered, lenient, &with_direction),
        (Endpoint::End, lenient, &end),
        (Endpoint::Ringing, Handling::Strict, &with_direction),
        (Endpoint::End, Handling::Strict, &strict),
    ] {
        let expected: Vec<String> = expected
            .iter()
            .map(|f| format!("{f} is required"))
            .collect();
        assert_eq!(
            read(endpoint, handling, "{}").unwrap_err(),
            expected,
            "{endpoint:?}"
        );
        let nulls = r#"{"CallId":null,"From":"","To":null,"Direction":"","CallStatus":null,"RecordingUrl":"","Duration":null}"#;
        assert_eq!(
            read(endpoint, handling, nulls).unwrap_err(),
            expected,
            "{endpoint:?}"
        );
    }
}

#[test]
fn every_bad_field_is_named_at_once() {
    let body = json!({
        "CallId": "x".repeat(256), "From": 5, "To": "  ", "Email": "nobody", "CallStatus": "gone",
        "RecordingUrl": "x".repeat(2049), "Duration": "ten", "Direction": "sideways",
    });
    assert_eq!(
        read(Endpoint::End, Handling::Lenient, &body.to_string()).unwrap_err(),
        [
            "CallId must have at most 255 characters",
            "From must be a string",
            "To must not be empty",
            "Direction must be one of incoming, outgoing",
            "Email must be an e-mail address, such as user@example.com",
            "CallStatus must be one of busy, no-answer, canceled, failed, completed",
            "RecordingUrl must have at most 2048 characters",
            "Duration must be a whole number from 0 to 604800",
        ]
    );
}

#[test]
fn the_e_mail_address_is_needed_for_outgoing_calls_only() {
    let outgoing = seed_with(&json!({"Direction": "outgoing", "email": null}));
    for endpoint in [Endpoint::Ringing, Endpoint::Answered, Endpoint::End] {
        for handling in [Handling::Lenient, Handling::Strict] {
            assert_eq!(
                read(endpoint, handling, &outgoing).unwrap_err(),
                ["Email is required when Direction is outgoing"]
            );
            read(endpoint, handling, &seed_with(&json!({"email": null}))).unwrap();
        }
    }
    read(Endpoint::InQueue, Handling::Strict, &outgoing).unwrap();
}

#[test]
fn both_spellings_of_the_e_mail_field_must_agree() {
    let email = |upper: &str, lower: &str| {
        let body = seed_with(&json!({"Email": upper, "email": lower}));
        read(Endpoint::End, Handling::Lenient, &body)
    };
    email("a@example.com", "a@example.com").unwrap();
    email("", "a@example.com").unwrap();
    assert_eq!(
        email("a@example.com", "b@example.com").unwrap_err(),
        ["email must be the same as Email if both are given"]
    );
    assert_eq!(
        email("a@example.com", "b").unwrap_err(),
        ["email must be an e-mail address, such as user@example.com"]
    );
}

#[test]
fn durations_are_whole_seconds_up_to_a_week() {
    for (duration, seconds) in [
        (json!("10"), Some(Some(10))),
        (json!(10), Some(Some(10))),
        (json!(10.0), Some(Some(10))),
        (json!("0"), Some(Some(0))),
        (json!("604800"), Some(Some(604_800))),
        (json!(""), Some(None)),
        (json!("604801"), None),
        (json!(604_801), None),
        (json!(-1), None),
        (json!("-1"), None),
        (json!("+1"), None),
        (json!("1.5"), None),
        (json!(1.5), None),
        (json!("99999999999999999999"), None),
        (json!("١٠"), None),
        (json!(true), None),
        (json!([10]), None),
    ] {
        let body = seed_with(&json!({"Duration": duration}));
        let post = read(Endpoint::End, Handling::Lenient, &body);
        assert_eq!(
            post.ok().map(|post| post.facts.duration_s),
            seconds,
            "{duration}"
        );
    }
}

#[test]
fn other_spellings_of_the_words_are_for_lenient_handling() {
    for (status, lenient, strict) in [
        ("cancelled", true, true),
        ("canceled", true, true),
        ("no_answer", true, false),
        ("No-Answer", true, false),
        ("CANCELLED", true, false),
        ("answered", false, false),
        ("completed ", false, false),
    ] {
        let body = seed_with(&json!({"CallStatus": status}));
        for (handling, fine) in [(Handling::Lenient, lenient), (Handling::Strict, strict)] {
            let read = read(Endpoint::End, handling, &body);
            assert_eq!(read.is_ok(), fine, "{status} {handling:?}");
        }
    }
}

#[test]
fn a_nul_is_refused_in_every_text() {
    for field in [
        "CallId",
        "From",
        "To",
        "email",
        "CallStatus",
        "RecordingUrl",
        "Duration",
        "Direction",
    ] {
        let body = seed_with(&json!({field: "a\0b"}));
        let errors = read(Endpoint::End, Handling::Lenient, &body).unwrap_err();
        assert!(errors[0].starts_with(field), "{errors:?}");
    }
}

#[test]
fn real_callers_are_kept_as_they_were_sent() {
    for from in [
        "anonymous",
        "sip:bob@pbx.example",
        "112",
        "+1 (415) 555-0148",
        "＋１２３",
        "Zoë 📞",
    ] {
        let body = seed_with(&json!({"From": from, "Unknown": {"x": [1]}}));
        let post = read(Endpoint::End, Handling::Strict, &body).unwrap();
        assert_eq!(post.facts.from.unwrap().raw(), from);
    }
}
