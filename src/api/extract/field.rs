//! One value of a request and the ways to read it. Each refusal says what would be right.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

use crate::domain::{
    json,
    text::{Text, TextError},
};

/// A value as it was sent. Texts borrow from the body where they can.
#[derive(Debug, Clone, PartialEq)]
pub enum Field<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(Cow<'a, str>),
    /// An array or an object, in which no key stands twice.
    Nested(Value),
}

/// Why a value was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// A stable word: `invalid`, `too_long`, [`Wrong::TYPE`].
    pub code: &'static str,
    /// What would be right.
    pub message: String,
}

impl Wrong {
    /// The code for a value of another type than the field has.
    pub const TYPE: &'static str = "wrong_type";

    /// The value cannot be used.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self {
            code: "invalid",
            message: message.into(),
        }
    }

    /// The value is of another type than the field has.
    pub fn wrong_type(expected: &str) -> Self {
        Self {
            code: Self::TYPE,
            message: format!("must be {expected}"),
        }
    }
}

impl<E: std::error::Error> From<E> for Wrong {
    fn from(error: E) -> Self {
        Self::invalid(error.to_string())
    }
}

impl Field<'_> {
    /// Its text, without NUL.
    pub fn text(&self) -> Result<&str, Wrong> {
        match self {
            Self::Text(text) if text.contains('\0') => Err(TextError::Nul.into()),
            Self::Text(text) => Ok(text),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Nested(_) => {
                Err(Wrong::wrong_type("a string"))
            }
        }
    }

    /// Its text of at most `MAX` characters.
    pub fn text_max<const MAX: usize>(&self) -> Result<Text<MAX>, Wrong> {
        Text::parse(self.text()?).map_err(|error| Wrong {
            code: match error {
                TextError::Nul => "invalid",
                TextError::TooLong { .. } => "too_long",
            },
            message: error.to_string(),
        })
    }

    /// Its text of 1 to `MAX` characters, not only white space.
    pub fn words<const MAX: usize>(&self) -> Result<Text<MAX>, Wrong> {
        let text = self.text_max::<MAX>()?;
        if text.as_str().trim().is_empty() {
            return Err(Wrong::invalid("must not be empty"));
        }
        Ok(text)
    }

    /// What its text says.
    pub fn parse<T: FromStr<Err: fmt::Display>>(&self) -> Result<T, Wrong> {
        self.text()?
            .parse()
            .map_err(|error: T::Err| Wrong::invalid(error.to_string()))
    }

    /// The id that its text is, in the usual form with hyphens.
    pub fn uuid<T: From<uuid::Uuid>>(&self) -> Result<T, Wrong> {
        let text = self.text()?;
        uuid::Uuid::try_parse(text)
            .ok()
            .filter(|_| text.len() == 36)
            .map(T::from)
            .ok_or_else(|| Wrong::invalid("must be a UUID"))
    }

    /// The items of its list.
    pub fn items(&self) -> Result<Vec<Value>, Wrong> {
        match self {
            Self::Nested(Value::Array(items)) => Ok(items.clone()),
            Self::Nested(_) | Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) => {
                Err(Wrong::wrong_type("an array"))
            }
        }
    }

    /// The one of the allowed words that it is.
    pub fn one_of<T: Copy>(&self, allowed: &[(&str, T)]) -> Result<T, Wrong> {
        let text = self.text()?;
        allowed
            .iter()
            .find_map(|(word, value)| (*word == text).then_some(*value))
            .ok_or_else(|| {
                let words: Vec<&str> = allowed.iter().map(|(word, _)| *word).collect();
                Wrong::invalid(format!("must be one of {}", words.join(", ")))
            })
    }

    /// Its whole number within the bounds; `120.0` is whole.
    pub fn whole(&self, min: i32, max: i32) -> Result<i32, Wrong> {
        let Self::Number(number) = self else {
            return Err(Wrong::wrong_type("a number"));
        };
        // A float of this size prints exactly, and without an exponent.
        let whole = number.as_i64().or_else(|| {
            let float = number.as_f64().filter(|float| float.fract() == 0.0)?;
            format!("{float:.0}").parse().ok()
        });
        bounded(whole, min, max)
    }

    /// The whole number within the bounds that its text spells in digits.
    pub fn digits(&self, min: i32, max: i32) -> Result<i32, Wrong> {
        let text = self.text()?;
        let spelt = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        bounded(spelt.then(|| text.parse().ok()).flatten(), min, max)
    }

    /// Whether it is `true` or `false`.
    pub fn bool(&self) -> Result<bool, Wrong> {
        match self {
            Self::Bool(bool) => Ok(*bool),
            Self::Null | Self::Number(_) | Self::Text(_) | Self::Nested(_) => {
                Err(Wrong::wrong_type("true or false"))
            }
        }
    }

    /// Its object of at most `bytes_max` bytes as it is written, which the database can hold.
    pub fn object(&self, bytes_max: usize) -> Result<Value, Wrong> {
        let Self::Nested(object @ Value::Object(_)) = self else {
            return Err(Wrong::wrong_type("an object"));
        };
        let written = object.to_string();
        if written.len() > bytes_max {
            return Err(Wrong {
                code: "too_long",
                message: format!("must have at most {bytes_max} bytes"),
            });
        }
        json::without_nul(object)?;
        Ok(object.clone())
    }

    /// Whether it is a number.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Number(_))
    }

    /// It as JSON.
    pub fn into_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(bool) => Value::Bool(bool),
            Self::Number(number) => Value::Number(number),
            Self::Text(text) => Value::String(text.into_owned()),
            Self::Nested(value) => value,
        }
    }
}

fn bounded(whole: Option<i64>, min: i32, max: i32) -> Result<i32, Wrong> {
    whole
        .and_then(|whole| i32::try_from(whole).ok())
        .filter(|whole| (min..=max).contains(whole))
        .ok_or_else(|| Wrong::invalid(format!("must be a whole number from {min} to {max}")))
}

impl<'de> Deserialize<'de> for Field<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Field<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Field<'de>, E> {
        Ok(Field::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Field<'de>, E> {
        Ok(Field::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Field<'de>, E> {
        Ok(Field::Number(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Field<'de>, E> {
        Ok(Field::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Field<'de>, E> {
        Number::from_f64(value)
            .map(Field::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Field<'de>, E> {
        Ok(Field::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Field<'de>, E> {
        Ok(Field::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Field<'de>, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element::<Field<'_>>()? {
            array.push(item.into_value());
        }
        Ok(Field::Nested(Value::Array(array)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Field<'de>, A::Error> {
        let mut object = Map::new();
        while let Some((key, value)) = entries.next_entry::<String, Field<'_>>()? {
            if object.contains_key(&key) {
                return Err(de::Error::custom("a key stands twice in one object"));
            }
            object.insert(key, value.into_value());
        }
        Ok(Field::Nested(Value::Object(object)))
    }
}
