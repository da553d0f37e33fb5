//! A client that believes `openapi.yaml`: it panics on an answer that the document does not know.
//!
//! Checked are the operation, the status, the media type, the body against its schema (formats, too), and that the body
//! has no field which the document does not name.

use std::{
    collections::{HashMap, HashSet},
    fmt::Display,
    sync::{Arc, LazyLock, Mutex},
};

use jsonschema::Validator;
use onhook::api::document;
use reqwest::{Body, Method, Response, header};
use serde::Serialize;
use serde_json::{Value, json};

/// The document, with every object closed.
pub(crate) static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut document = serde_json::to_value(document::whole()).unwrap();
    close_all(&mut document["components"]["schemas"]);
    document
});

/// Validators by schema: they cost far more to build than to use.
static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// A request whose answer is checked.
#[derive(Debug)]
pub(crate) struct RequestBuilder(reqwest::RequestBuilder);

impl RequestBuilder {
    /// Checks what this is answered with.
    pub(crate) fn new(request: reqwest::RequestBuilder) -> Self {
        Self(request)
    }

    /// With a JSON body.
    pub(crate) fn json<T: Serialize + ?Sized>(self, body: &T) -> Self {
        Self(self.0.json(body))
    }

    /// With a form.
    pub(crate) fn form<T: Serialize + ?Sized>(self, body: &T) -> Self {
        Self(self.0.form(body))
    }

    /// With a body.
    pub(crate) fn body(self, body: impl Into<Body>) -> Self {
        Self(self.0.body(body))
    }

    /// With a header.
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    /// With a key.
    pub(crate) fn bearer_auth(self, key: impl Display) -> Self {
        Self(self.0.bearer_auth(key))
    }

    /// With a key as password.
    pub(crate) fn basic_auth(self, user: &str, key: &str) -> Self {
        Self(self.0.basic_auth(user, Some(key)))
    }

    /// Sends it. Its answer was made by an older version, and is as that one's document says.
    pub(crate) async fn send_to_be_replayed(self) -> reqwest::Result<Response> {
        self.0.send().await
    }

    /// Sends it and checks the answer.
    pub(crate) async fn send(self) -> reqwest::Result<Response> {
        let (client, request) = self.0.build_split();
        let request = request?;
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let answer = client.execute(request).await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await?;
        let media = headers
            .get(header::CONTENT_TYPE)
            .map(|media| media.to_str().unwrap());
        check(&method, &path, status.as_u16(), media, &body);
        let mut rebuilt = http::Response::new(body);
        *rebuilt.status_mut() = status;
        *rebuilt.headers_mut() = headers;
        Ok(rebuilt.into())
    }
}

/// Panics unless the document has this answer.
fn check(method: &Method, path: &str, status: u16, media: Option<&str>, body: &[u8]) {
    let method = method.as_str().to_lowercase();
    let shown = String::from_utf8_lossy(body);
    let (template, operation) = operation(&method, path);
    let at = format!("{method} {template} {status}");
    let documented = &operation["responses"][status.to_string()];
    assert!(documented.is_object(), "{at} is not documented: {shown}");
    let content = documented["content"].as_object();
    let Some(media) = media else {
        let may_be_empty = content.is_none() || documented["x-may-be-empty"] == true;
        assert!(
            body.is_empty() && may_be_empty,
            "{at} has no content type: {shown}"
        );
        return;
    };
    let essence = media.split(';').next().unwrap().trim();
    let documented = content.and_then(|content| content.get(essence));
    let documented =
        documented.unwrap_or_else(|| panic!("{at} is not documented as {essence}: {shown}"));
    let schema = match essence {
        // Calls, one a line.
        "application/x-ndjson" => &json!({"$ref": "#/components/schemas/CallObject"}),
        json if json.ends_with("json") => &documented["schema"],
        _ => return,
    };
    let validator = validator(schema);
    let bodies: Vec<&[u8]> = match essence {
        "application/x-ndjson" => body.split_inclusive(|byte| *byte == b'\n').collect(),
        _ => vec![body],
    };
    for body in bodies {
        check_body(&at, &validator, body);
    }
}

fn check_body(at: &str, validator: &Validator, body: &[u8]) {
    let shown = String::from_utf8_lossy(body);
    let body: Value =
        serde_json::from_slice(body).unwrap_or_else(|_| panic!("{at} is no JSON: {shown}"));
    let faults: Vec<String> = validator
        .iter_errors(&body)
        .map(|fault| format!("{} {fault}", fault.instance_path()))
        .collect();
    assert!(
        faults.is_empty(),
        "{at} is not as documented: {faults:?}\n{shown}"
    );
}

/// Every operation: its method, its path and what the document says of it.
pub(crate) fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, item)| {
        let operations = item.as_object().unwrap().iter();
        operations.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    })
}

/// The examples of a media type, or else of its schema.
pub(crate) fn examples(content: &'static Value) -> Vec<&'static Value> {
    let look_up = |reference: &'static Value| {
        let place = reference["$ref"].as_str()?.strip_prefix('#')?;
        DOCUMENT.pointer(place)
    };
    let mut found: Vec<&Value> = content.get("example").into_iter().collect();
    for example in content["examples"].as_object().into_iter().flatten() {
        found.push(&look_up(example.1).unwrap_or(example.1)["value"]);
    }
    if found.is_empty() {
        let schema = look_up(&content["schema"]).unwrap_or(&content["schema"]);
        found.extend(schema.get("example"));
    }
    found
}

/// The operation of a path; a template without parameters wins.
fn operation(method: &str, path: &str) -> (&'static str, &'static Value) {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let candidates = paths
        .iter()
        .filter(|(template, item)| matches(template, path) && item[method].is_object());
    let best = candidates.min_by_key(|(template, _)| template.matches('{').count());
    let Some((template, item)) = best else {
        panic!("{method} {path} is not documented");
    };
    (template, &item[method])
}

fn matches(template: &str, path: &str) -> bool {
    let (mut template, mut path) = (template.split('/'), path.split('/'));
    loop {
        match (template.next(), path.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted == given || wanted.starts_with('{') => {}
            _ => return false,
        }
    }
}

/// What checks a body by a schema of the document.
pub(crate) fn validator(schema: &Value) -> Arc<Validator> {
    let mut validators = VALIDATORS.lock().unwrap();
    let validator = validators.entry(schema.to_string()).or_insert_with(|| {
        let whole = json!({ "components": { "schemas": DOCUMENT["components"]["schemas"] }, "allOf": [schema] });
        let built = jsonschema::options()
            .should_validate_formats(true)
            .build(&whole);
        Arc::new(built.unwrap())
    });
    Arc::clone(validator)
}

/// Lets every object have the fields that it names and no others. What is a part of another (`allOf`) stays open: the
/// whole is closed.
fn close_all(schemas: &mut Value) {
    let text = schemas.to_string();
    let parts = text.split("\"allOf\":[").skip(1);
    let parts: HashSet<String> = parts
        .filter_map(|rest| rest.split_once(']'))
        .flat_map(|(members, _)| members.split("#/components/schemas/").skip(1))
        .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
        .collect();
    for (name, schema) in schemas.as_object_mut().unwrap() {
        if !parts.contains(name) {
            close(schema);
        }
    }
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            for (name, member) in object.iter_mut() {
                if !matches!(name.as_str(), "allOf" | "example" | "examples" | "default") {
                    close(member);
                }
            }
            let is_whole = object.get("properties").is_some_and(Value::is_object)
                || object.contains_key("allOf");
            if is_whole && !object.contains_key("additionalProperties") {
                object.insert("unevaluatedProperties".to_owned(), Value::Bool(false));
            }
        }
        Value::Array(array) => array.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
