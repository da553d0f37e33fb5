//! Reads what is sent of an endpoint. Everything that is wrong is named at once, with what would be right.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    api::{
        document::story,
        error::{Error, FieldError},
        extract::{Field, Fields, Reader, Wrong},
    },
    domain::{
        endpoint::{
            MAX_CONCURRENCY_MAX, MAX_PER_SECOND_MAX, Scheme,
            headers::{
                Authorization, CREDENTIAL_CHARS_MAX, HeaderText, HeadersChange, MASK, NotHeader,
                header_name,
            },
            subscription::{Filter, NotFilter, Subscription},
        },
        voice_call::update::Edit,
    },
    webhooks::settings::{Change, Settings},
};

/// What may be said of an endpoint.
const FIELDS: [&str; 7] = [
    "url",
    "event_types",
    "signatures",
    "headers",
    "authorization",
    "max_per_second",
    "max_concurrency",
];

/// An endpoint to be added. [`wanted`] reads it.
#[derive(ToSchema)]
#[schema(example = json!(story::endpoint_wanted()))]
#[expect(
    dead_code,
    reason = "the document's description of a body that is read field by field"
)]
pub(super) struct EndpointBody {
    /// Where events are posted: http or https, a public address.
    #[schema(max_length = 2048)]
    url: String,
    /// What it wants to be told; all types that tell how calls go, also those yet to come, if none is named. Operational types are told to
    /// endpoints that name them only.
    #[schema(required = false, nullable)]
    event_types: Option<Vec<Filter>>,
    /// How its webhooks are signed: by `v1`, by `v1a`, or by both, which a receiver may verify by either. `v1` unless it is said.
    #[schema(required = false, nullable, min_items = 1, max_items = 2)]
    signatures: Option<Vec<Scheme>>,
    /// Headers of your own that go with every webhook: at most 20 with 8,192 bytes altogether. They are sealed, and never shown again.
    #[schema(required = false, nullable)]
    headers: Option<BTreeMap<String, String>>,
    /// A credential that goes with every webhook. It is sealed, and never shown again.
    #[schema(required = false, nullable)]
    authorization: Option<AuthorizationBody>,
    /// How many requests it takes in a second, at most.
    #[schema(required = false, nullable, minimum = 1, maximum = 1000)]
    max_per_second: Option<i32>,
    /// How many requests it takes at once, at most.
    #[schema(required = false, nullable, minimum = 1, maximum = 100)]
    max_concurrency: Option<i32>,
}

/// What is to be changed of an endpoint. [`change`] reads it.
#[derive(ToSchema)]
#[schema(example = json!({"event_types": ["call.*", "termination.failed"], "headers": {"x-tenant": "acme", "x-old": null}, "max_per_second": 20}))]
#[expect(
    dead_code,
    reason = "the document's description of a body that is read field by field"
)]
pub(super) struct EndpointPatch {
    /// Where events are posted. One that leads to another server needs its headers and its credential given again.
    #[schema(required = false, max_length = 2048)]
    url: String,
    /// What it wants to be told; null for all types that tell how calls go.
    #[schema(required = false, nullable)]
    event_types: Option<Vec<Filter>>,
    /// How its webhooks are signed; null for `v1`.
    #[schema(required = false, nullable, min_items = 1, max_items = 2)]
    signatures: Option<Vec<Scheme>>,
    /// Each header that is named is set, or taken away by null; the others stay. Null takes all of them away. What is shown in place of a
    /// value leaves it as it is.
    #[schema(required = false, nullable)]
    headers: Option<BTreeMap<String, Option<String>>>,
    /// Its credential; null takes it away.
    #[schema(required = false, nullable)]
    authorization: Option<AuthorizationBody>,
    /// How many requests it takes in a second, at most; null for as many as the service makes.
    #[schema(required = false, nullable, minimum = 1, maximum = 1000)]
    max_per_second: Option<i32>,
    /// How many requests it takes at once, at most; null for as many as the service makes.
    #[schema(required = false, nullable, minimum = 1, maximum = 100)]
    max_concurrency: Option<i32>,
}

/// A credential: `token` with `bearer`, `username` and `password` with `basic`.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the document's description of a body that is read field by field"
)]
pub(super) struct AuthorizationBody {
    /// `bearer` or `basic`.
    #[schema(rename = "type", pattern = "^(bearer|basic)$")]
    kind: String,
    /// The token, in printable ASCII.
    #[schema(required = false, min_length = 1, max_length = 4096)]
    token: String,
    /// The user, without a colon.
    #[schema(required = false, min_length = 1, max_length = 255)]
    username: String,
    /// The password.
    #[schema(required = false, min_length = 1, max_length = 4096)]
    password: String,
}

/// The endpoint that is asked for.
pub(super) fn wanted(body: &[u8]) -> Result<Settings, Error> {
    let fields = Fields::from_json(body)?;
    let mut reader = Reader::new(&fields);
    reader.only(&FIELDS);
    let url = reader.required("url", |field| Ok(field.text()?.to_owned()));
    let subscription = subscription(&mut reader);
    let signatures = signatures(&mut reader);
    let headers = headers(&mut reader, false);
    let max_per_second = reader.optional("max_per_second", per_second);
    let max_concurrency = reader.optional("max_concurrency", concurrency);
    reader.finish(url.map(|url| Settings {
        subscription: subscription.unwrap_or_default(),
        signatures: signatures.unwrap_or_else(|| vec![Scheme::V1]),
        headers,
        max_per_second,
        max_concurrency,
        ..Settings::to(url)
    }))
}

/// What is asked to be changed.
pub(super) fn change(body: &[u8]) -> Result<Change, Error> {
    let fields = Fields::from_json(body)?;
    let mut reader = Reader::new(&fields);
    reader.only(&FIELDS);
    let said = |name| fields.get(name).is_some();
    let url = said("url").then(|| reader.required("url", |field| Ok(field.text()?.to_owned())));
    let subscription = subscription(&mut reader);
    let signatures = signatures(&mut reader);
    let headers = headers(&mut reader, true);
    let max_per_second = reader.optional("max_per_second", per_second);
    let max_concurrency = reader.optional("max_concurrency", concurrency);
    let edit = |name, value: Option<i32>| {
        if said(name) {
            Edit::to(value)
        } else {
            Edit::Keep
        }
    };
    let change = Change {
        url: url.flatten(),
        subscription: said("event_types").then(|| subscription.unwrap_or_default()),
        signatures: said("signatures").then(|| signatures.unwrap_or_else(|| vec![Scheme::V1])),
        headers,
        max_per_second: edit("max_per_second", max_per_second),
        max_concurrency: edit("max_concurrency", max_concurrency),
    };
    reader.finish(Some(change))
}

fn per_second(field: &Field<'_>) -> Result<i32, Wrong> {
    field.whole(1, MAX_PER_SECOND_MAX)
}

fn concurrency(field: &Field<'_>) -> Result<i32, Wrong> {
    field.whole(1, MAX_CONCURRENCY_MAX)
}

/// What is to be told.
fn subscription(reader: &mut Reader<'_, '_>) -> Option<Subscription> {
    let named = reader.optional("event_types", Field::items)?;
    let mut filters = Vec::new();
    for (at, name) in named.iter().enumerate() {
        match name.as_str().and_then(|name| name.parse().ok()) {
            Some(filter) => filters.push(filter),
            None => reader.refuse(FieldError::invalid(format!("event_types[{at}]"), NotFilter)),
        }
    }
    Some(Subscription::to(filters))
}

/// The schemes that are asked for, each once and in one order.
fn signatures(reader: &mut Reader<'_, '_>) -> Option<Vec<Scheme>> {
    let named = reader.optional("signatures", Field::items)?;
    let told = "must be one of v1, v1a";
    let mut schemes = Vec::new();
    for (at, name) in named.iter().enumerate() {
        match name.as_str() {
            Some("v1") => schemes.push(Scheme::V1),
            Some("v1a") => schemes.push(Scheme::V1a),
            _ => reader.refuse(FieldError::invalid(format!("signatures[{at}]"), told)),
        }
    }
    if named.is_empty() {
        reader.refuse(FieldError::invalid("signatures", "must name one at least"));
    }
    schemes.sort_unstable();
    schemes.dedup();
    Some(schemes)
}

fn object(field: &Field<'_>) -> Result<Map<String, Value>, Wrong> {
    match field {
        Field::Nested(Value::Object(given)) => Ok(given.clone()),
        _ => Err(Wrong::wrong_type("an object")),
    }
}

/// What becomes of the headers and of the credential; a change may keep them and take them away.
fn headers(reader: &mut Reader<'_, '_>, may_edit: bool) -> HeadersChange {
    let mut change = HeadersChange {
        clear: matches!(reader.get("headers"), Some(Field::Null)),
        ..HeadersChange::default()
    };
    for (name, value) in reader.optional("headers", object).unwrap_or_default() {
        let field = format!("headers.{name}");
        let read = header_name(&name).and_then(|name| Ok((name, header(&value, may_edit)?)));
        match read {
            Ok((name, edit)) => {
                if change.set.insert(name, edit).is_some() {
                    reader.refuse(FieldError::invalid(field, "stands twice"));
                }
            }
            Err(wrong) => reader.refuse(FieldError::invalid(field, wrong)),
        }
    }
    change.authorization = match reader.get("authorization") {
        None => Edit::Keep,
        Some(Field::Null) => Edit::Clear,
        Some(_) => authorization(reader).map_or(Edit::Keep, Edit::Set),
    };
    change
}

fn header(value: &Value, may_edit: bool) -> Result<Edit<HeaderText>, NotHeader> {
    match value {
        Value::Null if may_edit => Ok(Edit::Clear),
        Value::String(text) if text == MASK && may_edit => Ok(Edit::Keep),
        Value::String(text) if text == MASK => Err(NotHeader::Masked),
        Value::String(text) => HeaderText::parse(text).map(Edit::Set),
        _ => Err(NotHeader::Value),
    }
}

fn authorization(reader: &mut Reader<'_, '_>) -> Option<Authorization> {
    let given = reader.optional("authorization", object)?;
    let kind = given.get("type").and_then(Value::as_str);
    let wanted: &[&str] = match kind {
        Some("bearer") => &["token"],
        Some("basic") => &["username", "password"],
        _ => {
            let told = "must be one of bearer, basic";
            reader.refuse(FieldError::invalid("authorization.type", told));
            return None;
        }
    };
    for name in given.keys().filter(|name| *name != "type") {
        if !wanted.contains(&name.as_str()) {
            let told = format!("is not known here; there is type, {}", wanted.join(", "));
            reader.refuse(FieldError::invalid(format!("authorization.{name}"), told));
        }
    }
    let mut read = wanted.iter().map(|name| {
        let text = given.get(*name).and_then(Value::as_str).unwrap_or_default();
        let read = credential(name, text);
        if let Err(told) = &read {
            let field = format!("authorization.{name}");
            reader.refuse(FieldError::invalid(field, told));
        }
        read.ok()
    });
    let (first, second) = (read.next().flatten(), read.next().flatten());
    match (kind, first, second) {
        (Some("bearer"), Some(token), _) => Some(Authorization::Bearer { token }),
        (_, Some(username), Some(password)) => Some(Authorization::Basic { username, password }),
        _ => None,
    }
}

fn credential(name: &str, text: &str) -> Result<String, String> {
    let (chars_max, colon) = match name {
        "username" => (255, false),
        _ => (CREDENTIAL_CHARS_MAX, true),
    };
    let printable = match name {
        "token" => text.bytes().all(|byte| (b'!'..=b'~').contains(&byte)),
        // They are sent in base64.
        _ => !text.chars().any(char::is_control),
    };
    if printable
        && (1..=chars_max).contains(&text.chars().count())
        && (colon || !text.contains(':'))
    {
        return Ok(text.to_owned());
    }
    Err(match name {
        "token" => format!("must be 1 to {chars_max} printable characters of ASCII without spaces"),
        "username" => {
            format!("must be 1 to {chars_max} characters without control characters and colons")
        }
        _ => format!("must be 1 to {chars_max} characters without control characters"),
    })
}
