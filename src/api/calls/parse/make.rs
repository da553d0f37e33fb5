//! What `POST /calls/make-call` says. Pure.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    api::{
        error::{Error, FieldError},
        extract::{Field, Fields, Reader, Wrong},
    },
    domain::{dialled::DialledNumber, limits::CallLimits, text::Text},
};

/// The most variables of one call.
const VARIABLES_MAX: usize = 100;

/// The longest name of a variable, in characters.
const NAME_CHARS_MAX: usize = 128;

/// The longest value of a variable, in characters.
const VALUE_CHARS_MAX: usize = 4096;

/// A call that is to be placed.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The agent that will handle it.
    pub ai_agent_id: Uuid,
    /// The account's number.
    pub from: DialledNumber,
    /// Who is called.
    pub to: DialledNumber,
    /// What the agent is told; absent if nothing.
    pub variables: Option<Value>,
    /// The workspace, if one is named.
    pub workspace: Option<Text<100>>,
    /// How long it may last.
    pub limits: CallLimits,
}

/// Reads the body.
pub fn make_call(fields: &Fields<'_>) -> Result<Asked, Error> {
    let mut reader = Reader::new(fields);
    let ai_agent_id = reader.required("ai_agent_id", Field::uuid);
    let from = reader.required("call_from", Field::parse::<DialledNumber>);
    let to = reader.required("call_to", Field::parse::<DialledNumber>);
    let workspace = reader.optional("workspace", Field::words);
    let variables = variables(&mut reader);
    let limits = super::limits(&mut reader);
    let asked = match (ai_agent_id, from, to) {
        (Some(ai_agent_id), Some(from), Some(to)) => Some(Asked {
            ai_agent_id,
            from,
            to,
            variables,
            workspace,
            limits,
        }),
        (_, _, _) => None,
    };
    reader.finish(asked)
}

/// `[{"name", "value"}]` as an object. Each variable that is wrong is named by its place.
fn variables(reader: &mut Reader<'_, '_>) -> Option<Value> {
    let list = reader.optional("dynamic_variables", |field| match field {
        Field::Nested(Value::Array(list)) if list.len() <= VARIABLES_MAX => Ok(list.clone()),
        Field::Nested(Value::Array(_)) => Err(Wrong {
            code: "too_long",
            message: format!("must have at most {VARIABLES_MAX} variables"),
        }),
        _ => Err(Wrong::wrong_type("an array of {\"name\", \"value\"}")),
    })?;
    let mut read = Map::new();
    for (place, variable) in list.iter().enumerate() {
        let at = format!("dynamic_variables[{place}]");
        let Value::Object(variable) = variable else {
            reader.refuse(refusal(&at, Wrong::wrong_type("an object")));
            continue;
        };
        let name = keep(reader, &format!("{at}.name"), name(variable.get("name")));
        let value = keep(reader, &format!("{at}.value"), value(variable.get("value")));
        let (Some(name), Some(value)) = (name, value) else {
            continue;
        };
        if read.insert(name, value.into()).is_some() {
            let twice = Wrong::invalid("stands twice");
            reader.refuse(refusal(&format!("{at}.name"), twice));
        }
    }
    (!read.is_empty()).then_some(Value::Object(read))
}

fn keep<T>(reader: &mut Reader<'_, '_>, field: &str, read: Result<T, Option<Wrong>>) -> Option<T> {
    match read {
        Ok(value) => Some(value),
        Err(Some(wrong)) => {
            reader.refuse(refusal(field, wrong));
            None
        }
        Err(None) => {
            reader.refuse(FieldError::missing(field));
            None
        }
    }
}

fn name(given: Option<&Value>) -> Result<String, Option<Wrong>> {
    let name = text(given)?.words::<NAME_CHARS_MAX>()?.into_string();
    if name.contains(char::is_whitespace) {
        return Err(Some(Wrong::invalid("must have no spaces")));
    }
    Ok(name)
}

fn value(given: Option<&Value>) -> Result<String, Option<Wrong>> {
    let value = text(given)?.text_max::<VALUE_CHARS_MAX>()?.into_string();
    if value.is_empty() {
        return Err(Some(Wrong::invalid("must not be empty")));
    }
    Ok(value)
}

/// A member that is a text; nothing wrong with it but that it is not there is no `Wrong`.
fn text(given: Option<&Value>) -> Result<Field<'_>, Option<Wrong>> {
    match given {
        None | Some(Value::Null) => Err(None),
        Some(Value::String(text)) => Ok(Field::Text(text.into())),
        Some(_) => Err(Some(Wrong::wrong_type("a string"))),
    }
}

fn refusal(field: &str, wrong: Wrong) -> FieldError {
    FieldError {
        field: field.to_owned(),
        code: wrong.code,
        message: wrong.message,
    }
}
