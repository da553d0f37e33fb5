//! The ends of a call: numbers as they were sent, with E.164 beside them where it can be read, and e-mail addresses.

use std::{fmt, str::FromStr};

use super::text::{Text, TextError};

mod e164;

pub use e164::{E164, NotE164};

/// A party's number as it was sent (1..255 characters), plus its E.164 form where it has one.
///
/// Syntax only: published examples are numbers that no numbering plan knows, and `anonymous`, short codes and SIP URIs
/// are real callers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartyNumber {
    raw: Text<255>,
    e164: Option<E164>,
}

/// Why a number was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PartyNumberError {
    /// Nothing in it.
    #[error("must not be empty")]
    Empty,
    /// Not text that can be kept.
    #[error(transparent)]
    Text(#[from] TextError),
}

impl PartyNumber {
    /// Keeps a number as sent, and its E.164 form where one can be read.
    pub fn parse(raw: impl Into<String>) -> Result<Self, PartyNumberError> {
        let raw = Text::<255>::parse(raw)?;
        if raw.as_str().trim().is_empty() {
            return Err(PartyNumberError::Empty);
        }
        let e164 = E164::read(raw.as_str());
        Ok(Self { raw, e164 })
    }

    /// A number as the store has it, or one whose E.164 form was told beside it: a form that is not E.164 is none.
    pub fn kept(raw: impl Into<String>, e164: Option<&str>) -> Result<Self, PartyNumberError> {
        let mut kept = Self::parse(raw)?;
        if let Some(known) = e164.and_then(|text| text.parse().ok()) {
            kept.e164 = Some(known);
        }
        Ok(kept)
    }

    /// The number as it was sent.
    pub fn raw(&self) -> &str {
        self.raw.as_str()
    }

    /// The number as E.164.
    pub fn e164(&self) -> Option<&E164> {
        self.e164.as_ref()
    }
}

impl From<E164> for PartyNumber {
    fn from(number: E164) -> Self {
        let raw = Text::parse(number.as_str()).expect("E.164 has at most 16 characters");
        Self {
            raw,
            e164: Some(number),
        }
    }
}

impl fmt::Debug for PartyNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PartyNumber(…)")
    }
}

/// An e-mail address (RFC 5321 syntax), at most 254 characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Email(String);

/// The text is not an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an e-mail address, such as user@example.com")]
pub struct NotEmail;

impl Email {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = NotEmail;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = !text.contains(['\0', '<', '>', '"']) && text.len() <= 254;
        if plain && email_address::EmailAddress::is_valid(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotEmail)
        }
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::Email;

    #[test]
    fn addresses_without_a_domain_are_refused() {
        assert!("user@example.com".parse::<Email>().is_ok());
        assert!("user".parse::<Email>().is_err());
        assert!("a\0@example.com".parse::<Email>().is_err());
    }
}
