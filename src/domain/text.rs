//! Text that Postgres can hold: bounded, and without NUL, which passes every layer before the database and fails there.

use std::fmt;

/// Text of at most `MAX` characters, without NUL.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Text<const MAX: usize>(String);

/// Why a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// A NUL character is in it.
    #[error("must not contain the NUL character")]
    Nul,
    /// It is longer than allowed.
    #[error("must have at most {max} characters")]
    TooLong {
        /// The bound, in characters.
        max: usize,
    },
}

impl<const MAX: usize> Text<MAX> {
    /// Checks a text.
    pub fn parse(text: impl Into<String>) -> Result<Self, TextError> {
        let text = text.into();
        if text.contains('\0') {
            return Err(TextError::Nul);
        }
        if text.chars().nth(MAX).is_some() {
            return Err(TextError::TooLong { max: MAX });
        }
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, owned.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl<const MAX: usize> TryFrom<String> for Text<MAX> {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(text)
    }
}

/// As a text is: without a copy of it.
impl<const MAX: usize> serde::Serialize for Text<MAX> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<const MAX: usize> From<Text<MAX>> for String {
    fn from(text: Text<MAX>) -> Self {
        text.0
    }
}

impl<const MAX: usize> fmt::Debug for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::{Text, TextError};

    #[test]
    fn nul_and_excess_are_refused() {
        assert_eq!(Text::<3>::parse("a\0"), Err(TextError::Nul));
        assert_eq!(Text::<3>::parse("ééé").unwrap().as_str(), "ééé");
        assert_eq!(Text::<3>::parse("abcd"), Err(TextError::TooLong { max: 3 }));
    }
}
