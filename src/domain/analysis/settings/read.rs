//! Reads an object of JSON field by field and keeps everything that is wrong with it, each by its path.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr};

use serde_json::{Map, Value};

use crate::domain::fault::Fault;

/// Reads the whole of a body, which must be an object. Either what `read` made, or every fault.
pub fn whole<T>(body: &Value, read: impl FnOnce(&mut Object<'_>) -> T) -> Result<T, Vec<Fault>> {
    let mut faults = Vec::new();
    let Value::Object(fields) = body else {
        return Err(vec![invalid("body", "must be an object")]);
    };
    let made = read(&mut Object {
        path: String::new(),
        fields,
        faults: &mut faults,
    });
    if faults.is_empty() {
        Ok(made)
    } else {
        Err(faults)
    }
}

/// An object within the body. An absent field and `null` are the same: not said.
#[derive(Debug)]
pub struct Object<'a> {
    path: String,
    fields: &'a Map<String, Value>,
    faults: &'a mut Vec<Fault>,
}

impl Object<'_> {
    /// Refuses every field but these.
    pub fn only(&mut self, names: &[&str]) {
        for name in self.fields.keys() {
            if !names.contains(&name.as_str()) {
                let fault = Fault {
                    field: self.path_of(name),
                    code: "unknown",
                    message: format!("is not known here; known are {}", names.join(", ")),
                };
                self.faults.push(fault);
            }
        }
    }

    /// Refuses a field for a reason.
    pub fn refuse(&mut self, name: &str, message: impl Display) {
        let fault = invalid(self.path_of(name), message);
        self.faults.push(fault);
    }

    /// A field as it stands.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    /// `true` or `false`.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        let value = self.value(name)?.as_bool();
        self.expect(name, value, "must be true or false")
    }

    /// A whole number within bounds.
    pub fn number<N: TryFrom<u64> + Into<u64> + Copy>(
        &mut self,
        name: &str,
        bounds: RangeInclusive<N>,
    ) -> Option<N> {
        let (least, most): (u64, u64) = ((*bounds.start()).into(), (*bounds.end()).into());
        let value = self.value(name)?.as_u64();
        let value = value.filter(|value| (least..=most).contains(value));
        let value = value.and_then(|value| N::try_from(value).ok());
        let expected = format!("must be a whole number from {least} to {most}");
        self.expect(name, value, &expected)
    }

    /// A text of 1 to `max` characters that is not blank and has no control characters.
    pub fn text(&mut self, name: &str, max: usize) -> Option<String> {
        let text = self.value(name)?.as_str().and_then(|text| plain(text, max));
        let text = text.map(str::to_owned);
        self.expect(name, text, &expected_text(max))
    }

    /// A word that stands for a value.
    pub fn word<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        let read = match self.value(name)?.as_str().map(str::parse) {
            Some(Ok(value)) => return Some(value),
            Some(Err(wrong)) => T::Err::to_string(&wrong),
            None => "must be a string".to_owned(),
        };
        self.refuse(name, read);
        None
    }

    /// Texts, each of 1 to `chars` characters, at most `max` of them.
    pub fn texts(&mut self, name: &str, max: usize, chars: usize) -> Option<Vec<String>> {
        let items = self.items(name, max)?;
        let mut texts = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            match item.as_str().and_then(|text| plain(text, chars)) {
                Some(text) => texts.push(text.to_owned()),
                None => self.refuse(&format!("{name}[{at}]"), expected_text(chars)),
            }
        }
        Some(texts)
    }

    /// An object within this one.
    pub fn object<T>(&mut self, name: &str, read: impl FnOnce(&mut Object<'_>) -> T) -> Option<T> {
        let value = self.value(name)?.clone();
        self.nested(name, &value, read)
    }

    /// Objects, at most `max` of them.
    pub fn objects<T>(
        &mut self,
        name: &str,
        max: usize,
        mut read: impl FnMut(&mut Object<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let items = self.items(name, max)?;
        let mut made = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            made.extend(
                self.nested(&format!("{name}[{at}]"), item, &mut read)
                    .flatten(),
            );
        }
        Some(made)
    }

    fn nested<T>(
        &mut self,
        name: &str,
        value: &Value,
        read: impl FnOnce(&mut Object<'_>) -> T,
    ) -> Option<T> {
        let Value::Object(fields) = value else {
            self.refuse(name, "must be an object");
            return None;
        };
        Some(read(&mut Object {
            path: self.path_of(name),
            fields,
            faults: &mut *self.faults,
        }))
    }

    fn items(&mut self, name: &str, max: usize) -> Option<Vec<Value>> {
        let items = self
            .value(name)?
            .as_array()
            .filter(|items| items.len() <= max);
        let items = items.cloned();
        self.expect(name, items, &format!("must be a list of at most {max}"))
    }

    fn expect<T>(&mut self, name: &str, value: Option<T>, expected: &str) -> Option<T> {
        if value.is_none() {
            self.refuse(name, expected);
        }
        value
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }
}

fn invalid(field: impl Into<String>, message: impl Display) -> Fault {
    Fault {
        field: field.into(),
        code: "invalid",
        message: message.to_string(),
    }
}

fn plain(text: &str, max: usize) -> Option<&str> {
    let fits = (1..=max).contains(&text.chars().count());
    let says = !text.trim().is_empty() && !text.chars().any(char::is_control);
    Some(text).filter(|_| fits && says)
}

fn expected_text(max: usize) -> String {
    format!("must be a text of 1 to {max} characters, not blank, without control characters")
}
