//! JSON that Postgres can hold: NUL passes every layer before the database and fails there.

use serde_json::Value;

use super::text::TextError;

/// Errs if a NUL is in any name or text of it.
pub fn without_nul(value: &Value) -> Result<(), TextError> {
    match value {
        Value::String(text) => check(text),
        Value::Array(items) => items.iter().try_for_each(without_nul),
        Value::Object(members) => members
            .iter()
            .try_for_each(|(name, value)| check(name).and_then(|()| without_nul(value))),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn check(text: &str) -> Result<(), TextError> {
    if text.contains('\0') {
        return Err(TextError::Nul);
    }
    Ok(())
}
