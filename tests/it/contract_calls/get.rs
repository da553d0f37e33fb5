//! `GET /calls/{id}`: its parameters in every way they can be wrong or just right, in both handlings and under both paths; and
//! every documented field of a call of which nobody has said more than they must.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Bench, refusal};

/// What a path comes to.
#[derive(Debug, Clone, Copy)]
enum Found {
    Call,
    /// As documented 200 with status `error`; strict: 404.
    Nothing,
    /// The same; strict: 400.
    NoId,
    /// Whatever the handling.
    Refused(u16, &'static str),
}

fn nothing(message: &str) -> Value {
    json!({"status": "error", "message": message, "data": null})
}

impl Bench {
    async fn record(&self, body: Value) -> String {
        let (status, recorded) = self.send((Method::POST, "/calls"), &body, None).await;
        assert_eq!(status, StatusCode::CREATED, "{recorded}");
        recorded["data"]["id"].as_str().unwrap().to_owned()
    }

    async fn read(&self, path: &str, prefer: Option<&str>) -> (StatusCode, Option<String>, Value) {
        // Paths that are longer than any are in no document.
        let mut request = self.app.unchecked(Method::GET, path);
        request = request.bearer_auth(&self.account.key);
        if let Some(prefer) = prefer {
            request = request.header("prefer", prefer);
        }
        let answer = request.send().await.unwrap();
        let applied = answer.headers().get("preference-applied");
        let applied = applied.map(|applied| applied.to_str().unwrap().to_owned());
        (answer.status(), applied, answer.json().await.unwrap())
    }
}

/// Every form of an id, and what it comes to.
async fn ids(bench: &Bench) -> Vec<(String, Found)> {
    let known = bench
        .record(json!({"call_from": "1", "call_to": "2"}))
        .await;
    let ended = json!({"call_from": "1", "call_to": "2", "call_status": "completed"});
    let deleted = bench.record(ended).await;
    let delete = bench
        .app
        .request(Method::DELETE, &format!("/calls/{deleted}"));
    let delete = delete.bearer_auth(&bench.account.key).send().await.unwrap();
    assert_eq!(delete.status(), StatusCode::OK);
    let other = bench
        .app
        .account("other", onhook::domain::account::VoipMode::Key)
        .await;
    let post = bench.app.post("/calls", &other.key);
    let post = post.json(&json!({"call_from": "1", "call_to": "2"}));
    let theirs: Value = post.send().await.unwrap().json().await.unwrap();
    let theirs = theirs["data"]["id"].as_str().unwrap().to_owned();
    // `/calls/` and the rest make up a path of 2,048 bytes.
    let longest = "x".repeat(2048 - "/calls/".len());
    vec![
        (known.clone(), Found::Call),
        (known.to_uppercase(), Found::Call),
        (format!("{known}?nonsense=1"), Found::Call),
        (known.replace('-', "%2D"), Found::Call),
        (known.replace('-', ""), Found::NoId),
        (format!("%7B{known}%7D"), Found::NoId),
        (format!("urn:uuid:{known}"), Found::NoId),
        (format!("%20{known}"), Found::NoId),
        (format!("{known}0"), Found::NoId),
        ("null".to_owned(), Found::NoId),
        ("7".to_owned(), Found::NoId),
        ("%00".to_owned(), Found::NoId),
        (
            "%FF".to_owned(),
            Found::Refused(400, "the path is not percent-encoded UTF-8"),
        ),
        (
            String::new(),
            Found::Refused(404, "there is nothing at this path"),
        ),
        (longest.clone(), Found::NoId),
        (
            format!("{longest}x"),
            Found::Refused(414, "the path is too long"),
        ),
        (
            "00000000-0000-0000-0000-000000000000".to_owned(),
            Found::Nothing,
        ),
        (
            "ffffffff-ffff-ffff-ffff-ffffffffffff".to_owned(),
            Found::Nothing,
        ),
        (deleted, Found::Nothing),
        (theirs, Found::Nothing),
    ]
}

#[tokio::test]
async fn every_form_of_an_id_has_its_answer() {
    let bench = Bench::boot().await;
    for (id, found) in ids(&bench).await {
        for handling in ["lenient", "strict"] {
            let path = format!("/calls/{id}");
            let at: String = format!("{handling} {path}").chars().take(80).collect();
            let prefer = format!("handling={handling}");
            let (status, _, body) = bench.read(&path, Some(&prefer)).await;
            let (expected, message) = match (found, handling) {
                (Found::Call, _) => {
                    assert_eq!(
                        (status.as_u16(), &body["message"]),
                        (200, &json!("Call found")),
                        "{at}"
                    );
                    assert_eq!(
                        (&body["status"], &body["data"]["call_to"]),
                        (&json!("ok"), &json!("2"))
                    );
                    continue;
                }
                (Found::Nothing, "lenient") => (200, nothing("Call not found")),
                (Found::Nothing, _) => (404, nothing("call not found")),
                (Found::NoId, "lenient") => (200, nothing("Invalid call id")),
                (Found::NoId, _) => (400, refusal(&[("id", "invalid", "must be a UUID")])),
                (Found::Refused(status, message), _) => (status, nothing(message)),
            };
            assert_eq!((status.as_u16(), body), (expected, message), "{at}");
            // The path that is longer by `/v1` is at another bound.
            if id.len() < 1000 {
                let (under_v1, _, _) = bench.read(&format!("/v1{path}"), Some(&prefer)).await;
                assert_eq!(under_v1.as_u16(), expected, "/v1: {at}");
            }
        }
    }
}

#[tokio::test]
async fn every_form_of_a_preference_has_its_answer() {
    let bench = Bench::boot().await;
    let path = "/calls/00000000-0000-0000-0000-000000000000";
    let (strict, lenient) = (Some("handling=strict"), Some("handling=lenient"));
    let long = format!("handling={}", "strict".repeat(100));
    for (prefer, applied) in [
        (None, None),
        (Some(""), None),
        (Some("handling"), None),
        (Some("handling="), None),
        (Some("handling=null"), None),
        (Some("handling=1"), None),
        (Some("strict"), None),
        (Some("respond-async"), None),
        (Some(long.as_str()), None),
        (Some("handling=strict"), strict),
        (Some("Handling=STRICT"), strict),
        (Some("handling=\"strict\""), strict),
        (Some("handling=strict; nonsense=1"), strict),
        (Some("respond-async, handling=strict"), strict),
        (Some("handling=strict, handling=lenient"), strict),
        (Some("handling=lenient"), lenient),
        (Some("handling=lenient, handling=strict"), lenient),
    ] {
        let (status, told, _) = bench.read(path, prefer).await;
        assert_eq!(told.as_deref(), applied, "{prefer:?}");
        let expected = if applied == strict { 404 } else { 200 };
        assert_eq!(status.as_u16(), expected, "{prefer:?}");
    }
}

#[tokio::test]
async fn every_documented_field_is_there_with_its_type_when_nobody_has_said_it() {
    let bench = Bench::boot().await;
    let id = bench
        .record(json!({"call_from": "+1234567890", "call_to": "+1789451230"}))
        .await;
    let (_, _, mut body) = bench.read(&format!("/calls/{id}"), None).await;
    let (data, none) = (body["data"].as_object_mut().unwrap(), Value::Null);
    for time in ["created_at", "updated_at"] {
        let time = data.remove(time).unwrap();
        chrono::DateTime::parse_from_rfc3339(time.as_str().unwrap()).unwrap();
    }
    let expected = json!({
        "id": id, "call_sid": id, "company_id": bench.account.id, "campaign_id": none,
        "ai_agent_id": "00000000-0000-0000-0000-000000000000", "contact_id": none, "call_provider": "voip",
        "call_from": "+1234567890", "call_to": "+1789451230", "call_duration": 0, "call_status": "queued",
        "call_direction": "outbound", "is_test": false, "call_rating": 0, "call_feedback": none, "record_url": none,
        "transcript": none, "transcript_object": none, "transcript_language": none, "cost": 0.0,
    });
    let rest = json!({
        "price_unit": "", "latency": 0, "disconnect_reason": "", "analysis_sentiment": "", "agent_task_status": "",
        "agent_task_feedback": "", "metadata": none, "agent_dynamic_variables": none, "agent_post_call_outcomes": none,
        "notes": none, "deleted_at": none, "started_at": none, "ended_at": none, "retry_at": none,
        "workspace_id": "default", "ringing_at": none, "from_e164": "+1234567890", "to_e164": "+1789451230",
        "ring_duration": none, "total_duration": none, "placement": none, "terminations": [], "analysis": none,
        "end_source": none,
    });
    let mut expected = expected.as_object().unwrap().clone();
    expected.extend(rest.as_object().unwrap().clone());
    assert_eq!(*data, expected);
}
