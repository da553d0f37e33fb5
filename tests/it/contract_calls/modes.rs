//! What every operation with a body has in common: what is no JSON, no body of ours, or no credential, in both handlings.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::Bench;

/// The operations, and the most bytes that each takes.
const OPERATIONS: [(&str, &str, usize); 4] = [
    ("POST", "/calls", 512 * 1024),
    ("POST", "/calls/end", 16 * 1024),
    ("POST", "/calls/make-call", 4 * 1024 * 1024),
    (
        "PATCH",
        "/calls/0190f5fe-7c00-7a00-8000-000000000000",
        512 * 1024,
    ),
];

async fn answered(
    bench: &Bench,
    (method, path): (&str, &str),
    (media, body): (&str, String),
    handling: &str,
) -> (StatusCode, Value) {
    let method: Method = method.parse().unwrap();
    let request = bench
        .app
        .request(method, path)
        .bearer_auth(&bench.account.key)
        .header("content-type", media)
        .header("prefer", &format!("handling={handling}"))
        .body(body);
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

#[tokio::test]
async fn bodies_that_are_not_ours_have_their_status_in_both_handlings_and_on_both_paths() {
    let bench = Bench::boot().await;
    let json = "application/json";
    for (method, path, bytes_max) in OPERATIONS {
        for path in [path.to_owned(), format!("/v1{path}")] {
            for handling in ["lenient", "strict"] {
                for (media, body, status) in [
                    (json, String::new(), 400),
                    (json, "{".to_owned(), 400),
                    (json, "[]".to_owned(), 400),
                    (json, "null".to_owned(), 400),
                    (json, "\"call_id\"".to_owned(), 400),
                    (json, r#"{"call_id":"a","call_id":"b"}"#.to_owned(), 400),
                    (json, "{} {}".to_owned(), 400),
                    ("text/plain", "{}".to_owned(), 415),
                    (
                        "application/x-www-form-urlencoded",
                        "call_id=1".to_owned(),
                        415,
                    ),
                    ("application/json; charset=latin1", "{}".to_owned(), 415),
                    (json, " ".repeat(bytes_max + 1), 413),
                ] {
                    let at = format!("{method} {path} {handling} {media} {body:.20}");
                    let (answer, said) =
                        answered(&bench, (method, &path), (media, body), handling).await;
                    assert_eq!(answer.as_u16(), status, "{at}: {said}");
                    assert_eq!(
                        (&said["status"], &said["data"]),
                        (&"error".into(), &Value::Null),
                        "{at}"
                    );
                }
                // At the bound it is read, and found to be no JSON.
                let blank = (json, " ".repeat(bytes_max));
                let (answer, _) = answered(&bench, (method, &path), blank, handling).await;
                assert_eq!(answer, StatusCode::BAD_REQUEST, "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn without_a_credential_nothing_is_200_in_either_handling() {
    let bench = Bench::boot().await;
    for (method, path, _) in OPERATIONS {
        for handling in ["lenient", "strict"] {
            let request = bench.app.request(method.parse().unwrap(), path);
            let request = request.header("prefer", &format!("handling={handling}"));
            let answer = request
                .header("content-type", "application/json")
                .body("{}");
            let answer = answer.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
            let said: Value = answer.json().await.unwrap();
            assert_eq!(said["status"], "error");
        }
    }
}
