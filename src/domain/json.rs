//! JSON that Postgres can hold and give back as it was: NUL passes every layer before the database and fails there, and a number
//! at the end of the range of a double comes back as one that is beyond it, with which no reader gets anywhere.

use serde_json::Value;

/// A number is no further from zero.
pub const NUMBER_MAX: f64 = 1e308;

/// Why JSON was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// A NUL character is in a text or a name.
    #[error("must not contain the NUL character")]
    Nul,
    /// A number is beyond [`NUMBER_MAX`].
    #[error("must not contain a number beyond 1e308")]
    Number,
}

/// Checks every name, text and number in it.
pub fn check(value: &Value) -> Result<(), JsonError> {
    match value {
        Value::String(text) => without_nul(text),
        Value::Number(number) if number.as_f64().is_some_and(|n| n.abs() > NUMBER_MAX) => {
            Err(JsonError::Number)
        }
        Value::Array(items) => items.iter().try_for_each(check),
        Value::Object(members) => members
            .iter()
            .try_for_each(|(name, value)| without_nul(name).and_then(|()| check(value))),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn without_nul(text: &str) -> Result<(), JsonError> {
    if text.contains('\0') {
        return Err(JsonError::Nul);
    }
    Ok(())
}
