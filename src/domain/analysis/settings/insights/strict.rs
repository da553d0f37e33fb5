//! Makes a JSON schema strict: the subset that the servers of language models understand alike, every property required,
//! what was optional nullable, nothing besides. A keyword outside of the subset is refused, for a server may ignore it silently.

use serde_json::{Map, Value, json};

use super::{CHOICES_MAX, DEPTH_MAX, DESCRIPTION_CHARS_MAX, FIELDS_MAX, is_name};

/// The keywords of the subset.
const KEYWORDS: [&str; 8] = [
    "additionalProperties",
    "description",
    "enum",
    "items",
    "properties",
    "required",
    "title",
    "type",
];
const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];

/// Something in a schema that cannot stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    /// Its path, from a dot on: `.properties.age`.
    pub(super) path: String,
    /// What would be right.
    pub(super) message: String,
}

/// The strict schema, or everything that is wrong.
pub(super) fn strict(schema: &Value) -> Result<Value, Vec<Wrong>> {
    let mut reading = Reading {
        wrong: Vec::new(),
        fields: 0,
    };
    let made = reading.node(schema, "", 1);
    if schema.get("type").and_then(Value::as_str) != Some("object") && reading.wrong.is_empty() {
        reading.refuse(".type", "must be `object`");
    }
    if reading.fields > FIELDS_MAX {
        let message = format!("must have at most {FIELDS_MAX} properties in all");
        reading.refuse("", &message);
    }
    if reading.wrong.is_empty() {
        Ok(made)
    } else {
        Err(reading.wrong)
    }
}

struct Reading {
    wrong: Vec<Wrong>,
    fields: usize,
}

impl Reading {
    fn refuse(&mut self, path: &str, message: &str) {
        self.wrong.push(Wrong {
            path: path.to_owned(),
            message: message.to_owned(),
        });
    }

    fn node(&mut self, schema: &Value, path: &str, depth: usize) -> Value {
        let Value::Object(keywords) = schema else {
            self.refuse(path, "must be an object");
            return Value::Null;
        };
        if depth > DEPTH_MAX {
            let message = format!("must not be deeper than {DEPTH_MAX} levels");
            self.refuse(path, &message);
            return Value::Null;
        }
        for keyword in keywords.keys() {
            if !KEYWORDS.contains(&keyword.as_str()) {
                let message = format!("is not known here; known are {}", KEYWORDS.join(", "));
                self.refuse(&format!("{path}.{keyword}"), &message);
            }
        }
        let mut made = Map::new();
        self.texts(keywords, path, &mut made);
        let Some((kind, nullable)) = self.kind(keywords, path) else {
            return Value::Null;
        };
        let kinds = if nullable {
            json!([kind, "null"])
        } else {
            json!(kind)
        };
        made.insert("type".to_owned(), kinds);
        self.choices(keywords, path, &mut made);
        self.beside(keywords, path, kind);
        match kind {
            "object" => self.object(keywords, (path, depth), &mut made),
            "array" => self.array(keywords, (path, depth), &mut made),
            _ => {}
        }
        Value::Object(made)
    }

    fn texts(&mut self, keywords: &Map<String, Value>, path: &str, made: &mut Map<String, Value>) {
        for name in ["title", "description"] {
            match keywords.get(name) {
                None => {}
                Some(Value::String(text))
                    if text.chars().count() <= DESCRIPTION_CHARS_MAX && !text.contains('\0') =>
                {
                    made.insert(name.to_owned(), json!(text));
                }
                Some(_) => {
                    let message =
                        format!("must be a text of at most {DESCRIPTION_CHARS_MAX} characters");
                    self.refuse(&format!("{path}.{name}"), &message);
                }
            }
        }
    }

    /// The type, and whether it may be null.
    fn kind(&mut self, keywords: &Map<String, Value>, path: &str) -> Option<(&'static str, bool)> {
        let known = |kind: &Value| TYPES.into_iter().find(|known| kind == known);
        let kind = match keywords.get("type") {
            Some(Value::Array(kinds)) => match kinds.as_slice() {
                [kind, null] if null == "null" => known(kind).map(|kind| (kind, true)),
                [null, kind] if null == "null" => known(kind).map(|kind| (kind, true)),
                _ => None,
            },
            Some(kind) => known(kind).map(|kind| (kind, false)),
            None => None,
        };
        if kind.is_none() {
            let message = format!(
                "must be one of {}, or a list of one of them and `null`",
                TYPES.join(", ")
            );
            self.refuse(&format!("{path}.type"), &message);
        }
        kind
    }

    fn choices(
        &mut self,
        keywords: &Map<String, Value>,
        path: &str,
        made: &mut Map<String, Value>,
    ) {
        let Some(choices) = keywords.get("enum") else {
            return;
        };
        let fits = |choice: &Value| match choice {
            Value::String(text) => {
                text.chars().count() <= DESCRIPTION_CHARS_MAX && !text.contains('\0')
            }
            Value::Number(_) | Value::Bool(_) | Value::Null => true,
            Value::Array(_) | Value::Object(_) => false,
        };
        match choices {
            Value::Array(values)
                if (1..=CHOICES_MAX).contains(&values.len()) && values.iter().all(fits) =>
            {
                made.insert("enum".to_owned(), choices.clone());
            }
            _ => {
                let message =
                    format!("must be a list of 1 to {CHOICES_MAX} texts, numbers or flags");
                self.refuse(&format!("{path}.enum"), &message);
            }
        }
    }

    /// Keywords that do not go with the type.
    fn beside(&mut self, keywords: &Map<String, Value>, path: &str, kind: &str) {
        for (keyword, of) in [
            ("properties", "object"),
            ("required", "object"),
            ("additionalProperties", "object"),
            ("items", "array"),
        ] {
            if keywords.contains_key(keyword) && kind != of {
                let message = format!("goes with the type {of} alone");
                self.refuse(&format!("{path}.{keyword}"), &message);
            }
        }
    }

    fn object(
        &mut self,
        keywords: &Map<String, Value>,
        (path, depth): (&str, usize),
        made: &mut Map<String, Value>,
    ) {
        if keywords
            .get("additionalProperties")
            .is_some_and(|more| more != false)
        {
            self.refuse(&format!("{path}.additionalProperties"), "must be false");
        }
        let Some(Value::Object(properties)) = keywords.get("properties") else {
            self.refuse(&format!("{path}.properties"), "must be an object");
            return;
        };
        let required = self.required(keywords, path, properties);
        if properties.is_empty() {
            self.refuse(
                &format!("{path}.properties"),
                "must have at least one property",
            );
        }
        self.fields += properties.len();
        let mut strict = Map::new();
        for (name, property) in properties {
            let below = format!("{path}.properties.{name}");
            if !is_name(name) {
                let message = "must have a name of 1 to 64 letters, digits, `_` and `-`";
                self.refuse(&below, message);
            }
            let mut property = self.node(property, &below, depth + 1);
            if !required.contains(&name.as_str()) {
                make_nullable(&mut property);
            }
            strict.insert(name.clone(), property);
        }
        made.insert("required".to_owned(), strict.keys().cloned().collect());
        made.insert("properties".to_owned(), Value::Object(strict));
        made.insert("additionalProperties".to_owned(), json!(false));
    }

    fn required<'a>(
        &mut self,
        keywords: &'a Map<String, Value>,
        path: &str,
        properties: &Map<String, Value>,
    ) -> Vec<&'a str> {
        let names = match keywords.get("required") {
            None => return Vec::new(),
            Some(Value::Array(names)) => names.iter().map(Value::as_str).collect(),
            Some(_) => None,
        };
        let names: Option<Vec<&str>> = names;
        let known = names.filter(|names| names.iter().all(|name| properties.contains_key(*name)));
        known.unwrap_or_else(|| {
            let message = "must be a list of names of the properties";
            self.refuse(&format!("{path}.required"), message);
            Vec::new()
        })
    }

    fn array(
        &mut self,
        keywords: &Map<String, Value>,
        (path, depth): (&str, usize),
        made: &mut Map<String, Value>,
    ) {
        let path = format!("{path}.items");
        match keywords.get("items") {
            Some(items) => {
                let items = self.node(items, &path, depth + 1);
                made.insert("items".to_owned(), items);
            }
            None => self.refuse(&path, "is required for an array"),
        }
    }
}

/// What was optional may be null.
fn make_nullable(schema: &mut Value) {
    let Value::Object(keywords) = schema else {
        return;
    };
    if let Some(Value::String(kind)) = keywords.get("type") {
        let kinds = json!([kind, "null"]);
        keywords.insert("type".to_owned(), kinds);
    }
    if let Some(Value::Array(choices)) = keywords.get_mut("enum")
        && !choices.contains(&Value::Null)
    {
        choices.push(Value::Null);
    }
}
