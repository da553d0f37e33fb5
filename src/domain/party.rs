//! The ends of a call: numbers as they were sent, with E.164 beside them where it can be read, and e-mail addresses.

use std::{fmt, str::FromStr};

use super::text::{Text, TextError};

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
    /// Keeps a number as sent and normalises it if it reads as E.164.
    pub fn parse(raw: impl Into<String>) -> Result<Self, PartyNumberError> {
        let raw = Text::<255>::parse(raw)?;
        if raw.as_str().trim().is_empty() {
            return Err(PartyNumberError::Empty);
        }
        let e164 = E164::normalise(raw.as_str());
        Ok(Self { raw, e164 })
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

/// A number of the form `^\+[1-9]\d{1,14}$`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct E164(String);

/// The text is not E.164.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be in E.164 format, such as +14155550148")]
pub struct NotE164;

impl E164 {
    /// Reads a number that people write with separators, `tel:` or `00` for the plus sign.
    fn normalise(raw: &str) -> Option<Self> {
        let text = raw.trim();
        let text = text.strip_prefix("tel:").unwrap_or(text);
        let compact: String = text
            .chars()
            .filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')' | '\u{a0}'))
            .collect();
        let compact = match compact.strip_prefix("00") {
            Some(rest) => format!("+{rest}"),
            None => compact,
        };
        compact.parse().ok()
    }

    /// The number.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for E164 {
    type Err = NotE164;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('+').ok_or(NotE164)?;
        let valid = (2..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotE164)
        }
    }
}

impl fmt::Debug for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("E164(…)")
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
    use super::{E164, Email, PartyNumber};

    #[test]
    fn numbers_are_kept_as_sent_and_normalised_where_possible() {
        for (raw, e164) in [
            ("+1234567890", Some("+1234567890")),
            ("+1 (415) 555-0148", Some("+14155550148")),
            ("0044 20 7946 0000", Some("+442079460000")),
            ("tel:+14155550148", Some("+14155550148")),
            ("4155550148", None),
            ("anonymous", None),
            ("sip:bob@pbx.example", None),
        ] {
            let number = PartyNumber::parse(raw).unwrap();
            assert_eq!(number.raw(), raw);
            assert_eq!(number.e164().map(E164::as_str), e164, "{raw}");
        }
        assert!(PartyNumber::parse("  ").is_err());
        assert!(PartyNumber::parse("1".repeat(256)).is_err());
    }

    #[test]
    fn addresses_without_a_domain_are_refused() {
        assert!("user@example.com".parse::<Email>().is_ok());
        assert!("user".parse::<Email>().is_err());
        assert!("a\0@example.com".parse::<Email>().is_err());
    }
}
