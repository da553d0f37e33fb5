//! The named values of a request, from a JSON object or a form, in which no name stands twice.

use std::{borrow::Cow, fmt};

use percent_encoding::percent_decode;
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};

use crate::api::error::{Code, Error};

use super::Field;

/// More names than any request of ours has, and few enough to be searched one by one.
pub(super) const NAMES_MAX: usize = 128;

/// The named values of a request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fields<'a>(Vec<(Cow<'a, str>, Field<'a>)>);

/// Why a form cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// Escapes that are no UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// A name stands twice.
    #[error("a name stands twice")]
    Twice,
    /// Too many names.
    #[error("it has more than {NAMES_MAX} names")]
    TooMany,
}

impl<'a> Fields<'a> {
    /// Reads a JSON object.
    pub fn from_json(body: &'a [u8]) -> Result<Self, Error> {
        serde_json::from_slice(body).map_err(|error| {
            Error::new(
                Code::MalformedBody,
                format!("the body cannot be read: {error}"),
            )
        })
    }

    /// Reads a form.
    pub fn from_form(body: &[u8]) -> Result<Self, Error> {
        Self::from_urlencoded(body).map_err(|error| {
            Error::new(
                Code::MalformedBody,
                format!("the form cannot be read: {error}"),
            )
        })
    }

    /// Reads `name=value&…`. Unlike the usual decoders it refuses bytes that are no UTF-8 instead of replacing them.
    pub fn from_urlencoded(text: &[u8]) -> Result<Self, FormError> {
        let mut fields = Self::default();
        for pair in pairs(text) {
            let (name, value) = pair?;
            fields.push_text(name, value)?;
        }
        Ok(fields)
    }

    /// The same without the values that say nothing: `null` and the empty text.
    #[must_use]
    pub fn without_empty(mut self) -> Self {
        self.0.retain(|(_, field)| match field {
            Field::Null => false,
            Field::Text(text) => !text.is_empty(),
            Field::Bool(_) | Field::Number(_) | Field::Nested(_) => true,
        });
        self
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&Field<'a>> {
        self.0
            .iter()
            .find_map(|(known, field)| (known == name).then_some(field))
    }

    /// Every name that has a value.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_ref())
    }

    pub(super) fn push_text(&mut self, name: String, value: String) -> Result<(), FormError> {
        self.push(Cow::Owned(name), Field::Text(Cow::Owned(value)))
    }

    fn push(&mut self, name: Cow<'a, str>, field: Field<'a>) -> Result<(), FormError> {
        if self.get(&name).is_some() {
            return Err(FormError::Twice);
        }
        if self.0.len() == NAMES_MAX {
            return Err(FormError::TooMany);
        }
        self.0.push((name, field));
        Ok(())
    }
}

/// Each `name=value`, decoded.
pub(super) fn pairs(text: &[u8]) -> impl Iterator<Item = Result<(String, String), FormError>> {
    let pairs = text.split(|byte| *byte == b'&').filter(|p| !p.is_empty());
    pairs.map(|pair| {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let name = decode(halves.next().unwrap_or_default())?;
        let value = decode(halves.next().unwrap_or_default())?;
        Ok((name, value))
    })
}

fn decode(text: &[u8]) -> Result<String, FormError> {
    let spaced: Vec<u8> = text
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    percent_decode(&spaced)
        .decode_utf8()
        .map(Cow::into_owned)
        .map_err(|_invalid| FormError::NotUtf8)
}

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Fields::default();
        while let Some((Name(name), field)) = entries.next_entry()? {
            fields.push(name, field).map_err(de::Error::custom)?;
        }
        Ok(fields)
    }
}
