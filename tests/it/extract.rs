//! What the extractors refuse, without a server.

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts},
    http::Request,
};
use onhook::api::{
    error::Code,
    extract::{Fields, FormOrJson, JsonBody, QueryFields},
};

type Headers<'a> = &'a [(&'a str, &'a str)];

fn request(headers: Headers<'_>, body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::post("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).unwrap()
}

#[tokio::test]
async fn only_utf_8_json_without_an_encoding_is_json() {
    let json = "application/json";
    let cases: &[(Headers<'_>, Option<Code>)] = &[
        (&[("content-type", json)], None),
        (&[("content-type", "Application/JSON; charset=UTF-8")], None),
        (
            &[("content-type", "application/json;charset=\"utf-8\"")],
            None,
        ),
        (
            &[("content-type", json), ("content-encoding", "identity")],
            None,
        ),
        (&[], Some(Code::UnsupportedMediaType)),
        (
            &[("content-type", "text/plain")],
            Some(Code::UnsupportedMediaType),
        ),
        (
            &[("content-type", "text/json")],
            Some(Code::UnsupportedMediaType),
        ),
        (
            &[("content-type", "application/x-www-form-urlencoded")],
            Some(Code::UnsupportedMediaType),
        ),
        (
            &[("content-type", "application/json; charset=utf-16")],
            Some(Code::UnsupportedMediaType),
        ),
        (
            &[("content-type", json), ("content-encoding", "gzip")],
            Some(Code::UnsupportedMediaType),
        ),
        (
            &[("content-type", json), ("content-type", "text/plain")],
            Some(Code::UnsupportedMediaType),
        ),
    ];
    for (headers, refusal) in cases {
        let read = JsonBody::<16>::from_request(request(headers, "{}"), &()).await;
        assert_eq!(read.err().map(|e| e.code()), *refusal, "{headers:?}");
    }
}

#[tokio::test]
async fn a_body_may_be_as_long_as_its_bound_and_no_longer() {
    let headers = [("content-type", "application/json")];
    for (length, refusal) in [(16, None), (17, Some(Code::BodyTooLarge))] {
        let read = JsonBody::<16>::from_request(request(&headers, "x".repeat(length)), &()).await;
        assert_eq!(read.err().map(|e| e.code()), refusal, "{length}");
    }
}

#[tokio::test]
async fn a_form_is_read_where_forms_are_allowed() {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let body = request(&headers, "From=%2B1+2&To=&Name=%C3%A9");
    let FormOrJson(payload) = FormOrJson::<64>::from_request(body, &()).await.unwrap();
    let fields = payload.fields().unwrap();
    let text = |name| fields.get(name).unwrap().text().unwrap();
    assert_eq!((text("From"), text("To"), text("Name")), ("+1 2", "", "é"));
}

#[test]
fn forms_with_bad_utf_8_or_a_name_twice_are_refused() {
    for form in ["a=%ff", "a=1&a=2", "a=1&%61=2", &"a&".repeat(2)] {
        let refused = Fields::from_form(form.as_bytes()).unwrap_err();
        assert_eq!(refused.code(), Code::MalformedBody, "{form}");
    }
    let many: Vec<String> = (0..129).map(|n| format!("f{n}=1")).collect();
    Fields::from_form(many[..128].join("&").as_bytes()).unwrap();
    Fields::from_form(many.join("&").as_bytes()).unwrap_err();
}

#[test]
fn json_that_is_no_object_or_says_a_key_twice_is_malformed() {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    for body in [
        "",
        "[]",
        "\"text\"",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}",
        "{\"a\":{\"b\":1,\"b\":2}}",
        "{\"a\":1e400}",
        "{\"a\":\"\\ud800\"}",
        "{} {}",
        "\u{feff}{}",
        &deep,
    ] {
        let refused = Fields::from_json(body.as_bytes()).unwrap_err();
        assert_eq!(refused.code(), Code::MalformedBody, "{body}");
    }
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100), "]".repeat(100));
    Fields::from_json(deep.as_bytes()).unwrap();
}

#[tokio::test]
async fn a_query_parameter_given_twice_is_refused() {
    for (query, code) in [
        ("page=1&per_page=2", None),
        ("page=1&page=2", Some(Code::InvalidInput)),
        ("page=%00", Some(Code::InvalidInput)),
        ("page=%fe", Some(Code::InvalidInput)),
    ] {
        let request = Request::get(format!("/?{query}")).body(()).unwrap();
        let (mut parts, ()) = request.into_parts();
        let read = QueryFields::from_request_parts(&mut parts, &()).await;
        assert_eq!(read.err().map(|e| e.code()), code, "{query}");
    }
}

#[test]
fn numbers_are_whole_where_they_must_be() {
    for (json, whole) in [
        ("120", Some(120)),
        ("120.0", Some(120)),
        ("1.2e2", Some(120)),
        ("0", Some(0)),
        ("604800", Some(604_800)),
        ("604801", None),
        ("-1", None),
        ("-0.0", Some(0)),
        ("1.5", None),
        ("1e300", None),
        ("18446744073709551615", None),
    ] {
        let body = format!("{{\"n\":{json}}}");
        let fields = Fields::from_json(body.as_bytes()).unwrap();
        let read = fields.get("n").unwrap().whole(0, 604_800);
        assert_eq!(read.ok(), whole, "{json}");
    }
}
