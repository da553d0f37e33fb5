//! What an export looks like, byte for byte.

use onhook::domain::{account::VoipMode, call_export::Format, call_object::CallObject};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::{export, exported, refused, seed};
use crate::{app::TestApp, call_seed};

/// Reads RFC 4180, and nothing else.
pub(super) fn read_csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                assert!(cell.is_empty(), "a quote in a cell that began without one");
                loop {
                    match letters.next().expect("a quote that ends") {
                        '"' if letters.peek() == Some(&'"') => {
                            letters.next();
                            cell.push('"');
                        }
                        '"' => break,
                        inside => cell.push(inside),
                    }
                }
                assert!(matches!(letters.peek(), Some(',' | '\r')), "{cell}");
            }
            ',' => row.push(std::mem::take(&mut cell)),
            '\r' => {
                assert_eq!(letters.next(), Some('\n'));
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            '\n' => panic!("a line feed alone in {cell}"),
            plain => cell.push(plain),
        }
    }
    assert!(row.is_empty() && cell.is_empty(), "the last row has no end");
    rows
}

/// What a value is in a cell.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What stands in a call's cells, in order.
fn cells(call: &Value) -> Vec<String> {
    CallObject::FIELDS
        .iter()
        .map(|field| cell(&call[field]))
        .collect()
}

#[tokio::test]
async fn csv_has_the_same_values_and_reads_back() {
    let app = TestApp::boot().await;
    let account = app.account("acme", VoipMode::Key).await;
    call_seed::seed(&app, &account).await;
    seed(&app, &account, 3).await;
    let calls = exported(&app, &account.key, "format=ndjson").await;
    assert_eq!(calls.len(), call_seed::SEEDED + 3);
    let mut rows = read_csv(&export(&app, &account.key, "format=csv").await);
    assert_eq!(rows.remove(0), CallObject::FIELDS);
    let expected: Vec<_> = calls.iter().map(cells).collect();
    assert_eq!(rows, expected);
    // Seeded texts begin with `+`; nothing else is another in the safe way.
    let mut safe = read_csv(&export(&app, &account.key, "format=csv-safe").await);
    assert_eq!(safe.remove(0), CallObject::FIELDS);
    let guarded = |cell: &String| match cell.strip_prefix('+') {
        Some(_) => format!("'{cell}"),
        None => cell.clone(),
    };
    let expected: Vec<Vec<_>> = rows
        .iter()
        .map(|row| row.iter().map(guarded).collect())
        .collect();
    assert_eq!(safe, expected);
}

#[test]
fn cells_are_written_as_the_documentation_says() {
    for (value, raw, safe) in [
        ("null", "", ""),
        ("\"\"", "\"\"", "\"\""),
        ("true", "true", "true"),
        ("0.0125", "0.0125", "0.0125"),
        ("\"plain; text\"", "plain; text", "\"plain; text\""),
        ("\"a,b\"", "\"a,b\"", "\"a,b\""),
        ("\"a\\\"b\"", "\"a\"\"b\"", "\"a\"\"b\""),
        ("\"a\\r\\nb\"", "\"a\r\nb\"", "\"a\r\nb\""),
        ("\"=1+1\"", "=1+1", "\"'=1+1\""),
        ("\"+1234\"", "+1234", "\"'+1234\""),
        ("\"-2\"", "-2", "\"'-2\""),
        ("\"@SUM(A1)\"", "@SUM(A1)", "\"'@SUM(A1)\""),
        ("\"\\t=1\"", "\t=1", "\"'\t=1\""),
        ("\"\\r=1\"", "\"\r=1\"", "\"'\r=1\""),
        ("\"\\n=1\"", "\"\n=1\"", "\"'\n=1\""),
        ("\"＝1\"", "＝1", "\"'＝1\""),
        ("\"＋1\"", "＋1", "\"'＋1\""),
        ("\"－1\"", "－1", "\"'－1\""),
        ("\"＠a\"", "＠a", "\"'＠a\""),
        ("\"a=1\"", "a=1", "\"a=1\""),
        ("\"'a\"", "'a", "\"'a\""),
        (
            "{\"a\":\"=1\"}",
            "\"{\"\"a\"\":\"\"=1\"\"}\"",
            "\"{\"\"a\"\":\"\"=1\"\"}\"",
        ),
        ("[]", "[]", "\"[]\""),
    ] {
        for (format, expected) in [(Format::Csv, raw), (Format::CsvSafe, safe)] {
            let (mut row, line) = (Vec::new(), format!("{{\"x\":{value},\"y\":1}}"));
            format.write_line(line.as_bytes(), &mut row).unwrap();
            let row = String::from_utf8(row).unwrap();
            assert_eq!(row, format!("{expected},1\r\n"), "{value} as {format:?}");
        }
    }
}

#[tokio::test]
async fn the_format_is_asked_for_by_name_or_by_media_type() {
    let app = TestApp::boot().await;
    let account = app.account("acme", VoipMode::Key).await;
    let (ndjson, csv) = (
        "application/x-ndjson",
        "text/csv; charset=utf-8; header=present",
    );
    for (query, accept, media) in [
        ("", "*/*", ndjson),
        ("", ndjson, ndjson),
        ("", "text/csv", csv),
        ("format=csv", "*/*", csv),
        ("format=csv-safe", "application/json", csv),
        ("format=ndjson", "text/csv", ndjson),
        ("format=", "text/csv", csv),
    ] {
        let request = app.get(&format!("/v1/calls/export?{query}"), &account.key);
        let answer = request.header("accept", accept).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{query} {accept}");
        assert_eq!(answer.headers()["content-type"], media, "{query} {accept}");
        let name = if media == csv {
            "calls.csv"
        } else {
            "calls.ndjson"
        };
        let disposition = format!("attachment; filename=\"{name}\"");
        assert_eq!(
            answer.headers()["content-disposition"],
            disposition.as_str()
        );
        assert!(answer.headers().contains_key("ratelimit"));
        let text = answer.text().await.unwrap();
        // Of no calls there is the head alone.
        let head = if media == csv {
            CallObject::FIELDS.join(",") + "\r\n"
        } else {
            String::new()
        };
        assert_eq!(text, head);
    }
    let request = app.get("/v1/calls/export", &account.key);
    let answer = request
        .header("accept", "application/json")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_ACCEPTABLE);
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], "not_acceptable");
    let wrong = refused(&app, &account.key, "format=CSV").await;
    assert_eq!(wrong["errors"][0]["parameter"], "format");
    // Where the calls surface is, `export` is an id.
    let id = app
        .unchecked(Method::GET, "/calls/export")
        .bearer_auth(&account.key);
    let answer: Value = id.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["status"], "error");
}
