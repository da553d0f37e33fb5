//! What an account wants a language model to say of its calls: whether at all, and fields of its own.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::read::Object;

mod strict;

/// The most fields of an account's own, those within others counted.
pub const FIELDS_MAX: usize = 50;
/// How deep a schema may go; the whole is the first level.
pub const DEPTH_MAX: usize = 5;
/// The most values of one enum.
pub const CHOICES_MAX: usize = 100;
/// The most characters of a description, a choice or a title.
pub const DESCRIPTION_CHARS_MAX: usize = 1_000;
/// The most characters of a field's name.
pub const NAME_CHARS_MAX: usize = 64;

/// What an account wants a language model to say of its calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct InsightSettings {
    /// Whether the server's language model is asked, where it has one. It sees the redacted transcript.
    #[schema(default = true)]
    pub enabled: bool,
    /// Fields that the model fills in besides its own: `structured_data` has them.
    #[schema(max_items = 50)]
    pub fields: Vec<InsightField>,
    /// A JSON schema in place of `fields`, as it was made strict: every property required, and null where it was not.
    #[schema(value_type = Option<Object>)]
    pub schema: Option<Value>,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InsightFieldType {
    /// A text.
    String,
    /// One of `choices`.
    Enum,
    /// Yes or no.
    Boolean,
    /// A number.
    Number,
}

/// A field of the account's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InsightField {
    /// Its name: letters, digits, `_` and `-`.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    pub name: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: InsightFieldType,
    /// What the model is told about it.
    #[schema(min_length = 1, max_length = 1_000)]
    pub description: String,
    /// What an `enum` may be; empty for others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 100)]
    pub choices: Vec<String>,
    /// Whether it must have a value; else it may be null.
    #[serde(default)]
    pub required: bool,
}

impl Default for InsightSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            fields: Vec::new(),
            schema: None,
        }
    }
}

impl InsightSettings {
    /// Reads the part of a body.
    pub(super) fn read(object: &mut Object<'_>) -> Self {
        object.only(&["enabled", "fields", "schema"]);
        let enabled = object.flag("enabled").unwrap_or(true);
        let fields = object.objects("fields", FIELDS_MAX, field);
        let fields = fields.unwrap_or_default();
        let mut names = BTreeSet::new();
        for (at, field) in fields.iter().enumerate() {
            if !names.insert(field.name.as_str()) {
                object.refuse(
                    &format!("fields[{at}].name"),
                    "is the name of another field",
                );
            }
        }
        let schema = object.value("schema").cloned();
        let schema = schema.and_then(|schema| {
            if !fields.is_empty() {
                object.refuse("schema", "must not be given beside `fields`");
            }
            match strict::strict(&schema) {
                Ok(schema) => Some(schema),
                Err(faults) => {
                    for fault in faults {
                        object.refuse(&format!("schema{}", fault.path), fault.message);
                    }
                    None
                }
            }
        });
        Self {
            enabled,
            fields,
            schema,
        }
    }

    /// The strict schema of the account's own fields; `None` if it has none.
    pub fn custom_schema(&self) -> Option<Value> {
        if let Some(schema) = &self.schema {
            return Some(schema.clone());
        }
        if self.fields.is_empty() {
            return None;
        }
        let properties: Map<String, Value> = self
            .fields
            .iter()
            .map(|field| (field.name.clone(), field.schema()))
            .collect();
        let names: Vec<&str> = self
            .fields
            .iter()
            .map(|field| field.name.as_str())
            .collect();
        Some(json!({
            "type": "object", "properties": properties, "required": names, "additionalProperties": false,
        }))
    }
}

impl InsightField {
    fn schema(&self) -> Value {
        let kind = match self.kind {
            InsightFieldType::String | InsightFieldType::Enum => "string",
            InsightFieldType::Boolean => "boolean",
            InsightFieldType::Number => "number",
        };
        let mut schema = Map::new();
        schema.insert("description".to_owned(), json!(self.description));
        let kinds = if self.required {
            json!(kind)
        } else {
            json!([kind, "null"])
        };
        schema.insert("type".to_owned(), kinds);
        if self.kind == InsightFieldType::Enum {
            let choices = self.choices.iter().map(|choice| json!(choice));
            let none = (!self.required).then_some(Value::Null);
            schema.insert("enum".to_owned(), choices.chain(none).collect());
        }
        Value::Object(schema)
    }
}

fn field(object: &mut Object<'_>) -> Option<InsightField> {
    object.only(&["name", "type", "description", "choices", "required"]);
    let name = required(object, "name").and_then(|()| object.text("name", NAME_CHARS_MAX));
    if name.as_deref().is_some_and(|name| !is_name(name)) {
        object.refuse("name", "must be of letters, digits, `_` and `-`");
    }
    let description = required(object, "description")
        .and_then(|()| object.text("description", DESCRIPTION_CHARS_MAX));
    let kind = required(object, "type").and_then(|()| kind(object));
    let choices = object.texts("choices", CHOICES_MAX, DESCRIPTION_CHARS_MAX);
    let choices = choices.unwrap_or_default();
    let different: BTreeSet<&String> = choices.iter().collect();
    match kind {
        Some(InsightFieldType::Enum) if choices.is_empty() => {
            object.refuse("choices", "is required for an enum");
        }
        Some(InsightFieldType::Enum) if different.len() < choices.len() => {
            object.refuse("choices", "must not say anything twice");
        }
        Some(InsightFieldType::Enum) | None => {}
        Some(_) if !choices.is_empty() => object.refuse("choices", "is for an enum alone"),
        Some(_) => {}
    }
    Some(InsightField {
        name: name?,
        kind: kind?,
        description: description?,
        choices,
        required: object.flag("required").unwrap_or(false),
    })
}

fn required(object: &mut Object<'_>, name: &str) -> Option<()> {
    if object.value(name).is_none() {
        object.refuse(name, "is required");
        return None;
    }
    Some(())
}

fn kind(object: &mut Object<'_>) -> Option<InsightFieldType> {
    let kind = object.value("type").cloned();
    let kind = kind.and_then(|kind| serde_json::from_value(kind).ok());
    if kind.is_none() {
        object.refuse("type", "must be `string`, `enum`, `boolean` or `number`");
    }
    kind
}

/// Whether it may be the name of a property.
fn is_name(name: &str) -> bool {
    (1..=NAME_CHARS_MAX).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}
